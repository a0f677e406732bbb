"""The linear scheme on still water: no mode grows at the longest steps, on any pattern, at walls and where sizes change."""

from pathlib import Path

import numpy as np
import pytest
from conftest import Basin

from meshes import rectangle
from meshes.core.trimesh import trimesh
from pipeline.core.params import build
from solvers.core.steppers import TABLEAUX
from solvers.tsunami.local import kernels

FLAT = {"kind": "flat", "depth": 1.0}
SQUARE = {"width": 2.0, "height": 2.0, "size": 0.28, "bathymetry": FLAT}
GRADED = {"width": 10.0, "height": 4.0, "size": 0.1, "refine": [{"centre": [3.0, 2.0], "radius": 0.2, "size": 0.012, "growth": 0.3}]}


def strip():
    """Triangles along a wall of a graded mesh: a wave from cell to cell grew there, with a tenth of the dissipation at walls too."""
    whole = rectangle.build(build(rectangle.Params, {**GRADED, "bathymetry": FLAT}, "mesh"), folder=Path())
    x, y = whole.centroids.T
    triangles = whole.triangles[(x > 0.4) & (x < 2.0) & (y < 0.35)]
    used, places = np.unique(triangles, return_inverse=True)
    return trimesh(whole.vertices[used], places.reshape(-1, 3), bed=lambda corners: np.full(len(corners), -1.0))


MESHES = {
    "right": lambda: {**SQUARE, "pattern": "right", "periodic": ["x", "y"]},
    "cross": lambda: {**SQUARE, "pattern": "cross"},
    "delaunay": lambda: {**SQUARE},
    "wall": strip,
}


def rates(sea):
    """Eigenvalues of the linearised rates of change, those of still water, times the longest step at Courant number 1."""
    scheme, start = sea.model.scheme, sea.model.initial()
    cells, found = np.arange(len(start), dtype=np.uint32), np.zeros((len(start), 3))
    g = scheme.geometry

    def changes(u):
        sea.model.max_dt(u)
        kernels.change_rates(u, scheme.flux, scheme.source, g.rows, g.area, 0.0, 0.0, 0.0, 1e-6, 1e-3, cells, found)
        return found.ravel().copy()

    matrix = np.empty((start.size, start.size))
    for j in range(start.size):
        off = np.zeros(start.size)
        off[j] = 1e-7
        off = off.reshape(start.shape)
        matrix[:, j] = (changes(start + off) - changes(start - off)) / 2e-7
    return np.linalg.eigvals(matrix) * sea.model.max_dt(start)


@pytest.mark.parametrize(
    "stepping", ["ssprk3", pytest.param("ssprk2", marks=pytest.mark.slow), pytest.param("euler", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("mesh", MESHES)
def test_no_mode_grows_at_the_longest_steps(basin, mesh, stepping):
    solver = {"gravity": 9.81, "limiter": "none", "stepping": stepping, "order": 1 if stepping == "euler" else 2}
    made = MESHES[mesh]()
    sea = basin(made, solver) if isinstance(made, dict) else Basin(made, solver)
    modes = rates(sea)
    assert modes.real.max() < 1e-6  # round-off of differences
    tableau = TABLEAUX[stepping]
    for cfl in (0.1, 0.5, 1.0):
        z, growth = cfl * modes, np.ones(len(modes), complex)
        for a, b in zip(tableau.a, tableau.b, strict=True):
            growth = a + b * (growth + z * growth)
        assert np.abs(growth).max() < 1.0 + 1e-6
