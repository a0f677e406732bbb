"""Bits: the bits of the values shuffled, then zstd; without loss, for values of any type.

K. Masui et al., "A compression scheme for radio data in high performance computing", Astronomy and Computing 12 (2015) 181,
doi:10.1016/j.ascom.2015.07.002; from hdf5plugin.
"""

from typing import Any

import hdf5plugin
import numpy as np

from pipeline.compression.entropy import filters
from pipeline.compression.entropy.packing import bits, unwrap, wrap
from pipeline.compression.target import Target
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
TARGETS = ("lossless",)
OPTIONS = {"cname": "zstd", "clevel": 5, "filters": hdf5plugin.Blosc2.BITSHUFFLE}


def encode(values: Array, target: Target) -> bytes:
    """Code ``values`` of any shape without loss.

    Raises
    ------
    InputError
        Another target was asked for.
    """
    if target.kind != "lossless":
        raise InputError(f"codec 'bits' codes without loss only, not to a target {target.kind!r}")
    flat = bits(values)
    return wrap(values, [filters.encode(flat, hdf5plugin.Blosc2(**OPTIONS)) if flat.size else b""])


def decode(data: bytes) -> Array:
    """Decode the data of `encode`."""
    dtype, shape, parts = unwrap(data)
    none = np.zeros(0, dtype)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize // bits(none).itemsize
    if not size:
        return none.reshape(shape)
    raw = filters.decode(parts[0], (size,), bits(none).dtype, hdf5plugin.Blosc2(**OPTIONS))
    return raw.view(dtype).reshape(shape)


def refuses(values: Array) -> str:
    """Refuse nothing: the codec takes all."""
    return ""
