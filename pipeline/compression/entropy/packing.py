"""The small header of a coded block: type, shape and the lengths of its parts, in as few bytes as they take."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
TYPES = ("<f4", "<f8", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "|b1", "<f2", "<c8", "<c16")
MOST_AXES = 8
MOST_VALUES = 2**40


def number(value: int) -> bytes:
    """A number >= 0 in groups of seven bits, the lowest first; the high bit says that more follow."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def read_number(data: bytes, at: int) -> tuple[int, int]:
    """The number that `number` wrote at ``data[at:]``, and the offset behind it; `InputError` where the data end."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise InputError("a coded block is damaged: its header is cut off")
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def bits(values: Array) -> Array:
    """The bits of ``values`` as whole numbers, in one axis; two a value where that has 16 bytes."""
    flat = np.ascontiguousarray(values).reshape(-1)
    return flat.view(np.dtype(f"u{min(values.dtype.itemsize, 8)}"))


def wrap(values: Array, parts: Sequence[bytes]) -> bytes:
    """``parts`` behind a header with the type and the shape of ``values``."""
    kind = np.dtype(values.dtype).newbyteorder("<").str
    if kind not in TYPES:
        raise InputError(f"values of type {values.dtype} can't be coded; it can be: {', '.join(np.dtype(t).name for t in TYPES)}")
    head = [bytes([TYPES.index(kind)]), number(values.ndim), *map(number, values.shape), number(len(parts))]
    return b"".join([*head, *(number(len(part)) for part in parts), *parts])


def unwrap(data: bytes) -> tuple[np.dtype[Any], tuple[int, ...], list[bytes]]:
    """Type, shape and parts of data by `wrap`.

    Raises
    ------
    InputError
        ``data`` is damaged.
    """
    if not data or data[0] >= len(TYPES):
        raise InputError("a coded block is damaged: no such type of values")
    sizes, at = _numbers(data, 1, MOST_AXES)
    if math.prod(sizes) > MOST_VALUES:
        raise InputError("a coded block is damaged: it says that it holds too many values")
    lengths, at = _numbers(data, at, len(data))
    if at + sum(lengths) != len(data):
        raise InputError(f"a coded block is damaged: {len(data)} bytes, not {at + sum(lengths)}")
    parts = []
    for length in lengths:
        parts.append(data[at : at + length])
        at += length
    return np.dtype(TYPES[data[0]]), tuple(sizes), parts


def _numbers(data: bytes, at: int, most: int) -> tuple[list[int], int]:
    count, at = read_number(data, at)
    if count > most:
        raise InputError("a coded block is damaged: its header is wrong")
    found = []
    for _ in range(count):
        one, at = read_number(data, at)
        found.append(one)
    return found, at
