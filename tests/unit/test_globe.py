"""The whole globe: the stereographic map, its meshes, and water that crosses the poles."""

from pathlib import Path

import numpy as np
import pytest

from meshes import globe
from meshes.core import quadrature, sphere_points
from meshes.core.mercator import RADIUS, away
from meshes.core.quality import quality_of
from meshes.core.stereographic import Stereographic, directions
from pipeline.core.errors import InputError
from pipeline.core.params import build
from pipeline.drawing.whole_globe import middle_of, on_disc
from pipeline.stages.decompose.references import refuse_other_map
from solvers import tsunami
from solvers.core.comm import Serial
from solvers.core.driver import simulate
from solvers.tsunami.source.core.ground import Ground

ROTATION, G = 7.292115e-5, 9.81
FLAT = {"kind": "flat", "depth": 4000.0}


def mesh_of(folder=Path(), **table):
    return globe.build(build(globe.Params, {"bathymetry": FLAT, **table}, "mesh"), folder=folder)


def model_on(mesh, gauges=None, **solver):
    return tsunami.build(mesh, mesh.share(Serial()), Serial(), build(tsunami.Params, solver, "solver"), gauges=gauges or {}, folder=Path())


def run(model, end, start=None):
    if start is not None:
        model.initial = start.copy
    return list(simulate(model, Serial(), end=end, output_interval=end, cfl=0.9))[-1].u


def somewhere(count=200):
    towards = sphere_points.unit(np.random.default_rng(3).normal(size=(count, 3)))
    return np.degrees(np.stack([np.arctan2(towards[:, 1], towards[:, 0]), np.arcsin(towards[:, 2])], axis=1))


def test_the_map_takes_every_place_back_stretches_alike_and_knows_east():
    chart, degrees, small = Stereographic(-93.0, -46.0), somewhere(), 1e-4
    places = chart.plane(degrees)
    assert chart.degrees(places) == pytest.approx(degrees, abs=1e-9)
    for way, turn in (([small, 0.0], 0.0), ([0.0, small], 0.5 * np.pi)):
        step = chart.plane(degrees + way) - places
        length = RADIUS * np.radians(small) * (np.cos(np.radians(degrees[:, 1])) if way[0] else 1.0)
        assert np.hypot(*step.T) == pytest.approx(chart.stretch(places) * length, rel=1e-3)
        east = chart.eastward(places)
        expected = np.stack(
            [np.cos(turn) * east[:, 0] - np.sin(turn) * east[:, 1], np.sin(turn) * east[:, 0] + np.cos(turn) * east[:, 1]], 1
        )
        assert step / np.hypot(*step.T)[:, None] == pytest.approx(expected, abs=1e-3)
    rise = [(chart.stretch(places + way) - chart.stretch(places - way)) / 2e3 for way in np.array([[1e3, 0.0], [0.0, 1e3]])]
    assert chart.turning(places, 0.0)[:, 1:] == pytest.approx(np.stack(rise, axis=1), rel=1e-6)


def test_triangles_are_even_and_cover_the_sphere_but_the_hole():
    mesh = mesh_of(size=4e5, hole={"longitude": 20.0, "latitude": 80.0, "radius": 1.2e6})
    assert mesh.areas.sum() == pytest.approx(2.0 * np.pi * RADIUS**2 * (1.0 + np.cos(1.2e6 / RADIUS)), rel=2e-3)
    assert quality_of(mesh).angles.min() > 30.0
    assert np.median(mesh.lengths) == pytest.approx(4e5, rel=0.05)
    assert mesh.lengths.max() < 1.6 * 4e5
    assert len(mesh.vertices) - len(mesh.edges) + len(mesh.triangles) == 1  # Euler's number of a disc: no seam, no other hole


def test_water_over_hills_and_islands_stays_at_rest():
    mesh = mesh_of(size=6e5)
    heights = np.random.default_rng(2).uniform(-5000.0, 500.0, len(mesh.bed))
    object.__setattr__(mesh, "bed", heights)
    u = run(model_on(mesh), 20000.0)
    assert not u[:, 1:].any()
    assert np.array_equal(u[:, 0], np.maximum(-heights, 0.0))


