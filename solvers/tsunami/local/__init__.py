"""Local time stepping: each cell takes steps of 2^l times the shortest, of a level l of its own.

A step of level l spans two of level l - 1, which are taken before it. Cells of higher levels stand at their last state plus its rate of
change times the time since; cells of lower levels, when a higher one is stepped, on the parabola through their states at the beginning, the
middle and the end of its step. The flux through an edge between two levels is that of the lower one, whose sum over its steps the
higher one takes: no water is lost.

References: M. J. Berger, J. Oliger, J. Comput. Phys. 53 (1984) 484-512, DOI 10.1016/0021-9991(84)90073-1 (steps inside steps, and fluxes
that both sides share); L. Krivodonova, J. Comput. Phys. 229 (2010) 8537-8551, DOI 10.1016/j.jcp.2010.07.037 (Runge-Kutta
stages beside cells with steps of their own).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from solvers.core.comm import Comm
from solvers.core.steppers import Tableau
from solvers.tsunami.finite_volumes import FiniteVolumes
from solvers.tsunami.gauges import Gauges
from solvers.tsunami.geometry import INDEX
from solvers.tsunami.local import kernels

Array = np.ndarray[Any, np.dtype[Any]]

HIGHEST = 10  # level
ATTEMPTS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """Local cells, vertices and edges of a level."""

    cells: Array  # own
    ghosts: Array
    near: Array  # cells whose fluxes are all known here
    sloped: Array
    vertices: Array
    edges: Array  # interior
    boundary: Array  # edges
    finer: Array  # cells of lower levels round the vertices
    coarser: Array  # of higher levels
    inner: Array  # rows of the flux array of its cells towards lower levels
    outer: Array  # of higher levels' cells towards it
    touched: Array  # cells with neighbours of lower levels


class LocalStepping:
    """The steps of a model's cells by their levels."""

    def __init__(self, scheme: FiniteVolumes, comm: Comm, gauges: Gauges) -> None:
        self._scheme, self._comm, self._gauges = scheme, comm, gauges
        part, g = scheme.part, scheme.geometry
        cells = len(part.cells)
        self.levels = np.zeros((cells, 1), np.uint8)
        self._wanted = np.zeros((cells, 1))
        self._active = np.zeros((cells, 1), np.uint8)  # levels, and `REST`
        self._listed = np.zeros_like(self._active)  # of which there are lists
        self._lists: list[Level] = []
        self._any: list[bool] = []  # whether a level has cells on any rank
        self._any_below: list[bool] = []  # whether levels below it have any, or samples
        self._finest = math.inf  # [s] the shortest step at Courant number 1
        self._stage_times = stage_times(scheme.tableau)
        vertices = len(g.first_cell) - 1
        self._largest = np.empty(vertices)
        self._seen = np.zeros(vertices, np.uint8), np.zeros(cells, np.uint8), np.zeros(cells, np.uint8)
        self._rates = np.zeros((cells, 3))
        self._total, self._own = np.zeros((2, 2 * len(part.edges), 3))
        self._start = np.zeros(256)  # [s] time of the last state of each level
        lengths = (cells, len(part.edges), len(part.edges), 2 * len(part.edges), 2 * len(part.edges), cells)
        self._room = [np.empty(n, INDEX) for n in lengths]
        self._more_room = [np.empty(n, INDEX) for n in (vertices, cells, cells)]

        self._wanted[gauges.cells] = 1.0
        self._largest_round()
        self._watched = np.flatnonzero(self._wanted[: part.owned, 0])  # own cells round a gauge of any rank
        self._sampled = 0  # level at whose steps gauges are sampled

    def max_dt(self) -> float:
        """Choose the levels by the scheme's limits, and return the step of the highest at Courant number 1 [s]. Collective."""
        scheme, owned = self._scheme, self._scheme.part.owned
        if self._comm.min(np.array([scheme.limits.min(initial=np.inf)]))[0] <= 0.0:
            return -1.0
        often = self._steps_wanted()
        most = float(self._comm.max(np.array([often.max(initial=0.0)]))[0])
        self._finest = 1.0 / most if most > 0.0 else math.inf
        if most == 0.0:
            return math.inf
        with np.errstate(divide="ignore"):
            levels = np.minimum(np.floor(np.log2(most / often)), HIGHEST)
        wet = scheme.q[:owned, 3] > scheme.film
        highest = int(self._comm.max(np.array([levels[wet].max(initial=0.0)]))[0])
        levels = np.minimum(levels, highest)  # land makes no step longer
        if self._gauges.names:
            lowest = self._comm.min(np.array([levels[self._gauges.cells].min(initial=HIGHEST)]))[0]
            levels[self._watched] = np.minimum(levels[self._watched], lowest)
            self._sampled = int(lowest)
        self.levels[:owned, 0] = levels
        self._exchange(self.levels)
        return self._finest * 2.0**highest

    def steps_inside(self) -> float:
        """Steps of a cell in one of the highest level's, on average over all cells. Collective."""
        own = self.levels[: self._scheme.part.owned, 0].astype(int)
        counts = self._comm.sum(np.bincount(own, minlength=HIGHEST + 1))
        steps = 2.0 ** (np.flatnonzero(counts).max(initial=0) - np.arange(HIGHEST + 1))
        return float((counts * steps).sum() / max(counts.sum(), 1))

    def _steps_wanted(self) -> Array:
        """Steps a second [1/s] of the own cells (own cells,) at Courant number 1: no fewer than of the cells round their corners.

        A wave may come from there within a step; and levels that change from cell to cell, as the cells' sizes do, would cost more than
        they save. Land and films take the fastest water at a shore for theirs.
        """
        scheme = self._scheme
        part, g, owned = scheme.part, scheme.geometry, scheme.part.owned
        speeds = self._wanted[:owned, 0]
        speeds[:] = g.inradius[:owned] / scheme.limits
        shore = scheme.corner_values[part.corners[:owned], 3].min(axis=1, initial=1.0) == 0.0
        fastest = self._comm.max(np.array([speeds[shore].max(initial=0.0)]))[0]
        thin = scheme.q[:owned, 3] <= scheme.film
        speeds[thin] = np.maximum(speeds[thin], fastest)
        self._largest_round()
        speeds /= g.inradius[:owned]
        self._largest_round()
        return speeds

    def _largest_round(self) -> None:
        """Put the largest value of the cells round a cell's corners in the cell's place."""
        part, g = self._scheme.part, self._scheme.geometry
        self._exchange(self._wanted)
        kernels.largest_round(g.first_cell, g.cells_of, self._wanted, self._largest)
        kernels.largest_at_corners(part.corners, self._largest, part.owned, self._wanted)

    def _exchange(self, values: Array) -> None:
        self._comm.begin(values, self._scheme.part.halo)
        self._comm.end()

    def step(self, t: float, u: Array, dt: float, cfl: float, left_out: Array) -> None:
        """Advance all cells by ``dt`` [s] but the ``left_out`` (local cells, 1), by steps of their levels. Collective.

        Where these prove too long, or a cell beside others of lower levels pays more water than it has, all is done again with
        shorter ones, at last with equal ones, which stand whatever they make: the next `max_dt` judges them.
        """
        scheme = self._scheme
        count = 0
        while dt > cfl * self._finest * 2.0**count * (1.0 + 1e-12):
            count += 1
        kept = u.copy(), scheme.maxima.copy(), scheme.outside.inflow.copy()
        samples = self._gauges.count
        for shorter in range(ATTEMPTS):
            self._finest_step = dt / 2.0 ** (count + shorter)
            np.minimum(self.levels, count if shorter < ATTEMPTS - 1 else 0, out=self._active)
            if shorter == 0:
                self._active[left_out] = kernels.REST
            self._make_lists(count + shorter)
            self._sound = True
            self._advance(len(self._lists) - 1, t, dt, u, ready=shorter == 0)
            if self._comm.min(np.array([float(self._sound)]))[0] > 0.0 or shorter == ATTEMPTS - 1:
                return
            u[:], scheme.maxima[:], scheme.outside.inflow[:] = kept
            self._total[:] = self._own[:] = 0.0
            self._gauges.drop(samples)

    def _make_lists(self, top: int) -> None:
        """List the cells of the levels up to ``top``, unless the lists are there."""
        same = len(self._lists) == top + 1 and np.array_equal(self._active, self._listed)
        if self._comm.min(np.array([float(same)]))[0] == 0.0:
            self._listed[:] = self._active
            for seen in self._seen:
                seen[:] = 0
            order = np.argsort(self._active[:, 0], kind="stable").astype(INDEX)
            ends = np.searchsorted(self._active[order, 0], np.arange(top + 2))
            self._lists = [self._list(level, order[ends[level] : ends[level + 1]]) for level in range(top + 1)]
            counts = self._comm.sum(np.array([len(level.cells) for level in self._lists]))
            self._any = (counts > 0).tolist()
        stepped = list(self._any)
        if self._gauges.names:
            stepped[min(self._sampled, top)] = True  # for the samples
        self._any_below = [any(stepped[:level]) for level in range(top + 1)]

    def _list(self, level: int, members: Array) -> Level:
        scheme = self._scheme
        part, g = scheme.part, scheme.geometry
        vertices_seen, sloped_seen, cells_seen = self._seen
        lengths = kernels.near_lists(
            level, members, self._active, part.reach1, part.cell_edges, g.neighbours, g.rows, sloped_seen, *self._room
        )
        sloped, edges, boundary, inner, outer, touched = (room[:n].copy() for room, n in zip(self._room, lengths, strict=True))
        lengths = kernels.far_lists(
            level, sloped, self._active, part.corners, g.first_cell, g.cells_of, vertices_seen, cells_seen, *self._more_room
        )
        vertices, finer, coarser = (room[:n].copy() for room, n in zip(self._more_room, lengths, strict=True))
        owned, reach1 = np.searchsorted(members, (part.owned, part.reach1))
        return Level(
            cells=members[:owned],
            ghosts=members[owned:],
            near=members[:reach1],
            sloped=sloped,
            vertices=vertices,
            edges=edges,
            boundary=boundary,
            finer=finer,
            coarser=coarser,
            inner=inner,
            outer=outer,
            touched=touched,
        )

    def _advance(self, level: int, t: float, dt: float, u: Array, *, ready: bool) -> None:
        """Advance the cells of levels up to ``level`` from ``t`` to ``t + dt`` [s]; ``ready`` says whether their first fluxes are there."""
        scheme, lists = self._scheme, self._lists[level]
        sampled = level == min(self._sampled, len(self._lists) - 1)
        if not ready and (self._any[level] or sampled):
            self._first_fluxes(level, t, u)
            ready = True
        if sampled:
            self._gauges.sample(t, scheme.q, scheme.corner_values, scheme.geometry.corners, scheme.datum)
        if not self._any[level]:
            if self._any_below[level]:
                self._advance(level - 1, t, 0.5 * dt, u, ready=ready)
                self._advance(level - 1, t + 0.5 * dt, 0.5 * dt, u, ready=False)
            return
        before: tuple[Array, Array] = (np.empty((0, 3)), np.empty((0, 3)))
        if self._any_below[level]:
            before = self._advance_lower(level, t, dt, u)
        for stage in range(scheme.tableau.stages):
            if stage > 0:
                self._fluxes(level, stage, t, dt, u, before)
            scheme.at_boundary(t + scheme.tableau.c[stage] * dt, lists.boundary)
            scheme.balance(u, dt, lists.near, (lists.edges, lists.boundary))
            scheme.finish(u, stage, dt, lists.cells, lists.boundary)
            self._share_fluxes(level, stage, dt, u)
            self._exchange(u)
        scheme.observe(t + dt, u, lists.cells)
        self._sound = self._sound and bool((u[lists.cells, 0] >= 0.0).all())

    def _share_fluxes(self, level: int, stage: int, dt: float, u: Array) -> None:
        """Sum up the fluxes of a stage between ``level`` and others; after the last, its cells take the lower levels' sums."""
        scheme, lists, g = self._scheme, self._lists[level], self._scheme.geometry
        share = scheme.weights[stage] * dt
        if len(lists.outer):
            kernels.accumulate(scheme.flux, lists.outer, share, self._total)
        if len(lists.inner):
            kernels.accumulate(scheme.flux, lists.inner, share, self._own)
            if stage == scheme.tableau.stages - 1:
                kernels.settle(u, self._total, self._own, lists.inner, g.left, g.right, scheme.part.owned, g.area, scheme.params.dry_depth)

    def _advance_lower(self, level: int, t: float, dt: float, u: Array) -> tuple[Array, Array]:
        """Advance the lower levels by two steps; returns the states of their cells beside ``level`` at the beginning and in the middle."""
        scheme, lists = self._scheme, self._lists[level]
        g, p = scheme.geometry, scheme.params
        scheme.at_boundary(t, lists.boundary)
        kernels.change_rates(u, scheme.flux, scheme.source, g.rows, g.area, *scheme.drag, p.dry_depth, dt, lists.cells, self._rates)
        self._exchange(self._rates)
        source, flux = scheme.source[lists.touched], scheme.flux[lists.inner]
        first = u[lists.finer]
        self._start[level] = t
        self._advance(level - 1, t, 0.5 * dt, u, ready=True)
        middle = u[lists.finer]
        self._advance(level - 1, t + 0.5 * dt, 0.5 * dt, u, ready=False)
        scheme.source[lists.touched], scheme.flux[lists.inner] = source, flux
        return first, middle

    def _first_fluxes(self, highest: int, t: float, u: Array) -> None:
        """Compute the fluxes of all levels up to ``highest``, whose states are of time ``t`` [s]."""
        scheme = self._scheme
        p = scheme.params
        levels = self._lists[: highest + 1]
        scheme.at_time(t)
        for lists in levels:
            kernels.extrapolate(u, self._rates, self._active, t - self._start, scheme.bed, p.dry_depth, lists.coarser, scheme.q)
        for lists in levels:
            scheme.primitives(u, lists.cells)
            scheme.primitives(u, lists.ghosts)
        for number, lists in enumerate(levels):
            self._edges(lists)
            scheme.limit_steps(lists.cells)
            self._sound = self._sound and kernels.is_sound(u, scheme.limits, self._finest_step * 2.0**number, lists.cells)

    def _fluxes(self, level: int, stage: int, t: float, dt: float, u: Array, before: tuple[Array, Array]) -> None:
        """Compute the fluxes of a later ``stage`` of ``level``."""
        scheme, lists = self._scheme, self._lists[level]
        bed, dry = scheme.bed, scheme.params.dry_depth
        first, second = self._stage_times[stage]
        scheme.at_time(t + first * dt)
        kernels.extrapolate(u, self._rates, self._active, t + first * dt - self._start, bed, dry, lists.coarser, scheme.q)
        if len(lists.finer):
            weights = (1.0 - 3.0 * first + 4.0 * second, 4.0 * first - 8.0 * second, 4.0 * second - first)
            kernels.interpolate(*before, u, weights, bed, dry, lists.finer, scheme.q)
        scheme.primitives(u, lists.cells)
        scheme.primitives(u, lists.ghosts)
        self._edges(lists)

    def _edges(self, lists: Level) -> None:
        scheme = self._scheme
        scheme.at_vertices(lists.vertices)
        scheme.reconstruct(lists.sloped)
        scheme.through_edges(lists.edges)


def stage_times(tableau: Tableau) -> list[tuple[float, float]]:
    """First and second order of the state at each stage: u + first dt u' + second dt^2 u''."""
    found = [(0.0, 0.0)]
    for b in tableau.b[:-1]:
        first, second = found[-1]
        found.append((b * (first + 1.0), b * (second + first)))
    return found
