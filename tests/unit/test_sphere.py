"""The sphere: Mercator's map, meshes in longitudes and latitudes, and the water on them."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import netcdf_file

from meshes import lonlat, rectangle
from meshes.core import quadrature
from meshes.core.mercator import RADIUS, Mercator, away
from pipeline.core.errors import InputError
from pipeline.core.params import build
from pipeline.stages.decompose.references import refuse_other_map
from solvers import tsunami
from solvers.core.comm import Serial
from solvers.core.driver import simulate
from solvers.tsunami.source import okada
from solvers.tsunami.source.core.moving_grid import MovingGrid

ROTATION, G = 7.292115e-5, 9.81
BAND = {"west": -180.0, "east": 180.0, "south": -60.0, "north": 60.0}
FLAT = {"kind": "flat", "depth": 0.0}
OPEN = {side: {"kind": "outflow"} for side in ("west", "east", "south", "north")}


def mesh_of(folder=Path(), **table):
    return lonlat.build(build(lonlat.Params, {**BAND, "bathymetry": FLAT, **table}, "mesh"), folder=folder)


def model_on(mesh, gauges=None, **solver):
    return tsunami.build(mesh, mesh.share(Serial()), Serial(), build(tsunami.Params, solver, "solver"), gauges=gauges or {}, folder=Path())


def run(model, end, start=None):
    if start is not None:
        model.initial = start.copy
    return list(simulate(model, Serial(), end=end, output_interval=end, cfl=0.9))[-1].u


def means(mesh, values):
    """Means over the cells' areas on the sphere of ``values`` (cells, 7) at the points of quadrature."""
    x, y = quadrature.places(mesh.vertices[mesh.triangles])
    weights = np.array(quadrature.WEIGHTS) * Mercator(0.0).stretch(np.stack([x, y], axis=-1)) ** -2.0
    return (values * weights).sum(axis=1) / weights.sum(axis=1)


def test_longitudes_of_any_turn_are_the_same_place():
    chart = Mercator(170.0)
    places = np.array([[-170.0, 20.0], [190.0, 20.0], [550.0, 20.0]])
    assert np.ptp(chart.plane(places), axis=0) == pytest.approx([0.0, 0.0], abs=1e-6)
    assert chart.degrees(chart.plane(np.array([[-80.0, -35.0], [10.0, 84.0]]))) == pytest.approx(np.array([[280.0, -35.0], [10.0, 84.0]]))


def test_lengths_and_ways_are_those_of_great_circles():
    chart = Mercator(0.0)
    south, north = np.array([[5.0, 30.0]]), np.array([[5.0, 31.0]])
    assert chart.lengths(chart.plane(south), chart.plane(north)) == pytest.approx(RADIUS * np.radians(1.0), rel=1e-9)
    quarter = 0.5 * np.pi * RADIUS
    assert away((30.0, 0.0), np.array([120.0, 0.0])) == pytest.approx([quarter, 0.0], abs=1e-3)
    assert away((30.0, 0.0), np.array([77.0, 90.0])) == pytest.approx([0.0, quarter], abs=1e-3)
    assert away((179.0, 10.0), np.array([-179.0, 10.0]))[0] == pytest.approx(RADIUS * np.radians(2.0) * np.cos(np.radians(10.0)), rel=1e-3)


@pytest.mark.parametrize("box", [{}, {"west": 150.0, "east": -100.0, "south": -50.0, "north": 10.0}])
def test_areas_are_those_of_the_sphere(box):
    mesh = mesh_of(size=8e5, **box)
    table = {**BAND, **box}
    extent = (table["east"] - table["west"]) % 360.0 or 360.0
    exact = RADIUS**2 * np.radians(extent) * np.ptp(np.sin(np.radians([table["south"], table["north"]])))
    assert mesh.areas.sum() == pytest.approx(exact, rel=1e-7)


def test_edges_of_a_box_are_as_long_as_asked_at_every_latitude():
    mesh = mesh_of(west=0.0, east=60.0, south=-5.0, north=65.0, size=2e5)
    latitude = np.degrees(np.arctan(np.sinh(mesh.midpoints[:, 1] / RADIUS)))
    for south in (0.0, 30.0, 55.0):
        assert np.median(mesh.lengths[(latitude > south) & (latitude < south + 10.0)]) == pytest.approx(2e5, rel=0.1)


