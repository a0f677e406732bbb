"""Find how coarsely a codec may code: bytes and errors fall and rise with its level, but no formula says how."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
MOST_TRIES = 14
NEAR = 0.98  # of what is allowed: near enough
FAR = 16.0  # a first step from one level to the next
SAFE = 450  # binary exponent: squares of what is within are doubles still, and so are sums of these


def exponent(values: Array) -> int:
    """The binary exponent of the greatest magnitude: that is below 2 to it, and at least half of that; 0 of zeros and of nothing."""
    largest = max(float(values.max()), -float(values.min())) if values.size else 0.0
    return math.frexp(largest)[1] if math.isfinite(largest) else 0


def rms(values: Array) -> float:
    """Root mean square of all ``values``, which are scaled first where their squares would be too large or too small for a double."""
    flat = values.reshape(-1).astype(np.float64, copy=False)
    power = exponent(flat)
    if abs(power) <= SAFE:
        return math.sqrt(float(np.vdot(flat, flat)) / max(flat.size, 1))
    small = np.ldexp(flat, -power)
    return math.ldexp(math.sqrt(float(np.vdot(small, small)) / flat.size), power)


def nrmse(values: Array, decoded: Array) -> float:
    """Root mean square of the error over that of ``values``; 0 where both are alike."""
    error = rms(np.subtract(values, decoded, dtype=np.float64))
    return 0.0 if error == 0.0 else error / max(rms(values), 5e-324)


def levels(values: Array) -> tuple[float, float]:
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
    trial : level -> (coded, measure); the measure rises with the level (an error) or falls (``rising`` False: bytes)
    first : the level to begin with
    within : the finest and the coarsest level that are tried: codecs asked for finer ones than their values have may never end

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
