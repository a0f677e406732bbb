"""The shift that brings a number nearest to its reference: the error that it takes away is phase, the rest is amplitude and shape.

A shift is sought on whole samples by the correlation over the overlap alone, and then between
samples with a cubic spline through the reference. On periodic fields it is sought by the correlation's own Fourier series, whose
maximum Newton's method finds: exact for all waves of the grid.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.spectral.wavenumbers import frequencies, multiplicity
from pipeline.stages.core.samples import Series, cubic

Array = np.ndarray[Any, np.dtype[Any]]

LEAST_OVERLAP = 0.5  # of the series
LEAST_SPREAD = 1e-12  # of both series' own: less is the round-off of the sums
AS_GOOD = 0.98  # of the greatest correlation: the shortest of such shifts is taken, for waves repeat themselves


@dataclass(frozen=True, slots=True)
class Alignment:
    """``lag``: how late the number is, in units of the step. ``before``, ``after``: mean square error where both overlap."""

    lag: float
    before: float
    after: float

    @property
    def removed(self) -> float:
        """The share of the mean square error that the shift takes away."""
        return 1.0 - self.after / self.before if self.before > 0.0 else 0.0


def align(number: Array, reference: Array, step: float, largest: float | None = None) -> Alignment:
    """Best `Alignment` of two even series (S,), samples ``step`` apart; ``largest`` lag, unset: half of the series.

    Samples that are nan in either do not count: no shift is judged by them, or by a spline across them. A constant series can't be
    aligned: its lag is nan.
    """
    from scipy.optimize import minimize_scalar

    samples = len(number)
    both = np.isfinite(number) & np.isfinite(reference)
    apart = float(np.mean((number - reference)[both] ** 2))
    if np.ptp(number[both]) == 0.0 or np.ptp(reference[both]) == 0.0:
        return Alignment(float("nan"), apart, apart)
    most = int(samples * LEAST_OVERLAP) if largest is None else min(int(np.ceil(largest / step)), int(samples * LEAST_OVERLAP))
    whole = _whole_lag(number, reference, most)
    places = np.arange(samples)
    curve = cubic(Series(places.astype(float), reference))
    overlaps = np.isfinite(number)  # at any lag that is tried
    for moved in (places - whole - 1, places - whole, places - whole + 1):
        overlaps &= (moved >= 0) & (moved < samples) & np.isfinite(reference[np.clip(moved, 0, samples - 1)])
    at = places[overlaps]
    start = at[both[at]]
    if len(start) < 2:  # gaps leave nothing that could be shifted
        return Alignment(float("nan"), apart, apart)

    def against(lag: float) -> float:
        return -_correlation(number[at], curve(at - lag))

    found = minimize_scalar(against, bounds=(whole - 1.0, whole + 1.0), method="bounded", options={"xatol": 1e-9})
    lag = min((float(whole), float(found.x)), key=against)
    before = float(np.mean((number[start] - reference[start]) ** 2))
    after = float(np.mean((number[start] - curve(start - lag)) ** 2))
    return Alignment(lag * step, before, after)


def _correlation(a: Array, b: Array) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size > 0.0 else -1.0


def _whole_lag(number: Array, reference: Array, most: int) -> int:
    """The lag in whole samples with the greatest correlation over the overlap of the samples there, all lags by Fourier transforms."""
    samples = len(number)
    size = 2 * samples
    lags = np.arange(-most, most + 1)
    (n, n_there), (r, r_there) = (_centred(values) for values in (number, reference))

    def over(a: Array, b: Array) -> Array:
        return np.asarray(np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)[lags])

    overlap = np.maximum(np.rint(over(n_there, r_there)), 1.0)
    n1, n2, r1, r2 = over(n, r_there), over(n * n, r_there), over(n_there, r), over(n_there, r * r)
    spread = np.sqrt(np.maximum(n2 - n1 * n1 / overlap, 0.0) * np.maximum(r2 - r1 * r1 / overlap, 0.0))
    least = LEAST_SPREAD * np.sqrt((n @ n) * (r @ r))
    enough = (spread > least) & (overlap >= int(LEAST_OVERLAP * min(n_there.sum(), r_there.sum())))
    correlation = np.where(enough, (over(n, r) - n1 * r1 / overlap) / np.maximum(spread, least), -1.0)
    highest = correlation.max()  # below zero where every lag has the series against each other
    good = np.flatnonzero(correlation >= highest - (1.0 - AS_GOOD) * abs(highest))
    best = int(good[np.argmin(np.abs(lags[good]))])
    while 0 < best < len(lags) - 1 and max(correlation[best - 1], correlation[best + 1]) > correlation[best]:
        best += 1 if correlation[best + 1] > correlation[best - 1] else -1
    return int(lags[best])


def _centred(values: Array) -> tuple[Array, Array]:
    """``values`` (S,) about their mean, 0 where they are nan; and where they are there, as 1 and 0."""
    there = np.isfinite(values)
    return np.where(there, values - values[there].mean(), 0.0), there.astype(float)


def align_periodic(number: Array, reference: Array) -> tuple[Array, float, float]:
    """Best shift of a periodic field in one or two dimensions: (shift in samples by axis, mean square before, after)."""
    return align_transforms(np.fft.rfftn(number) / number.size, np.fft.rfftn(reference) / reference.size, number.shape)


def align_transforms(n: Array, r: Array, samples: tuple[int, ...], iterations: int = 20) -> tuple[Array, float, float]:
    """The same of the real transforms of fields with so many ``samples`` along each axis, each over the number of all."""
    cross = n * np.conj(r)
    cross[(0,) * n.ndim] = 0.0
    correlation = np.fft.irfftn(cross, samples, axes=range(cross.ndim))
    twice = multiplicity(np.arange(samples[-1] // 2 + 1), samples[-1])
    cross *= twice
    shape = np.array(samples)
    good = np.argwhere(correlation >= AS_GOOD * correlation.max()).astype(float)
    good = (good + 0.5 * shape) % shape - 0.5 * shape
    shift = good[np.argmin((good**2).sum(axis=1))]
    waves = [2.0 * np.pi * frequencies(size, 1.0, half=axis == len(samples) - 1) for axis, size in enumerate(samples)]
    for axis, size in enumerate(samples):  # the highest wave of an even number of samples has no direction
        if size % 2 == 0:
            np.moveaxis(cross, axis, 0)[size // 2] = 0.0
    for _ in range(iterations):
        turned = _turned(cross, waves, shift)
        gradient = np.array([-(k @ _but(turned.imag, axis)) for axis, k in enumerate(waves)])
        curvature = -np.array([[_second(turned.real, waves, a, b) for b in range(n.ndim)] for a in range(n.ndim)])
        values, vectors = np.linalg.eigh(curvature)
        firm = values < -1e-9 * max(-float(values.min()), 1e-300)  # a direction without structure has no shift
        move = vectors[:, firm] @ ((vectors[:, firm].T @ gradient) / -values[firm])
        shift = shift + np.clip(move, -0.5, 0.5)
        if np.abs(move).max(initial=0.0) < 1e-12:
            break
    before, after = (float(np.sum(twice * np.abs(n - other) ** 2)) for other in (r, _turned(r, waves, -shift)))
    return (shift + 0.5 * shape) % shape - 0.5 * shape, before, after


def _turned(field: Array, waves: list[Array], shift: Array) -> Array:
    """``field`` times exp(i k shift)."""
    for axis, (k, s) in enumerate(zip(waves, shift, strict=True)):
        field = field * np.exp(1j * k * s).reshape([-1 if a == axis else 1 for a in range(field.ndim)])
    return field


def _but(field: Array, *axes: int) -> Array:
    """Sum over all axes but these."""
    return np.asarray(field.sum(axis=tuple(a for a in range(field.ndim) if a not in axes)))


def _second(field: Array, waves: list[Array], a: int, b: int) -> float:
    """Sum of k_a k_b ``field``."""
    both = _but(field, a, b)
    return float(waves[a] ** 2 @ both if a == b else waves[min(a, b)] @ both @ waves[max(a, b)])
