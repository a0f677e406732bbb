"""Edge lengths by the depth of the water: as many to a wavelength everywhere, in long waves of a period T.

size = sqrt(g h) T / N,    finest <= size <= coarsest,    |grad size| <= growth
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

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
        from scipy.ndimage import map_coordinates  # loads for long, and only ranks make meshes

        if self.finest > coarsest:
            raise InputError(f"by_depth.finest = {self.finest:g} m is more than size = {coarsest:g} m")
        spacing = max(self.finest, np.sqrt(width * height / PIXELS))
        columns, rows = max(round(width / spacing), 2), max(round(height / spacing), 2)
        step = np.array([width / columns, height / rows])
        j, i = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
        places = np.stack([i, j], axis=-1).reshape(-1, 2) * step
        halves = np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]]) * step
        with unsaid():
            heights = 0.5 * sum(bed(places[:, None, :] + half) for half in halves)
        lengths = np.sqrt(GRAVITY * np.maximum(-heights, 0.0)) * self.period / self.points
        lengths = np.where(heights < 0.0, np.clip(lengths, self.finest, coarsest), coarsest) * stretching(places + 0.5 * step)
        limited = _limited(lengths.reshape(rows, columns), self.growth * step)

        def at(x: Array, y: Array) -> Array:
            place = [np.ravel(y) / step[1] - 0.5, np.ravel(x) / step[0] - 0.5]
            return np.asarray(map_coordinates(limited, place, order=1, mode="nearest").reshape(np.shape(x)))

        return at


def _limited(lengths: Array, rise: Array) -> Array:
    """``lengths`` (rows, columns), none longer than a neighbour's by more than ``rise`` (2,), eastward and northward."""
    found = lengths.copy()
    slope = rise[0] * np.arange(found.shape[1])
    aslant = float(np.hypot(*rise))
    for lap in range(2 * LAPS):
        way = found if lap % 2 == 0 else found[::-1]
        before = np.full(found.shape[1], np.inf)
        for row in way:
            np.minimum(row, before + rise[1], out=row)
            np.minimum(row[1:], before[:-1] + aslant, out=row[1:])
            np.minimum(row[:-1], before[1:] + aslant, out=row[:-1])
            np.minimum(row, np.minimum.accumulate(row - slope) + slope, out=row)
            np.minimum(row, (np.minimum.accumulate(row[::-1] - slope) + slope)[::-1], out=row)
            before = row
    return found
