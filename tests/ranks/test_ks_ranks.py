"""An ensemble has the same bits on any number of ranks, and after a restart on another; a plane in slabs the same to round-off."""

import os
import signal
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from conftest import long
from test_same_bits import assert_same, run_on

from pipeline.core import case
from pipeline.core.errors import InputError, RunError
from pipeline.store.check import validate
from pipeline.store.reader import Store
from solvers.core.comm import Serial, world
from solvers.core.fft import plane
from solvers.core.run import run_case

ENSEMBLE: dict[str, Any] = {
    "mesh": {"kind": "box", "length": 22.0, "points": 64},
    "solver": {"kind": "ks", "members": 11, "seed": 3},
    "time": {"end": 1.1, "every": 0.3, "dt": 0.04},  # 8 steps of 0.0375 a frame, and 5 of 0.04 in the last, shorter interval
    "output": {"chunk": 100},
}


def write_case(folder: Path, **changes: Any) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "case.toml"
    path.write_text(case.to_toml(case.with_overrides(ENSEMBLE, changes)))
    return path


PLANE = {
    "mesh": {"kind": "box", "length": [22.0, 16.0], "points": [32, 24]},
    "solver.terms": ["-u_xx - u_yy", "-u_xxxx - 2*u_xxyy - u_yyyy", "-0.5*(u_x^2 + u_y^2)"],
}


@pytest.mark.parametrize(
    "changes", [{}, long({"solver.scheme": "cnab2"}), {"solver.scheme": "arkimex"}, PLANE], ids=["", "cnab2", "arkimex", "plane"]
)
def test_any_rank_count_gives_the_same_bits_before_and_after_a_restart(tmp_path, changes):
    path = write_case(tmp_path, **changes)
    for ranks in (1, 2, 3):
        run_on(ranks, path, tmp_path / str(ranks))
    for ranks in (2, 3):
        assert_same(tmp_path / "1", tmp_path / str(ranks))
    stopped = tmp_path / "stopped"
    stopped.mkdir()
    summary = run_case(case.read(path), stopped, Serial(), lambda p: os.kill(os.getpid(), signal.SIGUSR1) if p.step == 13 else None)
    assert summary["status"] == "stopped"
    assert summary["steps"] == 13
    run_on(3, path, stopped)
    assert_same(tmp_path / "1", stopped)
    validate(stopped / "run.h5")


def field(folder: Path) -> np.ndarray:
    with Store(folder / "run.h5") as store:
        return np.asarray(store.field("u")[:].compute())


def assert_close(one: Path, other: Path) -> None:
    a, b = field(one), field(other)
    assert a.shape == b.shape
    assert np.abs(a - b).max() < 1e-12 * np.abs(a).max()  # round-off of transforms in another order, 30 steps


@pytest.mark.parametrize(
    "changes",
    [{}, long({"solver.scheme": "cnab2", "solver.dealias": "3/2"}), long({"solver.scheme": "ars443", "solver.members": 2})],
    ids=["etdrk4", "cnab2", "ars443"],
)
def test_a_plane_in_slabs_is_that_of_one_rank_before_and_after_a_restart(tmp_path, changes):
    path = write_case(tmp_path, **PLANE, **{"solver.members": 1, "output.filter": "gzip"} | changes)
    for ranks in (1, 2, 3):
        run_on(ranks, path, tmp_path / str(ranks))
        validate(tmp_path / str(ranks) / "run.h5")
    run_on(3, path, tmp_path / "again")
    assert_same(tmp_path / "3", tmp_path / "again")
    assert_close(tmp_path / "1", tmp_path / "2")
    assert_close(tmp_path / "1", tmp_path / "3")
    stopped = tmp_path / "stopped"
    stopped.mkdir()
    summary = run_case(case.read(path), stopped, Serial(), lambda p: os.kill(os.getpid(), signal.SIGUSR1) if p.step == 13 else None)
    assert (summary["status"], summary["steps"]) == ("stopped", 13)
    run_on(3, path, stopped)
    assert_close(tmp_path / "1", stopped)


def test_slabs_of_three_ranks_go_on_as_one_whole_plane_or_with_the_same_bits_on_three(tmp_path):
    path = write_case(tmp_path, **PLANE, **{"solver.members": 1, "solver.scheme": "cnab2"})
    run_on(3, path, tmp_path / "3")
    for ranks in (1, 3):
        folder = tmp_path / f"then {ranks}"
        run_on(3, path, folder, "run_until", 13)
        with Store(folder / "restart.h5") as store:
            assert store.restart()[1]["step"] == 13
            assert store.restart()[0]["state"].shape == (1, 2, 24, 17, 2)  # the spectrum and the last nonlinear terms
        run_on(ranks, path, folder)
        (assert_close if ranks == 1 else assert_same)(tmp_path / "3", folder)


