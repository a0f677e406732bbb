"""Integrate u_t = sum of terms on a periodic plane: Fourier, as `solvers.ks.spectral`, on one process or in slabs across ranks.

    u_t = -u_xx - u_yy - u_xxxx - 2 u_xxyy - u_yyyy - |grad u|^2 / 2

is the Kuramoto-Sivashinsky equation there: ``terms = ["-u_xx - u_yy", "-u_xxxx - 2*u_xxyy - u_yyyy", "-0.5*(u_x^2 + u_y^2)"]``.

Dealiasing "2/3" keeps wavenumbers below a third of the points along each axis, "3/2" computes products on half as many points again,
"none" leaves aliases.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.plugin import nearest
from pipeline.spectral.derivatives import factor
from pipeline.spectral.wavenumbers import Dealias, highest, multiplicity, wavenumbers, whole
from pipeline.terms.expressions import Places, places
from pipeline.terms.terms import Derivative, Term
from solvers.core.comm import Comm
from solvers.core.fft import Plane, plane
from solvers.ks import kernels
from solvers.ks.schemes import SCHEMES
from solvers.ks.steps import STEPS

Array = np.ndarray[Any, np.dtype[Any]]

DEALIASING: tuple[Dealias, ...] = ("none", "2/3", "3/2")


@dataclass(frozen=True, slots=True)
class Planes:
    """Transforms at the mesh's own points, and at the points where products are computed."""

    counts: tuple[int, ...]  # (2,) points along x, y
    dealias: Dealias
    points: Plane
    products: Plane


def planes(comm: Comm, points: tuple[int, ...], dealias: Dealias) -> Planes:
    """The transforms that a `PlaneIntegrator` needs: whole where ``comm`` has one rank, else cut. Collective.

    Raises
    ------
    InputError
        A number of points or a dealiasing that there is not, or too many ranks for the points.
    """
    if dealias not in DEALIASING:
        raise InputError(f"no dealias {dealias!r}{nearest(dealias, DEALIASING)}; there are: {', '.join(DEALIASING)}")
    multiple = 4 if dealias == "3/2" else 2
    if any(count % multiple for count in points):
        raise InputError(f"points = {list(points)}; they must be {'even' if multiple == 2 else 'multiples of 4'}")
    shape = (points[1], points[0])
    whole = plane(comm, shape)
    return Planes(tuple(points), dealias, whole, plane(comm, shape, 1.5) if dealias == "3/2" else whole)


