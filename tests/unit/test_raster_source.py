"""A raster of displacements: the same motion from any file, on a plane and on the globe."""

import numpy as np
import pytest
import xarray

from meshes.core.mercator import Mercator
from pipeline.core.errors import InputError
from pipeline.core.params import Spec, build
from solvers.tsunami.source import motions
from solvers.tsunami.source.raster import Params

X, Y = np.linspace(-10.0, 10.0, 41), np.linspace(-8.0, 8.0, 33)
LIFT = 3.0 * np.exp(-((X[:, None] / 2.0) ** 2) - (Y[None, :] / 1.5) ** 2)  # (M, N)


def netcdf(folder, values=LIFT, factor=1e3, units="m", names=("x", "y"), **attributes):
    x, y = (name_values * factor for name_values in (X, Y))
    coords = {names[0]: (names[0], x, {"units": units}), names[1]: (names[1], y, {"units": units})}
    data = xarray.Dataset({"dz": (names, values, attributes)}, coords)
    data.to_netcdf(folder / "lift.nc", engine="h5netcdf")


def motion_of(folder, chart=None, **values):
    return build(Params, {"file": "lift.nc", **values}, "source[0]").motion(folder, chart)


def test_the_bed_moves_as_the_file_says_linearly_in_its_rise(tmp_path):
    netcdf(tmp_path)
    motion = motion_of(tmp_path, time=10.0, rise=20.0)
    x, y = np.array([0.0, 500.0, 9.9e3, 2e4]), np.array([0.0, 1e3, 0.0, 0.0])
    shapes = motion.shapes(x, y)
    assert motion.weights(9.0) @ shapes == pytest.approx([0.0, 0.0, 0.0, 0.0])
    assert motion.weights(30.0) @ shapes == pytest.approx([3.0, LIFT[21, 18], 0.0, 0.0], abs=1e-9)
    assert motion.weights(15.0) @ shapes == pytest.approx(0.25 * (motion.weights(99.0) @ shapes))
    assert (motion.breaks, motion.end) == ((10.0, 30.0), 30.0)
    at_once = motion_of(tmp_path, time=10.0)
    assert at_once.weights(10.0) @ at_once.shapes(x, y) == pytest.approx(motion.weights(30.0) @ shapes)
    assert not (at_once.weights(9.9) @ at_once.shapes(x, y)).any()


def test_units_and_the_order_of_dimensions_are_the_file_s(tmp_path):
    netcdf(tmp_path)
    wanted = motion_of(tmp_path).shapes(np.array([700.0]), np.array([-300.0]))
    data = xarray.open_dataset(tmp_path / "lift.nc", engine="h5netcdf").load()
    turned = (100.0 * data.dz).transpose("y", "x").isel(y=slice(None, None, -1)).assign_attrs(units="cm")
    turned.to_dataset(name="dz").to_netcdf(tmp_path / "turned.nc", engine="h5netcdf")
    found = build(Params, {"file": "turned.nc"}, "source[0]").motion(tmp_path)
    assert found.shapes(np.array([700.0]), np.array([-300.0])) == pytest.approx(wanted, rel=1e-12)


def test_degrees_are_for_a_mesh_in_degrees(tmp_path):
    netcdf(tmp_path, factor=1.0, units="degrees", names=("lon", "lat"))
    chart = Mercator(0.0)
    east = chart.plane(np.array([[0.5, 0.5]])).T
    assert motion_of(tmp_path, chart).shapes(*east) == pytest.approx(LIFT[21, 17])
    with pytest.raises(InputError, match=r"source\[0\]: lift\.nc: its coordinate 'lon' is in degrees, and this mesh is in m"):
        motions([Spec("raster", {"file": "lift.nc"})], tmp_path, None)
    netcdf(tmp_path)
    with pytest.raises(InputError, match="this mesh is in longitudes and latitudes"):
        motion_of(tmp_path, chart)


@pytest.mark.parametrize(
    ("values", "words"),
    [(np.where(LIFT > 2.9, np.nan, LIFT), r"there is no displacement at \(0, 0\)"), (LIFT + 1.0, "does not cover what moves")],
)
def test_holes_and_a_grid_that_ends_in_what_moves_are_refused(tmp_path, values, words):
    netcdf(tmp_path, values)
    with pytest.raises(InputError, match=words):
        motion_of(tmp_path)
