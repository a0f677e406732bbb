"""The bytes of a block of the codec solenoidal: a header, then levels, weights, numbers and corrections by one range coder."""

import struct
from typing import Any

import numpy as np

from pipeline.compression.codecs.solenoidal.layers import MOST, MOST_GAIN, Coded, layers
from pipeline.compression.entropy import corrections, quantisers
from pipeline.compression.entropy.corrections import Corrections
from pipeline.compression.entropy.range_coder import RangeReader, RangeWriter
from pipeline.core.errors import InputError
from pipeline.spectral.craya import modes

Array = np.ndarray[Any, np.dtype[Any]]

HEAD = struct.Struct("<BB3H3HfHH")  # version, flags, points, box, step, shells, last; then the mean in the field's type
VERSION = 2
DOUBLE, CORRECTED = 2, 4  # flags beside the type's number
TYPES = ("<f4", "<f8")
NEXT_LEVEL = np.maximum(1, np.rint(4000.0 * 0.75 ** np.abs(np.arange(-255, 256)))).astype(np.int64)  # counts of differences
NEXT_STEP = np.maximum(1, np.rint(4000.0 * 0.8 ** np.abs(np.arange(-255, 256)))).astype(np.int64)
NEXT_WEIGHT = np.maximum(1, np.rint(4000.0 * 0.7 ** np.abs(np.arange(-2 * MOST, 2 * MOST + 1)))).astype(np.int64)

NEXT_GAIN = np.maximum(1, np.rint(4000.0 * 0.9 ** np.abs(np.arange(-2 * MOST_GAIN, 2 * MOST_GAIN + 1)))).astype(np.int64)


def pack(coded: Coded, corrected: Corrections | None = None) -> bytes:
    """The bytes of a block."""
    shells = int(np.flatnonzero(coded.levels)[-1]) + 1 if coded.levels.any() else 0
    flags = TYPES.index(coded.type) | (DOUBLE if coded.double else 0) | (CORRECTED if corrected else 0)
    head = HEAD.pack(VERSION, flags, *coded.shape, *coded.box, coded.step, shells, coded.last) + coded.mean.astype(coded.type).tobytes()
    writer = RangeWriter()
    levels, weights = coded.levels[:shells], coded.weights[:shells]
    writer.symbols(np.diff(levels, prepend=quantisers.FIRST) + 255, NEXT_LEVEL)
    if coded.last:
        writer.symbols(np.diff(weights, prepend=0) + 2 * MOST, NEXT_WEIGHT)
        ends = [high for _, high in layers(coded.last, len(coded.levels))]
        writer.symbols(np.diff(coded.offsets[ends], prepend=0) + 255, NEXT_STEP)
    sent = np.flatnonzero(levels > quantisers.SILENT)
    writer.symbols(np.diff(coded.gains[sent], prepend=0) + 2 * MOST_GAIN, NEXT_GAIN)
    start = 4 * coded.within.start
    for s in sent:
        _write(writer, coded.numbers[start[s] : start[s + 1]], int(levels[s]))
    if corrected:
        corrections.write(writer, corrected)
    return head + writer.done()


def unpack(data: bytes) -> tuple[Coded, Corrections | None]:
    """The block of bytes as numbers, and its corrections.

    Raises
    ------
    InputError
        The bytes are not a block's.
    """
    if len(data) < HEAD.size:
        raise InputError("not a solenoidal block: too short")
    version, flags, *rest = HEAD.unpack_from(data)
    shape, box, step, shells, last = (rest[0], rest[1], rest[2]), (rest[3], rest[4], rest[5]), rest[6], rest[7], rest[8]
    kind = np.dtype(TYPES[flags & 1])
    fits = all(2 * b < n for b, n in zip(box, shape, strict=True))
    if version != VERSION or flags > 7 or not fits or not np.isfinite(step) or len(data) < HEAD.size + 3 * kind.itemsize:
        raise InputError("not a solenoidal block, or a damaged one")
    mean = np.frombuffer(data, kind, 3, HEAD.size).astype(float)
    reader = RangeReader(data[HEAD.size + 3 * kind.itemsize :])
    within = modes(shape, box)
    if shells >= len(within.start):
        raise InputError("a damaged solenoidal block: more shells than the field has")
    levels, weights, offsets, gains = (np.zeros(len(within.start) - 1, np.int64) for _ in range(4))
    levels[:shells] = np.cumsum(reader.symbols(shells, NEXT_LEVEL) - 255) + quantisers.FIRST
    if last:
        weights[:shells] = np.cumsum(reader.symbols(shells, NEXT_WEIGHT) - 2 * MOST)
        ends = [high for _, high in layers(last, len(levels))]
        offsets = np.repeat(np.cumsum(reader.symbols(len(ends), NEXT_STEP) - 255), np.diff(ends, prepend=-1))
    if (
        levels.min(initial=0) < 0
        or levels.max(initial=0) > quantisers.TOP
        or np.abs(weights).max(initial=0) > MOST
        or np.abs(offsets).max() > 2048
    ):
        raise InputError("a damaged solenoidal block: a scale out of range")
    sent = np.flatnonzero(levels > quantisers.SILENT)
    gains[sent] = np.cumsum(reader.symbols(len(sent), NEXT_GAIN) - 2 * MOST_GAIN)
    if np.abs(gains).max(initial=0) > MOST_GAIN:
        raise InputError("a damaged solenoidal block: a gain out of range")
    start = 4 * within.start
    numbers = np.zeros(start[-1], np.int64)
    for s in sent:
        numbers[start[s] : start[s + 1]] = _read(reader, int(start[s + 1] - start[s]), int(levels[s]))
    corrected = corrections.read(reader, kind, 3 * int(np.prod(shape))) if flags & CORRECTED else None
    return Coded(TYPES[flags & 1], bool(flags & DOUBLE), shape, box, mean, step, offsets, last, levels, weights, gains, numbers), corrected


def _write(writer: RangeWriter, numbers: Array, level: int) -> None:
    """Numbers of one level: high parts, numbers beyond the reach (Elias's gamma code), low bits."""
    way = quantisers.quantiser(level)
    high = numbers >> way.shift
    kept = np.clip(high, -way.reach, way.reach)
    writer.symbols(kept + way.reach, way.counts)
    over = np.abs(high[np.abs(kept) == way.reach]) - way.reach + 1
    writer.large(over)
    writer.bits(numbers & ((1 << way.shift) - 1), way.shift)


def _read(reader: RangeReader, count: int, level: int) -> Array:
    """Read the numbers that `_write` wrote."""
    way = quantisers.quantiser(level)
    high = reader.symbols(count, way.counts) - way.reach
    far = np.flatnonzero(np.abs(high) == way.reach)
    high[far] += np.sign(high[far]) * (reader.large(len(far)) - 1)
    return np.asarray((high << way.shift) | reader.bits(count, way.shift))
