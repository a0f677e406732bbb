"""Indicator of a run's error: how far each cell stands from what its neighbours say.

The neighbours' values are fitted with a quadratic, by least squares weighted with inverse distances; what is left at the cell itself is of
the size of the error, for both are what the mesh does not resolve. The measure of whole runs is that of stage `decompose`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.store.reader import Store

Array = np.ndarray[Any, np.dtype[Any]]

SURFACE = "free_surface"
NEIGHBOURS = 15  # of a cell: two and a half times the unknowns of a quadratic
NEAREST = 0.3  # of a cell's root area: a distance below it has no more weight
BATCH = 20_000  # cells whose fits are in memory at once
WET = 1e-3  # [m] of water: a cell with less does not count, as in stage `decompose`


@dataclass(frozen=True, slots=True)
class Indicated:
    """A run with its indicator."""

    path: Path
    centroids: Array  # (T, 2) [m]
    areas: Array  # (T,) [m2]
    squares: Array  # (T,) [m2] of what is left at each cell, the mean over the frames
    signal: float  # [m4] integral of the square of the free surface about its mean, the mean over the frames

    @property
    def sizes(self) -> Array:
        """(T,) [m] edges of even triangles of the cells' areas."""
        return np.asarray(np.sqrt(self.areas * 4.0 / np.sqrt(3.0)))

    @property
    def relative(self) -> float:
        """Root mean square of the rest over all cells, as a share of the signal's root mean square."""
        return float(np.sqrt(self.squares @ self.areas / self.signal))


def indicated(path: Path) -> Indicated:
    """The indicator of the run in the file ``path``, over all its frames.

    Raises
    ------
    InputError
        The run is not of triangles with a free surface, has fewer than two frames or too few cells, or its water never moves.
    """
    with Store(path) as store:
        if SURFACE not in store.fields or store.mesh_kind != "triangles":
            raise InputError(f"{path} has no free surface on triangles: nothing says where its mesh should be finer")
        mesh = store.mesh("face_x", "face_y", "face_area")
        centroids = np.stack([mesh["face_x"], mesh["face_y"]], axis=1)
        areas, bed = mesh["face_area"], store.highest_bed()
        count = len(store.times)
        if count < 2:
            raise InputError(f"{path} has {count} frame(s): two or more say where its mesh should be finer")
        if len(areas) <= NEIGHBOURS:
            raise InputError(f"{path} has {len(areas)} cells: more than {NEIGHBOURS} say where its mesh should be finer")
        source = store.source(SURFACE)
        frames = np.array([np.asarray(source[(i,)], float) for i in range(count)])
    wet = frames - bed > WET
    signal = np.mean([_signal(frame, areas * where) for frame, where in zip(frames, wet, strict=True)])
    if not signal > 0.0:
        raise InputError(f"the water in {path} never moves: nothing says where its mesh should be finer")
    squares = np.concatenate(list(_left(centroids, areas, frames, wet)))
    return Indicated(path, centroids, areas, squares, float(signal))


def _signal(values: Array, weights: Array) -> float:
    total = weights.sum()
    return float(weights @ (values - weights @ values / total) ** 2) if total > 0.0 else 0.0


def _left(centroids: Array, areas: Array, frames: Array, wet: Array) -> Iterator[Array]:
    """Mean squares over the ``frames`` (F, T) of what the fits leave, in batches of cells. A dry neighbour has the cell's own value."""
    from scipy.spatial import cKDTree

    tree = cKDTree(centroids)
    for start in range(0, len(areas), BATCH):
        some = slice(start, start + BATCH)
        near = tree.query(centroids[some], k=NEIGHBOURS + 1)[1][:, 1:]
        weights = _weights((centroids[near] - centroids[some, None]) / np.sqrt(areas[some])[:, None, None])
        total = np.zeros(len(near))
        for values, where in zip(frames, wet, strict=True):
            apart = np.where(where[near], values[near] - values[some, None], 0.0)
            total += np.where(where[some], (apart * weights).sum(axis=1), 0.0) ** 2
        yield total / len(frames)


def _weights(away: Array) -> Array:
    """Weights (cells, neighbours) by which the neighbours at ``away`` (cells, neighbours, 2) say the value in the middle."""
    x, y = away[..., 0], away[..., 1]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    near = 1.0 / np.maximum(np.hypot(x, y), NEAREST)
    return np.asarray(np.linalg.pinv(terms * near[..., None])[:, 0, :] * near)
