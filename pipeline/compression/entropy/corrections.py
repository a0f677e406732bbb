"""Corrections of the few points beyond a pointwise bound, for the range coder; `outliers` has the corrections of any codec, as bytes.

A point that is further off than the bound b is moved by so many steps of 1.25 b; an error between b and 1.875 b, as nearly all are, then
is less than 0.63 b, so that rounding of the stored type does not carry it over. Where steps do not do, the value is stored.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.compression.entropy.outliers import beyond, moved
from pipeline.compression.entropy.range_coder import RangeReader, RangeWriter
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
STEP = 1.25  # [bound]
MOST = 4  # steps either way; more, and the value is stored
STORED = 2 * MOST  # its symbol
GAPS = 256  # symbols of gaps; the last is escaped
KINDS = np.array([1, 4, 40, 5000, 5000, 40, 4, 1, 20])  # counts of -4..-1, 1..4 steps, stored


@dataclass(frozen=True, slots=True)
class Corrections:
    """Corrections of decoded values: their places and kinds."""

    bound: float
    places: Array  # (points,) rising, in the flat array
    kinds: Array  # (points,) symbols
    stored: Array  # (those of kind STORED,) values
    total: int  # values of the whole array


def find(values: Array, decoded: Array, bound: float) -> Corrections | None:
    """Corrections that bring ``decoded`` within ``bound`` of ``values`` at every point; None where it is."""
    wanted, found = values.reshape(-1), decoded.reshape(-1)
    places = np.flatnonzero(beyond(wanted, found, bound))
    if not len(places):
        return None
    bound = float(np.float32(bound))
    steps = np.rint((wanted[places].astype(np.float64) - found[places]) / (STEP * bound))
    steps = np.clip(np.where(steps == 0.0, 1.0, steps), -MOST, MOST).astype(np.int64)
    left = np.abs(moved(found[places], steps, STEP * bound) - wanted[places].astype(np.float64)) > bound * (1.0 - 1e-7)
    kinds = np.where(left, STORED, np.where(steps < 0, steps + MOST, steps + MOST - 1))
    return Corrections(bound, places, kinds, wanted[places[left]], len(wanted))


def apply(decoded: Array, corrections: Corrections) -> Array:
    """``decoded`` corrected, as a new array."""
    mended = decoded.copy()
    flat = mended.reshape(-1)
    kinds = corrections.kinds
    steps = np.where(kinds < MOST, kinds - MOST, kinds - MOST + 1)
    at = corrections.places
    flat[at] = moved(flat[at], steps, STEP * corrections.bound)
    flat[at[kinds == STORED]] = corrections.stored
    return mended


def _gap_model(count: int, total: int) -> tuple[int, Array]:
    """Low bits of a gap that are stored as they are, and counts of the rest: geometric, as of places at random."""
    mean = total / (count + 1.0)
    shift = max(0, int(np.log2(max(mean, 1.0))) - 4)
    stay = (1.0 - min(1.0 / max(mean, 1.0), 0.999)) ** (1 << shift)
    share = (1.0 - stay) * stay ** np.arange(GAPS)
    return shift, np.maximum(1, np.rint(share * (1 << 20))).astype(np.int64)


def write(writer: RangeWriter, corrections: Corrections) -> None:
    """Add corrections to a stream."""
    count = len(corrections.places)
    writer.bits(np.array([count, int(np.float32(corrections.bound).view(np.uint32))]), 32)
    shift, counts = _gap_model(count, corrections.total)
    gaps = np.diff(corrections.places, prepend=-1) - 1
    high = np.minimum(gaps >> shift, GAPS - 1)
    writer.symbols(high, counts)
    writer.large((gaps >> shift)[high == GAPS - 1] - GAPS + 2)
    writer.bits(gaps & ((1 << shift) - 1), shift)
    writer.symbols(corrections.kinds, KINDS)
    raw = np.ascontiguousarray(corrections.stored).view(np.uint32)
    writer.bits(raw.astype(np.int64), 32)


def read(reader: RangeReader, kind: Any, total: int) -> Corrections:
    """Read the corrections that `write` added, of values of type ``kind``.

    Raises
    ------
    InputError
        The data is damaged.
    """
    count, bound = (int(n) for n in reader.bits(2, 32))
    if count > total:
        raise InputError("damaged data: more corrections than points")
    shift, counts = _gap_model(count, total)
    high = reader.symbols(count, counts)
    far = high == GAPS - 1
    high[far] += reader.large(int(far.sum())) - 1
    places = np.cumsum((high << shift) + reader.bits(count, shift) + 1) - 1
    if count and (places.min() < 0 or places.max() >= total):
        raise InputError("damaged data: a correction outside of the field")
    kinds = reader.symbols(count, KINDS)
    words = reader.bits(int((kinds == STORED).sum()) * (kind.itemsize // 4), 32).astype(np.uint32)
    return Corrections(float(np.uint32(bound).view(np.float32)), places, kinds, words.view(kind), total)
