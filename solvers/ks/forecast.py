"""Model of a case of solver `ks` whose terms can be changed: forecasts with any terms, on any grid over the case's lengths."""

import functools
import math
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from meshes.core.box import Box
from pipeline.core.errors import InputError
from pipeline.discovery.library import Terms
from pipeline.discovery.model import TermsModel
from pipeline.spectral.grids import seen_at
from pipeline.terms.terms import parse_terms, refuse_jumps
from solvers.core.comm import Serial
from solvers.ks.grids import next_smooth, smooth
from solvers.ks.line import LineIntegrator
from solvers.ks.params import Params
from solvers.ks.plane import PlaneIntegrator, planes
from solvers.ks.spectral import LEAST_POINTS, Dealias, Integrator

Array = np.ndarray[Any, np.dtype[Any]]

KEPT = 32  # integrators in a process, each with the tables and the work of its scheme
FINER = 1.5  # times the points have waves below a third of the finer grid's, which "2/3" keeps


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
            line = _on_line(tuple(terms), self.lengths[0], states.shape[1], step / steps, self.dealias, threading.get_ident())
            return line.advance(states, steps)
        whole = planes(Serial(), states.shape[1:], self.dealias)
        plane = PlaneIntegrator(terms, self.lengths, step / steps, on=whole, scheme="etdrk4")
        state = plane.state_of(states.swapaxes(1, 2))
        plane.run(state, steps)
        return np.ascontiguousarray(plane.values(state).swapaxes(1, 2))


@functools.lru_cache(KEPT)
def _on_line(terms: Terms, length: float, points: int, dt: float, dealias: Dealias, thread: int) -> Integrator | LineIntegrator:
    """The integrator of ``terms`` on a line, with work arrays for ``thread`` alone: a search asks again and again, from other states."""
    on_line = LineIntegrator if any(term.functions for term in terms) else Integrator
    return on_line(terms, length, points, dt, dealias=dealias)


def model_of(mesh: Any, params: Params) -> TermsModel:
    """The model of a case with ``mesh``.

    Raises
    ------
    InputError
        The mesh is no box, or a function of x in the terms does not repeat itself over it.
    """
    if not isinstance(mesh, Box):
        raise InputError(f"solver 'ks' needs a mesh of kind \"box\", not {mesh.kind}")
    terms = parse_terms(params.terms, dimensions=len(mesh.points))
    refuse_jumps(terms, mesh.lengths)
    return TermsModel(
        terms,
        mesh.lengths,
        mesh.points,
        "solver.terms",
        Advance(mesh.lengths, params.dealias),
        Advance(mesh.lengths, params.dealias, whole=True),
    )
