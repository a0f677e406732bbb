"""The bench `compress` on small fields: what it counts, and where its snapshots come from."""

import archived
import bench_compress
import held_out
import numpy as np
import pytest
from steep import solenoidal

from pipeline.compression.archive import reader
from pipeline.compression.target import Target
from pipeline.core.errors import InputError


@pytest.fixture
def snapshots():
    return [solenoidal(24, seed) for seed in range(3)]


def test_ratios_count_what_is_on_disk_and_errors_are_of_what_is_read_back(snapshots, tmp_path):
    run = archived.source(tmp_path, snapshots)
    rows = archived.put(run, tmp_path / "a.h5", "sperr", snapshots, lambda values: Target("bytes", values.nbytes // 16))
    index = reader.opened(tmp_path / "a.h5").index[archived.GROUP]
    for frame, (row, values) in enumerate(zip(rows, snapshots, strict=True)):
        assert row.ratio == values.nbytes / (index[frame, 1] + 24) >= 16.0  # 24 bytes of index
        found = archived.snapshot(tmp_path / "a.h5", frame)
        assert row.nrmse == pytest.approx(np.sqrt(((found - values) ** 2).mean() / (values**2).mean()), rel=1e-4)  # sums in float32
    assert (tmp_path / "a.h5").stat().st_size >= index[:, 1].sum()


def test_the_best_of_ours_is_one_that_reaches_the_ratio():
    def rows(ratio, nrmse):
        return [archived.Row(ratio, nrmse, 1.0, 1.0, 1.0)] * 3

    table = {codec: {} for codec in (*bench_compress.OURS, *bench_compress.THEIRS)}
    table["solenoidal"] = {"cr64": rows(64.5, 0.2), "cr8": rows(8.1, 0.01), "lossless": rows(10.0, 1e-7)}
    table["zipgan"] = {"cr64": rows(63.9, 0.1)}  # better, in too many bytes
    found = bench_compress.errors(table)
    assert found["nrmse_cr64"] == pytest.approx(0.2) and found["zipgan_nrmse_cr64"] == pytest.approx(0.1)
    assert found["nrmse_cr8"] == pytest.approx(1e-7)
    assert found["nrmse_cr512"] is None and found["sperr_nrmse_cr8"] is None


@pytest.mark.slow
def test_snapshots_come_from_the_solver_and_are_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(held_out, "BUILD", tmp_path)
    monkeypatch.delenv(held_out.VARIABLE, raising=False)
    monkeypatch.setattr(held_out, "FIRST", 0.4)
    monkeypatch.setattr(held_out, "EVERY", 0.2)
    name, first = held_out.held_out(print, 3, points=16, viscosity=0.05)
    made = (tmp_path / f"run_{name}" / "run.h5").stat().st_mtime_ns
    _, again = held_out.held_out(print, 3, points=16, viscosity=0.05)
    assert (tmp_path / f"run_{name}" / "run.h5").stat().st_mtime_ns == made
    assert len(first) == 3 and first[0].shape == (3, 16, 16, 16) and first[0].dtype == np.float32
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True)) and not np.array_equal(first[0], first[1])


def test_snapshots_of_a_folder_are_taken_instead_and_too_few_are_refused(tmp_path, monkeypatch, snapshots):
    monkeypatch.setenv(held_out.VARIABLE, str(tmp_path))
    for number, values in enumerate(snapshots):
        with pytest.raises(InputError, match="3 or more arrays"):
            held_out.held_out(print, 0)
        np.save(tmp_path / f"{number}.npy", values)
    _, found = held_out.held_out(print, 0)
    assert all(np.array_equal(one, other) for one, other in zip(found, snapshots, strict=True))
