"""SZ3: interpolation and error-bounded quantisation, each component by itself.

X. Liang, K. Zhao, S. Di, S. Li, R. Underwood, A. M. Gok et al., "SZ3: a modular framework for composing prediction-based
error-bounded lossy compressors", IEEE Trans. Big Data 9 (2023) 485, doi:10.1109/TBDATA.2022.3201176; from hdf5plugin. Only the
absolute mode is used: that of a peak signal to noise ratio stores without loss in hdf5plugin 7.1.
"""

from typing import Any

import hdf5plugin
import numpy as np

from pipeline.compression.codecs.core import levels
from pipeline.compression.entropy import filters
from pipeline.compression.target import Target

Array = np.ndarray[Any, np.dtype[Any]]
TARGETS = ("bound", "nrmse", "bytes")


def encode(values: Array, target: Target) -> bytes:
    """Code ``values`` (components, *points) to ``target``."""
    return levels.encode(values, target, _code, _decode)


def decode(data: bytes) -> Array:
    """Decode the data of `encode`."""
    return levels.decode(data, _decode)


def refuses(values: Array) -> str:
    """Give the reason why these values can't be taken, or nothing."""
    return levels.refuses(values, (1, 2, 3))


def _code(values: Array, level: float) -> bytes:
    return filters.encode(values, hdf5plugin.SZ3(absolute=level))


def _decode(data: bytes, shape: tuple[int, ...], dtype: Any) -> Array:
    return filters.decode(data, shape, dtype, hdf5plugin.SZ3(absolute=1.0))  # how it was coded stands in the data
