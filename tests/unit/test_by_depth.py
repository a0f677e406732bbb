"""Edges of as many to a wavelength, whatever the depth."""

from pathlib import Path

import numpy as np
import pytest

from meshes import lonlat
from meshes.core.mercator import Mercator
from pipeline.core.errors import InputError
from pipeline.core.params import build

BOX = {"west": 160.0, "east": -170.0, "south": -50.0, "north": -20.0, "size": "200 km"}
DEPTHS = {"period": "20 min", "points": 10, "finest": "20 km"}
DEEP, SHELF = 4000.0, 250.0


def mesh_of(folder=Path(), **table):
    return lonlat.build(build(lonlat.Params, {**BAND, **table}, "mesh"), folder=folder)


BAND = BOX | {"by_depth": DEPTHS, "bathymetry": {"kind": "flat", "depth": DEEP}}


def edges_of(mesh):
    """Mean edge [m] of each triangle, by its area on the sphere."""
    return np.sqrt(mesh.areas * 4.0 / np.sqrt(3.0))


def shelf(path):
    """Deep water in the west, a shelf east of 175 W, land east of 172 W."""
    x, y = np.arange(159.0, 192.0, 0.5), np.arange(-52.0, -17.0, 0.5)
    z = np.where(x > 188.0, 500.0, np.where(x > 185.0, -SHELF, -DEEP))
    path.write_text("\n".join(f"{a} {b} {h}" for a, h in zip(x, z, strict=True) for b in y))
    return {"kind": "raster", "file": path.name}


@pytest.fixture
def sloping(tmp_path):
    mesh = mesh_of(tmp_path, bathymetry=shelf(tmp_path / "shelf.txt"))
    degrees = Mercator(175.0).degrees(mesh.vertices[mesh.triangles].mean(axis=1))
    return mesh, degrees, edges_of(mesh)


def test_a_wave_has_as_many_edges_in_deep_and_in_shallow_water(sloping):
    _, (longitude, latitude), edges = sloping[0], sloping[1].T, sloping[2]
    inside = np.abs(latitude + 35.0) < 13.0
    for depth, there in ((DEEP, (longitude > 162.0) & (longitude < 172.0)), (SHELF, (longitude > 185.5) & (longitude < 187.5))):
        wavelength = np.sqrt(9.81 * depth) * 1200.0
        assert np.median(edges[there & inside]) == pytest.approx(max(wavelength / 10, 20e3), rel=0.15)


def test_edges_grow_no_faster_than_asked_and_triangles_are_sound(sloping):
    mesh, _, edges = sloping
    near = mesh.edge_cells[(mesh.edge_cells >= 0).all(axis=1)]
    ratio = np.abs(np.log2(edges[near[:, 0]] / edges[near[:, 1]]))
    assert np.percentile(ratio, 99) < 0.6
    corners = mesh.vertices[mesh.triangles]
    a, b = corners - np.roll(corners, 1, axis=1), np.roll(corners, -1, axis=1) - corners
    turn = np.arccos(np.clip(-(a * b).sum(axis=2) / np.linalg.norm(a, axis=2) / np.linalg.norm(b, axis=2), -1.0, 1.0))
    assert (np.degrees(turn.min(axis=1)) >= 25.0).mean() > 0.99


def test_lengths_are_limited_like_distances():
    from meshes.core.by_depth import limited

    wanted = np.full((60, 80), 100.0)
    wanted[20, 30] = 1.0
    found = limited(wanted, np.full(60, 0.5), 0.5)
    j, i = np.indices(wanted.shape)
    away = np.hypot(j - 20, i - 30)
    assert (found <= np.minimum(1.0 + 0.5 * 1.09 * away, 100.0) + 1e-12).all()  # ways over neighbours are up to 8.3 % longer
    assert (found >= np.minimum(1.0 + 0.5 * away, 100.0) - 1e-12).all()


def test_the_same_mesh_comes_of_the_same_input_at_every_latitude():
    first, again = mesh_of(), mesh_of()
    assert np.array_equal(first.vertices, again.vertices)
    assert np.array_equal(first.triangles, again.triangles)
    latitude = Mercator(175.0).degrees(first.vertices[first.triangles].mean(axis=1))[:, 1]
    edges = edges_of(first)
    south, north = np.median(edges[latitude < -42.0]), np.median(edges[latitude > -28.0])
    assert south == pytest.approx(north, rel=0.1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"by_depth": DEPTHS | {"finest": "300 km"}}, "by_depth.finest = 300000 m is more than size = 200000 m"),
        ({"by_depth": DEPTHS | {"points": 3}}, "points = 3; a wavelength has at least 4"),
        ({"by_depth": DEPTHS | {"growth": 0.0}}, "growth = 0; it must be above 0"),
        ({"west": -180.0, "east": 180.0}, "by_depth and all longitudes do not go together"),
        ({"by_depth": DEPTHS | {"finest": "20 m", "points": 1e4}}, "more than 40,000,000"),
    ],
)
def test_what_makes_no_mesh_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        mesh_of(**changes)
