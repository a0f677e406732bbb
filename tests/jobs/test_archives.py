"""The verbs `compress` and `decompress`: what they leave behind, refuse, and go on with."""

import signal
from pathlib import Path

import numpy as np
import pytest
from conftest import wavetrain
from running import begun
from steep import set_values, solenoidal, write_cube
from waiting import until

from pipeline.store.check import validate
from pipeline.store.reader import Store

FRAMES = 3


@pytest.fixture
def folder(tmp_path) -> Path:
    write_cube(tmp_path / "run.h5", np.stack([solenoidal(16, seed) for seed in range(FRAMES)]))
    return tmp_path


def test_a_run_goes_into_an_archive_and_comes_back(folder):
    done = wavetrain("compress", "run.h5", "--bound", "0.1%", "--explain", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "times smaller" not in done.stdout.splitlines()[0] and "velocity         sperr" in done.stdout
    assert "bits        codes to no bound" in done.stdout and "read back and compared" in done.stdout
    shown = wavetrain("show", "run.archive.h5", cwd=folder)
    assert "wavetrain-archive-2, whole" in shown.stdout and "archive: relative 0.001, read back and compared" in shown.stdout
    assert wavetrain("check", "run.archive.h5", cwd=folder).stdout == "run.archive.h5: whole and to the schema wavetrain-archive-2\n"
    done = wavetrain("decompress", "run.archive.h5", cwd=folder)
    assert done.stdout == "run.restored.h5: written\n" and done.returncode == 0
    assert {path.name for path in folder.iterdir()} == {
        "run.h5", "run.xdmf", "run.archive.h5", "run.restored.h5", "run.restored.xdmf",
    }  # fmt: skip
    with Store(folder / "run.h5") as before, Store(folder / "run.restored.h5") as after:
        for name in before.fields:
            wanted = before.field(name).compute()
            assert np.abs(wanted - after.field(name).compute()).max() <= 1e-3 * 8.0  # the range of the three is below 8 rms


def refused(done, said, code=2):
    assert done.returncode == code and done.stderr.startswith("error: ") and len(done.stderr.splitlines()) == 1, done.stderr
    assert said in done.stderr


def test_what_can_not_be_done_is_told_in_one_line(folder):
    refused(wavetrain("compress", "run.h5", cwd=folder), "no target is given; say one of target_error")
    refused(wavetrain("compress", "none.h5", "--bound", "1", cwd=folder), "no file 'none.h5'")
    refused(wavetrain("compress", "run.h5", "--bound", "1", "--out", "run.h5", cwd=folder), "would replace what it is made of")
    refused(wavetrain("decompress", "run.h5", "--out", "new.h5", cwd=folder), "is no archive: schema 'wavetrain-2'")
    set_values(folder / "run.h5", "v", (2, 0, 0, 0), np.nan)
    refused(wavetrain("compress", "run.h5", "--bound", "1", cwd=folder), "field u, v, w, frame 2")
    masked = ("compress", "run.h5", "--bound", "1", "--mask", "--codec", "zfp")
    assert wavetrain(*masked, cwd=folder).returncode == 0
    refused(wavetrain(*masked, cwd=folder), "there is a file run.archive.h5")


def test_what_was_killed_goes_on_from_the_last_whole_block(folder):
    path = folder / "large.h5"
    write_cube(path, np.stack([solenoidal(32, seed) for seed in range(2)]))
    words = ("compress", "large.h5", "--target-error", "0.001", "--codec", "wavelet", "--block", str(2**14), "--out", "a.h5")
    process = begun(*words, cwd=folder)
    journal = folder / "a.h5.blocks"
    until(lambda: process.poll() is not None or (journal.exists() and journal.stat().st_size >= 10_000), 120.0, every=0.01)
    assert process.poll() is None  # some blocks are in, and not all
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (folder / "a.h5").exists()
    done = wavetrain(*words, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "blocks were whole before" in done.stdout
    assert validate(folder / "a.h5") == "wavetrain-archive-2" and not journal.exists()
