"""ZFP: a block transform with bit planes, each component by itself; also without loss.

P. Lindstrom, "Fixed-rate compressed floating-point arrays", IEEE Trans. Vis. Comput. Graph. 20 (2014) 2674,
doi:10.1109/TVCG.2014.2346458; from hdf5plugin, in its modes of accuracy (whose levels are powers of two) and reversible.
"""

import struct
from typing import Any

import hdf5plugin
import numpy as np

from pipeline.compression.codecs.core import levels
from pipeline.compression.entropy import filters
from pipeline.compression.entropy.packing import wrap
from pipeline.compression.target import Target
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
TARGETS = ("bound", "nrmse", "bytes", "lossless")
LEVEL = struct.Struct("<d")  # of the accuracy [the values' unit]; 0 means reversible
REVERSIBLE = hdf5plugin.Zfp(reversible=True)


def encode(values: Array, target: Target) -> bytes:
    """Code ``values`` (components, *points) to ``target``."""
    if target.kind == "lossless":
        levels.check(values)
        return wrap(values, [*(LEVEL.pack(0.0) + filters.encode(one, REVERSIBLE) for one in values), b""])
    return levels.encode(values, target, _code, _decode)


def decode(data: bytes) -> Array:
    """Decode the data of `encode`."""
    return levels.decode(data, _decode)


def refuses(values: Array) -> str:
    """Give the reason why these values can't be taken, or nothing."""
    return levels.refuses(values, (1, 2, 3))


def _code(values: Array, level: float) -> bytes:
    return LEVEL.pack(level) + filters.encode(values, hdf5plugin.Zfp(accuracy=level))


def _decode(data: bytes, shape: tuple[int, ...], dtype: Any) -> Array:
    """The mode does not stand in ZFP's own data."""
    if len(data) < LEVEL.size:
        raise InputError("a coded block is damaged: it is cut off")
    (level,) = LEVEL.unpack_from(data)
    return filters.decode(data[LEVEL.size :], shape, dtype, hdf5plugin.Zfp(accuracy=level) if level else REVERSIBLE)
