"""The verb ``forecast``: members are runs, on any number of ranks, and bad input is one line."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import long, wavetrain
from running import ended

from pipeline.core.case import read
from pipeline.store.ensemble import read_header, read_members, write_ensemble
from solvers.core.comm import Serial
from solvers.core.forecast import member_run
from solvers.core.run import run_case

CASE = """
[mesh]
kind = "rectangle"
width = 2.0
height = 2.0
size = 0.25
bathymetry = { kind = "flat", depth = 0.5 }
[solver]
kind = "tsunami"
initial = { kind = "hump", height = 0.1, width = 0.4 }
[time]
end = 0.5
every = 0.5
"""


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case, its run, and an ensemble of four around the run's start."""
    folder = tmp_path_factory.mktemp("first")
    (folder / "case.toml").write_text(CASE)
    done = wavetrain("run", "case.toml", "--out", "run", "--quiet", cwd=folder)
    assert done.returncode == 0, done.stderr
    with h5py.File(folder / "run" / "run.h5") as file:
        depth = file["fields/depth"][0]
    start = np.stack([depth, 0.0 * depth, 0.0 * depth], axis=1)
    write_ensemble(folder / "ensemble.h5", start * (1.0 + 0.01 * np.arange(4))[:, None, None], 0.0)
    return folder


@pytest.fixture
def folder(first: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    return Path(shutil.copytree(first, tmp_path / "here"))


def forecast(folder, *words, time=0.5, case="case.toml", source="ensemble.h5", out="later.h5"):
    return ended("forecast", source, "--case", case, "--time", time, "--out", out, *words, cwd=folder)


def test_a_member_is_what_the_run_of_its_state_gives(folder):
    done = forecast(folder)
    assert done.returncode == 0, done.stderr
    header = read_header(folder / "later.h5")
    with h5py.File(folder / "run" / "run.h5") as file:
        last = file["restart/state"][:]
    assert header.time == 0.5
    assert header.shape == (4, *last.shape)
    assert np.array_equal(read_members(folder / "later.h5", 0, 1)[0], last)
    assert wavetrain("check", "later.h5", cwd=folder).stdout.strip().endswith("wavetrain-ensemble-1")


def test_any_rank_count_gives_the_same_bits_and_two_legs_are_as_one(folder):
    for ranks in (1, 3):
        done = forecast(folder, "--ranks", ranks, out=f"on{ranks}.h5")
        assert done.returncode == 0, done.stderr
    whole = [read_members(folder / f"on{ranks}.h5", 0, 4) for ranks in (1, 3)]
    assert np.array_equal(whole[0], whole[1])
    assert forecast(folder, time=0.25, out="half.h5").returncode == 0
    assert forecast(folder, source="half.h5", out="legs.h5").returncode == 0
    assert np.abs(read_members(folder / "legs.h5", 0, 4) - whole[0]).max() < 1e-3  # other time steps: the scheme's error, not the clock's


def test_a_member_that_is_not_finite_is_nan_and_counted(folder):
    states = read_members(folder / "ensemble.h5", 0, 4)
    states[2, 5] = np.inf
    write_ensemble(folder / "bad.h5", states, 0.0)
    done = forecast(folder, "--ranks", 2, source="bad.h5")
    assert done.returncode == 0, done.stderr
    assert "1 member(s) became unstable" in done.stdout
    assert "member 2" in done.stderr
    later = read_members(folder / "later.h5", 0, 4)
    assert np.isnan(later[2]).all()
    assert np.isfinite(later[[0, 1, 3]]).all()


def test_the_filters_run_the_solver_as_a_function(folder):
    run, shape, _ = member_run(read(folder / "case.toml"), 0.0, 0.5)
    states = read_members(folder / "ensemble.h5", 0, 4)
    forecast(folder)
    assert states.shape[1:] == shape
    assert np.array_equal(np.stack([run(state) for state in states]), read_members(folder / "later.h5", 0, 4))


def test_bad_input_is_one_line(folder):
    write_ensemble(folder / "small.h5", np.ones((4, 7, 3)), 0.0)
    for named, words in (
        ({"source": "none.h5"}, "no file 'none.h5'"),
        ({"source": "case.toml"}, "is no HDF5 file"),
        ({"source": "run/run.h5"}, "schema is 'wavetrain-2'"),
        ({"source": "small.h5"}, "has states of (7, 3)"),
        ({"time": 0.0}, "not after the ensemble's time"),
        ({"case": "none.toml"}, "no file 'none.toml'"),
    ):
        refused(forecast(folder, **named), words, folder)


@pytest.mark.parametrize(("time", "words"), [long(0.0, "not after the ensemble's time"), (0.5, "3 ranks, 2 members")])
def test_what_all_ranks_refuse_is_one_line(folder, time, words):
    write_ensemble(folder / "two.h5", read_members(folder / "ensemble.h5", 0, 2), 0.0)
    asked = ("two.h5", "--case", "case.toml", "--time", time, "--out", "later.h5", "--ranks", 3)
    refused(wavetrain("forecast", *asked, cwd=folder), words, folder)  # ranks that are started anew


def refused(done, words, folder):
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (folder / "later.h5").exists()


@pytest.mark.parametrize("ranks", [1, long(2)])
def test_an_ensemble_of_the_ks_solver_is_forecast_too(tmp_path, ranks):
    (tmp_path / "case.toml").write_text(
        '[mesh]\nkind = "box"\nlength = 22.0\npoints = 32\n[solver]\nkind = "ks"\nmembers = 3\n[time]\nend = 1.0\nevery = 1.0\ndt = 0.05\n'
    )
    done = wavetrain("run", "case.toml", "--out", "run", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with h5py.File(tmp_path / "run" / "run.h5") as file:
        first, last = file["fields/u"][0], file["fields/u"][-1]
    write_ensemble(tmp_path / "ensemble.h5", first[:, :, None], 0.0)
    done = forecast(tmp_path, "--ranks", ranks, time=1.0)
    assert done.returncode == 0, done.stderr
    states = read_members(tmp_path / "later.h5", 0, 3)
    assert states[:, :, 0] == pytest.approx(last, abs=1e-11)  # round-off of one transform more, grown by e^0.05
    if ranks > 1:
        assert forecast(tmp_path, time=1.0, out="alone.h5").returncode == 0
        assert np.array_equal(states, read_members(tmp_path / "alone.h5", 0, 3))


def test_a_member_takes_even_steps_as_the_run_does(tmp_path):
    (tmp_path / "case.toml").write_text(CASE + "dt = 0.025\n")
    even = read(tmp_path / "case.toml")
    summary = run_case(even, tmp_path, Serial())
    assert summary["steps"] == 20
    with h5py.File(tmp_path / "run.h5") as file:
        depth, last = file["fields/depth"][0], file["restart/state"][:]
    run, _, _ = member_run(even, 0.0, 0.5)
    assert np.array_equal(run(np.stack([depth, 0.0 * depth, 0.0 * depth], axis=1)), last)
