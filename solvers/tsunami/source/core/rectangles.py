"""Rectangles that slip in an elastic half-space, and the displacement of its surface (Okada 1985).

They are the usual model of an earthquake's fault, one or hundreds of them. Angles are in degrees: the strike clockwise from north, the
dip down to the right of it, the rake in the plane, from the strike counterclockwise (K. Aki, P. G. Richards, Quantitative Seismology,
2nd ed. 2002, fig. 4.20).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from meshes.core.chart import Chart
from meshes.core.mercator import away, check_degrees, toward, turned_on_the_way
from meshes.core.quadrature import POINTS, WEIGHTS
from pipeline.core.errors import InputError
from solvers.tsunami.source.core.ground import Ground
from solvers.tsunami.source.core.motion import Motion, Ramp, weights_between, without_negligible

Array = np.ndarray[Any, np.dtype[Any]]
Reference = Literal["top", "centre", "bottom"]

SHARE = {"top": 0.0, "centre": 0.5, "bottom": 1.0}  # of the width that lies above the reference
RADIANS = 0.5 * math.pi  # a dip or the whole of the angles below it may be meant in radians
DEEPEST, LONGEST, WIDEST, MOST_SLIP = 750e3, 3000e3, 500e3, 150.0  # [m]: what no earthquake has gone beyond
MOST_STRAIN = 5e-3  # slip over the root of the area: ten times that of great earthquakes
SHALLOW = 1e-3  # of the width: a depth below it that is not zero is one in kilometres, given for metres
FAR = 30.0  # sizes of a cell: beyond so many from a fault its middle has its mean, but for some 3e-4 of what little there is
SLANT_ALLOWED = 1e-6  # of the width by which an upper edge may stand out of the ground, for numbers are rounded


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A fault that slips: angles in degrees, all else in metres; ``x``, ``y`` and ``depth`` of the middle of ``reference``."""

    x: float
    y: float
    depth: float
    reference: Reference
    length: float
    width: float
    strike: float
    dip: float
    rake: float
    slip: float

    @property
    def top(self) -> float:
        """Depth of the upper edge [m]."""
        return self.depth - SHARE[self.reference] * self.width * math.sin(math.radians(self.dip))

    @property
    def middle_depth(self) -> float:
        """Depth of the middle [m]."""
        return self.top + 0.5 * self.width * math.sin(math.radians(self.dip))

    @property
    def row(self) -> list[float]:
        """The row of `solvers.tsunami.source.core.kernels.displace`."""
        strike, dip, rake = math.radians(self.strike), math.radians(self.dip), math.radians(self.rake)
        sine, cosine = math.sin(dip), max(math.cos(dip), 0.0)
        x, y = self.at(0.0, 1.0)
        depth = max(self.top, 0.0) + self.width * sine
        angles = (math.sin(strike), math.cos(strike), sine, cosine)
        return [x, y, *angles, depth, self.length, self.width, self.slip * math.cos(rake), self.slip * math.sin(rake)]

    def at(self, along: float, down: float) -> tuple[float, float]:
        """The place [m] above a point of the rectangle, by the shares [1] of its length along the strike and of its width down the dip."""
        strike = math.radians(self.strike)
        a = (along - 0.5) * self.length
        b = (down - SHARE[self.reference]) * self.width * math.cos(math.radians(self.dip))
        return self.x + a * math.sin(strike) + b * math.cos(strike), self.y + a * math.cos(strike) - b * math.sin(strike)

    def check(self) -> None:
        """Refuse angles and lengths out of their range.

        Raises
        ------
        InputError
            Names the value, what it is and what it can be.
        """
        ranges = (
            ("strike", self.strike, -180.0, 360.0, "degrees"),
            ("dip", self.dip, 0.0, 90.0, "degrees"),
            ("rake", self.rake, -180.0, 360.0, "degrees"),
            ("length", self.length, 0.0, LONGEST, "m"),
            ("width", self.width, 0.0, WIDEST, "m"),
            ("depth", self.depth, 0.0, DEEPEST, "m"),
            ("slip", self.slip, 0.0, MOST_SLIP, "m"),
        )
        for name, value, low, high, unit in ranges:
            if not low <= value <= high:
                raise InputError(f"{name} = {value:g} {unit}; it must be from {low:g} to {high:g} {unit}")
        if self.top < -SLANT_ALLOWED * self.width:
            raise InputError(
                f"the upper edge stands {-self.top:g} m above the ground: depth = {self.depth:g} m is that of the {self.reference}"
                f" of a rectangle {self.width:g} m wide that dips by {self.dip:g} degrees; is depth in km?"
            )

    def check_plausible(self) -> None:
        """Refuse what looks like radians for degrees, or kilometres for metres.

        Raises
        ------
        InputError
            Says what the value looks like.
        """
        if 0.0 < self.dip <= RADIANS and abs(self.rake) <= 2.0 * math.pi and abs(self.strike) <= 2.0 * math.pi:
            raise InputError(
                f"strike = {self.strike:g}, dip = {self.dip:g}, rake = {self.rake:g} degrees look like radians:"
                f" {self.dip:g} radians are {math.degrees(self.dip):.3g} degrees"
            )
        if 0.0 < self.top < SHALLOW * self.width:
            raise InputError(
                f"the upper edge of a rectangle {self.width:g} m wide is {self.top:g} m deep: is depth = {self.depth:g} in km?"
                " (one that reaches the ground has 0)"
            )


