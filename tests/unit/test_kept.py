"""Meshes that are kept: the same bits as built ones, built anew where anything that they depend on is another."""

import dataclasses

import numpy as np
import pytest

from meshes import rectangle
from meshes.core import kept
from pipeline.core import case
from pipeline.core.provenance import key_of_mesh
from pipeline.core.remarks import collected, remark
from solvers.core.run import mesh_of

CASE = """
[mesh]
kind = "rectangle"
width = 10.0
height = 10.0
size = 0.5
bathymetry = { kind = "flat", depth = 10.0 }
[solver]
kind = "tsunami"
[time]
end = 5.0
every = 1.0
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("WAVETRAIN_MESHES", str(tmp_path / "meshes"))
    monkeypatch.setattr(kept, "FROM", 100)
    return tmp_path / "meshes"


@pytest.fixture
def builds(monkeypatch):
    """The number of meshes that were built."""
    build, done = rectangle.build, []

    def counted(*arguments, **named):
        remark("the bed is read in feet")
        done.append(build(*arguments, **named))
        return done[-1]

    monkeypatch.setattr(rectangle, "build", counted)
    return done


def read(tmp_path, **overrides):
    table = case.read_text(CASE)
    table["mesh"] |= overrides
    return case.parse(table, tmp_path)


def same(one, other):
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        assert type(a) is type(b)
        assert (a.tobytes(), a.dtype, a.shape) == (b.tobytes(), b.dtype, b.shape) if isinstance(a, np.ndarray) else a == b


@pytest.mark.parametrize("periodic", [[], ["x", "y"]])
def test_a_kept_mesh_has_the_bits_of_a_built_one_and_its_remarks(tmp_path, place, builds, periodic):
    asked = read(tmp_path, periodic=periodic)
    with collected() as first:
        built = mesh_of(asked)
    with collected() as second:
        found = mesh_of(asked)
    assert len(builds) == 1
    assert len(list(place.glob("*.npz"))) == 1
    same(built, found)
    assert first == second == ["the bed is read in feet"]


def test_another_table_another_file_and_other_code_have_other_keys(tmp_path, monkeypatch):
    asked = read(tmp_path)
    keys = {key_of_mesh(asked), key_of_mesh(read(tmp_path, seed=1)), key_of_mesh(read(tmp_path, bathymetry={"kind": "flat", "depth": 9.0}))}
    for text in ("0 0 -1\n", "0 0 -2\n"):
        (tmp_path / "bed.xyz").write_text(text)
        keys.add(key_of_mesh(read(tmp_path, bathymetry={"kind": "raster", "file": "bed.xyz"})))
    assert len(keys) == 5
    assert key_of_mesh(asked) == key_of_mesh(read(tmp_path))
    monkeypatch.setattr("pipeline.core.provenance.code_of", lambda *places: "other code")
    assert key_of_mesh(asked) not in keys


@pytest.mark.parametrize("fault", ["flipped", "cut off", "no file of arrays", "other arrays"])
def test_a_damaged_file_is_built_anew(tmp_path, place, builds, fault):
    asked = read(tmp_path)
    built = mesh_of(asked)
    (path,) = place.glob("*.npz")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    spoilt = {"flipped": bytes(data), "cut off": bytes(data[: len(data) // 3]), "no file of arrays": b"no mesh"}
    if fault in spoilt:
        path.write_bytes(spoilt[fault])
    else:
        np.savez(path, vertices=np.zeros(3))
    same(built, mesh_of(asked))
    assert len(builds) == 2
    same(built, mesh_of(asked))  # which was kept again
    assert len(builds) == 2


def test_small_meshes_and_with_no_all_are_not_kept(tmp_path, place, builds, monkeypatch):
    monkeypatch.setattr(kept, "FROM", 10_000)
    mesh_of(read(tmp_path))
    assert not place.exists()
    monkeypatch.setattr(kept, "FROM", 100)
    monkeypatch.setenv("WAVETRAIN_MESHES", "no")
    mesh_of(read(tmp_path))
    assert not place.exists()


def test_meshes_used_least_lately_make_room(tmp_path, place, builds, monkeypatch):
    sizes = [0.5, 0.52, 0.54]
    for size in sizes[:2]:
        mesh_of(read(tmp_path, size=size))
    used = sum(path.stat().st_size for path in place.iterdir())
    mesh_of(read(tmp_path, size=sizes[0]))  # the latest used now
    monkeypatch.setattr(kept, "ROOM", int(1.1 * used))
    mesh_of(read(tmp_path, size=sizes[2]))
    assert len(list(place.glob("*.npz"))) == 2
    mesh_of(read(tmp_path, size=sizes[0]))
    assert len(builds) == 3


def test_a_folder_that_takes_nothing_is_no_error(tmp_path, monkeypatch, builds):
    monkeypatch.setattr(kept, "FROM", 100)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("WAVETRAIN_MESHES", str(tmp_path / "file" / "meshes"))
    assert len(mesh_of(read(tmp_path)).triangles) > 100
