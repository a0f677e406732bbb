"""Amplitude and phase error at every scale, by Parseval: they sum to the mean square error.

    |n_k - r_k|^2 = (|n_k| - |r_k|)^2 + 2 |n_k| |r_k| (1 - cos phi_k)

with phi_k the phase of n_k less that of r_k. Series are even in time and taken as they are, without a window: so the identity is
exact, and leakage from the ends is part of the error at other frequencies. Measures of more than one sample, the coherence and all
confidence bands, comes from half-overlapping windowed pieces of a series (P. D. Welch, IEEE Trans. Audio Electroacoust. 15 (1967)
70-73, DOI 10.1109/TAU.1967.1161901), from groups of neighbouring cells, or from groups of frames.
"""

from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from pipeline.spectral.wavenumbers import frequencies, multiplicity
from pipeline.stages.decompose.bands import band

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class ErrorSpectrum:
    """Parts of the mean square error by frequency, along the last axis."""

    frequency: Array  # (F,) cycles per unit of the step
    amplitude: Array  # (..., F) unit squared
    phase: Array  # (..., F) unit squared
    power: Array  # (..., F) unit squared, of the reference
    ratio: Array  # (..., F) |n_k| / |r_k|
    lag: Array  # (..., F) phase / (2 pi f): how late the number is, in units of the step; nan at frequency 0


def parts(d: Array, r: Array) -> tuple[Array, Array]:
    """Amplitude and phase part of |d|^2 for complex d = n - r and r.

    |n| - |r| is taken from |n|^2 - |r|^2 = Re((n - r) conj(n + r)), and 1 - cos from |n / |n| - r / |r||^2 / 2, so that neither
    loses the digits of a small error.
    """
    n = r + d
    size_n, size_r = np.abs(n), np.abs(r)
    total = size_n + size_r
    change = np.divide((d * np.conj(n + r)).real, total, out=np.zeros_like(total), where=total > 0.0)
    both = (size_n > 0.0) & (size_r > 0.0)
    # n / |n| - r / |r| = (d - r change / |r|) / |n|
    turned = d - r * np.divide(change, size_r, out=np.zeros_like(total), where=both)
    phase = np.divide(np.abs(turned) ** 2 * size_r, size_n, out=np.zeros_like(total), where=both)
    return change * change, phase


def spectrum(number: Array, reference: Array, step: float) -> ErrorSpectrum:
    """`ErrorSpectrum` of two arrays (..., S) with samples ``step`` apart."""
    samples = number.shape[-1]
    d, r = np.fft.rfft(number - reference) / samples, np.fft.rfft(reference) / samples
    n = r + d
    twice = multiplicity(np.arange(samples // 2 + 1), samples)
    amplitude, phase = parts(d, r)
    frequency = frequencies(samples, step, half=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs(n) / np.abs(r)
        lag = -np.angle(n * np.conj(r)) / (2.0 * np.pi * frequency)
    return ErrorSpectrum(frequency, twice * amplitude, twice * phase, twice * np.abs(r) ** 2, ratio, np.where(frequency > 0.0, lag, np.nan))


LINES = 5  # that `lines` gives


def lines(d: Array, r: Array) -> tuple[Array, ...]:
    """Arguments of `scales` from complex d = n - r and r: amplitude part, phase part, |n|^2, |r|^2, n conj(r). They may be summed."""
    n = r + d
    return *parts(d, r), np.abs(n) ** 2, np.abs(r) ** 2, n * np.conj(r)


@dataclass(frozen=True, slots=True)
class Scales:
    """Error by scale, from sums over many series or frames: all (..., K)."""

    amplitude: Array  # unit squared
    phase: Array  # unit squared
    power: Array  # unit squared, of the reference
    ratio: Array  # of the root mean squares
    angle: Array  # [radian] phase of the number less the reference's
    coherence: Array  # squared


def scales(sums: Array) -> Scales:
    """`Scales` from sums (LINES, K) of `lines`."""
    amplitude, phase, number, power = sums[:4].real
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, coherence = np.sqrt(number / power), np.abs(sums[4]) ** 2 / (number * power)
    return Scales(amplitude, phase, power, ratio, np.where(power > 0.0, np.angle(sums[4]), np.nan), coherence)


MOST_PIECES, LEAST_PIECES = 31, 7  # of a series
PIECE = 32  # samples that a piece has, where there are enough


def pieces(number: Array, reference: Array, step: float) -> tuple[Array, Array]:
    """Frequencies (K,) and `lines` (P, LINES, K) of half-overlapping pieces of two series (S,), tapered by Hann's window.

    The lines of a piece sum to mean squares of it, its mean taken away.
    """
    samples = len(number)
    count = int(np.clip(2 * samples // PIECE - 1, LEAST_PIECES, MOST_PIECES))
    length = max(2 * samples // (count + 1), 2)
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * (np.arange(length) + 0.5) / length)
    norm = np.sqrt(length * (window**2).sum())
    starts = np.linspace(0, samples - length, count).astype(int)
    a, b = (
        np.fft.rfft(window * (cut - cut.mean(axis=1, keepdims=True))) / norm
        for cut in (series[starts[:, None] + np.arange(length)] for series in (number - reference, reference))
    )
    twice = multiplicity(np.arange(length // 2 + 1), length)
    return frequencies(length, step, half=True), twice * np.stack(lines(a, b), axis=1)


def banded(groups: Array, weight: Array, *, resamples: int, seed: int) -> tuple[Scales, tuple[Scales, Scales]]:
    """The measures of sums of lines (G, LINES, K) over all groups, each of ``weight`` (G,), and the ends of their bands, which are
    bootstrapped over the groups: series, pieces or frames that are neighbours stand together in a group."""

    def measure(places: Array) -> Array:
        total = weight[places].sum()
        mean = groups[places].sum(axis=0) / total if total else np.full(groups.shape[1:], np.nan)
        return np.array(astuple(scales(mean)))

    low, high = band(measure, len(weight), resamples=resamples, seed=seed, length=min(2, len(weight)))
    return Scales(*measure(np.arange(len(weight)))), (Scales(*low), Scales(*high))
