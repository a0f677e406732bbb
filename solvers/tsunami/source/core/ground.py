"""The ground before any source has moved it, as sources ask about it: heights, slopes, depths of the still water."""

from collections.abc import Callable
from typing import Any

import numpy as np

from meshes.core.chart import along_east
from meshes.core.locate import locate
from meshes.core.trimesh import TriMesh
from solvers.core.comm import Comm

Array = np.ndarray[Any, np.dtype[Any]]

ON_A_LINE = 1e-6  # of the squared spread of a cell's neighbours, below which they lie on a line


class Ground:
    """The bed of a mesh before it moves.

    Attributes
    ----------
    chart
        The map of a mesh on the sphere; None: the mesh is on a plane.
    """

    def __init__(self, mesh: TriMesh, level: float, comm: Comm) -> None:
        self._mesh, self._level, self._comm = mesh, level, comm
        self.chart = mesh.chart

    def corners(self, cells: Array) -> Array:
        """Corners (C, 3, 2) [m] of ``cells`` (C,)."""
        found: Array = self._mesh.vertices[self._mesh.triangles[cells]]
        return found

    def centroids(self, cells: Array) -> Array:
        """Centroids (C, 2) [m] of ``cells`` (C,)."""
        found: Array = self._mesh.centroids[cells]
        return found

    def holders(self, places: Array) -> Array:
        """The cells (P,) that hold ``places`` (P, 2) [m], -1 outside the mesh."""
        return locate(self._mesh, places)[0]

    def depths(self, cells: Array) -> Array:
        """Depths (C,) [m] of the still water in ``cells`` (C,): 0 on land, and of cell -1."""
        return np.where(cells < 0, 0.0, np.maximum(self._level - self._mesh.bed[cells], 0.0))

    def rises(self, cells: Array) -> Array:
        """Slopes (C, 2) [1] of the bed eastward and northward in ``cells`` (C,), those of cell -1 being 0.

        They are those of the plane through the cell and its neighbours across edges (least squares; exact where the bed is a plane), and
        along the line of the neighbours where there are too few for a plane.
        """
        mesh = self._mesh
        beside = np.where((mesh.neighbours[cells] < 0) | (cells < 0)[:, None], cells[:, None], mesh.neighbours[cells])
        way = mesh.centroids[beside] - mesh.centroids[cells][:, None]
        for axis, period in enumerate(mesh.period):
            if period:
                way[..., axis] -= period * np.rint(way[..., axis] / period)
        up = mesh.bed[beside] - mesh.bed[cells][:, None]
        xx, xy, yy = ((way[..., i] * way[..., j]).sum(axis=1) for i, j in ((0, 0), (0, 1), (1, 1)))
        x, y = ((way[..., i] * up).sum(axis=1) for i in (0, 1))
        determinant, spread = xx * yy - xy * xy, np.maximum(xx + yy, 1e-300)
        line = determinant <= ON_A_LINE * spread**2
        safe = np.where(line, 1.0, determinant)
        east = np.where(line, x / spread, (yy * x - xy * y) / safe)
        north = np.where(line, y / spread, (xx * y - xy * x) / safe)
        found = np.stack([east, north], axis=1)
        if not self.chart:
            return found
        found *= self.chart.stretch(mesh.centroids[cells])[:, None]
        eastward = self.chart.eastward(mesh.centroids[cells])
        return found if eastward is None else along_east(found, eastward)

    def once(self, make: Callable[[], Any]) -> Any:
        """The result of ``make``, which rank 0 alone calls. Collective."""
        return self._comm.broadcast(make() if self._comm.rank == 0 else None)
