"""The active region: the cells that a step has to compute, and their vertices and edges.

A cell whose rate of change is exactly zero and whose water does not flow stays as it is until a change reaches it. By a stage a
change spreads to the cells that share a vertex with it, and to their neighbours. Quiet water and dry land are left out, and the
result is bit-identical to that of all cells.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from meshes.core.part import Part
from solvers.core.comm import Comm
from solvers.tsunami.geometry import INDEX, Geometry
from solvers.tsunami.region import kernels

Array = np.ndarray[Any, np.dtype[Any]]

SMALL = 1000  # cells: fewer are computed sooner than looked over
MAY_CHANGE, COMPUTED = 1, 2  # marks of cells in the region: by this step, or by the next one at the earliest


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """Local cells, vertices and edges of a part, rising. The first ``inner`` of each need no ghost."""

    cells: Array  # own
    inner_cells: int
    ghosts: Array
    near: Array  # cells whose fluxes are all known here: own ones and the first layer of ghosts
    sloped: Array  # cells that are reconstructed: those and the second layer
    vertices: Array
    inner_vertices: int
    edges: Array  # interior
    inner_edges: int
    boundary: Array  # edges


class Region:
    """The active region of a part, all of it at first, and always all of a mesh of less than `SMALL` cells.

    Attributes
    ----------
    lists
        What a stage computes.
    """

    def __init__(self, part: Part, geometry: Geometry, comm: Comm, stages: int) -> None:
        self._part, self._geometry, self._comm, self._stages = part, geometry, comm, stages
        cells = len(part.cells)
        self._corners = np.empty((cells, 3), np.int32)
        kernels.corners_of_all(part.corners, part.first_cell, part.cells_of, self._corners)
        self._marks = np.full((cells, 1), MAY_CHANGE, np.uint8)
        self._queue = np.empty(cells, INDEX)
        self.whole = self.lists = lists_of(part, geometry, np.ones(cells, bool))
        self._small = int(comm.sum(np.array([part.owned]))[0]) < SMALL

    def reset(self) -> None:
        """Let the region be all of the part."""
        self._marks[:] = MAY_CHANGE
        self.lists = self.whole

    def holds(self, u: Array, q: Array) -> bool:
        """Whether a state is at rest wherever the last step could not change it, on all ranks, or the region is all of them. Collective.

        Parameters
        ----------
        u
            The state (local cells, 3).
        q
            Primitives (local cells, 4) of the last stage.
        """
        here = self.lists is self.whole or bool(kernels.is_as_left(u, q, self._marks, self._part.owned))
        return self._comm.min(np.array([float(here)]))[0] > 0.0

    def follow(self, u: Array, flux: Array, source: Array, forced: Array, levels: Array | None = None) -> None:
        """Find the region of the next step. Collective.

        Parameters
        ----------
        u
            The state (local cells, 3).
        flux, source
            Those of `solvers.tsunami.kernels.update` at this state, in all of the region.
        forced
            Own cells (own cells,) that are active whatever their state.
        levels
            Levels of the local cells (local cells, 1) in local time stepping: 2^level are a cell's steps over the shortest.
        """
        if self._small:
            return
        kernels.find_moving(u, flux, source, self._geometry.rows, forced, self.lists.cells, self._marks)
        self._comm.begin(self._marks, self._part.halo)
        self._comm.end()
        if levels is None:
            self._spread()
        else:
            self._spread_by(levels)
        marked = self._marks[:, 0] > 0
        self.lists = self.whole if marked.all() else lists_of(self._part, self._geometry, marked)

    def _spread(self) -> None:
        """Mark the cells that the step's stages may change, and those whose fluxes are other ones after it."""
        g = self._geometry
        begin, end = 0, int(kernels.rim(g.first_cell, g.cells_of, self._marks, self._queue))
        for stage in range(1, self._stages + 1):
            mark = MAY_CHANGE if stage < self._stages else COMPUTED
            last = kernels.spread(self._corners, g.first_cell, g.cells_of, g.neighbours, begin, end, mark, self._marks, self._queue)
            begin, end = end, self._exchange(int(last))

    def _spread_by(self, levels: Array) -> None:
        """The same where cells have steps of their own: the highest level's span all others'.

        Within it, a stage of each step lets a change pass out of a cell, and so does the course that lower levels take from it; two more
        are for steps that begin in between.
        """
        g, comm = self._geometry, self._comm
        longest = 1 << int(comm.max(levels[: self._part.owned].max(axis=0, initial=0).astype(float))[0])
        budget = np.where(self._marks > 0, (self._stages + 3) * longest, -1).astype(np.int32)
        count = int(kernels.rim(g.first_cell, g.cells_of, self._marks, self._queue))
        queued = np.zeros(len(budget), bool)
        growing = True
        while growing:
            queued[self._queue[:count]] = True
            grew = kernels.spread_by_levels(
                self._corners, g.first_cell, g.cells_of, g.neighbours, levels, self._queue, queued, count, budget
            )
            growing = comm.size > 1 and comm.max(np.array([float(grew)]))[0] > 0.0
            if growing:
                more = self._raised(budget)
                count = len(more)
                self._queue[:count] = more
        self._marks[:] = np.where(budget >= longest, MAY_CHANGE, np.where(budget >= 0, COMPUTED, 0))

    @property
    def left_out(self) -> Array:
        """Marks (local cells, 1) of the cells that are not in the region."""
        return self._marks == 0

    def _exchange(self, end: int) -> int:
        """Mark the ghosts that their ranks have marked; the new ones stand behind ``end`` in the queue, whose end is returned."""
        if self._comm.size == 1:
            return end
        new = self._raised(self._marks)
        self._queue[end : end + len(new)] = new
        return end + len(new)

    def _raised(self, values: Array) -> Array:
        """Raise the ``values`` (local cells, 1) of ghosts to those on their own ranks; returns the ghosts that were lower. Collective."""
        ghosts = values[self._part.owned :]
        before = ghosts.copy()
        self._comm.begin(values, self._part.halo)
        self._comm.end()
        np.maximum(ghosts, before, out=ghosts)
        return np.flatnonzero(ghosts[:, 0] > before[:, 0]) + self._part.owned


def lists_of(part: Part, geometry: Geometry, chosen: Array) -> Lists:
    """The lists for the ``chosen`` (local cells,) cells, and the edges and vertices that they touch."""
    cells = np.flatnonzero(chosen).astype(INDEX)
    inner, owned, reach1, reach2 = (int(n) for n in np.searchsorted(cells, (part.inner, part.owned, part.reach1, part.reach2)))
    marks = np.zeros(len(part.edges), bool)
    kernels.touch(part.cell_edges, cells[:reach1], marks)
    edges = np.flatnonzero(marks).astype(INDEX)
    inner_edges, interior = (int(n) for n in np.searchsorted(edges, (part.inner_edges, part.interior_edges)))
    marks = np.zeros(len(geometry.first_cell) - 1, bool)
    kernels.touch(part.corners, cells[:reach2], marks)
    vertices = np.flatnonzero(marks).astype(INDEX)
    return Lists(
        cells=cells[:owned],
        inner_cells=inner,
        ghosts=cells[owned:],
        near=cells[:reach1],
        sloped=cells[:reach2],
        vertices=vertices,
        inner_vertices=int(np.searchsorted(vertices, part.inner_vertices)),
        edges=edges[:interior],
        inner_edges=inner_edges,
        boundary=edges[interior:],
    )
