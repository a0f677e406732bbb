"""The parts of a Runge-Kutta stage on lists of cells, vertices and edges, and the arrays between them."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.part import Part
from meshes.core.trimesh import TriMesh
from solvers.core.steppers import TABLEAUX
from solvers.tsunami import kernels
from solvers.tsunami.further_maxima import FurtherMaxima
from solvers.tsunami.geometry import geometry
from solvers.tsunami.moving_bed import MovingBed
from solvers.tsunami.outside import BoundaryEdges
from solvers.tsunami.params import Params

Array = np.ndarray[Any, np.dtype[Any]]

RIEMANN = {  # the kernels' number, and how far a step may go: the kinetic solver's fastest particles outrun the waves
    "hllc": (kernels.HLLC, 1.0),
    "roe": (kernels.ROE, 1.0),
    "rusanov": (kernels.RUSANOV, 1.0),
    "kinetic": (kernels.KINETIC, math.sqrt(2.0 / 3.0)),
}
STEPPING = {  # steps at shocks and in smooth water, see `kernels.time_steps`, and the share of dissipation in smooth water and at walls
    "euler": (1.0, 1.0, 1.0, 1.0),
    "ssprk2": (1.0, 1.0, 0.5, 0.5),
    "ssprk3": (5.0 / 3.0, 2.6, 0.1, 0.5),
}
ARRIVAL = 3  # column of the maxima
FILM = 100.0  # times the depth that does not move is a film


class FiniteVolumes:
    """The scheme on a part.

    Attributes
    ----------
    q
        Primitives (local cells, 4); heights are from the still level.
    corner_values
        Free surface and velocity at the vertices, and whether all is wet round them (local vertices, 4).
    flux, source
        As `solvers.tsunami.kernels` has them.
    jumps
        Those of the edges (local edges,) [1].
    limits
        The longest step of each own cell [s] (own cells,) at Courant number 1; -1 where its state is not finite.
    maxima
        Running maxima (own cells, 4 and more) of free surface, speed, depth, and the time of arrival, then those of ``further``.
    further
        Maxima that the case asks for; None where there are none.
    """

    def __init__(self, mesh: TriMesh, part: Part, params: Params, folder: Path, moving: MovingBed | None = None) -> None:
        self.part, self.params = part, params
        self.tableau = TABLEAUX[params.stepping]
        self.weights = self.tableau.weights  # of a stage's fluxes in a step's
        self._riemann, reach = RIEMANN[params.riemann]
        shortest, longest, smooth, at_walls = STEPPING[params.stepping if params.order > 1 else "euler"]
        self._lengths = reach * shortest, reach * longest
        self.film = FILM * params.dry_depth  # [m] of water in which nothing is sloped
        self.real = real = np.dtype(params.precision)
        self.geometry = geometry(mesh, part, params, smooth=smooth, at_walls=at_walls)
        self.datum = params.level  # [m] from which ``q`` and what is made of it have heights: water at rest is then at zero, exactly
        self.bed = self.geometry.bed - self.datum
        self.moving = moving
        if moving:
            moving.attach(self.geometry, self.bed)
        self.outside = BoundaryEdges(mesh, part, self.geometry, params, folder)
        cells, edges = len(part.cells), len(part.edges)
        self.q = np.zeros((cells, 4), real)
        self.corner_values = np.zeros((len(self.geometry.first_cell) - 1, 4), real)
        self._faces = np.zeros((part.reach2, 3, 4), real)
        self.source = np.zeros((part.reach2, 2), real)
        self.flux = np.zeros((2 * edges, 3), real)
        self.jumps = np.zeros(edges, real)
        self._share = np.ones(cells, real)
        self._u_start = np.zeros((part.owned, 3))
        self.limits = np.zeros(part.owned)
        self.updates = 0  # of own cells by stages
        self._still = np.maximum(params.level, self.geometry.bed[: part.owned])
        self.maxima = np.tile(np.array([np.nan, 0.0, 0.0, np.nan, *[0.0] * len(set(params.maxima))]), (part.owned, 1))
        self.further = FurtherMaxima(params.maxima, self.maxima[:, ARRIVAL + 1 :]) if params.maxima else None
        drags = float(params.linear_drag), float(params.quadratic_drag)  # whole numbers would be a kernel of their own
        self.drag = (params.gravity * params.manning**2, *drags)  # as `kernels.update` takes them

    def at_time(self, t: float) -> None:
        """Have the bed of time ``t`` [s]."""
        if self.moving:
            self.moving.set(t)

    def primitives(self, u: Array, cells: Array) -> None:
        """Convert the state ``u`` (local cells, 3) of the ``cells`` to primitives."""
        kernels.primitives(u, self.bed, self.params.dry_depth, cells, self.q)

    def at_vertices(self, vertices: Array) -> None:
        """Compute the values at the ``vertices`` from the primitives round them."""
        g = self.geometry
        kernels.vertex_values(self.q, g.first_cell, g.cells_of, g.weights, self.film, vertices, self.corner_values)

    def reconstruct(self, cells: Array) -> None:
        """Compute the values at the edges of the ``cells``, and the push of the bed and of the turning frame on them."""
        p, g = self.params, self.geometry
        kernels.reconstruct(
            self.q,
            self.corner_values,
            g.corners,
            g.bed_change,
            g.neighbours,
            g.offsets,
            g.reach,
            g.sharpness,
            p.wave_gravity,
            p.order,
            self.film,
            cells,
            self._faces,
            self.source,
        )
        if g.turning is not None:
            kernels.turn(self.q, g.area, g.turning, cells, self.source)

    def through_edges(self, edges: Array) -> None:
        """Compute the fluxes and jumps of the interior ``edges``."""
        g = self.geometry
        kernels.edge_flux(
            self._faces.reshape(-1, 4),
            g.left_face,
            g.right_face,
            g.normals,
            g.lengths,
            g.smooth,
            self.params.wave_gravity,
            self._riemann,
            edges,
            self.flux,
            self.jumps,
        )

    def through_boundary(self, edges: Array) -> None:
        """Compute the fluxes of the boundary ``edges``, with the waves that were let in."""
        p, g, outside = self.params, self.geometry, self.outside
        kernels.boundary_flux(
            self._faces.reshape(-1, 4),
            g.left_face,
            g.normals,
            g.lengths,
            outside.kind,
            outside.wave,
            p.level - self.datum,
            p.wave_gravity,
            outside.first,
            edges,
            self.flux,
        )

    def at_boundary(self, t: float, edges: Array) -> None:
        """Let the waves of time ``t`` [s] in, and compute the fluxes of the boundary ``edges``."""
        if len(edges):
            self.outside.let_in(t)
            self.through_boundary(edges)

    def limit_steps(self, cells: Array) -> None:
        """Find the limits of the own ``cells``."""
        p, g = self.params, self.geometry
        kernels.time_steps(
            self.q, g.inradius, g.nearest, g.rows, self.jumps, *self._lengths, p.wave_gravity, p.dry_depth, cells, self.limits
        )

    def balance(self, u: Array, dt: float, near: Array, edges: Sequence[Array]) -> None:
        """Let no cell of ``near`` pay more water in ``dt`` [s] than it has, by the listed ``edges``."""
        g = self.geometry
        margin = 64.0 * float(np.finfo(self.real).eps)
        if kernels.drain(u, self.flux, g.rows, g.area, margin, dt, near, self._share):
            for listed in edges:
                kernels.scale_outflow(self.flux, g.left, g.right, listed, self._share)
            self._share[near] = 1.0

    def finish(self, u: Array, stage: int, dt: float, cells: Array, boundary: Array) -> None:
        """Do the Runge-Kutta ``stage`` of the own ``cells`` in a step of ``dt`` [s], and note the inflow by their ``boundary`` edges."""
        p, g, tableau = self.params, self.geometry, self.tableau
        self.updates += len(cells)
        kernels.update(
            u, self._u_start, self.flux, self.source, g.rows, g.area, p.wave_gravity, *self.drag, p.dry_depth, tableau.b[stage], dt, cells
        )
        self.outside.note(boundary, self.weights[stage] * dt, self.flux)

    def observe(self, t: float, u: Array, cells: Array) -> None:
        """Note the maxima of the own ``cells`` at time ``t`` [s]."""
        p, bed = self.params, self.geometry.bed
        self.at_time(t)
        still = cells[np.isnan(self.maxima[cells, ARRIVAL])] if self.further else cells
        kernels.note_maxima(u, bed, self._still, p.dry_depth, p.arrival, t, cells, self.maxima)
        if self.further:
            came = still[~np.isnan(self.maxima[still, ARRIVAL])]
            self.further.note(cells, u, bed, p.level, p.wave_gravity, p.dry_depth, came)
