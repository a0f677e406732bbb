"""Many small frames: written together, shown to ParaView as parts of their field, read in few blocks."""

import time
from xml.etree import ElementTree

import h5py
import numpy as np
import pytest

from pipeline.core import case
from pipeline.store import reader as store
from pipeline.store.layout import MESHES, Field
from pipeline.store.writer import Writer, publish
from solvers.core.comm import Serial
from solvers.core.run import run_case

POINTS = 512
KS = """
[mesh]
kind = "box"
length = 22.0
points = 32
[solver]
kind = "ks"
[time]
end = 4.0
every = 0.01
dt = 0.01
"""


def begun(path, frames, compression="none"):
    writer = Writer(path, options={}, lead=True)
    writer.create(
        mesh={"x": np.arange(float(POINTS)), "length": np.array([float(POINTS)])},
        fields=[Field("u", "1", "u"), Field("v", "1", "v")],
        gauges=[],
        gauge_places=np.zeros((0, 1)),
        gauge_fields=[],
        maxima=[],
        attrs={},
        shape=(1, POINTS),
        real=np.float64,
        chunk=16384,
        frames=frames,
        compression=compression,
        layout=MESHES["line"],
    )
    return writer


def add(writer, values, first, last):
    u = np.empty((1, POINTS))
    for i in range(first, last):
        u[...] = values[i]  # the same array for each frame, as a solver has it
        writer.append_block(float(i), (slice(0, 1), slice(0, POINTS)), {"u": u, "v": -u})


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(0).normal(size=(3000, 1, POINTS))


@pytest.mark.parametrize(("compression", "chunk"), [("none", 32), ("gzip", 1)])
def test_small_frames_are_written_together_and_all_there_after_a_stop(tmp_path, values, compression, chunk):
    writer = begun(tmp_path / "run.h5", 300, compression)
    add(writer, values, 0, 77)
    assert writer.frames == 77
    writer.close()
    writer = Writer(tmp_path / "run.h5", options={}, lead=True, resume=True)
    add(writer, values, 77, 300)
    writer.close()
    publish(tmp_path / "run.h5")
    with store.open(tmp_path / "run.h5") as run, h5py.File(tmp_path / "run.h5") as file:
        assert file["fields/u"].chunks == (chunk, 1, POINTS)
        assert np.array_equal(run.field("u").compute(), values[:300])
        assert np.array_equal(run.field("v").compute(), -values[:300])
        assert run.times.tolist() == [float(i) for i in range(300)]


def test_a_chunk_has_no_more_frames_than_a_run(tmp_path):
    begun(tmp_path / "run.h5", 3).close()
    with h5py.File(tmp_path / "run.h5.part") as file:
        assert file["fields/u"].chunks == (3, 1, POINTS)


def test_small_frames_are_read_in_blocks_of_8_mib(tmp_path, values):
    writer = begun(tmp_path / "run.h5", len(values))
    add(writer, values, 0, len(values))
    writer.close()
    publish(tmp_path / "run.h5")
    with store.open(tmp_path / "run.h5") as run:
        assert run.field("u").chunks == ((2048, 952), (1,), (POINTS,))
        assert np.array_equal(run.field("u")[1000:1003, 0, 7].compute(), values[1000:1003, 0, 7])


@pytest.fixture(scope="module")
def many_frames(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    run_case(case.parse(case.read_text(KS), folder), folder, Serial())
    return folder


def test_a_frame_in_the_xdmf_is_a_hyperslab_of_its_field(many_frames):
    grids = ElementTree.parse(many_frames / "run.xdmf").findall("Domain/Grid/Grid")
    with store.open(many_frames / "run.h5") as run, h5py.File(many_frames / "run.h5") as file:
        assert "xdmf" not in file  # nothing for each frame
        assert [float(grid.find("Time").get("Value")) for grid in grids] == run.times.tolist()
        for i in (0, 1, 399, 400):
            slab = grids[i].find("Attribute[@Name='u']/DataItem")
            assert (slab.get("ItemType"), slab.get("Dimensions")) == ("HyperSlab", "1 32")
            corners, whole = slab.findall("DataItem")
            start, stride, count = np.array(corners.text.split(), int).reshape(3, -1)
            name, where = whole.text.split(":")
            data = file[where]
            assert name == "run.h5"
            assert tuple(map(int, whole.get("Dimensions").split())) == data.shape
            place = tuple(slice(a, a + n * s, s) for a, n, s in zip(start, count, stride, strict=True))
            assert np.array_equal(data[place], run.source("u")[i : i + 1])


def test_the_log_has_a_line_a_second_at_most(tmp_path, caplog):
    begin = time.monotonic()
    with caplog.at_level("INFO", "wavetrain"):
        run_case(case.parse(case.read_text(KS), tmp_path), tmp_path, Serial())
    lines = [record for record in caplog.records if "conservation error" in record.message]
    assert 1 <= len(lines) <= 1 + (time.monotonic() - begin)
