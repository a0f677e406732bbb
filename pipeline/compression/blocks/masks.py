"""Values that are kept as they are, whatever the target: values that are not finite, and values that stand in for missing values (fills).

A codec sees a line from the ordinary value before to the one behind in their place; their places are coded beside it.
"""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
KINDS = (np.nan, np.inf, -np.inf)  # what a mask tells apart, from 1; fills follow
MOST_FILLS = 250


def is_fill(values: Array, fills: Sequence[float]) -> Array:
    """Mask of the ``values`` that equal a fill, as their type rounds ``fills``."""
    found = np.zeros(values.shape, bool)
    for one in _rounded(fills, values.dtype):
        found |= values == one
    return found


def _rounded(fills: Sequence[float], dtype: Any) -> Array:
    with np.errstate(over="ignore"):
        table = np.asarray(fills, np.float64).astype(dtype)
    return np.asarray(table[np.isfinite(table)])


def fill(values: Array, fills: Sequence[float] = ()) -> tuple[Array, bytes, bytes]:
    """``values`` with ordinary values in place of masked ones; a mask that tells the kind of each; the fills in it.

    Both are empty where nothing is masked.
    """
    finite = np.isfinite(values)
    known = _rounded(fills, values.dtype)
    table = np.array([one for one in known[:MOST_FILLS] if (values == one).any()], values.dtype)
    if finite.all() and not len(table):
        return values, b"", b""
    flat = values.reshape(-1)
    conditions = [np.isnan(flat), flat == np.inf, flat == -np.inf, *(flat == one for one in table)]
    mask = np.select(conditions, range(1, len(conditions) + 1), 0).astype(np.uint8)
    ordinary = mask == 0
    places = np.flatnonzero(ordinary)
    filled = np.zeros_like(flat)
    if len(places):
        filled[ordinary] = flat[ordinary]
        half = np.interp(np.flatnonzero(~ordinary), places, 0.5 * flat[places].astype(np.float64))  # no difference is beyond a double
        filled[~ordinary] = np.clip(2.0 * half, flat[places].min(), flat[places].max())
    return filled.reshape(values.shape), zlib.compress(mask.tobytes(), 9), table.tobytes()


def unfill(values: Array, mask: bytes, table: bytes = b"") -> Array:
    """``values`` with the values masked by `fill`; `InputError` where the mask is damaged."""
    if not mask:
        return values
    try:
        kinds = np.frombuffer(zlib.decompress(mask), np.uint8).reshape(values.shape)
        known = [np.asarray(KINDS, values.dtype), np.frombuffer(table, values.dtype)]
    except (zlib.error, ValueError) as error:
        raise InputError(f"a coded block is damaged: {error}") from None
    chosen = np.concatenate(known)
    if kinds.max(initial=0) > len(chosen):
        raise InputError("a coded block is damaged: its mask tells of values that it does not have")
    found = values.copy()
    masked = kinds > 0
    found[masked] = chosen[kinds[masked].astype(np.intp) - 1]
    return found
