"""Rasters of relief on the mesh: brought to its coordinate reference system, smoothed and lifted where that is asked for.

Triangles are brought to the raster's system by their corners, not the raster to the mesh's: no height is interpolated twice. Edges are
straight there too, which moves a place by about an eighth of the edge squared over the Earth's radius: 2 m at 10 km.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.mercator import RADIUS, TURN
from meshes.core.raster import HeightGrid, Raster, grid_of, load, read
from meshes.core.relief import is_degrees
from pipeline.core.crs import WGS84, Way, is_geographic, system_of, unbroken
from pipeline.core.errors import InputError
from pipeline.core.params import quantity

Array = np.ndarray[Any, np.dtype[Any]]
Means = Callable[[Array], Array]

DEGREE = RADIUS * np.pi / 180.0  # [m] of latitude


@dataclass(frozen=True, slots=True)
class OffsetRaster(Raster):
    """Heights of one vertical datum above another."""


@dataclass(frozen=True, slots=True)
class PlacedRaster(Raster):
    """A raster of relief, as a case has it.

    Raises
    ------
    InputError
        As of `meshes.core.raster.Raster`.
    """

    offset: float | OffsetRaster = quantity("m", "added to its heights: a number, or a raster of its own, as { file = ... }", default=0.0)
    smooth: float = quantity("m", "radius (standard deviation) of a Gaussian that smooths its heights; 0: none does", default=0.0, low=0.0)

    def means(self, folder: Path) -> Means:
        """The means over triangles (T, 3, 2) [m] of a plane in no said system."""
        return self.means_in(folder, "")

    def means_in_degrees(self, folder: Path) -> Means:
        """The same over triangles in longitudes and latitudes [degrees], whole turns counting for nothing."""
        return self.means_in(folder, WGS84)

    def means_in(self, folder: Path, crs: str) -> Means:
        """The same over triangles in the system ``crs``."""
        grid, way = placed(self, folder, crs)
        means = means_by(smoothed(grid, self.smooth), way)
        offset = self.offset_means(folder, crs)
        return (lambda corners: means(corners) + offset(corners)) if offset else means

    def offset_means(self, folder: Path, crs: str) -> Means | None:
        """The means of what is added to the heights; None: nothing is."""
        offset = self.offset
        if isinstance(offset, OffsetRaster):
            return means_by(*placed(offset, folder, crs))
        return (lambda corners: np.full(len(corners), offset)) if offset else None


def placed(asked: Raster, folder: Path, crs: str) -> tuple[HeightGrid, Way | None]:
    """The grid that a case asks for, in its own system, and the way of places there from a mesh in ``crs``; None: they are there.

    Parameters
    ----------
    asked
        The raster.
    folder
        Its file is looked for here first.
    crs
        The mesh's system; empty: it says none.

    Raises
    ------
    InputError
        As of `meshes.core.raster.read`; one of mesh and raster says a system and the other does not.
    """
    if not crs:
        if asked.crs:
            raise InputError(
                f'{asked.file} has crs = {asked.crs!r}, and the mesh says no system: give it one, such as [mesh] crs = "EPSG:32719"'
            )
        return read(asked, folder), None
    path, relief = load(asked, folder)
    own = asked.crs or relief.crs or (WGS84 if is_degrees(relief.x) else "")
    if not own and crs != WGS84:
        raise InputError(
            f"{path.name} does not say its coordinate reference system, and the mesh is in {crs}: say crs = ... beside its file"
        )
    way = Way(crs, own or WGS84)  # on the globe columns of text are longitudes and latitudes; axes in metres are refused
    return grid_of(asked, path, relief, degrees=system_of(way.goal, path.name).is_geographic), None if way.leads_nowhere else way


def means_by(grid: HeightGrid, way: Way | None) -> Means:
    """The means of ``grid`` over triangles (T, 3, 2) of the mesh, which go by ``way`` to its system."""
    means = grid.means_round_the_globe if grid.unit == "degrees" else grid.means
    return (lambda corners: means(brought(corners, way))) if way else means


def brought(corners: Array, way: Way | None) -> Array:
    """Triangles (T, 3, 2) at the end of ``way``; those in degrees are whole, over the date line too."""
    if way is None:
        return corners
    found = way(corners)
    return unbroken(found) if is_geographic(way.goal) else found


def smoothed(grid: HeightGrid, radius: float) -> HeightGrid:
    """The grid after a Gaussian with a standard deviation of ``radius`` [m]; what is missing counts for nothing, and stays missing."""
    if not radius:
        return grid
    there = np.isfinite(grid.z)
    z = _blurred(grid, np.where(there, grid.z, 0.0), radius)
    if not there.all():
        z /= np.where(there, _blurred(grid, there.astype(float), radius), np.nan)
    return replace(grid, z=z)


def _blurred(grid: HeightGrid, values: Array, radius: float) -> Array:
    """``values`` (M, N) at the grid's points after the Gaussian, as long on the ground in both directions."""
    from scipy.ndimage import gaussian_filter1d  # loads for long

    across, along = (float(axis[-1] - axis[0]) / (len(axis) - 1) for axis in (grid.x, grid.y))
    if grid.unit != "degrees":
        return np.asarray(
            gaussian_filter1d(gaussian_filter1d(values, radius / along, axis=1, mode="nearest"), radius / across, axis=0, mode="nearest")
        )
    found = gaussian_filter1d(values, radius / (along * DEGREE), axis=1, mode="nearest")
    mode = "wrap" if abs(len(grid.x) * across - TURN) < 0.5 * across else "nearest"
    for row, latitude in enumerate(grid.y):
        width = across * DEGREE * max(float(np.cos(np.radians(latitude))), 1e-3)
        found[:, row] = gaussian_filter1d(found[:, row], min(radius / width, float(len(grid.x))), mode=mode)
    return np.asarray(found)
