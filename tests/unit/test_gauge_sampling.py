"""Gauges with intervals, fields and times of their own."""

import gc
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from conftest import HUMP

from jobs.campaign.runs import prepare
from jobs.commands.export.gauges import write_gauges
from pipeline.core import case as cases
from pipeline.core.errors import InputError
from pipeline.store.check import validate
from pipeline.store.reader import Store
from solvers.core.comm import Serial
from solvers.core.run import run_case

SEA = cases.with_overrides(cases.read_text(HUMP), {"time.end": 1.5})
EVERY = {"a": [2.0, 2.0], "b": [7.0, 3.0], "c": [5.0, 5.0]}
OWN = {
    "a": {"place": [2.0, 2.0], "every": "300 ms"},
    "b": {"place": [7.0, 3.0], "fields": ["free_surface"], "window": [0.5, "1.2 s"]},
    "c": {"place": [5.0, 5.0], "every": 0.45, "fields": ["velocity_y", "free_surface"]},
}


def run(folder: Path, gauges, stop: int = 0, die: int = 0, **changed) -> Path:
    """The run at ``gauges`` in ``folder``, asked to stop, or brought down, after so many steps."""
    table = cases.with_overrides(SEA, {key.replace("__", "."): value for key, value in changed.items()})
    case = cases.parse({**table, "gauges": gauges}, folder)
    prepare(folder, case.text, force=False)

    def progress(p):
        if p.step == stop:
            os.kill(os.getpid(), signal.SIGTERM)
        if p.step == die:
            raise ZeroDivisionError

    try:
        run_case(case, folder, Serial(), progress)
    except ZeroDivisionError:
        gc.collect()
    return folder / "run.h5"


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> tuple[Path, Path]:
    """The run with samples at all steps, and at the gauges' own times."""
    folders = [tmp_path_factory.mktemp(name) for name in ("all", "own")]
    return run(folders[0], EVERY), run(folders[1], OWN)


def test_a_gauge_with_an_interval_has_the_samples_of_the_first_steps_after(both):
    validate(both[1])
    with Store(both[0]) as every, Store(both[1]) as own:
        for name, interval in (("a", 0.3), ("c", 0.45)):
            times, values = (np.asarray(one) for one in every.gauge(name))
            first = np.unique(np.searchsorted(times, np.arange(0.0, 1.5 + 1e-9, interval) - 1e-9))
            assert 3 < len(first) < len(times)
            mine, samples = (np.asarray(one) for one in own.gauge(name))
            assert np.array_equal(mine, times[first])
            assert np.array_equal(samples, values[first])


def test_a_gauge_has_its_fields_and_times_alone(both, tmp_path):
    with Store(both[0]) as every, Store(both[1]) as own:
        times, values = (np.asarray(one) for one in every.gauge("b"))
        inside = (times >= 0.5) & (times <= 1.2)
        mine, samples = (np.asarray(one) for one in own.gauge("b"))
        assert np.array_equal(mine, times[inside])
        assert np.array_equal(samples, values[inside])
        with pytest.raises(InputError, match=r"'b'.*has no 'velocity_x'; there are: free_surface"):
            own.gauge("b", "velocity_x")
        write_gauges(tmp_path / "own.csv", own, {})
        table = np.genfromtxt(tmp_path / "own.csv", delimiter=",", names=True, deletechars="")
        assert len(table) == len(own.gauge_times) < len(times)
        assert [name for name in table.dtype.names if name.startswith("b")] == ["b_free_surface_[m]"]


@pytest.mark.parametrize("how", [{"stop": 9}, {"die": 7, "output__checkpoint": 0.0}, {"time__end": 0.5}], ids=["stopped", "killed", "done"])
def test_a_run_that_goes_on_has_the_samples_of_one_that_never_stopped(both, tmp_path, how):
    run(tmp_path, OWN, **how)
    with Store(run(tmp_path, OWN)) as mine, Store(both[1]) as whole:
        assert np.array_equal(mine.gauge_times, whole.gauge_times)
        for field in whole.gauge_fields:
            assert np.array_equal(mine.gauge_samples(field), whole.gauge_samples(field), equal_nan=True)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"every": "1 s"}, r"key 'gauges.a.place' is missing"),
        ({"place": [1.0, "x"]}, r"'gauges.a.place' is .*list of coordinates"),
        ({"place": [1.0, 2.0], "every": "1 m"}, r"gauges.a.every.* not in \[s\]"),
        ({"place": [1.0, 2.0], "window": [2.0, 1.0]}, r"gauges.a: window .* its end must be after its beginning"),
        ({"place": [1.0, 2.0], "window": [2.0, 3.0]}, r"'gauges.a.window' is .*: the run has 0 to 1.5 s"),
        ({"place": [1.0, 2.0], "fields": ["depht"]}, r"'gauges.a.fields' has 'depht'.*; there are: free_surface, velocity_x"),
    ],
)
def test_what_is_wrong_with_a_gauge_is_said(tmp_path, table, message):
    with pytest.raises(InputError, match=message):
        run(tmp_path, {"a": table})
