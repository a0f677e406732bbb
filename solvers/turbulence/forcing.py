"""Forcings that keep a flow moving, by kind. Each adds its acceleration to the rate of change of the waves.

- ``linear``: f = A u, T. S. Lundgren, CTR Annual Research Briefs (2003) 461-473; C. Rosales, C. Meneveau, Phys. Fluids 17 (2005) 095106,
  DOI 10.1063/1.2047568.
- ``shell``: f = -nu' lap u with a negative viscosity in a shell of low wavenumbers: J. Jimenez, A. A. Wray, P. G. Saffman, R. S. Rogallo,
  J. Fluid Mech. 255 (1993) 65-90, DOI 10.1017/S0022112093002393, section 2.
- ``stochastic``: an Uhlenbeck-Ornstein process in each low wave, less its divergent part: V. Eswaran, S. B. Pope, Comput. Fluids 16
  (1988) 257-278, DOI 10.1016/0045-7930(88)90013-8. It is the same through a step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.errors import InputError
from pipeline.params import quantity
from solvers.turbulence import kernels
from solvers.turbulence.waves import Waves

Array = np.ndarray[Any, np.dtype[Any]]

DRAWS = 1  # second part of the address of the forcing's random numbers; the third is the step


@dataclass(frozen=True, slots=True)
class Nothing:
    """No forcing."""

    def on(self, waves: Waves, highest: tuple[int, ...], seed: int) -> "Force":
        """This forcing on a cube."""
        return Force()


@dataclass(frozen=True, slots=True)
class Linear:
    """f = A u: A is ``rate``, or such that the power per mass is ``power``."""

    rate: float = quantity("dimensionless", "A", default=0.0, low=0.0)
    power: float = quantity("dimensionless", "power per mass instead", default=0.0, low=0.0)

    def __post_init__(self) -> None:
        _one_of(("rate", self.rate), ("power", self.power))

    def on(self, waves: Waves, highest: tuple[int, ...], seed: int) -> "Force":
        """This forcing on a cube."""
        return Amplifying(waves, self.rate, self.power, (0.5, np.inf), by_square=False)


@dataclass(frozen=True, slots=True)
class Shell:
    """f = -viscosity lap u where low <= k <= high (in units of the lowest), or such that the power per mass is ``power``."""

    low: float = quantity("dimensionless", "lowest wavenumber, in units of the lowest of all", default=1.0, above=0.0)
    high: float = quantity("dimensionless", "highest wavenumber, in the same units", default=2.5, above=0.0)
    viscosity: float = quantity("dimensionless", "size of the negative viscosity", default=0.0, low=0.0)
    power: float = quantity("dimensionless", "power per mass instead", default=0.0, low=0.0)

    def __post_init__(self) -> None:
        _one_of(("viscosity", self.viscosity), ("power", self.power))
        if self.low > self.high:
            raise InputError(f"low = {self.low} is above high = {self.high}: there is no such shell")

    def on(self, waves: Waves, highest: tuple[int, ...], seed: int) -> "Force":
        """This forcing on a cube."""
        _refuse_what_is_not_kept(self.high, waves)
        return Amplifying(waves, self.viscosity, self.power, (self.low, self.high), by_square=True)


@dataclass(frozen=True, slots=True)
class Stochastic:
    """Acceleration of variance strength / time in each component, real and imaginary, of each wave with 0 < k <= high."""

    strength: float = quantity("dimensionless", "variance times correlation time (Eswaran and Pope's epsilon*)", above=0.0)
    time: float = quantity("dimensionless", "correlation time", above=0.0)
    high: float = quantity("dimensionless", "highest wavenumber, in units of the lowest", default=2.0 * 2.0**0.5, above=0.0)

    def on(self, waves: Waves, highest: tuple[int, ...], seed: int) -> "Force":
        """This forcing on a cube."""
        _refuse_what_is_not_kept(self.high, waves)
        return Random(self, waves, highest, seed)


KINDS = {"none": Nothing, "linear": Linear, "shell": Shell, "stochastic": Stochastic}


def _one_of(*choices: tuple[str, float]) -> None:
    if sum(value > 0.0 for _, value in choices) != 1:
        raise InputError(f"exactly one of {' and '.join(name for name, _ in choices)} must be above 0")


def _refuse_what_is_not_kept(high: float, waves: Waves) -> None:
    if high > waves.highest / waves.lowest + 1e-9:
        raise InputError(f"solver.forcing: high = {high:g}; the mesh's points hold wavenumbers to {waves.highest / waves.lowest:g} alone")


class Force:
    """No force; the others are its kin."""

    def apply(self, n: Array, v: Array) -> None:
        """Add the acceleration to the rate ``n`` (3, lz, ly, lx) of the waves ``v``. Collective."""

    def advance(self, step: int, dt: float) -> None:
        """Go on by ``dt`` at the end of step number ``step``."""

    def save(self) -> dict[str, Array]:
        """Data of a restart."""
        return {}

    def load(self, saved: Mapping[str, Array]) -> None:
        """Restore the data of `save`."""


class Amplifying(Force):
    """Waves in a range of wavenumbers grow in proportion to themselves, and with ``by_square`` to k^2."""

    def __init__(self, waves: Waves, strength: float, power: float, band: tuple[float, float], *, by_square: bool) -> None:
        self._waves, self._strength, self._power, self._by_square = waves, strength, power, by_square
        real = waves.k[0].dtype.type
        low, high = ((k * waves.lowest) ** 2 for k in band)
        self._low, self._high = real(low * (1.0 - 1e-6)), real(high * (1.0 + 1e-6))  # what lies on the edge is in
        if power:
            self._inside: Array = (waves.squares >= self._low) & (waves.squares <= self._high)
            weight = np.where(waves.numbers[2] == 0, 1.0, 2.0) * (waves.squares if by_square else np.ones(waves.shell.shape))
            self._weight = weight[self._inside]

    def apply(self, n: Array, v: Array) -> None:
        strength = self._strength
        if self._power:  # power = strength times this sum
            gain = float(self._waves.total((np.abs(v[:, self._inside]) ** 2).sum(axis=0, dtype=float) @ self._weight))
            strength = self._power / gain if gain > 0.0 else 0.0
        kernels.push(n, v, n.real.dtype.type(strength), self._low, self._high, self._by_square, *self._waves.k)


class Random(Force):
    """Uhlenbeck-Ornstein processes of one of each two mirror images, (waves, 3), all of them on every rank."""

    def __init__(self, params: Stochastic, waves: Waves, highest: tuple[int, ...], seed: int) -> None:
        self._params, self._seed = params, seed
        scale = [low / waves.lowest for low in waves.lowest_along]
        reach = [min(int(params.high / s + 1e-9), top) for s, top in zip(scale, highest, strict=True)]
        every = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij"), axis=-1).reshape(-1, 3)  # along x, y, z
        size = np.sqrt(((every * scale) ** 2).sum(axis=1))
        every = every[(size > 0.0) & (size <= params.high * (1.0 + 1e-6))]
        half = [tuple(one) > (0, 0, 0) for one in every.tolist()]  # the first number that is not zero is above it
        self.numbers = every[half]  # (waves, 3)
        k = self.numbers * scale
        self._unit = k / np.linalg.norm(k, axis=1, keepdims=True)
        self._places = _own_places(self.numbers, waves)
        self._now = self._drawn(0) * self._deviation

    @property
    def _deviation(self) -> float:
        return float(np.sqrt(self._params.strength / self._params.time))

    def _drawn(self, step: int) -> Array:
        parts = np.random.default_rng([self._seed, DRAWS, step]).standard_normal((2, len(self.numbers), 3))
        return np.asarray(parts[0] + 1j * parts[1])

    def apply(self, n: Array, v: Array) -> None:
        force = self._now - self._unit * (self._now * self._unit).sum(axis=1, keepdims=True)
        (z, y, x), which, mirrored = self._places
        n[:, z, y, x] += np.where(mirrored, np.conj(force[which].T), force[which].T).astype(n.dtype)

    def advance(self, step: int, dt: float) -> None:
        kept = np.exp(-dt / self._params.time)
        self._now = kept * self._now + np.sqrt(1.0 - kept**2) * self._deviation * self._drawn(step)

    def save(self) -> dict[str, Array]:
        return {"forcing": self._now.view(np.float64)}

    def load(self, saved: Mapping[str, Array]) -> None:
        self._now = np.ascontiguousarray(saved["forcing"]).view(np.complex128)


def _own_places(numbers: Array, waves: Waves) -> tuple[tuple[Array, Array, Array], Array, Array]:
    """Places of the waves ``numbers`` (waves, 3), and of mirror images with kx = 0, on this rank: along z, y, x; which, mirrored."""
    at = [{int(number): place for place, number in enumerate(own)} for own in waves.numbers]
    found = []
    for which, (x, y, z) in enumerate(numbers.tolist()):
        for sign, mirrored in ((1, False), (-1, True)):
            if mirrored and x != 0:
                continue
            place = tuple(places.get(sign * number) for places, number in zip(at, (z, y, x), strict=True))
            if None not in place:
                found.append((*place, which, mirrored))
    table = np.array(found, dtype=np.int64).reshape(-1, 5)
    return (table[:, 0], table[:, 1], table[:, 2]), table[:, 3], table[:, 4].astype(bool)
