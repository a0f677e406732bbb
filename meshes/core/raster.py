"""Rasters of the bed, from files of many kinds, integrated exactly over triangles.

Between its points a raster is bilinear. Its mean over a triangle is the exact integral of that over the triangle's share of
every pixel, so that no volume is lost or made, whatever the sizes of pixels and triangles.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from meshes.core.mercator import TURN
from meshes.core.raster_gdal import read_gdal
from meshes.core.raster_netcdf import read_netcdf
from meshes.core.raster_text import is_ascii_grid, read_ascii_grid, read_points, read_rows
from meshes.core.relief import Relief, coordinate, heights
from pipeline.core.data import locate_file
from pipeline.core.errors import InputError
from pipeline.core.params import quantity, setting
from pipeline.core.remarks import remark
from pipeline.reading.missing import first_place
from pipeline.reading.series import HIGHEST
from pipeline.reading.text_table import bytes_of, text_lines

Array = np.ndarray[Any, np.dtype[Any]]

HDF5 = b"\x89HDF\r\n\x1a\n"
NETCDF3 = (b"CDF\1", b"CDF\2")
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
SURFER = (b"DSAA", b"DSBB", b"DSRB")
STEEP = 10.0  # times a raster's extent, that no height on it is
FORMATS = "NetCDF (CF, GMT), GeoTIFF, ESRI ASCII grids, Surfer grids, and text of x y z columns or, with x and y, of rows"


@dataclass(frozen=True, slots=True)
class AxisFile:
    """A text file of coordinates."""

    file: str = setting("a number to a line")


@dataclass(frozen=True, slots=True)
class Raster:
    """A regular grid of heights or depths from a file.

    Raises
    ------
    InputError
        One of ``x`` and ``y`` is missing, or there is a variable with them.
    """

    file: str = setting(FORMATS)
    positive: Literal["up", "down"] | None = setting(
        "whether z is a height (up) or a depth (down); unset: what the file says, else up", default=None
    )
    scale: float | None = setting("factor from the file's unit of z to m [1]; unset: by the file's units", default=None)
    variable: str | None = setting("NetCDF variable or GeoTIFF band; unset: the only one on two dimensions", default=None)
    missing: tuple[float, ...] | None = setting(
        "values that stand for missing beside those that the file declares, and no others; unset: the usual ones, such as -9999",
        default=None,
    )
    highest: float = quantity("m", "a height or depth beyond it is refused", default=HIGHEST, above=0.0)
    x: AxisFile | None = setting("the columns' coordinates, of a text of bare rows of values", default=None)
    y: AxisFile | None = setting("the rows' coordinates, of such a text", default=None)
    crs: str | None = setting("its coordinate reference system, such as EPSG:4326; unset: what the file says", default=None)

    def __post_init__(self) -> None:
        if (self.x is None) != (self.y is None):
            raise InputError("x and y want each other: the coordinates of a text of rows of values")
        if self.x and self.variable:
            raise InputError("a text of rows of values has no variable")


@dataclass(frozen=True, slots=True, eq=False)
class HeightGrid:
    """Heights [m] at the crossings of rising ``x`` (M,) and ``y`` (N,) [m], evenly spaced."""

    x: Array
    y: Array
    z: Array  # (M, N) nan where missing
    name: str
    stands: str = ""  # what stands in the file where a height is missing
    inset: float = 0.0  # of a step, by which the grid ends inside its outermost points
    unit: str = "m"  # of x and y
    crs: str = ""  # the coordinate reference system, where case or file say it

    def means(self, corners: Array) -> Array:
        """Means (T,) of the bilinear surface over triangles with ``corners`` (T, 3, 2).

        Raises
        ------
        InputError
            A triangle reaches out of the grid, or lies where heights are missing.
        """
        from meshes.core.kernels import integrate  # the kernels load only when a mesh needs them

        low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
        step = np.array([self.x[1] - self.x[0], self.y[1] - self.y[0]])
        first, last = np.array([self.x[0], self.y[0]]) + self.inset * step, np.array([self.x[-1], self.y[-1]]) - self.inset * step
        slack = 1e-6 * step
        if (low < first - slack).any() or (high > last + slack).any():
            raise InputError(
                f"{self.name} covers ({first[0]:g}, {first[1]:g}) to ({last[0]:g}, {last[1]:g}) {self.unit}; "
                f"the mesh spans ({low[0]:g}, {low[1]:g}) to ({high[0]:g}, {high[1]:g}) {self.unit}"
            )
        dx = (self.x[-1] - self.x[0]) / (len(self.x) - 1)
        dy = (self.y[-1] - self.y[0]) / (len(self.y) - 1)
        pixels = (corners - [self.x[0], self.y[0]]) / [dx, dy]
        out = np.empty(len(corners))
        integrate(np.ascontiguousarray(pixels), self.z, out)
        if not np.isfinite(out).all():
            self._refuse_gaps(pixels[~np.isfinite(out)])
        return out

    def means_round_the_globe(self, corners: Array) -> Array:
        """`means` over triangles in degrees, each brought round the globe to where the grid is; a grid of all longitudes has no end.

        Where its last row is less than a step from a pole, that goes on to the pole.
        """
        step = (self.x[-1] - self.x[0]) / (len(self.x) - 1)
        grid, first = self, 1 if self.inset else 0  # without what goes on beyond the middles of cells
        z, own = self.z[first : len(self.z) - first], round(TURN / step)
        if abs(own * step - TURN) < 1e-3 * step and len(z) in (own, own + 1):
            twice = np.concatenate([z[:own], z[:own], z[:1]])
            x, y = self.x[first] + step * np.arange(len(twice)), self.y
            rise = y[1] - y[0]
            beyond = [int(0.0 < TURN / 4.0 - end < rise) for end in (-y[0], y[-1])]
            y = np.concatenate([y[:1] - rise, y, y[-1:] + rise])[1 - beyond[0] : len(y) + 1 + beyond[1]]
            grid = replace(self, x=x, y=y, z=np.pad(twice, ((0, 0), tuple(beyond)), mode="edge"), inset=0.0)
        west = corners[..., 0].min(axis=1)
        turned = corners.copy()
        turned[..., 0] += (np.floor((grid.x[0] + grid.inset * step - west - 1e-6 * step) / TURN + 1.0) * TURN)[:, None]
        return grid.means(turned)

    def _refuse_gaps(self, pixels: Array) -> None:
        """Refuse gaps by name under triangles (T, 3, 2), in steps from the first point."""
        low = np.floor(pixels.min(axis=1)).astype(int).clip(0)
        high = np.ceil(pixels.max(axis=1)).astype(int)
        gaps = np.zeros(self.z.shape, bool)
        for (i, j), (k, m) in zip(low, high, strict=True):
            gaps[i : k + 1, j : m + 1] |= np.isnan(self.z[i : k + 1, j : m + 1])
        count, (i, j) = first_place(gaps)
        raise InputError(
            f"{self.name} has {count} hole(s) where the mesh needs heights, the first at ({self.x[i]:g}, {self.y[j]:g}) {self.unit}"
            + (f" (there stand {self.stands}; say missing = [] where those are true)" if self.stands else "")
            + ": fill them first"
        )

    def reaching_half_a_cell(self) -> "HeightGrid":
        """The grid of values at the middles of cells, which go on evenly for the half cell that lies beyond them on each side."""
        x, y = (np.concatenate([[2.0 * v[0] - v[1]], v, [2.0 * v[-1] - v[-2]]]) for v in (self.x, self.y))
        z = np.pad(self.z, 1, mode="reflect", reflect_type="odd")
        return replace(self, x=x, y=y, z=z, inset=0.5)


def read(asked: Raster, folder: Path, *, degrees: bool = False) -> HeightGrid:
    """The grid in the file that a case asks for, its coordinates in m, or in degrees; `InputError` as of `load` and `grid_of`."""
    return grid_of(asked, *load(asked, folder), degrees=degrees)


def load(asked: Raster, folder: Path) -> tuple[Path, Relief]:
    """The place and the contents of the file that a case asks for.

    Raises
    ------
    InputError
        No such file, or a format that is not read.
    """
    path = locate_file(asked.file, folder)
    axes = [locate_file(axis.file, folder) for axis in (asked.x, asked.y) if axis]
    relief = read_rows(path, *axes) if axes else read_file(path, asked.variable)
    for note in relief.notes:
        remark(note)
    return path, relief


def grid_of(asked: Raster, path: Path, relief: Relief, *, degrees: bool) -> HeightGrid:
    """The grid of a file's ``relief``, its coordinates in m, or in degrees where they shall be.

    Raises
    ------
    InputError
        Coordinates that are no regular grid, a contradiction between file and case, or heights that there are not: the message says where.
    """
    x, y = (coordinate(path, axis, degrees=degrees) for axis in (relief.x, relief.y))
    unit = "degrees" if degrees else "m"
    z, stands = heights(path, relief, positive=asked.positive, scale=asked.scale, missing=asked.missing)
    if x[0] > x[-1] or y[0] > y[-1] or not (_rises(x) and _rises(y)):
        across, along = np.argsort(x), np.argsort(y)
        x, y, z = x[across], y[along], z[np.ix_(across, along)]
    with np.errstate(invalid="ignore"):
        count, place = first_place(np.abs(z) > asked.highest)
    if count:
        i, j = place
        raise InputError(
            f"{path.name} has {count} value(s) beyond {asked.highest:g} m, the first at ({x[i]:g}, {y[j]:g}) {unit}: {z[i, j]:g} m; "
            "mend scale or the file, raise 'highest', or name them in missing = [...]"
        )
    span = max(x[-1] - x[0], y[-1] - y[0])
    if not degrees and np.nanmax(np.abs(z), initial=0.0) > STEEP * span:
        remark(f"{path.name}: heights of up to {np.nanmax(np.abs(z)):g} m on a grid of {span:g} m: are its coordinates degrees, or km?")
    grid = HeightGrid(x, y, np.ascontiguousarray(z), path.name, stands, unit=unit, crs=asked.crs or relief.crs)
    return grid.reaching_half_a_cell() if relief.cells else grid


def read_file(path: Path, variable: str | None) -> Relief:
    """The relief in a file of any `FORMATS`, told by its contents, not by its suffix.

    Raises
    ------
    InputError
        Another format, or contents that its reader refuses.
    """
    head = bytes_of(path, 8)
    try:
        if head == HDF5 or head[:4] in NETCDF3:
            return read_netcdf(path, variable, "h5netcdf" if head == HDF5 else "scipy")
        if head[:4] in TIFF or head[:4] in SURFER:
            return read_gdal(path, variable)
    except ImportError as error:
        raise InputError(f"{path.name} needs {error.name}, which is not installed: pip install 'wavetrain[raster]'") from None
    try:
        lines = text_lines(path)
    except InputError as error:
        raise InputError(f"{error}; rasters are read from {FORMATS}") from None
    if variable is not None:
        raise InputError(f"{path.name} is text, which has no variable {variable!r}")
    try:
        return read_ascii_grid(path, lines) if is_ascii_grid(lines) else read_points(path)
    except InputError as error:
        raise InputError(f"{error} (rasters are read from {FORMATS})" if "no line of numbers" in str(error) else str(error)) from None


def _rises(values: Array) -> bool:
    return bool((np.diff(values) > 0.0).all())
