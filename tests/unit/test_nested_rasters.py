"""Several rasters of relief, one over the other: which one holds where, what lies between them, and what is refused."""

import numpy as np
import pytest
import xarray

from meshes import lonlat, rectangle
from meshes.core.bathymetry import bed_means
from pipeline.core.errors import InputError
from pipeline.core.params import Spec, build
from pipeline.core.remarks import collected

SQUARE = {"width": 100.0, "height": 100.0, "size": 8.0}
COARSE = np.arange(-50.0, 151.0, 10.0)
FINE = np.arange(20.0, 61.0), np.arange(20.0, 71.0)


def plane(x, y):
    return -100.0 + 0.3 * x - 0.2 * y


def write(path, x, y, shape, **attrs):
    """A file of ``shape`` at the crossings of x and y; nan is missing."""
    z = np.broadcast_to(shape(x[:, None], y[None]), (len(x), len(y)))
    axes = {"x": ("x", x, attrs), "y": ("y", y, attrs)}
    xarray.Dataset({"z": (("x", "y"), z)}, axes).to_netcdf(path, engine="h5netcdf")


def square(folder, *rasters, **table):
    asked = {**SQUARE, "bathymetry": {"kind": "rasters", "rasters": list(rasters)}, **table}
    return rectangle.build(build(rectangle.Params, asked, "mesh"), folder=folder)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "coarse.nc", COARSE, COARSE, plane)
    write(tmp_path / "fine.nc", *FINE, lambda x, y: np.where(np.hypot(x - 40.0, y - 40.0) < 5.0, np.nan, plane(x, y)))
    write(tmp_path / "one.nc", *FINE, lambda x, y: 1.0 + 0.0 * x * y)
    write(tmp_path / "zero.nc", COARSE, COARSE, lambda x, y: 0.0 * x * y)
    return tmp_path


@pytest.mark.parametrize("first", [{}, {"blend": 8.0}, {"extent": [25.0, 25.0, 50.0, 50.0]}], ids=["as it is", "blended", "a part"])
def test_rasters_of_the_same_plane_make_that_plane_over_rims_and_holes(folder, first):
    mesh = square(folder, {"file": "fine.nc", **first}, {"file": "coarse.nc"})
    assert np.abs(mesh.bed - plane(*mesh.centroids.T)).max() < 0.06  # [m] a 50th of what the bed changes by over a cell


def test_the_first_holds_wherever_it_has_heights_and_no_volume_is_lost(folder):
    mesh = square(folder, {"file": "one.nc"}, {"file": "zero.nc"})
    x, y = (mesh.vertices[mesh.triangles][..., axis] for axis in (0, 1))
    inside = (x.min(axis=1) >= 20.0) & (x.max(axis=1) <= 60.0) & (y.min(axis=1) >= 20.0) & (y.max(axis=1) <= 70.0)
    beyond = (x.max(axis=1) <= 19.0) | (x.min(axis=1) >= 61.0) | (y.max(axis=1) <= 19.0) | (y.min(axis=1) >= 71.0)
    assert inside.any() and beyond.any()
    assert (mesh.bed[inside] == pytest.approx(1.0, abs=1e-12)) and not mesh.bed[beyond].any()
    assert (mesh.areas * mesh.bed).sum() == pytest.approx(41.0 * 51.0, rel=1e-9)  # half a step more on each side: it falls within a step


def test_tiles_side_by_side_are_one_raster(folder):
    """They share no line of points: between two such lines the bed is even, as within a raster."""

    def shape(x, y):
        return np.sin(0.1 * x) * np.cos(0.07 * y)

    write(folder / "whole.nc", COARSE, COARSE, shape)
    write(folder / "west.nc", COARSE[:11], COARSE, shape)
    write(folder / "east.nc", COARSE[11:], COARSE, shape)
    tiles = square(folder, {"file": "west.nc"}, {"file": "east.nc"})
    whole = square(folder, bathymetry={"kind": "raster", "file": "whole.nc"})
    assert np.abs(tiles.bed - whole.bed).max() < 0.02  # of 2
    assert (tiles.areas * (tiles.bed - whole.bed)).sum() < 1e-4 * tiles.areas.sum()


