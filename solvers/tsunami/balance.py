"""Groups of cells that cost alike at the same time, each of which the ranks are to share evenly."""

from typing import Any

import numpy as np

from meshes.core.trimesh import TriMesh
from pipeline.core.params import choose
from solvers.tsunami import initial
from solvers.tsunami.local import HIGHEST
from solvers.tsunami.params import Params

Array = np.ndarray[Any, np.dtype[Any]]

RINGS = 6  # round the water that moves first


def groups(mesh: TriMesh, params: Params) -> Array | None:
    """The group (T,) of each cell of ``mesh``: those of one level of local time stepping, at one time in the active region.

    A level is guessed from still water. Where all cells take equal steps there are none: a cut with the shortest boundary is better.
    """
    if params.time_steps == "global":
        return None
    depth = np.maximum(params.level - mesh.bed, 0.0)
    wet = depth > params.dry_depth
    steps = mesh.inradius / np.sqrt(params.wave_gravity * np.where(wet, depth, depth[wet].mean() if wet.any() else 1.0))
    level = np.minimum(np.floor(np.log2(steps / steps[wet].min(initial=steps.max()))), HIGHEST).astype(np.int64)
    return (level * RINGS + _ring(mesh, params)) * 2 + wet


def _ring(mesh: TriMesh, params: Params) -> Array:
    """The ring (T,) of each cell round the middle of the water that is not still at first; all are one where there is none."""
    start: initial.InitialSea = choose(initial.__name__, params.initial, "solver.initial")
    x, y = mesh.centroids.T
    surface = np.maximum(np.broadcast_to(start(x, y, params.level, params.wave_gravity)[0], x.shape), mesh.bed)
    moved = np.abs(surface - np.maximum(params.level, mesh.bed)) * mesh.areas
    if not moved.any():
        return np.zeros(len(x), np.int64)
    away = np.hypot(x - np.average(x, weights=moved), y - np.average(y, weights=moved))
    return np.minimum((away / away.max() * RINGS).astype(np.int64), RINGS - 1)