def zonal(size, axis, rotation):
    """Errors of depth and discharge after half a day of a steady flow round an ``axis`` through the hole, and the change of the mass.

    D. L. Williamson et al., J. Comput. Phys. 102 (1992) 211-224, DOI 10.1016/S0021-9991(05)80016-6, eqs. (90) to (95).
    """
    speed, depth, end = 40.0, 8000.0, 43200.0
    mesh = mesh_of(size=size, hole={"longitude": axis[0] - 180.0, "latitude": -axis[1], "radius": 1.5e6})
    up = directions(np.array(axis))
    places = np.stack(quadrature.places(mesh.vertices[mesh.triangles]), axis=-1)
    towards = mesh.chart.towards(places)
    h = depth - (RADIUS * rotation * speed + 0.5 * speed**2) * (towards @ up) ** 2 / G
    flow = speed * np.cross(up, towards)
    longitude = np.arctan2(towards[..., 1], towards[..., 0])
    east = np.stack([-np.sin(longitude), np.cos(longitude), np.zeros_like(longitude)], axis=-1)
    east, north = (flow * east).sum(axis=-1), (flow * np.cross(towards, east)).sum(axis=-1)
    way = mesh.chart.eastward(places)
    along = way * east[..., None] + np.stack([-way[..., 1], way[..., 0]], axis=-1) * north[..., None]  # the map's axes
    weights = np.array(quadrature.WEIGHTS) * mesh.chart.stretch(places) ** -2.0
    values = (h, h * along[..., 0], h * along[..., 1])
    start = np.stack([(weights * value).sum(axis=1) / weights.sum(axis=1) for value in values], axis=1)
    model = model_on(mesh, gravity=G, rotation=rotation)
    assert model.from_values(model.to_values(start)) == pytest.approx(start, abs=1e-12 * depth * speed)
    u = run(model, end, start)
    error = np.average(np.abs(u - start), axis=0, weights=mesh.areas)
    return error[0] / depth, error[1] / (depth * speed), np.dot(u[:, 0] - start[:, 0], mesh.areas) / np.dot(start[:, 0], mesh.areas)


ROUND, OVER = ((0.0, 90.0), ROTATION), ((0.0, 0.0), 0.0)  # the poles: the flow's axis, and the sphere's rotation


@pytest.mark.parametrize(
    ("flow", "sizes", "orders"),
    [pytest.param(ROUND, (6e5, 3e5), (1.7, 1.9)), pytest.param(OVER, (2e5, 1e5), (1.7, 1.9), marks=pytest.mark.slow)],
    ids=["round the poles", "over the poles"],
)
def test_a_steady_flow_stays_with_nearly_second_order(flow, sizes, orders):
    (coarse, slow, _), (fine, fast, mass) = (zonal(size, *flow) for size in sizes)
    assert np.log2(coarse / fine) >= orders[0]
    assert np.log2(slow / fast) >= orders[1]
    assert fine < 2e-4
    assert abs(mass) < 1e-14


def test_a_wave_crosses_the_pole_as_any_other_place_and_eastward_is_east_on_both_sides():
    centre, gauges = (-150.0, 70.0), {"beyond": (30.0, 74.0), "south": (-150.0, 34.0)}
    mesh = mesh_of(size=2.5e5)
    distances = [np.hypot(*away(centre, np.array(place))) for place in gauges.values()]
    assert distances[0] == pytest.approx(distances[1], rel=1e-9)
    hump = {"kind": "hump", "height": 1.0, "width": 6e5, "centre": list(centre)}
    model = model_on(mesh, gauges, initial=hump, rotation=0.0)
    for _ in simulate(model, Serial(), end=26000.0, output_interval=26000.0, cfl=0.9):
        pass
    times, values = model.gauges.take()
    crests = values[:, :, 0].argmax(axis=0)
    assert np.ptp(times[crests]) < 0.02 * times[crests[0]]
    assert values[crests[0], 0, 0] == pytest.approx(values[crests[1], 1, 0], rel=0.1)
    for gauge, crest in enumerate(crests):  # southward on both sides of the pole
        assert values[crest, gauge, 2] < 0.0
        assert abs(values[crest, gauge, 1]) < 0.1 * -values[crest, gauge, 2]


