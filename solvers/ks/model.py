"""An ensemble of the Kuramoto-Sivashinsky solver: whole members on each rank, or on a plane with fewer members a slab of each.

`Advance` makes forecasts of given states with any terms, on any grid over the case's lengths, for stages that change a case's terms.
"""

import functools
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.params import choose
from pipeline.discovery.model import TermsModel
from pipeline.spectral.grids import seen_at
from pipeline.store.layout import Field
from pipeline.terms.terms import Terms
from solvers.core.blocks import block_bounds
from solvers.core.comm import Comm, Serial
from solvers.core.model import NOT_FINITE, Model
from solvers.core.writers import Rows
from solvers.ks import initial
from solvers.ks.differences import Differences
from solvers.ks.grids import next_smooth, smooth
from solvers.ks.growth import Growth
from solvers.ks.line import LineIntegrator
from solvers.ks.params import Params, stored
from solvers.ks.plane import PlaneIntegrator, planes
from solvers.ks.spectral import LEAST_POINTS, Dealias, Integrator

Array = np.ndarray[Any, np.dtype[Any]]

Integrating = Integrator | LineIntegrator | PlaneIntegrator | Differences

FIELDS = (Field("u", "1", "u of each member"),)
KEPT = 32  # integrators of forecasts in a process, each with the tables and the work of its scheme
FINER = 1.5  # times the points have waves below a third of the finer grid's, which "2/3" keeps
MOST_STEPS_KEPT = 4  # lengths of steps whose integrators are kept: a run has one, and perhaps another for a last, shorter interval


