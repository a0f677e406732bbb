"""Standing wave: a sine wave on water of even depth, a crest at the origin (linear theory)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.params import quantity
from solvers.tsunami import exact
from solvers.tsunami.exact import Fields, above

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """A sine wave that stands on water of even depth, a crest at the origin (linear theory)."""

    amplitude: float = quantity("m", "amplitude")
    wavelength: float = quantity("m", "wavelength", above=0.0)
    depth: float = quantity("m", "depth of the still water", above=0.0)
    angle: float = quantity("radian", "direction across the crests, counterclockwise from east", default=0.0)

    def __call__(self, x: Array, y: Array, level: float, g: float) -> Fields:
        return self.at(x, y, 0.0, level, g, level - self.depth)

    def at(self, x: Array, y: Array, t: float, level: float, g: float, bed: float) -> Fields:
        """The exact solution at time ``t`` [s]."""
        wave = {"depth": self.depth, "amplitude": self.amplitude, "wavelength": self.wavelength, "angle": self.angle}
        return above(level, exact.standing_wave(x, y, t, g=g, **wave))
