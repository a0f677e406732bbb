"""Derivatives of periodic fields by their Fourier series: factors of waves, and derivatives of states and velocities.

An odd derivative has no share of the highest wave of an even number of points, whose sine no point shows.
"""

from typing import Any

import numpy as np

from pipeline.spectral.wavenumbers import axes_of, frequencies

Array = np.ndarray[Any, np.dtype[Any]]


def factor(k: Array, order: int, highest: Array | bool = False) -> Array:
    """(i k)^order of waves of wavenumbers ``k`` (waves,); 0 of an odd ``order`` where they are the ``highest`` (waves,)."""
    return np.where(highest & (order % 2 == 1), 0.0, (1j * k) ** order)


def turned_factor(k: Array, order: int, highest: Array | bool = False) -> Array:
    """`factor` as i^order k^order: for higher orders its last bits differ, and runs on a line have these."""
    return np.where(highest & (order % 2 == 1), 0.0, k**order * [1.0, 1j, -1.0, -1j][order % 4])


def derivative(states: Array, lengths: tuple[float, ...], orders: tuple[int, ...]) -> Array:
    """The derivative of ``orders`` by x (and y) of ``states`` (S, points by x[, points by y]) with these periods."""
    for axis, (times, length) in enumerate(zip(orders, lengths, strict=False), start=1):
        if times:
            points = states.shape[axis]
            k = 2.0 * np.pi * frequencies(points, length / points, half=True)
            states = filtered(states, factor(k, times, np.arange(len(k)) == points / 2), axis)
    return states


def filtered(states: Array, factors: Array, axis: int) -> Array:
    """``states`` whose waves along ``axis`` are multiplied by ``factors`` (points // 2 + 1,)."""
    shape = [1] * states.ndim
    shape[axis] = len(factors)
    return np.asarray(np.fft.irfft(np.fft.rfft(states, axis=axis) * factors.reshape(shape), states.shape[axis], axis=axis))


def gradients(velocity: Array, lengths: tuple[float, ...]) -> Array:
    """Slopes (3, 3, nz, ny, nx) of the components u, v, w of ``velocity`` (3, nz, ny, nx) along x, y, z; ``lengths`` along x, y, z."""
    shape = velocity.shape[1:]
    axes = axes_of(shape, lengths)
    waves = np.fft.rfftn(velocity, axes=(1, 2, 3))
    return np.stack([np.stack([np.fft.irfftn(1j * k * one, s=shape, axes=(0, 1, 2)) for k in axes]) for one in waves])
