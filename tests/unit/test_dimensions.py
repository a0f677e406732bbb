"""A run's file opens in xarray with dimensions, times and units, whatever the solver; files of older schemas open as before."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

from pipeline.compression.archive.restore import decompress
from pipeline.compression.make import Request, compress
from pipeline.compression.target import Target
from pipeline.core import case
from pipeline.store import reader as store
from pipeline.store.check import validate
from solvers.core.comm import Serial
from solvers.core.run import run_case

LENGTHS = {"ks": 22.0, "turbulence": 6.0}
CUBE = {"kind": "box", "length": [6.0, 6.0, 6.0], "points": [8, 8, 8]}
CASES = {
    "tsunami": {
        "mesh": {"kind": "rectangle", "width": 4.0, "height": 2.0, "size": 0.5, "bathymetry": {"kind": "flat", "depth": 1.0}},
        "solver": {"kind": "tsunami", "initial": {"kind": "hump", "height": 0.1, "width": 0.5}},
        "time": {"end": 0.5, "every": 0.25},
        "gauges": {"near": [1.0, 1.0], "Ærø": [3.0, 1.0]},
    },
    "ks": {
        "mesh": {"kind": "box", "length": 22.0, "points": 32},
        "solver": {"kind": "ks", "members": 2},
        "time": {"end": 0.5, "every": 0.25, "dt": 0.05},
    },
    "turbulence": {
        "mesh": CUBE,
        "solver": {"kind": "turbulence", "viscosity": 0.05, "statistics_every": 1},
        "time": {"end": 0.5, "every": 0.25, "dt": 0.05},
    },
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of each solver."""
    folder = tmp_path_factory.mktemp("runs")
    for name, table in CASES.items():
        (folder / name).mkdir()
        (folder / f"{name}.toml").write_text(case.to_toml(table))
        run_case(case.read(folder / f"{name}.toml"), folder / name, Serial())
    return folder


@pytest.mark.filterwarnings("ignore:The 'phony_dims' kwarg")  # of /restart and /xdmf, whose dimensions have no names
@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
@pytest.mark.parametrize("name", CASES)
def test_xarray_opens_a_run_as_a_tree(runs, name, engine):
    with xarray.open_datatree(runs / name / "run.h5", engine=engine) as tree:
        fields = tree["fields"].to_dataset()
        assert fields["time"].values.tolist() == [0.0, 0.25, 0.5]
        for axis in [axis for axis in "xyz" if axis in fields.sizes]:  # of a box
            assert fields[axis].values == pytest.approx(np.arange(fields.sizes[axis]) * LENGTHS[name] / fields.sizes[axis])
            assert fields[axis].attrs["units"] == "1"
        assert all("units" in data.attrs and "unit" not in data.attrs for data in fields.data_vars.values())
        tree.load()


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_fields_on_triangles_have_the_places_of_their_faces(runs, engine):
    path = runs / "tsunami" / "run.h5"
    with xarray.open_dataset(path, engine=engine, group="fields") as fields, store.open(path) as run:
        mesh = run.mesh()
        for axis in "xy":
            assert fields["depth"][axis].values.tolist() == mesh[f"face_{axis}"].tolist()
            assert fields[axis].dims == ("face",) and fields[axis].attrs["units"] == "m"
        assert set(fields.data_vars) == set(run.fields) == {"depth", "discharge_x", "discharge_y", "free_surface"}
    validate(path)


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_gauges_have_their_own_times_names_and_places(runs, engine):
    path = runs / "tsunami" / "run.h5"
    with xarray.open_dataset(path, engine=engine, group="gauges") as gauges, store.open(path) as run:
        assert dict(gauges.sizes) == {"sample": len(run.gauge("near")[0]), "gauge": 2, "component": 2}
        assert gauges["name"].values.tolist() == ["near", "Ærø"]
        assert gauges["x"].values.tolist() == [1.0, 3.0] and gauges["x"].attrs["units"] == "m"
        assert gauges["time"].dims == ("sample",) and gauges["time"].attrs["units"] == "s"
        surface = gauges["free_surface"]
        assert surface.dims == ("sample", "gauge") and surface.attrs["units"] == "m" and {"time", "name", "x", "y"} <= set(surface.coords)
        times, values = run.gauge("Ærø")
        assert np.array_equal(surface[:, 1], values.compute()) and np.array_equal(gauges["time"], times.compute())


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_statistics_have_their_own_times_and_shells(runs, engine):
    with xarray.open_dataset(runs / "turbulence" / "run.h5", engine=engine, group="statistics") as found:
        assert found["energy"].dims == ("sample",) and found["spectrum"].dims == ("sample", "shell")
        assert {"time", "wavenumber"} <= set(found["spectrum"].coords)
        assert found["time"].attrs["units"] == "s" and found["time"].values[-1] == 0.5
        assert found["spectrum"].sum("shell").values == pytest.approx(found["energy"].values)


@pytest.mark.parametrize("name", CASES)
def test_archives_and_what_is_made_of_them_open_too(runs, tmp_path, name):
    shutil.copy(runs / name / "run.h5", tmp_path / "run.h5")
    compress(tmp_path / "run.h5", tmp_path / "archive.h5", Request(Target("exact")))
    decompress(tmp_path / "archive.h5", tmp_path / "restored.h5")
    group = {"tsunami": "gauges", "ks": "fields", "turbulence": "statistics"}[name]
    with xarray.open_dataset(tmp_path / "run.h5", engine="h5netcdf", group=group) as run:
        assert validate(tmp_path / "restored.h5")
        with xarray.open_dataset(tmp_path / "restored.h5", engine="h5netcdf", group=group) as found:
            assert dict(found.sizes) == dict(run.sizes) and set(found.coords) == set(run.coords)
    assert validate(tmp_path / "archive.h5")
    with store.open(tmp_path / "archive.h5") as archive, store.open(tmp_path / "run.h5") as original:  # its tables are packed
        assert (archive.fields, archive.gauges, archive.statistics) == (original.fields, original.gauges, original.statistics)


def test_a_file_of_the_first_schema_opens_as_before(runs, tmp_path):
    shutil.copy(runs / "tsunami" / "run.h5", tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        file.attrs["schema"] = "wavetrain-1"
        file.attrs.pop("checksums")
        for data in file["fields"].values():
            data.attrs["unit"] = data.attrs["units"]
        for name in ("name", "x", "y"):
            del file[f"gauges/{name}"]
    assert validate(tmp_path / "run.h5") == "wavetrain-1"
    with store.open(tmp_path / "run.h5") as run:
        assert run.fields["depth"].unit == "m" and list(run.gauges) == ["near", "Ærø"]
        assert len(run.gauge("near")[1]) == len(run.gauge("near")[0])
