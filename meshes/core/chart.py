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
        """Bring longitudes and latitudes onto the map.

        Parameters
        ----------
        degrees
            Longitudes and latitudes (..., 2) [degrees].

        Returns
        -------
        Array
            Places (..., 2) [m].
        """

    def degrees(self, places: Array) -> Array:
        """Take places on the map back to longitudes and latitudes.

        Parameters
        ----------
        places
            Places (..., 2) [m].

        Returns
        -------
        Array
            Longitudes and latitudes (..., 2) [degrees].
        """

    def stretch(self, places: Array) -> Array:
        """Give the map's lengths over those on the sphere.

        Parameters
        ----------
        places
            Places (..., 2) [m].

        Returns
        -------
        Array
            The stretching there (...,) [1].
        """

    def lengths(self, start: Array, end: Array) -> Array:
        """Measure straight lines on the map as they are on the sphere.

        Parameters
        ----------
        start
            Places (N, 2) [m].
        end
            Places (N, 2) [m].

        Returns
        -------
        Array
            Lengths on the sphere (N,) [m].
        """

    def turning(self, places: Array, rotation: float) -> Array:
        """Give what turns the water.

        Parameters
        ----------
        places
            Places (..., 2) [m].
        rotation
            Angular velocity of the sphere [1/s].

        Returns
        -------
        Array
            The Coriolis parameter [1/s] and the gradient of the stretching [1/m] (..., 3).
        """

    def eastward(self, places: Array) -> Array | None:
        """Point eastward on the map.

        Parameters
        ----------
        places
            Places (..., 2) [m].

        Returns
        -------
        Array | None
            Unit vectors (..., 2) [1]; None where all point along x.
        """

    def means(self, shape: Callable[[Array], Array], corners: Array) -> Array:
        """Take the means over triangles on the map of what is given in degrees.

        Parameters
        ----------
        shape
            Function from triangles (T, 3, 2) [degrees] to its means (T,).
        corners
            Triangles (T, 3, 2) [m].

        Returns
        -------
        Array
            The means (T,).
        """


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
