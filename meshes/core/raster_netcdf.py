"""Rasters in NetCDF, read by xarray: CF's, and GMT's very old format, a line of values without coordinates."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.relief import LATITUDE, LONGITUDE, Axis, Relief, broken_blamed, text_of
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

X_NAMES = re.compile(r"x\d?|xc|x_?coord(?:inate)?s?|east(?:ing)?s?", re.IGNORECASE)
Y_NAMES = re.compile(r"y\d?|yc|y_?coord(?:inate)?s?|north(?:ing)?s?", re.IGNORECASE)
OLD_GMT = ("x_range", "y_range", "spacing", "dimension", "z")


def read_netcdf(path: Path, variable: str | None, engine: str) -> Relief:
    """The relief in ``variable`` of the file; None: the only one on two dimensions.

    Raises
    ------
    InputError
        No such variable, or its coordinates can't be told.
    """
    import xarray

    with broken_blamed(path), xarray.open_dataset(path, engine=engine, decode_cf=False) as data:
        if all(name in data.variables for name in OLD_GMT):
            return _read_old_gmt(path, data)
        chosen = _chosen(path, data, variable)
        axes = {dimension: _axis(data, dimension) for dimension in chosen.dims}
        x, y = _x_and_y(path, data, str(chosen.name), axes)
        for dimension in chosen.dims:
            if dimension not in (x, y) and chosen.sizes[dimension] > 1:
                raise InputError(
                    f"{path.name}: {chosen.name} has {chosen.sizes[dimension]} layers along {dimension!r}; a raster has one: write it alone"
                )
        table = chosen.isel({dimension: 0 for dimension in chosen.dims if dimension not in (x, y)}).transpose(x, y)
        across, along = axes[x], axes[y]
        if across is None or along is None:
            raise _without_coordinates(path, data, f"its dimension {(x if across is None else y)!r}")
        cells = "bounds" in across.attributes or _number(data.attrs.get("node_offset", 0)) == 1.0  # GMT's pixel registration
        return Relief(across, along, np.asarray(table.values), str(chosen.name), dict(chosen.attrs), cells, crs=_system(data, chosen))


def _system(data: Any, chosen: Any) -> str:
    """The coordinate reference system of CF's grid mapping as text (WKT), where it says one; nothing of one that is only called a globe."""
    mapping = text_of(chosen.attrs, "grid_mapping").split(":")[0]
    attributes = data[mapping].attrs if mapping in data.variables else {}
    written = text_of(attributes, "crs_wkt") or text_of(attributes, "spatial_ref")
    if written or text_of(attributes, "grid_mapping_name") in ("", "latitude_longitude"):
        return written
    from pyproj import CRS

    return str(CRS.from_cf(dict(attributes)).to_wkt())


def _chosen(path: Path, data: Any, variable: str | None) -> Any:
    """The variable that is the relief."""
    helpers = {text_of(v.attrs, key) for v in data.variables.values() for key in ("bounds", "grid_mapping")}
    helpers |= {name for v in data.variables.values() for name in text_of(v.attrs, "coordinates").split()}
    fit = [
        str(name)
        for name, v in data.data_vars.items()
        if sum(size > 1 for size in v.shape) == 2
        and v.dtype.kind in "fiu"
        and name not in helpers
        and not _direction(Axis(str(name), np.zeros(0), v.attrs))  # longitudes and latitudes of every point
    ]
    if variable is None and len(fit) == 1:
        return data[fit[0]]
    if variable is None:
        raise InputError(f"{path.name} has {len(fit)} variables on two dimensions; name one with variable = ...: {', '.join(fit)}")
    if variable not in data.data_vars:
        raise InputError(f"{path.name} has no variable {variable!r}; name one: {', '.join(fit)}")
    if data[variable].ndim < 2 or data[variable].dtype.kind not in "fiu":
        raise InputError(f"{path.name}: {variable} is no table of numbers on two dimensions")
    return data[variable]


def _axis(data: Any, dimension: Any) -> Axis | None:
    """The coordinate of ``dimension``: the variable of its name, or the only other one along it alone that says which axis it is."""
    if dimension in data.variables and data[dimension].dims == (dimension,):
        return _with_unit(str(dimension), data[dimension])
    others = [v for v in data.variables if data[v].dims == (dimension,) and _direction(Axis(str(v), np.zeros(0), data[v].attrs))]
    return _with_unit(str(others[0]), data[others[0]]) if len(others) == 1 else None


