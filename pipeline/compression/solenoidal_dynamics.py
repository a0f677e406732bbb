"""What the larger waves of a flow say of the smaller: a prediction by the Navier-Stokes equations.

Without forcing a wave obeys

    d a_k / dt + nu k^2 a_k = [P (u x omega)]_k,

P the projection along the frame of `pipeline.compression.solenoidal_basis`. Where viscosity acts, small waves follow the larger ones, and
a_k is nearly a number of its shell times the right-hand side of the waves below (slaved modes: C. Foias, O. Manley, R. Temam, RAIRO
Model. Math. Anal. Numer. 22 (1988) 93, DOI 10.1051/m2an/1988220100931). The number is fitted, so that neither nu nor a length is needed.
In fields that are no flow it is nought, and the prediction costs nothing but time.
"""

from typing import Any

import numpy as np
from numba import njit
from scipy import fft

from pipeline.compression.solenoidal_basis import Modes, Shape

Array = np.ndarray[Any, np.dtype[Any]]


def grid(low: Shape, high: Shape) -> Shape:
    """Points on which a product of waves up to ``low`` is exact up to ``high``, both along (z, y, x)."""
    sides = [fft.next_fast_len(2 * a + max(b, a) + 1, real=True) for a, b in zip(low, high, strict=True)]
    return sides[0], sides[1], sides[2]


def reach(within: Modes, shell: int) -> Shape:
    """The largest whole wavenumbers of shells up to ``shell``."""
    longest = max(within.shape)
    sides = [min(int((shell + 0.5) * n / longest), b) for n, b in zip(within.shape, within.box, strict=True)]
    return sides[0], sides[1], sides[2]


def tendency(coefficients: Array, within: Modes, low: int, high: int) -> Array:
    """P (u x omega) (2, count) of the modes in shells low < s <= high, made by those in shells up to ``low``; in a unit of its own.

    Parameters
    ----------
    coefficients : (2, modes) of ``within``, complex64 or complex128; those above ``low`` are not looked at
    """
    last, end = within.start[low + 1], within.start[min(high + 1, len(within.start) - 1)]
    small, large = reach(within, low), reach(within, high)
    points = grid(small, large)
    shape, box = np.array(within.shape), np.array(small)
    waves = np.zeros((6, 2 * small[0] + 1, 2 * small[1] + 1, small[2] + 1), coefficients.dtype)
    _flow(coefficients, within.place[:last], shape, box, waves)
    u = _backward(waves, small, points)
    product = np.empty((3, *points), u.dtype)
    _cross(u.reshape(6, -1), product.reshape(3, -1))
    out = np.empty((2, end - last), coefficients.dtype)
    _along(_forward(product, large), within.place[last:end], shape, np.array(large), out)
    return out


def _backward(waves: Array, box: Shape, points: Shape) -> Array:
    """Values at ``points`` of waves (fields, 2 bz + 1, 2 by + 1, bx + 1): lines of waves that are nought are not transformed."""
    nz, ny, nx = points
    for axis, (b, n) in enumerate(((box[0], nz), (box[1], ny)), 1):
        wide = np.zeros((*waves.shape[:axis], n, *waves.shape[axis + 1 :]), waves.dtype)
        before = (slice(None),) * axis
        wide[(*before, slice(b + 1))] = waves[(*before, slice(b + 1))]
        wide[(*before, slice(n - b, n))] = waves[(*before, slice(b + 1, None))]
        waves = fft.ifft(wide, axis=axis, norm="forward", overwrite_x=True)
    return np.asarray(fft.irfft(waves, nx, axis=3, norm="forward", overwrite_x=True))


def _forward(values: Array, box: Shape) -> Array:
    """Waves (fields, 2 bz + 1, 2 by + 1, bx + 1) of values at points."""
    waves = fft.rfft(values, axis=3, norm="forward", overwrite_x=True)[..., : box[2] + 1]
    for axis in (2, 1):
        b = box[axis - 1]
        waves = fft.fft(waves, axis=axis, norm="forward")
        before = (slice(None),) * axis
        waves = np.concatenate([waves[(*before, slice(b + 1))], waves[(*before, slice(waves.shape[axis] - b, None))]], axis=axis)
    return waves


@njit(cache=True)
def _wave(at: int, shape: Array) -> tuple[int, int, int]:
    """Whole wavenumbers (x, y, z) of a place."""
    half = shape[2] // 2 + 1
    x, y, z = at % half, (at // half) % shape[1], at // (half * shape[1])
    return x, y - shape[1] if 2 * y > shape[1] else y, z - shape[0] if 2 * z > shape[0] else z


@njit(cache=True)
def _flow(coefficients: Array, place: Array, shape: Array, box: Array, out: Array) -> None:
    """Waves of velocity and vorticity (6, ...) of coefficients; conjugates at kx = 0 included."""
    top = shape.max()
    for m in range(place.size):
        x, y, z = _wave(place[m], shape)
        kx, ky, kz = x * top / shape[2], y * top / shape[1], z * top / shape[0]
        flat = np.sqrt(kx * kx + ky * ky)
        k = np.sqrt(flat * flat + kz * kz)
        for part in range(2):
            if part == 0:
                a, b = coefficients[0, m], coefficients[1, m]
            else:
                a, b = -1j * k * coefficients[1, m], 1j * k * coefficients[0, m]
            if flat == 0.0:
                u, v, w = a, b, 0.0 * a
            else:
                u = (-a * ky - b * (kx * kz / k)) / flat
                v = (a * kx - b * (ky * kz / k)) / flat
                w = b * (flat / k)
            i, j = z if z >= 0 else z + 2 * box[0] + 1, y if y >= 0 else y + 2 * box[1] + 1
            out[3 * part, i, j, x], out[3 * part + 1, i, j, x], out[3 * part + 2, i, j, x] = u, v, w
            if x == 0:
                i, j = -z if z <= 0 else 2 * box[0] + 1 - z, -y if y <= 0 else 2 * box[1] + 1 - y
                out[3 * part, i, j, 0], out[3 * part + 1, i, j, 0], out[3 * part + 2, i, j, 0] = np.conj(u), np.conj(v), np.conj(w)


@njit(cache=True)
def _cross(u: Array, out: Array) -> None:
    """u[:3] x u[3:] at each point."""
    for i in range(u.shape[1]):
        out[0, i] = u[1, i] * u[5, i] - u[2, i] * u[4, i]
        out[1, i] = u[2, i] * u[3, i] - u[0, i] * u[5, i]
        out[2, i] = u[0, i] * u[4, i] - u[1, i] * u[3, i]


@njit(cache=True)
def _along(waves: Array, place: Array, shape: Array, box: Array, out: Array) -> None:
    """Coefficients ``out`` (2, modes) of waves in a box (3, ...)."""
    top = shape.max()
    for m in range(place.size):
        x, y, z = _wave(place[m], shape)
        i, j = z if z >= 0 else z + 2 * box[0] + 1, y if y >= 0 else y + 2 * box[1] + 1
        u, v, w = waves[0, i, j, x], waves[1, i, j, x], waves[2, i, j, x]
        kx, ky, kz = x * top / shape[2], y * top / shape[1], z * top / shape[0]
        flat = np.sqrt(kx * kx + ky * ky)
        if flat == 0.0:
            out[0, m], out[1, m] = u, v
        else:
            out[0, m] = (kx * v - ky * u) / flat
            out[1, m] = (w * flat - (kx * u + ky * v) * (kz / flat)) / np.sqrt(flat * flat + kz * kz)