def test_a_blend_rises_evenly_from_the_rim(folder):
    corners = np.array([[[x - 0.01, 45.0], [x + 0.01, 45.0], [x, 45.02]] for x in (20.0, 24.0, 28.0, 32.0)])
    rasters = [{"file": "one.nc", "blend": 10.0}, {"file": "zero.nc"}]
    found = bed_means(Spec("rasters", {"rasters": rasters}), folder)(corners)
    assert found == pytest.approx([0.1, 0.5, 0.9, 1.0], abs=0.01)  # one step outside it is 0


def test_offsets_and_smoothing(folder):
    write(folder / "geoid.nc", COARSE, COARSE, lambda x, y: 20.0 + 0.1 * x + 0.0 * y)
    mesh = square(folder, {"file": "coarse.nc", "offset": {"file": "geoid.nc"}})
    assert mesh.bed == pytest.approx(plane(*mesh.centroids.T) + 20.0 + 0.1 * mesh.centroids[:, 0], abs=1e-9)
    one = square(folder, bathymetry={"kind": "raster", "file": "coarse.nc", "offset": "-50 cm"})
    assert one.bed == pytest.approx(plane(*one.centroids.T) - 0.5, abs=1e-12)
    x, wave = np.arange(-100.0, 201.0), 2.0 * np.pi / 50.0
    write(folder / "waves.nc", x, x, lambda x, y: np.cos(wave * x) + 0.0 * y)
    asked = {"kind": "raster", "file": "waves.nc"}
    rough, smooth = (square(folder, bathymetry={**asked, **more}).bed for more in ({}, {"smooth": 8.0}))
    assert smooth == pytest.approx(np.exp(-0.5 * (8.0 * wave) ** 2) * rough, abs=1e-4)  # what a Gaussian leaves of a wave


def test_which_relief_came_from_where_is_said(folder):
    with collected() as said:
        mesh = square(folder, {"file": "fine.nc"}, {"file": "coarse.nc"})
    (line,) = said
    numbers = [int(word.strip(",;")) for word in line.split() if word.strip(",;").isdigit()]
    assert line.startswith("relief by cells: fine.nc ") and "coarse.nc" in line
    assert numbers[0] + numbers[1] == len(mesh.bed) and 0 < numbers[2] < numbers[0]


def test_a_place_that_no_raster_covers_is_named(folder):
    with pytest.raises(
        InputError, match=r"cells lie where none of the rasters has heights, or partly, the first at \([\d.]+, [\d.]+\) m: give"
    ):
        square(folder, {"file": "fine.nc"}, {"file": "one.nc"})
    with pytest.raises(InputError, match=r"fine.nc: extent = \[200.0, 0.0, 300.0, 50.0\] holds no two of its points; it covers \(20, 20\)"):
        square(folder, {"file": "fine.nc", "extent": [200.0, 0.0, 300.0, 50.0]}, {"file": "coarse.nc"})
    with pytest.raises(InputError, match="it must be west, south, east, north, rising"):
        square(folder, {"file": "fine.nc", "extent": [50.0, 0.0, 30.0, 50.0]})
    with pytest.raises(InputError, match="rasters is empty"):
        square(folder)


def test_on_the_globe_longitudes_of_both_kinds_nest_over_the_date_line(tmp_path):
    def relief(x, y):
        return -4000.0 + 500.0 * np.sin(np.radians(3.0 * x)) + 20.0 * y

    degrees = {"units": "degrees"}
    write(tmp_path / "globe.nc", np.arange(-180.0, 180.0), np.arange(-60.0, 61.0), relief, **degrees)
    write(tmp_path / "box.nc", np.arange(175.0, 185.01, 0.25), np.arange(-5.0, 5.01, 0.25), relief, **degrees)
    rasters = [{"file": "box.nc", "blend": "100 km"}, {"file": "globe.nc"}]
    box = {"west": 170.0, "east": -170.0, "south": -10.0, "north": 10.0, "size": 1e5, "bathymetry": {"kind": "rasters", "rasters": rasters}}
    mesh = lonlat.build(build(lonlat.Params, box, "mesh"), folder=tmp_path)
    assert mesh.bed == pytest.approx(relief(*mesh.chart.degrees(mesh.centroids).T), abs=3.0)
