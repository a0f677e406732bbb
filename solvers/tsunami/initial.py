"""Initial states of the tsunami solver: the free surface [m] and the velocity [m/s] at t = 0.

Each kind is a frozen dataclass, called with the cells' centroids, the still level and gravity.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pipeline.params import quantity, setting
from solvers.tsunami import exact

Array = np.ndarray[Any, np.dtype[Any]]
Fields = exact.Fields


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


@dataclass(frozen=True, slots=True)
class Hump:
    """A Gaussian hump, height exp(-(r / width)^2), on still water."""

    height: float = quantity("m", "height of the hump")
    width: float = quantity("m", "radius at which it has fallen to 1/e", above=0.0)
    centre: tuple[float, float] = setting("centre [m]", default=(0.0, 0.0))

    def __call__(self, x: Array, y: Array, level: float, g: float) -> Fields:
        r2 = ((x - self.centre[0]) ** 2 + (y - self.centre[1]) ** 2) / self.width**2
        return level + self.height * np.exp(-r2), np.zeros_like(x), np.zeros_like(x)


@dataclass(frozen=True, slots=True)
class PlaneWave:
    """A sine wave that travels one way on water of even depth (linear theory)."""

    amplitude: float = quantity("m", "amplitude")
    wavelength: float = quantity("m", "wavelength", above=0.0)
    depth: float = quantity("m", "depth of the still water", above=0.0)
    angle: float = quantity("radian", "direction of travel, counterclockwise from east", default=0.0)

    def __call__(self, x: Array, y: Array, level: float, g: float) -> Fields:
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        change = self.amplitude * np.sin(2.0 * np.pi * (x * cosine + y * sine) / self.wavelength)
        speed = change * np.sqrt(g / self.depth)
        return level + change, speed * cosine, speed * sine


@dataclass(frozen=True, slots=True)
class Thacker:
    """Thacker's oscillations in a parabolic bowl (mesh bathymetry ``bowl``) about the origin."""

    depth: float = quantity("m", "depth of the still water at the centre", above=0.0)
    radius: float = quantity("m", "radius of the still shore", above=0.0)
    shape: Literal["planar", "curved"] = setting("shape of the surface", default="planar")
    shift: float = quantity("m", "displacement of the water's centre (planar)", default=0.0)
    swing: float = setting("Thacker's A, 0 to 1 (curved)", default=0.0)

    def __call__(self, x: Array, y: Array, level: float, g: float) -> Fields:
        if self.shape == "planar":
            surface, ux, uy = exact.thacker_planar(x, y, 0.0, g=g, depth=self.depth, radius=self.radius, shift=self.shift)
        else:
            surface, ux, uy = exact.thacker_curved(x, y, 0.0, g=g, depth=self.depth, radius=self.radius, swing=self.swing)
        return level + surface, ux, uy


KINDS: Mapping[str, type] = {"rest": Rest, "dam_break": DamBreak, "hump": Hump, "plane_wave": PlaneWave, "thacker": Thacker}
