"""Integrate u_t = sum of terms on a periodic line with a Fourier pseudo-spectral method: arrays in, arrays out, no MPI and no files.

    kuramoto_sivashinsky = Integrator(parse_terms(["-u*u_x", "-u_xx", "-u_xxxx"]), length=22.0, points=64, dt=0.1)
    later = kuramoto_sivashinsky.advance(u, 1000)      # u (members, 64) or (64,)

Linear terms are taken exactly or implicitly, by the scheme; nonlinear terms are products at the points. A product such as u^p u_x is
written as the derivative of u^(p + 1) / (p + 1), so that the mean stays the same to the last bit. Of odd derivatives the highest
wavenumber, N / 2, has none.

Dealiasing: "2/3" keeps the wavenumbers below N / 3, "3/2" computes products on 3 N / 2 points (each is exact for products of two;
products of three and more keep some aliasing), "none" leaves it.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.plugin import nearest
from pipeline.spectral.derivatives import turned_factor
from pipeline.spectral.wavenumbers import Dealias, fine, highest, multiplicity, wavenumbers
from pipeline.terms.terms import Term
from solvers.ks import kernels
from solvers.ks.grids import next_smooth, smooth
from solvers.ks.schemes import SCHEMES
from solvers.ks.vector import fourier
from solvers.ks.vector.lanes import LANES

Array = np.ndarray[Any, np.dtype[Any]]

FEWEST_WIDE = 3  # members that are better computed side by side, with idle lanes, than one by one
LEAST_POINTS = 8
KEPT = 64  # arrays of each kind that integrators share


@dataclass(frozen=True, slots=True)
class Products:
    """The nonlinear terms, sorted: derivatives, products of them, and sums of products by the derivative taken of each sum."""

    derivatives: tuple[int, ...]  # orders
    sums: tuple[tuple[int, tuple[tuple[float, tuple[int, ...]], ...]], ...]  # order of the sum's derivative; coefficient, factors
    constant: float


def products(terms: Sequence[Term]) -> Products:
    """Sort the terms that are not linear."""
    sums: dict[int, list[tuple[float, list[int]]]] = {}
    constant = 0.0
    for term in terms:
        if not term.factors:
            constant += term.coefficient
        elif not term.linear:
            orders = [(order, power) for (order, _), power in term.derivatives]
            taken, coefficient = 0, term.coefficient
            if len(orders) == 2 and orders[1] == (orders[0][0] + 1, 1):  # v^p v_x
                orders = [(orders[0][0], orders[0][1] + 1)]
                taken, coefficient = 1, coefficient / orders[0][1]
            sums.setdefault(taken, []).append((coefficient, [order for order, power in orders for _ in range(power)]))
    derivatives = tuple(sorted({order for some in sums.values() for _, factors in some for order in factors}))
    numbered = {
        taken: tuple((coefficient, tuple(derivatives.index(order) for order in factors)) for coefficient, factors in some)
        for taken, some in sums.items()
    }
    return Products(derivatives, tuple(numbered.items()), constant)


class Integrator:
    """Steps of ``dt`` of u_t = ``terms`` on ``points`` points of a line of ``length``, which repeats itself.

    Parameters
    ----------
    terms
        The right-hand side, as `pipeline.terms.parser.parse_terms` gives it.
    points
        N, even, without prime factors above 5; a multiple of 4 for ``dealias`` "3/2".
    scheme
        "etdrk4" (order 4), "ars443" (an IMEX Runge-Kutta method of order 3) or "cnab2" (order 2; its first step is of order 1).

    Raises
    ------
    InputError
        An unknown scheme or dealiasing, an unfit number of points, terms in two dimensions, or a length or step that is not positive.
    """

    dtype = np.dtype(np.complex128)

    def __init__(
        self, terms: Sequence[Term], length: float, points: int, dt: float, *, scheme: str = "etdrk4", dealias: Dealias = "2/3"
    ) -> None:
        check(terms, length, points, dt, scheme, dealias)
        self.terms, self.length, self.points, self.dt = tuple(terms), float(length), int(points), float(dt)
        self.scheme, self.kept = SCHEMES[scheme], points // 2 + 1  # wavenumbers that a state holds
        grid = fine(points, dealias)
        wave, self._live = _waves(points, dealias)
        self._powers = {order: _derivative(order, self.length, points, dealias) for order in range(_highest(terms) + 1)}
        linear = sum((t.coefficient * self._powers[t.order] for t in terms if t.linear), np.zeros(len(wave), complex))
        with np.errstate(over="ignore", invalid="ignore"):  # a term without bound: the run then says where it blew up
            table = np.where(self._live, _coefficients(scheme, linear.tobytes(), dt), 0.0)
        self.stages = self.scheme.stages
        self.linear = linear[: self.kept]  # (N / 2 + 1,) [1/time]
        twice = multiplicity(wave[: self.kept], points) / points**2
        self._weights = np.stack([twice, twice * self.linear.real])
        self._coefficients = np.ascontiguousarray(table.real), np.ascontiguousarray(table.imag)
        self._tables = self.scheme.tables(dt)
        self._plan, self._plain_plan = fourier.plan(grid), fourier.plan(points)
        self._products = self._sorted(grid)
        self._sizes = grid // 2, points // 2, len(wave), len(self._products[0]), self.scheme.arrays
        self._work: dict[int, _Work] = {}
        self._mask = self._live[: self.kept].astype(float)
        self._mask_r, self._mask_i = np.ascontiguousarray(self._mask), np.zeros(self.kept)

    def _sorted(self, grid: int) -> tuple[Any, ...]:
        """The nonlinear terms as `kernels.nonlinear` wants them."""
        sorted_ = products(self.terms)
        live = [some for _, some in sorted_.sums]
        flat = [factors for some in live for _, factors in some]
        derivative = np.array([self._powers[order] for order in sorted_.derivatives], complex).reshape(-1, len(self._live)) / self.points
        taken = np.array([self._powers[order] if order else self._live for order, _ in sorted_.sums]).reshape(-1, len(self._live))
        taken = taken * (self.points / grid) + 0j
        return (
            np.ascontiguousarray(derivative.real),
            np.ascontiguousarray(derivative.imag),
            np.array([coefficient for some in live for coefficient, _ in some]),
            np.cumsum([0, *map(len, flat)]),
            np.array([d for factors in flat for d in factors], np.int64),
            np.cumsum([0, *map(len, live)]),
            np.ascontiguousarray(taken.real),
            np.ascontiguousarray(taken.imag),
            sorted_.constant * self.points,
        )

    def step(self, u: Array) -> Array:
        """``u`` (N,) or (members, N) one step later."""
        return self.advance(u, 1)

    def advance(self, u: Array, steps: int) -> Array:
        """``u`` (N,) or (members, N) after ``steps`` steps; waves outside the kept spectrum are dropped at the start."""
        u = np.asarray(u, np.float64)
        if u.shape[-1:] != (self.points,):
            raise InputError(f"the state has the shape {u.shape}; its last dimension must be the {self.points} points")
        state = self.state_of(u.reshape(-1, self.points))
        self.run(state, steps)
        return self.values(state).reshape(u.shape)

    def state_of(self, u: Array) -> Array:
        """The state (members, slots, N / 2 + 1) of points ``u`` (members, N): their spectra, and no history."""
        state = np.full((len(u), self.scheme.slots, self.kept), np.nan, complex)
        for members, work in self._blocks(len(u)):
            work.load_points(u[members])
            stays = len(self._plain_plan[0]) % 2 == 0
            x, y = work.plain
            fourier.transform(*x, *y, *self._plain_plan[:5])
            out_r, out_i = work.kept
            fourier.to_spectrum(*(x if stays else y), self._mask_r, self._mask_i, *self._plain_plan[5:], out_r, out_i)
            state[members, 0] = work.unpacked(out_r, out_i, members)
        return state

    def values(self, state: Array) -> Array:
        """Points (members, N) of a state (members, slots, N / 2 + 1)."""
        u = np.empty((len(state), self.points))
        factor = np.full(self.kept, 1.0 / self.points)
        for members, work in self._blocks(len(state)):
            work.pack(state[members, 0], *work.kept)
            stays = len(self._plain_plan[0]) % 2 == 0
            x, y = work.plain
            fourier.to_points(*work.kept, factor, self._mask_i, *(x if stays else y), *(y if stays else x), *self._plain_plan)
            work.store_points(u[members])
        return u

    def run(self, state: Array, steps: int) -> None:
        """Advance ``state`` (members, slots, N / 2 + 1) in place."""
        for members, work in self._blocks(len(state)):
            work.pack(state[members, 0], *work.state)
            if self.scheme.slots > 1:
                work.pack(state[members, 1], *work.history)
            self.scheme.advance(
                *work.state, *work.history, *self._coefficients, steps, self._plan, self._products, work.arrays, *work.stages, *self._tables
            )
            state[members, 0] = work.unpacked(*work.state, members)[:, : self.kept]
            if self.scheme.slots > 1:
                state[members, 1] = work.unpacked(*work.history, members)[:, : self.kept]

    def means(self, state: Array) -> Array:
        """The mean (members,) of each member."""
        return np.asarray(state[:, 0, 0].real / self.points)

    def balance(self, state: Array) -> Array:
        """The means over the line of u^2, and of u times the linear terms (members, 2)."""
        sums = np.empty((len(state), 2))
        kernels.balance(state, self._weights, sums)
        return sums

    def _blocks(self, members: int) -> Iterator[tuple[slice, "_Work"]]:
        """Members, as many at a time as a register holds, then, if there are few left, one by one: the bits are the same."""
        start = 0
        while start < members:
            width = LANES if members - start >= FEWEST_WIDE else 1
            if width not in self._work:
                self._work[width] = _Work(*self._sizes, width)
            yield slice(start, min(start + width, members)), self._work[width]
            start += width


@functools.lru_cache(KEPT)
def _waves(points: int, dealias: Dealias) -> tuple[Array, Array]:
    """Wavenumbers of the grid of products, as many as fill whole registers, and a mask of the kept."""
    wave = np.arange(-(-(fine(points, dealias) // 2 + 1) // LANES) * LANES)
    return wave, wave <= highest(points, dealias)


@functools.lru_cache(KEPT)
def _derivative(order: int, length: float, points: int, dealias: Dealias) -> Array:
    """(i k)^order where wavenumbers are kept, else 0. A search makes integrators by the thousand that share it."""
    wave, live = _waves(points, dealias)
    return np.where(live, turned_factor(wavenumbers(wave, length), order, 2 * wave == points), 0.0)


@functools.lru_cache(KEPT)
def _coefficients(scheme: str, linear: bytes, dt: float) -> Array:
    """Coefficients of a ``scheme`` for the ``linear`` terms' factors (complex numbers), which other terms' changes leave as they are."""
    return SCHEMES[scheme].coefficients(np.frombuffer(linear, complex), dt)


class _Work:
    """The arrays for one member, (n,), or for as many as go side by side, (n, `LANES`)."""

    def __init__(self, half: int, plain_half: int, waves: int, derivatives: int, stages: int, width: int) -> None:
        lanes = (width,) if width > 1 else ()
        self._wide = width > 1

        def pair(*shape: int) -> tuple[Array, Array]:
            return fourier.aligned(*shape, *lanes), fourier.aligned(*shape, *lanes)

        self.state, self.history, self.stages = pair(waves), pair(waves), pair(stages, waves)
        self.arrays = (*pair(derivatives, half), *pair(half), *pair(half), *pair(half), *pair(waves))
        self.kept = pair(plain_half + 1)
        self.plain = pair(plain_half), pair(plain_half)

    def pack(self, spectra: Array, out_r: Array, out_i: Array) -> None:
        """Spectra (members, K) of at most a block's members to the first rows of ``out``; idle lanes hold the first member."""
        kept = spectra.shape[1]
        if self._wide:
            out_r[:kept], out_i[:kept] = spectra[:1].real.T, spectra[:1].imag.T
            out_r[:kept, : len(spectra)], out_i[:kept, : len(spectra)] = spectra.real.T, spectra.imag.T
        else:
            out_r[:kept], out_i[:kept] = spectra[0].real, spectra[0].imag

    def unpacked(self, r: Array, i: Array, members: slice) -> Array:
        """The way back: (members, rows), complex."""
        count = members.stop - members.start
        return (r + 1j * i).T[:count] if self._wide else (r + 1j * i)[None]

    def load_points(self, u: Array) -> None:
        """Points (members, N) to pairs of even and odd points."""
        for x, points in zip(self.plain[0], (u[:, 0::2], u[:, 1::2]), strict=True):
            if self._wide:
                x[:] = 0.0
                x[:, : len(u)] = points.T
            else:
                x[:] = points[0]

    def store_points(self, u: Array) -> None:
        """The way back, into ``u`` (members, N)."""
        for x, first in zip(self.plain[0], (0, 1), strict=True):
            u[:, first::2] = x.T[: len(u)] if self._wide else x


def _highest(terms: Sequence[Term]) -> int:
    return max((term.order for term in terms), default=0) + 1


def check(terms: Sequence[Term], length: float, points: int, dt: float, scheme: str, dealias: str) -> None:
    """Refuse arguments that no integrator on a line can take: see `Integrator`."""
    for name, value in (("length", length), ("dt", dt)):
        if not (np.isfinite(value) and value > 0.0):
            raise InputError(f"{name} = {value}; it must be a positive number")
    for name, asked, known in (("scheme", scheme, tuple(SCHEMES)), ("dealias", dealias, ("none", "2/3", "3/2"))):
        if asked not in known:
            raise InputError(f"no {name} {asked!r}{nearest(asked, known)}; there are: {', '.join(known)}")
    if any(term.dimensions > 1 for term in terms):
        raise InputError(f"the term {next(t.key for t in terms if t.dimensions > 1)} is for two dimensions; this line has one")
    multiple = 4 if dealias == "3/2" else 2
    if points < LEAST_POINTS or points % multiple or not smooth(points):
        near = next_smooth(max(points, LEAST_POINTS), multiple)
        raise InputError(f"points = {points}; it must be a multiple of {multiple} without prime factors above 5, such as {near}")