def test_without_parallel_hdf5_rank_0_writes_the_slabs(tmp_path):
    path = write_case(tmp_path, **PLANE, **{"solver.members": 1})
    run_on(2, path, tmp_path / "2")
    assert "this h5py has no MPI" in run_on(2, path, tmp_path / "gathered", "run_without_parallel_hdf5")
    assert_same(tmp_path / "2", tmp_path / "gathered")


@pytest.mark.ranks(2, 3)
def test_slabs_hold_each_line_and_wave_once_and_transform_as_a_whole_plane(mpi_ranks):
    comm, u = world(), np.random.default_rng([7]).standard_normal((24, 32))
    for factor in (1.0, 1.5):
        cut, whole = plane(comm, (24, 32), factor), plane(Serial(), (24, 32), factor)
        spectrum = whole.forward(np.random.default_rng([8]).standard_normal((round(24 * factor), round(32 * factor))))
        spectrum[12], spectrum[:, 16] = 0.0, 0.0  # the highest waves
        points = whole.backward(spectrum)
        assert np.abs(cut.backward(spectrum[:, cut.waves]) - points[cut.rows]).max() < 1e-13
        assert np.abs(cut.forward(points[cut.rows]) - spectrum[:, cut.waves]).max() < 1e-14
        for part, count in ((cut.rows, round(24 * factor)), (cut.waves, 17)):
            assert sorted(n for own in comm.gather(part) for n in range(own.start, own.stop)) == list(range(count))
    cut = plane(comm, (24, 32))
    assert np.abs(cut.backward(cut.forward(u[cut.rows])) - u[cut.rows]).max() < 1e-14


def test_a_runs_file_holds_the_members_in_their_order(tmp_path):
    whole, one = tmp_path / "whole", tmp_path / "one"
    run_case(case.read(write_case(whole)), whole, Serial())
    run_case(case.read(write_case(one, **{"solver.members": 1})), one, Serial())
    with h5py.File(whole / "run.h5") as file:
        assert file["fields/u"].chunks == (1, 1, 64)  # 100 values a chunk: one member's points
    with Store(whole / "run.h5") as store, Store(one / "run.h5") as alone:
        u = store.field("u")
        assert u.shape == (5, 11, 64)
        assert store.times == pytest.approx([0.0, 0.3, 0.6, 0.9, 1.1], abs=1e-15)
        assert store.mesh()["length"].tolist() == [22.0]
        assert u[:, :1].compute().tobytes() == alone.field("u").compute().tobytes()


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        (
            {"mesh": {"kind": "rectangle", "width": 1.0, "height": 1.0, "size": 0.5}},
            InputError,
            'needs a mesh of kind "box", not triangles',
        ),
        ({"gauges": {"here": [1.0]}}, InputError, "solver 'ks' has no gauges"),
        ({"time": {"end": 1.0, "every": 0.5}}, InputError, "key 'time.dt' is missing"),
        ({"mesh.points": 62}, InputError, "points = 62"),
        ({"solver.terms": ["u_xx*100", "-1e-9*u_xxxx", "-u_x"], "solver.dealias": "none"}, None, ""),
        ({"solver.terms": ["u**3", "u_xx"], "time": {"end": 50.0, "every": 10.0, "dt": 0.1}}, RunError, "in member 3"),
    ],
)
def test_what_goes_wrong_is_told_in_one_line(tmp_path, changes, error, said):
    path = write_case(tmp_path, **changes)
    if error is None:
        assert run_case(case.read(path), tmp_path, Serial())["status"] == "done"
        return
    with pytest.raises(error) as raised:
        run_case(case.read(path), tmp_path, Serial())
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.ranks(3)
def test_more_ranks_than_members_are_refused_by_all(mpi_ranks, tmp_path_factory):
    comm = world()
    folder = Path(comm.broadcast(str(tmp_path_factory.mktemp("few"))))
    path = comm.broadcast(str(write_case(folder, **{"solver.members": 2})) if comm.rank == 0 else "")
    with pytest.raises(InputError, match="too many ranks for the members: 3 ranks, 2 members"):
        run_case(case.read(path), folder, comm)


def test_the_file_is_refused_where_it_is_spoilt(tmp_path):
    import h5py

    run_case(case.read(write_case(tmp_path)), tmp_path, Serial())
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        file["fields/u"][2, 5, 7] = np.nan
    with pytest.raises(InputError, match="fields/u is not finite in frame 2"):
        validate(tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        file["mesh/length"][0] = 0.0
    with pytest.raises(InputError, match="mesh/length is not above zero everywhere"):
        validate(tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        file["mesh/mesh"].attrs["long_name"] = "sphere"
    with pytest.raises(InputError, match="'sphere'; it must be one of triangles, line, plane, cube"):
        validate(tmp_path / "run.h5")
