"""Box: evenly spaced points on a line or a plane that repeats itself."""

import math
from dataclasses import dataclass
from pathlib import Path

from meshes.core.box import Box
from pipeline.errors import InputError
from pipeline.params import quantity, setting

LEAST, LARGEST = 8, 100_000_000  # points


@dataclass(frozen=True, slots=True)
class Params:
    """A line, or with two numbers a plane; x first."""

    length: float | tuple[float, ...] = quantity("dimensionless", "period; two numbers for a plane", above=0.0)
    points: int | tuple[int, ...] = setting("number of points; two numbers for a plane")

    def __post_init__(self) -> None:
        lengths, points = _each(self.length), _each(self.points)
        if len(lengths) != len(points) or len(points) not in (1, 2):
            raise InputError(f"length has {len(lengths)} number(s), points {len(points)}; both must have one, or both two")
        if min(points) < LEAST or math.prod(points) > LARGEST:
            raise InputError(f"points = {self.points}; there must be at least {LEAST} along each axis, and {LARGEST:,} in all at most")


def build(params: Params, *, folder: Path) -> Box:
    """The box."""
    return Box(tuple(float(length) for length in _each(params.length)), tuple(int(count) for count in _each(params.points)))


def _each(value: float | tuple[float, ...]) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)
