"""Turbulence in slabs and pencils is that of one rank to round-off, and a restart has the same bits."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import long
from test_same_bits import assert_same, run_on
from vortices import PERIOD, flow

from pipeline.core import case
from pipeline.core.errors import InputError
from pipeline.store.check import validate
from pipeline.store.reader import Store
from solvers.core.comm import Serial, world
from solvers.core.fft import shares
from solvers.core.run import run_case
from solvers.turbulence.cube import Cube

FLOW: dict[str, Any] = {
    "mesh": {"kind": "box", "length": [PERIOD, PERIOD, 4.0], "points": [16, 20, 24]},
    "solver": {
        "kind": "turbulence",
        "viscosity": 0.02,
        "initial": {"kind": "random", "energy": 0.5, "peak": 2.0},
        "forcing": {"kind": "stochastic", "strength": 0.05, "time": 0.3},
        "scalar": {"kind": "passive", "diffusivity": 0.03, "gradient": [0.0, 1.0, 0.0], "variance": 0.2},
        "statistics_every": 3,
    },
    "time": {"end": 0.4, "every": 0.2, "cfl": 0.4},
    "output": {"chunk": 700},
}


def write_case(folder: Path, **changes: Any) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "case.toml"
    path.write_text(case.to_toml(case.with_overrides(FLOW, changes)))
    return path


def stored(folder: Path) -> dict[str, np.ndarray]:
    with Store(folder / "run.h5") as store:
        fields = {name: np.asarray(store.field(name).compute()) for name in store.fields}
        return fields | {f"statistics of {name}": np.asarray(store.statistic(name).compute()) for name in store.statistics}


def assert_close(one: Path, other: Path) -> None:
    ours, theirs = stored(one), stored(other)
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        assert values.shape == theirs[name].shape, name
        if name != "statistics of divergence":  # round-off itself
            assert np.abs(values - theirs[name]).max() < 1e-10 * max(np.abs(values).max(), 1e-3), name


def stopped_at(step: int, path: Path, folder: Path) -> None:
    folder.mkdir()
    summary = run_case(case.read(path), folder, Serial(), lambda p: os.kill(os.getpid(), signal.SIGUSR1) if p.step == step else None)
    assert (summary["status"], summary["steps"]) == ("stopped", step)


SHIFTED = long({"solver.dealias": "3/2", "solver.forcing": {"kind": "linear", "power": 0.1}})


@pytest.mark.parametrize("changes", [{}, SHIFTED], ids=["2/3", "3/2"])
def test_slabs_and_pencils_are_one_whole_cube_to_round_off_before_and_after_a_restart(tmp_path, changes):
    path = write_case(tmp_path, **changes)
    run_on(1, path, tmp_path / "1")
    run_on(2, path, tmp_path / "2")
    run_on(4, write_case(tmp_path / "pencils", **{"solver.cut": "pencils", "output.filter": "gzip"} | changes), tmp_path / "4")
    for other in ("2", "4"):
        validate(tmp_path / other / "run.h5")
        assert_close(tmp_path / "1", tmp_path / other)
    stopped_at(5, path, tmp_path / "stopped")
    run_on(2, path, tmp_path / "stopped")
    assert_close(tmp_path / "1", tmp_path / "stopped")


@pytest.mark.parametrize(
    "changes",
    [{}, {"solver.precision": "single", "solver.scheme": "ssprk3", "solver.forcing": {"kind": "shell", "power": 0.1}}],
    ids=["stochastic", "shell"],
)
def test_a_restart_has_the_same_bits(tmp_path, changes):
    path = write_case(tmp_path, **{"time.end": 1.0, "time.dt": 0.01} | changes)  # beyond the step that makes mirror images conjugate
    run_on(1, path, tmp_path / "1")
    for step in (7, 70):
        stopped_at(step, path, tmp_path / f"stopped {step}")
        run_on(1, path, tmp_path / f"stopped {step}")
        assert_same(tmp_path / "1", tmp_path / f"stopped {step}")


@pytest.mark.ranks(2, 6)
def test_ranks_hold_each_point_and_wave_once_and_transform_as_one(mpi_ranks):
    comm, grid, highest = world(), (16, 20, 24), (5, 6, 7)
    whole = Cube(Serial(), grid, highest, fields=4, back=3, real=float)
    u = np.random.default_rng([7]).standard_normal((3, *grid[::-1]))
    v = whole.spectrum(u)
    for pencils in (False, True):
        cut = Cube(comm, grid, highest, fields=4, back=3, real=float, pencils=pencils)
        assert np.abs(cut.spectrum(u[(slice(None), *cut.points)]) - v[(slice(None), *cut.waves)]).max() < 1e-15
        own = cut.values(np.ascontiguousarray(v[(slice(None), *cut.waves)]))
        assert np.abs(own - whole.values(v)[(slice(None), *cut.points)]).max() < 1e-13
        for part, shape in ((cut.points, u.shape[1:]), (cut.waves, v.shape[1:])):
            count = np.zeros(shape, int)
            for place in comm.gather(part):
                count[place] += 1
            assert (count == 1).all()


@pytest.mark.ranks(3)
def test_random_starts_do_not_depend_on_the_ranks(mpi_ranks):
    comm, named = world(), {"viscosity": 0.01, "initial": {"kind": "random"}, "seed": 5}
    cut, whole = flow((16, 20, 24), comm=comm, **named), flow((16, 20, 24), **named)
    found = cut.initial()
    assert np.abs(found - whole.initial()[(slice(None), *cut.equation.cube.waves)]).max() < 1e-15


class ManyRanks(Serial):
    size = 16


@pytest.mark.parametrize(
    ("pencils", "said"),
    [(False, r"\[16, 20, 24\] points and \[6, 13, 15\] waves can't be cut into 16 slabs; pencils share more"), (True, None)],
)
def test_more_ranks_than_planes_are_refused(pencils, said):
    if said is None:
        with pytest.raises(InputError, match="into 4 x 4 pencils"):
            shares(ManyRanks(), (24, 20, 16), (15, 13, 3), row=3, pencils=True)
        return
    with pytest.raises(InputError, match=said):
        shares(ManyRanks(), (24, 20, 16), (15, 13, 6), row=6, pencils=pencils)


def test_without_parallel_hdf5_rank_0_writes_the_blocks(tmp_path):
    path = write_case(tmp_path, **{"time.end": 0.2})
    run_on(2, path, tmp_path / "2")
    assert "this h5py has no MPI" in run_on(2, path, tmp_path / "gathered", "run_without_parallel_hdf5")
    assert_same(tmp_path / "2", tmp_path / "gathered")
