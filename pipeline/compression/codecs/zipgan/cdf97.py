"""The wavelet transform of SPERR, so that its numbers can be seen: CDF 9/7 by lifting, dyadic in three dimensions, mirrored at the ends.

SPERR (S. Li, P. Lindstrom, J. Clyne, IPDPS 2023, doi:10.1109/IPDPS54959.2023.00104) transforms values less their mean, divides by a
step and rounds to whole numbers. hdf5plugin gives the field alone; transformed again, it shows them to round-off, and the original's
coefficients lie within half a step of them. Lifting: I. Daubechies and W. Sweldens, J. Fourier Anal. Appl. 4 (1998) 247,
DOI 10.1007/BF02476026. SPERR halves axes of 9 points or more, at most six times, all three axes as often as the shortest allows, where
none could be halved once more than it (else it uses wavelet packets, which are not here).
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Shape = tuple[int, int, int]

LIFTS = (-1.58615986717275, -0.05297864003258, 0.88293362717904, 0.44350482244527)
SCALE = 1.14960430535816
FEWEST, MOST = 9, 6  # points along an axis that are halved, and how often at most


def halvings(points: int) -> int:
    """The number of halvings of an axis."""
    count = 0
    while points >= FEWEST and count < MOST:
        points -= points // 2
        count += 1
    return count


def levels(shape: Shape) -> int:
    """The number of halvings of all three axes; 0 where they are too short, or SPERR uses packets."""
    plane, line = halvings(min(shape[1], shape[2])), halvings(shape[0])
    return min(plane, line) if plane == line or min(plane, line) >= MOST - 1 else 0


def forward(values: Array) -> Array:
    """Coefficients (nz, ny, nx) of ``values``, in their own precision, averages first along each axis."""
    out = np.array(values, order="C")
    for box in _boxes(out.shape):
        for axis in (2, 1, 0):
            _along(out, box, axis, False)
    return out


def backward(coefficients: Array) -> Array:
    """The values that `forward` transformed."""
    out = np.array(coefficients, order="C")
    for box in reversed(_boxes(out.shape)):
        for axis in (0, 1, 2):
            _along(out, box, axis, True)
    return out


def scales(shape: Shape) -> Array:
    """The scale (nz, ny, nx) int8 of each coefficient: 0 the finest details, and so on; averages have the number of levels."""
    found = np.zeros(shape, np.int8)
    for level, (z, y, x) in enumerate(_boxes(shape)):
        found[: z - z // 2, : y - y // 2, : x - x // 2] = level + 1
    return found


def _boxes(shape: tuple[int, ...]) -> list[Shape]:
    z, y, x = shape
    found = []
    for _ in range(levels((z, y, x))):
        found.append((z, y, x))
        z, y, x = z - z // 2, y - y // 2, x - x // 2
    return found


def _along(out: Array, box: Shape, axis: int, back: bool) -> None:
    """Transform ``out[:box]`` by one halving along ``axis``, or ``back``, in place."""
    part = np.moveaxis(out[: box[0], : box[1], : box[2]], axis, 0)
    n = part.shape[0]
    rows = np.ascontiguousarray(part).reshape(n, -1)
    _lift(rows, back)
    part[...] = rows.reshape(part.shape)


def _lift(rows: Array, back: bool) -> None:
    """Transform columns of ``rows`` (n, columns): averages first, then details; or back again."""
    half = len(rows) - len(rows) // 2
    work = np.empty_like(rows)
    if back:
        work[0::2], work[1::2] = rows[:half] / rows.dtype.type(SCALE), rows[half:] * rows.dtype.type(-SCALE)
        for step in (3, 2, 1, 0):
            _step(work, step % 2 == 0, -LIFTS[step])
        rows[:] = work
        return
    work[:] = rows
    for step in range(4):
        _step(work, step % 2 == 0, LIFTS[step])
    rows[:half], rows[half:] = work[0::2] * rows.dtype.type(SCALE), work[1::2] / rows.dtype.type(-SCALE)


def _step(work: Array, odd: bool, weight: float) -> None:
    """Add to every second row, the odd ones or the even ones, its neighbours' sum times a weight; beyond the ends they are mirrored."""
    w = work.dtype.type(weight)
    even, other = work[0::2], work[1::2]
    if odd:
        inner = len(even) - 1
        other[:inner] += w * (even[:-1] + even[1:])
        other[inner:] += 2 * w * even[inner : len(other)]
        return
    inner = len(other)
    even[1:inner] += w * (other[:-1] + other[1:])
    even[:1] += 2 * w * other[:1]
    even[inner:] += 2 * w * other[inner - 1 :][: len(even) - inner]
