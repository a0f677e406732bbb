"""Measures of values and of their errors that hold at any magnitude: root mean squares, and the binary exponent."""

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
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
