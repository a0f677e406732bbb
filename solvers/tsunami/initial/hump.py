"""Hump: Gaussian, height exp(-(r / width)^2), on still water."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.params import quantity, setting
from solvers.tsunami.exact import Fields
from solvers.tsunami.radial import RadialWave

Array = np.ndarray[Any, np.dtype[Any]]

RINGS, MOST_RINGS = 200, 4000  # of the fine solution of a hump, in its width


@dataclass(frozen=True, slots=True)
class Params:
    """A Gaussian hump, height exp(-(r / width)^2), on still water."""

    height: float = quantity("m", "height of the hump")
    width: float = quantity("m", "radius at which it has fallen to 1/e", above=0.0)
    centre: tuple[float, float] = setting("centre [m]", default=(0.0, 0.0))

    def __call__(self, x: Array, y: Array, level: float, g: float) -> Fields:
        r2 = ((x - self.centre[0]) ** 2 + (y - self.centre[1]) ** 2) / self.width**2
        return level + self.height * np.exp(-r2), np.zeros_like(x), np.zeros_like(x)

    def spread(self, x: Array, y: Array, level: float, g: float, bed: float, end: float) -> Callable[[Array, Array, float], Fields]:
        """A fine solution in one dimension on an even bed at height ``bed`` [m], before its waves meet a wall.

        ``x`` and ``y`` [m] are the farthest places that are asked for, ``end`` [s] is the last time; ask for rising times.
        """
        from scipy.interpolate import CubicSpline

        depth, far = level - bed, float(np.hypot(x - self.centre[0], y - self.centre[1]).max())
        reach = far + 0.5 * math.sqrt(g * (depth + abs(self.height))) * end + 4.0 * self.width
        rings = min(math.ceil(RINGS * reach / self.width), MOST_RINGS)
        wave = RadialWave(lambda r: depth + self.height * np.exp(-((r / self.width) ** 2)), g=g, reach=reach, rings=rings)

        def at(x: Array, y: Array, t: float) -> Fields:
            place, h, speed = wave.advance(t)
            away_x, away_y = x - self.centre[0], y - self.centre[1]
            r = np.hypot(away_x, away_y)
            out = CubicSpline(place, speed)(r) / np.maximum(r, 1e-12 * reach)
            return bed + CubicSpline(place, h)(r), out * away_x, out * away_y

        return at
