"""The tsunami solver on one rank's part of a mesh: the order in which the parts of a step run, and the records as it goes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core import quadrature
from meshes.core.chart import along_east
from meshes.core.part import Part
from meshes.core.trimesh import TriMesh
from pipeline.core.errors import InputError
from pipeline.core.params import choose
from pipeline.store.layout import UPLIFT, Field
from solvers.core.comm import Comm
from solvers.core.exact_sums import exact_sums, quantum
from solvers.core.model import NOT_FINITE, Model
from solvers.core.writers import Rows
from solvers.tsunami import initial
from solvers.tsunami.energy import EnergySeries
from solvers.tsunami.finite_volumes import FiniteVolumes
from solvers.tsunami.further_maxima import fields_of
from solvers.tsunami.gauges import GAUGES, Gauges
from solvers.tsunami.local import LocalStepping
from solvers.tsunami.moving_bed import MovingBed
from solvers.tsunami.params import Params
from solvers.tsunami.region import Region

Array = np.ndarray[Any, np.dtype[Any]]

FIELDS = (
    Field("free_surface", "m", "height of the free surface; of the bed where it is dry"),
    Field("depth", "m", "depth of the water"),
    Field("discharge_x", "m2 s-1", "discharge per unit width, eastward"),
    Field("discharge_y", "m2 s-1", "discharge per unit width, northward"),
)
MOVED = Field(UPLIFT, "m", "height of the bed above that before the sources")
MAXIMA = (
    Field("free_surface", "m", "greatest height of the free surface; nan where it was never wet"),
    Field("speed", "m s-1", "greatest speed"),
    Field("depth", "m", "greatest depth"),
    Field("arrival", "s", "time at which the free surface first left its still level; nan where it did not"),
)
FLOODED = 1e-3  # [m] of water that counts as a flood


class Tsunami(Model):
    """See `solvers.core.model.Model`. ``self.u`` is never kept: the state belongs to the driver.

    The state is double in single precision too, which computes fluxes and keeps heights from the still level: a change of depth by a step
    is far below the round-off of a deep sea's single-precision depth.

    Raises
    ------
    InputError
        A side of the mesh or a kind that does not exist, a gauge or a source outside the mesh, or a source wholly on land.
    """

    gauge_fields = GAUGES
    maxima_fields: Sequence[Field] = MAXIMA
    conservation_is_relative = True  # to the water at the start

    def __init__(
        self, mesh: TriMesh, part: Part, comm: Comm, params: Params, *, gauges: Mapping[str, tuple[float, ...]], folder: Path
    ) -> None:
        self.moving = MovingBed(mesh, part, comm, params, folder) if params.source else None
        if self.moving:
            params, self.breaks = self.moving.params, self.moving.breaks
        self.mesh, self.part, self.comm, self.params = mesh, part, comm, params
        self.real = np.dtype(params.precision)
        self.shape = mesh.dofs
        self.rows = self.saved_rows = Rows(part.cells[: part.owned], mesh.dofs[0])
        lost = self.real == np.float32 and params.level != 0.0  # a wave's height in the digits of a level's
        self.fields = tuple(replace(f, double=True) if lost and f.name == "free_surface" else f for f in FIELDS)
        depth = float(params.level - mesh.bed.min(initial=np.inf))
        if depth > params.deepest:
            where = mesh.said(mesh.centroids[int(np.argmin(mesh.bed))])
            raise InputError(
                f"the still water is up to {depth:g} m deep, at {where}, more than solver.deepest = {params.deepest:g} m: "
                "mend the bed or the level, or raise it"
            )
        self._start: initial.InitialSea = choose(initial.__name__, params.initial, "solver.initial")
        if mesh.chart:
            self._start = initial.on_sphere(params.initial.kind, self._start, mesh.chart)
        self.fields += (MOVED,) if self.moving else ()
        self._bed = self.moving.start if self.moving else mesh.bed[part.cells]  # before any source
        self._eastward = mesh.chart.eastward(mesh.centroids) if mesh.chart else None  # (T, 2) on the map; None: along x
        self.scheme = FiniteVolumes(mesh, part, params, folder, self.moving)
        self.stages = self.scheme.tableau.stages
        self.maxima = self.scheme.maxima
        self.maxima_fields = (*MAXIMA, *fields_of(params.maxima))
        self.gauges = Gauges(mesh, part, comm, gauges)
        self.region = Region(part, self.scheme.geometry, comm, self.stages)
        self._local = LocalStepping(self.scheme, comm, self.gauges) if params.time_steps == "local" else None
        self._followed: Array | None = None  # the state whose changes the region follows,
        self._followed_at = 0.0  # [s] when it was seen
        deepest = max(float(params.level - mesh.bed.min()), 0.0) + 1.0
        self._quantum = quantum(float(mesh.areas.sum()) * deepest * 16.0)
        self.statistics = EnergySeries(comm, len(mesh.triangles), params.energy_every) if params.energy_every else None

    @property
    def updates(self) -> int:  # type: ignore[override]  # the scheme's own, where the base has an attribute
        return self.scheme.updates

    @property
    def steps_inside(self) -> float:  # type: ignore[override]  # of the levels now, where the base has an attribute
        return self._local.steps_inside() if self._local else 1.0

    @property
    def drag(self) -> tuple[float, float, float]:
        """Coefficients of bottom friction, as `solvers.tsunami.kernels.update` takes them."""
        return self.scheme.drag

    @drag.setter
    def drag(self, drag: tuple[float, float, float]) -> None:
        self.scheme.drag = drag

    def remarks(self, end: float) -> list[str]:
        """Lines to be said of the water of a run to ``end`` [s]; `InputError` where nothing of an incident series enters."""
        said = self.scheme.outside.remarks(end)
        if self.mesh.bed.min(initial=math.inf) >= self.params.level and not (self._surface(self.mesh.centroids) > self.mesh.bed).any():
            said.append("no cell lies below the still level: is the bed given as depths? (positive)")
        return said

    def _surface(self, places: Array) -> Array:
        """The free surface [m] at the start, at ``places`` (cells, 2) [m]."""
        surface: Array = self._start(places[:, 0], places[:, 1], self.params.level, self.params.wave_gravity)[0]
        return surface

    def initial(self) -> Array:
        p, cells = self.params, self.part.cells
        x, y = quadrature.places(self.mesh.vertices[self.mesh.triangles[cells]])
        surface, ux, uy = (np.broadcast_to(v, x.size).reshape(x.shape) for v in self._start(x.ravel(), y.ravel(), p.level, p.wave_gravity))
        depth = np.maximum(surface - self._bed[:, None], 0.0)
        depth[depth <= p.dry_depth] = 0.0
        return np.stack([quadrature.means(values) for values in (depth, depth * ux, depth * uy)], axis=1)

    def max_dt(self, u: Array) -> float:
        scheme = self.scheme
        if u is not self._followed or self.t < self._followed_at or not self.region.holds(u, scheme.q):
            self.region.reset()
        scheme.at_time(self.t)
        self._fluxes(u)
        scheme.limit_steps(self.region.lists.cells)
        scheme.through_boundary(self.region.lists.boundary)
        limit = self._local.max_dt() if self._local else float(scheme.limits.min(initial=np.inf))
        forced = scheme.outside.forced
        if self.moving and self.moving.still_moves(self.t):
            forced = forced | self.moving.moved
        self.region.follow(u, scheme.flux, scheme.source, forced, self._local.levels if self._local else None)
        self._followed, self._followed_at = u, self.t
        return limit if limit > 0.0 else -1.0

    def step(self, t: float, u: Array, dt: float) -> None:
        """Advance one step; `max_dt` was called on the same state before, and has left its fluxes."""
        scheme, lists = self.scheme, self.region.lists
        self._note_energy(t, u)
        if self._local:
            self._local.step(t, u, dt, self.cfl, self.region.left_out)
            return
        self._sample(t)
        for stage in range(self.stages):
            if stage > 0:
                scheme.at_time(t + scheme.tableau.c[stage] * dt)
                self._fluxes(u)
            scheme.at_boundary(t + scheme.tableau.c[stage] * dt, lists.boundary)
            scheme.balance(u, dt, lists.near, (lists.edges, lists.boundary))
            scheme.finish(u, stage, dt, lists.cells, lists.boundary)

    def _fluxes(self, u: Array) -> None:
        """Reconstruct, and compute the interior edges' fluxes; cells that need no ghost are done while ghosts travel."""
        scheme, lists = self.scheme, self.region.lists
        self.comm.begin(u, self.part.halo)
        scheme.primitives(u, lists.cells)
        scheme.at_vertices(lists.vertices[: lists.inner_vertices])
        scheme.reconstruct(lists.sloped[: lists.inner_cells])
        scheme.through_edges(lists.edges[: lists.inner_edges])
        self.comm.end()
        scheme.primitives(u, lists.ghosts)
        scheme.at_vertices(lists.vertices[lists.inner_vertices :])
        scheme.reconstruct(lists.sloped[lists.inner_cells :])
        scheme.through_edges(lists.edges[lists.inner_edges :])

    def _sample(self, t: float) -> None:
        scheme = self.scheme
        self.gauges.sample(t, scheme.q, scheme.corner_values, scheme.geometry.corners, scheme.datum)

    def _note_energy(self, t: float, u: Array) -> None:
        """Add a sample of the energy where one is due; the scheme has the bed of time ``t`` [s]."""
        if self.statistics:
            p, g, own = self.params, self.scheme.geometry, slice(self.part.owned)
            self.statistics.note(t, u[own], g.bed[own] - p.level, g.area[own], p.wave_gravity, p.dry_depth)

    def observe(self, t: float, u: Array) -> None:
        self.scheme.observe(t, u, self.region.lists.cells)

    def finish(self, t: float, u: Array) -> None:
        """Sample gauges and energy at the run's last time: `step` samples at the start of each step only."""
        self.comm.begin(u, self.part.halo)
        self.comm.end()
        self.region.reset()
        self._followed = None
        self.scheme.at_time(t)
        lists = self.region.lists
        for cells in (lists.cells, lists.ghosts):
            self.scheme.primitives(u, cells)
        self.scheme.at_vertices(lists.vertices)
        self._sample(t)
        self._note_energy(t, u)

    def extremes(self) -> dict[str, float | None]:
        """Run-up (highest bed that was dry at first and then wetter than `FLOODED`, above the still level; None where there is
        none), highest free surface, both [m], and greatest speed [m/s]. A bed that has moved counts as high as it is at the end."""
        own = slice(self.part.owned)
        bed = self.scheme.geometry.bed[own]
        land = (self._bed[own] >= self.params.level) & (self.maxima[:, 2] > FLOODED)
        found = [
            bed[land].max(initial=-np.inf) - self.params.level,
            np.fmax.reduce(self.maxima[:, 0], initial=-np.inf),
            self.maxima[:, 1].max(initial=0.0),
        ]
        runup, highest, fastest = self.comm.max(np.array(found, float)).tolist()
        return {
            "runup": runup if runup > -np.inf else None,
            "highest_surface": highest if highest > -np.inf else None,
            "greatest_speed": fastest,
        }

    def output(self, u: Array) -> dict[str, Array]:
        own = self._turned(u[: self.part.owned], self.part.cells[: self.part.owned])
        found = {
            "free_surface": own[:, 0] + self.scheme.geometry.bed[: self.part.owned],
            "depth": own[:, 0],
            "discharge_x": own[:, 1],
            "discharge_y": own[:, 2],
        }
        return found | ({UPLIFT: self.moving.uplift[: self.part.owned]} if self.moving else {})

    def _turned(self, u: Array, cells: Array, *, back: bool = False) -> Array:
        """The state ``u`` (N, 3) of ``cells`` (N,) with discharges eastward and northward, from those along the map's axes; or ``back``."""
        if self._eastward is None:
            return u
        turned = u.copy()
        turned[:, 1:] = along_east(u[:, 1:], self._eastward[cells] * [1.0, -1.0 if back else 1.0])
        return turned

    def save(self, u: Array) -> dict[str, Array]:
        """Data of a restart, by own cells: the state, the maxima, and the inflow by each edge of a cell."""
        return {"state": u[: self.part.owned], "maxima": self.maxima, "inflow": self.scheme.outside.saved(self.part.owned)}

    def common(self) -> dict[str, Array]:
        """Other data of a restart, the same on all ranks: which sample of the energy is next."""
        return {"energy_samples": np.array(self.statistics.next)} if self.statistics else {}

    def load(self, saved: Mapping[str, Array], dt: float) -> Array:
        """The state (local cells, 3) from the arrays of `save`, whole and in mesh order; ``dt`` [s] is the last step's."""
        own = self.part.cells[: self.part.owned]
        self.maxima[:] = saved["maxima"][own]
        self.scheme.outside.load(saved["inflow"][own])
        if self.statistics:
            self.statistics.next = int(saved["energy_samples"])
        return np.ascontiguousarray(saved["state"][self.part.cells], dtype=float)

    def from_values(self, values: Array) -> Array:
        """The state (local cells, 3) from ``values`` (cells, 3) in mesh order, discharges eastward and northward."""
        return self._turned(np.ascontiguousarray(values[self.part.cells], dtype=float), self.part.cells, back=True)

    def to_values(self, u: Array) -> Array:
        """Values (cells, 3) in mesh order, of a state that is all on this rank; discharges eastward and northward."""
        values, own = np.empty((len(self.mesh.triangles), u.shape[1])), self.part.cells[: self.part.owned]
        values[own] = self._turned(u[: self.part.owned], own)
        return values

    def mass(self, u: Array) -> tuple[float, float]:
        """Volume of water [m3] and volume that came in through the boundary since t = 0, the same bits on any ranks."""
        own = self.part.owned
        volumes = u[:own, 0].astype(np.float64) * self.scheme.geometry.area[:own]
        outside = self.scheme.outside
        came_in = outside.inflow[outside.own]
        volume, entered = exact_sums(self.comm, (volumes, came_in), [self._quantum] * 2)
        return volume, entered

    def fault(self, u: Array) -> tuple[int, str, str]:
        bad = np.flatnonzero(~np.isfinite(u[: self.part.owned]).all(axis=1) | (u[: self.part.owned, 0] < 0.0))
        if not len(bad):
            return len(self.mesh.triangles), "place unknown", NOT_FINITE
        cell = int(self.part.cells[bad].min())
        return cell, f"in cell {cell} at {self.mesh.said(self.mesh.centroids[cell])}", NOT_FINITE