def relief(path, step=10.0, last=85.0):
    """A raster whose heights are a linear function of the place in space, from -5000 m to 5000 m."""
    x, y = np.arange(-180.0 + 0.5 * step, 180.0, step), np.arange(last, -last - 1.0, -step)
    towards = directions(np.stack(np.meshgrid(x, y), axis=-1))
    rows = [" ".join(f"{z:.3f}" for z in row) for row in -5000.0 * towards[..., 0]]
    path.write_text("\n".join([f"ncols {len(x)}", f"nrows {len(y)}", f"xllcenter {x[0]}", f"yllcenter {-last}", f"cellsize {step}", *rows]))


def test_relief_has_neither_seam_nor_poles_and_edges_follow_the_depth(tmp_path):
    relief(tmp_path / "relief.asc")
    depths = {"period": "1 h", "points": 2.0 * 4, "finest": "200 km", "growth": 0.3}
    bed = {"kind": "raster", "file": "relief.asc"}
    mesh = mesh_of(tmp_path, size=5e5, by_depth=depths, bathymetry=bed, hole={"longitude": 180.0, "latitude": 0.0, "radius": 1.5e6})
    towards = mesh.chart.towards(mesh.centroids)
    assert np.abs(mesh.bed + 5000.0 * towards[:, 0]).max() < 120.0
    assert np.abs(towards[:, 2]).max() > 0.999
    inner = np.flatnonzero((mesh.neighbours >= 0).all(axis=1) & (np.abs(towards[:, 2]) < 0.95))
    east, north = np.radians(mesh.chart.degrees(mesh.centroids[inner])).T
    rises = 5000.0 / RADIUS * np.stack([np.sin(east), np.sin(north) * np.cos(east)], axis=1)
    assert np.abs(Ground(mesh, 0.0, Serial()).rises(inner) - rises).mean() < 0.05 * np.abs(rises).mean()
    size = np.sqrt(mesh.areas * 4.0 / np.sqrt(3.0))
    wanted = np.clip(np.sqrt(9.81 * np.maximum(5000.0 * towards[:, 0], 0.0)) * 450.0, 2e5, None)
    water = towards[:, 0] > 0.2
    assert np.median(size[water] / wanted[water]) == pytest.approx(1.0, abs=0.1)
    assert (quality_of(mesh).angles >= 25.0).mean() > 0.99
    again = mesh_of(tmp_path, size=5e5, by_depth=depths, bathymetry=bed, hole={"longitude": 180.0, "latitude": 0.0, "radius": 1.5e6})
    assert again.hash == mesh.hash


def test_the_middle_of_a_map_is_found_from_a_files_arrays():
    mesh = mesh_of(size=8e5, hole={"longitude": 20.0, "latitude": 30.0, "radius": 1.2e6})
    assert middle_of(mesh.arrays()) == pytest.approx((-160.0, -30.0), abs=1e-9)
    x, y = on_disc(mesh.arrays()["node_longitude"], mesh.arrays()["node_latitude"], (-160.0, -30.0))
    assert np.hypot(x, y).max() == pytest.approx(2.0 * np.cos(0.5 * 1.2e6 / RADIUS), rel=1e-6)
    other = mesh_of(size=8e5, hole={"longitude": 25.0, "latitude": 30.0, "radius": 1.2e6})
    refuse_other_map(mesh.arrays(), mesh.arrays())
    with pytest.raises(InputError, match="give both the same hole"):
        refuse_other_map(mesh.arrays(), other.arrays())


def test_what_can_be_no_globe_is_refused():
    with pytest.raises(InputError, match="fewer than 8 edges of 900000 m"):
        mesh_of(size=9e5)
    with pytest.raises(InputError, match="leaves out more"):
        mesh_of(size=1e6, hole={"radius": 6e6})
    with pytest.raises(InputError, match="no longitude and latitude"):
        mesh_of(size=1e5, hole={"latitude": 120.0})
    with pytest.raises(InputError, match="cells, more than"):
        mesh_of(size=1e3)
    with pytest.raises(InputError, match="'bump' has its places in metres"):
        mesh_of(size=6e5, bathymetry={"kind": "bump", "depth": 1.0, "height": 0.5, "width": 1.0})
    with pytest.raises(InputError, match=r"gauge 'inland' at .* lies in the mesh's hole"):
        model_on(mesh_of(size=6e5), {"inland": (86.0, 46.0)})
