"""SPERR: a CDF 9/7 wavelet transform and the set partitioning coder SPECK, each component by itself.

S. Li, P. Lindstrom, J. Clyne, "Lossy scientific data compression with SPERR", IPDPS 2023, doi:10.1109/IPDPS54959.2023.00104; from
hdf5plugin. A bound is coded in its mode of a pointwise error, which is exceeded now and then: corrections are appended. Other
targets are reached in its mode of a peak signal to noise ratio, which has none. The filter of hdf5plugin 7.1 takes
a chunk's first axis for the fastest: of a box it is told the axes' lengths in the other order, with the same bytes.
"""

import math
from typing import Any

import hdf5plugin
import numpy as np

from pipeline.compression.codecs.core import levels
from pipeline.compression.entropy import filters
from pipeline.compression.target import Target

Array = np.ndarray[Any, np.dtype[Any]]
TARGETS = ("bound", "nrmse", "bytes")
LEAST = 8  # points along an axis


def encode(values: Array, target: Target) -> bytes:
    """Code ``values`` (components, [z,] y, x) to ``target``."""
    return levels.encode(values, target, _to_bound if target.kind == "bound" else _to_rms, _decode)


def decode(data: bytes) -> Array:
    """Decode the data of `encode`."""
    return levels.decode(data, _decode)


def refuses(values: Array) -> str:
    """Give the reason why these values can't be taken, or nothing."""
    if min(values.shape[1:], default=0) < LEAST:
        return f"{min(values.shape[1:], default=0)} points along an axis; it takes {LEAST} or more"
    return levels.refuses(values, (2, 3))


def _to_bound(values: Array, level: float) -> bytes:
    return filters.encode(_told(values), hdf5plugin.Sperr(absolute=level))


def _to_rms(values: Array, level: float) -> bytes:
    """Code to a root mean square error of ``level``; a constant is coded to a bound, since it has no peak."""
    spread = float(values.max()) - float(values.min())
    if spread <= level:
        return _to_bound(values, level)
    return filters.encode(_told(values), hdf5plugin.Sperr(peak_signal_to_noise_ratio=20.0 * math.log10(spread / level)))


def _told(values: Array) -> Array:
    """Boxes with their axes' lengths turned. A plane's lengths are not coded: it stays as planes always were."""
    return np.ascontiguousarray(values).reshape(values.shape[::-1]) if values.ndim == 3 else values


def _decode(data: bytes, shape: tuple[int, ...], dtype: Any) -> Array:
    return filters.decode(data, shape, dtype, hdf5plugin.Sperr(rate=1.0))  # how it was coded stands in the data
