"""Bathymetry: the height of the bed [m], positive up, as an analytic shape or a raster, and its means over triangles.

A case says ``[mesh.bathymetry] kind = "beach"``; each kind is a frozen dataclass. Analytic shapes are called with x and y
[m]; a raster integrates itself exactly over each triangle.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core import raster
from pipeline.params import Spec, choose, quantity, setting

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Flat:
    """An even bed."""

    depth: float = quantity("m", "depth below height 0", default=0.0)

    def __call__(self, x: Array, y: Array) -> Array:
        return np.full_like(x, -self.depth)


@dataclass(frozen=True, slots=True)
class Beach:
    """An even bed, then an even slope that rises eastward."""

    depth: float = quantity("m", "depth of the even part")
    slope: float = setting("rise over run")
    toe: float = quantity("m", "x where the slope begins", default=0.0)

    def __call__(self, x: Array, y: Array) -> Array:
        return -self.depth + self.slope * np.maximum(x - self.toe, 0.0)


@dataclass(frozen=True, slots=True)
class Bowl:
    """Thacker's parabolic bowl, -depth (1 - r^2 / radius^2)."""

    depth: float = quantity("m", "depth at the centre", above=0.0)
    radius: float = quantity("m", "radius at height 0", above=0.0)
    centre: tuple[float, float] = setting("centre [m]", default=(0.0, 0.0))

    def __call__(self, x: Array, y: Array) -> Array:
        return -self.depth * (1.0 - ((x - self.centre[0]) ** 2 + (y - self.centre[1]) ** 2) / self.radius**2)


@dataclass(frozen=True, slots=True)
class Cone:
    """A cone, cut off at ``height``, that stands on an even bed."""

    depth: float = quantity("m", "depth of the even bed")
    toe_radius: float = quantity("m", "radius at the foot", above=0.0)
    slope: float = setting("rise over run")
    height: float = quantity("m", "height of the flat top above the even bed", above=0.0)
    centre: tuple[float, float] = setting("centre [m]", default=(0.0, 0.0))

    def __call__(self, x: Array, y: Array) -> Array:
        r = np.hypot(x - self.centre[0], y - self.centre[1])
        return -self.depth + np.clip(self.slope * (self.toe_radius - r), 0.0, self.height)


@dataclass(frozen=True, slots=True)
class Bump:
    """A Gaussian hill, height exp(-(r / width)^2), on an even bed."""

    depth: float = quantity("m", "depth of the even bed")
    height: float = quantity("m", "height of the hill above the even bed")
    width: float = quantity("m", "radius at which it has fallen to 1/e", above=0.0)
    centre: tuple[float, float] = setting("centre [m]", default=(0.0, 0.0))

    def __call__(self, x: Array, y: Array) -> Array:
        return -self.depth + self.height * np.exp(-((x - self.centre[0]) ** 2 + (y - self.centre[1]) ** 2) / self.width**2)


KINDS: Mapping[str, type] = {"flat": Flat, "beach": Beach, "bowl": Bowl, "cone": Cone, "bump": Bump, "raster": raster.Raster}


def bed_means(asked: Spec, folder: Path) -> Callable[[Array], Array]:
    """The function from triangles (T, 3, 2) [m] to mean bed heights (T,) [m] that a case asks for.

    Raises
    ------
    InputError
        An unknown kind, a wrong parameter, or a raster that is not there, has holes or does not cover the mesh.
    """
    shape = choose(KINDS, asked, "mesh.bathymetry")
    if isinstance(shape, raster.Raster):
        return raster.read(shape, folder).means
    return lambda corners: shape_means(shape, corners)


def shape_means(shape: Callable[[Array, Array], Array], corners: Array) -> Array:
    """Means (T,) of ``shape`` over triangles (T, 3, 2), exact for polynomials of degree 5.

    J. Radon, Monatsh. Math. Phys. 52 (1948) 286-300, DOI 10.1007/BF01525334: seven points.
    """
    root = np.sqrt(15.0)
    total = 0.225 * _at(shape, corners, (1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0))
    for near, weight in (((6.0 - root) / 21.0, (155.0 - root) / 1200.0), ((6.0 + root) / 21.0, (155.0 + root) / 1200.0)):
        far = 1.0 - 2.0 * near
        for place in ((far, near, near), (near, far, near), (near, near, far)):
            total = total + weight * _at(shape, corners, place)
    return total


def _at(shape: Callable[[Array, Array], Array], corners: Array, place: tuple[float, float, float]) -> Array:
    point = corners[:, 0] * place[0] + corners[:, 1] * place[1] + corners[:, 2] * place[2]
    return shape(point[:, 0], point[:, 1])
