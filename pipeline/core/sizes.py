"""Map of wanted edge lengths over a rectangle, as rows of letters: ``a`` is the finest, each next letter a quarter of an octave coarser.

It stands in a case as a picture, the north above, so that the case alone defines the mesh.
"""

import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.params import quantity, setting

Array = np.ndarray[Any, np.dtype[Any]]

LETTERS = string.ascii_lowercase
PARTS = 4  # of an octave, from letter to letter
MOST = 128  # letters along a side: HDF5 holds a case of 64 kB


@dataclass(frozen=True, slots=True)
class Sizes:
    """Wanted edge lengths on a raster of even pixels."""

    finest: float = quantity("m", "edge length where the letter is a", above=0.0)
    rows: tuple[str, ...] = setting("letters from west to east, the northernmost row first")

    def __post_init__(self) -> None:
        if not self.rows or not self.rows[0] or len({len(row) for row in self.rows}) > 1:
            raise InputError("rows must be one or more texts of equal length")
        if wrong := set("".join(self.rows)) - set(LETTERS):
            raise InputError(f"rows has the sign {min(wrong)!r}; it can have a to z")

    @property
    def values(self) -> Array:
        """Edge lengths (rows, columns) [m] of the pixels, the southernmost row first."""
        steps = np.array([[LETTERS.index(letter) for letter in row] for row in reversed(self.rows)])
        return np.asarray(self.finest * 2.0 ** (steps / PARTS))

    def wanted(self, width: float, height: float) -> Callable[[Array, Array], Array]:
        """The function from places x, y [m] in (0, width) x (0, height) to edge lengths [m], linear in their logarithms between pixels."""
        from scipy.ndimage import map_coordinates  # loads for long, and only ranks make meshes

        levels = np.log2(self.values)
        rows, columns = levels.shape

        def at(x: Array, y: Array) -> Array:
            place = [np.ravel(y) * (rows / height) - 0.5, np.ravel(x) * (columns / width) - 0.5]
            return np.asarray(2.0 ** map_coordinates(levels, place, order=1, mode="nearest").reshape(np.shape(x)))

        return at


def as_table(values: Array) -> dict[str, Any]:
    """The table of a case that says the edge lengths ``values`` (rows, columns) [m], the southernmost row first, to the nearest letter.

    Lengths beyond the last letter are those of the last.
    """
    finest = float(values.min())
    steps = np.minimum(np.rint(PARTS * np.log2(values / finest)).astype(int), len(LETTERS) - 1)
    return {"finest": finest, "rows": ["".join(LETTERS[step] for step in row) for row in steps[::-1]]}
