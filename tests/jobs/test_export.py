"""Maps and gauges in other programs' files hold the run's own numbers, at their places."""

import csv

import numpy as np
import pytest
import rasterio
import xarray
from conftest import done, wavetrain
from matplotlib.tri import Triangulation

from pipeline.store.reader import Store

POND = """
[mesh]
kind = "rectangle"
width = 10.0
height = 6.0
size = 0.7
origin = [100.0, -3.0]
bathymetry = { kind = "bump", depth = 1.0, height = 1.3, width = 1.5 }
[solver]
kind = "tsunami"
initial = { kind = "hump", height = 0.2, width = 1.0, centre = [104.0, 1.0] }
[time]
end = 1.0
every = 0.5
[gauges]
near = [104.5, 1.0]
"far, away" = [108.0, -2.0]
"""
OCEAN = """
[mesh]
kind = "lonlat"
west = 170.0
east = -170.0
south = -8.0
north = 4.0
size = "150 km"
bathymetry = { kind = "flat", depth = 4000.0 }
[solver]
kind = "tsunami"
initial = { kind = "hump", height = 1.0, width = "300 km", centre = [179.0, -2.0] }
[time]
end = "20 min"
every = "10 min"
[gauges]
east = [-178.0, -2.0]
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    found = {}
    for name, text in (("pond", POND), ("ocean", OCEAN)):
        (folder / name).mkdir()
        (folder / name / "case.toml").write_text(text)
        found[name] = done(folder / name / "case.toml") / "run.h5"
    return found


def written(run, folder, *words):
    """The lines that the command says."""
    said = wavetrain("export", run, *words, cwd=folder)
    assert said.returncode == 0, said
    return said.stdout.splitlines()


def test_a_pixel_has_the_value_of_the_cell_under_its_middle(runs, tmp_path):
    (line,) = written(
        runs["pond"], tmp_path, "--maps", "maps.tif", "--size", "0.25", "--extent", "99,-4,111,4", "--at", "0.5", "--crs", "EPSG:32719"
    )
    assert line.startswith("maps.tif: 48 by 32 pixels of 0.25 m: bed, arrival, max_depth,")
    with Store(runs["pond"]) as store, rasterio.open(tmp_path / "maps.tif") as file:
        mesh = store.mesh()
        wanted = {"bed": mesh["bed"], "arrival": store.maximum("arrival"), "max_depth": store.maximum("depth")}
        wanted |= {"free_surface": store.field("free_surface")[1], "discharge_y": store.field("discharge_y")[1]}
        assert file.crs.to_epsg() == 32719
        assert set(wanted) <= set(file.descriptions)
        x, y = (np.array(along) for along in file.xy(*np.mgrid[0:32, 0:48].reshape(2, -1)))
        cell = Triangulation(mesh["node_x"], mesh["node_y"], mesh["face_node_connectivity"]).get_trifinder()(x, y)
        assert ((cell < 0) == ((x < 100.0) | (x > 110.0) | (np.abs(y) > 3.0))).all()
        for name, values in wanted.items():
            band = file.descriptions.index(name)
            found = file.read(band + 1).ravel()
            expected = np.where(cell < 0, np.nan, np.asarray(values)[cell])
            assert np.array_equal(found, expected, equal_nan=True), name
            assert file.units[band] == {"arrival": "s", "discharge_y": "m2 s-1"}.get(name, "m")


def test_netcdf_has_the_same_maps_with_units_and_places(runs, tmp_path):
    written(runs["pond"], tmp_path, "--maps", "maps.nc", "--size", "0.5")
    written(runs["pond"], tmp_path, "--maps", "maps.tif", "--size", "0.5")
    with xarray.open_dataset(tmp_path / "maps.nc", engine="h5netcdf") as data, rasterio.open(tmp_path / "maps.tif") as file:
        assert data.attrs["Conventions"] == "CF-1.11" and file.crs is None
        assert data["x"].attrs == {"standard_name": "projection_x_coordinate", "units": "m"}
        for band, name in enumerate(file.descriptions, 1):
            assert np.array_equal(data[name].values[::-1], file.read(band), equal_nan=True)
        assert data["max_speed"].attrs["units"] == "m s-1"
        assert float(data["x"][0]) == 100.25 and float(data["y"][-1]) == 2.75
        with Store(runs["pond"]) as store:
            volume = store.maximum("depth").compute() @ store.mesh()["face_area"]
        assert float(data["max_depth"].sum()) * 0.25 == pytest.approx(volume, rel=0.02)


def test_a_map_over_the_date_line_goes_on_in_longitude(runs, tmp_path):
    written(runs["ocean"], tmp_path, "--maps", "all.nc", "--gauges", "gauges.nc", "--size", "0.5", "--at", "1200")
    with xarray.open_dataset(tmp_path / "all.nc", engine="h5netcdf") as data:
        assert float(data["lon"][0]) == pytest.approx(170.25) and float(data["lon"][-1]) == pytest.approx(189.75)
        assert data["lat"].attrs == {"standard_name": "latitude", "units": "degrees_north"}
        high = data["max_free_surface"].argmax(...)
        assert abs(float(data["lon"][high["lon"]]) - 179.0) < 1.0 and abs(float(data["lat"][high["lat"]]) + 2.0) < 1.0
        whole = data["free_surface"].sel(lon=slice(178.0, 184.0), lat=slice(-3.0, 1.0)).values
    for extent in ("178,-3,-176,1", "-182,-3,-176,1", "178,-3,184,1"):
        written(runs["ocean"], tmp_path, "--maps", "part.tif", f"--extent={extent}", "--size", "0.5", "--at", "1200")
        with rasterio.open(tmp_path / "part.tif") as file:
            assert file.crs.to_epsg() == 4326 and file.bounds[:] == pytest.approx((178.0, -3.0, 184.0, 1.0))
            assert np.array_equal(file.read(file.descriptions.index("free_surface") + 1)[::-1], whole)
    with xarray.open_dataset(tmp_path / "gauges.nc", engine="h5netcdf") as data:
        assert data["lon"].values.tolist() == [-178.0] and data.attrs["featureType"] == "timeSeries"


def test_series_have_all_their_bits(runs, tmp_path):
    assert written(runs["pond"], tmp_path, "--gauges", "g.csv") == ["g.csv: 2 gauges"]
    written(runs["pond"], tmp_path, "--gauges", "g.nc")
    with (tmp_path / "g.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    table = dict(zip(head, np.array(rows, float).T, strict=True))
    with Store(runs["pond"]) as store, xarray.open_dataset(tmp_path / "g.nc", engine="h5netcdf", decode_timedelta=False) as data:
        for i, name in enumerate(("near", "far, away")):
            times, values = (some.compute() for some in store.gauge(name, "velocity_x"))
            assert table["time [s]"].tolist() == data["time"].values.tolist() == times.tolist()
            assert table[f"{name} velocity_x [m s-1]"].tolist() == data["velocity_x"].values[i].tolist() == values.tolist()
        assert data["station_name"].values.tolist() == ["near", "far, away"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing to write"),
        (("--size", "1"), "nothing to write"),
        (("--gauges", "g.csv", "--size", "1"), "are for --maps"),
        (("--maps", "m.png"), "must end in .tif"),
        (("--maps", "nowhere/m.tif"), "no folder"),
        (("--maps", "m.tif", "--at", "0.7"), "no frame at 0.7 s; the nearest is at 0.5 s"),
        (("--maps", "m.tif", "--size", "0"), "must be above 0"),
        (("--maps", "m.tif", "--size", "1e-5"), "take larger pixels or a part"),
        (("--maps", "m.tif", "--extent", "1,2,3"), "four numbers"),
        (("--maps", "m.tif", "--extent", "110,-3,100,3"), "west and south come first"),
        (("--maps", "m.tif", "--extent", "0,0,1,1"), "beside the mesh"),
        (("--maps", "m.tif", "--crs", "EPSG:0"), "no coordinate reference system 'EPSG:0'"),
        (("--gauges", "g.txt"), "must end in .csv"),
    ],
)
def test_what_cannot_be_written_is_told_in_one_line(runs, tmp_path, words, said):
    refused = wavetrain("export", runs["pond"], *words, cwd=tmp_path)
    assert refused.returncode == 2 and said in refused.stderr and refused.stderr.count("\n") == 1, refused
    assert not list(tmp_path.iterdir())
