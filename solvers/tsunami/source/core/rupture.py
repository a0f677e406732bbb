"""Rupture: rectangles slip as it reaches them, spreading evenly from a hypocentre."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from meshes.core.mercator import Mercator, away, check_degrees, toward
from solvers.tsunami.source.core.motion import Motion, Ramp
from solvers.tsunami.source.core.rectangles import Rectangle, SlipInTurn

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Spread:
    """The course of a rupture in time.

    Attributes
    ----------
    hypocentre
        The place where it begins, in the mesh's coordinates, and its depth [m].
    velocity
        Its speed [m/s].
    begin
        Time at which it begins [s].
    """

    hypocentre: tuple[float, float, float]
    velocity: float
    begin: float

    def on_plane(self, rectangles: Sequence[Rectangle]) -> Array:
        """Times (rectangles,) [s] at the rectangles' middles."""
        middles = np.array([one.at(0.5, 0.5) for one in rectangles])
        return self._times(np.hypot(*(middles - self.hypocentre[:2]).T), rectangles)

    def on_sphere(self, rectangles: Sequence[Rectangle]) -> Array:
        """The same where places are longitudes and latitudes [degrees]: distances are those along great circles.

        Raises
        ------
        InputError
            The hypocentre is at no longitude and latitude.
        """
        x, y, _ = self.hypocentre
        check_degrees(x, y)
        ways = [np.subtract(one.at(0.5, 0.5), (one.x, one.y)) for one in rectangles]
        middles = np.stack([toward((one.x, one.y), way) for one, way in zip(rectangles, ways, strict=True)])
        return self._times(np.hypot(*away((x, y), middles).T), rectangles)

    def _times(self, distances: Array, rectangles: Sequence[Rectangle]) -> Array:
        depths = np.array([one.middle_depth for one in rectangles])
        return self.begin + np.sqrt(distances**2 + (depths - self.hypocentre[2]) ** 2) / self.velocity


class Rupture(Motion):
    """Rectangles that slip as a rupture reaches them.

    Parameters
    ----------
    rectangles
        At least one.
    poisson
        Poisson's ratio [1].
    spread
        The rupture.
    rises
        The rise time of each (rectangles,) [s].
    form
        The share of the slip over the rise time.
    moments
        How many moments, evenly from the first beginning to the last end.
    negligible
        Displacements no larger than this are zero [m].
    degrees
        Whether the rectangles' places are longitudes and latitudes, which a mesh in metres has not.
    """

    def __init__(
        self,
        rectangles: Sequence[Rectangle],
        poisson: float,
        spread: Spread,
        rises: Array,
        form: Literal["linear", "cosine"],
        *,
        moments: int,
        negligible: float,
        degrees: bool = False,
    ) -> None:
        self._rectangles, self._poisson, self._spread = rectangles, poisson, spread
        self._rises, self._form = rises, form
        self._settings: dict[str, Any] = {"moments": moments, "negligible": negligible, "degrees": degrees}
        self._in_plane = self._in_turn(spread.on_plane(rectangles))
        self.end, self.breaks = self._in_plane.end, self._in_plane.breaks

    def _in_turn(self, begins: Array) -> SlipInTurn:
        ramps = [Ramp(float(begin), float(rise), self._form) for begin, rise in zip(begins, self._rises, strict=True)]
        return SlipInTurn(self._rectangles, self._poisson, ramps, **self._settings)

    @property
    def places(self) -> Array:
        return self._in_plane.places

    def shapes(self, x: Array, y: Array) -> Array:
        return self._in_plane.shapes(x, y)

    def means(self, corners: Array) -> Array:
        return self._in_plane.means(corners)

    def weights(self, t: float) -> Array:
        return self._in_plane.weights(t)

    def on_plane(self) -> Motion:
        return self._in_plane.on_plane()

    def on_sphere(self, chart: Mercator) -> Motion:
        for one in self._rectangles:
            check_degrees(one.x, one.y)
        return self._in_turn(self._spread.on_sphere(self._rectangles)).on_sphere(chart)