def test_water_over_hills_and_islands_stays_at_rest_and_turns_nothing():
    mesh = mesh_of(size=1.2e6)
    heights = np.random.default_rng(2).uniform(-5000.0, 500.0, len(mesh.bed))
    object.__setattr__(mesh, "bed", heights)
    u = run(model_on(mesh), 20000.0)
    assert not u[:, 1:].any()
    assert np.array_equal(u[:, 0], np.maximum(-heights, 0.0))


def zonal(size, rotation):
    """Errors of depth and discharge of a steady flow along the parallels after a day, and the change of the mass.

    D. L. Williamson et al., J. Comput. Phys. 102 (1992) 211-224, DOI 10.1016/S0021-9991(05)80016-6, eqs. (90) to (95), between two walls.
    """
    speed, depth = 40.0, 8000.0
    mesh = mesh_of(size=size)
    _, y = quadrature.places(mesh.vertices[mesh.triangles])
    sine = np.tanh(y / RADIUS)
    h = depth - (RADIUS * rotation * speed + 0.5 * speed**2) * sine**2 / G
    start = np.stack([means(mesh, h), means(mesh, h * speed * np.sqrt(1.0 - sine**2)), np.zeros(len(h))], axis=1)
    u = run(model_on(mesh, gravity=G, rotation=rotation), 86400.0, start)
    error = np.average(np.abs(u - start), axis=0, weights=mesh.areas)
    return error[0] / depth, error[1] / (depth * speed), np.dot(u[:, 0] - start[:, 0], mesh.areas) / np.dot(start[:, 0], mesh.areas)


@pytest.mark.parametrize("rotation", [ROTATION, 0.0])
def test_a_zonal_flow_stays_with_second_order(rotation):
    (coarse, _, _), (fine, discharge, mass) = (zonal(size, rotation) for size in (8e5, 4e5))
    assert np.log2(coarse / fine) >= 1.9
    assert fine < 1e-4
    assert discharge < 0.02
    assert abs(mass) < 1e-14


def test_an_even_current_turns_in_circles_on_the_plane():
    table = {"width": 1e5, "height": 1e5, "size": 2e4, "periodic": ["x", "y"], "bathymetry": FLAT}
    mesh = rectangle.build(build(rectangle.Params, table, "mesh"), folder=Path())
    f, end = 1e-4, 20000.0
    start = np.tile([100.0, 50.0, 0.0], (len(mesh.areas), 1))
    u = run(model_on(mesh, coriolis=f), end, start)
    assert u[:, 0] == pytest.approx(100.0, rel=1e-13)
    assert u[:, 1] == pytest.approx(50.0 * np.cos(f * end), abs=2e-4)
    assert u[:, 2] == pytest.approx(-50.0 * np.sin(f * end), abs=2e-4)


@pytest.mark.parametrize(("near", "far"), [((183.0, 20.0), (205.0, 40.0)), ((150.0, 25.0), (140.0, 50.0))])
def test_a_wave_goes_along_great_circles_over_the_date_line_too(near, far):
    depth, centre = 4000.0, (160.0, 5.0)
    mesh = mesh_of(west=100.0, east=-120.0, south=-40.0, north=66.0, size=1.8e5, bathymetry={"kind": "flat", "depth": depth})
    hump = {"kind": "hump", "height": 1.0, "width": 5e5, "centre": list(centre)}
    model = model_on(mesh, {"near": near, "far": far}, initial=hump, rotation=0.0, boundary=OPEN)
    speed = np.sqrt(9.81 * depth)
    distances = [np.hypot(*away(centre, np.array(place))) for place in (near, far)]
    end = 1.2 * distances[1] / speed
    frames = [
        (frame.clock.t, frame.u[model.gauges.cells, 0].copy())
        for frame in simulate(model, Serial(), end=end, output_interval=end / 150.0, cfl=0.9)
    ]
    crests = np.argmax([depths for _, depths in frames], axis=0)
    assert frames[crests[1]][0] - frames[crests[0]][0] == pytest.approx((distances[1] - distances[0]) / speed, rel=0.03)


