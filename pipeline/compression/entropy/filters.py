"""Coders that hdf5plugin brings as filters of HDF5, used on arrays: a dataset of one chunk in a file in memory, and its raw chunk.

The raw chunk is read as it is written, so that no cache of HDF5 stands between.
"""

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from h5py import h5d, h5f, h5p, h5s, h5t, h5z

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
LOCK = threading.Lock()  # one file in memory for all
GROWS = 2**16  # [B] by which the file in memory grows
MOST_KEPT = 2**22  # [B] of the file in memory: a larger one is given back

_files: list[Any] = []  # the file in memory, where there is one


def encode(values: Array, options: Mapping[str, Any]) -> bytes:
    """``values`` (1 to 3 axes) through the filter that ``options`` of h5py's ``create_dataset`` name.

    Raises
    ------
    InputError
        The filter can't take such values.
    """
    values = np.ascontiguousarray(values)
    with LOCK:
        try:
            data = _dataset(values.shape, values.dtype, options)
            data.write(h5s.ALL, h5s.ALL, values)
            mask, coded = data.read_direct_chunk((0,) * values.ndim)
        except (RuntimeError, ValueError, OSError) as error:
            _forget()
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
    found = np.empty(shape, dtype)
    with LOCK:
        try:
            data = _dataset(found.shape, found.dtype, options)
            data.write_direct_chunk((0,) * found.ndim, coded)
            data.read(h5s.ALL, h5s.ALL, found)
        except (RuntimeError, ValueError, OSError) as error:
            _forget()
            raise InputError(f"a coded block is damaged: {error}") from None
    return found


def _dataset(shape: tuple[int, ...], dtype: Any, options: Mapping[str, Any]) -> Any:
    """A dataset of one chunk, without a name: its room in the file is free again once it is closed."""
    made, used = h5p.create(h5p.DATASET_CREATE), h5p.create(h5p.DATASET_ACCESS)
    made.set_chunk(shape)
    made.set_fill_time(h5d.FILL_TIME_NEVER)
    made.set_filter(options["compression"], h5z.FLAG_OPTIONAL, tuple(options["compression_opts"]))
    used.set_chunk_cache(1, 0, 0.0)  # no cache: a chunk is coded as it is written
    return h5d.create(_file(), None, h5t.py_create(dtype), h5s.create_simple(shape), dcpl=made, dapl=used)


def _file() -> Any:
    """The file in memory, which is kept: to make one takes longer than to code a small block."""
    if _files and _files[0].get_filesize() > MOST_KEPT:
        _forget()
    if not _files:
        access = h5p.create(h5p.FILE_ACCESS)
        access.set_fapl_core(GROWS, backing_store=False)
        access.set_fclose_degree(h5f.CLOSE_STRONG)
        _files.append(h5f.create(b"block in memory", h5f.ACC_TRUNC, fapl=access))
    return _files[0]


def _forget() -> None:
    """Close the file in memory, with what is open in it."""
    while _files:
        _files.pop().close()
