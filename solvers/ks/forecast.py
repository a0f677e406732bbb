"""What stage `discover` needs of a case of solver `ks`: forecasts of given states with any terms, on any grid over the case's lengths."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from meshes.core.box import Box
from pipeline.discovery.library import Terms
from pipeline.discovery.model import Model
from pipeline.errors import InputError
from pipeline.terms import parse_terms
from solvers.core.comm import Serial
from solvers.ks import Params
from solvers.ks.plane import PlaneIntegrator, planes
from solvers.ks.spectral import Dealias, Integrator

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Advance:
    """ETDRK4 with the case's dealiasing, whatever the case's scheme: what differs is then the terms' doing."""

    lengths: tuple[float, ...]  # x first
    dealias: Dealias

    def __call__(self, terms: Terms, states: Array, step: float, steps: int) -> Array:
        """``states`` (S, points by x[, by y]) a ``step`` later, in ``steps`` time steps."""
        if len(self.lengths) == 1:
            line = Integrator(terms, self.lengths[0], states.shape[1], step / steps, dealias=self.dealias)
            return line.advance(states, steps)
        whole = planes(Serial(), states.shape[1:], self.dealias)
        plane = PlaneIntegrator(terms, self.lengths, step / steps, on=whole, scheme="etdrk4")
        state = plane.state_of(states.swapaxes(1, 2))
        plane.run(state, steps)
        return np.ascontiguousarray(plane.values(state).swapaxes(1, 2))


def model_of(mesh: Any, params: Params) -> Model:
    """The model of a case with ``mesh``.

    Raises
    ------
    InputError
        The mesh is no box.
    """
    if not isinstance(mesh, Box):
        raise InputError(f"solver 'ks' needs a mesh of kind \"box\", not {mesh.kind}")
    terms = parse_terms(params.terms, dimensions=len(mesh.points))
    return Model(terms, mesh.lengths, mesh.points, "solver.terms", Advance(mesh.lengths, params.dealias))
