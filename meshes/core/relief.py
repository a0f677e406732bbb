"""Relief: the result of every reader of rasters, as its file says it, and its conversion to heights [m] on rising coordinates [m].

Attributes are CF's (https://cfconventions.org): ``units``, ``positive``, ``standard_name``, ``_FillValue``, ``missing_value``,
``scale_factor``, ``add_offset``, ``valid_range``; a reader of another format translates its own.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.params import size_of
from pipeline.reading.missing import declared, find_missing, listed_constants

Array = np.ndarray[Any, np.dtype[Any]]

DEGREES = re.compile(r"\s*(?:arc)?_?deg|°", re.IGNORECASE)
LONGITUDE, LATITUDE = re.compile(r"(?:.*_)?lon(?:gitude)?s?", re.IGNORECASE), re.compile(r"(?:.*_)?lat(?:itude)?s?", re.IGNORECASE)
DEPTH = re.compile(r"(?:.*[_\W])?(?:depths?|bathymetry)(?:[_\W].*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Axis:
    """A coordinate of a raster, as its file names it."""

    name: str
    values: Array = field(repr=False)  # (points,)
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Relief:
    """Values as a file stores them."""

    x: Axis
    y: Axis
    values: Array  # (M, N) by x and y, of any real or integer type
    name: str  # of the variable
    attributes: Mapping[str, Any]
    cells: bool = False  # values are of cells, which reach half a step beyond the outermost points
    notes: tuple[str, ...] = ()
    crs: str = ""  # the coordinate reference system, where the file says it


@contextlib.contextmanager
def broken_blamed(path: Path) -> Iterator[None]:
    """Turn the errors of many kinds that libraries raise on a broken file at ``path`` into an `InputError`."""
    try:
        yield
    except (InputError, ImportError, MemoryError):
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        raise InputError(f"{path.name} can't be read: {type(error).__name__}: {reason}") from error


def is_degrees(axis: Axis) -> bool:
    """Whether a coordinate is an angle: by its units, its standard name, or, where it has no unit, its name."""
    units = text_of(axis.attributes, "units")
    if units:
        return bool(DEGREES.match(units))
    names = (text_of(axis.attributes, "standard_name"), axis.name)
    return any(pattern.fullmatch(name) for name in names for pattern in (LONGITUDE, LATITUDE))


def text_of(attributes: Mapping[str, Any], name: str) -> str:
    """The attribute ``name`` as text, empty where there is none."""
    value = attributes.get(name, "")
    return (value.decode(errors="replace") if isinstance(value, bytes) else str(value)).strip()


def coordinate(path: Path, axis: Axis, *, degrees: bool = False) -> Array:
    """The values of a coordinate [m], or [degrees] where they shall be, in the file's order.

    Raises
    ------
    InputError
        It is in degrees and shall not be or the other way round, is in a unit that is no length, is not finite, or is not evenly spaced.
    """
    if degrees:
        unit = text_of(axis.attributes, "units")
        if unit and not is_degrees(axis):
            raise InputError(
                f"{path.name}: its coordinate {axis.name!r} has units {unit!r}, and this mesh is in longitudes "
                'and latitudes: say the raster\'s own system, such as crs = "EPSG:32719"'
            )
        axis = Axis(axis.name, axis.values, {k: v for k, v in axis.attributes.items() if k != "units"})
    elif is_degrees(axis):
        raise InputError(
            f"{path.name}: its coordinate {axis.name!r} is in degrees, and this mesh is in m: say in which system, such as [mesh] "
            'crs = "EPSG:32719", or take a mesh of kind "lonlat", or project the raster to the mesh\'s metres first'
        )
    units = text_of(axis.attributes, "units")
    factor = size_of(units, "m") if units else 1.0
    if factor is None:
        raise InputError(f"{path.name}: its coordinate {axis.name!r} has units {units!r}, which is no length")
    values = np.asarray(axis.values, float) * _number(axis.attributes, "scale_factor", 1.0) + _number(axis.attributes, "add_offset", 0.0)
    if not np.isfinite(values).all() or len(values) < 2:
        raise InputError(f"{path.name}: its coordinate {axis.name!r} must have two finite values or more")
    check_even(path, axis.name, np.sort(values), np.asarray(axis.values).dtype)
    return values if factor == 1.0 else values * factor


def check_even(path: Path, name: str, values: Array, dtype: Any = float) -> None:
    """Refuse rising coordinates (P,) that are not evenly spaced, but for the rounding of text or of float32."""
    steps = np.diff(values)
    step = (values[-1] - values[0]) / (len(values) - 1)
    grain = _grain(values) if np.dtype(dtype) != np.float32 else 2.0 * float(np.spacing(np.float32(np.abs(values).max())))
    rounded = grain <= 0.5 * step and steps.max() - steps.min() <= 1.001 * grain
    drift = np.abs(values - values[0] - step * np.arange(len(values))).max()
    if steps.min() <= 0.0 or not (steps.max() <= 1.01 * steps.min() or (rounded and drift <= 1.001 * grain)):
        at = values[int(np.argmax(np.abs(steps - np.median(steps))))]
        raise InputError(
            f"{path.name}: its {name} are not evenly spaced (after {name} = {at:g}), so it is no regular grid, or has whole lines missing"
        )


def _grain(values: Array) -> float:
    """The last decimal that ``values`` are written with; 0 where they are not rounded to any."""
    for decimals in range(-3, 7):
        scaled = values * 10.0**decimals
        if np.abs(scaled - np.round(scaled)).max() <= 1e-6 * max(1.0, float(np.abs(scaled).max()) * 1e-6):
            return float(10.0**-decimals)
    return 0.0


def heights(
    path: Path, relief: Relief, *, positive: str | None, scale: float | None, missing: tuple[float, ...] | None
) -> tuple[Array, str]:
    """Heights (M, N) [m], positive up, with nan where they are missing, and the file's values there, for messages.

    ``positive``, ``scale`` and ``missing`` are the case's own; None: not set.

    Raises
    ------
    InputError
        The file and the case contradict each other, or the file leaves open whether its values are heights.
    """
    attributes = relief.attributes
    found = find_missing(relief.values, attributes, missing or (), undeclared=missing is None)
    gaps = found.missing | found.doubtful
    z = np.asarray(relief.values, float)
    if "scale_factor" in attributes or "add_offset" in attributes:
        z = z * _number(attributes, "scale_factor", 1.0) + _number(attributes, "add_offset", 0.0)
    stands = listed_constants([*found.constants, *(c for c in declared(attributes) if not np.isnan(c) and c not in found.constants)])
    gaps |= ~np.isfinite(z)
    factor = _factor(path, relief, scale) * (-1.0 if _is_down(path, relief, positive) else 1.0)
    z = z * factor
    return np.where(gaps, np.nan, z) if gaps.any() else z, stands


def _number(attributes: Mapping[str, Any], name: str, default: float) -> float:
    return float(np.ravel(attributes[name])[0]) if name in attributes else default


def _factor(path: Path, relief: Relief, scale: float | None) -> float:
    """The factor from the file's unit to m, the case's ``scale`` with it."""
    if scale == 0.0:
        raise InputError(f"{path.name}: scale = 0 makes every height 0")
    units = text_of(relief.attributes, "units")
    if not units:
        return 1.0 if scale is None else scale
    factor = size_of(units, "m")
    if factor is None:
        if scale is None:
            raise InputError(f"{path.name}: {relief.name or 'z'} has units {units!r}, which is no length: say scale = ..., in m")
        return scale
    if scale is None or scale == -1.0:  # -1 turns values round
        return factor * (scale or 1.0)
    if factor != 1.0 and abs(abs(scale) - factor) > 1e-9 * factor:
        raise InputError(
            f"{path.name}: {relief.name or 'z'} has units {units!r}, {factor:g} m, and the case says scale = {scale:g}: leave scale out"
        )
    return scale


def _is_down(path: Path, relief: Relief, positive: str | None) -> bool:
    """Whether values are depths, by the case, else by the file's ``positive`` and ``standard_name``.

    Raises
    ------
    InputError
        They contradict each other, or values are called depths and nothing says which way they count.
    """
    said = {}
    attribute, standard = text_of(relief.attributes, "positive").lower(), text_of(relief.attributes, "standard_name")
    if attribute in ("up", "down"):
        said[f"positive = {attribute!r}"] = attribute
    if re.fullmatch(r"(?:.*_)?depth(?:_.*)?", standard):
        said[f"standard_name = {standard!r}"] = "down"
    elif re.match(r"(?:surface_|sea_floor_|geoid_)?(?:altitude|height)|height_above|bedrock_altitude|ground_level_altitude", standard):
        said[f"standard_name = {standard!r}"] = "up"
    name = relief.name or "z"
    if positive:
        said[f"the case's positive = {positive!r}"] = positive
    if len(set(said.values())) > 1:
        raise InputError(
            f"{path.name}: {name}: {' and '.join(said)} contradict each other: "
            "mend the file, or leave positive out and turn values round by scale = -1"
        )
    if not said and any(DEPTH.fullmatch(called) for called in (relief.name, text_of(relief.attributes, "long_name"))):
        raise InputError(f'{path.name}: {name} may be a depth: say positive = "down" where it is, positive = "up" where it is a height')
    return "down" in said.values()
