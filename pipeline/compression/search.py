"""Find how coarsely a codec may code: bytes and errors fall and rise with its level, but no formula says how."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
MOST_TRIES = 14
NEAR = 0.98  # of what is allowed: near enough
FAR = 16.0  # a first step from one level to the next


def rms(values: Array) -> float:
    """Root mean square of all ``values``."""
    flat = values.reshape(-1).astype(np.float64, copy=False)
    return math.sqrt(float(np.vdot(flat, flat)) / max(flat.size, 1))


def nrmse(values: Array, decoded: Array) -> float:
    """Root mean square of the error over that of ``values``; 0 where both are alike."""
    error = rms(np.subtract(values, decoded, dtype=np.float64))
    return 0.0 if error == 0.0 else error / max(rms(values), np.finfo(float).tiny)


def coarsest(trial: Callable[[float], tuple[bytes, float]], allowed: float, first: float, *, rising: bool, what: str) -> bytes:
    """What a codec makes at the coarsest (``rising``) or finest level whose measure is at most ``allowed``.

    Parameters
    ----------
    trial : level -> (coded, measure); the measure rises with the level (an error) or falls (``rising`` False: bytes)
    first : the level to begin with

    Raises
    ------
    InputError
        No level within reach: names ``what``.
    """
    sign = 1.0 if rising else -1.0  # in s = sign log(level) the measure rises
    inside: tuple[float, float] | None = None  # (s, log of the measure)
    outside: tuple[float, float] | None = None
    best: tuple[float, bytes] | None = None
    s = sign * math.log(first)
    for _ in range(MOST_TRIES):
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
        s = _next(inside, outside, math.log(allowed))
        if inside and outside and outside[0] - inside[0] < 1e-3:
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
