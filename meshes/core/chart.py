"""Maps of the sphere that are conformal: a place's lengths are stretched alike in all directions, so that angles are those on the globe.

The solver's equations hold on any of them, with edges and areas as they are on the sphere.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

GAUSS = ((-np.sqrt(0.6), 5.0 / 18.0), (0.0, 8.0 / 18.0), (np.sqrt(0.6), 5.0 / 18.0))  # points on (-1, 1) and weights: exact for degree 5


class Chart(Protocol):
    """A map; `meshes.core.mercator.Mercator` and `meshes.core.stereographic.Stereographic` are such."""

    def plane(self, degrees: Array) -> Array:
        """Places (..., 2) [m] on the map of longitudes and latitudes (..., 2) [degrees]."""

    def degrees(self, places: Array) -> Array:
        """Longitudes and latitudes (..., 2) [degrees] of places (..., 2) [m] on the map."""

    def stretch(self, places: Array) -> Array:
        """The map's lengths over those on the sphere [1] (...,) at places (..., 2) [m]."""

    def lengths(self, start: Array, end: Array) -> Array:
        """Lengths on the sphere [m] (N,) of straight lines on the map between places (N, 2) [m]."""

    def turning(self, places: Array, rotation: float) -> Array:
        """The Coriolis parameter [1/s] and the gradient of the stretching [1/m], (..., 3), at places (..., 2) [m].

        ``rotation`` [1/s] is the angular velocity of the sphere.
        """

    def eastward(self, places: Array) -> Array | None:
        """Unit vectors (..., 2) on the map that point eastward at places (..., 2) [m]; None where all point along x."""

    def means(self, shape: Callable[[Array], Array], corners: Array) -> Array:
        """Means (T,) over triangles (T, 3, 2) [m] on the map of a ``shape`` that has its means over triangles in degrees."""


def lengths_on(chart: Chart, start: Array, end: Array) -> Array:
    """Lengths on the sphere [m] (N,) of straight lines on the map between places (N, 2) [m]."""
    straight = np.hypot(*(end - start).T)
    share = sum(weight / chart.stretch(0.5 * (start + end) + 0.5 * at * (end - start)) for at, weight in GAUSS)
    found: Array = straight * share
    return found


def along_east(vectors: Array, eastward: Array) -> Array:
    """Parts eastward and northward (N, 2) of ``vectors`` (N, 2) along a map's axes, where unit vectors ``eastward`` (N, 2) point east."""
    east = eastward[:, 0] * vectors[:, 0] + eastward[:, 1] * vectors[:, 1]
    return np.stack([east, eastward[:, 0] * vectors[:, 1] - eastward[:, 1] * vectors[:, 0]], axis=1)
