"""Small scales regrown from the large ones by a short run of the Navier-Stokes equations, back in time and forth again.

du/dt = P(u x w) - nu k^2 u, w = curl u, P the projection on divergence-free fields, in a periodic box. In the dissipation range small
scales follow the large ones: K. Yoshida, J. Yamaguchi and Y. Kaneda, Phys. Rev. Lett. 94 (2005) 014501,
DOI 10.1103/PhysRevLett.94.014501, found that those beyond 0.2 / (Kolmogorov's length) are regained from the history of the rest. One
snapshot has no history, so it is made: waves that are known are marched back by a time T (viscosity amplifies them by no more than
exp(nu k^2 T)), then everything is marched forth by T, and the small scales grow on the way. Going back and forth is that of D. Auroux
and J. Blum, C. R. Math. 340 (2005) 873, DOI 10.1016/j.crma.2005.05.006; here there is one sweep.

Time steps: Kutta's third-order method in the integrating factor of viscosity. Products are not dealiased; the tail is too weak to matter.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from scipy import fft

Array = np.ndarray[Any, np.dtype[Any]]
Shape = tuple[int, int, int]

COURANT = 1.6  # of Kutta's method: stable to sqrt(3) on the imaginary axis


@dataclass(frozen=True, slots=True)
class Grid:
    """Wave numbers of a grid in units of the longest side's first wave."""

    shape: Shape  # points (nz, ny, nx)
    axes: tuple[Array, Array, Array]  # float32 wave numbers along (z, y, x) of ``rfftn``
    square: Array  # |k|^2 on (nz, ny, nx // 2 + 1)


