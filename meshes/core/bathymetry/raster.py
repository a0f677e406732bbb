"""Raster: a regular grid of heights or depths from a file, integrated exactly over triangles."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from meshes.core import raster
from pipeline.params import quantity, setting
from pipeline.series import HIGHEST

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """A regular grid of heights or depths from a file."""

    file: str = setting(raster.FORMATS)
    positive: Literal["up", "down"] | None = setting(
        "whether z is a height (up) or a depth (down); unset: what the file says, else up", default=None
    )
    scale: float | None = setting("factor from the file's unit of z to m; unset: by the file's units", default=None)
    variable: str | None = setting("NetCDF variable or GeoTIFF band; unset: the only one on two dimensions", default=None)
    missing: tuple[float, ...] | None = setting(
        "values that stand for missing beside those that the file declares, and no others; unset: the usual ones, such as -9999",
        default=None,
    )
    highest: float = quantity("m", "a height or depth beyond it is refused", default=HIGHEST, above=0.0)

    def means(self, folder: Path) -> Callable[[Array], Array]:
        """The means of the grid in the file, which is looked for in ``folder``."""
        return raster.read(self, folder).means
