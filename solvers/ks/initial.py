"""Initial states by kind: each a function of the points and of the member's own random numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.errors import InputError
from pipeline.params import setting

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Random:
    """The lowest wavenumbers with amplitudes from a normal distribution: no mean, and ``amplitude`` as standard deviation."""

    amplitude: float = setting("standard deviation, in the mean over members", default=1.0)
    modes: int = setting("wavenumbers, from the lowest", default=4)

    def __post_init__(self) -> None:
        if self.modes < 1:
            raise InputError(f"modes = {self.modes}; there must be at least 1")

    def __call__(self, phase: Array, random: np.random.Generator) -> Array:
        weights = random.standard_normal((2, self.modes)) * (self.amplitude / np.sqrt(self.modes))
        turns = np.outer(np.arange(1, self.modes + 1), phase)
        return np.asarray(weights[0] @ np.cos(turns) + weights[1] @ np.sin(turns))


@dataclass(frozen=True, slots=True)
class Waves:
    """A sum of cosines, the same in all members but for the noise."""

    waves: tuple[tuple[int, float, float], ...] = setting("[wavenumber, amplitude, phase in radian] of each")
    noise: float = setting("standard deviation of what is added at every point", default=0.0)

    def __call__(self, phase: Array, random: np.random.Generator) -> Array:
        u = self.noise * random.standard_normal(len(phase))
        for wavenumber, amplitude, at in self.waves:
            u += amplitude * np.cos(wavenumber * phase + at)
        return u


KINDS = {"random": Random, "waves": Waves}


def states(start: Random | Waves, points: int, seed: int, members: Array) -> Array:
    """Initial states (members, points): member m draws from [seed, m], whoever computes it."""
    phase = 2.0 * np.pi * np.arange(points) / points
    return np.array([start(phase, np.random.default_rng([seed, int(m)])) for m in members]).reshape(-1, points)