def check_all(rectangles: Sequence[Rectangle], *, unusual: bool) -> None:
    """Refuse ``rectangles`` that can't be, and unless ``unusual`` ones are allowed, those that no earthquake has.

    Raises
    ------
    InputError
        Names the first, by its number where there are several.
    """
    for number, one in enumerate(rectangles):
        try:
            one.check()
            if not unusual:
                one.check_plausible()
        except InputError as error:
            raise InputError(f"{f'rectangle {number + 1}: ' if len(rectangles) > 1 else ''}{error}{_way_out(error)}") from None
    slip, size = max(one.slip for one in rectangles), math.sqrt(sum(one.length * one.width for one in rectangles))
    if slip > MOST_STRAIN * size and not unusual:
        raise InputError(
            f"a slip of {slip:g} m on an area of {size:g} m squared is more than {MOST_STRAIN:g} of its size, which no earthquake has:"
            " are length and width in km, or the slip in cm? (unusual = true lets it pass)"
        )


def _way_out(error: InputError) -> str:
    return " (unusual = true lets it pass)" if "look like" in str(error) or "reaches the ground" in str(error) else ""


class Slip(Motion):
    """Rectangles that slip together.

    Parameters
    ----------
    rectangles
        At least one.
    poisson
        Poisson's ratio [1].
    ramp
        The share of the slip in time.
    negligible
        Displacements no larger than this are zero [m].
    slopes
        Whether the horizontal displacement of sloping ground counts: it lifts the bed by -(u . grad b), with the displacement u and the
        bed's height b (Y. Tanioka, K. Satake, Geophys. Res. Lett. 23 (1996) 861-864, DOI 10.1029/96GL00736, eq. (1), whose H is a depth).
    chart
        The map of a mesh on the sphere; the rectangles' places are longitudes and latitudes.

    Raises
    ------
    InputError
        A place is no longitude and latitude, with a map.
    """

    def __init__(
        self,
        rectangles: Sequence[Rectangle],
        poisson: float,
        ramp: Ramp,
        *,
        negligible: float = 0.0,
        slopes: bool = False,
        chart: Chart | None = None,
    ) -> None:
        self._chart, self._negligible, self._slopes = chart, negligible, slopes
        self._references = [(one.x, one.y) for one in rectangles]
        if chart:
            for place in self._references:
                check_degrees(*place)
            rectangles = [replace(one, x=0.0, y=0.0) for one in rectangles]
        self._rectangles = rectangles
        self._rows = np.array([one.row for one in rectangles])
        self._ratio = 1.0 - 2.0 * poisson  # mu / (lambda + mu)
        self._ramp = ramp
        self._groups: list[tuple[Sequence[int], Array]] = [(range(len(rectangles)), np.ones(1))]  # rectangles, and their share in shapes
        self.end, self.breaks = ramp.end, ramp.breaks

    @property
    def places(self) -> Array:
        shares = (0.0, 0.25, 0.5, 0.75, 1.0)
        ways = np.array([[one.at(along, down) for along in shares for down in shares] for one in self._rectangles])
        if self._chart:
            ways = self._chart.plane(np.stack([toward(centre, way) for centre, way in zip(self._references, ways, strict=True)]))
        return ways.reshape(-1, 2)

    def _ways(self, numbers: Sequence[int], places: Array) -> Iterator[tuple[Array, Array]]:
        """``places`` (..., 2) [m] as rectangles see them, and the rows of these; on the sphere each sees the ground along great circles."""
        if self._chart is None:
            yield np.ascontiguousarray(places), self._rows[numbers]
            return
        degrees = self._chart.degrees(places)
        for number in numbers:
            yield away(self._references[number], degrees), self._rows[[number]]

    def _sum(self, count: int, of_group: Callable[[Sequence[int]], Array]) -> Array:
        """Shapes (K, ``count``) [m] from the displacements (count,) that ``of_group`` gives of rectangles that slip together."""
        found = np.zeros((len(self._groups[0][1]), count))
        for numbers, shares in self._groups:
            found += shares[:, None] * of_group(numbers)
        return found

    def shapes(self, x: Array, y: Array) -> Array:
        return self._sum(len(x), lambda numbers: self._displacement(numbers, x, y)[:, 2])

    def means(self, corners: Array) -> Array:
        return without_negligible(self._all_means(corners), self._negligible)

    def at(self, ground: Ground, places: Array) -> Array:
        shapes = self.shapes(*places.T)
        return shapes + self._by_slopes(places, ground.rises(ground.holders(places))) if self._slopes else shapes

    def over(self, ground: Ground, cells: Array) -> Array:
        found = self._all_means(ground.corners(cells))
        if self._slopes:
            found += self._by_slopes(ground.centroids(cells), ground.rises(cells))
        return without_negligible(found, self._negligible)

    def _all_means(self, corners: Array) -> Array:
        return self._sum(len(corners), lambda numbers: self._means(numbers, corners))

    def _by_slopes(self, places: Array, rises: Array) -> Array:
        """The share of the horizontal displacement in shapes (K, N) [m] at ``places`` (N, 2) [m] where the bed ``rises`` (N, 2) [1]."""
        sloping = np.flatnonzero(rises.any(axis=1))
        x, y = places[sloping].T
        found = np.zeros((len(self._groups[0][1]), len(places)))
        found[:, sloping] = -self._sum(len(x), lambda numbers: (self._displacement(numbers, x, y)[:, :2] * rises[sloping]).sum(axis=1))
        return found

    def _means(self, numbers: Sequence[int], corners: Array) -> Array:
        """Mean displacements up (C,) [m] by the rectangles of these ``numbers``, over triangles with ``corners``."""
        from solvers.tsunami.source.core.kernels import mean_lifts  # numba, which a list of what there is needs not

        found = np.zeros(len(corners))
        for seen, rows in self._ways(numbers, corners):
            mean_lifts(seen, np.array(POINTS), np.array(WEIGHTS), rows, self._ratio, FAR, found)
        return found

    def displacement(self, x: Array, y: Array) -> Array:
        """The displacement (N, 3) [m] eastward, northward and up, of all the slip, at places ``x``, ``y`` (N,) [m]."""
        return self._displacement(range(len(self._rows)), x, y)

    def _displacement(self, numbers: Sequence[int], x: Array, y: Array) -> Array:
        from solvers.tsunami.source.core.kernels import displace  # numba, which a list of what there is needs not

        places = np.stack([x, y], axis=1)
        if self._chart is None:
            found = np.zeros((len(x), 3))
            displace(places, self._rows[numbers], self._ratio, found)
            return found
        degrees, whole = self._chart.degrees(places), np.zeros((len(x), 3))
        for number in numbers:
            found = np.zeros((len(x), 3))
            displace(away(self._references[number], degrees), self._rows[[number]], self._ratio, found)
            turn = turned_on_the_way(self._references[number], degrees)
            whole[:, 0] += np.cos(turn) * found[:, 0] + np.sin(turn) * found[:, 1]
            whole[:, 1] += np.cos(turn) * found[:, 1] - np.sin(turn) * found[:, 0]
            whole[:, 2] += found[:, 2]
        return whole

    def weights(self, t: float) -> Array:
        return np.array([self._ramp(t)])


