"""Maps of triangles at pixels: each pixel shows the cell under its middle, on meshes of any size."""

import io
from pathlib import Path

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib import pyplot as plt
from PIL import Image

from meshes import island, rectangle
from meshes.core.locate import locate
from pipeline.core import figures
from pipeline.core.params import build
from pipeline.drawing import triangle_image
from pipeline.drawing.triangle_image import OUTSIDE, TriangleImage, Triangles, cells_under

X, Y = np.array([0.0, 4.0, 4.0, 0.0]), np.array([0.0, 0.0, 2.0, 2.0])  # [m]
TWO = np.array([[0, 1, 2], [0, 2, 3]])


@pytest.fixture(scope="module")
def mesh():
    """A mesh with cells from a fraction of a pixel to many pixels."""
    table = {"width": 40.0, "height": 20.0, "size": 4.0, "refine": [{"centre": [10.0, 10.0], "radius": 2.0, "size": 0.2}]}
    return rectangle.build(build(rectangle.Params, table, "mesh"), folder=Path())


@pytest.mark.parametrize("most", [1 << 21, 100])
def test_the_cell_under_a_pixel_is_the_cell_that_holds_its_middle(mesh, most, monkeypatch):
    monkeypatch.setattr(triangle_image, "MOST_PAIRS", most)
    width, height = 90, 41
    under = Triangles(tuple(mesh.vertices.T), mesh.triangles).under((-1.0, 41.0), (-2.0, 21.0), width, height)
    x, y = np.meshgrid(-1.0 + 42.0 * (np.arange(width) + 0.5) / width, -2.0 + 23.0 * (np.arange(height) + 0.5) / height)
    expected, _ = locate(mesh, np.stack([x.ravel(), y.ravel()], axis=-1))
    assert (expected < 0).any()
    assert np.array_equal(under.ravel(), expected)


def test_an_island_is_covered_whole():
    mesh = island.build(build(island.Params, {"size": 1.8, "west": 7.56, "depth": 0.32}, "mesh"), folder=Path())
    cells = Triangles(tuple(mesh.vertices.T), mesh.triangles)
    (left, bottom), (right, top) = cells.low, cells.high
    under = cells.under((left, right), (bottom, top), 301, 402)
    assert (under != OUTSIDE).all()
    assert set(np.unique(under)) <= set(range(len(mesh.triangles)))


def test_triangles_of_either_direction_and_points_on_edges():
    forward, backward = (cells_under(X, 2.0 * Y, corners, 5, 5) for corners in (TWO.T, TWO.T[::-1]))
    assert (forward != OUTSIDE).all()
    assert np.array_equal(forward, backward)
    assert forward[0, 0] == forward[4, 4] == 0  # on the edge of both


def test_triangles_outside_of_the_view_and_triangles_between_pixels_are_left_out():
    i, j = np.array([[-9.0, 0.0], [-5.0, 0.0], [-5.0, 2.0], [0.2, 0.2], [0.4, 0.2], [0.3, 0.4]]).T
    assert (cells_under(i, j, np.arange(6).reshape(2, 3).T, 3, 3) == OUTSIDE).all()


def test_pixels_have_the_colours_of_values_of_land_and_of_paper():
    land = np.array([[np.nan] * 3, [0.0, 1.0, 0.0]])
    with plt.rc_context(figures.STYLE):
        figure, axis = plt.subplots(figsize=(4.0, 2.0))
        axis.set_position([0.0, 0.0, 1.0, 1.0])
        axis.set_axis_off()
    TriangleImage(axis, Triangles((X, Y), TWO), np.array([1.0, 0.0]), land, cmap="viridis", clim=(0.0, 1.0))
    axis.set(xlim=(-4.0, 4.0), ylim=(-1.0, 3.0))
    pixels = np.asarray(Image.open(io.BytesIO(figures.inline(figure))))
    height, width = pixels.shape[:2]

    def at(x, y):
        return tuple(pixels[int((3.0 - y) / 4.0 * height), int((x + 4.0) / 8.0 * width)])

    assert at(3.0, 0.5) == colormaps["viridis"](1.0, bytes=True)[:3]
    assert at(1.0, 1.5) == (0, 255, 0)
    assert at(-2.0, 0.5) == at(2.0, -0.5) == (255, 255, 255)


def test_values_that_are_masked_are_not_painted():
    figure, axis = plt.subplots(figsize=(1.0, 1.0))
    image = TriangleImage(axis, Triangles((X, Y), TWO), np.ma.masked_invalid([np.nan, 0.5]), clim=(0.0, 1.0))
    pixels, *_ = image.make_image(None)
    plt.close(figure)
    height, width = pixels.shape[:2]
    assert pixels[height // 4, 3 * width // 4, 3] == 0
    assert pixels[3 * height // 4, width // 4, 3] == 255


def test_the_cells_of_one_view_are_found_once(monkeypatch):
    seen = []
    monkeypatch.setattr(triangle_image, "cells_under", lambda *asked: seen.append(asked) or cells_under(*asked))
    cells = Triangles((X, Y), TWO)
    for _ in range(3):
        cells.under((0.0, 4.0), (0.0, 2.0), 8, 4)
    cells.under((0.0, 2.0), (0.0, 2.0), 8, 4)
    assert len(seen) == 2
