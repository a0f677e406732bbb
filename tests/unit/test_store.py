"""A real run's file: read lazily, opened by others' readers, and judged by the checker."""

import shutil
from pathlib import Path

import dask
import h5py
import meshio
import numpy as np
import pytest
import xarray

from pipeline.core import case
from pipeline.core.errors import InputError
from pipeline.store import reader as store
from pipeline.store.check import validate
from solvers.core.comm import Serial
from solvers.core.run import run_case

TABLE = {
    "mesh": {"kind": "rectangle", "width": 4.0, "height": 3.0, "size": 0.4, "bathymetry": {"kind": "flat", "depth": 1.0}},
    "solver": {"kind": "tsunami", "initial": {"kind": "hump", "height": 0.1, "width": 0.5, "centre": [2.0, 1.5]}},
    "time": {"end": 0.5, "every": 0.125},
    "output": {"filter": "zstd", "chunk": 64, "views": True},
    "gauges": {"middle": [2.0, 1.5], "corner": [0.1, 0.1]},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("run")
    run_case(case.parse(TABLE, place), place, Serial())
    return place


def test_fields_are_lazy(folder):
    with store.open(folder / "run.h5") as run:
        depth = run.field("depth")
        assert depth.shape == (5, len(run.mesh()["face_area"]))
        assert run.times.tolist() == [0.0, 0.125, 0.25, 0.375, 0.5]
        assert run.complete
    with dask.config.set(scheduler="processes", num_workers=1):  # the array opens the file anew, in another process
        assert float(depth.mean().compute()) == pytest.approx(1.0, abs=0.01)


def test_gauges_and_fields_tell_the_same_story(folder):
    with store.open(folder / "run.h5") as run:
        times, surface = (part.compute() for part in run.gauge("middle"))
        cells = run.mesh()
        near = np.argmin(np.hypot(cells["face_x"] - 2.0, cells["face_y"] - 1.5))
        field = run.field("free_surface")[:, near].compute()
        assert times[0] == 0.0
        assert times[-1] == 0.5
        assert np.interp(run.times, times, surface) == pytest.approx(field, abs=0.02)


def test_names_that_are_not_there_are_refused(folder):
    with store.open(folder / "run.h5") as run:
        with pytest.raises(InputError, match=r"no fields/dept; there are: depth"):
            run.field("dept")
        with pytest.raises(InputError, match="no gauge 'g1'; there are: middle, corner"):
            run.gauge("g1")
    with pytest.raises(InputError, match="no file"):
        store.open(folder / "walk.h5")
    (folder / "text.h5").write_text("no HDF5")
    with pytest.raises(InputError, match="no HDF5 file"):
        store.open(folder / "text.h5")


def test_xarray_opens_a_run(folder):
    with xarray.open_dataset(folder / "run.h5", engine="h5netcdf", group="/", decode_times=False) as root:
        assert root["time"].values.tolist() == [0.0, 0.125, 0.25, 0.375, 0.5]
    with xarray.open_dataset(folder / "run.h5", engine="h5netcdf", group="fields", decode_times=False) as fields:
        assert fields["depth"].dims == ("time", "face")
        assert fields["depth"].attrs["units"] == "m"
        with store.open(folder / "run.h5") as run:
            assert (fields["depth"].values == run.field("depth").compute()).all()


def test_a_part_of_the_mesh_is_read_by_its_arrays_names(folder):
    with store.Store(folder / "run.h5") as run:
        whole, part = run.mesh(), run.mesh("node_x", "node_y")
        assert set(part) == {"node_x", "node_y"}
        assert np.array_equal(part["node_x"], whole["node_x"])


def test_uxarray_opens_the_mesh(folder):
    import uxarray  # loads for long

    with xarray.open_dataset(folder / "run.h5", engine="h5netcdf", group="mesh", decode_times=False) as mesh:
        grid = uxarray.Grid.from_dataset(mesh.load())
    with store.open(folder / "run.h5") as run:
        arrays = run.mesh()
    assert grid.n_face == len(arrays["face_area"])
    assert grid.n_node == len(arrays["node_x"])
    assert (grid.face_node_connectivity.values == arrays["face_node_connectivity"]).all()


def test_meshio_reads_the_xdmf(folder):
    with meshio.xdmf.TimeSeriesReader(folder / "run.xdmf") as reader, store.open(folder / "run.h5") as run:
        points, cells = reader.read_points_cells()
        arrays = run.mesh()
        assert (points[:, 0] == arrays["node_x"]).all()
        assert (cells[0].data == arrays["face_node_connectivity"]).all()
        assert reader.num_steps == 5
        for frame in range(5):
            t, _, data = reader.read_data(frame)
            assert t == run.times[frame]
            assert (data["depth"][0] == run.field("depth")[frame].compute()).all()
            assert (data["bed"][0] == arrays["bed"]).all()
            for shown, stored in (("maximum_free_surface", "free_surface"), ("maximum_speed", "speed"), ("arrival", "arrival")):
                assert np.array_equal(data[shown][0], run.maximum(stored).compute(), equal_nan=True)


def spoil(folder, tmp_path, change):
    path = tmp_path / "spoilt.h5"
    shutil.copy(folder / "run.h5", path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def replace(file, name, data):
    attrs = dict(file[name].attrs)
    del file[name]
    file[name] = data
    file[name].attrs.update({key: value for key, value in attrs.items() if key not in ("DIMENSION_LIST", "REFERENCE_LIST")})


def point_away(file):
    file["mesh/face_node_connectivity"][0, 0] = 10**6


def set_nan(file):
    file["fields/depth"][2, 5] = np.nan


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda file: file.attrs.update({"schema": "other"}), "attribute schema is 'other'"),
        (lambda file: file.attrs.update({"complete": np.int32(0)}), "was not finished"),
        (lambda file: file.attrs.pop("mesh_hash"), "attribute mesh_hash is missing"),
        (lambda file: file.pop("mesh/face_y"), "mesh/face_y is missing"),
        (point_away, "mesh/face_node_connectivity points outside"),
        (lambda file: replace(file, "mesh/face_area", np.ones(7)), "mesh/face_area has 7 along face"),
        (lambda file: file["fields/depth"].attrs.pop("units"), "fields/depth has no attribute units"),
        (lambda file: file["time"].write_direct(np.zeros(5)), "time does not rise"),
        (set_nan, "fields/depth is not finite in frame 2, t = 0.25 s"),
        (lambda file: replace(file, "gauges/velocity_x", np.ones((3, 2))), "gauges/velocity_x has 3 samples"),
        (lambda file: file.pop("restart"), "restart is missing"),
    ],
)
def test_the_checker_names_the_first_violation(folder, tmp_path, change, said):
    with pytest.raises(InputError) as error:
        validate(spoil(folder, tmp_path, change))
    assert said in str(error.value)
    assert "spoilt.h5" in str(error.value)


def test_the_checker_passes_a_run_and_refuses_a_cut_one(folder, tmp_path):
    assert validate(folder / "run.h5") == "wavetrain-2"
    whole = (folder / "run.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged"):
        validate(tmp_path / "cut.h5")


def test_wavetrain_opens_a_run_by_its_public_name(folder):
    import wavetrain as wt

    with wt.open(folder / "run.h5") as run:
        assert set(run.fields) == {"free_surface", "depth", "discharge_x", "discharge_y"}
    with pytest.raises(AttributeError, match="wavetrain has no 'opne'"):
        _ = wt.opne
    assert "open" in dir(wt)
