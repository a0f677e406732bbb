"""Find the cells of a triangle mesh that hold given points: a few among all cells, many by trees of the cells' boxes, one tree for all
boxes of about one size.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

EDGE = 1e-12  # of an edge's length squared: what lies so little outside is on the edge
FEW = 50  # points: until then a look at all boxes takes less time than to make the trees
ROUND_OFF = 1e-9  # of a box's size and place, by which a search goes too far rather than not far enough


class Sheet(Protocol):
    """Vertices and triangles of a mesh, which is all that is asked of it."""

    @property
    def vertices(self) -> Array:
        """Places (V, 2) [m]."""

    @property
    def triangles(self) -> Array:
        """Corners (T, 3)."""

    @property
    def period(self) -> tuple[float, float]:
        """Lengths [m] after which it repeats itself; 0: it does not."""


def locate(mesh: Sheet, points: Array) -> tuple[Array, Array]:
    """The cell (P,) that holds each of ``points`` (P, 2) [m], -1 outside; on an edge, the cell with the smaller number.

    With it come the points themselves, in a mesh that repeats itself moved by whole periods into their cells.
    """
    points = np.asarray(points, float).reshape(-1, 2)
    found, places = np.full(len(points), -1, np.int32), points.copy()
    if not len(points):
        return found, places
    boxes: Boxes = TreesOfBoxes(mesh) if len(points) > FEW else Boxes(mesh)
    moves = [np.array([i * mesh.period[0], j * mesh.period[1]]) for i in (0, -1, 1) for j in (0, -1, 1)]
    for move in moves if any(mesh.period) else moves[:1]:
        left = np.flatnonzero(found < 0)
        if not len(left):
            break
        moved = points[left] + move
        cells = boxes.holders(moved)
        there = cells >= 0
        found[left[there]], places[left[there]] = cells[there], moved[there]
    return found, places


class Boxes:
    """The boxes round a mesh's cells."""

    def __init__(self, mesh: Sheet) -> None:
        self._corners = mesh.vertices[mesh.triangles]
        self._low, self._high = self._corners.min(axis=1), self._corners.max(axis=1)

    def holders(self, points: Array) -> Array:
        """The cell (P,) with the smallest number that holds each of ``points`` (P, 2) [m], -1 where there is none."""
        found = np.full(len(points), len(self._corners), np.int64)
        for cells, point in self._near(points):
            inside = self._inside(cells, points[point])
            np.minimum.at(found, point[inside], cells[inside])
        return np.where(found < len(self._corners), found, -1)

    def _near(self, points: Array) -> Iterator[tuple[Array, Array]]:
        """Cells (N,), every one whose box holds a point among them, and the number (N,) of that point."""
        for i, (x, y) in enumerate(points):
            near = (self._low[:, 0] <= x) & (x <= self._high[:, 0]) & (self._low[:, 1] <= y) & (y <= self._high[:, 1])
            cells = np.flatnonzero(near)
            yield cells, np.full(len(cells), i)

    def _inside(self, cells: Array, points: Array) -> Array:
        """Whether each of ``cells`` (N,) holds its own point of ``points`` (N, 2)."""
        inside = ((self._low[cells] <= points) & (points <= self._high[cells])).all(axis=1)
        c = self._corners[cells]
        for k in range(3):
            edge, to = c[:, (k + 1) % 3] - c[:, k], points - c[:, k]
            cross = edge[:, 0] * to[:, 1] - edge[:, 1] * to[:, 0]
            inside &= cross >= -EDGE * (edge * edge).sum(axis=1)
        return inside


class TreesOfBoxes(Boxes):
    """The same in trees by size: powers of two of half the longer side."""

    def __init__(self, mesh: Sheet) -> None:
        from scipy.spatial import cKDTree  # loads for long

        super().__init__(mesh)
        half = 0.5 * (self._high - self._low).max(axis=1)
        centres = 0.5 * (self._low + self._high)
        size = np.frexp(half)[1]
        far = ROUND_OFF * np.abs(mesh.vertices).max()
        self._trees = []
        for one in np.unique(size):
            cells = np.flatnonzero(size == one)
            reach = half[cells].max() * (1.0 + ROUND_OFF) + min(far, half[cells].max())
            self._trees.append((cells, cKDTree(centres[cells], compact_nodes=False, balanced_tree=False), reach))

    def _near(self, points: Array) -> Iterator[tuple[Array, Array]]:
        for cells, tree, reach in self._trees:
            near = tree.query_ball_point(points, reach, p=np.inf)
            point = np.repeat(np.arange(len(points)), [len(some) for some in near])
            yield cells[np.concatenate([np.asarray(some, np.int64) for some in near])], point
