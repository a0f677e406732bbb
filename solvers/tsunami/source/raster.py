"""Raster: a displacement of the bed from a file of any kind that rasters are read from."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from meshes.core.chart import Chart
from meshes.core.raster import FORMATS, AxisFile, Raster, read
from pipeline.core.params import quantity, setting
from solvers.tsunami.source import Source
from solvers.tsunami.source.core.motion import Motion
from solvers.tsunami.source.core.moving_grid import MovingGrid


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Source):
    """A grid of displacements, all of them at once or evenly in time."""

    file: str = setting(f"displacements up, in the mesh's coordinates: {FORMATS}")
    variable: str | None = setting("NetCDF variable or GeoTIFF band; unset: the only one on two dimensions", default=None)
    scale: float | None = setting("factor from the file's unit to m [1]; unset: by the file's units", default=None)
    x: AxisFile | None = setting("the columns' coordinates, of a text of bare rows of values", default=None)
    y: AxisFile | None = setting("the rows' coordinates, of such a text", default=None)
    time: float = quantity("s", "time at which the bed begins to move", default=0.0, low=0.0)
    rise: float = quantity("s", "rise time: how long it moves; 0: at once", default=0.0, low=0.0)
    negligible: float = quantity("m", "a cell that never moves by more than this does not move", default=0.0, low=0.0)

    def motion(self, folder: Path, chart: Chart | None = None) -> Motion:
        """The motion of the bed.

        Raises
        ------
        InputError
            There is no such file, or it is no raster, or not in the mesh's coordinates, or has holes, or cuts through what moves.
        """
        asked = Raster(self.file, positive="up", scale=self.scale, variable=self.variable, x=self.x, y=self.y)
        grid = read(asked, folder, degrees=chart is not None)
        moved = grid.z.T[None]
        times = np.array([self.time, self.time + self.rise]) if self.rise else np.array([self.time])
        values = np.concatenate([np.zeros_like(moved), moved]) if self.rise else moved
        return MovingGrid(grid.name, times, grid.x, grid.y, values, negligible=self.negligible, chart=chart)
