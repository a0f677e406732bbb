"""Box: evenly spaced points on a line, a plane or in a cube that repeats itself."""

import math
from dataclasses import dataclass
from pathlib import Path

from meshes.core.box import KINDS, Box
from pipeline.core.errors import InputError
from pipeline.core.params import quantity, setting

LEAST, LARGEST, LARGEST_CUBE = 8, 100_000_000, 4096**3  # points
SHORTEST, LONGEST = 1e-30, 1e30  # lengths, so that the fourth powers of all wavenumbers are numbers
MOST_SLENDER = 1e6  # sides' ratio: shells of wavenumbers are as wide as the longest side's lowest, and all are counted


@dataclass(frozen=True, slots=True)
class Params:
    """A line, with two numbers a plane, with three a cube; x first."""

    length: float | tuple[float, ...] = quantity("dimensionless", "period; two numbers for a plane, three for a cube", above=0.0)
    points: int | tuple[int, ...] = setting("number of points, 8 or more along each axis; two numbers for a plane, three for a cube")

    def __post_init__(self) -> None:
        lengths, points = _each(self.length), _each(self.points)
        if len(lengths) != len(points) or len(points) not in (1, 2, 3):
            raise InputError(f"length has {len(lengths)} number(s), points {len(points)}; both must have one, both two or both three")
        if not all(SHORTEST <= length <= LONGEST for length in lengths):
            raise InputError(f"length = {self.length}; each must be between {SHORTEST:g} and {LONGEST:g}")
        if max(lengths) > MOST_SLENDER * min(lengths):
            raise InputError(f"length = {self.length}; the longest side can be {MOST_SLENDER:g} times the shortest at most")
        most = LARGEST_CUBE if len(points) == 3 else LARGEST
        if min(points) < LEAST or math.prod(points) > most:
            raise InputError(f"points = {self.points}; there must be at least {LEAST} along each axis, and {most:,} in all at most")


def kind_of(params: Params) -> str:
    """The kind of the box: line, plane or cube."""
    return KINDS[len(_each(params.length)) - 1]


def build(params: Params, *, folder: Path) -> Box:
    """Make the box.

    Parameters
    ----------
    params
        The case's table ``mesh``.
    folder
        The case's folder; no file is read.

    Returns
    -------
    Box
        A line, a plane or a cube, its lengths in the solver's own unit.
    """
    return Box(tuple(float(length) for length in _each(params.length)), tuple(int(count) for count in _each(params.points)))


def _each(value: float | tuple[float, ...]) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)
