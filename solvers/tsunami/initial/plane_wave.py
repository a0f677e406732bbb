"""Plane wave: a sine wave that travels one way on water of even depth (linear theory)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.params import quantity
from solvers.tsunami import exact
from solvers.tsunami.exact import Fields, above

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """A sine wave that travels one way on water of even depth (linear theory)."""

    amplitude: float = quantity("m", "amplitude")
    wavelength: float = quantity("m", "wavelength", above=0.0)
    depth: float = quantity("m", "depth of the still water", above=0.0)
    angle: float = quantity("radian", "direction of travel, counterclockwise from east", default=0.0)

    def __call__(self, x: Array, y: Array, level: float, g: float) -> Fields:
        return above(level, exact.plane_wave(x, y, 0.0, g=g, **self._wave()))

    def at(self, x: Array, y: Array, t: float, level: float, g: float, bed: float) -> Fields:
        """The exact solution at time ``t`` [s]."""
        return above(level, exact.plane_wave(x, y, t, g=g, **self._wave()))

    def _wave(self) -> dict[str, float]:
        return {"depth": self.depth, "amplitude": self.amplitude, "wavelength": self.wavelength, "angle": self.angle}
