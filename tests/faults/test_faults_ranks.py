"""The short version of `fault_ranks`, and what an unfinished file is gone on with by."""

from collections import Counter

import fault_ranks
import h5py
import numpy as np
import pytest
from killed import run

from pipeline.core.errors import InputError
from pipeline.store.recovery import Written, growing


def alone(own):
    return [own]


def write_series(path, rows: int) -> dict[str, np.ndarray]:
    """A file with the series of a run: frames in three chunks each, one of them packed, and times in chunks of four."""
    values = np.random.default_rng([rows]).random((rows, 10))
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        for name, more in (("depth", {}), ("packed", {"compression": "gzip"})):
            data = file.create_dataset(f"fields/{name}", (0, 10), "f4", maxshape=(None, 10), chunks=(1, 4), **more)
            data.resize((rows, 10))
            data[...] = values
        time = file.create_dataset("time", (0,), "f4", maxshape=(None,), chunks=(4,))
        time.resize((rows,))
        time[...] = values[:, 0]
    return {"fields/depth": values.astype("f4"), "fields/packed": values.astype("f4"), "time": values[:, 0].astype("f4")}


def noted(path) -> Written:
    written = Written()
    with h5py.File(path, "r") as file:
        written.note(file, lead=True, share=(0, 1), gather=alone)
    return written


@pytest.mark.parametrize("rows", [1, 4, 7])
def test_chunks_are_copied_without_the_metadata_of_their_file(tmp_path, rows):
    values = write_series(tmp_path / "old.h5", rows)
    written = noted(tmp_path / "old.h5")
    with open(tmp_path / "old.h5", "r+b") as raw:
        raw.write(b"\0" * 48)  # not even a superblock is left
    write_series(tmp_path / "new.h5", 0)
    with h5py.File(tmp_path / "new.h5", "r+") as file:
        written.copy(tmp_path / "old.h5", file)
        assert {name: data[...].tobytes() for name, data in growing(file)} == {name: array.tobytes() for name, array in values.items()}


@pytest.mark.parametrize("how", ["changed", "cut off"])
def test_a_chunk_that_is_not_what_was_noted_is_refused(tmp_path, how):
    write_series(tmp_path / "old.h5", 5)
    written = noted(tmp_path / "old.h5")
    offset = int(written.chunks["fields/depth"][-1, 0])
    with open(tmp_path / "old.h5", "r+b") as raw:
        if how == "changed":
            raw.seek(offset + 3)
            raw.write(b"\x99")
        else:
            raw.truncate(offset)
    write_series(tmp_path / "new.h5", 0)
    with h5py.File(tmp_path / "new.h5", "r+") as file, pytest.raises(InputError, match="does not hold what its checkpoint says"):
        written.copy(tmp_path / "old.h5", file)


@pytest.mark.slow
def test_a_run_that_is_killed_in_the_middle_of_a_write_goes_on_with_the_same_bits_on_other_ranks(tmp_path):
    (tmp_path / "case.toml").write_text(fault_ranks.CASE)
    run("run", "case.toml", "--out", "whole", "--only", "case", cwd=tmp_path)
    ends = Counter()
    fault_ranks.mid_write(tmp_path, np.random.default_rng([3]), ends, fault_ranks.built(tmp_path), {(1, "none"): 150}, 3)
    assert ends["went on"] == 1, ends
