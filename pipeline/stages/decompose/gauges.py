"""A series beside its reference: all measures of its error, each with a confidence band."""

from itertools import pairwise
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.stages.core.measures import is_flat
from pipeline.stages.core.samples import SAME_TIME, Series, cubic, stretches, usual_step
from pipeline.stages.decompose.alignment import align
from pipeline.stages.decompose.bands import band, block_length
from pipeline.stages.decompose.moments import moments, sums
from pipeline.stages.decompose.spectra import banded, pieces, spectrum
from pipeline.stages.decompose.tables import Table, lag_column, scales_table

Array = np.ndarray[Any, np.dtype[Any]]

LEAST_SAMPLES = 8
PARTS = ("mse", "bias", "amplitude", "phase")


class NothingToCompareError(InputError):
    """Two series have no samples in common, or too few."""


def together(name: str, number: Series, reference: Series, window: tuple[float, float] | None) -> tuple[Array, Array, Array, list[str]]:
    """Both series at the same even times, nan where not both have samples, and the steps to get there.

    Raises
    ------
    NothingToCompareError
        No overlap in time, or fewer than `LEAST_SAMPLES` samples there.
    """
    notes = []
    named = (("run", number), ("reference", reference))
    for what, series in named:
        missing = int((~np.isfinite(series.values)).sum())
        if missing:
            notes.append(f"{missing} of {len(series.values)} samples of the {what} are not finite: left out")
        if missing == len(series.values):
            raise NothingToCompareError(f"gauge {name!r}: the {what} has no sample")
    finite = number.finite, reference.finite
    low = max(*(series.times[0] for series in finite), window[0] if window else -np.inf)
    high = min(*(series.times[-1] for series in finite), window[1] if window else np.inf)
    inside = [series.between(low, high) for series in finite]
    if low >= high or min(len(series.times) for series in inside) < 2:
        raise NothingToCompareError(
            f"gauge {name!r}: no overlap in time: the run has {finite[0].times[0]:g} to {finite[0].times[-1]:g} s, "
            f"the reference {finite[1].times[0]:g} to {finite[1].times[-1]:g} s"
        )
    step = max(usual_step(series.times) for series in inside)
    times = low + np.arange(int((high - low) / step * (1.0 + 1e-12)) + 1) * step
    n, r = (cubic(series)(times) for series in (number, reference))
    both = np.isfinite(n) & np.isfinite(r)
    count = int(both.sum())
    if count < LEAST_SAMPLES:
        raise NothingToCompareError(f"gauge {name!r}: {count} samples in the time that both have; at least {LEAST_SAMPLES} are needed")
    for (what, _), series in zip(named, inside, strict=True):
        gaps = np.array([b.times[0] - a.times[-1] for a, b in pairwise(stretches(series))])
        if len(gaps):
            notes.append(f"the {what} has gaps of up to {gaps.max():g} s: not bridged")
    if any(len(series.times) != len(times) or np.abs(series.times - times).max() > SAME_TIME * step for series in inside):
        notes.append(f"brought to {len(times)} even times, {step:.4g} s apart, by cubic splines")
    if count < len(times):
        notes.append(f"{len(times) - count} of {len(times)} times do not count")
    return times, np.where(both, n, np.nan), np.where(both, r, np.nan), notes


