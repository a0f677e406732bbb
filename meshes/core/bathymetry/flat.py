"""Flat: an even bed."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pipeline.core.params import quantity

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """An even bed."""

    even: ClassVar[bool] = True

    depth: float = quantity("m", "depth below height 0", default=0.0)

    def __call__(self, x: Array, y: Array) -> Array:
        return np.full_like(x, -self.depth)
