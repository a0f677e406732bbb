"""A run that goes on as a case that was changed: the state goes on, what was written stays, and the file says what was changed."""

import gc
import json
import os
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import HUMP

from jobs.campaign.runs import is_done, prepare, refuse_another
from jobs.commands.trace import trace
from pipeline.core import case as cases
from pipeline.core.continuation import changes
from pipeline.core.errors import InputError
from pipeline.store.check import validate
from solvers.core.comm import Serial
from solvers.core.run import run_case

SEA = cases.with_overrides(cases.read_text(HUMP), {"time.end": 1.0, "gauges": {"west": [2.0, 2.0]}})
WAVE = cases.read_text("""
[mesh]
kind = "box"
points = [64]
length = [20.0]
[solver]
kind = "ks"
terms = ["-u_xx", "-u_xxxx", "-u*u_x"]
initial = { kind = "random", amplitude = 0.1, modes = 4 }
[time]
end = 2.0
every = 0.5
dt = 0.01
""")
CUBE = cases.read_text("""
[mesh]
kind = "box"
length = [6.283185307179586, 6.283185307179586, 6.283185307179586]
points = [8, 8, 8]
[solver]
kind = "turbulence"
viscosity = 0.01
initial = { kind = "taylor_green" }
[time]
end = 0.4
every = 0.1
dt = 0.05
""")


def run(table, folder: Path, stop: int = 0, die: int = 0, **changed):
    """The run of ``table`` with ``changed`` in ``folder``, asked to stop, or brought down, after so many steps."""
    case = cases.parse(cases.with_overrides(table, {key.replace("__", "."): value for key, value in changed.items()}), folder)
    prepare(folder, case.text, force=False)

    def progress(p):
        if stop and p.step == stop:
            os.kill(os.getpid(), signal.SIGTERM)
        if die and p.step == die:
            raise ZeroDivisionError

    try:
        return run_case(case, folder, Serial(), progress)
    except ZeroDivisionError:
        gc.collect()
        return {}


def arrays(folder: Path, *names: str):
    with h5py.File(folder / "run.h5") as file:
        return [file[name][...] for name in names]


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> Path:
    """A run without any interruption, that has all gauges from the start."""
    folder = tmp_path_factory.mktemp("straight")
    run(SEA, folder, gauges={"west": [2.0, 2.0], "east": [7.0, 3.0]})
    return folder


@pytest.mark.parametrize("how", [{"stop": 9}, {"die": 7, "output__checkpoint": 0.0}, {"time__end": 0.5}], ids=["stopped", "killed", "done"])
def test_the_state_goes_on_and_what_was_added_begins_there(tmp_path, straight, how):
    run(SEA, tmp_path, **how)
    summary = run(SEA, tmp_path, gauges={"east": [7.0, 3.0], "west": [2.0, 2.0]}, output__filter="zstd")
    assert summary["status"] == "done"
    validate(tmp_path / "run.h5")
    names = ("time", "fields/depth", "gauges/time", "maxima/free_surface", "restart/state")
    for name, one, other in zip(names, arrays(tmp_path, *names), arrays(straight, *names), strict=True):
        assert np.array_equal(one, other, equal_nan=True), name
    times, mine = arrays(tmp_path, "gauges/time", "gauges/free_surface")
    (whole,) = arrays(straight, "gauges/free_surface")
    with h5py.File(tmp_path / "run.h5") as file:
        (told,) = json.loads(file.attrs["changes"])
        assert file["fields/depth"].id.get_create_plist().get_nfilters() > 0
        assert json.loads(file["gauges"].attrs["names"]) == ["east", "west"]
    assert (mine[:, 1] == whole[:, 0]).all()  # as if nothing had been
    since = times >= told["t"]
    assert since.any() and not since.all()
    assert np.isnan(mine[~since, 0]).all()
    assert (mine[since, 0] == whole[since, 1]).all()
    assert told["changed"]["gauges.east"] == [None, [7.0, 3.0]]
    assert "east" not in told["case"]
    assert summary["notes"][-1].startswith(f"went on at t = {told['t']:g} s")
    assert not (tmp_path / "restart.h5").exists()


