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


def test_an_exact_solution_ends_where_its_waves_meet_a_wall(tmp_path):
    path = run(tmp_path / "run", **{"time.end": 6.0, "time.every": 0.5, "gauges": {"g": [3.0, 0.0]}})
    with Store(write_exact(path, tmp_path / "exact.h5")) as exact, Store(path) as store:
        until = exact.times[-1]
        assert exact.attrs["exact_until"] == until == exact.gauge("g")[0][-1].compute()
        assert exact.times.tolist() == store.times[: len(exact.times)].tolist()
        assert "pass through the wall at (" in exact.attrs["exact_ends"]
        speed, edge = np.sqrt(9.81 * 1.1), 15.0  # the crest is at the wall after 4.6 s, the foot of the hump before that
        assert 0.2 < until * speed / edge < 0.8
    opened = {"solver.boundary": {side: {"kind": "outflow"} for side in ("west", "east", "south", "north")}}
    path = run(tmp_path / "open", **{"time.end": 6.0, "time.every": 3.0}, **opened)
    with Store(write_exact(path, tmp_path / "open.h5")) as exact:
        assert exact.times.tolist() == [0.0, 3.0, 6.0] and exact.attrs["exact_ends"] == ""


def test_only_walls_end_an_exact_solution(tmp_path):
    dam = {"solver.initial": {"kind": "dam_break", "high": 0.0, "low": -0.5}, "mesh.height": 3.0, "time.end": 8.0, "time.every": 2.0}
    ends = {"solver.boundary": {side: {"kind": "outflow"} for side in ("west", "east")}}
    path = run(tmp_path / "ends", **dam, **ends)  # the water moves along the walls that are left
    with Store(write_exact(path, tmp_path / "ends.h5")) as exact:
        assert len(exact.times) == 5 and exact.attrs["exact_ends"] == ""
    path = run(tmp_path / "east", **dam, **{"solver.boundary": {"west": {"kind": "outflow"}}})
    with Store(write_exact(path, tmp_path / "east.h5")) as exact:
        assert exact.times.tolist() == [0.0, 2.0, 4.0] and "wall at (15," in exact.attrs["exact_ends"]


def test_an_exact_solution_that_does_not_fit_the_sides_is_refused(tmp_path):
    def wave(length: float) -> dict[str, object]:
        return {"solver.initial": {"kind": "plane_wave", "amplitude": 1e-3, "wavelength": length, "depth": 1.0}}

    path = run(tmp_path / "walls", **wave(20.0))
    with pytest.raises(InputError, match="does not fit the sides of this mesh: at t = 0 s its waves pass through the wall at"):
        write_exact(path, tmp_path / "exact.h5")
    periodic = {"mesh.periodic": ["x", "y"], "mesh.bathymetry": {"kind": "flat", "depth": 1.0}}
    path = run(tmp_path / "cut", **wave(20.0), **periodic)
    with pytest.raises(InputError, match="its waves differ on the two sides of the periodic edge"):
        write_exact(path, tmp_path / "exact.h5")
    assert not list(tmp_path.glob("exact*"))
    path = run(tmp_path / "fits", **wave(15.0), **periodic)
    with Store(write_exact(path, tmp_path / "fits.h5")) as exact:
        assert exact.attrs["exact_until"] == 2.0


def test_what_an_exact_solution_lacks_is_refused(tmp_path):
    path = run(tmp_path / "rough", **{"solver.manning": 0.02})
    with pytest.raises(InputError, match="friction"):
        write_exact(path, tmp_path / "exact.h5")
    incident = {"kind": "incident", "wave": {"kind": "solitary", "height": 0.01, "depth": 1.0}}
    path = run(tmp_path / "incident", **{"solver.boundary": {"west": incident}})
    with pytest.raises(InputError, match="'west'"):
        write_exact(path, tmp_path / "exact.h5")


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
