"""A relief, z = -10 + 0.2 x - 0.03 y, in the files of many programs."""

import gzip

import numpy as np
import pytest
import xarray

from meshes.core import raster
from meshes.core.raster import AxisFile, Raster
from pipeline.core.errors import InputError

X, Y = np.arange(0.0, 21.0, 2.0), np.arange(0.0, 9.0, 2.0)
Z = -10.0 + 0.2 * X[:, None] - 0.03 * Y[None, :]  # (M, N)
INSIDE = np.array([[[3.0, 1.0], [17.0, 2.0], [8.0, 7.0]]])
MEAN = -10.0 + 0.2 * 28.0 / 3.0 - 0.03 * 10.0 / 3.0  # a plane's mean is its value at the centroid


def dataset(z=None, *, x=None, y=None, dims=("y", "x"), attrs=None, name="z", coords=None):
    x, y = x or ("x", X, {}), y or ("y", Y, {})
    z = Z if z is None else z
    table = z.T if dims == ("y", "x") else z
    names = {"x": x[0], "y": y[0]}
    given = {names["x"]: (names["x"], x[1], x[2]), names["y"]: (names["y"], y[1], y[2])} if coords is None else coords
    return xarray.Dataset({name: (tuple(names[d] for d in dims), table, attrs or {})}, given)


def write(path, data, **options):
    data.to_netcdf(path, engine="h5netcdf", **options)


def mean(folder, name, **asked):
    return raster.read(Raster(name, **asked), folder).means(INSIDE)[0]


def lines(z=Z, form="{:g} {:g} {:.12g}"):
    return [form.format(a, b, z[i, j]) for i, a in enumerate(X) for j, b in enumerate(Y)]


DEPTHS = {"positive": "down"}
NETCDF = {  # keywords of `dataset`, all of the same relief
    "plain": {},
    "x first": {"dims": ("x", "y")},
    "lon and lat that are projected": {
        "dims": ("x", "y"),
        "x": ("lon", X, {"standard_name": "projection_x_coordinate", "axis": "X", "units": "m"}),
        "y": ("lat", Y, {"standard_name": "projection_y_coordinate", "axis": "Y", "units": "m"}),
    },
    "axes by their attribute, whatever the names": {"dims": ("x", "y"), "x": ("y", X, {"axis": "X"}), "y": ("x", Y, {"axis": "Y"})},
    "only one axis told": {"x": ("across", X, {"standard_name": "projection_x_coordinate"}), "y": ("along", Y, {})},
    "falling": {"z": Z[::-1, ::-1], "x": ("x", X[::-1], {}), "y": ("y", Y[::-1], {})},
    "km": {"x": ("x", X / 1e3, {"units": "km"}), "y": ("y", Y / 1e3, {"units": "kilometers"})},
    "cm of height": {"z": Z * 100.0, "attrs": {"units": "cm"}},
    "metres": {"attrs": {"units": "meters"}},
    "feet": {"z": Z / 0.3048, "attrs": {"units": "feet"}},
    "depths by attribute": {"z": -Z, "attrs": DEPTHS},
    "depths by standard name": {"z": -Z, "attrs": {"standard_name": "sea_floor_depth_below_mean_sea_level"}},
    "depths in cm": {"z": -Z * 100.0, "attrs": {"units": "cm", **DEPTHS}},
    "packed": {"z": np.round(Z * 100.0).astype("i2"), "attrs": {"scale_factor": 0.01, "add_offset": 0.0}},
    "float32 coordinates": {"x": ("x", X.astype("f4"), {}), "y": ("y", Y.astype("f4"), {})},
}


@pytest.mark.parametrize("way", NETCDF)
def test_a_relief_is_the_same_however_netcdf_holds_it(tmp_path, way):
    write(tmp_path / "z.nc", dataset(**NETCDF[way]))
    assert mean(tmp_path, "z.nc") == pytest.approx(MEAN, abs=1e-9)


def test_neither_suffix_nor_version_of_netcdf_matters(tmp_path):
    write(tmp_path / "z.NC", dataset())
    dataset().to_netcdf(tmp_path / "z.grd", engine="scipy")
    assert mean(tmp_path, "z.NC") == mean(tmp_path, "z.grd") == pytest.approx(MEAN, abs=1e-12)


def test_a_time_of_length_one_is_no_third_dimension_and_more_are_refused(tmp_path):
    write(tmp_path / "one.nc", dataset().expand_dims(time=[0.0]))
    assert mean(tmp_path, "one.nc") == pytest.approx(MEAN, abs=1e-12)
    write(tmp_path / "two.nc", dataset().expand_dims(time=[0.0, 1.0]))
    with pytest.raises(InputError, match="2 layers along 'time'"):
        mean(tmp_path, "two.nc", variable="z")


