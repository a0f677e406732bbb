"""Stochastic: an Uhlenbeck-Ornstein process in each low wave, less its divergent part. It is the same through a step.

V. Eswaran, S. B. Pope, Comput. Fluids 16 (1988) 257-278, DOI 10.1016/0045-7930(88)90013-8.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.params import quantity
from pipeline.spectral.forcing.core import Force, Waves, refuse_what_is_not_kept

Array = np.ndarray[Any, np.dtype[Any]]

DRAWS = 1  # second part of the address of the forcing's random numbers; the third is the step


@dataclass(frozen=True, slots=True)
class Params:
    """Acceleration of variance strength / time in each component, real and imaginary, of each wave with 0 < k <= high."""

    strength: float = quantity("dimensionless", "variance times correlation time (Eswaran and Pope's epsilon*)", above=0.0)
    time: float = quantity("dimensionless", "correlation time", above=0.0)
    high: float = quantity("dimensionless", "highest wavenumber, in units of the lowest", default=2.0 * 2.0**0.5, above=0.0)

    def on(self, waves: Waves, highest: tuple[int, ...], seed: int) -> Force:
        """This forcing on a cube."""
        refuse_what_is_not_kept(self.high, waves)
        return Random(self, waves, highest, seed)


class Random(Force):
    """Uhlenbeck-Ornstein processes (waves, 3), one for each two mirror images, all of them on every rank."""

    def __init__(self, params: Params, waves: Waves, highest: tuple[int, ...], seed: int) -> None:
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
