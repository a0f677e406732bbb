"""Mercator's map of the sphere: lengths at a place are stretched alike in all directions, so that angles are those on the globe.

A mesh in longitudes and latitudes is made of triangles on this map. Their edges and areas count as they are on the sphere; the
map's stretching is 1 / cos(latitude). It reaches to `FARTHEST` degrees north and south.

J. P. Snyder, Map Projections: A Working Manual, USGS Professional Paper 1395, 1987, DOI 10.3133/pp1395, eqs. (7-1) to (7-5).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from meshes.core.chart import lengths_on
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

RADIUS = 6_371_008.8  # [m] of the sphere: the mean radius of WGS84's ellipsoid
TURN = 360.0  # [degrees]
FARTHEST = 85.0  # [degrees] north and south


@dataclass(frozen=True, slots=True)
class Mercator:
    """Mercator's map about a meridian.

    Attributes
    ----------
    central
        Longitude of the meridian x = 0 [degrees]; longitudes go 180 degrees to either side of it.
    """

    central: float

    def plane(self, degrees: Array) -> Array:
        """Places (..., 2) [m] of longitudes and latitudes (..., 2) [degrees]; longitudes mix -180 to 180 with 0 to 360."""
        degrees = np.asarray(degrees, float)
        east = (degrees[..., 0] - self.central + 180.0) % 360.0 - 180.0
        return RADIUS * np.stack([np.radians(east), np.arcsinh(np.tan(np.radians(degrees[..., 1])))], axis=-1)

    def degrees(self, places: Array) -> Array:
        """Longitudes and latitudes (..., 2) [degrees] of places (..., 2) [m]; longitudes are within 180 degrees of the central meridian."""
        x, y = places[..., 0] / RADIUS, places[..., 1] / RADIUS
        return np.stack([self.central + np.degrees(x), np.degrees(np.arctan(np.sinh(y)))], axis=-1)

    def stretch(self, places: Array) -> Array:
        """The map's lengths over those on the sphere [1] (...,) at places (..., 2) [m]."""
        found: Array = np.cosh(places[..., 1] / RADIUS)
        return found

    def lengths(self, start: Array, end: Array) -> Array:
        """Lengths on the sphere [m] (N,) of straight lines on the map between places (N, 2) [m]."""
        return lengths_on(self, start, end)

    def turning(self, places: Array, rotation: float) -> Array:
        """The Coriolis parameter [1/s] and the gradient of the stretching [1/m], (..., 3), at places (..., 2) [m].

        ``rotation`` [1/s] is the angular velocity of the sphere.
        """
        y = places[..., 1] / RADIUS
        return np.stack([2.0 * rotation * np.tanh(y), np.zeros_like(y), np.sinh(y) / RADIUS], axis=-1)

    def eastward(self, places: Array) -> None:
        """None, for east is along x everywhere, at ``places`` (..., 2) [m] too."""

    def means(self, shape: Callable[[Array], Array], corners: Array) -> Array:
        """Means (T,) over triangles (T, 3, 2) [m] on the map of a ``shape`` that has its means over triangles in degrees."""
        return shape(self.degrees(corners))


def check_degrees(x: float, y: float) -> None:
    """`InputError` where ``x`` and ``y`` are no longitude and latitude [degrees]."""
    if abs(x) > TURN or abs(y) > 0.25 * TURN:
        raise InputError(f"x = {x:g}, y = {y:g} are no longitude and latitude in degrees, as those of the mesh are")


def toward(centre: tuple[float, float], way: Array) -> Array:
    """Longitudes and latitudes (..., 2) [degrees] of places that are ``way`` (..., 2) [m] from ``centre``: see `away`."""
    angle = np.hypot(way[..., 0], way[..., 1]) / RADIUS
    east, north = np.sin(np.arctan2(way[..., 0], way[..., 1])), np.cos(np.arctan2(way[..., 0], way[..., 1]))
    middle = np.radians(centre[1])
    sine = np.sin(middle) * np.cos(angle) + np.cos(middle) * np.sin(angle) * north
    turned = np.arctan2(np.sin(angle) * east, np.cos(middle) * np.cos(angle) - np.sin(middle) * np.sin(angle) * north)
    return np.stack([centre[0] + np.degrees(turned), np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0)))], axis=-1)


def away(centre: tuple[float, float], degrees: Array) -> Array:
    """Ways (..., 2) [m] eastward and northward from ``centre`` to places (..., 2), all in longitudes and latitudes [degrees].

    They are as long as the great circles, and set out as these do: the azimuthal equidistant map (Snyder 1987, eqs. (22-4), (25-2)).
    """
    east = np.radians(degrees[..., 0] - centre[0])
    north, middle = np.radians(degrees[..., 1]), np.radians(centre[1])
    x = np.cos(north) * np.sin(east)
    y = np.cos(middle) * np.sin(north) - np.sin(middle) * np.cos(north) * np.cos(east)
    sine = np.hypot(x, y)
    angle = np.arctan2(sine, np.sin(middle) * np.sin(north) + np.cos(middle) * np.cos(north) * np.cos(east))
    return RADIUS * (angle / np.maximum(sine, 1e-300))[..., None] * np.stack([x, y], axis=-1)


def turned_on_the_way(centre: tuple[float, float], degrees: Array) -> Array:
    """Angles (...,) [rad], clockwise, by which great circles from ``centre`` have turned against north when they come to places (..., 2).

    All places are longitudes and latitudes [degrees].
    """
    east = np.radians(degrees[..., 0] - centre[0])
    north, middle = np.radians(degrees[..., 1]), np.radians(centre[1])
    away_x = np.cos(north) * np.sin(east)
    away_y = np.cos(middle) * np.sin(north) - np.sin(middle) * np.cos(north) * np.cos(east)
    on_x = np.cos(middle) * np.sin(east)
    on_y = np.cos(middle) * np.sin(north) * np.cos(east) - np.sin(middle) * np.cos(north)
    found: Array = np.arctan2(on_x * away_y - on_y * away_x, on_x * away_x + on_y * away_y)
    return found
