"""Dtopo: displacements of the bed over time on a grid, from a file of GeoClaw's types 1 to 3."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.chart import Chart
from pipeline.core.data import locate_file
from pipeline.core.errors import InputError
from pipeline.core.params import quantity, setting
from pipeline.reading.text_table import read_table, text_lines
from solvers.tsunami.source import Source
from solvers.tsunami.source.core.motion import Motion
from solvers.tsunami.source.core.moving_grid import MovingGrid

Array = np.ndarray[Any, np.dtype[Any]]

HEADER = ("mx", "my", "mt", "xlower", "ylower", "t0", "dx", "dy", "dt")  # of types 2 and 3: a line each
SAME = 1e-6  # of the step between two points, by which numbers that are written may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Source):
    """A grid of displacements over time, in the mesh's coordinates."""

    file: str = setting("GeoClaw's dtopo of type 1, 2 or 3, which its contents tell apart; places in metres, on the globe in degrees")
    time: float = quantity("s", "time of the run to which the file's times are added", default=0.0, low=0.0)
    negligible: float = quantity("m", "a cell that never moves by more than this does not move", default=0.0, low=0.0)

    def motion(self, folder: Path, chart: Chart | None = None) -> Motion:
        """The motion of the bed.

        Raises
        ------
        InputError
            There is no such file, or it is none of these types, or its grid is not whole.
        """
        path = locate_file(self.file, folder)
        first = text_lines(path)[0].split()
        read = _columns if len(first) >= 4 else _grids
        times, x, y, values = read(path)
        if times[0] + self.time < 0.0:
            raise InputError(f"{path.name} begins at t = {times[0]:g} s, before the run: add to it by time")
        return MovingGrid(path.name, times + self.time, x, y, values, negligible=self.negligible, chart=chart)


def _columns(path: Path) -> tuple[Array, Array, Array, Array]:
    """Type 1: lines of t, x, y and the displacement, in any order."""
    table = read_table(path, 4).values
    axes = [_distinct(table[:, column]) for column in range(3)]
    (times, k), (x, i), (y, j) = axes
    values = np.full((len(times), len(y), len(x)), np.nan)
    values[k, j, i] = table[:, 3]
    if len(table) != values.size:
        raise InputError(f"{path.name}: {len(table)} lines are no grid of {len(x)} by {len(y)} points at {len(times)} times")
    return times, x, y, values


def _distinct(numbers: Array) -> tuple[Array, Array]:
    """The rising values among ``numbers`` (N,), those that differ by their last digits taken for one, and which of them each is (N,)."""
    values, which = np.unique(numbers, return_inverse=True)
    steps = np.diff(values)
    begins = np.concatenate([[True], steps > SAME * steps.max(initial=0.0)])
    return values[begins], (np.cumsum(begins) - 1)[which]


def _grids(path: Path) -> tuple[Array, Array, Array, Array]:
    """Types 2 and 3: a header, then for each time rows from north to south, a value or a row to a line."""
    lines = text_lines(path)
    header = [_number(path, number, line) for number, line in enumerate(lines[: len(HEADER)], 1)]
    if len(header) < len(HEADER):
        raise InputError(f"{path.name} is no dtopo: it has {len(header)} of the {len(HEADER)} lines of the header")
    mx, my, mt = (int(value) for value in header[:3])
    if min(mx, my, mt) < 1 or [float(mx), float(my), float(mt)] != header[:3]:
        raise InputError(f"{path.name}: mx, my, mt are {header[0]:g}, {header[1]:g}, {header[2]:g}; they must be whole and 1 or more")
    xlower, ylower, t0, dx, dy, dt = header[3:]
    words = " ".join(lines[len(HEADER) :]).replace("D", "E").replace("d", "e").split()
    if len(words) != mx * my * mt:
        raise InputError(f"{path.name} has {len(words)} displacements, not mx my mt = {mx * my * mt}")
    try:
        values = np.array(words, float).reshape(mt, my, mx)[:, ::-1]
    except ValueError as error:
        raise InputError(f"{path.name}: {error}") from None
    return t0 + dt * np.arange(mt), xlower + dx * np.arange(mx), ylower + dy * np.arange(my), values


def _number(path: Path, number: int, line: str) -> float:
    """The number of a line of the header, which stands before or after its name."""
    for word in line.replace("=", " ").replace(":", " ").split():
        try:
            return float(word.replace("D", "E").replace("d", "e"))
        except ValueError:
            continue
    raise InputError(f"{path.name}, line {number}: there is no number for {HEADER[number - 1]}")