def raster(path, west, east, step=10.0):
    """A file whose heights are the longitude east of Greenwich plus a tenth of the latitude."""
    x, y = np.arange(west, east + 0.5 * step, step), np.arange(-80.0, 80.1, step)
    with netcdf_file(path, "w") as file:
        for name, values, unit in (("lon", x, "degrees_east"), ("lat", y, "degrees_north")):
            file.createDimension(name, len(values))
            variable = file.createVariable(name, "f8", (name,))
            variable[:], variable.units = values, unit
        z = file.createVariable("z", "f8", ("lat", "lon"))
        z[:], z.units = np.cos(np.radians(x))[None, :] + 0.1 * y[:, None], "m"


@pytest.mark.parametrize(("west", "east"), [(-180.0, 180.0), (0.0, 350.0), (-180.0, 170.0), (100.0, 300.0)])
def test_relief_has_any_longitudes(tmp_path, west, east):
    raster(tmp_path / "relief.nc", west, east)
    mesh = mesh_of(tmp_path, west=150.0, east=-110.0, south=-50.0, north=50.0, size=6e5, bathymetry={"kind": "raster", "file": "relief.nc"})
    lon, lat = mesh.arrays()["face_longitude"], mesh.arrays()["face_latitude"]
    assert np.abs(mesh.bed - np.cos(np.radians(lon)) - 0.1 * lat).max() < 0.03


def test_what_is_no_place_on_the_globe_is_refused(tmp_path):
    raster(tmp_path / "relief.nc", -120.0, -60.0)
    with pytest.raises(InputError, match="north = 89 is beyond 85 degrees"):
        mesh_of(size=8e5, north=89.0)
    with pytest.raises(InputError, match="is not south of"):
        mesh_of(size=8e5, south=70.0)
    with pytest.raises(InputError, match="'bump' has its places in metres"):
        mesh_of(size=8e5, bathymetry={"kind": "bump", "depth": 1.0, "height": 0.5, "width": 1.0})
    with pytest.raises(InputError, match=r"covers \(-120, -80\) to \(-60, 80\) degrees"):
        mesh_of(tmp_path, west=0.0, east=40.0, size=8e5, bathymetry={"kind": "raster", "file": "relief.nc"})
    mesh = mesh_of(west=0.0, east=40.0, size=1e6)
    with pytest.raises(InputError, match=r"gauge 'far' at \(50, 0\) degrees lies outside the mesh"):
        model_on(mesh, {"far": (50.0, 0.0)})
    with pytest.raises(InputError, match="'plane_wave' has its places in metres"):
        model_on(mesh, initial={"kind": "plane_wave", "amplitude": 0.1, "wavelength": 10.0, "depth": 1.0})


def test_a_fault_on_the_sphere_lifts_the_bed_as_on_a_plane_that_touches_it():
    fault = {"depth": 5e3, "reference": "top", "length": 1e5, "width": 5e4, "strike": 16.0, "dip": 14.0, "rake": 104.0, "slip": 5.0}
    chart, centre = Mercator(180.0), (-179.9, 0.3)
    globe = okada.Params(x=centre[0], y=centre[1], **fault).motion(Path(), chart)
    x, y = np.random.default_rng(1).uniform(-1.5e5, 1.5e5, (2, 500)) + chart.plane(np.array(centre))[:, None]
    way = np.stack([x, y], axis=1) - chart.plane(np.array(centre))
    plane = okada.Params(x=0.0, y=0.0, **fault).motion(Path())
    expected = plane.shapes(*way.T)
    assert np.abs(globe.shapes(x, y) - expected).max() < 2e-3 * np.abs(expected).max()
    assert globe.places - chart.plane(np.array(centre)) == pytest.approx(plane.places, abs=50.0)
    with pytest.raises(InputError, match="no longitude and latitude"):
        okada.Params(x=-1e5, y=0.3, **fault).motion(Path(), chart)


