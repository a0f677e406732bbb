"""Wavenumbers of a periodic axis, in the order of numpy's transforms: 0, 1, ..., then the negative; with ``half`` 0, 1, ... alone.

An axis of N points and length L has the waves exp(i k x) with k = 2 pi n / L, n whole numbers. Of an even N the highest wave, n = N / 2, is
its own mirror image and has no direction.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Shape = tuple[int, int, int]  # points (nz, ny, nx)
Dealias = Literal["none", "2/3", "3/2"]

DEALIAS: Literal["2/3", "3/2"] = "2/3"  # where a case of turbulence says nothing


def frequencies(points: int, spacing: float, *, half: bool = False) -> Array:
    """Cycles per unit of ``spacing`` of the waves of ``points`` samples (waves,)."""
    return np.asarray(np.fft.rfftfreq(points, spacing) if half else np.fft.fftfreq(points, spacing))


def whole(points: int, *, half: bool = False) -> Array:
    """Whole numbers n (waves,) of an axis of ``points``, as floats without rounding."""
    return np.rint(frequencies(points, 1.0 / points, half=half))


def wavenumbers(numbers: Array, length: float | Array) -> Array:
    """Wavenumbers [rad / unit of ``length``] of ``numbers`` (waves,) of waves on an axis of ``length``."""
    return np.asarray(2.0 * np.pi / length * numbers)


def lowest(lengths: Sequence[float]) -> float:
    """The lowest wavenumber of a box of ``lengths`` [rad / unit of them]."""
    return float(2.0 * np.pi / max(lengths))


def axes_of(shape: tuple[int, ...], lengths: tuple[float, ...]) -> tuple[Array, Array, Array]:
    """Wavenumbers along x, y, z that broadcast to numpy's ``rfftn`` of ``shape`` (nz, ny, nx)."""
    numbers = [frequencies(count, 1.0 / count, half=axis == 0) for axis, count in enumerate(shape[::-1])]
    kx, ky, kz = (wavenumbers(number, length) for number, length in zip(numbers, lengths, strict=True))
    return kx, ky[:, None], kz[:, None, None]


def multiplicity(numbers: Array, points: int | None = None) -> Array:
    """The waves (waves,) that each wave with whole ``numbers`` along the halved axis stands for: itself, and its mirror image if another.

    ``points`` is the axis's number of points; None where its highest wave is not among the waves.
    """
    alone = numbers == 0 if points is None else (numbers == 0) | (2 * np.abs(numbers) == points)
    return np.where(alone, 1.0, 2.0)


def highest(points: int, dealias: Dealias) -> int:
    """The highest whole number that is kept of an axis of ``points``.

    With "2/3" products of two waves do not reach back to those that are kept; with "3/2" the products are taken on `fine` points, and all
    waves but the highest are kept; with "none" all are.
    """
    return {"none": points // 2, "2/3": (points - 1) // 3, "3/2": points // 2 - 1}[dealias]


def fine(points: int, dealias: Dealias) -> int:
    """Points of an axis of ``points`` at which products are taken."""
    return 3 * points // 2 if dealias == "3/2" else points


def kept(top: int) -> Array:
    """Whole numbers (2 top + 1,) of the waves up to ``top``."""
    return np.r_[0 : top + 1, -top:0]
