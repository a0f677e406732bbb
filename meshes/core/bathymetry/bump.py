"""Bump: a Gaussian hill, height exp(-(r / width)^2), on an even bed."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.params import quantity, setting

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """A Gaussian hill, height exp(-(r / width)^2), on an even bed."""

    depth: float = quantity("m", "depth of the even bed")
    height: float = quantity("m", "height of the hill above the even bed")
    width: float = quantity("m", "radius at which it has fallen to 1/e", above=0.0)
    centre: tuple[float, float] = setting("centre [m]", default=(0.0, 0.0))

    def __call__(self, x: Array, y: Array) -> Array:
        return -self.depth + self.height * np.exp(-((x - self.centre[0]) ** 2 + (y - self.centre[1]) ** 2) / self.width**2)
