"""Bowl: Thacker's parabola, -depth (1 - r^2 / radius^2)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.params import quantity, setting

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """Thacker's parabolic bowl, -depth (1 - r^2 / radius^2)."""

    depth: float = quantity("m", "depth at the centre", above=0.0)
    radius: float = quantity("m", "radius at height 0", above=0.0)
    centre: tuple[float, float] = setting("centre [m]", default=(0.0, 0.0))

    def __call__(self, x: Array, y: Array) -> Array:
        return -self.depth * (1.0 - ((x - self.centre[0]) ** 2 + (y - self.centre[1]) ** 2) / self.radius**2)