def test_a_grid_of_displacements_in_degrees_has_any_longitudes():
    x, y = np.linspace(178.0, 184.0, 7), np.linspace(-3.0, 3.0, 7)
    lifts = np.exp(-((x[None, :] - 181.0) ** 2) - y[:, None] ** 2)
    chart = Mercator(180.0)
    grid = MovingGrid("lifts.tt3", np.array([0.0]), x, y, lifts[None], chart=chart)
    places = chart.plane(np.array([[-179.0, 0.0], [181.0, 1.0], [-178.5, 0.0], [170.0, 0.0]])).T
    assert grid.shapes(*places)[0] == pytest.approx([1.0, np.exp(-1.0), 0.5 + 0.5 * np.exp(-1.0), 0.0])
    assert chart.degrees(grid.places)[:, 0].mean() == pytest.approx(181.0)


def test_a_fault_makes_a_wave_on_the_sphere_and_one_outside_the_mesh_is_refused():
    fault = {
        "kind": "okada",
        "depth": 5e3,
        "reference": "top",
        "length": 3e5,
        "width": 1e5,
        "strike": 16.0,
        "dip": 14.0,
        "rake": 104.0,
        "slip": 10.0,
    }
    mesh = mesh_of(west=175.0, east=-175.0, south=-5.0, north=5.0, size=6e4, bathymetry={"kind": "flat", "depth": 4000.0})
    model = model_on(mesh, source=[{**fault, "x": -179.0, "y": 0.0}])
    u = run(model, 600.0)
    lifted = model.moving.uplift
    assert 1.0 < lifted.max() < 6.0
    assert np.hypot(*away((-179.0, 0.0), mesh.chart.degrees(mesh.centroids[np.argmax(lifted)]))) < 2e5
    assert np.abs(u[:, 1:]).max() > 1.0
    assert u[:, 0] @ mesh.areas == pytest.approx(4000.0 * mesh.areas.sum(), rel=1e-14)
    with pytest.raises(InputError, match=r"source\[0\] at \(.*\) degrees lies outside the mesh"):
        model_on(mesh, source=[{**fault, "x": -72.0, "y": -35.0}])


def test_relief_of_cells_round_the_globe_has_no_seam(tmp_path):
    x, y = np.arange(-175.0, 180.0, 10.0), np.arange(75.0, -80.0, -10.0)
    rows = [" ".join(f"{z:.6f}" for z in np.cos(np.radians(x)) + 0.1 * north) for north in y]
    (tmp_path / "relief.asc").write_text(
        "\n".join([f"ncols {len(x)}", f"nrows {len(y)}", "xllcorner -180", "yllcorner -80", "cellsize 10", *rows])
    )
    mesh = mesh_of(
        tmp_path, west=150.0, east=-110.0, south=-50.0, north=50.0, size=6e5, bathymetry={"kind": "raster", "file": "relief.asc"}
    )
    lon, lat = mesh.arrays()["face_longitude"], mesh.arrays()["face_latitude"]
    assert np.abs(mesh.bed - np.cos(np.radians(lon)) - 0.1 * lat).max() < 0.03


def test_runs_on_other_maps_are_not_compared():
    one, same, other = (mesh_of(west=west, east=west + 40.0, size=size).arrays() for west, size in ((0.0, 1e6), (0.0, 8e5), (5.0, 1e6)))
    plane = {name: values for name, values in one.items() if "tude" not in name}
    refuse_other_map(one, same)
    with pytest.raises(InputError, match="middles at longitudes 20 and 25 degrees"):
        refuse_other_map(one, other)
    with pytest.raises(InputError, match="one is on a plane and one on the sphere"):
        refuse_other_map(one, plane)


def test_the_turning_of_another_kind_of_mesh_is_refused():
    with pytest.raises(InputError, match="are for a plane"):
        model_on(mesh_of(west=0.0, east=40.0, size=1e6), coriolis=1e-4)
    plane = rectangle.build(build(rectangle.Params, {"width": 4.0, "height": 4.0, "size": 1.0, "bathymetry": FLAT}, "mesh"), folder=Path())
    with pytest.raises(InputError, match="is for a mesh in longitudes and latitudes"):
        model_on(plane, rotation=1e-4)
