"""A periodic box of one, two or three axes, with evenly spaced points, for spectral solvers."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

KINDS = ("line", "plane", "cube")  # by the number of axes


@dataclass(frozen=True, slots=True)
class Box:
    """A line (one axis), a plane (two) or a cube (three, of any lengths).

    x is the first axis of ``lengths`` and ``points``, and the last of a stored field.
    """

    lengths: tuple[float, ...]  # (axes,) period along x, y, z; in the solver's own unit
    points: tuple[int, ...]  # (axes,)

    @property
    def kind(self) -> str:
        return KINDS[len(self.points) - 1]

    @property
    def dofs(self) -> tuple[int, ...]:
        return self.points[::-1]

    @property
    def hash(self) -> str:
        """SHA-256 of lengths and points."""
        return hashlib.sha256(repr((self.lengths, self.points)).encode()).hexdigest()

    def coordinates(self, axis: int) -> Array:
        """Coordinates of the points along ``axis`` (points,): the first at 0."""
        return np.arange(self.points[axis]) * self.lengths[axis] / self.points[axis]

    def arrays(self) -> dict[str, Array]:
        """The arrays of ``/mesh`` by name."""
        return {**{"xyz"[axis]: self.coordinates(axis) for axis in range(len(self.points))}, "length": np.array(self.lengths)}

    def share(self, comm: Any, groups: Any = None) -> None:
        """A box is not cut: its sharing among ranks is the solver's matter, such as an ensemble's members."""
