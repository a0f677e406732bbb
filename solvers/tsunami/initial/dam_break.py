"""Dam break: two levels of water at rest, parted by a line or a circle."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.params import quantity, setting
from solvers.tsunami import exact
from solvers.tsunami.exact import Fields

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """Two levels of water at rest, parted by a line (``x``) or a circle (``radius`` about ``centre``)."""

    high: float = quantity("m", "free surface behind the dam (x < position, or inside the circle)")
    low: float = quantity("m", "free surface before the dam")
    position: float = quantity("m", "x of a straight dam", default=0.0)
    radius: float = quantity("m", "radius of a circular dam; 0 for a straight one", default=0.0, low=0.0)
    centre: tuple[float, float] = setting("centre of the circle [m]", default=(0.0, 0.0))

    def __call__(self, x: Array, y: Array, level: float, g: float) -> Fields:
        inside = np.hypot(x - self.centre[0], y - self.centre[1]) < self.radius if self.radius > 0.0 else x < self.position
        return np.where(inside, self.high, self.low), np.zeros_like(x), np.zeros_like(x)

    def at(self, x: Array, y: Array, t: float, level: float, g: float, bed: float) -> Fields:
        """The exact solution of a straight dam at time ``t`` [s], on an even bed at height ``bed`` [m], before its waves meet a wall."""
        if self.radius > 0.0:
            raise InputError("a circular dam has no exact solution here: take a finer run as the reference")
        high, low, away = self.high - bed, max(self.low - bed, 0.0), x - self.position
        if not high > low:
            raise InputError(
                f"the exact solution is for a dam with the higher water on its west: high = {self.high:g} m, low = {self.low:g} m"
            )
        depth, speed = exact.stoker(away, t, g=g, high=high, low=low) if low > 0.0 else exact.ritter(away, t, g=g, high=high)
        return bed + depth, speed, np.zeros_like(speed)
