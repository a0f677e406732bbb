"""Waves: a sum of cosines along x."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.params import setting

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """A sum of cosines along x, the same in all members but for the noise."""

    named, along_y = "a wavenumber", False

    waves: tuple[tuple[int, float, float], ...] = setting("wavenumber, amplitude and phase [radian] of each, as a list of lists")
    noise: float = setting("standard deviation of the noise added at every point, in the unit of u [1]", default=0.0)

    def __call__(self, phases: tuple[Array, ...], random: np.random.Generator) -> Array:
        u = self.noise * random.standard_normal([len(phase) for phase in reversed(phases)])
        for wavenumber, amplitude, at in self.waves:
            u += amplitude * np.cos(wavenumber * phases[0] + at)
        return np.asarray(u)

    @property
    def highest(self) -> int:
        """The highest wavenumber."""
        return max((abs(wavenumber) for wavenumber, _, _ in self.waves), default=0)
