"""The tsunami solver on one rank's part of a mesh: the order in which the kernels run, and the records as it goes."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core import quadrature
from meshes.core.part import Part
from meshes.core.trimesh import TriMesh
from pipeline.core.errors import InputError
from pipeline.core.params import choose
from pipeline.core.plugin import nearest
from pipeline.store.layout import Field
from solvers.core.comm import Comm
from solvers.core.model import NOT_FINITE, Model
from solvers.core.steppers import TABLEAUX
from solvers.core.writers import Rows
from solvers.tsunami import boundary, initial, kernels
from solvers.tsunami.gauges import GAUGES, Gauges
from solvers.tsunami.geometry import geometry
from solvers.tsunami.params import Params
from solvers.tsunami.region import Region

Array = np.ndarray[Any, np.dtype[Any]]

FIELDS = (
    Field("free_surface", "m", "height of the free surface; of the bed where it is dry"),
    Field("depth", "m", "depth of the water"),
    Field("discharge_x", "m2 s-1", "discharge per unit width, eastward"),
    Field("discharge_y", "m2 s-1", "discharge per unit width, northward"),
)
MAXIMA = (
    Field("free_surface", "m", "greatest height of the free surface; nan where it was never wet"),
    Field("speed", "m s-1", "greatest speed"),
    Field("depth", "m", "greatest depth"),
    Field("arrival", "s", "time at which the free surface first left its still level; nan where it did not"),
)
RIEMANN = {  # the kernels' number, and how far a step may go: the kinetic solver's fastest particles outrun the waves
    "hllc": (kernels.HLLC, 1.0),
    "roe": (kernels.ROE, 1.0),
    "rusanov": (kernels.RUSANOV, 1.0),
    "kinetic": (kernels.KINETIC, math.sqrt(2.0 / 3.0)),
}
STEPPING = {  # steps at shocks and in smooth water over inradius / fastest wave, and the share of dissipation in smooth water
    "euler": (1.0, 1.0, 1.0),
    "ssprk2": (1.0, 1.0, 0.5),
    "ssprk3": (5.0 / 3.0, 2.6, 0.1),
}
FILM = 100.0  # times the depth that does not move is a film
FLOODED = 1e-3  # [m] of water that counts as a flood
VOLUME_BITS = 60  # volumes are added as whole multiples of 2^-60 of a bound on the whole: exactly, in any order;
REST_BITS = 30  # what they leave, as multiples of 2^-30 of that


class Tsunami(Model):
    """See `solvers.core.model.Model`. ``self.u`` is never kept: the state belongs to the driver.

    The state is double in single precision too, which computes fluxes and keeps heights from the still level: a change of depth by a step
    is far below the round-off of a deep sea's single-precision depth.

    Raises
    ------
    InputError
        A side of the mesh or a kind that does not exist, or a gauge outside the mesh.
    """

    gauge_fields = GAUGES
    maxima_fields = MAXIMA
    conservation_is_relative = True  # to the water at the start

    def __init__(
        self, mesh: TriMesh, part: Part, comm: Comm, params: Params, *, gauges: Mapping[str, tuple[float, ...]], folder: Path
    ) -> None:
        self.mesh, self.part, self.comm, self.params = mesh, part, comm, params
        self.tableau = TABLEAUX[params.stepping]
        self.stages = self.tableau.stages
        self._riemann, self._reach = RIEMANN[params.riemann]
        *self._lengths, self._smooth = STEPPING[params.stepping if params.order > 1 else "euler"]
        self._film = FILM * params.dry_depth  # [m] of water in which nothing is sloped
        real = np.dtype(params.precision)
        self.real = real
        self.shape = mesh.dofs
        self.rows = self.saved_rows = Rows(part.cells[: part.owned], mesh.dofs[0])
        self.geometry = geometry(mesh, part, limiter=params.limiter, tolerance=params.limiter_tolerance, real=real)
        self._datum = params.level  # [m] from which ``self.q`` and what is made of it have heights: water at rest is then at zero, exactly
        self._bed = self.geometry.bed - self._datum
        lost = real == np.float32 and params.level != 0.0  # a wave's height in the digits of a level's
        self.fields = tuple(replace(f, double=True) if lost and f.name == "free_surface" else f for f in FIELDS)
        depth = float(params.level - mesh.bed.min(initial=np.inf))
        if depth > params.deepest:
            x, y = mesh.centroids[int(np.argmin(mesh.bed))]
            raise InputError(
                f"the still water is up to {depth:g} m deep, at ({x:g}, {y:g}) m, more than solver.deepest = {params.deepest:g} m: "
                "mend the bed or the level, or raise it"
            )
        self._start: initial.InitialSea = choose(initial.__name__, params.initial, "solver.initial")
        self._set_boundary(folder)
        self.gauges = Gauges(mesh, part, comm, gauges)
        n, edges = len(part.cells), len(part.edges)
        self.q = np.zeros((n, 4), real)
        self._corner_values = np.zeros((len(self.geometry.first_cell) - 1, 4), real)
        self._faces = np.zeros((part.reach2, 3, 4), real)
        self._source = np.zeros((part.reach2, 2), real)
        self._flux = np.zeros((2 * edges, 3), real)
        self._jumps = np.zeros(edges, real)
        self._share = np.ones(n, real)
        self._u_start = np.zeros((part.owned, 3))
        self._limits = np.zeros(part.owned)  # [s] of a step, by cells
        self.region = Region(part, self.geometry, comm, self.stages)
        self._followed: Array | None = None  # the state whose changes the region follows
        self._still = np.maximum(params.level, self.geometry.bed[: part.owned])
        self.maxima = np.tile(np.array([np.nan, 0.0, 0.0, np.nan]), (part.owned, 1))
        self.inflow = np.zeros(len(self._kind))  # [m3] that came in by each boundary edge since t = 0
        deepest = max(float(params.level - mesh.bed.min()), 0.0) + 1.0
        self.drag = (params.gravity * params.manning**2, params.linear_drag, params.quadratic_drag)  # as `kernels.update` takes them
        self._quantum = 2.0 ** (math.ceil(math.log2(float(mesh.areas.sum()) * deepest * 16.0)) - VOLUME_BITS)

    def _set_boundary(self, folder: Path) -> None:
        """Kind and wave of every boundary edge, sides by their names."""
        names = self.mesh.boundary_names
        sides = []
        for name in self.params.boundary:
            if name not in names:
                raise InputError(
                    f"no side {name!r} of this mesh for 'solver.boundary'{nearest(name, names)}; there are: {', '.join(names)}"
                )
        self._waves = []
        for name in names:
            side = boundary.outside_of(self.params.boundary, name)
            sides.append(kernels.OPEN if side.is_open else kernels.WALL)
            self._waves.append(side.incoming(folder, boundary.place(name)))
        edges = self.part.edges[self.part.interior_edges :]
        self._side = self.mesh.boundary[edges].astype(np.int64)
        self._kind = np.array(sides, np.int64)[self._side]
        self._wave = np.zeros(len(edges), self.real)
        self._own_edge = self.geometry.left[self.part.interior_edges :] < self.part.owned
        self._own_face = self.geometry.left_face[self.part.interior_edges :][self._own_edge]
        enters = np.array([wave is not None for wave in self._waves], bool)[self._side]
        self._forced = np.zeros(self.part.owned, bool)  # cells by whose boundary edge a wave comes in
        self._forced[self.geometry.left[self.part.interior_edges :][self._own_edge & enters]] = True

    def remarks(self, end: float) -> list[str]:
        """Lines to be said of the water of a run to ``end`` [s]; `InputError` where nothing of an incident series enters."""
        names = zip(self.mesh.boundary_names, self._waves, strict=True)
        said = [f"side {name}: {line}" for name, wave in names if wave for line in wave.remarks(end)]
        if self.mesh.bed.min(initial=math.inf) >= self.params.level and not (self._surface(self.mesh.centroids) > self.mesh.bed).any():
            said.append("no cell lies below the still level: is the bed given as depths? (positive)")
        return said

    def _surface(self, places: Array) -> Array:
        """The free surface [m] at the start, at ``places`` (cells, 2) [m]."""
        surface: Array = self._start(places[:, 0], places[:, 1], self.params.level, self.params.gravity)[0]
        return surface

    def initial(self) -> Array:
        p, cells = self.params, self.part.cells
        x, y = quadrature.places(self.mesh.vertices[self.mesh.triangles[cells]])
        surface, ux, uy = (np.broadcast_to(v, x.size).reshape(x.shape) for v in self._start(x.ravel(), y.ravel(), p.level, p.gravity))
        depth = np.maximum(surface - self.mesh.bed[cells, None], 0.0)
        depth[depth <= p.dry_depth] = 0.0
        return np.stack([quadrature.means(values) for values in (depth, depth * ux, depth * uy)], axis=1)

    def max_dt(self, u: Array) -> float:
        p, g = self.params, self.geometry
        if u is not self._followed or not self.region.holds(u, self.q):
            self.region.reset()
        self._fluxes(u)
        kernels.time_steps(
            self.q, g.inradius, g.rows, self._jumps, *self._lengths, p.gravity, p.dry_depth, self.region.lists.cells, self._limits
        )
        self._boundary_flux()
        self.region.follow(u, self._flux, self._source, self._forced)
        self._followed = u
        limit = float(self._limits.min(initial=np.inf))
        return self._reach * limit if limit > 0.0 else -1.0

    def step(self, t: float, u: Array, dt: float) -> None:
        """Advance one step; `max_dt` was called on the same state before, and has left its fluxes."""
        self.gauges.sample(t, self.q, self._corner_values, self.geometry.corners, self._datum)
        for stage in range(self.stages):
            if stage > 0:
                self._fluxes(u)
            self._boundary(t + self.tableau.c[stage] * dt)
            self._balance(u, dt)
            self._finish_stage(u, stage, dt)

    def _fluxes(self, u: Array) -> None:
        """Reconstruct, and compute the interior edges' fluxes; cells that need no ghost are done while ghosts travel."""
        p, part, lists = self.params, self.part, self.region.lists
        self.comm.begin(u, part.halo)
        kernels.primitives(u, self._bed, p.dry_depth, lists.cells, self.q)
        self._vertices(lists.vertices[: lists.inner_vertices])
        self._reconstruct(lists.sloped[: lists.inner_cells])
        self._edges(lists.edges[: lists.inner_edges])
        self.comm.end()
        kernels.primitives(u, self._bed, p.dry_depth, lists.ghosts, self.q)
        self._vertices(lists.vertices[lists.inner_vertices :])
        self._reconstruct(lists.sloped[lists.inner_cells :])
        self._edges(lists.edges[lists.inner_edges :])

    def _boundary(self, t: float) -> None:
        """Compute the boundary edges' fluxes at time ``t`` [s]."""
        for side, wave in enumerate(self._waves):
            if wave is not None:
                self._wave[self._side == side] = wave(t)
        self._boundary_flux()

    def _boundary_flux(self) -> None:
        p, g = self.params, self.geometry
        kernels.boundary_flux(
            self._faces.reshape(-1, 4),
            g.left_face,
            g.normals,
            g.lengths,
            self._kind,
            self._wave,
            p.level - self._datum,
            p.gravity,
            self.part.interior_edges,
            self.region.lists.boundary,
            self._flux,
        )

    def _vertices(self, vertices: Array) -> None:
        g = self.geometry
        kernels.vertex_values(self.q, g.first_cell, g.cells_of, g.weights, self._film, vertices, self._corner_values)

    def _reconstruct(self, cells: Array) -> None:
        p, g = self.params, self.geometry
        kernels.reconstruct(
            self.q,
            self._corner_values,
            g.corners,
            g.bed_change,
            g.neighbours,
            g.offsets,
            g.reach,
            g.sharpness,
            p.gravity,
            p.order,
            self._film,
            cells,
            self._faces,
            self._source,
        )

    def _edges(self, edges: Array) -> None:
        g = self.geometry
        kernels.edge_flux(
            self._faces.reshape(-1, 4),
            g.left_face,
            g.right_face,
            g.normals,
            g.lengths,
            self.params.gravity,
            self._riemann,
            self._smooth,
            edges,
            self._flux,
            self._jumps,
        )

    def _balance(self, u: Array, dt: float) -> None:
        """No cell pays more water than it has."""
        g = self.geometry
        margin = 64.0 * float(np.finfo(self.real).eps)
        lists = self.region.lists
        if kernels.drain(u, self._flux, g.rows, g.area, margin, dt, lists.near, self._share):
            for edges in (lists.edges, lists.boundary):
                kernels.scale_outflow(self._flux, g.left, g.right, edges, self._share)

    def _finish_stage(self, u: Array, stage: int, dt: float) -> None:
        p, part, g, tableau = self.params, self.part, self.geometry, self.tableau
        kernels.update(
            u,
            self._u_start,
            self._flux,
            self._source,
            g.rows,
            g.area,
            p.gravity,
            *self.drag,
            p.dry_depth,
            tableau.b[stage],
            dt,
            self.region.lists.cells,
        )
        outflow = self._flux[2 * part.interior_edges : 2 * len(part.edges) : 2, 0]
        self.inflow -= tableau.weights[stage] * dt * outflow

    def observe(self, t: float, u: Array) -> None:
        p, g = self.params, self.geometry
        kernels.note_maxima(u, g.bed, self._still, p.dry_depth, p.arrival, t, self.region.lists.cells, self.maxima)

    def finish(self, t: float, u: Array) -> None:
        """Sample the gauges at the run's last time: `step` samples at the start of each step only."""
        self.comm.begin(u, self.part.halo)
        self.comm.end()
        self.region.reset()
        self._followed = None
        kernels.primitives(u, self._bed, self.params.dry_depth, np.arange(len(self.part.cells), dtype=np.int32), self.q)
        self._vertices(self.region.lists.vertices)
        self.gauges.sample(t, self.q, self._corner_values, self.geometry.corners, self._datum)

    def extremes(self) -> dict[str, float | None]:
        """Run-up (highest bed that was dry at first and then wetter than `FLOODED`, above the still level; None where there is
        none), highest free surface, both [m], and greatest speed [m/s]."""
        bed = self.geometry.bed[: self.part.owned]
        land = (bed >= self.params.level) & (self.maxima[:, 2] > FLOODED)
        own = [
            bed[land].max(initial=-np.inf) - self.params.level,
            np.fmax.reduce(self.maxima[:, 0], initial=-np.inf),
            self.maxima[:, 1].max(initial=0.0),
        ]
        runup, highest, fastest = self.comm.max(np.array(own, float)).tolist()
        return {
            "runup": runup if runup > -np.inf else None,
            "highest_surface": highest if highest > -np.inf else None,
            "greatest_speed": fastest,
        }

    def output(self, u: Array) -> dict[str, Array]:
        own = u[: self.part.owned]
        return {
            "free_surface": own[:, 0] + self.geometry.bed[: self.part.owned],
            "depth": own[:, 0],
            "discharge_x": own[:, 1],
            "discharge_y": own[:, 2],
        }

    def save(self, u: Array) -> dict[str, Array]:
        """Data of a restart, by own cells: the state, the maxima, and the inflow by each edge of a cell."""
        inflow = np.zeros(3 * self.part.owned)
        inflow[self._own_face] = self.inflow[self._own_edge]
        return {"state": u[: self.part.owned], "maxima": self.maxima, "inflow": inflow.reshape(-1, 3)}

    def load(self, saved: Mapping[str, Array], dt: float) -> Array:
        """The state (local cells, 3) from the arrays of `save`, whole and in mesh order; ``dt`` [s] is the last step's."""
        own = self.part.cells[: self.part.owned]
        self.maxima[:] = saved["maxima"][own]
        self.inflow[self._own_edge] = saved["inflow"][own].ravel()[self._own_face]
        return np.ascontiguousarray(saved["state"][self.part.cells], dtype=float)

    def from_values(self, values: Array) -> Array:
        """The state (local cells, 3) from ``values`` (cells, 3) in mesh order."""
        return np.ascontiguousarray(values[self.part.cells], dtype=float)

    def to_values(self, u: Array) -> Array:
        """Values (cells, 3) in mesh order, of a state that is all on this rank."""
        values = np.empty((len(self.mesh.triangles), u.shape[1]))
        values[self.part.cells[: self.part.owned]] = u[: self.part.owned]
        return values

    def mass(self, u: Array) -> tuple[float, float]:
        """Volume of water [m3] and volume that came in through the boundary since t = 0, the same bits on any ranks."""
        own = self.part.owned
        volumes = u[:own, 0].astype(np.float64) * self.geometry.area[:own]
        came_in = self.inflow[self._own_edge]
        parts = [whole.sum() for v in (volumes, came_in) for whole in self._multiples(v)]
        coarse, fine, coarse_in, fine_in = (float(part) for part in self.comm.sum(np.array(parts, np.int64)))
        return self._quantum * (coarse + fine * 2.0**-REST_BITS), self._quantum * (coarse_in + fine_in * 2.0**-REST_BITS)

    def _multiples(self, volumes: Array) -> tuple[Array, Array]:
        """``volumes`` as whole multiples of the quantum, and the remainders as multiples of a much smaller quantum."""
        coarse = np.rint(volumes / self._quantum)
        fine = np.rint((volumes - coarse * self._quantum) * (2.0**REST_BITS / self._quantum))
        return coarse.astype(np.int64), fine.astype(np.int64)

    def fault(self, u: Array) -> tuple[int, str, str]:
        bad = np.flatnonzero(~np.isfinite(u[: self.part.owned]).all(axis=1) | (u[: self.part.owned, 0] < 0.0))
        if not len(bad):
            return len(self.mesh.triangles), "place unknown", NOT_FINITE
        cell = int(self.part.cells[bad].min())
        x, y = self.mesh.centroids[cell]
        return cell, f"in cell {cell} at ({x:.6g}, {y:.6g}) m", NOT_FINITE
