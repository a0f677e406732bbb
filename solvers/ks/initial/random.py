"""Random: the lowest wavenumbers, with amplitudes from a normal distribution."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.params import setting

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """The lowest wavenumbers with amplitudes from a normal distribution: no mean, and ``amplitude`` as standard deviation."""

    named, along_y = "modes", True

    amplitude: float = setting("standard deviation, in the mean over members, in the unit of u [1]", default=1.0)
    modes: int = setting("wavenumbers, from the lowest", default=4)

    def __post_init__(self) -> None:
        if self.modes < 1:
            raise InputError(f"modes = {self.modes}; there must be at least 1")

    @property
    def highest(self) -> int:
        """The highest wavenumber."""
        return self.modes

    def __call__(self, phases: tuple[Array, ...], random: np.random.Generator) -> Array:
        turns = [np.outer(np.arange(1, self.modes + 1), phase) for phase in phases]
        weights = random.standard_normal((2 ** len(turns),) + (self.modes,) * len(turns)) * self.amplitude
        along_x = np.cos(turns[0]), np.sin(turns[0])
        if len(turns) == 1:
            return np.asarray(weights[0] @ along_x[0] + weights[1] @ along_x[1]) / np.sqrt(self.modes)
        pairs = [(y, x) for y in (np.cos(turns[1]), np.sin(turns[1])) for x in along_x]
        return np.asarray(sum(y.T @ weight @ x for weight, (y, x) in zip(weights, pairs, strict=True))) / self.modes