def test_the_old_formats_of_gmt(tmp_path):
    attrs = {"scale_factor": 2.0, "add_offset": 1.0, "node_offset": 0}
    old = {
        "x_range": ("side", [0.0, 20.0], {"units": "user_x_unit"}),
        "y_range": ("side", [0.0, 8.0], {"units": "user_y_unit"}),
        "z_range": ("side", [Z.min(), Z.max()], {"units": "m"}),
        "spacing": ("side", [2.0, 2.0]),
        "dimension": ("side", np.array([len(X), len(Y)], "i4")),
        "z": ("xysize", ((Z.T[::-1] - 1.0) / 2.0).ravel(), attrs),
    }
    xarray.Dataset(old).to_netcdf(tmp_path / "old.grd", engine="scipy")
    assert mean(tmp_path, "old.grd") == pytest.approx(MEAN, abs=1e-12)
    old |= {"x_range": ("side", [-1.0, 21.0]), "y_range": ("side", [-1.0, 9.0]), "z": ("xysize", Z.T[::-1].ravel(), {"node_offset": 1})}
    xarray.Dataset(old).to_netcdf(tmp_path / "cells.grd", engine="scipy")
    assert mean(tmp_path, "cells.grd") == pytest.approx(MEAN, abs=1e-12)
    coards = dataset(x=("x", X / 1e3, {"long_name": "x [km]", "actual_range": [0.0, 0.02]}), y=("y", Y, {"long_name": "y"}))
    coards.to_netcdf(tmp_path / "coards.grd", engine="scipy")
    assert mean(tmp_path, "coards.grd") == pytest.approx(MEAN, abs=1e-12)


