"""Rasters that GDAL reads, by rioxarray: GeoTIFF, and Surfer's grids."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.relief import Axis, Relief, broken_blamed
from pipeline.core.errors import InputError
from pipeline.reading.text_table import bytes_of


def read_gdal(path: Path, variable: str | None) -> Relief:
    """The relief in the file's only band; ``variable`` may name a band of several, by its number from 1.

    Raises
    ------
    InputError
        The file is broken, has no place on a map, is turned, in degrees, or has several bands.
    """
    import rasterio
    import rioxarray

    with broken_blamed(path), warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)  # refused below
        opened: Any = rioxarray.open_rasterio(path)
        with opened as data:
            crs, transform = data.rio.crs, data.rio.transform()
            values, attributes = np.asarray(data.values), dict(data.attrs)
            axes = {name: np.asarray(data[name].values, float) for name in ("x", "y") if name in data.coords}
    if transform.is_identity:
        raise InputError(f"{path.name} has no coordinates, and numbers of pixels are no metres: give it a place on a map")
    if transform.b or transform.d:
        raise InputError(f"{path.name} is turned against x and y: bring it onto a regular grid first, with gdalwarp")
    band = _band(path, variable, len(values))
    units = attributes.pop("units", None)
    if isinstance(units, tuple | list):
        units = units[band]
    if units:
        attributes["units"] = units
    unit = _unit(crs)
    point = str(attributes.get("AREA_OR_POINT", "")).lower() == "point" or bytes_of(path, 4) in (b"DSAA", b"DSBB", b"DSRB")
    return Relief(
        Axis("x", axes["x"], unit),
        Axis("y", axes["y"], unit),
        values[band].T,
        _name(attributes, band),
        attributes,
        cells=not point,
        crs=crs.to_wkt() if crs else "",
    )


def _band(path: Path, variable: str | None, bands: int) -> int:
    if variable is None:
        if bands == 1:
            return 0
        raise InputError(f"{path.name} has {bands} bands; name one with variable = ...: {', '.join(str(i + 1) for i in range(bands))}")
    if variable.isdigit() and 1 <= int(variable) <= bands:
        return int(variable) - 1
    raise InputError(f"{path.name} has no band {variable!r}; there are: {', '.join(str(i + 1) for i in range(bands))}")


def _unit(crs: Any) -> dict[str, str]:
    """The unit of the coordinates; none where the file does not say how it is projected."""
    if crs is None:
        return {}
    if crs.is_geographic:
        return {"units": "degrees"}
    return {"units": f"{crs.linear_units_factor[1]!r} m" if crs.is_projected else ""}


def _name(attributes: dict[str, Any], band: int) -> str:
    names = attributes.get("long_name", "")
    return str(names[band] if isinstance(names, tuple | list) else names)
