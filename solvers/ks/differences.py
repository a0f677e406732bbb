"""The same equations by finite differences and PETSc's ARKIMEX: a second discretisation, that shares nothing with the first.

Every derivative is a central difference of order 4 in the spacing; linear terms are implicit, products at the points explicit. The mean
is kept to the differences' order, not to the last bit, where products are.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.terms.expressions import grid_places
from pipeline.terms.terms import Term
from solvers.core.petsc import Arkimex

Array = np.ndarray[Any, np.dtype[Any]]

ACCURACY = 4  # order in the spacing


def stencil(derivative: int) -> tuple[Array, Array]:
    """Offsets, in points, and weights, for a spacing of 1, of the central difference of order `ACCURACY`."""
    reach = (derivative + 1) // 2 - 1 + ACCURACY // 2 if derivative else 0
    offsets = np.arange(-reach, reach + 1)
    powers = np.vander(offsets.astype(float), increasing=True).T
    wanted = np.zeros(len(offsets))
    wanted[derivative] = float(np.prod(np.arange(1, derivative + 1)))
    return offsets, np.linalg.solve(powers, wanted)


class Differences:
    """Finite differences in place of `solvers.ks.spectral.Integrator`, for `solvers.ks.model`; a state is (members, 1, N), real."""

    dtype = np.dtype(np.float64)
    stages = 6  # of ARKIMEX 4

    def __init__(self, terms: Sequence[Term], length: float, points: int, dt: float) -> None:
        from scipy import sparse  # loads for long, and other schemes do without

        if any(term.dimensions > 1 for term in terms):
            raise InputError("terms in two dimensions; this line has one")
        self._spacing, self._points = length / points, points
        linear = sparse.csr_matrix((points, points)) + sum(t.coefficient * self._matrix(t.order) for t in terms if t.linear)
        linear = sparse.csr_matrix(linear + sparse.identity(points) - sparse.identity(points))  # a diagonal, be it zero
        self._linear = linear
        self._rest = [term for term in terms if not term.linear]
        used = {(0, 0)}.union(*(term.needed for term in self._rest))
        self._matrices = {derivative: self._matrix(derivative[0]) for derivative in used}
        self._places = grid_places((length,), (points,))
        self._arkimex = Arkimex(linear.indptr, linear.indices, linear.data, self._products, dt)

    def _matrix(self, derivative: int) -> Any:
        from scipy import sparse

        offsets, weights = stencil(derivative)
        rows = np.repeat(np.arange(self._points), len(offsets))
        columns = (np.arange(self._points)[:, None] + offsets).ravel() % self._points
        values = np.tile(weights / self._spacing**derivative, self._points)
        return sparse.csr_matrix((values, (rows, columns)), shape=(self._points, self._points))

    def _products(self, u: Array) -> Array:
        values = {derivative: matrix @ u for derivative, matrix in self._matrices.items()}
        return np.asarray(sum((term.evaluate(values, self._places) for term in self._rest), np.zeros(self._points)))

    def state_of(self, u: Array) -> Array:
        """The state of points ``u`` (members, N)."""
        return np.array(u)[:, None, :]

    def values(self, state: Array) -> Array:
        """Points (members, N) of a state."""
        return state[:, 0]

    def means(self, state: Array) -> Array:
        """The mean (members,) of each member."""
        return np.asarray(state[:, 0].mean(axis=1))

    def balance(self, state: Array) -> Array:
        """The means over the line of u^2, and of u times the linear terms (members, 2)."""
        u = state[:, 0]
        return np.stack([(u * u).mean(axis=1), (u * (self._linear @ u.T).T).mean(axis=1)], axis=1)

    def run(self, state: Array, steps: int) -> None:
        """Advance ``state`` in place, member by member."""
        for member in state:
            member[0] = self._arkimex.advance(member[0], steps)
