from pathlib import Path

import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st

from meshes import rectangle
from meshes.core import bathymetry, raster
from meshes.core.bathymetry.cone import Params as Cone
from pipeline.core.errors import InputError
from pipeline.core.params import Spec


def surface(x, y):
    return 0.3 * x - 0.2 * y + 0.05 * x * y - 1.0


def write_text(path, x, y, z):
    lines = [f"{a} {b} {z[i, j]}" for i, a in enumerate(x) for j, b in enumerate(y)]
    path.write_text("x y z\n" + "\n".join(lines) + "\n")


@pytest.fixture
def grid():
    x, y = np.linspace(0.0, 4.0, 9), np.linspace(-1.0, 2.0, 13)
    return raster.HeightGrid(x, y, surface(x[:, None], y[None, :]), "grid")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 4.0), st.floats(-1.0, 2.0)), min_size=3, max_size=3))
def test_a_bilinear_surface_is_integrated_exactly(points):
    x, y = np.linspace(0.0, 4.0, 9), np.linspace(-1.0, 2.0, 13)
    grid = raster.HeightGrid(x, y, surface(x[:, None], y[None, :]), "grid")
    corners = np.array([points])
    a, b = corners[0, 1] - corners[0, 0], corners[0, 2] - corners[0, 0]
    if a[0] * b[1] - a[1] * b[0] < 1e-3:
        return
    exact = bathymetry.shape_means(surface, corners)  # exact too: a polynomial of degree 2
    assert grid.means(corners) == pytest.approx(exact, abs=1e-11)  # clipping divides by areas of 1e-3


def test_a_raster_on_a_mesh_keeps_its_volume(grid, tmp_path):
    rng = np.random.default_rng([1])
    z = rng.random((9, 13))
    write_text(tmp_path / "z.txt", grid.x, grid.y, z)
    mesh = rectangle.build(
        rectangle.Params(4.0, 3.0, 0.37, origin=(0.0, -1.0), bathymetry=Spec("raster", {"file": "z.txt"})), folder=tmp_path
    )
    weights = np.outer(np.r_[0.5, np.ones(7), 0.5], np.r_[0.5, np.ones(11), 0.5]) * 0.5 * 0.25
    assert (mesh.areas * mesh.bed).sum() == pytest.approx((weights * z).sum(), rel=1e-13)


def test_text_and_netcdf_give_the_same_bed(grid, tmp_path):
    write_text(tmp_path / "z.txt", grid.x, grid.y, grid.z)
    data = xarray.Dataset({"elevation": (("y", "x"), grid.z.T[::-1])}, coords={"x": grid.x, "y": grid.y[::-1]})  # north first, as many are
    data.to_netcdf(tmp_path / "z.nc")
    beds = []
    for name in ("z.txt", "z.nc"):
        asked = Spec("raster", {"file": name, "positive": "down", "scale": 2.0})
        beds.append(bathymetry.bed_means(asked, tmp_path)(np.array([[[0.1, 0.1], [1.7, 0.0], [0.4, 1.9]]])))
    assert beds[0] == pytest.approx(beds[1], rel=1e-14)
    assert beds[0][0] < 0.0 or surface(0.7, 0.7) < 0.0


def test_a_raster_with_a_hole_is_refused_and_the_hole_named(grid, tmp_path):
    z = grid.z.copy()
    z[3, 4] = np.nan
    write_text(tmp_path / "z.txt", grid.x, grid.y, z)
    means = bathymetry.bed_means(Spec("raster", {"file": "z.txt"}), tmp_path)
    assert np.isfinite(means(np.array([[[2.0, 0.0], [4.0, 0.0], [2.0, 2.0]]]))).all()  # beside it nothing is missing
    with pytest.raises(InputError, match=r"1 hole\(s\) .* \(1.5, 0\) m"):
        means(np.array([[[1.0, 0.0], [4.0, 0.0], [2.0, 2.0]]]))


def test_a_raster_with_a_point_missing_is_refused(grid, tmp_path):
    write_text(tmp_path / "z.txt", grid.x, grid.y, grid.z)
    lines = (tmp_path / "z.txt").read_text().splitlines()
    (tmp_path / "z.txt").write_text("\n".join(lines[:20] + lines[21:]))
    with pytest.raises(InputError, match="hole"):
        bathymetry.bed_means(Spec("raster", {"file": "z.txt"}), tmp_path)(np.array([[[0.0, -1.0], [4.0, -1.0], [0.0, 2.0]]]))


def test_a_mesh_that_reaches_beyond_the_raster_is_refused(grid):
    with pytest.raises(InputError, match=r"covers .* the mesh spans"):
        grid.means(np.array([[[0.0, 0.0], [4.5, 0.0], [0.0, 1.0]]]))


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(InputError, match=r"no file 'nowhere.txt'"):
        bathymetry.bed_means(Spec("raster", {"file": "nowhere.txt"}), Path())


def test_a_cone_has_its_volume():
    shape = Cone(depth=0.32, toe_radius=3.6, slope=0.25, height=0.625)
    mesh = rectangle.build(rectangle.Params(10.0, 10.0, 0.1, origin=(-5.0, -5.0)), folder=Path())
    corners = mesh.vertices[mesh.triangles]
    volume = ((bathymetry.shape_means(shape, corners) + 0.32) * mesh.areas).sum()
    exact = np.pi * 0.625 / 3.0 * (3.6**2 + 3.6 * 1.1 + 1.1**2)
    assert volume == pytest.approx(exact, rel=1e-4)  # the rims are kinks
