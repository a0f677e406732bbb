"""The stereographic map of the sphere: all of it but one place, which the user lays on land. It has no seam, and poles are no edges.

J. P. Snyder, Map Projections: A Working Manual, USGS Professional Paper 1395, 1987, DOI 10.3133/pp1395, eqs. (21-2) to (21-4), (20-14).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from meshes.core import quadrature
from meshes.core.chart import lengths_on
from meshes.core.mercator import RADIUS, TURN

Array = np.ndarray[Any, np.dtype[Any]]

WIDE = 2.0 * RADIUS  # [m] from the middle to the places a quarter turn away
BENT = 5.0  # [degrees] of longitude, beyond which a triangle's edges are not straight in degrees
SPECK = 1e-4  # [degrees] of a triangle that stands for a place


@dataclass(frozen=True, slots=True)
class Stereographic:
    """The stereographic map about a place; lengths are true there, and endless at the place opposite.

    Attributes
    ----------
    longitude
        Longitude of the middle [degrees].
    latitude
        Its latitude [degrees].
    """

    longitude: float
    latitude: float

    @property
    def axes(self) -> tuple[Array, Array, Array]:
        """Unit vectors (3,) in space: eastward and northward at the middle, and from the sphere's centre to it."""
        return local_axes(np.array([self.longitude, self.latitude]))

    def plane(self, degrees: Array) -> Array:
        """Places (..., 2) [m] on the map of longitudes and latitudes (..., 2) [degrees]."""
        return self.onto(directions(np.asarray(degrees, float)))

    def onto(self, towards: Array) -> Array:
        """Places (..., 2) [m] on the map of unit vectors (..., 3) from the sphere's centre."""
        east, north, up = self.axes
        return np.asarray(WIDE / (1.0 + towards @ up)[..., None] * np.stack([towards @ east, towards @ north], axis=-1))

    def towards(self, places: Array) -> Array:
        """Unit vectors (..., 3) from the sphere's centre to places (..., 2) [m] on the map."""
        x, y = places[..., :1] / WIDE, places[..., 1:] / WIDE
        east, north, up = self.axes
        square = x * x + y * y
        return np.asarray((2.0 * x * east + 2.0 * y * north + (1.0 - square) * up) / (1.0 + square))

    def degrees(self, places: Array) -> Array:
        """Longitudes from -180 to 180 and latitudes (..., 2) [degrees] of places (..., 2) [m] on the map."""
        x, y, z = np.moveaxis(self.towards(np.asarray(places, float)), -1, 0)
        return np.degrees(np.stack([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))], axis=-1))

    def stretch(self, places: Array) -> Array:
        """The map's lengths over those on the sphere [1] (...,) at places (..., 2) [m]."""
        return np.asarray(1.0 + (places[..., 0] ** 2 + places[..., 1] ** 2) / WIDE**2)

    def lengths(self, start: Array, end: Array) -> Array:
        """Lengths on the sphere [m] (N,) of straight lines on the map between places (N, 2) [m]."""
        return lengths_on(self, start, end)

    def turning(self, places: Array, rotation: float) -> Array:
        """The Coriolis parameter [1/s] and the gradient of the stretching [1/m], (..., 3), at places (..., 2) [m].

        ``rotation`` [1/s] is the angular velocity of the sphere.
        """
        return np.concatenate([2.0 * rotation * self.towards(places)[..., 2:], 2.0 / WIDE**2 * places], axis=-1)

    def eastward(self, places: Array) -> Array:
        """Unit vectors (..., 2) on the map that point eastward at places (..., 2) [m]."""
        x, y = places[..., :1] / WIDE, places[..., 1:] / WIDE
        east, north, up = self.axes
        here = self.towards(places)
        longitude = np.arctan2(here[..., 1], here[..., 0])
        way = np.stack([-np.sin(longitude), np.cos(longitude), np.zeros_like(longitude)], axis=-1)
        along = [(way * (axis - place * (up + here))).sum(axis=-1) for axis, place in ((east, x), (north, y))]
        return np.stack(along, axis=-1)

    def means(self, shape: Callable[[Array], Array], corners: Array) -> Array:
        """Means (T,) over triangles (T, 3, 2) [m] on the map of a ``shape`` that has its means over triangles in degrees.

        Triangles round a pole are none in degrees, and those near it no straight ones: they have the mean of seven points.
        """
        degrees = self.degrees(corners)
        degrees[..., 0] += TURN * np.round((degrees[:, :1, 0] - degrees[..., 0]) / TURN)  # a triangle over the date line hangs together
        wide = np.ptp(degrees[..., 0], axis=1) > BENT
        found = np.empty(len(corners))
        if not wide.all():
            found[~wide] = shape(degrees[~wide])
        if not wide.any():
            return found
        places = self.degrees(np.stack(quadrature.places(corners[wide]), axis=-1)).reshape(-1, 1, 2)
        speck = SPECK * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        specks = places - np.where(places[..., 1:] > 0.0, 1.0, -1.0) * speck  # with their corners away from the pole
        found[wide] = quadrature.means(shape(specks).reshape(-1, len(quadrature.WEIGHTS)))
        return found


def directions(degrees: Array) -> Array:
    """Unit vectors (..., 3) from the sphere's centre to longitudes and latitudes (..., 2) [degrees]."""
    longitude, latitude = np.radians(degrees[..., 0]), np.radians(degrees[..., 1])
    return np.stack([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], axis=-1)


def local_axes(degrees: Array) -> tuple[Array, Array, Array]:
    """Unit vectors (3,) in space, eastward and northward at a longitude and latitude (2,) [degrees], and from the centre to it."""
    up = directions(degrees)
    longitude = np.radians(degrees[0])
    east = np.array([-np.sin(longitude), np.cos(longitude), 0.0])
    return east, np.cross(up, east), up
