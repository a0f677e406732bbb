"""Integrate u_t = sum of terms on a periodic line where a term has a function in it, such as ``cos(2*pi*x/L)*u_x`` or ``sin(u)``.

The same equations, dealiasing and schemes as `solvers.ks.spectral`, with which it agrees to round-off where there is no function, in plain
numpy: functions are values at the points where products are computed. The aliases of a function stay, as do those of products of three.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.spectral.derivatives import factor
from pipeline.spectral.wavenumbers import Dealias, fine, highest, multiplicity, wavenumbers
from pipeline.terms.expressions import grid_places
from pipeline.terms.terms import Term
from solvers.ks import kernels
from solvers.ks.schemes import SCHEMES
from solvers.ks.spectral import check, products
from solvers.ks.steps import STEPS

Array = np.ndarray[Any, np.dtype[Any]]


class LineIntegrator:
    """`solvers.ks.spectral.Integrator` on a line; u is (members, N), a state (members, slots, N / 2 + 1)."""

    dtype = np.dtype(np.complex128)

    def __init__(
        self, terms: Sequence[Term], length: float, points: int, dt: float, *, scheme: str = "etdrk4", dealias: Dealias = "2/3"
    ) -> None:
        check(terms, length, points, dt, scheme, dealias)
        self._length, self._points = float(length), int(points)
        self._step, self._scheme = STEPS[scheme], SCHEMES[scheme]
        self.stages = self._scheme.stages
        self._grid = fine(points, dealias)  # where products are computed
        self._wave = np.arange(points // 2 + 1)
        self._live = self._wave <= highest(points, dealias)
        linear = sum((t.coefficient * self._derivative(t.order) for t in terms if t.linear), np.zeros(len(self._wave), complex))
        with np.errstate(over="ignore", invalid="ignore"):  # a term without bound: the run then says where it blew up
            self._coefficients = np.where(self._live, self._scheme.coefficients(linear, dt), 0.0)
        self._tables = self._scheme.tables(dt)
        twice = multiplicity(self._wave, points) / points**2
        self._weights = np.stack([twice, twice * linear.real])
        self._sums = products([term for term in terms if not term.functions])
        self._functions = [term for term in terms if term.functions]
        self._places = grid_places((length,), (self._grid,))
        orders = {d[0] for term in self._functions for d in term.needed} | set(self._sums.derivatives)
        self._factors = {order: self._derivative(order) for order in sorted(orders)}

    def _derivative(self, order: int) -> Array:
        """(i k)^order where wavenumbers are kept, else 0; of odd derivatives the highest wavenumber has none."""
        found = factor(wavenumbers(self._wave, self._length), order, 2 * self._wave == self._points)
        return np.where(self._live, found, 0.0)

    def state_of(self, u: Array) -> Array:
        """The state of points ``u`` (members, N): their spectra, and no history."""
        state = np.full((len(u), self._scheme.slots, len(self._wave)), np.nan, complex)
        state[:, 0] = np.fft.rfft(u, axis=1) * self._live
        return state

    def values(self, state: Array) -> Array:
        """Points (members, N) of a state."""
        return np.asarray(np.fft.irfft(state[:, 0], self._points, axis=1))

    def means(self, state: Array) -> Array:
        """The mean (members,) of each member."""
        return np.asarray(state[:, 0, 0].real / self._points)

    def balance(self, state: Array) -> Array:
        """The means over the line of u^2, and of u times the linear terms (members, 2)."""
        sums = np.empty((len(state), 2))
        kernels.balance(state, self._weights, sums)
        return sums

    def advance(self, u: Array, steps: int) -> Array:
        """``u`` (members, N) after ``steps`` steps."""
        state = self.state_of(u)
        self.run(state, steps)
        return self.values(state)

    def run(self, state: Array, steps: int) -> None:
        """Advance ``state`` in place; a member has the same bits alone and beside others."""
        v, before = state[:, 0], state[:, -1]
        for _ in range(steps):
            self._step(v, before, self._coefficients, self._products, *self._tables)

    def _products(self, v: Array) -> Array:
        """The spectra (members, N / 2 + 1) of the nonlinear terms at the spectra ``v``."""
        values = {order: self._at_points(factor * v) for order, factor in self._factors.items()}
        by_order = {(order, 0): found for order, found in values.items()}
        found = np.zeros(v.shape, complex)
        found[:, 0] = self._sums.constant * self._points
        if self._functions:
            found += self._spectra(sum(term.evaluate(by_order, self._places) for term in self._functions))
        for taken, some in self._sums.sums:
            total = sum(c * np.prod([values[self._sums.derivatives[d]] for d in factors], axis=0) for c, factors in some)
            found += self._spectra(total) * self._derivative(taken)
        return found

    def _at_points(self, v: Array) -> Array:
        return np.asarray(np.fft.irfft(v, self._grid, axis=1)) * (self._grid / self._points)

    def _spectra(self, values: Any) -> Array:
        spectra = np.fft.rfft(np.broadcast_to(values, (*np.shape(values)[:-1], self._grid)), axis=-1)[..., : len(self._wave)]
        return np.asarray(spectra * (self._points / self._grid) * self._live)
