"""Amplitude and phase error at every scale, by Parseval: they sum to the mean square error.

    |n_k - r_k|^2 = (|n_k| - |r_k|)^2 + 2 |n_k| |r_k| (1 - cos phi_k)

with phi_k the phase of n_k less that of r_k. Series are even in time and taken as they are, without a window: so the identity is
exact, and what leaks from the ends is part of the error at other frequencies. Coherence alone is Welch's (P. D. Welch, IEEE Trans.
Audio Electroacoust. 15 (1967) 70-73, DOI 10.1109/TAU.1967.1161901), over overlapping windowed pieces.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Parts of the mean square error by frequency, along the last axis."""

    frequency: Array  # (F,) cycles per unit of the step
    amplitude: Array  # (..., F) unit squared
    phase: Array  # (..., F) unit squared
    power: Array  # (..., F) unit squared, of the reference
    ratio: Array  # (..., F) |n_k| / |r_k|
    lag: Array  # (..., F) phase / (2 pi f): how late the number is, in units of the step; nan at frequency 0


def parts(n: Array, r: Array) -> tuple[Array, Array]:
    """Amplitude and phase part of |n - r|^2 for complex ``n`` and ``r``.

    |n| - |r| is taken from |n|^2 - |r|^2 = Re((n - r) conj(n + r)), and 1 - cos from |n / |n| - r / |r||^2 / 2, so that neither
    loses the digits of a small error.
    """
    d = n - r
    size_n, size_r = np.abs(n), np.abs(r)
    total = size_n + size_r
    change = np.divide((d * np.conj(n + r)).real, total, out=np.zeros_like(total), where=total > 0.0)
    both = (size_n > 0.0) & (size_r > 0.0)
    # n / |n| - r / |r| = (d - r change / |r|) / |n|
    turned = d - r * np.divide(change, size_r, out=np.zeros_like(total), where=both)
    phase = np.divide(np.abs(turned) ** 2 * size_r, size_n, out=np.zeros_like(total), where=both)
    return change * change, phase


def spectrum(number: Array, reference: Array, step: float) -> Spectrum:
    """`Spectrum` of two arrays (..., S) with samples ``step`` apart."""
    samples = number.shape[-1]
    n, r = np.fft.rfft(number) / samples, np.fft.rfft(reference) / samples
    twice = np.full(n.shape[-1], 2.0)  # negative frequencies too
    twice[0] = 1.0
    if samples % 2 == 0:
        twice[-1] = 1.0
    amplitude, phase = parts(n, r)
    frequency = np.fft.rfftfreq(samples, step)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs(n) / np.abs(r)
        lag = -np.angle(n * np.conj(r)) / (2.0 * np.pi * frequency)
    return Spectrum(frequency, twice * amplitude, twice * phase, twice * np.abs(r) ** 2, ratio, np.where(frequency > 0.0, lag, np.nan))


def coherence(number: Array, reference: Array, step: float, pieces: int = 8) -> tuple[Array, Array]:
    """Frequencies and squared coherence of two series (S,), from about ``pieces`` half-overlapping Hann windows."""
    from scipy import signal

    length = max(2 * len(number) // (pieces + 1), 4)
    with np.errstate(divide="ignore", invalid="ignore"):
        frequency, squared = signal.coherence(number, reference, fs=1.0 / step, nperseg=min(length, len(number)))
    return frequency, squared
