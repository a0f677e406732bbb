"""The common part of codecs that code at a level of error: the level for a target, and each component by itself at that level.

Bytes and errors fall and rise with the level, but no formula says how: it is searched for.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.compression.codecs.core import measures
from pipeline.compression.entropy import outliers
from pipeline.compression.entropy.packing import unwrap, wrap
from pipeline.compression.target import Target
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
Coder = Callable[[Array, float], bytes]  # one component and a level [the values' unit] -> coded
Decoder = Callable[[bytes, tuple[int, ...], Any], Array]
FIRST = 1e-3  # of the values' rms: the level that a search begins with
MOST_TRIES = 14
NEAR = 0.98  # of what is allowed: near enough
FAR = 16.0  # a first step from one level to the next


def encode(values: Array, target: Target, code: Coder, decode_one: Decoder, *, first: float = FIRST) -> bytes:
    """Code ``values`` (components, *points) to a bound, an nrmse or a number of bytes; the last part corrects values beyond a bound."""
    check(values)

    def at(level: float) -> bytes:
        return wrap(values, [*(code(one, level) for one in values), b""])

    if target.kind == "bound":
        return _bounded(values, at(target.value), target.value, decode_one)
    start, within = first * (measures.rms(values) or 1.0), worth_trying(values)
    if target.kind == "bytes":

        def sized(level: float) -> tuple[bytes, float]:
            coded = at(level)
            return coded, float(len(coded))

        return coarsest(sized, target.value, start, rising=False, what="a number of bytes of", within=within)

    def judged(level: float) -> tuple[bytes, float]:
        coded = at(level)
        return coded, measures.nrmse(values, decode(coded, decode_one))

    start = target.value * (measures.rms(values) or 1.0)
    return coarsest(judged, target.value, start, rising=True, what="an nrmse of", within=within)


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
    """Give the reason why values with other than so many ``axes``, or not of type float, can't be taken."""
    if values.dtype.kind != "f":
        return f"values of type {values.dtype}, not float32 or float64"
    if values.ndim - 1 not in axes:
        return f"points along {values.ndim - 1} axes; it takes {' or '.join(map(str, axes))}"
    return ""


def worth_trying(values: Array) -> tuple[float, float]:
    """The finest and the coarsest level [the values' unit] worth a try: well below the rounding of their type, and beyond their range."""
    largest = max(float(np.abs(values).max()), float(np.finfo(values.dtype).tiny))
    return 0.125 * float(np.finfo(values.dtype).eps) * largest, 4.0 * largest


def coarsest(
    trial: Callable[[float], tuple[bytes, float]],
    allowed: float,
    first: float,
    *,
    rising: bool,
    what: str,
    within: tuple[float, float] = (1e-300, 1e300),
) -> bytes:
    """The block that a codec makes at the coarsest (``rising``) or finest level whose measure is at most ``allowed``.

    Parameters
    ----------
    trial
        Level -> (coded, measure); the measure rises with the level (an error) or falls (``rising`` False: bytes).
    first
        The level to begin with.
    within
        The finest and the coarsest level tried: at finer levels than their values have, codecs may never end.

    Raises
    ------
    InputError
        No level within reach: names ``what``.
    """
    sign = 1.0 if rising else -1.0  # in s = sign log(level) the measure rises
    ends = sorted(sign * math.log(level) for level in within)
    inside: tuple[float, float] | None = None  # (s, log of the measure)
    outside: tuple[float, float] | None = None
    best: tuple[float, bytes] | None = None
    s = min(max(sign * math.log(first), ends[0]), ends[1])
    tried = set()
    for _ in range(MOST_TRIES):
        tried.add(s)
        coded, measure = trial(math.exp(sign * s))
        here = s, math.log(max(measure, 1e-300))
        if measure <= allowed:
            if best is None or measure >= best[0]:
                best = measure, coded
            inside = here if inside is None or here[0] > inside[0] else inside
            if measure >= NEAR * allowed:
                break
        else:
            outside = here if outside is None or here[0] < outside[0] else outside
        s = min(max(_next(inside, outside, math.log(allowed)), ends[0]), ends[1])
        if s in tried or (inside and outside and outside[0] - inside[0] < 1e-3):
            break
    if best is None:
        raise InputError(f"{what} {allowed:g} is out of reach")
    return best[1]


def _next(inside: tuple[float, float] | None, outside: tuple[float, float] | None, wanted: float) -> float:
    """The next s: between the two by a straight line, not too near either; else a step outward."""
    if inside is None or outside is None:
        at, measured = inside or outside or (0.0, 0.0)
        step = min(max(abs(wanted - measured) * 1.2, 0.1), math.log(FAR))
        return at + step if inside is not None else at - step
    (a, low), (b, high) = inside, outside
    share = (wanted + 0.5 * math.log(NEAR) - low) / (high - low) if high > low else 0.5
    return a + (b - a) * min(max(share, 0.05), 0.95)
