"""The horizontal motion of sloping ground: what it lifts, in which direction, and that it is off unless asked."""

import math
from pathlib import Path

import numpy as np
import pytest

from meshes import lonlat, rectangle
from meshes.core.mercator import RADIUS, Mercator, turned_on_the_way
from pipeline.core.params import Spec, build
from solvers.core.comm import Serial
from solvers.tsunami.source import motions
from solvers.tsunami.source.core.ground import Ground
from solvers.tsunami.source.core.motion import Ramp
from solvers.tsunami.source.core.rectangles import Rectangle, Slip

THRUST = {"kind": "okada", "x": 0.0, "y": 0.0, "depth": 8e3, "reference": "top", "length": 90e3, "width": 45e3, "strike": 20.0}
THRUST |= {"dip": 15.0, "rake": 100.0, "slip": 5.0}
SLOPE = 0.03
BEACH = {"kind": "beach", "depth": 9000.0, "slope": SLOPE, "toe": -100e3}  # a plane east of x = -100 km
MESH = {"width": 400e3, "height": 200e3, "size": 9e3, "origin": [-200e3, -100e3], "bathymetry": BEACH}


def ground_of(mesh):
    return Ground(rectangle.build(build(rectangle.Params, mesh, "mesh"), folder=Path()), 0.0, Serial())


def over(ground, cells, **values):
    (found,) = motions([Spec("okada", {k: v for k, v in (THRUST | values).items() if k != "kind"})], Path(), ground.chart)
    return found.over(ground, cells)[0]


def test_a_plane_s_slope_is_found_and_a_flat_bed_has_none():
    ground = ground_of(MESH)
    cells = np.arange(2000)
    x = ground.centroids(cells)[:, 0]
    rises = ground.rises(cells)
    assert np.abs(rises[np.abs(x - 50e3) < 130e3] - [SLOPE, 0.0]).max() < 1e-10
    assert not rises[x < -120e3].any()
    assert (x < -120e3).any()
    assert not ground.rises(np.array([-1])).any()


def test_the_bed_is_lifted_by_the_ground_that_comes_from_the_side():
    """Particles of the ground go where the elastic half-space takes them; the bed's change where they are then is what a source gives."""
    ground = ground_of(MESH)
    cells = np.arange(2000)
    centre = ground.centroids(cells)
    x, y = centre.T
    near = (np.abs(x - 20e3) < 100e3) & (np.abs(y) < 80e3)
    cells, x, y = cells[near], x[near], y[near]
    slip = Slip([Rectangle(**{k: v for k, v in THRUST.items() if k != "kind"})], 0.25, Ramp(0.0, 0.0))
    start = np.stack([x, y], axis=1)
    for _ in range(3):  # the particle that comes to the cell's middle
        start = np.stack([x, y], axis=1) - slip.displacement(*start.T)[:, :2]
    east, _, up = slip.displacement(*start.T).T
    wanted = up - SLOPE * east  # of a bed b = s x: b(X) + up(X) - b(X + east(X))
    flat, sloping = over(ground, cells), over(ground, cells, slopes=True)
    moved = np.abs(wanted - up).max()
    assert moved > 0.03
    # means over cells and the middle's displacement differ alike with slopes and without
    middle = slip.displacement(x, y)[:, 2]
    assert np.abs((sloping - flat) - (wanted - middle)).max() < 0.01 * moved
    assert np.abs(np.median((sloping - flat) / (wanted - middle))) == pytest.approx(1.0, abs=0.01)


def test_faults_that_slip_in_turn_are_lifted_alike(tmp_path):
    ground, cells = ground_of(MESH), np.arange(400)
    names = [name for name in THRUST if name not in ("kind", "reference")]
    half = [str(THRUST[name] / (2.0 if name == "slip" else 1.0)) for name in names]
    rows = [[*names, "time"], [*half, "0"], [*half, "9"]]
    (tmp_path / "faults.csv").write_text("\n".join(",".join(row) for row in rows))
    (found,) = motions([Spec("faults", {"file": "faults.csv", "reference": "top", "slopes": True, "moments": 3})], tmp_path, None)
    assert found.weights(9.0) @ found.over(ground, cells) == pytest.approx(over(ground, cells, slopes=True), abs=1e-12)


def test_on_the_globe_slopes_and_displacements_are_in_the_place_s_own_east_and_north():
    centre, latitude, far = (10.0, 60.0), 60.0, 15.0
    way = turned_on_the_way(centre, np.array([[10.0 + far, latitude], [10.0, 75.0], [10.0, 40.0]]))
    # half the convergence of the meridians on either side of the great circle's middle, by Napier's rules
    assert way[0] == pytest.approx(2.0 * math.atan(math.tan(math.radians(0.5 * far)) * math.sin(math.radians(latitude))))
    assert np.abs(way[1:]).max() < 1e-12
    fault = {k: v for k, v in THRUST.items() if k not in ("kind", "x", "y")}
    chart = Mercator(10.0)
    one = Slip([Rectangle(10.0, 60.0, **fault)], 0.25, Ramp(0.0, 0.0), chart=chart)
    place = chart.plane(np.array([[12.5, 60.2]]))
    turned = Slip([Rectangle(10.0, 60.0, **fault)], 0.25, Ramp(0.0, 0.0), chart=Mercator(0.0))
    assert turned.displacement(*Mercator(0.0).plane(np.array([[12.5, 60.2]])).T) == pytest.approx(one.displacement(*place.T), abs=1e-12)
    x, y = RADIUS * math.radians(0.1), 0.0  # near the fault the globe is a plane
    plane = Slip([Rectangle(0.0, 0.0, **fault)], 0.25, Ramp(0.0, 0.0)).displacement(np.array([x]), np.array([y]))
    globe = Slip([Rectangle(0.0, 0.0, **fault)], 0.25, Ramp(0.0, 0.0), chart=Mercator(0.0))
    assert globe.displacement(*Mercator(0.0).plane(np.array([[0.1, 0.0]])).T) == pytest.approx(plane, abs=1e-6)


def test_slopes_on_the_globe_are_those_on_the_sphere():
    mesh = lonlat.build(
        build(
            lonlat.Params,
            {"west": -2.0, "east": 2.0, "south": 58.0, "north": 62.0, "size": 20e3, "bathymetry": {"kind": "flat", "depth": 100.0}},
            "mesh",
        ),
        folder=Path(),
    )
    heights = 1e-3 * mesh.chart.degrees(mesh.centroids)[:, 1]
    object.__setattr__(mesh, "bed", heights)
    ground = Ground(mesh, 0.0, Serial())
    inside = np.flatnonzero((mesh.neighbours >= 0).all(axis=1))
    rises = ground.rises(inside)
    assert rises[:, 1] == pytest.approx(1e-3 / (RADIUS * math.radians(1.0)), rel=2e-3)
    assert np.abs(rises[:, 0]).max() < 2e-3 * rises[:, 1].max()