def decompose_series(times: Array, n: Array, r: Array, *, resamples: int, seed: int) -> tuple[dict[str, Any], dict[str, Table]]:
    """Measures of the error of ``n`` about ``r``, at even ``times``, and tables: ``series``; ``spectrum``, whose parts sum to the mean
    square error; ``smooth``, the same over pieces of the series, with coherence and bands. Samples nan in either do not count; spectra
    are of the longest row of samples that do."""
    one = np.ones(1)
    step = float(times[1] - times[0])
    both = np.isfinite(n) & np.isfinite(r)
    count, mine, theirs = int(both.sum()), n[both], r[both]
    whole = moments(sums(mine, theirs, one, -1))

    def measure(places: Array) -> Array:
        m = moments(sums(mine[places], theirs[places], one, -1))
        return np.array([m.mse, m.bias, m.amplitude, m.phase, m.correlation, m.ratio])

    low, high = band(measure, count, resamples=resamples, seed=seed)
    found: dict[str, Any] = {}
    for i, name in enumerate((*PARTS, "correlation", "ratio")):
        found[name] = {"value": _number(getattr(whole, name)), "low": _number(low[i]), "high": _number(high[i])}
    aligned = align(n, r, step)
    slope = np.gradient(r, step)
    slope = slope[np.isfinite(slope)]
    independent = max(count / block_length(count), 1.0)
    flat = is_flat(mine) or is_flat(theirs)
    spread = 1.645 * np.sqrt(aligned.after / np.mean(slope**2) / independent) if len(slope) and not flat else np.nan
    found["lag"] = {"value": _number(aligned.lag), "low": _number(aligned.lag - spread), "high": _number(aligned.lag + spread)}
    found["removed_by_lag"] = _number(aligned.removed)
    found["relative"] = None if is_flat(theirs) else _number(np.sqrt(whole.mse / whole.variance))
    found["phase_share"] = _number(whole.phase / whole.mse) if whole.mse > 0.0 else None
    found |= {"samples": count, "left_out": len(n) - count, "from": float(times[0]), "to": float(times[-1])}
    if flat:
        found["note"] = "a series does not change: correlation, ratio and lag are undefined"
    tables: dict[str, Table] = {
        "series": {
            "time": (times, "s", "simulated time"),
            "number": (n, "m", "free surface of the run; nan where not both have samples"),
            "reference": (r, "m", "free surface of the reference; nan where not both have samples"),
        }
    }
    some = _longest(both)
    if some.stop - some.start < LEAST_SAMPLES:
        return found, tables
    n, r = n[some], r[some]
    frequency, lines = pieces(n, r, step)
    middle, ends = banded(lines, np.ones(len(lines)), resamples=resamples, seed=seed)
    smooth = {"frequency": (frequency, "s-1", "frequency"), **scales_table(middle, ends, "m2"), **lag_column(middle, ends, frequency)}
    return found, tables | {"spectrum": _spectrum(n, r, step), "smooth": smooth}


def _longest(both: Array) -> slice:
    """The longest row of samples that count: spectra are taken of it, for they want even samples."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], both, [False]])))
    first, last = edges[::2], edges[1::2]
    longest = int(np.argmax(last - first))
    return slice(int(first[longest]), int(last[longest]))


def nothing(why: str) -> dict[str, Any]:
    """The row of a gauge that has nothing to compare: `decompose_series`' keys without numbers, and the reason as its note."""
    none = {"value": None, "low": None, "high": None}
    found: dict[str, Any] = {name: dict(none) for name in (*PARTS, "correlation", "ratio", "lag")}
    found |= dict.fromkeys(("removed_by_lag", "relative", "phase_share"))
    return found | {"samples": 0, "left_out": 0, "from": None, "to": None, "notes": [f"nothing to compare: {why}"]}


def _spectrum(n: Array, r: Array, step: float) -> Table:
    s = spectrum(n, r, step)
    return {
        "frequency": (s.frequency, "s-1", "frequency"),
        "amplitude": (s.amplitude, "m2", "amplitude part of the mean square error"),
        "phase": (s.phase, "m2", "phase part of the mean square error"),
        "power": (s.power, "m2", "mean square of the reference"),
        "ratio": (s.ratio, "1", "amplitude of the run over the reference's"),
        "lag": (s.lag, "s", "how late the run is"),
    }


def _number(value: Any) -> float | None:
    """A number for JSON, which has no nan: None in its place."""
    return float(value) if np.isfinite(value) else None
