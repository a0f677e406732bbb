"""The common part of the codecs of hdf5plugin: each component by itself, at one level of error, found for the target."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.compression import outliers, search
from pipeline.compression.packing import unwrap, wrap
from pipeline.compression.target import Target
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
Coder = Callable[[Array, float], bytes]  # one component and a level [the values' unit] -> coded
Decoder = Callable[[bytes, tuple[int, ...], Any], Array]
FIRST = 1e-3  # of the values' rms: the level that a search begins with


def encode(values: Array, target: Target, code: Coder, decode_one: Decoder, *, first: float = FIRST) -> bytes:
    """Code ``values`` (components, *points) to a bound, an nrmse or a number of bytes; the last part corrects values beyond a bound."""
    check(values)

    def at(level: float) -> bytes:
        return wrap(values, [*(code(one, level) for one in values), b""])

    if target.kind == "bound":
        return _bounded(values, at(target.value), target.value, decode_one)
    start, within = first * (search.rms(values) or 1.0), search.levels(values)
    if target.kind == "bytes":

        def sized(level: float) -> tuple[bytes, float]:
            coded = at(level)
            return coded, float(len(coded))

        return search.coarsest(sized, target.value, start, rising=False, what="a number of bytes of", within=within)

    def judged(level: float) -> tuple[bytes, float]:
        coded = at(level)
        return coded, search.nrmse(values, decode(coded, decode_one))

    start = target.value * (search.rms(values) or 1.0)
    return search.coarsest(judged, target.value, start, rising=True, what="an nrmse of", within=within)


def decode(data: bytes, decode_one: Decoder) -> Array:
    """Decode the data of `encode`: (components, *points)."""
    dtype, shape, parts = unwrap(data)
    if len(parts) != shape[0] + 1:
        raise InputError(f"a coded block is damaged: {len(parts) - 1} parts for {shape[0]} components")
    found = np.stack([decode_one(part, shape[1:], dtype) for part in parts[:-1]])
    return outliers.apply(found, parts[-1])


def _bounded(values: Array, coded: bytes, bound: float, decode_one: Decoder) -> bytes:
    more = outliers.add(values, decode(coded, decode_one), bound)
    if not more:
        return coded
    _, _, parts = unwrap(coded)
    return wrap(values, [*parts[:-1], more])


def check(values: Array) -> None:
    """`InputError` where ``values`` are no real numbers, or not finite; says how many are not."""
    if values.dtype.kind != "f" or values.dtype.itemsize not in (4, 8):
        raise InputError(f"values of type {values.dtype}: this codec takes float32 and float64")
    bad = values.size - int(np.isfinite(values).sum())
    if bad:
        raise InputError(f"{bad} of {values.size} values are not finite")


def refuses(values: Array, axes: tuple[int, ...]) -> str:
    """Why values with other than so many ``axes``, or not of type float, can't be taken."""
    if values.dtype.kind != "f":
        return f"values of type {values.dtype}, not float32 or float64"
    if values.ndim - 1 not in axes:
        return f"points along {values.ndim - 1} axes; it takes {' or '.join(map(str, axes))}"
    return ""
