"""Shells of wavenumbers, as wide as the lowest wavenumber of the longest side, and sums over them: spectra.

Sums are taken in the order of the arrays, so that they have the same bits wherever they are taken. A solver's sums of products of waves
are `pipeline.spectral.kernels.shells`, which needs no array of products.
"""

import math
from typing import Any

import numpy as np

from pipeline.spectral.wavenumbers import axes_of, frequencies, lowest, multiplicity, wavenumbers

Array = np.ndarray[Any, np.dtype[Any]]


def shell_of(size: Array) -> Array:
    """The shell of waves of ``size``, |k| over the shells' width: the nearest whole number, of the shape of ``size``."""
    return np.asarray(np.rint(size).astype(np.int64))


def summed(values: Array, shell: Array, shells: int = 0) -> Array:
    """Sums (shells or more,) of ``values`` over the waves of each ``shell``, both of one shape."""
    return np.bincount(shell.ravel(), values.ravel(), shells)


def energy_spectrum(u: Array, lengths: tuple[float, ...]) -> tuple[Array, Array]:
    """Mean square of ``u`` by wavenumber.

    Parameters
    ----------
    u
        (samples, [ny,] nx); the mean is over samples.
    lengths
        Period along x [, y].

    Returns
    -------
    wavenumber : (K,) rad per length; on a plane the middles of shells as wide as the lowest wavenumber is high.
    energy : (K,) which add up to the mean of u squared.
    """
    axes = tuple(range(1, u.ndim))
    power = (np.abs(np.fft.fftn(u, axes=axes)) ** 2).mean(axis=0) / math.prod(u.shape[1:]) ** 2
    waves = [wavenumbers(frequencies(n, 1.0 / n), length) for length, n in zip(lengths, u.shape[:0:-1], strict=True)]
    size = np.abs(waves[0]) if len(waves) == 1 else np.hypot(waves[0][None, :], waves[1][:, None])
    width = lowest(lengths)
    energy = summed(power, shell_of(size / width))
    return width * np.arange(len(energy)), energy


def kinetic_spectrum(velocity: Array, lengths: tuple[float, ...]) -> Array:
    """Kinetic energy (shells,) of ``velocity`` (3, nz, ny, nx) by shell 0, 1, ..., half the longest side; ``lengths`` along x, y, z."""
    shape = velocity.shape[1:]
    square = sum(k**2 for k in axes_of(shape, lengths))
    shell = shell_of(np.sqrt(square) * max(lengths) / (2.0 * np.pi))
    waves = np.fft.rfftn(velocity, axes=(1, 2, 3)) / np.prod(shape)
    energy = 0.5 * (np.abs(waves) ** 2).sum(axis=0) * multiplicity(np.arange(waves.shape[-1]), shape[-1])
    return summed(energy, shell)[: max(shape) // 2 + 1]
