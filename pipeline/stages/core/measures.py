"""Measures of a series: first crest, arrival, misfit, shift in time. Arrays in, numbers out.

All series are (samples,) over rising times [s]; free surfaces [m] are counted from the still level. A measure that there is none of,
such as an error relative to zero, is None.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

CREST_FALL = 0.25  # of the highest value: how far the surface must fall after a crest for it to be one
ROUND_OFF = 1e-12  # of the heights that a difference was taken of: what is smaller is their round-off


def first_crest(times: Array, surface: Array) -> tuple[float, float]:
    """Time [s] and height [m] of the first crest: the highest value before the surface first falls by a quarter of the
    series' highest value. Noise and ripples below that are no crests."""
    fall = CREST_FALL * float(surface.max())
    highest = np.maximum.accumulate(surface)
    passed = np.flatnonzero((highest >= fall) & (surface < highest - fall))
    stop = int(passed[0]) if len(passed) else len(surface)
    crest = int(np.argmax(surface[:stop]))
    return float(times[crest]), float(surface[crest])


def arrival(times: Array, surface: Array) -> float | None:
    """Time [s] at which the surface first reaches half of its own first crest, linear between samples; None where it never rises above
    the still level, or stood as high from the first sample on."""
    half = 0.5 * first_crest(times, surface)[1]
    first = int(np.argmax(surface >= half))
    if half <= 0.0 or first == 0:
        return None
    rise = surface[first] - surface[first - 1]
    return float(times[first - 1] + (half - surface[first - 1]) / rise * (times[first] - times[first - 1]))


def is_flat(surface: Array, scale: float = 0.0) -> bool:
    """Whether ``surface`` does not change, by more than the round-off of heights of ``scale`` [m]."""
    return bool(np.ptp(surface) <= ROUND_OFF * max(float(np.abs(surface).max()), scale))


def misfit(computed: Array, observed: Array) -> float | None:
    """Root mean square difference over the observed range (highest less lowest), as NTHMP normalises; dimensionless. None where the
    observed series does not change."""
    return None if is_flat(observed) else float(np.sqrt(np.mean((computed - observed) ** 2)) / np.ptp(observed))


def relative(computed: float, observed: float, scale: float = 0.0) -> float | None:
    """(computed - observed) / observed; None where the observed value is 0, but for the round-off of heights of ``scale`` [m]."""
    return None if abs(observed) <= ROUND_OFF * scale else (computed - observed) / observed
