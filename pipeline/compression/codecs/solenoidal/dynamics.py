"""Prediction of the smaller waves of a flow from the larger, by the Navier-Stokes equations.

Without forcing a wave obeys

    d a_k / dt + nu k^2 a_k = [-P div(u u)]_k,

P the projection along the frame of `pipeline.spectral.craya`; the trace of u u is a gradient, so that five products of three
velocities are all it takes, eight transforms where u x omega takes nine. Where viscosity acts, small waves follow the larger ones, and
a_k is nearly a number of its shell times the right-hand side of the waves below (slaved modes: C. Foias, O. Manley, R. Temam, RAIRO
Model. Math. Anal. Numer. 22 (1988) 93, DOI 10.1051/m2an/1988220100931). The number is fitted, so that neither nu nor a length is needed.
In fields that are no flow it is zero, and the prediction costs nothing but time.
"""

from typing import Any

import numpy as np
from scipy import fft

from pipeline.core.compiled import njit
from pipeline.spectral.craya import Modes, Shape
from pipeline.spectral.kernels import numbers_at

Array = np.ndarray[Any, np.dtype[Any]]
PLANES = 1 << 15  # points that are multiplied at once


def grid(low: Shape, high: Shape) -> Shape:
    """Points on which a product of waves up to ``low`` is exact up to ``high``, both along (z, y, x)."""
    sides = [fft.next_fast_len(max(2 * a + max(b, a), 2 * b) + 1, real=True) for a, b in zip(low, high, strict=True)]
    return sides[0], sides[1], sides[2]


def reach(within: Modes, shell: int) -> Shape:
    """The largest whole wavenumbers of shells up to ``shell``."""
    longest = max(within.shape)
    sides = [min(int((shell + 0.5) * n / longest), b) for n, b in zip(within.shape, within.box, strict=True)]
    return sides[0], sides[1], sides[2]


def tendency(coefficients: Array, within: Modes, low: int, high: int) -> Array:
    """-P div(u u) (2, count) of the modes in shells low < s <= high, made by those in shells up to ``low``; in a unit of its own.

    Parameters
    ----------
    coefficients : (2, modes) of ``within``, complex64 or complex128; those above ``low`` are not looked at
    """
    last, end = within.start[low + 1], within.start[min(high + 1, len(within.start) - 1)]
    small, large = reach(within, low), reach(within, high)
    points = grid(small, large)
    shape, box = np.array(within.shape), np.array(small)
    waves = np.zeros((3, 2 * small[0] + 1, 2 * small[1] + 1, small[2] + 1), coefficients.dtype)
    _flow(coefficients, within.place[:last], shape, box, waves)
    out = np.empty((2, end - last), coefficients.dtype)
    _along(_multiplied(waves, small, large, points), within.place[last:end], shape, np.array(large), out)
    return out


