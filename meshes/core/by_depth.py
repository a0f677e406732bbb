"""Edge lengths by the depth of the water: as many to a wavelength everywhere, in long waves of a period T.

size = sqrt(g h) T / N,    finest <= size <= coarsest,    |grad size| <= growth
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from meshes.core.mercator import RADIUS, TURN
from pipeline.core.errors import InputError
from pipeline.core.params import quantity, setting
from pipeline.core.remarks import unsaid

Array = np.ndarray[Any, np.dtype[Any]]

GRAVITY = 9.81  # [m/s^2]
PIXELS = 4_000_000  # at most, of the map of lengths
LAPS = 2  # of the limit's way over the map, there and back


@dataclass(frozen=True, slots=True)
class ByDepth:
    """Edges of as many to a wavelength, whatever the depth; land far from water has the coarsest."""

    period: float = quantity("s", "period of the waves that the mesh is for", above=0.0)
    finest: float = quantity("m", "shortest edge, in the shallowest water", above=0.0)
    points: float = setting("edges to a wavelength [1]", default=30.0)
    growth: float = setting("by which edges lengthen with distance at most [1]", default=0.15)

    def __post_init__(self) -> None:
        if not self.points >= 4.0:
            raise InputError(f"points = {self.points:g}; a wavelength has at least 4")
        if not 0.0 < self.growth <= 1.0:
            raise InputError(f"growth = {self.growth:g}; it must be above 0 and at most 1")

    def wanted(
        self, width: float, height: float, bed: Callable[[Array], Array], stretching: Callable[[Array], Array], coarsest: float
    ) -> Callable[[Array, Array], Array]:
        """Give the edge lengths on a map.

        Parameters
        ----------
        width
            Extent of the map eastward [m].
        height
            Extent of the map northward [m].
        bed
            Mean heights of the bed (T,) [m] over triangles (T, 3, 2) [m] of the map, positive up.
        stretching
            The map's lengths over the ground's (N,) [1] at places (N, 2) [m].
        coarsest
            The longest edge on the ground [m].

        Returns
        -------
        Callable
            The function from places x, y [m] on the map to edge lengths there [m], on the map.

        Raises
        ------
        InputError
            The finest edge is longer than the coarsest.
        """
        self._check(coarsest)
        spacing = max(self.finest, np.sqrt(width * height / PIXELS))
        columns, rows = max(round(width / spacing), 2), max(round(height / spacing), 2)
        step = np.array([width / columns, height / rows])
        corners = pixels(columns, rows) * step
        lengths = self._lengths(halved_means(bed, corners, step), coarsest) * stretching(corners + 0.5 * step)
        return between(limited(lengths.reshape(rows, columns), np.full(rows, self.growth * step[0]), self.growth * step[1]), step)

    def wanted_on_globe(self, bed: Callable[[Array], Array], coarsest: float) -> Callable[[Array], Array]:
        """Give the edge lengths on the whole sphere.

        Parameters
        ----------
        bed
            Mean heights of the bed (T,) [m] over triangles (T, 3, 2) [degrees], positive up.
        coarsest
            The longest edge [m].

        Returns
        -------
        Callable
            The function from longitudes and latitudes (..., 2) [degrees] to edge lengths there (...,) [m].

        Raises
        ------
        InputError
            The finest edge is longer than the coarsest.
        """
        self._check(coarsest)
        rows = int(min(np.ceil(np.pi * RADIUS / self.finest), np.sqrt(PIXELS / 2)))
        step = 0.5 * TURN / rows
        west, south = -0.5 * TURN, -0.25 * TURN
        corners = pixels(2 * rows, rows) * step + [west, south]
        lengths = self._lengths(halved_means(bed, corners, np.array([step, step])), coarsest).reshape(rows, 2 * rows)
        beyond = rows // 2  # columns of a quarter turn, that go on round the globe
        northward = np.radians(step) * RADIUS
        eastward = northward * np.cos(np.radians(south + (np.arange(rows) + 0.5) * step))
        found = limited(np.pad(lengths, ((0, 0), (beyond, beyond)), mode="wrap"), self.growth * eastward, self.growth * northward)
        at = between(found, np.array([step, step]))

        def wanted(degrees: Array) -> Array:
            east = (degrees[..., 0] - west) % TURN
            return at(east + beyond * step, degrees[..., 1] - south)

        return wanted

    def _check(self, coarsest: float) -> None:
        if self.finest > coarsest:
            raise InputError(f"by_depth.finest = {self.finest:g} m is more than size = {coarsest:g} m")

    def _lengths(self, heights: Array, coarsest: float) -> Array:
        """Edge lengths [m] by ``heights`` [m] of the bed, before their growth is limited."""
        lengths = np.sqrt(GRAVITY * np.maximum(-heights, 0.0)) * self.period / self.points
        return np.where(heights < 0.0, np.clip(lengths, self.finest, coarsest), coarsest)


def pixels(columns: int, rows: int) -> Array:
    """South-western corners (rows columns, 2) of pixels, in pixels, row by row from the south."""
    j, i = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    return np.stack([i, j], axis=-1).reshape(-1, 2)


def halved_means(bed: Callable[[Array], Array], corners: Array, step: Array) -> Array:
    """Means (N,) of the ``bed`` over pixels with south-western ``corners`` (N, 2) and sides ``step`` (2,), by their two halves."""
    halves = np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]]) * step
    with unsaid():
        return np.asarray(0.5 * sum(bed(corners[:, None, :] + half) for half in halves))


def between(values: Array, step: Array) -> Callable[[Array, Array], Array]:
    """The bilinear function through ``values`` (rows, columns) at the middles of pixels of ``step`` (2,); beyond them the nearest."""
    from scipy.ndimage import map_coordinates  # loads for long, and only ranks make meshes

    def at(x: Array, y: Array) -> Array:
        place = [np.ravel(y) / step[1] - 0.5, np.ravel(x) / step[0] - 0.5]
        return np.asarray(map_coordinates(values, place, order=1, mode="nearest").reshape(np.shape(x)))

    return at


def limited(lengths: Array, eastward: Array, northward: float) -> Array:
    """``lengths`` (rows, columns), none longer than a neighbour's by more than ``eastward`` (rows,) or ``northward``."""
    found = lengths.copy()
    columns = np.arange(found.shape[1])
    for lap in range(2 * LAPS):
        way, rises = (found, eastward) if lap % 2 == 0 else (found[::-1], eastward[::-1])
        before = np.full(found.shape[1], np.inf)
        for row, rise in zip(way, rises, strict=True):
            aslant, slope = float(np.hypot(rise, northward)), rise * columns
            np.minimum(row, before + northward, out=row)
            np.minimum(row[1:], before[:-1] + aslant, out=row[1:])
            np.minimum(row[:-1], before[1:] + aslant, out=row[:-1])
            np.minimum(row, np.minimum.accumulate(row - slope) + slope, out=row)
            np.minimum(row, (np.minimum.accumulate(row[::-1] - slope) + slope)[::-1], out=row)
            before = row
    return found
