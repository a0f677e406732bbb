"""States on one even grid of a periodic box, seen at the points of another: by their Fourier series, which is exact."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from pipeline.spectral.wavenumbers import whole

Array = np.ndarray[Any, np.dtype[Any]]


def seen_at(states: Array, points: Iterable[int]) -> Array:
    """The Fourier series of ``states`` (S, points along each axis) at ``points`` along each axis: (S, *points).

    On fewer points waves look like longer ones, as they do to an observer. Of an even number of points the highest wave is a cosine.
    Where the points are among the given points, their values are taken as they stand.
    """
    for axis, count in enumerate(points, start=1):
        had = states.shape[axis]
        if had % count == 0:
            states = states[(slice(None),) * axis + (slice(None, None, had // count),)]
        else:
            states = _along(states, count, axis)
    return states


def _along(states: Array, count: int, axis: int) -> Array:
    had = states.shape[axis]
    c = np.moveaxis(np.fft.fft(states, axis=axis, norm="forward"), axis, 0)
    wave = whole(had).astype(int)
    if had % 2 == 0:
        c = np.concatenate([c, 0.5 * c[had // 2][None]])
        c[had // 2] *= 0.5
        wave = np.append(wave, had // 2)
    folded = np.zeros((count, *c.shape[1:]), complex)
    np.add.at(folded, wave % count, c)
    return np.ascontiguousarray(np.fft.ifft(np.moveaxis(folded, 0, axis), axis=axis, norm="forward").real)