REFUSED = {
    "degrees by unit": ({"x": ("x", X, {"units": "degrees_east"}), "y": ("y", Y, {"units": "degrees_north"})}, {}, "'x' is in degrees"),
    "degrees by name": ({"x": ("lon", X, {}), "y": ("lat", Y, {})}, {}, "'lon' is in degrees"),
    "degrees by standard name": ({"y": ("y", Y, {"standard_name": "latitude"})}, {}, "'y' is in degrees"),
    "coordinates in s": ({"x": ("x", X, {"units": "s"})}, {}, "units 's', which is no length"),
    "heights in kelvin": ({"attrs": {"units": "K"}}, {}, "units 'K', which is no length"),
    "two units": ({"attrs": {"units": "cm"}}, {"scale": 0.1}, "leave scale out"),
    "two directions": ({"attrs": DEPTHS}, {"positive": "up"}, "positive = 'down' and the case's positive = 'up' contradict"),
    "two directions in the file": ({"attrs": {"positive": "up", "standard_name": "sea_floor_depth_below_geoid"}}, {}, "contradict"),
    "depth, perhaps": ({"name": "depth"}, {}, "depth may be a depth"),
    "no coordinates": ({"coords": {}}, {}, "numbers of pixels are no metres"),
    "no coordinates along y": ({"coords": {"x": X}}, {}, "dimension 'y' has no coordinates"),
    "a curved grid": ({"coords": {"lon": (("y", "x"), Z.T), "lat": (("y", "x"), Z.T)}}, {}, r"two dimensions \(lon, lat\), a curved grid"),
    "axes untold": ({"x": ("a", X, {}), "y": ("b", Y, {})}, {}, "can't be told"),
    "uneven": ({"x": ("x", X**1.1, {})}, {}, "its x are not evenly spaced"),
    "a line missing": ({"z": Z[[0, 1, 2, 4, 5]], "x": ("x", X[[0, 1, 2, 4, 5]], {})}, {}, "not evenly spaced"),
    "another variable": ({}, {"variable": "w"}, "no variable 'w'; name one: z"),
    "higher than all mountains": ({"z": np.where(Z[3, 2] == Z, 12001.0, Z)}, {}, r"1 value\(s\) beyond 12000 m, the first at \(6, 4\) m"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_in_netcdf_or_contradicts_the_case_is_refused_by_name(tmp_path, what):
    keywords, asked, message = REFUSED[what]
    write(tmp_path / "z.nc", dataset(**keywords))
    with pytest.raises(InputError, match=message):
        mean(tmp_path, "z.nc", **asked)


def test_the_case_may_say_what_the_file_does_not(tmp_path):
    write(tmp_path / "depth.nc", dataset(-Z, name="depth"))
    assert mean(tmp_path, "depth.nc", positive="down") == pytest.approx(MEAN, abs=1e-12)
    write(tmp_path / "k.nc", dataset(Z * 10.0, attrs={"units": "K"}))
    assert mean(tmp_path, "k.nc", scale=0.1) == pytest.approx(MEAN, abs=1e-12)
    write(tmp_path / "cm.nc", dataset(Z * 100.0, attrs={"units": "cm"}))
    assert mean(tmp_path, "cm.nc", scale=0.01) == pytest.approx(MEAN, abs=1e-12)  # the unit once, not twice
    write(tmp_path / "deep.nc", dataset(Z - 13e3))
    assert mean(tmp_path, "deep.nc", highest=14e3) == pytest.approx(MEAN - 13e3)


@pytest.mark.parametrize(
    ("value", "attrs"),
    [
        (-9999.0, {}),
        (9.969209968386869e36, {}),
        (-1.0, {"_FillValue": -1.0}),
        (5.0, {"missing_value": 5.0}),
        (np.nan, {}),
        (7.0, {"valid_range": [-12.0, 0.0]}),
    ],
)
def test_a_missing_value_is_refused_by_count_and_place_where_the_mesh_needs_it(tmp_path, value, attrs):
    for (i, j), needed in (((4, 1), True), ((10, 4), False)):
        z = Z.copy()
        z[i, j] = value
        write(tmp_path / f"{i}.nc", dataset(z, attrs=attrs))
        if needed:
            with pytest.raises(InputError, match=r"1 hole\(s\) where the mesh needs heights, the first at \(8, 2\) m"):
                mean(tmp_path, f"{i}.nc")
        else:
            assert mean(tmp_path, f"{i}.nc") == pytest.approx(MEAN, abs=1e-12)


def test_a_trench_of_9999_m_is_taken_where_the_case_says_so(tmp_path):
    write(tmp_path / "z.nc", dataset(np.full_like(Z, -9998.0) - (Z[4, 1] == Z)))
    with pytest.raises(InputError, match=r"\(there stand -9999; say missing = \[\] where those are true\)"):
        mean(tmp_path, "z.nc")
    assert -9999.0 < mean(tmp_path, "z.nc", missing=()) < -9998.0


TEXT = {
    "spaces": "\n".join(lines()),
    "headings and CR": "x(m) y(m) z(m)\r" + "\r".join(lines()),
    "commas": "x,y,z\n" + "\n".join(lines(form="{:g},{:g},{:.12g}")),
    "semicolons and decimal commas": "\n".join(lines(form="{:.1f};{:.1f};{:.6f}")).replace(".", ","),
    "decimal commas": "\n".join(lines(form="{:.1f} {:.1f} {:.6f}")).replace(".", ","),
    "units in the heading": "x(km) y(km) z(cm)\n"
    + "\n".join(f"{a / 1e3:g} {b / 1e3:g} {100.0 * Z[i, j]:.12g}" for i, a in enumerate(X) for j, b in enumerate(Y)),
    "the same points twice": "\n".join(lines() + lines()[:3]),
    "any order": "\n".join(np.random.default_rng([1]).permutation(lines())),
}


@pytest.mark.parametrize("way", TEXT)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_points_are_the_same_however_they_are_written(tmp_path, way, encoding):
    (tmp_path / "z.xyz").write_bytes(TEXT[way].encode(encoding))
    assert mean(tmp_path, "z.xyz") == pytest.approx(MEAN, abs=1e-9)


def test_points_whose_spacing_is_uneven_by_rounding_alone_make_a_grid(tmp_path):
    x, y = np.arange(22) / 3.0 * 3.1, np.arange(10) * 1.07
    rows = [f"{a:.2f} {b:.1f} {-10.0 + 0.2 * a - 0.03 * b:.9f}" for a in x for b in y]
    (tmp_path / "z.txt").write_text("\n".join(rows))
    assert mean(tmp_path, "z.txt") == pytest.approx(MEAN, abs=0.02)
    jittered = [f"{a + 1e-6 * (k % 3):.7f} {b:.1f} -10" for k, b in enumerate(Y) for a in X]
    (tmp_path / "j.txt").write_text("\n".join(jittered))
    assert mean(tmp_path, "j.txt") == pytest.approx(-10.0)


BAD_TEXT = {
    "a point with two values": (
        [*lines(), "8 8 123"],
        r"1 point\(s\) have two values, the first at \(8, 8\): -8.64 in line 25, 123 in line 56",
    ),
    "degrees by the heading": (["lon lat z", *lines()], "'lon' is in degrees"),
    "depths, perhaps": (["x y depth", *lines()], "depth may be a depth"),
    "stars": ([*lines()[:7], "2 4 *****", *lines()[8:]], "line 8 is no line of numbers"),
    "four columns": ([line + " 1" for line in lines()], "it has 4"),
    "no numbers": (["something else"], r"\(rasters are read from NetCDF \(CF, GMT\), GeoTIFF"),
    "a matrix": ([" ".join(f"{z:.3f}" for z in row) for row in Z], "no table of three columns"),
}


@pytest.mark.parametrize("what", BAD_TEXT)
def test_what_is_wrong_in_text_is_refused_by_its_line(tmp_path, what):
    rows, message = BAD_TEXT[what]
    (tmp_path / "z.txt").write_text("\n".join(rows))
    with pytest.raises(InputError, match=message):
        mean(tmp_path, "z.txt")


def ascii_grid(head, z=Z, end="\n"):
    return end.join([*head, *(" ".join(f"{value:.12g}" for value in row) for row in z.T[::-1])]) + end


CORNER = ["ncols 11", "nrows 5", "xllcorner -1", "yllcorner -1", "cellsize 2"]
ESRI = {
    "corner": ascii_grid(CORNER),
    "centre": ascii_grid(["NCOLS 11", "NROWS 5", "XLLCENTER 0", "YLLCENTER 0", "CELLSIZE 2.0", "NODATA_VALUE -9999"]),
    "dx and dy": ascii_grid(["ncols 11", "nrows 5", "xllcorner -1", "yllcorner -1", "dx 2", "dy 2", "nodata_value -1"]),
    "decimal commas": ascii_grid(["ncols 11", "nrows 5", "xllcorner -1,0", "yllcorner -1,0", "cellsize 2,0"]).replace(".", ","),
    "CR": ascii_grid(CORNER, end="\r"),
}


@pytest.mark.parametrize("way", ESRI)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_ascii_grids_of_esri(tmp_path, way, encoding):
    (tmp_path / "z.grd").write_bytes(ESRI[way].encode(encoding))  # whatever the suffix
    grid = raster.read(Raster("z.grd"), tmp_path)
    assert grid.means(INSIDE)[0] == pytest.approx(MEAN, abs=1e-10)
    brim = np.array([[[-1.0, -1.0], [21.0, -1.0], [-1.0, 9.0]]])  # cells reach half a cell beyond their middles
    assert grid.means(brim)[0] == pytest.approx(-10.0 + 0.2 * 19.0 / 3.0 - 0.03 * 7.0 / 3.0, abs=1e-10)
    with pytest.raises(InputError, match=r"covers \(-1, -1\) to \(21, 9\) m"):
        grid.means(brim - [0.1, 0.0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ascii_grid(CORNER).replace("-8.64", "*****", 1), r"line \d+: '\*\*\*\*\*' is no number"),
        (ascii_grid(CORNER).rsplit(" ", 3)[0], r"has \d+ values where its head says 55"),
        (ascii_grid(CORNER) + "1 2 3\n", "has 58 values where its head says 55"),
        (ascii_grid(CORNER[:-1]), "lacks, or has no sense for: cellsize"),
        (ascii_grid([*CORNER[:2], *CORNER[3:]]), "xllcorner or xllcenter"),
    ],
)
def test_an_ascii_grid_that_is_broken_is_refused(tmp_path, text, message):
    (tmp_path / "z.asc").write_text(text)
    with pytest.raises(InputError, match=message):
        mean(tmp_path, "z.asc")


def test_an_ascii_grid_in_degrees_is_known_by_its_projection(tmp_path):
    (tmp_path / "z.asc").write_text(ascii_grid(CORNER))
    (tmp_path / "z.prj").write_text('GEOGCS["WGS 84",DATUM["WGS_1984"]]')
    with pytest.raises(InputError, match="in degrees"):
        mean(tmp_path, "z.asc")


def geotiff(path, *, crs=None, point=False, nodata=None, z=Z, dtype="float64", transform=None, bands=1):
    rasterio = pytest.importorskip("rasterio")
    transform = rasterio.transform.from_origin(-1.0, 9.0, 2.0, 2.0) if transform is None else transform
    profile = {"driver": "GTiff", "width": 11, "height": 5, "count": bands, "dtype": dtype, "crs": crs, "nodata": nodata}
    with rasterio.open(path, "w", transform=transform, **profile) as file:
        if point:
            file.update_tags(AREA_OR_POINT="Point")
        for band in range(bands):
            file.write(np.ascontiguousarray(z.T[::-1]).astype(dtype), band + 1)


def test_geotiff_in_metres_in_feet_and_of_points(tmp_path):
    geotiff(tmp_path / "utm.tif", crs="EPSG:32719", nodata=-9999.0)
    assert mean(tmp_path, "utm.tif") == pytest.approx(MEAN, abs=1e-12)
    geotiff(tmp_path / "point.tif", point=True)
    grid = raster.read(Raster("point.tif"), tmp_path)
    assert (grid.x[0], grid.x[-1], grid.inset) == (0.0, 20.0, 0.0)
    assert grid.means(INSIDE)[0] == pytest.approx(MEAN, abs=1e-12)
    geotiff(tmp_path / "feet.tif", crs="EPSG:2225")  # California, in feet of the US survey
    assert raster.read(Raster("feet.tif"), tmp_path).x[-1] == pytest.approx(22.0 * 1200.0 / 3937.0)


def test_geotiff_that_is_no_raster_in_metres_is_refused(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    wrong = {
        "in degrees": {"crs": "EPSG:4326"},
        "no coordinates": {"transform": rasterio.Affine.identity()},
        "is turned": {"transform": rasterio.Affine.rotation(10.0)},
        "3 bands; name one": {"bands": 3},
        r"1 hole\(s\)": {"z": np.where(Z[4, 1] == Z, -1.0, Z), "nodata": -1.0},
    }
    for message, keywords in wrong.items():
        geotiff(tmp_path / "z.tif", **keywords)
        with pytest.raises(InputError, match=message):
            mean(tmp_path, "z.tif")
    (tmp_path / "broken.tif").write_bytes((tmp_path / "z.tif").read_bytes()[:150])
    with pytest.raises(InputError, match=r"broken.tif can't be read"):
        mean(tmp_path, "broken.tif")


def test_grids_of_surfer_and_what_is_no_raster(tmp_path):
    pytest.importorskip("rasterio")
    head = ["DSAA", "11 5", "0 20", "0 8", f"{Z.min()} {Z.max()}"]
    text = "\n".join([*head, *(" ".join(map(str, row)) for row in Z.T)])
    (tmp_path / "z.grd").write_text(text)
    assert mean(tmp_path, "z.grd") == pytest.approx(MEAN, abs=1e-12)
    (tmp_path / "b.grd").write_text(text.replace(str(Z[4, 1]), "1.70141e+38", 1))
    with pytest.raises(InputError, match=r"1 hole\(s\) .* \(8, 2\)"):
        mean(tmp_path, "b.grd")
    for content in (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"CDF\5\0\0\0\0"):
        (tmp_path / "z.grd").write_bytes(content)
        with pytest.raises(InputError, match=r"is no text; rasters are read from NetCDF .*Surfer grids, and text of x y z"):
            mean(tmp_path, "z.grd")


def rows(folder, z=Z, x=X, y=Y):
    for name, values in (("z.txt", z.T), ("x.txt", x), ("y.txt", y)):
        np.savetxt(folder / name, values)
    return {"x": AxisFile("x.txt"), "y": AxisFile("y.txt")}


@pytest.mark.parametrize("packed", [False, True])
def test_bare_rows_have_their_coordinates_in_files_of_their_own(tmp_path, packed):
    axes = rows(tmp_path)
    if packed:
        for path in list(tmp_path.iterdir()):
            (tmp_path / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
        axes = {name: AxisFile(f"{name}.txt.gz") for name in axes}
    assert mean(tmp_path, "z.txt.gz" if packed else "z.txt", **axes) == pytest.approx(MEAN, rel=1e-13)
    if not packed:
        axes = rows(tmp_path, Z[:, ::-1], y=Y[::-1])  # from the north
        assert mean(tmp_path, "z.txt", **axes) == pytest.approx(MEAN, rel=1e-13)


def test_bare_rows_that_do_not_fit_their_coordinates_are_refused(tmp_path):
    axes = rows(tmp_path)
    with pytest.raises(InputError, match=r"z\.txt has 5 rows of 11 values; x\.txt has 11 numbers, and y\.txt 5"):
        mean(tmp_path, "z.txt", x=axes["y"], y=axes["x"])
    with pytest.raises(InputError, match="x and y want each other"):
        Raster("z.txt", x=axes["x"])
    with pytest.raises(InputError, match="no variable"):
        Raster("z.txt", variable="z", **axes)
    with pytest.raises(InputError, match=r"no file 'lons\.txt'"):
        mean(tmp_path, "z.txt", x=AxisFile("lons.txt"), y=axes["y"])
    rows(tmp_path, x=X**2)
    with pytest.raises(InputError, match="not evenly spaced"):
        mean(tmp_path, "z.txt", **axes)
