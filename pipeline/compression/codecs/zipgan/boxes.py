"""A block that is not periodic, as a part of a larger box that is: gradients, divergence and its removal by Fourier transforms.

Beyond its ends a block goes on, along each axis, as its own odd reflection about its last point, u(end) + (u(end) - u(mirrored)), of
which the second part dies out over `REACH` points; over `PAD` points or more both ends' are blended into each other. So values and
slopes are continuous, values about as large as inside, and the box is periodic. Only the inside of the block counts: divergence beyond
is no source.
"""

from typing import Any

import numpy as np
from scipy import fft

from pipeline.spectral.navier_stokes import Grid, grid, points_of
from pipeline.spectral.wavenumbers import Shape

Array = np.ndarray[Any, np.dtype[Any]]

PAD = 16  # points, at least
REACH = 4.0  # points over which the reflection dies out
TOGETHER = 12  # sides of the larger box are multiples of this


def outer(shape: Shape) -> Shape:
    """The larger box of a block (nz, ny, nx)."""
    z, y, x = (_side(n) for n in shape)
    return z, y, x


def _side(points: int) -> int:
    side = -(-(points + min(PAD, points - 2)) // TOGETHER) * TOGETHER
    while fft.next_fast_len(side, real=True) != side:
        side += TOGETHER
    return side


def extended(values: Array) -> Array:
    """Values (components, nz, ny, nx) on the larger box; their own are the first along each axis."""
    for axis in (1, 2, 3):
        n = values.shape[axis]
        more = _side(n) - n
        j = np.arange(1, more + 1)
        parts = np.moveaxis(values, axis, 0)
        t = j / (more + 1.0)
        dying = [np.exp(-((i / REACH) ** 2)).reshape(-1, 1, 1, 1) for i in (j, more + 1 - j)]
        after = parts[-1:] + (parts[-1:] - parts[np.maximum(n - 1 - j, 0)]) * dying[0]
        before = parts[:1] + (parts[:1] - parts[np.minimum(more + 1 - j, n - 1)]) * dying[1]
        weight = (1.0 / (1.0 + np.exp(1.0 / t - 1.0 / (1.0 - t)))).reshape(-1, 1, 1, 1)  # smooth: 0 at 0, 1 at 1
        values = np.moveaxis(np.concatenate([parts, (1.0 - weight) * after + weight * before]).astype(values.dtype), 0, axis)
    return np.ascontiguousarray(values)


def inside(values: Array, shape: Shape) -> Array:
    """The block's part of ``values`` (components, *box)."""
    return np.ascontiguousarray(values[..., : shape[0], : shape[1], : shape[2]])


def waves_of(values: Array) -> Array:
    """``rfftn``, norm "forward"."""
    return np.asarray(fft.rfftn(values, axes=(1, 2, 3), norm="forward"))


def slopes(waves: Array, on: Grid) -> Array:
    """d u_i / d x_j (9, *box) at 3 i + j, of waves (3, ...) [per (longest side of the box / 2 pi)]."""
    z, y, x = on.axes
    out = np.empty((9, *on.shape), np.float32)
    for j, k in enumerate((x, y[:, None], z[:, None, None])):
        out[j::3] = points_of(np.complex64(1j) * k * waves, on.shape)
    return out


def without_divergence(values: Array, shape: Shape) -> Array:
    """Values (3, *box) less the gradient of a potential whose Laplacian is their divergence inside the block, and zero beyond."""
    on = grid((values.shape[1], values.shape[2], values.shape[3]))
    z, y, x = on.axes
    ways = (x, y[:, None], z[:, None, None])
    waves = waves_of(values)
    source = np.zeros((1, *on.shape), np.float32)
    whole = points_of(np.complex64(1j) * sum(k * one for k, one in zip(ways, waves, strict=True))[None], on.shape)
    source[:, : shape[0], : shape[1], : shape[2]] = whole[:, : shape[0], : shape[1], : shape[2]]
    potential = waves_of(source)[0] / -np.maximum(on.square, np.float32(0.5))
    return np.asarray(values - points_of(np.stack([np.complex64(1j) * k * potential for k in ways]), on.shape))
