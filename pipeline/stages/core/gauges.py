"""One series beside its reference: all measures of its error, each with a confidence band."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.errors import InputError
from pipeline.stages.core.alignment import align
from pipeline.stages.core.bands import band, block_length
from pipeline.stages.core.moments import moments, sums
from pipeline.stages.core.spectra import banded, pieces, spectrum
from pipeline.stages.core.tables import Table, lag_column, scales_table

Array = np.ndarray[Any, np.dtype[Any]]

LEAST_SAMPLES = 8
ROUND_OFF = 1e-12  # of a series' length
PARTS = ("mse", "bias", "amplitude", "phase")


@dataclass(frozen=True, slots=True)
class Series:
    """Samples (S,) [m] at rising times (S,) [s]."""

    times: Array
    values: Array


def together(name: str, number: Series, reference: Series, window: tuple[float, float] | None) -> tuple[Array, Array, Array, list[str]]:
    """Both series at the same even times, and what was done to get there.

    Raises
    ------
    InputError
        No overlap in time, or fewer than `LEAST_SAMPLES` samples there.
    """
    notes = []
    kept = []
    for what, series in (("run", number), ("reference", reference)):
        finite = np.isfinite(series.values)
        if not finite.all():
            notes.append(f"{int((~finite).sum())} of {len(finite)} samples of the {what} are not finite: bridged by a spline")
        kept.append(Series(series.times[finite], series.values[finite]))
    number, reference = kept
    low = max(number.times[0], reference.times[0], window[0] if window else -np.inf)
    high = min(number.times[-1], reference.times[-1], window[1] if window else np.inf)
    inside = [series.times[(series.times >= low) & (series.times <= high)] for series in kept]
    if low >= high or min(map(len, inside)) < 2:
        raise InputError(
            f"gauge {name!r}: no overlap in time: the run has {number.times[0]:g} to {number.times[-1]:g} s, "
            f"the reference {reference.times[0]:g} to {reference.times[-1]:g} s"
        )
    step = max(float(np.median(np.diff(times))) for times in inside)
    count = int((high - low) / step * (1.0 + 1e-12)) + 1
    if count < LEAST_SAMPLES:
        raise InputError(f"gauge {name!r}: {count} samples in the time that both have; at least {LEAST_SAMPLES} are needed")
    gaps = np.diff(inside[1])
    if gaps.max() > 3.0 * np.median(gaps):
        notes.append(f"the reference has gaps of up to {gaps.max():g} s: bridged by a spline")
    times = low + np.arange(count) * step
    n, r = (even_at(series, times) for series in kept)
    if any(len(t) != count or np.abs(t - times).max() > 1e-6 * step for t in inside):
        notes.append(f"brought to {count} even times, {step:.4g} s apart, by cubic splines")
    return times, n, r, notes


def even_at(series: Series, times: Array) -> Array:
    """The cubic spline through ``series`` at ``times``; the samples themselves where they stand there."""
    if len(series.times) == len(times) and np.abs(series.times - times).max() <= ROUND_OFF * (times[-1] - times[0]):
        return series.values
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(series.times, series.values)(np.clip(times, series.times[0], series.times[-1])))


def decompose_series(times: Array, n: Array, r: Array, *, resamples: int, seed: int) -> tuple[dict[str, Any], dict[str, Table]]:
    """Measures of the error of ``n`` about ``r``, at even ``times``, and tables: ``series``; ``spectrum``, whose parts sum to the mean
    square error; ``smooth``, the same over pieces of the series, with coherence and bands."""
    one = np.ones(1)
    step = float(times[1] - times[0])
    whole = moments(sums(n, r, one, -1))

    def measure(places: Array) -> Array:
        m = moments(sums(n[places], r[places], one, -1))
        return np.array([m.mse, m.bias, m.amplitude, m.phase, m.correlation, m.ratio])

    low, high = band(measure, len(n), resamples=resamples, seed=seed)
    found: dict[str, Any] = {}
    for i, name in enumerate((*PARTS, "correlation", "ratio")):
        found[name] = {"value": _number(getattr(whole, name)), "low": _number(low[i]), "high": _number(high[i])}
    aligned = align(n, r, step)
    slope = np.gradient(r, step)
    independent = max(len(n) / block_length(len(n)), 1.0)
    spread = 1.645 * np.sqrt(aligned.after / np.mean(slope**2) / independent) if np.ptp(r) > 0.0 else np.nan
    found["lag"] = {"value": _number(aligned.lag), "low": _number(aligned.lag - spread), "high": _number(aligned.lag + spread)}
    found["removed_by_lag"] = _number(aligned.removed)
    found["relative"] = _number(np.sqrt(whole.mse / whole.variance)) if whole.variance > 0.0 else None
    found["phase_share"] = _number(whole.phase / whole.mse) if whole.mse > 0.0 else None
    found["samples"] = len(n)
    if np.ptp(r) == 0.0 or np.ptp(n) == 0.0:
        found["note"] = "a series does not change: correlation, ratio and lag are undefined"
    series: Table = {
        "time": (times, "s", "simulated time"),
        "number": (n, "m", "free surface of the run"),
        "reference": (r, "m", "free surface of the reference"),
    }
    frequency, lines = pieces(n, r, step)
    middle, ends = banded(lines, np.ones(len(lines)), resamples=resamples, seed=seed)
    smooth = {"frequency": (frequency, "s-1", "frequency"), **scales_table(middle, ends, "m2"), **lag_column(middle, ends, frequency)}
    return found, {"series": series, "spectrum": _spectrum(n, r, step), "smooth": smooth}


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
    """For JSON, which has no nan."""
    return float(value) if np.isfinite(value) else None
