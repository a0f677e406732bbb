"""Comparison of files, and of refusals, for tests of conformance."""

import contextlib
import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.store.checksums import walk
from pipeline.store.reader import open_file

OF_TIME = ("_s", "seconds", "created")  # ends of names of what tells how long something took, or when it was made

KEPT: dict[str, Any] = {}  # of `once`


def once(make: Callable[..., Any], *arguments: Any) -> Any:
    """The result of ``make`` for these arguments, which may hold tables, made once for all tests."""
    key = json.dumps([make.__module__, make.__qualname__, arguments], default=repr)
    if key not in KEPT:
        KEPT[key] = make(*arguments)
    return KEPT[key]


def bits(path: Path) -> dict[str, bytes]:
    """Type, shape and bytes of an HDF5 file's arrays, by name, but for views for XDMF; of a packed archive, those inside."""
    with open_file(path) as file:
        arrays = {name: item[()] for name, item in walk(file) if isinstance(item, h5py.Dataset) and not name.startswith("xdmf/")}
    return {name: _bytes(np.asarray(values)) for name, values in arrays.items()}


def _bytes(values: np.ndarray[Any, np.dtype[Any]]) -> bytes:
    """Type, shape and values; texts of any length stand elsewhere in memory."""
    held = repr(values.tolist()).encode() if values.dtype.kind == "O" else values.tobytes()
    return f"{values.dtype.str}{values.shape}".encode() + held


def different(one: Path, other: Path, besides: Collection[str] = ()) -> list[str]:
    """Names of the arrays that are not in both HDF5 files, or not of the same bits, but for times and arrays in the groups ``besides``."""
    left, right = bits(one), bits(other)
    names = (name for name in left.keys() | right.keys() if left.get(name) != right.get(name))
    return sorted(name for name in names if name.split("/")[0] not in besides and not name.endswith(OF_TIME))


@contextlib.contextmanager
def refused(*words: str) -> Iterator[None]:
    """Expect an `InputError` of one line that has all ``words`` in it."""
    with pytest.raises(InputError) as told:
        yield
    message = str(told.value)
    assert message.strip() and len(message.splitlines()) == 1
    for word in words:
        assert word in message
