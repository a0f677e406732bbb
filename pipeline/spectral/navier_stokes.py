"""The Navier-Stokes equations in rotation form, marched in time on all waves of a periodic box in single precision.

    du/dt = P(u x w) - nu k^2 u + f,    w = curl u, P the projection on divergence-free fields

The vorticity of a wave, the product at a point and the projection stand in `pipeline.spectral.kernels`; solver `turbulence` takes its
own way through transforms on ranks (`solvers.turbulence.cube`), and shares them.

Time steps: Kutta's third-order method in the integrating factor of viscosity.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import fft

from pipeline.spectral import kernels
from pipeline.spectral.wavenumbers import Shape, kept, whole

Array = np.ndarray[Any, np.dtype[Any]]
Push = Callable[[Array, Array], None]  # adds to a slope (3, waves) what else moves the waves (3, waves)


@dataclass(frozen=True, slots=True)
class Grid:
    """Wavenumbers of a box of ``shape``."""

    shape: Shape  # points (nz, ny, nx)
    axes: tuple[Array, Array, Array]  # float32 wavenumbers along (z, y, x) of ``rfftn``
    square: Array  # |k|^2 on (nz, ny, nx // 2 + 1)


@functools.lru_cache(maxsize=8)
def grid(shape: Shape) -> Grid:
    """The grid of ``shape`` (nz, ny, nx) in units of the longest side's first wave; the spacing is the same along all axes."""
    unit = [max(shape) / n for n in shape]
    z, y, x = (np.float32(unit[i]) * whole(shape[i], half=i == 2).astype(np.float32) for i in range(3))
    return Grid(shape, (z, y, x), z[:, None, None] ** 2 + y[None, :, None] ** 2 + x**2)


def moved(waves: Array, shape: Shape, to: Shape) -> Array:
    """Waves (3, *rfftn of ``shape``) on the grid ``to``: waves beyond either Nyquist wave are dropped, new waves are zero."""
    out = np.zeros((3, to[0], to[1], to[2] // 2 + 1), waves.dtype)
    ends = [(min(a, b) - 1) // 2 for a, b in zip(shape, to, strict=True)]
    at = np.ix_(np.arange(3), kept(ends[0]), kept(ends[1]), np.arange(ends[2] + 1))
    out[at] = waves[at]
    return out


def points_of(waves: Array, shape: Shape) -> Array:
    """The field (components, *shape) of ``waves``, ``rfftn`` with norm "forward"."""
    return np.asarray(fft.irfftn(waves, s=shape, axes=(1, 2, 3), norm="forward"))


def tendency(waves: Array, on: Grid, keep: Array, push: Push | None = None) -> Array:
    """P(u x w) of ``waves`` (3, *rfftn), where ``keep`` is 1 and not 0, and the forcing that ``push`` adds."""
    both = np.empty((6, *waves.shape[1:]), waves.dtype)
    kernels.with_curl(waves, *on.axes, both)
    points = points_of(both, on.shape)
    product = np.empty((3, *points.shape[1:]), points.dtype)
    kernels.rotation(points, product)
    out = np.asarray(fft.rfftn(product, axes=(1, 2, 3), norm="forward"))
    kernels.project(out, *on.axes)
    out *= keep
    if push is not None:
        push(out, waves)
    return out


def steps_of(waves: Array, on: Grid, keep: Array, viscosity: float, time: float, steps: int, push: Push | None = None) -> Array:
    """Waves after ``steps`` even steps to ``time`` (below zero: before), where ``keep`` is 1."""
    h = waves
    dt = np.float32(time / steps)
    half = np.exp(-np.float32(viscosity) * on.square * dt / 2)
    whole_step = half * half
    for _ in range(steps):
        a = tendency(h, on, keep, push)
        b = tendency(half * (h + dt / 2 * a), on, keep, push)
        c = tendency(whole_step * (h - dt * a) + (2 * dt) * half * b, on, keep, push)
        h = whole_step * (h + dt / 6 * a) + (2 * dt / 3) * half * b + dt / 6 * c
    return h