class PlaneIntegrator:
    """`solvers.ks.spectral.Integrator` in a plane; u is (members, own rows, nx), a state (members, slots, ny, own waves along x).

    Parameters
    ----------
    lengths
        (2,) period along x, y.
    on
        The transforms, from `planes`.
    scheme
        "etdrk4", "ars443" or "cnab2".

    Raises
    ------
    InputError
        A scheme that there is not on a plane.
    """

    dtype = np.dtype(np.complex128)

    def __init__(self, terms: Sequence[Term], lengths: tuple[float, ...], dt: float, *, on: Planes, scheme: str) -> None:
        if scheme not in STEPS:
            raise InputError(f"no scheme {scheme!r} on a plane{nearest(scheme, tuple(STEPS))}; there are: {', '.join(STEPS)}")
        points = on.counts
        self._on = on
        self._step, self._scheme = STEPS[scheme], SCHEMES[scheme]
        self.stages = self._scheme.stages
        numbers = whole(points[0], half=True)[on.points.waves], whole(points[1])
        kept_x, kept_y = (np.abs(number) <= highest(count, on.dealias) for number, count in zip(numbers, points, strict=True))
        self._kept = kept_y[:, None] & kept_x
        waves = [wavenumbers(number, length) for length, number in zip(lengths, numbers, strict=True)]
        tops = [2 * np.abs(number) == count for number, count in zip(numbers, points, strict=True)]
        self._axes = list(zip(waves, tops, strict=True))
        self._mirrored = np.flatnonzero((numbers[0] == 0) | tops[0])  # columns that hold a wave and its mirror image
        linear = np.zeros(self._kept.shape, complex)
        for term in terms:
            if term.linear:
                linear += term.coefficient * self._derivative(term.derivatives[0][0])
        twice = multiplicity(numbers[0], points[0]) * self._kept
        self._weights = np.stack([twice, twice * linear.real]).reshape(2, -1)
        self._rest = [term for term in terms if term.factors and not term.linear]
        self._constant = np.where((numbers[0] == 0) & (numbers[1] == 0)[:, None], sum(t.coefficient for t in terms if not t.factors), 0.0)
        self._factors = {d: self._derivative(d) for d in sorted(set().union(*(term.needed for term in self._rest)))}
        self._places = self._products_at(lengths)
        with np.errstate(over="ignore", invalid="ignore"):  # a term without bound: the run then says where it blew up
            found = self._scheme.coefficients(linear.ravel(), dt)
        self._coefficients = np.where(self._kept, found.reshape(-1, *linear.shape), 0.0)
        self._tables = self._scheme.tables(dt)

    def _products_at(self, lengths: tuple[float, ...]) -> Places:
        """Values of names in terms at the points (own rows, columns) of the products."""
        finer = 1.5 if self._on.dealias == "3/2" else 1.0
        x, y = (length / (finer * count) * np.arange(round(finer * count)) for length, count in zip(lengths, self._on.counts, strict=True))
        return places(lengths, (x, y[self._on.products.rows, None]))

    def _derivative(self, derivative: Derivative) -> Array:
        """(i kx)^a (i ky)^b where waves are kept, else 0; of odd derivatives the highest wave has none."""
        factors = [factor(k, order, top) for (k, top), order in zip(self._axes, derivative, strict=True)]
        return np.where(self._kept, factors[1][:, None] * factors[0], 0.0)

    def state_of(self, u: Array) -> Array:
        """The state of points ``u`` (members, own rows, nx): their spectra, and no history. Collective."""
        state = np.full((len(u), self._scheme.slots, *self._kept.shape), np.nan, complex)
        for member, points in zip(state, u, strict=True):
            member[0] = self._on.points.forward(points) * self._kept
            self._mirror(member[0])
        return state

    def values(self, state: Array) -> Array:
        """Points (members, own rows, nx) of a state. Collective."""
        return np.stack([self._on.points.backward(member[0]) for member in state])

    def means(self, state: Array) -> Array:
        """The mean of each member (members,), on the rank that has it; (0,) on the others."""
        return np.asarray(state[:, 0, 0, 0].real) if self._on.points.waves.start == 0 else np.zeros(0)

    def balance(self, state: Array) -> Array:
        """This rank's part of the means over the plane of u^2, and of u times the linear terms (members, 2)."""
        sums = np.empty((len(state), 2))
        kernels.balance(state.reshape(*state.shape[:2], -1), self._weights, sums)
        return sums

    def run(self, state: Array, steps: int) -> None:
        """Advance ``state`` in place; a member has the same bits alone and beside others. Collective."""
        side = self._on.products.side
        some = state if side == 1 else [state[first : first + side].swapaxes(0, 1) for first in range(0, len(state), side)]
        for members in some:  # (slots, ...): one, or several at once
            for _ in range(steps):
                self._step(members[0], members[-1], self._coefficients, self._products, *self._tables)
                self._mirror(members[0])

    def _mirror(self, v: Array) -> None:
        """Make mirror images conjugate again, in place: no point shows the rest that round-off leaves there, and long waves let it grow."""
        for column in self._mirrored:
            wave = v[..., column]
            wave[:] = 0.5 * (wave + np.conj(np.roll(wave[..., ::-1], 1, axis=-1)))

    def _products(self, v: Array) -> Array:
        """The spectrum of the nonlinear terms at the spectrum ``v``."""
        if not self._rest:
            return self._constant + np.zeros_like(v)
        values = {derivative: self._on.products.backward(factor * v) for derivative, factor in self._factors.items()}
        first, *others = self._rest
        total = first.evaluate(values, self._places)
        for term in others:
            total += term.evaluate(values, self._places)
        return np.asarray(self._on.products.forward(total) * self._kept + self._constant)