class Ensemble(Model):
    """See `solvers.core.model.Model`. The state is this rank's members, or its slabs of them, as the integrator holds them.

    Raises
    ------
    InputError
        The mesh is no box, it has a number of points that the scheme can't take, a function of x in the terms does not repeat itself
        over it, there are more ranks than members of a line or lines of a plane, or gauges.
    """

    fields = FIELDS

    def __init__(self, mesh: Any, part: None, comm: Comm, params: Params, *, gauges: Mapping[str, tuple[float, ...]], folder: Path) -> None:
        stored(params, mesh.kind)
        if gauges:
            raise InputError("solver 'ks' has no gauges: its fields hold every point")
        plane, few = len(mesh.points) > 1, comm.size > params.members
        self._few = few  # members of a plane in slabs
        if few and not plane:
            raise InputError(f"too many ranks for the members: {comm.size} ranks, {params.members} members")
        self.mesh, self.comm, self.params = mesh, comm, params
        self.terms = params.equation(mesh.lengths)
        self.shape = (params.members, *mesh.dofs)
        self._members = np.arange(*((0, params.members) if few else block_bounds(comm.rank, comm.size, params.members)))
        self._planes = planes(comm if few else Serial(), mesh.points, params.dealias) if plane else None
        self.rows = self._saved = Rows(self._members, params.members)
        if few and self._planes:
            whole = self._planes.points
            self.rows = Rows(np.arange(mesh.points[1])[whole.rows], mesh.points[1], axis=1)
            self._saved = Rows(np.arange(mesh.points[0] // 2 + 1)[whole.waves], mesh.points[0] // 2 + 1, axis=3)
        self.saved_rows = self._saved
        self._start = choose(initial.__name__, params.initial, "solver.initial")
        dealias = "none" if params.scheme == "arkimex" else params.dealias
        initial.refuse_unseen(self._start, mesh.points, dealias)
        self._integrators: dict[float, Integrating] = {}
        self._dt = np.nan  # of the last step
        self._growth, self._since = _growth(self.terms), math.nan  # time since the growth was looked at; nan: it was not
        self._largest = 0.0
        self._integrator = self._for(1.0)
        self.stages = self._integrator.stages

    def _for(self, dt: float) -> Integrating:
        """The integrator with steps of ``dt``."""
        if dt not in self._integrators:
            if len(self._integrators) >= MOST_STEPS_KEPT:
                self._integrators.clear()
            self._integrators[dt] = self._made(dt)
        return self._integrators[dt]

    def _made(self, dt: float) -> Integrating:
        length, points, p = self.mesh.lengths[0], self.mesh.points[0], self.params
        if self._planes:
            return PlaneIntegrator(self.terms, self.mesh.lengths, dt, on=self._planes, scheme=p.scheme)
        if p.scheme == "arkimex":
            return Differences(self.terms, length, points, dt)
        return _on_line(self.terms, length, points, dt, scheme=p.scheme, dealias=p.dealias)

    def initial(self) -> Array:
        u = initial.states(self._start, self.mesh.dofs, self.params.seed, self._members)
        self._since = math.nan
        return self._integrator.state_of(u[:, self._planes.points.rows] if self._planes else u)

    def max_dt(self, u: Array) -> float:
        sums = self._sums(u)
        if math.isnan(self._since):
            self._growth.begin(sums)
        fits = self._growth.holds(sums, 0.0 if math.isnan(self._since) else self._since)
        self._since = 0.0
        return np.inf if fits else -1.0

    def _sums(self, u: Array) -> Array:
        """Sums for `Growth` over the own members; of members in slabs, which are on all ranks, the sums in rank order. Collective."""
        sums = self._integrator.balance(u)
        return np.asarray(sum(self.comm.gather(sums))) if self._few else sums

    def step(self, t: float, u: Array, dt: float) -> None:
        if dt != self._dt:
            u[:, 1:] = np.nan  # what a multistep scheme remembers holds for one length of step
            self._dt = dt
        self._for(dt).run(u, 1)
        self._since += dt

    def finish(self, t: float, u: Array) -> None:
        self._largest = float(np.abs(self._integrator.values(u)).max())

    def output(self, u: Array) -> dict[str, Array]:
        return {"u": self._integrator.values(u)}

    def save(self, u: Array) -> dict[str, Array]:
        """Data of a restart, by own members or waves: the state as pairs of real numbers."""
        return {"state": np.ascontiguousarray(u).view(np.float64).reshape(*u.shape, -1)}

    def load(self, saved: Mapping[str, Array], dt: float) -> Array:
        """The state from the arrays of `save`, whole; ``dt`` is the last step's: a multistep scheme's memory holds for it."""
        self._dt = dt
        self._growth.begin(self._sums(self.initial()))
        self._since = 0.0  # what the state had grown by was allowed
        own = saved["state"].take(self._saved.own, axis=self._saved.axis)
        return np.ascontiguousarray(own).view(self._integrator.dtype)[..., 0]

    def from_values(self, values: Array) -> Array:
        """The state of one member from ``values`` (points, 1)."""
        self._since = math.nan
        return self._integrator.state_of(np.ascontiguousarray(values[:, 0]).reshape(1, *self.mesh.dofs))

    def to_values(self, u: Array) -> Array:
        """Values (points, 1) of a state of one member."""
        return self._integrator.values(u).reshape(-1, 1)

    def mass(self, u: Array) -> tuple[float, float]:
        """Greatest absolute mean of a member, and nothing that came in."""
        return float(self.comm.max(np.array([np.abs(self._integrator.means(u)).max(initial=0.0)]))[0]), 0.0

    def extremes(self) -> dict[str, float | None]:
        """Greatest absolute value of u at the end."""
        return {"largest_value": float(self.comm.max(np.array([self._largest]))[0])}

    def fault(self, u: Array) -> tuple[int, str, str]:
        bad = np.flatnonzero(~np.isfinite(u[:, 0].reshape(len(u), -1)).all(axis=1))
        if len(bad):
            return int(self._members[bad[0]]), f"in member {self._members[bad[0]]}", NOT_FINITE
        first = self._growth.first()
        if first is None:
            return self.shape[0], "member unknown", NOT_FINITE
        member = int(self._members[first[0]])
        what = f"root mean square of u {first[1]:.3g} times what its equation lets it be (the step is too large)"
        return member, f"in member {member}", what


def _growth(terms: Terms) -> Growth:
    """The growth that the ``terms`` allow."""
    return Growth(
        feeds=any(term.feeds for term in terms if term.factors and not term.linear),
        constant=sum(term.coefficient for term in terms if not term.factors),
        functions=sum(abs(term.coefficient) for term in terms if term.functions),
    )


def _on_line(terms: Terms, length: float, points: int, dt: float, *, scheme: str, dealias: Dealias) -> Integrator | LineIntegrator:
    """The integrator of ``terms`` on a line by a spectral scheme."""
    kind = LineIntegrator if any(term.functions for term in terms) else Integrator
    return kind(terms, length, points, dt, scheme=scheme, dealias=dealias)


@dataclass(frozen=True, slots=True)
class Advance:
    """ETDRK4 with the case's dealiasing, whatever the case's scheme: differences are then the terms' doing."""

    lengths: tuple[float, ...]  # x first
    dealias: Dealias
    whole: bool = False  # always on a grid on which dealiasing drops no wave of the states

    def __call__(self, terms: Terms, states: Array, step: float, steps: int) -> Array:
        """``states`` (S, points by x[, by y]) a ``step`` later, in ``steps`` time steps.

        Where no integrator takes so many points, or with ``whole``, their Fourier series goes to a grid so fine that
        dealiasing drops none of its waves, and the result is seen at their points.
        """
        points = states.shape[1:]
        grid = tuple(count if self._takes(count) else next_smooth(max(math.ceil(FINER * count), LEAST_POINTS), 4) for count in points)
        return seen_at(self._advance(terms, seen_at(states, grid), step, steps), points)

    def _takes(self, count: int) -> bool:
        if self.whole:
            return False
        multiple = 4 if self.dealias == "3/2" else 2
        return count % multiple == 0 and (len(self.lengths) > 1 or (count >= LEAST_POINTS and smooth(count)))

    def _advance(self, terms: Terms, states: Array, step: float, steps: int) -> Array:
        if len(self.lengths) == 1:
            line = _kept(tuple(terms), self.lengths[0], states.shape[1], step / steps, self.dealias, threading.get_ident())
            return line.advance(states, steps)
        whole = planes(Serial(), states.shape[1:], self.dealias)
        plane = PlaneIntegrator(terms, self.lengths, step / steps, on=whole, scheme="etdrk4")
        state = plane.state_of(states.swapaxes(1, 2))
        plane.run(state, steps)
        return np.ascontiguousarray(plane.values(state).swapaxes(1, 2))


@functools.lru_cache(KEPT)
def _kept(terms: Terms, length: float, points: int, dt: float, dealias: Dealias, thread: int) -> Integrator | LineIntegrator:
    """An integrator with work arrays for ``thread`` alone: a search asks again and again, from other states."""
    return _on_line(terms, length, points, dt, scheme="etdrk4", dealias=dealias)


def model_of(mesh: Any, params: Params) -> TermsModel:
    """The model of a case with ``mesh``, whose terms can be changed.

    Raises
    ------
    InputError
        The mesh is no box, or a function of x in the terms does not repeat itself over it.
    """
    stored(params, mesh.kind)
    whole = Advance(mesh.lengths, params.dealias, whole=True)
    return TermsModel(
        params.equation(mesh.lengths), mesh.lengths, mesh.points, "solver.terms", Advance(mesh.lengths, params.dealias), whole
    )
