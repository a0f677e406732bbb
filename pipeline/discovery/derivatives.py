"""Derivatives of periodic states on even grids: spectral, by central differences, and in weak form.

States are (S, points by x) or (S, points by x, points by y), S states; ``lengths`` are the periods by x (and y).
The weak form multiplies by a smooth hump and integrates, W[f](x) = integral of hump(s) f(x - s) ds, so that derivatives of f may stand
on the hump instead: P. A. K. Reinbold, D. R. Gurevich, R. O. Grigoriev, Phys. Rev. E 101 (2020) 010203, DOI 10.1103/PhysRevE.101.010203.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.spectral import derivatives
from pipeline.spectral.derivatives import factor, filtered
from pipeline.spectral.wavenumbers import frequencies
from pipeline.terms.terms import Derivative

Array = np.ndarray[Any, np.dtype[Any]]
Lengths = tuple[float, ...]

HALF_STENCIL = 4  # points to either side of a central difference: order 8 for the first derivatives, 6 for third and fourth ones
HALF_HUMP = 5  # grid steps to either side of the weak form's hump
HUMP_POWER = 8  # of (1 - s^2): the hump has as many smooth derivatives


def difference(states: Array, lengths: Lengths, derivative: Derivative) -> Array:
    """The derivative by central differences over ``2 HALF_STENCIL + 1`` points."""
    for axis, (times, length) in enumerate(zip(derivative, lengths, strict=False), start=1):
        if times:
            spacing = length / states.shape[axis]
            weights = central_weights(times) / spacing**times
            shifts = range(-HALF_STENCIL, HALF_STENCIL + 1)
            states = np.sum([w * np.roll(states, -shift, axis) for w, shift in zip(weights, shifts, strict=True)], axis=0)
    return states


def central_weights(times: int) -> Array:
    """Weights (2 HALF_STENCIL + 1,) of the ``times``-th derivative on a unit grid: exact for polynomials of degree 2 HALF_STENCIL."""
    offsets = np.arange(-HALF_STENCIL, HALF_STENCIL + 1.0)
    taylor = np.vander(offsets, increasing=True).T
    wanted = np.zeros(len(offsets))
    wanted[times] = math.factorial(times)
    return np.linalg.solve(taylor, wanted)


def weak(states: Array, lengths: Lengths, derivative: Derivative = (0, 0)) -> Array:
    """W of the derivative: the states convolved with the hump's derivative. With ``(0, 0)`` it is W of the states themselves."""
    for axis, length in enumerate(lengths, start=1):
        points = states.shape[axis]
        k = 2.0 * np.pi * frequencies(points, length / points, half=True)
        states = filtered(states, hump_transform(points) * factor(k, derivative[axis - 1]), axis)
    return states


def hump_transform(points: int) -> Array:
    """Fourier factor (points // 2 + 1,) of the hump (1 - s^2)^HUMP_POWER, of unit sum on the grid."""
    steps = np.arange(-HALF_HUMP, HALF_HUMP + 1)
    values = (1.0 - (steps / (HALF_HUMP + 1.0)) ** 2) ** HUMP_POWER
    hump = np.zeros(points)
    np.add.at(hump, steps % points, values / values.sum())
    return np.asarray(np.fft.rfft(hump).real)  # the hump is even


POINTWISE: dict[str, Callable[[Array, Lengths, Derivative], Array]] = {"spectral": derivatives.derivative, "difference": difference}