@functools.lru_cache(maxsize=8)
def grid(shape: Shape) -> Grid:
    """The grid of ``shape`` (nz, ny, nx); the spacing is the same along all axes."""
    unit = [max(shape) / n for n in shape]
    z, y = (np.float32(unit[i]) * np.fft.fftfreq(shape[i], 1.0 / shape[i]).astype(np.float32) for i in (0, 1))
    x = np.float32(unit[2]) * np.arange(shape[2] // 2 + 1, dtype=np.float32)
    return Grid(shape, (z, y, x), z[:, None, None] ** 2 + y[None, :, None] ** 2 + x**2)


def moved(waves: Array, shape: Shape, to: Shape) -> Array:
    """Waves (3, *rfftn of ``shape``) on the grid ``to``: those beyond either Nyquist wave are dropped, new ones are zero."""
    out = np.zeros((3, to[0], to[1], to[2] // 2 + 1), waves.dtype)
    ends = [(min(a, b) - 1) // 2 for a, b in zip(shape, to, strict=True)]
    z, y = (np.r_[0 : e + 1, -e:0] for e in ends[:2])
    at = np.ix_(np.arange(3), z, y, np.arange(ends[2] + 1))
    out[at] = waves[at]
    return out


def regrow(waves: Array, shape: Shape, viscosity: float, time: float, known: float) -> Array:
    """Waves a sweep back and forth later.

    Parameters
    ----------
    waves : (3, nz, ny, nx // 2 + 1) complex64, components (x, y, z), ``rfftn`` with norm "forward" of a field on ``shape``
    viscosity : in units of (longest side / 2 pi) x velocity
    time : of each way [(longest side / 2 pi) / velocity]
    known : waves below this |k| are marched back, all others begin at zero
    """
    small = coarse(shape, known)
    near = grid(small)
    back = march(moved(waves, shape, small) * (near.square < known * known), near, viscosity, -time, known)
    reach = min(float(np.abs(axis).max()) for axis in grid(shape).axes)
    return march(moved(back, small, shape), grid(shape), viscosity, time, reach)


def coarse(shape: Shape, known: float) -> Shape:
    """A grid on which waves below ``known`` are barely aliased, in the proportions of ``shape``; ``shape`` itself where none is smaller."""
    longest = max(shape)
    for n in range(int(np.ceil(2.5 * known)), longest):
        if all(side * n % longest == 0 and side * n // longest % 2 == 0 for side in shape) and fft.next_fast_len(n, real=True) == n:
            z, y, x = (side * n // longest for side in shape)
            return z, y, x
    return shape


def march(waves: Array, on: Grid, viscosity: float, time: float, reach: float) -> Array:
    """Waves after ``time`` (below zero: before); waves at or beyond ``reach`` are zero."""
    keep: Array = (on.square < reach * reach).astype(np.float32)
    h: Array = waves * keep
    speed = float(np.sqrt((_points(h, on.shape) ** 2).sum(0).max()))  # k.u is at most reach times this
    return steps_of(h, on, keep, viscosity, time, max(1, int(np.ceil(abs(time) * speed * reach / COURANT))))


def steps_of(
    waves: Array, on: Grid, keep: Array, viscosity: float, time: float, steps: int, push: Callable[[Array, Array], None] | None = None
) -> Array:
    """Waves after ``steps`` even steps to ``time`` (below zero: before), where ``keep`` is 1.

    ``push(slope, waves)`` adds to the slope what else moves the waves.
    """
    h = waves
    dt = np.float32(time / steps)
    half = np.exp(-np.float32(viscosity) * on.square * dt / 2)
    whole = half * half
    for _ in range(steps):
        a = tendency(h, on, keep, push)
        b = tendency(half * (h + dt / 2 * a), on, keep, push)
        c = tendency(whole * (h - dt * a) + (2 * dt) * half * b, on, keep, push)
        h = whole * (h + dt / 6 * a) + (2 * dt / 3) * half * b + dt / 6 * c
    return h


def _points(waves: Array, shape: Shape) -> Array:
    return np.asarray(fft.irfftn(waves, s=shape, axes=(1, 2, 3), norm="forward"))


def tendency(waves: Array, on: Grid, keep: Array, push: Callable[[Array, Array], None] | None = None) -> Array:
    """P(u x w), where ``keep`` is 1, and what ``push`` adds to it."""
    z, y, x = on.axes
    both = np.empty((6, *waves.shape[1:]), waves.dtype)
    _with_curl(waves, z, y, x, both)
    product = _cross(_points(both, on.shape))
    out = fft.rfftn(product, axes=(1, 2, 3), norm="forward")
    _project(out, z, y, x, keep)
    if push is not None:
        push(out, waves)
    return np.asarray(out)


@njit(cache=True)
def _with_curl(h: Array, z: Array, y: Array, x: Array, out: Array) -> None:
    for i in range(z.size):
        for j in range(y.size):
            for k in range(x.size):
                u, v, w = h[0, i, j, k], h[1, i, j, k], h[2, i, j, k]
                out[0, i, j, k], out[1, i, j, k], out[2, i, j, k] = u, v, w
                out[3, i, j, k] = 1j * (y[j] * w - z[i] * v)
                out[4, i, j, k] = 1j * (z[i] * u - x[k] * w)
                out[5, i, j, k] = 1j * (x[k] * v - y[j] * u)


@njit(cache=True)
def _cross(both: Array) -> Array:
    out = np.empty((3, *both.shape[1:]), both.dtype)
    for i in range(both.shape[1]):
        for j in range(both.shape[2]):
            for k in range(both.shape[3]):
                u, v, w = both[0, i, j, k], both[1, i, j, k], both[2, i, j, k]
                a, b, c = both[3, i, j, k], both[4, i, j, k], both[5, i, j, k]
                out[0, i, j, k] = v * c - w * b
                out[1, i, j, k] = w * a - u * c
                out[2, i, j, k] = u * b - v * a
    return out


@njit(cache=True)
def _project(h: Array, z: Array, y: Array, x: Array, keep: Array) -> None:
    for i in range(z.size):
        for j in range(y.size):
            for k in range(x.size):
                square = z[i] * z[i] + y[j] * y[j] + x[k] * x[k]
                u, v, w = h[0, i, j, k], h[1, i, j, k], h[2, i, j, k]
                along = (x[k] * u + y[j] * v + z[i] * w) / max(square, np.float32(1e-30))
                m = keep[i, j, k]
                h[0, i, j, k] = m * (u - x[k] * along)
                h[1, i, j, k] = m * (v - y[j] * along)
                h[2, i, j, k] = m * (w - z[i] * along)
