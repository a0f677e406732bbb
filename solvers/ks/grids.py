"""States on one even grid of a periodic line or plane, seen at the points of another: by their Fourier series, which is exact.

Observations have as many points as they have; an integrator has points that its transforms take.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

FACTORS = (2, 3, 5)  # of a number of points that every transform takes


def smooth(count: int) -> bool:
    """Whether ``count`` has no prime factor above 5."""
    for factor in FACTORS:
        while count % factor == 0:
            count //= factor
    return count == 1


def next_smooth(count: int, multiple: int) -> int:
    """The least number from ``count`` on that is a ``multiple`` without a prime factor above 5."""
    count += -count % multiple
    while not smooth(count):
        count += multiple
    return count


def seen_at(states: Array, points: Iterable[int]) -> Array:
    """The Fourier series of ``states`` (S, points by x[, by y]) at ``points`` along each axis: (S, *points).

    On fewer points waves look like longer ones, as they do to an observer. Of an even number of points the highest wave is a cosine.
    """
    for axis, count in enumerate(points, start=1):
        if count != states.shape[axis]:
            states = _along(states, count, axis)
    return states


def _along(states: Array, count: int, axis: int) -> Array:
    had = states.shape[axis]
    c = np.moveaxis(np.fft.fft(states, axis=axis, norm="forward"), axis, 0)
    wave = np.rint(np.fft.fftfreq(had, 1.0 / had)).astype(int)
    if had % 2 == 0:
        c = np.concatenate([c, 0.5 * c[had // 2][None]])
        c[had // 2] *= 0.5
        wave = np.append(wave, had // 2)
    folded = np.zeros((count, *c.shape[1:]), complex)
    np.add.at(folded, wave % count, c)
    return np.ascontiguousarray(np.fft.ifft(np.moveaxis(folded, 0, axis), axis=axis, norm="forward").real)