def test_frames_that_are_written_keep_their_times_and_others_follow(tmp_path):
    run(SEA, tmp_path, time__end=0.6)
    run(SEA, tmp_path, time__every=0.2, time__end=0.9)
    run(SEA, tmp_path, time__every=0.5, time__end=1.2)
    (times,) = arrays(tmp_path, "time")
    assert times.tolist() == pytest.approx([0.0, 0.25, 0.5, 0.6, 0.8, 0.9, 1.0, 1.2])
    assert sum("went on at t = " in line for line in trace(tmp_path / "run.h5")) == 2
    with h5py.File(tmp_path / "run.h5") as file:
        assert [one["t"] for one in json.loads(file.attrs["changes"])] == [0.6, 0.9]


def test_even_steps_go_on_from_between_two_frames(tmp_path):
    run(WAVE, tmp_path / "one")
    run(WAVE, tmp_path / "two", stop=73)  # t = 0.73
    run(WAVE, tmp_path / "two", time__every=0.2, stop=80)  # and stopped before the next frame
    summary = run(WAVE, tmp_path / "two", time__every=0.2)
    (times,) = arrays(tmp_path / "two", "time")
    assert times.tolist() == pytest.approx([0.0, 0.5, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0])
    assert summary["steps"] == 200
    one, two = (arrays(tmp_path / name, "fields/u")[0] for name in ("one", "two"))
    assert abs(two[[1, 3, 8]] - one[[1, 2, 4]]).max() < 1e-12  # the same steps but for round-off of their lengths


@pytest.mark.parametrize("how", [{"time__end": 0.2}, {"die": 4, "output__checkpoint": 0.0}], ids=["done", "killed"])
def test_turbulence_and_its_statistics_go_on(tmp_path, how):
    pytest.importorskip("mpi4py_fft")
    run(CUBE, tmp_path / "one")
    run(CUBE, tmp_path / "two", **how)
    run(CUBE, tmp_path / "two", output__filter="gzip")
    names = ("time", "fields/u", "statistics/time", "statistics/energy")
    for name, one, other in zip(names, arrays(tmp_path / "one", *names), arrays(tmp_path / "two", *names), strict=True):
        assert np.array_equal(one, other), name
    with h5py.File(tmp_path / "two" / "run.h5") as file:
        assert "changes" in file.attrs


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"solver__manning": 0.1}, "differs in solver.manning"),
        ({"mesh__size": 2.0}, "differs in mesh.size"),
        ({"time__cfl": 0.5}, "differs in time.cfl"),
        ({"gauges": {"west": [3.0, 3.0]}}, "differs in gauges.west"),
        ({"gauges": {}}, "differs in gauges.west"),
        ({"time__end": 0.3}, "to t = 0.5 s, and time.end = 0.3 s leaves nothing"),
        ({"gauges": {"west": [2.0, 2.0], "east": [7.0, 3.0]}}, "time.end = 0.5 s leaves nothing to go on with gauges.east"),
    ],
)
def test_what_would_be_another_run_or_has_nothing_left_is_refused_by_name(tmp_path, changed, said):
    before = cases.with_overrides(SEA, {"time.end": 0.5})
    run(before, tmp_path)
    text = cases.to_toml(cases.with_overrides(before, {key.replace("__", "."): value for key, value in changed.items()}))
    whole = (tmp_path / "run.h5").read_bytes()
    with pytest.raises(InputError, match=said):
        refuse_another(tmp_path, text)
    assert (tmp_path / "run.h5").read_bytes() == whole


def test_a_run_that_went_on_is_done_and_one_that_shall_is_not(tmp_path):
    run(SEA, tmp_path, time__end=0.5)
    longer = cases.parse(SEA, tmp_path)
    assert not is_done(tmp_path, longer)
    assert refuse_another(tmp_path, longer.text) == "time.end 0.5 to 1.0"
    run(SEA, tmp_path)
    assert is_done(tmp_path, longer)


def test_a_quantity_and_a_section_that_comes_or_goes_are_told():
    found = changes(
        'title = "a"\n[time]\nend = "4 s"\n[output]\nchunk = 3\n', 'title = "b"\n[time]\nend = 8.0\n[observed]\nsource = "me"\n'
    )
    assert set(found.free) == {"title", "time.end", "output.chunk", "observed.source"}
    assert not found.other
