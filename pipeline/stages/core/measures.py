"""Measures of a series: first crest, arrival, misfit, shift in time. Arrays in, numbers out.

All series are (samples,) over rising times [s]; free surfaces [m] are counted from the still level.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

CREST_FALL = 0.25  # of the highest value: how far the surface must fall after a crest for it to be one


def first_crest(times: Array, surface: Array) -> tuple[float, float]:
    """Time [s] and height [m] of the first crest: the highest value before the surface first falls by a quarter of the
    series' highest value. Noise and ripples below that are no crests."""
    fall = CREST_FALL * float(surface.max())
    highest = np.maximum.accumulate(surface)
    passed = np.flatnonzero((highest >= fall) & (surface < highest - fall))
    stop = int(passed[0]) if len(passed) else len(surface)
    crest = int(np.argmax(surface[:stop]))
    return float(times[crest]), float(surface[crest])


def arrival(times: Array, surface: Array) -> float:
    """Time [s] at which the surface first reaches half of its own first crest, linear between samples."""
    half = 0.5 * first_crest(times, surface)[1]
    first = int(np.argmax(surface >= half))
    if first == 0:
        return float(times[0])
    rise = surface[first] - surface[first - 1]
    return float(times[first - 1] + (half - surface[first - 1]) / rise * (times[first] - times[first - 1]))


def misfit(computed: Array, observed: Array) -> float:
    """Root mean square difference over the observed range (highest less lowest), as NTHMP normalises; dimensionless."""
    return float(np.sqrt(np.mean((computed - observed) ** 2)) / np.ptp(observed))


def relative(computed: float, observed: float) -> float:
    """(computed - observed) / observed."""
    return (computed - observed) / observed
