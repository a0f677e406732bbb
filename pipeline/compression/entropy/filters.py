"""Coders that hdf5plugin brings as filters of HDF5, used on arrays: a dataset of one chunk in a file in memory, and its raw chunk.

The raw chunk is read as it is written, so that no cache of HDF5 stands between.
"""

import threading
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
LOCK = threading.Lock()  # files in memory share one name


def encode(values: Array, options: Mapping[str, Any]) -> bytes:
    """``values`` (1 to 3 axes) through the filter that ``options`` of h5py's ``create_dataset`` name.

    Raises
    ------
    InputError
        The filter can't take such values.
    """
    values = np.ascontiguousarray(values)
    with LOCK, _file() as file:
        try:
            data = file.create_dataset("block", values.shape, values.dtype, chunks=values.shape, **options)
            data[...] = values
            file.flush()
            mask, coded = data.id.read_direct_chunk((0,) * values.ndim)
        except (RuntimeError, ValueError, OSError) as error:
            raise InputError(f"values of shape {values.shape} can't be coded so: {error}") from None
    if mask:
        raise InputError(f"values of shape {values.shape} can't be coded so: the filter passed them over")
    return bytes(coded)


def decode(coded: bytes, shape: tuple[int, ...], dtype: Any, options: Mapping[str, Any]) -> Array:
    """Decode the data that `encode` coded with the same options.

    Raises
    ------
    InputError
        ``coded`` is damaged.
    """
    with LOCK, _file() as file:
        try:
            data = file.create_dataset("block", shape, dtype, chunks=shape, **options)
            data.id.write_direct_chunk((0,) * len(shape), coded)
            return np.asarray(data[...])
        except (RuntimeError, ValueError, OSError) as error:
            raise InputError(f"a coded block is damaged: {error}") from None


def _file() -> h5py.File:
    return h5py.File("block in memory", "w", driver="core", backing_store=False)
