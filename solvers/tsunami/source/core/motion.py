"""A motion of the bed: shapes in space, each with a weight in time."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from meshes.core import quadrature
from solvers.tsunami.source.core.ground import Ground

Array = np.ndarray[Any, np.dtype[Any]]

AT_ONCE = 2**14  # cells whose means are taken together


class Motion(ABC):
    """Displacement of the bed [m], up: the sum of `shapes`, which depend on the place, by `weights`, which depend on the time.

    Attributes
    ----------
    end
        The time from which on nothing moves [s].
    breaks
        Times at which the bed begins or ends to move, or moves at once [s].
    """

    end: float
    breaks: Sequence[float] = ()

    @property
    @abstractmethod
    def places(self) -> Array:
        """Places (P, 2) [m] all over the source: where it lies, for one who asks whether the mesh holds it."""

    @abstractmethod
    def shapes(self, x: Array, y: Array) -> Array:
        """Give the shapes at places: the same bits whatever places stand beside.

        Parameters
        ----------
        x
            Places eastward (N,) [m].
        y
            Places northward (N,) [m].

        Returns
        -------
        Array
            Each shape at each place (K, N) [m].
        """

    @abstractmethod
    def weights(self, t: float) -> Array:
        """Give the weights at a time.

        Parameters
        ----------
        t
            The time [s].

        Returns
        -------
        Array
            The weight of each shape (K,) [1].
        """

    def means(self, corners: Array) -> Array:
        """Take means of the shapes over triangles, by seven points each.

        Parameters
        ----------
        corners
            Corners of the triangles (C, 3, 2) [m].

        Returns
        -------
        Array
            The mean of each shape over each triangle (K, C) [m].
        """
        parts = []
        for first in range(0, max(len(corners), 1), AT_ONCE):
            x, y = quadrature.places(corners[first : first + AT_ONCE])
            parts.append(np.stack([quadrature.means(shape.reshape(x.shape)) for shape in self.shapes(x.ravel(), y.ravel())]))
        return np.concatenate(parts, axis=1)

    def at(self, ground: Ground, places: Array) -> Array:
        """Give the shapes at places of a ground that may slope.

        Parameters
        ----------
        ground
            The ground before it moves.
        places
            Places (N, 2) [m].

        Returns
        -------
        Array
            Each shape at each place (K, N) [m].
        """
        return self.shapes(places[:, 0], places[:, 1])

    def over(self, ground: Ground, cells: Array) -> Array:
        """Take means of the shapes over cells of a ground that may slope. Collective.

        Parameters
        ----------
        ground
            The ground before it moves.
        cells
            Numbers of cells of its mesh (C,).

        Returns
        -------
        Array
            The mean of each shape over each cell (K, C) [m].
        """
        return self.means(ground.corners(cells))


@dataclass(frozen=True, slots=True)
class Ramp:
    """The share [1] of a displacement that is there: 0 before ``begin`` [s], 1 from ``rise`` [s] later on."""

    begin: float
    rise: float
    form: Literal["linear", "cosine"] = "linear"

    def __call__(self, t: float) -> float:
        """The share at time ``t`` [s]."""
        if t >= self.end:
            return 1.0
        if t <= self.begin:
            return 0.0
        share = (t - self.begin) / self.rise
        return share if self.form == "linear" else float(0.5 - 0.5 * np.cos(np.pi * share))

    @property
    def end(self) -> float:
        """The time from which on all is there [s]."""
        return self.begin + self.rise

    @property
    def breaks(self) -> tuple[float, float]:
        """The times at which it begins and ends [s]."""
        return self.begin, self.end


def without_negligible(shapes: Array, negligible: float) -> Array:
    """``shapes`` (K, C) [m], zero in cells where none is larger than ``negligible`` [m]."""
    shapes[:, (np.abs(shapes) <= negligible).all(axis=0)] = 0.0
    return shapes


def weights_between(times: Array, t: float) -> Array:
    """Weights (K,) [1] of values at rising ``times`` (K,) [s] in their linear course: none before the first, the last one from then on."""
    found = np.zeros(len(times))
    if t >= times[-1]:
        found[-1] = 1.0
    elif t >= times[0]:
        at = int(np.searchsorted(times, t, "right"))
        share = (t - times[at - 1]) / (times[at] - times[at - 1])
        found[at - 1], found[at] = 1.0 - share, share
    return found
