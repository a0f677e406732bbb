"""Periodic divergence-free fields as two complex numbers a wave vector (Craya's frame).

A field u (3, nz, ny, nx) with components (x, y, z) on evenly spaced points of a periodic box is a sum of u_k exp(i k.x). Without divergence
k.u_k = 0: two components are left, along

    e1 = (-ky, kx, 0) / sqrt(kx^2 + ky^2),   e2 = k x e1 / |k|,   and e1 = (1, 0, 0) where k is along z.

J. R. Herring, Phys. Fluids 17 (1974) 859-872, DOI 10.1063/1.1694822, has the frame. The field is real, so that half of the wave vectors
are enough: those with kx > 0, or kx = 0 and ky > 0, or kx = ky = 0 and kz > 0. The spacing is the same along all axes; waves at half the
number of points (Nyquist's) have no direction and are not in the basis.

Coefficients are scaled so that the sum of their squares, real and imaginary parts each, is the sum of the field's squares at its points,
without its mean.
"""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import fft

from pipeline.core.compiled import njit
from pipeline.spectral.kernels import numbers_at
from pipeline.spectral.wavenumbers import Shape

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Modes:
    """Wave vectors of the half space with ``|n_i| <= box_i``, ordered by shell, in a shell by their place in scipy's ``rfftn``."""

    shape: Shape  # of the points (nz, ny, nx)
    box: Shape  # largest whole wavenumbers along (z, y, x)
    place: Array  # (modes,) in the flat array (nz, ny, nx // 2 + 1)
    start: Array  # (shells + 1,) first mode of each shell; shell s holds s - 1/2 <= |k| < s + 1/2 in units of the longest side's wave

    @property
    def count(self) -> int:
        return len(self.place)

    def numbers(self) -> Array:
        """Whole wavenumbers (3, modes) along (x, y, z)."""
        nz, ny, nx = self.shape
        z, rest = np.divmod(self.place, ny * (nx // 2 + 1))
        y, x = np.divmod(rest, nx // 2 + 1)
        return np.stack([x, np.where(y > ny // 2, y - ny, y), np.where(z > nz // 2, z - nz, z)])

    def shells(self) -> Array:
        """The shell (modes,) of each mode."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))


def shell_energies(parts: Array, within: Modes) -> Array:
    """The energy (shells,) of coefficients ``parts`` (2, modes): the sum over points of squares."""
    each = (np.abs(parts) ** 2).sum(axis=0, dtype=np.float64)
    summed = np.append(0.0, np.cumsum(each))
    return np.asarray(summed[within.start[1:]] - summed[within.start[:-1]])


def largest(shape: Shape) -> Shape:
    """The largest whole wavenumbers below Nyquist's."""
    return ((shape[0] - 1) // 2, (shape[1] - 1) // 2, (shape[2] - 1) // 2)


@functools.lru_cache(maxsize=4)
def modes(shape: Shape, box: Shape | None = None) -> Modes:
    """The modes of a field of ``shape`` (nz, ny, nx), within ``box`` alone."""
    box = largest(shape) if box is None else box
    place, start = _order(np.array(shape), np.array(box))
    return Modes(shape, box, place, start)


@njit(cache=True)
def _order(shape: Array, box: Array) -> tuple[Array, Array]:
    """Places and starts of `Modes`: a counting sort by shell."""
    nz, ny, half = shape[0], shape[1], shape[2] // 2 + 1
    unit = shape.max() / shape  # of each axis, in units of the longest side's wave
    top = int(np.sqrt(((box * unit) ** 2).sum()) + 0.5)
    start = np.zeros(top + 2, np.int64)
    place = np.empty(0, np.int64)
    for fill in (False, True):
        if fill:
            for s in range(top, -1, -1):
                start[s + 1] = start[s]
            start[0] = 0
            for s in range(1, top + 2):
                start[s] += start[s - 1]
            place = np.empty(start[top + 1], np.int64)
        begin = start.copy()
        for z in range(nz):
            kz = z - nz if 2 * z > nz else z
            for y in range(ny):
                ky = y - ny if 2 * y > ny else y
                if abs(kz) > box[0] or abs(ky) > box[1]:
                    continue
                for x in range(min(half, box[2] + 1)):
                    if x == 0 and (ky < 0 or (ky == 0 and kz <= 0)):
                        continue
                    s = int(np.sqrt((kz * unit[0]) ** 2 + (ky * unit[1]) ** 2 + (x * unit[2]) ** 2) + 0.5)
                    if fill:
                        place[begin[s]] = (z * ny + y) * half + x
                        begin[s] += 1
                    else:
                        start[s] += 1
    return place, start


@njit(cache=True)
def _frame(at: int, shape: Array) -> tuple[float, float, float, float, float]:
    """Wave vector (x, y, z) of a place, the length of kx, ky alone, and its length."""
    x, y, z = numbers_at(at, shape)
    kx, ky, kz = x / shape[2], y / shape[1], z / shape[0]
    flat = np.sqrt(kx * kx + ky * ky)
    return kx, ky, kz, flat, np.sqrt(flat * flat + kz * kz)


@njit(cache=True)
def _project(spectrum: Array, shape: Array, place: Array, scale: float, out: Array) -> None:
    """Coefficients ``out`` (2, modes) of a ``spectrum`` (3, places)."""
    for m in range(place.size):
        kx, ky, kz, flat, k = _frame(place[m], shape)
        u, v, w = spectrum[0, place[m]], spectrum[1, place[m]], spectrum[2, place[m]]
        if flat == 0.0:
            out[0, m], out[1, m] = u * scale, v * scale
        else:
            out[0, m] = (kx * v - ky * u) * (scale / flat)
            out[1, m] = (w * flat - (kx * u + ky * v) * (kz / flat)) * (scale / k)


@njit(cache=True)
def _spread(coefficients: Array, shape: Array, place: Array, scale: float, out: Array) -> None:
    """The ``out`` spectrum (3, places) of coefficients (2, modes); conjugates at kx = 0 included."""
    half = shape[2] // 2 + 1
    for m in range(place.size):
        at = place[m]
        kx, ky, kz, flat, k = _frame(at, shape)
        a, b = coefficients[0, m] * scale, coefficients[1, m] * scale
        if flat == 0.0:
            u, v, w = a, b, 0.0 * a
        else:
            b = b / k
            u = -a * (ky / flat) - b * (kx * kz / flat)
            v = a * (kx / flat) - b * (ky * kz / flat)
            w = b * flat
        out[0, at], out[1, at], out[2, at] = u, v, w
        if at % half == 0:
            y = (at // half) % shape[1]
            z = at // (half * shape[1])
            twin = (((shape[0] - z) % shape[0]) * shape[1] + (shape[1] - y) % shape[1]) * half
            out[0, twin], out[1, twin], out[2, twin] = np.conj(u), np.conj(v), np.conj(w)


@njit(cache=True)
def _measure(spectrum: Array, shape: Array, planes: Array) -> tuple[float, float, float]:
    """Sums over all places: energy outside the basis, (k.u)^2, k^2 u^2; fills ``planes`` (3, largest side), energy by |n| (z, y, x)."""
    nz, ny, half = shape[0], shape[1], shape[2] // 2 + 1
    lost, divergence, gradient = 0.0, 0.0, 0.0
    for at in range(1, nz * ny * half):
        kx, ky, kz, _, k = _frame(at, shape)
        x, y, z = at % half, (at // half) % ny, at // (half * ny)
        weight = 1.0 if x == 0 or 2 * x == shape[2] else 2.0
        u, v, w = spectrum[0, at], spectrum[1, at], spectrum[2, at]
        energy = weight * (u.real**2 + u.imag**2 + v.real**2 + v.imag**2 + w.real**2 + w.imag**2)
        along = u * kx + v * ky + w * kz
        spread = weight * (along.real**2 + along.imag**2)
        if 2 * x == shape[2] or 2 * y == ny or 2 * z == nz:
            lost += energy
        else:
            lost += spread / (k * k)
            divergence += spread
            gradient += energy * k * k
            planes[0, min(z, nz - z)] += energy
            planes[1, min(y, ny - y)] += energy
            planes[2, x] += energy
    return lost, divergence, gradient


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The transform of a field and its parts within the basis; sums are over points, of squares."""

    shape: Shape
    values: Array  # (3, places) complex, norm="ortho"
    mean: Array  # (3,) of the field
    lost: float  # what the basis can't hold: divergent parts and Nyquist's waves
    divergence: float  # root mean square of the spectral divergence over that of the gradient
    planes: Array  # (3, largest side) energy by |n| along (z, y, x)

    @property
    def energy(self) -> float:
        """Sum of the squares of the field's part within the basis, without its mean."""
        return float(self.planes[0].sum())


def spectrum(values: Array) -> Spectrum:
    """Transform ``values`` (3, nz, ny, nx), components (x, y, z), in their own precision, and measure them."""
    shape = (values.shape[1], values.shape[2], values.shape[3])
    mean = values.mean(axis=(1, 2, 3), dtype=np.float64)
    waves = fft.rfftn(values, axes=(1, 2, 3), norm="ortho").reshape(3, -1)
    planes = np.zeros((3, max(shape)))
    lost, divergence, gradient = _measure(waves, np.array(shape), planes)
    return Spectrum(shape, waves, mean, lost, float(np.sqrt(divergence / gradient)) if gradient else 0.0, planes)


def project(transform: Spectrum, within: Modes) -> Array:
    """Coefficients (2, modes) complex of a transformed field, of the modes ``within``."""
    out = np.empty((2, within.count), transform.values.dtype)
    _project(transform.values, np.array(transform.shape), within.place, float(np.sqrt(2.0)), out)
    return out


def coefficients(values: Array) -> Array:
    """Coefficients (2, modes) complex of a field ``values`` (3, nz, ny, nx); the modes are ``modes(values.shape[1:])``."""
    transform = spectrum(values)
    return project(transform, modes(transform.shape))


def field(coefficients: Array, shape: Shape, mean: Array | None = None, box: Shape | None = None) -> Array:
    """The field (3, *shape) of coefficients (2, modes), ``within box``, and a mean (3,); in the coefficients' precision."""
    within = modes(shape, box)
    nz, ny, nx = shape
    waves = np.zeros((3, nz * ny * (nx // 2 + 1)), coefficients.dtype)
    _spread(coefficients, np.array(shape), within.place, float(np.sqrt(0.5)), waves)
    if mean is not None:
        waves[:, 0] = np.asarray(mean) * np.sqrt(nz * ny * nx)
    return np.asarray(fft.irfftn(waves.reshape(3, nz, ny, nx // 2 + 1), s=shape, axes=(1, 2, 3), norm="ortho", overwrite_x=True))
