"""An ensemble has the same bits on any number of ranks, and after a restart on another."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_same_bits import assert_same, run_on

from pipeline import case
from pipeline.check import validate
from pipeline.errors import InputError, RunError
from pipeline.store import Store
from solvers.core.comm import Serial
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
    "changes", [{}, {"solver.scheme": "cnab2"}, {"solver.scheme": "arkimex"}, PLANE], ids=["", "cnab2", "arkimex", "plane"]
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


def test_a_runs_file_holds_the_members_in_their_order(tmp_path):
    whole, one = tmp_path / "whole", tmp_path / "one"
    run_case(case.read(write_case(whole)), whole, Serial())
    run_case(case.read(write_case(one, **{"solver.members": 1})), one, Serial())
    with Store(whole / "run.h5") as store, Store(one / "run.h5") as alone:
        u = store.field("u")
        assert u.shape == (5, 11, 64)
        assert u.chunks[1][0] == 1  # 100 values a chunk: one member's points
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
        ({"solver.terms": ["u**3", "u_xx"], "time": {"end": 50.0, "every": 10.0, "dt": 0.1}}, RunError, "in member 0"),
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
    from solvers.core.comm import world

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
    with pytest.raises(InputError, match="'sphere'; it must be one of triangles, line, plane"):
        validate(tmp_path / "run.h5")
