"""Shared by forcings: the waves of a cube, the interface of a forcing on them, growth in a range of wavenumbers, and refusals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pipeline.core.errors import InputError
from pipeline.spectral.wavenumbers import multiplicity

Array = np.ndarray[Any, np.dtype[Any]]


class Waves(Protocol):
    """Waves that a forcing acts on: all of a cube, or a rank's share of them."""

    @property
    def numbers(self) -> tuple[Array, Array, Array]:
        """Own whole numbers along z (lz,), y (ly,) and x (lx,); along x none below zero, and not the highest of the points."""

    @property
    def k(self) -> tuple[Array, Array, Array]:
        """Own wavenumbers along z (lz,), y (ly,) and x (lx,) [1/length], in the precision of the waves."""

    @property
    def squares(self) -> Array:
        """|k|^2 (lz, ly, lx)."""

    @property
    def lowest_along(self) -> tuple[float, ...]:
        """(3,) lowest wavenumber along x, y, z [1/length]."""

    @property
    def lowest(self) -> float:
        """The least of them [1/length]."""

    @property
    def highest(self) -> float:
        """The least of the highest wavenumbers that are kept along x, y, z [1/length]."""

    def total(self, own: Array) -> Array:
        """Add numbers over all who have a share of the waves. Collective.

        Parameters
        ----------
        own
            Own numbers (...).

        Returns
        -------
        Array
            The sum of each (...).
        """


@dataclass(frozen=True, slots=True)
class AllWaves:
    """`Waves` of a whole cube in one process."""

    numbers: tuple[Array, Array, Array]
    k: tuple[Array, Array, Array]
    squares: Array
    lowest_along: tuple[float, ...]
    lowest: float
    highest: float

    def total(self, own: Array) -> Array:
        return own


class Force:
    """The interface of a forcing on a cube; by itself it is no force."""

    def apply(self, n: Array, v: Array) -> None:
        """Add the acceleration to a rate of change. Collective.

        Parameters
        ----------
        n
            The rate (3, lz, ly, lx) of the own waves, to which is added.
        v
            The own waves (3, lz, ly, lx) of the velocity.
        """

    def advance(self, step: int, dt: float) -> None:
        """Go on in time, at the end of a step.

        Parameters
        ----------
        step
            The step's number.
        dt
            Its length [time].
        """

    def save(self) -> dict[str, Array]:
        """Collect the data of a restart.

        Returns
        -------
        dict[str, Array]
            Arrays (...) by name; none by default.
        """
        return {}

    def load(self, saved: Mapping[str, Array]) -> None:
        """Restore the data of `save`.

        Parameters
        ----------
        saved
            Arrays (...) by name.
        """


class Amplifying(Force):
    """Waves in a range of wavenumbers grow in proportion to themselves, and with ``by_square`` to k^2."""

    def __init__(self, waves: Waves, strength: float, power: float, band: tuple[float, float], *, by_square: bool) -> None:
        from pipeline.spectral.kernels import push  # what only lists kinds of forcing loads no numba

        self._push = push
        self._waves, self._strength, self._power, self._by_square = waves, strength, power, by_square
        real = waves.k[0].dtype.type
        low, high = ((k * waves.lowest) ** 2 for k in band)
        self._low, self._high = real(low * (1.0 - 1e-6)), real(high * (1.0 + 1e-6))  # what lies on the edge is in
        if power:
            self._inside: Array = (waves.squares >= self._low) & (waves.squares <= self._high)
            weight = multiplicity(waves.numbers[2]) * (waves.squares if by_square else np.ones(self._inside.shape))
            self._weight = weight[self._inside]

    def apply(self, n: Array, v: Array) -> None:
        strength = self._strength
        if self._power:  # power = strength times this sum
            gain = float(self._waves.total((np.abs(v[:, self._inside]) ** 2).sum(axis=0, dtype=float) @ self._weight))
            strength = self._power / gain if gain > 0.0 else 0.0
        self._push(n, v, n.real.dtype.type(strength), self._low, self._high, self._by_square, *self._waves.k)


def refuse_but_one(*choices: tuple[str, float]) -> None:
    """`InputError` where not exactly one of ``choices`` (names and values) is above 0."""
    if sum(value > 0.0 for _, value in choices) != 1:
        raise InputError(f"exactly one of {' and '.join(name for name, _ in choices)} must be above 0")


def refuse_what_is_not_kept(high: float, waves: Waves) -> None:
    """`InputError` where the mesh's points do not hold wavenumbers to ``high``, in units of the lowest."""
    if high > waves.highest / waves.lowest + 1e-9:
        raise InputError(f"solver.forcing: high = {high:g}; the mesh's points hold wavenumbers to {waves.highest / waves.lowest:g} alone")
