"""Two series and the samples that both have: stretches without a gap, the time they share, and the counts of samples left out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

GAP = 3.0  # times the record's own step thereabouts: a longer interval holds samples that are missing
NEIGHBOURS = 11  # intervals whose median is the step thereabouts: records have parts of several steps
ROUND_OFF = 1e-12  # of a series' length
SAME_TIME = 1e-6  # of the step


@dataclass(frozen=True, slots=True)
class Series:
    """Samples (S,) [m] at rising times (S,) [s]; nan where a sample is missing."""

    times: Array
    values: Array

    @property
    def finite(self) -> "Series":
        """The samples that are there."""
        there = np.isfinite(self.values)
        return self if there.all() else Series(self.times[there], self.values[there])

    def between(self, low: float, high: float) -> "Series":
        """The samples from ``low`` to ``high`` [s]."""
        inside = (self.times >= low) & (self.times <= high)
        return Series(self.times[inside], self.values[inside])


def stretches(series: Series) -> list[Series]:
    """The parts of ``series`` without a gap: no sample missing, no interval longer than `GAP` steps. Every sample stands in a part."""
    there = np.flatnonzero(np.isfinite(series.values))
    if not len(there):
        return []
    times = series.times[there]
    breaks = (np.diff(there) > 1) | (np.diff(times) > GAP * own_step(series.times)[there[:-1]])
    ends = [0, *(np.flatnonzero(breaks) + 1).tolist(), len(there)]
    return [Series(times[a:b], series.values[there[a:b]]) for a, b in pairwise(ends)]


def own_step(times: Array) -> Array:
    """The usual interval [s] about each of the intervals (S - 1,) of ``times`` (S,)."""
    from scipy.ndimage import median_filter

    steps = np.diff(times)
    return np.asarray(median_filter(steps, NEIGHBOURS, mode="nearest")) if len(steps) else steps


def usual_step(times: Array) -> float:
    """The median interval [s]; 0 of a single sample."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Curve:
    """A series between its samples: nan in its gaps and beyond its ends."""

    parts: tuple[tuple[Series, Callable[[Array], Array]], ...]
    near: float  # [s] by which a time may miss the end of a part

    def __call__(self, times: Array) -> Array:
        found = np.full(len(times), np.nan)
        for part, through in self.parts:
            held = (times >= part.times[0] - self.near) & (times <= part.times[-1] + self.near)
            if held.any():
                found[held] = through(np.clip(times[held], part.times[0], part.times[-1]))
        return found


def linear(series: Series) -> Curve:
    """Straight lines between the samples of each of the `stretches`."""

    def lines(part: Series) -> Callable[[Array], Array]:
        return lambda times: np.interp(times, part.times, part.values)

    return Curve(tuple((part, lines(part)) for part in stretches(series)), SAME_TIME * usual_step(series.times))


def cubic(series: Series) -> Curve:
    """Cubic splines through the samples of each of the `stretches`; where all of these are asked for, they come as they are."""
    from scipy.interpolate import CubicSpline

    def spline(part: Series) -> Callable[[Array], Array]:
        if len(part.times) < 3:
            return lambda times: np.interp(times, part.times, part.values)
        smooth = CubicSpline(part.times, part.values)
        reach = ROUND_OFF * (part.times[-1] - part.times[0])

        def through(times: Array) -> Array:
            whole = len(times) == len(part.times) and np.abs(times - part.times).max() <= reach
            return part.values if whole else np.asarray(smooth(times))

        return through

    return Curve(tuple((part, spline(part)) for part in stretches(series)), SAME_TIME * usual_step(series.times))


@dataclass(frozen=True, slots=True)
class Shared:
    """A run's series beside an observed series, where both have samples."""

    course: Series  # the run's, at its own times and at those of ``observed``
    computed: Array  # (S,) the run's at the times of ``observed``
    observed: Series  # (S,) the samples that count
    counts: dict[str, int]  # see `shared`
    notes: list[str]  # what was left out, in words


def shared(computed: Series, observed: Series, low: float, high: float) -> Shared:
    """The samples from ``low`` to ``high`` [s] that both have.

    The counts are of the observation's samples: ``samples`` in all, of which ``compared``, ``missing``, ``outside`` the window or the
    run, and ``in_gaps`` of the run; and ``gaps``, how many its own record has there.
    """
    run = computed.finite
    begin, end = (max(low, run.times[0]), min(high, run.times[-1])) if len(run.times) else (np.inf, -np.inf)
    near = SAME_TIME * usual_step(run.times)
    there = np.isfinite(observed.values)
    inside = (observed.times >= begin - near) & (observed.times <= end + near)
    curve = linear(computed)
    values = curve(observed.times)
    counts = there & inside & np.isfinite(values)
    kept = Series(observed.times[counts], observed.values[counts])
    parts = stretches(Series(observed.times[inside], observed.values[inside]))
    held = np.zeros(len(run.times), bool)
    for part in parts:
        held |= (run.times >= part.times[0]) & (run.times <= part.times[-1])
    times = np.union1d(run.times[held], kept.times)
    found = {
        "samples": len(there),
        "compared": int(counts.sum()),
        "missing": int((~there).sum()),
        "outside": int((there & ~inside).sum()),
        "in_gaps": int((there & inside & ~counts).sum()),
        "gaps": max(len(stretches(Series(observed.times[inside], np.zeros(int(inside.sum()))))) - 1, 0),
    }
    return Shared(Series(times, curve(times)).finite, values[counts], kept, found, _notes(found, observed, kept, begin, end))


def _notes(counts: Mapping[str, int], observed: Series, kept: Series, begin: float, end: float) -> list[str]:
    """Reasons why not all of the run's time from ``begin`` to ``end`` [s] was compared."""
    if not len(kept.times):
        if counts["missing"] == counts["samples"]:
            return [f"all of its {counts['samples']:,} samples are missing"]
        if not counts["in_gaps"]:
            there = observed.finite.times
            return [f"the observation has t = {there[0]:g} to {there[-1]:g} s, the run {begin:g} to {end:g} s"]
    said = []
    for key, text in (("missing", "missing in the observation"), ("in_gaps", "in gaps of the run")):
        said += [f"{counts[key]:,} of {counts['samples']:,} samples are {text}: left out"] if counts[key] else []
    if counts["gaps"]:
        said.append(f"{counts['gaps']:,} gap{'s' if counts['gaps'] > 1 else ''} of the observation not bridged")
    wide = GAP * usual_step(observed.times)
    if len(kept.times) and (kept.times[0] > begin + wide or kept.times[-1] < end - wide):
        said.append(f"compared from t = {kept.times[0]:g} to {kept.times[-1]:g} s, which is all that both have")
    return said
