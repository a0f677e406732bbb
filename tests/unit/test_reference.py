from pathlib import Path

import numpy as np
import pytest

from pipeline.core import case
from pipeline.core.errors import InputError
from pipeline.store.check import validate
from pipeline.store.reader import Store
from solvers.core.comm import Serial
from solvers.core.run import run_case
from solvers.tsunami.reference import write_exact

HUMP = {
    "mesh": {"kind": "rectangle", "width": 30.0, "height": 30.0, "size": 1.5, "origin": [-15.0, -15.0]}
    | {"bathymetry": {"kind": "flat", "depth": 1.0}},
    "solver": {"kind": "tsunami", "initial": {"kind": "hump", "height": 0.1, "width": 4.0}},
    "time": {"end": 2.0, "every": 1.0},
}


def run(folder: Path, **changes):
    folder.mkdir()
    run_case(case.parse(case.with_overrides(HUMP, changes), Path()), folder, Serial())
    return folder / "run.h5"


def error(folder: Path, **changes) -> float:
    """Relative L2 error of the free surface at the end."""
    path = run(folder, **changes)
    with Store(path) as store, Store(write_exact(path, folder / "exact.h5")) as exact:
        assert exact.times.tolist() == store.times.tolist()
        area = store.mesh()["face_area"]
        r = exact.field("free_surface")[-1].compute()
        d = store.field("free_surface")[-1].compute() - r
    return float(np.sqrt((area * d * d).sum() / (area * r * r).sum()))


def test_a_run_converges_to_its_exact_solution(tmp_path):
    wide = {"mesh.width": 40.0, "mesh.height": 40.0, "mesh.origin": [-20.0, -20.0]}  # no wave has met a wall
    coarse, fine = (error(tmp_path / str(size), **{"mesh.size": size}, **wide) for size in (1.5, 0.75))
    assert np.log2(coarse / fine) > 1.7
    validate(tmp_path / "0.75" / "exact.h5")


@pytest.mark.parametrize("low", [-1.0, -0.8])
def test_a_broken_dam_comes_near_its_exact_solution(tmp_path, low):
    dam = {"kind": "dam_break", "high": 0.0, "low": low}
    assert error(tmp_path / "run", **{"solver.initial": dam, "time.end": 1.0, "mesh.height": 3.0, "mesh.size": 0.3}) < 0.1


def test_a_case_without_exact_solution_is_told(tmp_path):
    path = run(tmp_path / "rest", **{"solver.initial": {"kind": "rest"}})
    with pytest.raises(InputError, match="'rest' has no exact solution; these have: dam_break, hump"):
        write_exact(path, tmp_path / "exact.h5")
    path = run(tmp_path / "cone", **{"mesh.bathymetry": {"kind": "bump", "depth": 1.0, "height": 0.2, "width": 3.0}})
    with pytest.raises(InputError, match="for an even bed"):
        write_exact(path, tmp_path / "exact.h5")
    circle = {"kind": "dam_break", "high": 0.2, "low": 0.0, "radius": 2.0}
    path = run(tmp_path / "circle", **{"solver.initial": circle})
    with pytest.raises(InputError, match="finer run"):
        write_exact(path, tmp_path / "exact.h5")
