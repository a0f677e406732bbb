"""Missing values: the constants that stand in for them in files of others, found in arrays of any type.

Four kinds are told apart. Values that a file *declares* (``_FillValue``, ``missing_value``), values that a user names, and nan are missing
wherever they stand. The constants that programs write without a word (-9999, 1e20, ...) are missing where they stand *apart* from all other
values, such as 9999 among waves of centimetres. Within the range of the others such a constant may be a true value: it is *doubtful*,
and whoever reads the array refuses it by count and place, or takes it where the case says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

DECLARATIONS = ("_FillValue", "missing_value")  # CF 2.5.1
WHOLE = (9999.0, -9999.0, 99999.0, -99999.0, 999999.0, -999999.0, -32768.0, -32767.0, -2147483648.0, -2147483647.0)
HUGE = (  # compared within the digits that text has of them
    1e20,  # COARDS, CMIP
    -1e20,
    9.969209968386869e36,  # netCDF's default
    1e30,
    -1e30,
    -1e34,  # Ferret
    1e34,
    1e35,
    -1e35,
    1e37,  # ROMS
    1.70141e38,  # Surfer
    -3.4028234663852886e38,  # ESRI: the least of float32
    -1.7976931348623157e308,  # the least of float64
)
NINES = (999.0, -999.0, 999.9, -999.9, 9999.9, -9999.9, 99999.9, -99999.9)  # buoys and tide gauges; too common for numbers to be doubted
CONSTANTS = (*WHOLE, *HUGE, *NINES)
FAR = 100.0  # times the largest of the others, that a number of NINES must be to stand apart
DIGITS = 1e-5  # relative, to which text gives a constant of HUGE


@dataclass(frozen=True, slots=True, eq=False)
class Missing:
    """Missing values of an array: two masks of its shape, and the values that stand there."""

    missing: Array  # bool: nan, declared, named by the user, or a constant that stands apart
    doubtful: Array  # bool: a constant that may be a true value
    constants: tuple[float, ...]  # undeclared ones that were found, missing or doubtful

    @property
    def any(self) -> bool:
        """Whether there is any of either kind."""
        return bool(self.missing.any() or self.doubtful.any())


def find_missing(
    values: Array, attributes: Mapping[str, Any] | None = None, own: Iterable[float] = (), *, undeclared: bool = True
) -> Missing:
    """Missing values of ``values``, any shape and any real or integer type, as they are stored (before any scale and offset).

    Parameters
    ----------
    attributes
        Of the variable in its file: `DECLARATIONS` are read, numbers or lists of them, and the valid range.
    own
        Values that a user names as missing.
    undeclared
        Whether the constants that no one declared are looked for.
    """
    values = np.asarray(values)
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    for constant in (*declared(attributes or {}), *own):
        missing |= equals(values, constant)
    valid = valid_range(attributes or {})
    if valid is not None:
        missing |= (values < valid[0]) | (values > valid[1])
    doubtful = np.zeros(values.shape, bool)
    if not undeclared or values.dtype.kind not in "fiu" or values.dtype.itemsize == 1:  # each of 256 values is a value
        return Missing(missing, doubtful, ())
    low, high = _range(values[~missing])
    near = _near(low, high)
    found = {constant: mask for constant in near if (mask := equals(values, constant) & ~missing).any()}
    if not found:
        return Missing(missing, doubtful, ())
    others = values[~missing & ~np.logical_or.reduce(list(found.values()))]
    low, high = _range(others[np.isfinite(others)])
    seen = []
    for constant, mask in found.items():
        if stands_apart(constant, low, high):
            missing |= mask
        elif constant not in NINES and valid is None:
            doubtful |= mask
        else:
            continue
        seen.append(constant)
    return Missing(missing, doubtful, tuple(seen))


def surely_all_there(values: Array) -> bool:
    """Whether none of the real ``values`` (any shape) is nan or could be a constant of `CONSTANTS`: seen by their range, without masks."""
    if values.dtype.kind != "f" or not values.size:
        return False
    low, high = _range(values)
    return bool(np.isfinite(low) and np.isfinite(high)) and not _near(low, high)


def _near(low: float, high: float) -> list[float]:
    """The constants that a value between ``low`` and ``high`` may be."""
    return [constant for constant in CONSTANTS if low - DIGITS * abs(low) <= constant <= high + DIGITS * abs(high)]


def missing_mask(values: Array, attributes: Mapping[str, Any] | None = None, own: Iterable[float] = ()) -> Array:
    """Whether each of ``values`` is missing or doubtful (see `find_missing`): a mask (bool) of their shape."""
    found = find_missing(values, attributes, own)
    return found.missing | found.doubtful


def _range(values: Array) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)


def stands_apart(constant: float, low: float, high: float) -> bool:
    """Whether ``constant`` is farther from the range of the others than that is wide, or in `NINES` FAR times larger than they are."""
    if constant in NINES:
        return abs(constant) > FAR * max(abs(low), abs(high))
    away = max(low - constant, constant - high)
    return bool(away > high - low)


def equals(values: Array, constant: float) -> Array:
    """Mask of the ``values`` that are ``constant`` as their type holds it, or as float32 or text rounded it before."""
    number = float(constant)
    if np.isnan(number):
        return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    if values.dtype.kind in "iu":
        limits = np.iinfo(values.dtype)
        whole = number.is_integer() and limits.min <= int(number) <= limits.max
        return values == values.dtype.type(int(number)) if whole else np.zeros(values.shape, bool)
    if values.dtype.kind != "f":
        return np.zeros(values.shape, bool)
    with np.errstate(over="ignore", invalid="ignore"):
        here, rounded = values.dtype.type(number), values.dtype.type(np.float32(number))
        if abs(number) >= 1e19:
            if not np.isfinite(here):  # more than this type can hold, so that it was stored as infinite
                return values == here
            return np.abs(values - here) <= DIGITS * abs(here)
        return (values == here) | (values == rounded)


def declared(attributes: Mapping[str, Any]) -> tuple[float, ...]:
    """The values that a variable's ``attributes`` declare as missing."""
    found = []
    for name in DECLARATIONS:
        if name in attributes:
            for value in np.atleast_1d(np.asarray(attributes[name])).ravel().tolist():
                try:
                    found.append(float(value))
                except (TypeError, ValueError):  # text that is no number declares nothing
                    continue
    return tuple(found)


def valid_range(attributes: Mapping[str, Any]) -> tuple[float, float] | None:
    """The lowest and the highest value that a variable's ``attributes`` call valid (CF 2.5.1); None where they say nothing of it."""
    if not any(name in attributes for name in ("valid_range", "valid_min", "valid_max")):
        return None
    low, high = np.ravel(np.asarray(attributes.get("valid_range", (-np.inf, np.inf)), float))[[0, -1]]
    low, high = (float(np.ravel(attributes.get(name, end))[0]) for name, end in (("valid_min", low), ("valid_max", high)))
    return low, high


def first_place(mask: Array) -> tuple[int, tuple[int, ...]]:
    """Count of the true values of ``mask`` (bool, any shape), and the index of the first; the index is empty where none is."""
    count = int(np.count_nonzero(mask))
    if not count:
        return 0, ()
    return count, tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), mask.shape))


def listed_constants(constants: Sequence[float]) -> str:
    """The constants as a user writes them, such as ``-9999, 1e+20``."""
    return ", ".join(f"{constant:.7g}" for constant in constants)