class SlipInTurn(Slip):
    """Rectangles that slip each at its own time: their displacement at some moments, and linear in between.

    Parameters
    ----------
    rectangles
        At least one.
    poisson
        Poisson's ratio [1].
    ramps
        The share of the slip of each in time.
    moments
        How many moments, evenly from the first beginning to the last end.
    negligible
        Displacements no larger than this are zero [m].
    slopes
        Whether the horizontal displacement of sloping ground counts.
    chart
        The map of a mesh on the sphere; the rectangles' places are longitudes and latitudes.

    Raises
    ------
    InputError
        A place is no longitude and latitude, with a map.
    """

    def __init__(
        self,
        rectangles: Sequence[Rectangle],
        poisson: float,
        ramps: Sequence[Ramp],
        *,
        moments: int,
        negligible: float,
        slopes: bool = False,
        chart: Chart | None = None,
    ) -> None:
        begin, end = min(ramp.begin for ramp in ramps), max(ramp.end for ramp in ramps)
        super().__init__(rectangles, poisson, Ramp(begin, end - begin), negligible=negligible, slopes=slopes, chart=chart)
        self._times = np.linspace(begin, end, moments)
        together: dict[Ramp, list[int]] = {}
        for number, ramp in enumerate(ramps):
            together.setdefault(ramp, []).append(number)
        self._groups = [(numbers, np.array([ramp(float(t)) for t in self._times])) for ramp, numbers in together.items()]

    def weights(self, t: float) -> Array:
        return weights_between(self._times, t)
