"""Rasters of the bed: text or NetCDF, integrated exactly over triangles.

Between its points a raster is bilinear. Its mean over a triangle is the exact integral of that over the triangle's share of
every pixel, so that no volume is lost or made, whatever the sizes of pixels and triangles.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline.data import locate_file
from pipeline.errors import InputError
from pipeline.params import setting

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Raster:
    """A regular grid of heights or depths from a file."""

    file: str = setting("text of x y z columns, or NetCDF with two coordinates and one variable")
    positive: Literal["up", "down"] = setting("whether z is a height (up) or a depth (down)", default="up")
    scale: float = setting("factor from the file's unit of z to m", default=1.0)
    variable: str | None = setting("NetCDF variable; unset: the only one on two dimensions", default=None)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Heights [m] at the crossings of rising ``x`` (M,) and ``y`` (N,) [m], evenly spaced."""

    x: Array
    y: Array
    z: Array  # (M, N)
    name: str

    def means(self, corners: Array) -> Array:
        """Means (T,) of the bilinear surface over triangles with ``corners`` (T, 3, 2).

        Raises
        ------
        InputError
            A triangle reaches out of the grid.
        """
        from meshes.core.kernels import integrate  # the kernels load only when a mesh needs them

        low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
        slack = 1e-6 * np.array([self.x[1] - self.x[0], self.y[1] - self.y[0]])
        if (low < np.array([self.x[0], self.y[0]]) - slack).any() or (high > np.array([self.x[-1], self.y[-1]]) + slack).any():
            raise InputError(
                f"{self.name} covers ({self.x[0]:g}, {self.y[0]:g}) to ({self.x[-1]:g}, {self.y[-1]:g}) m; "
                f"the mesh spans ({low[0]:g}, {low[1]:g}) to ({high[0]:g}, {high[1]:g}) m"
            )
        dx = (self.x[-1] - self.x[0]) / (len(self.x) - 1)
        dy = (self.y[-1] - self.y[0]) / (len(self.y) - 1)
        pixels = (corners - [self.x[0], self.y[0]]) / [dx, dy]
        out = np.empty(len(corners))
        integrate(np.ascontiguousarray(pixels), self.z, out)
        return out


def read(asked: Raster, folder: Path) -> Grid:
    """The grid in the file that a case asks for.

    Raises
    ------
    InputError
        No such file, points that do not make a regular grid, or a hole: the message says where.
    """
    path = locate_file(asked.file, folder)
    x, y, z = _read_netcdf(path, asked.variable) if path.suffix in (".nc", ".nc4", ".grd") else _read_text(path)
    holes = np.argwhere(~np.isfinite(z))
    if len(holes):
        i, j = holes[0]
        raise InputError(f"{path.name} has {len(holes)} hole(s), the first at ({x[i]:g}, {y[j]:g}) m: fill them first")
    return Grid(x, y, np.ascontiguousarray(z * (asked.scale if asked.positive == "up" else -asked.scale)), path.name)


def _read_text(path: Path) -> tuple[Array, Array, Array]:
    """Columns x y z in any order of lines; lines that are no numbers are passed over."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    first = next((i for i, line in enumerate(lines) if _is_row(line)), len(lines))
    try:
        table = np.loadtxt(lines[first:], ndmin=2)
    except ValueError as error:
        raise InputError(f"{path.name} is no table of x y z: {error}") from None
    if table.size == 0 or table.shape[1] != 3:
        raise InputError(f"{path.name} is no table of three columns x y z")
    x, column = np.unique(table[:, 0], return_inverse=True)
    y, row = np.unique(table[:, 1], return_inverse=True)
    for name, values in (("x", x), ("y", y)):
        _check_even(path, name, values)
    z = np.full((len(x), len(y)), np.nan)
    z[column, row] = table[:, 2]
    return x, y, z


def _is_row(line: str) -> bool:
    try:
        return len([float(word) for word in line.split()]) == 3
    except ValueError:
        return False


def _read_netcdf(path: Path, variable: str | None) -> tuple[Array, Array, Array]:
    import xarray

    with xarray.open_dataset(path) as data:
        on_two = [str(name) for name, v in data.data_vars.items() if v.ndim == 2]
        chosen = variable or (on_two[0] if len(on_two) == 1 else None)
        if chosen not in data:
            raise InputError(
                f"{path.name} has no variable {chosen!r}; name one: {', '.join(on_two)}"
                if variable
                else f"{path.name} has {len(on_two)} variables on two dimensions; name one with variable = ...: {', '.join(on_two)}"
            )
        down, across = data[chosen].dims
        table = data[chosen].sortby(across).sortby(down)
        x, y = (np.asarray(table[d].values, float) for d in (across, down))
        z = np.asarray(table.values, float).T
    for name, values in ((str(across), x), (str(down), y)):
        _check_even(path, name, values)
    return x, y, z


def _check_even(path: Path, name: str, values: Array) -> None:
    steps = np.diff(values)
    if len(values) < 2 or steps.max() > 1.01 * steps.min():
        raise InputError(f"{path.name}: its {name} are not evenly spaced, so it is no regular grid (or has whole lines missing)")
