"""The few points beyond a pointwise bound, corrected: any codec makes its bound hold at every point by appending them.

A residual r = value - decoded beyond the bound b becomes q = round(r / (2 b)) steps of 2 b, which leaves at most b. Nearly all q are
+1 or -1. Stored are where (as lists of gaps), the signs, and, level by level, which of them are larger than 1, 2, ... What steps can't
mend (rounding of the type, not finite values, residuals of many steps) is stored as it is. Lists of gaps are Golomb codes with a power
of two: S. W. Golomb, IEEE Trans. Inf. Theory 12 (1966) 399, doi:10.1109/TIT.1966.1053907; R. F. Rice, JPL 79-22 (1979).
"""

import math
import struct
from typing import Any

import numpy as np

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
MOST_STEPS = 8  # residuals of more are stored as they are
HEAD = struct.Struct("<d")
COUNTS = struct.Struct("<IBI")  # gaps, low bits of each, bytes of the unary part


def beyond(values: Array, decoded: Array, bound: float) -> Array:
    """Mask of the ``decoded`` further than ``bound`` from ``values`` (the same shape), or with either not finite and different."""
    with np.errstate(invalid="ignore"):
        far = ~(np.abs(values.astype(np.float64) - decoded) <= bound)
    if far.any():
        far &= ~((values == decoded) | (np.isnan(values) & np.isnan(decoded)))
    return np.asarray(far)


def moved(values: Array, steps: Array, size: float) -> Array:
    """``values`` (points,) moved by whole ``steps`` (points,) of ``size``, in their own type."""
    return np.asarray((values + steps * size).astype(values.dtype))


def add(values: Array, decoded: Array, bound: float) -> bytes:
    """Data for `apply` to bring ``decoded`` within ``bound`` of ``values`` at every point; empty where none is needed.

    Parameters
    ----------
    values, decoded
        Arrays of the same shape and type, float32 or float64.
    bound
        > 0 [the values' unit].
    """
    shape_of = values.reshape(-1), decoded.reshape(-1)
    wanted, found = shape_of
    places = np.flatnonzero(beyond(wanted, found, bound))
    if not len(places):
        return b""
    with np.errstate(invalid="ignore", over="ignore"):
        steps = np.rint((wanted[places].astype(np.float64) - found[places]) / (2.0 * bound))
        useful = np.isfinite(steps) & (steps != 0.0) & (np.abs(steps) <= MOST_STEPS)
    steps = np.where(useful, steps, 0.0)
    mended = found.copy()
    mended[places] = moved(found[places], steps, 2.0 * bound)
    exact = np.zeros(len(wanted), bool)
    exact[places] = ~useful
    exact |= beyond(wanted, mended, bound)
    steps = steps[useful].astype(np.int64)
    parts = [HEAD.pack(bound), pack_places(places[useful]), np.packbits(steps < 0).tobytes(), _pack_sizes(np.abs(steps))]
    parts += [pack_places(np.flatnonzero(exact)), wanted[exact].tobytes()]
    return b"".join(parts)


def apply(decoded: Array, data: bytes) -> Array:
    """``decoded`` corrected by the data of `add`, as a new array.

    Raises
    ------
    InputError
        ``data`` is damaged, or belongs to another array.
    """
    mended = decoded.copy()
    if not data:
        return mended
    flat = mended.reshape(-1)
    try:
        (bound,) = HEAD.unpack_from(data)
        places, at = unpack_places(data, HEAD.size)
        end = at + (len(places) + 7) // 8
        signs = np.unpackbits(np.frombuffer(data[at:end], np.uint8), count=len(places))
        sizes, at = _unpack_sizes(data, end, len(places))
        flat[places] = moved(flat[places], np.where(signs, -sizes, sizes), 2.0 * bound)
        places, at = unpack_places(data, at)
        flat[places] = np.frombuffer(data, decoded.dtype, len(places), at)
    except (struct.error, ValueError, IndexError) as error:
        raise InputError(f"damaged corrections: {error}") from None
    return mended


def _pack_sizes(sizes: Array) -> bytes:
    """Pack the places of ``sizes`` (>= 1) above 1, of these the places above 2, and so on, until none is left."""
    parts = []
    left = np.asarray(sizes)
    level = 1
    while len(left):
        places = np.flatnonzero(left > level)
        parts.append(pack_places(places))
        left, level = left[places], level + 1
    return b"".join(parts)


def _unpack_sizes(data: bytes, at: int, count: int) -> tuple[Array, int]:
    sizes = np.ones(count, np.int64)
    chosen = np.arange(count)
    while len(chosen):
        places, at = unpack_places(data, at)
        chosen = chosen[places]
        sizes[chosen] += 1
    return sizes, at


def pack_places(places: Array) -> bytes:
    """Places (rising, >= 0) as Golomb codes of their gaps: about the entropy of places that fall at random."""
    gaps: Array = np.diff(np.asarray(places, np.int64), prepend=-1) - 1
    mean = float(gaps.mean()) if len(gaps) else 0.0
    guess = int(math.log2(mean + 1.0))
    low = min(range(max(guess - 1, 0), guess + 2), key=lambda k: len(gaps) * k + int((gaps >> k).sum()))
    high = gaps >> low
    ends = np.cumsum(high + 1) - 1  # of the unary numbers: so many zeros, then a one
    unary = np.zeros(int(ends[-1]) + 1 if len(ends) else 0, np.uint8)
    unary[ends] = 1
    bits = ((gaps[:, None] >> np.arange(low)) & 1).astype(np.uint8)
    packed = np.packbits(unary).tobytes()
    return COUNTS.pack(len(gaps), low, len(packed)) + packed + np.packbits(bits).tobytes()


def unpack_places(data: bytes, at: int) -> tuple[Array, int]:
    """The places that `pack_places` packed at ``data[at:]``, and the offset behind them."""
    count, low, size = COUNTS.unpack_from(data, at)
    start = at + COUNTS.size
    end = start + size + (count * low + 7) // 8
    if end > len(data) or low > 62:
        raise InputError("damaged corrections: a list of places is cut off")
    unary = np.unpackbits(np.frombuffer(data[start : start + size], np.uint8))
    ends = np.flatnonzero(unary)
    if len(ends) != count:
        raise InputError("damaged corrections: a list of places has another length than it says")
    high = np.diff(ends, prepend=-1) - 1
    bits = np.unpackbits(np.frombuffer(data[start + size : end], np.uint8), count=count * low).reshape(count, low)
    gaps = (high << low) + (bits.astype(np.int64) << np.arange(low)).sum(axis=1, dtype=np.int64)
    return np.cumsum(gaps + 1) - 1, end
