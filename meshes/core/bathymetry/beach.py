"""Beach: an even bed, then an even slope that rises eastward."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.params import quantity, setting

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """An even bed, then an even slope that rises eastward."""

    depth: float = quantity("m", "depth of the even part")
    slope: float = setting("rise over run [m/m]")
    toe: float = quantity("m", "x where the slope begins", default=0.0)

    def __call__(self, x: Array, y: Array) -> Array:
        return -self.depth + self.slope * np.maximum(x - self.toe, 0.0)
