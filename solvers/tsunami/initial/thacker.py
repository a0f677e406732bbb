"""Thacker: oscillations in a parabolic bowl (mesh bathymetry ``bowl``) about the origin."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pipeline.core.params import quantity, setting
from solvers.tsunami import exact
from solvers.tsunami.exact import Fields, above

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """Thacker's oscillations in a parabolic bowl (mesh bathymetry ``bowl``) about the origin."""

    curved_bed = True  # the exact solution is for that bowl

    depth: float = quantity("m", "depth of the still water at the centre", above=0.0)
    radius: float = quantity("m", "radius of the still shore", above=0.0)
    shape: Literal["planar", "curved"] = setting("shape of the surface", default="planar")
    shift: float = quantity("m", "displacement of the water's centre (planar)", default=0.0)
    swing: float = setting("Thacker's A [1], from 0 to below 1 (curved)", default=0.0)

    def __call__(self, x: Array, y: Array, level: float, g: float) -> Fields:
        return self.at(x, y, 0.0, level, g, level - self.depth)

    def at(self, x: Array, y: Array, t: float, level: float, g: float, bed: float) -> Fields:
        """The exact solution at time ``t`` [s], wherever the water is deeper than zero."""
        if self.shape == "planar":
            return above(level, exact.thacker_planar(x, y, t, g=g, depth=self.depth, radius=self.radius, shift=self.shift))
        return above(level, exact.thacker_curved(x, y, t, g=g, depth=self.depth, radius=self.radius, swing=self.swing))