def _multiplied(waves: Array, small: Shape, large: Shape, points: Shape) -> Array:
    """Waves of the products (5, 2 bz + 1, 2 by + 1, bx + 1) in the box ``large`` of velocities (3, ...) in the box ``small``.

    Between the transforms along z some planes at a time, so that what is worked on stays in the processor's cache.
    """
    nz, ny, nx = points
    waves = fft.ifft(_spread(waves, 1, small[0], nz), axis=1, norm="forward", overwrite_x=True)
    made = np.empty((5, nz, 2 * large[1] + 1, large[2] + 1), waves.dtype)
    some = max(1, PLANES // (ny * nx))
    for first in range(0, nz, some):
        own = slice(first, first + some)
        lines = fft.ifft(_spread(waves[:, own], 2, small[1], ny), axis=2, norm="forward", overwrite_x=True)
        u = fft.irfft(lines, nx, axis=3, norm="forward", overwrite_x=True)
        product = np.empty((5, *u.shape[1:]), u.dtype)
        _products(u.reshape(3, -1), product.reshape(5, -1))
        lines = fft.rfft(product, axis=3, norm="forward", overwrite_x=True)[..., : large[2] + 1]
        _gather(fft.fft(lines, axis=2, norm="forward"), 2, large[1], made[:, own])
    out = np.empty((5, 2 * large[0] + 1, *made.shape[2:]), waves.dtype)
    _gather(fft.fft(made, axis=1, norm="forward", overwrite_x=True), 1, large[0], out)
    return out


def _spread(waves: Array, axis: int, b: int, n: int) -> Array:
    """Waves 0 to ``b`` and -``b`` to -1 along an axis among ``n``, the others zero."""
    wide = np.zeros((*waves.shape[:axis], n, *waves.shape[axis + 1 :]), waves.dtype)
    before = (slice(None),) * axis
    wide[(*before, slice(b + 1))] = waves[(*before, slice(b + 1))]
    wide[(*before, slice(n - b, n))] = waves[(*before, slice(b + 1, None))]
    return wide


def _gather(waves: Array, axis: int, b: int, out: Array) -> None:
    """The inverse of `_spread`, into ``out``."""
    before, n = (slice(None),) * axis, waves.shape[axis]
    out[(*before, slice(b + 1))] = waves[(*before, slice(b + 1))]
    out[(*before, slice(b + 1, None))] = waves[(*before, slice(n - b, n))]


@njit(cache=True)
def _flow(coefficients: Array, place: Array, shape: Array, box: Array, out: Array) -> None:
    """Waves of velocity (3, ...) of coefficients; conjugates at kx = 0 included."""
    top = shape.max()
    for m in range(place.size):
        x, y, z = numbers_at(place[m], shape)
        kx, ky, kz = x * top / shape[2], y * top / shape[1], z * top / shape[0]
        flat = np.sqrt(kx * kx + ky * ky)
        k = np.sqrt(flat * flat + kz * kz)
        a, b = coefficients[0, m], coefficients[1, m]
        if flat == 0.0:
            u, v, w = a, b, 0.0 * a
        else:
            u = (-a * ky - b * (kx * kz / k)) / flat
            v = (a * kx - b * (ky * kz / k)) / flat
            w = b * (flat / k)
        i, j = z if z >= 0 else z + 2 * box[0] + 1, y if y >= 0 else y + 2 * box[1] + 1
        out[0, i, j, x], out[1, i, j, x], out[2, i, j, x] = u, v, w
        if x == 0:
            i, j = -z if z <= 0 else 2 * box[0] + 1 - z, -y if y <= 0 else 2 * box[1] + 1 - y
            out[0, i, j, 0], out[1, i, j, 0], out[2, i, j, 0] = np.conj(u), np.conj(v), np.conj(w)


@njit(cache=True)
def _products(u: Array, out: Array) -> None:
    """uu - ww, vv - ww, uv, uw, vw at each point."""
    for i in range(u.shape[1]):
        x, y, z = u[0, i], u[1, i], u[2, i]
        out[0, i], out[1, i] = (x - z) * (x + z), (y - z) * (y + z)
        out[2, i], out[3, i], out[4, i] = x * y, x * z, y * z


@njit(cache=True)
def _along(waves: Array, place: Array, shape: Array, box: Array, out: Array) -> None:
    """Coefficients ``out`` (2, modes) of minus the divergence of products (5, ...) in a box."""
    top = shape.max()
    for m in range(place.size):
        x, y, z = numbers_at(place[m], shape)
        i, j = z if z >= 0 else z + 2 * box[0] + 1, y if y >= 0 else y + 2 * box[1] + 1
        kx, ky, kz = x * top / shape[2], y * top / shape[1], z * top / shape[0]
        xy, xz, yz = waves[2, i, j, x], waves[3, i, j, x], waves[4, i, j, x]
        u = -1j * (kx * waves[0, i, j, x] + ky * xy + kz * xz)
        v = -1j * (kx * xy + ky * waves[1, i, j, x] + kz * yz)
        w = -1j * (kx * xz + ky * yz)
        flat = np.sqrt(kx * kx + ky * ky)
        if flat == 0.0:
            out[0, m], out[1, m] = u, v
        else:
            out[0, m] = (kx * v - ky * u) / flat
            out[1, m] = (w * flat - (kx * u + ky * v) * (kz / flat)) / np.sqrt(flat * flat + kz * kz)
