"""Initial states of the tsunami solver: the free surface [m] and the velocity [m/s] at t = 0.

Each kind is a frozen dataclass, called with the cells' centroids, the still level and gravity. A kind whose later state is known
has ``at``, which gives it at any time, or ``spread``, which gives it at rising times.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pipeline.errors import InputError
from pipeline.params import quantity, setting
from solvers.tsunami import exact
from solvers.tsunami.radial import RadialWave

Array = np.ndarray[Any, np.dtype[Any]]
Fields = exact.Fields


RINGS, MOST_RINGS = 200, 4000  # of the fine solution of a hump, in its width


@dataclass(frozen=True, slots=True)
class Rest:
    """Still water."""

    def __call__(self, x: Array, y: Array, level: float, g: float) -> Fields:
        return np.full_like(x, level), np.zeros_like(x), np.zeros_like(x)


@dataclass(frozen=True, slots=True)
class DamBreak:
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


@dataclass(frozen=True, slots=True)
class Hump:
    """A Gaussian hump, height exp(-(r / width)^2), on still water."""

    height: float = quantity("m", "height of the hump")
    width: float = quantity("m", "radius at which it has fallen to 1/e", above=0.0)
    centre: tuple[float, float] = setting("centre [m]", default=(0.0, 0.0))

    def __call__(self, x: Array, y: Array, level: float, g: float) -> Fields:
        r2 = ((x - self.centre[0]) ** 2 + (y - self.centre[1]) ** 2) / self.width**2
        return level + self.height * np.exp(-r2), np.zeros_like(x), np.zeros_like(x)

    def spread(self, level: float, g: float, bed: float, far: float, end: float) -> Callable[[Array, Array, float], Fields]:
        """A fine solution in one dimension on an even bed at height ``bed`` [m], before its waves meet a wall.

        ``far`` [m] is the distance of the farthest place that is asked for, ``end`` [s] the last time; ask for rising times.
        """
        from scipy.interpolate import CubicSpline

        depth = level - bed
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


@dataclass(frozen=True, slots=True)
class PlaneWave:
    """A sine wave that travels one way on water of even depth (linear theory)."""

    amplitude: float = quantity("m", "amplitude")
    wavelength: float = quantity("m", "wavelength", above=0.0)
    depth: float = quantity("m", "depth of the still water", above=0.0)
    angle: float = quantity("radian", "direction of travel, counterclockwise from east", default=0.0)

    def __call__(self, x: Array, y: Array, level: float, g: float) -> Fields:
        return _above(level, exact.plane_wave(x, y, 0.0, g=g, **self._wave()))

    def at(self, x: Array, y: Array, t: float, level: float, g: float, bed: float) -> Fields:
        """The exact solution at time ``t`` [s]."""
        return _above(level, exact.plane_wave(x, y, t, g=g, **self._wave()))

    def _wave(self) -> dict[str, float]:
        return {"depth": self.depth, "amplitude": self.amplitude, "wavelength": self.wavelength, "angle": self.angle}


@dataclass(frozen=True, slots=True)
class StandingWave:
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
        return _above(level, exact.standing_wave(x, y, t, g=g, **wave))


@dataclass(frozen=True, slots=True)
class Thacker:
    """Thacker's oscillations in a parabolic bowl (mesh bathymetry ``bowl``) about the origin."""

    depth: float = quantity("m", "depth of the still water at the centre", above=0.0)
    radius: float = quantity("m", "radius of the still shore", above=0.0)
    shape: Literal["planar", "curved"] = setting("shape of the surface", default="planar")
    shift: float = quantity("m", "displacement of the water's centre (planar)", default=0.0)
    swing: float = setting("Thacker's A, 0 to 1 (curved)", default=0.0)

    def __call__(self, x: Array, y: Array, level: float, g: float) -> Fields:
        return self.at(x, y, 0.0, level, g, level - self.depth)

    def at(self, x: Array, y: Array, t: float, level: float, g: float, bed: float) -> Fields:
        """The exact solution at time ``t`` [s], wherever the water is deeper than zero."""
        if self.shape == "planar":
            return _above(level, exact.thacker_planar(x, y, t, g=g, depth=self.depth, radius=self.radius, shift=self.shift))
        return _above(level, exact.thacker_curved(x, y, t, g=g, depth=self.depth, radius=self.radius, swing=self.swing))


def _above(level: float, fields: Fields) -> Fields:
    surface, ux, uy = fields
    return level + surface, ux, uy


KINDS: Mapping[str, type] = {
    "rest": Rest,
    "dam_break": DamBreak,
    "hump": Hump,
    "plane_wave": PlaneWave,
    "standing_wave": StandingWave,
    "thacker": Thacker,
}
