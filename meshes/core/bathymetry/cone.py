"""Cone: cut off at a height, on an even bed."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.params import quantity, setting

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """A cone, cut off at ``height``, that stands on an even bed."""

    depth: float = quantity("m", "depth of the even bed")
    toe_radius: float = quantity("m", "radius at the foot", above=0.0)
    slope: float = setting("rise over run [m/m]")
    height: float = quantity("m", "height of the flat top above the even bed", above=0.0)
    centre: tuple[float, float] = setting("centre [m]", default=(0.0, 0.0))

    def __call__(self, x: Array, y: Array) -> Array:
        r = np.hypot(x - self.centre[0], y - self.centre[1])
        return -self.depth + np.clip(self.slope * (self.toe_radius - r), 0.0, self.height)
