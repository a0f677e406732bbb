"""A finer run's field on a coarser mesh: means over each cell, weighted with the areas that the meshes have in common.

Exact for nested meshes, and conservative for any: a cell holds as much as the finer cells in it, by their weights.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from pipeline.core.errors import InputError
from pipeline.stages.decompose.kernels import overlaps

Array = np.ndarray[Any, np.dtype[Any]]

LEAST = 1e-13  # of a cell's area: what round-off leaves where triangles only touch
GAP = 1e-6  # of a cell's area that the other mesh may leave uncovered


@dataclass(frozen=True, slots=True)
class Restriction:
    """Weights (coarse cells, finer cells) of each coarse cell's area; the rows sum to 1."""

    weights: csr_array

    def __call__(self, values: Array) -> Array:
        """Means (coarse cells,) of ``values`` (finer cells,)."""
        return np.asarray(self.weights @ values)

    def where(self, values: Array, counts: Array) -> Array:
        """Means over the finer cells that count (finer cells,) alone; nan in a coarse cell where not all do."""
        covered = self.weights @ counts.astype(float)
        means = self.weights @ np.where(counts, values, 0.0)
        return np.where(covered > 1.0 - GAP, means / np.maximum(covered, GAP), np.nan)


def corners_of(mesh: Any) -> Array:
    """Corners (cells, 3, 2) [m] from the arrays of a stored mesh."""
    return np.stack([mesh["node_x"], mesh["node_y"]], axis=-1)[mesh["face_node_connectivity"]]


def restriction(coarse: Array, fine: Array) -> Restriction:
    """The `Restriction` from triangles ``fine`` (B, 3, 2) to triangles ``coarse`` (A, 3, 2) [m].

    Raises
    ------
    InputError
        The finer mesh does not cover the coarser.
    """
    low, high = fine.min(axis=(0, 1)), fine.max(axis=(0, 1))
    boxes_low, boxes_high = fine.min(axis=1), fine.max(axis=1)
    width = max(2.0 * float(np.median(boxes_high - boxes_low)), float((high - low).max()) / 2000.0)
    columns, rows = (int(n) + 1 for n in (high - low) / width)
    first, members = _bins(((boxes_low - low) / width).astype(int), ((boxes_high - low) / width).astype(int), columns, rows)
    room = 8 * (len(coarse) + len(fine))
    while True:
        a, b, area = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
        found = overlaps(coarse, fine, first, members, low, width, columns, rows, LEAST, a, b, area)
        if found <= room:
            break
        room = found
    matrix = csr_array((area[:found], (a[:found], b[:found])), shape=(len(coarse), len(fine)))
    covered = matrix @ np.ones(len(fine))
    sides = coarse[:, 1:] - coarse[:, :1]
    areas = 0.5 * np.abs(sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0])
    bare = np.flatnonzero(np.abs(covered / areas - 1.0) > GAP)
    if len(bare):
        place = coarse[bare[0]].mean(axis=0)
        raise InputError(
            f"the runs are on different domains: {len(bare)} of {len(coarse)} cells of the one are not covered by the other, "
            f"the first at ({place[0]:g}, {place[1]:g}) m"
        )
    return Restriction(csr_array(matrix / covered[:, None]))


def _bins(low: Array, high: Array, columns: int, rows: int) -> tuple[Array, Array]:
    """Boxes that touch each bin: the beginnings of bins, and the boxes bin after bin."""
    span = high - low + 1
    count = span.prod(axis=1)
    box = np.repeat(np.arange(len(low)), count)
    place = np.arange(len(box)) - np.repeat(np.cumsum(count) - count, count)
    i, j = low[box, 0] + place // span[box, 1], low[box, 1] + place % span[box, 1]
    bin_ = np.minimum(i, columns - 1) * rows + np.minimum(j, rows - 1)
    order = np.argsort(bin_, kind="stable")
    first = np.searchsorted(bin_[order], np.arange(columns * rows + 1))
    return first, box[order]