def _with_unit(name: str, coordinate: Any) -> Axis:
    """The axis; GMT writes a unit into the long name, as ``x [km]``."""
    attributes = dict(coordinate.attrs)
    written = re.search(r"\[(.+)\]\s*$", text_of(attributes, "long_name"))
    if written and not text_of(attributes, "units"):
        attributes["units"] = written[1]
    return Axis(name, np.asarray(coordinate.values), attributes)


def _direction(axis: Axis) -> str:
    """``"x"``, ``"y"`` or nothing, by CF's signs of an axis: its attribute, its standard name, its unit, and last its name."""
    attributes = axis.attributes
    letter = text_of(attributes, "axis").lower()
    if letter:
        return letter if letter in ("x", "y") else ""
    standard, units = text_of(attributes, "standard_name"), text_of(attributes, "units")
    for direction, pattern, degrees, names in (("x", LONGITUDE, "degrees?_?e", X_NAMES), ("y", LATITUDE, "degrees?_?n", Y_NAMES)):
        if standard:
            if standard == f"projection_{direction}_coordinate" or pattern.fullmatch(standard):
                return direction
        elif re.match(degrees, units, re.IGNORECASE) or names.fullmatch(axis.name) or pattern.fullmatch(axis.name):
            return direction
    return ""


def _x_and_y(path: Path, data: Any, name: str, axes: Mapping[Any, Axis | None]) -> tuple[Any, Any]:
    """The dimensions along x and along y."""
    by_name = {d: _direction(axis or Axis(str(d), np.zeros(0), {})) for d, axis in axes.items()}
    found = {direction: [d for d, given in by_name.items() if given == direction] for direction in ("x", "y")}
    long = [d for d in axes if axes[d] is None or len(axes[d].values) > 1]  # type: ignore[union-attr]
    if len(long) == 2:
        for one, other in (("x", "y"), ("y", "x")):  # one of two tells which the other is
            if len(found[one]) == 1 and not found[other]:
                found[other] = [d for d in long if d != found[one][0] and not by_name[d]]
    if len(found["x"]) != 1 or len(found["y"]) != 1:
        if all(axes[d] is None for d in long):
            raise _without_coordinates(path, data, name)
        raise InputError(
            f"{path.name}: which of the dimensions {', '.join(map(str, axes))} of {name} is x and which y can't be told: "
            'name them x and y, or give their coordinates axis = "X" and "Y"'
        )
    return found["x"][0], found["y"][0]


def _without_coordinates(path: Path, data: Any, what: str) -> InputError:
    curved = [str(v) for v in data.variables if data[v].ndim == 2 and _direction(Axis(str(v), np.zeros(0), data[v].attrs))]
    if curved:
        return InputError(
            f"{path.name} has coordinates on two dimensions ({', '.join(curved)}), a curved grid: bring it onto a regular one"
        )
    return InputError(f"{path.name}: {what} has no coordinates, and numbers of pixels are no metres: add x and y")


def _number(value: Any) -> float:
    return float(np.ravel(np.asarray(value, float))[0])


def _read_old_gmt(path: Path, data: Any) -> Relief:
    """GMT's format before version 4: rows from the north, one after the other (GMT Cookbook, "The obsolete GMT netCDF format")."""
    columns, rows = (int(n) for n in data["dimension"].values)
    z = data["z"]
    if z.size != columns * rows:
        raise InputError(f"{path.name} has {z.size} values where its dimension says {columns} x {rows}")
    cells = _number(z.attrs.get("node_offset", 0)) == 1.0
    axes = []
    for name, count in (("x", columns), ("y", rows)):
        low, high = np.asarray(data[f"{name}_range"].values, float)
        half = 0.5 * (high - low) / count if cells else 0.0
        units = text_of(data[f"{name}_range"].attrs, "units")
        given = {} if units in ("", "user_x_unit", "user_y_unit") else {"units": units}
        axes.append(Axis(name, np.linspace(low + half, high - half, count), given))
    attributes = {key: value for key, value in z.attrs.items() if key not in ("node_offset", "long_name")}
    units = text_of(data["z_range"].attrs, "units") if "z_range" in data.variables else ""
    if units not in ("", "user_z_unit"):
        attributes["units"] = units
    return Relief(axes[0], axes[1], np.asarray(z.values).reshape(rows, columns)[::-1].T, "z", attributes, cells)
