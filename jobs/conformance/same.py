"""Comparison of files, and of refusals, for tests of conformance."""

import contextlib
import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import h5py
import pytest

from pipeline.core.errors import InputError

OF_TIME = ("_s", "seconds", "created")  # ends of names of what tells how long something took, or when it was made

KEPT: dict[str, Any] = {}  # of `once`


def once(make: Callable[..., Any], *arguments: Any) -> Any:
    """The result of ``make`` for these arguments, which may hold tables, made once for all tests."""
    key = json.dumps([make.__module__, make.__qualname__, arguments], default=repr)
    if key not in KEPT:
        KEPT[key] = make(*arguments)
    return KEPT[key]


def different(one: Path, other: Path, besides: Collection[str] = ()) -> list[str]:
    """Names of the arrays that are not in both HDF5 files, or not of the same bits, but for arrays in the groups ``besides``."""
    with h5py.File(one) as first, h5py.File(other) as second:
        found = []
        names = _arrays(first, besides)
        for name in sorted(names ^ _arrays(second, besides)):
            found.append(name)
        for name in sorted(names & _arrays(second, besides)):
            a, b = first[name], second[name]
            if a.shape != b.shape or a.dtype != b.dtype or a[()].tobytes() != b[()].tobytes():
                found.append(name)
    return found


def _arrays(file: h5py.File, besides: Collection[str]) -> set[str]:
    found: set[str] = set()
    file.visititems(lambda name, item: found.add(name) if isinstance(item, h5py.Dataset) and item.dtype.kind in "biufc" else None)
    return {name for name in found if name.split("/")[0] not in besides and not name.endswith(OF_TIME)}


@contextlib.contextmanager
def refused(*words: str) -> Iterator[None]:
    """Expect an `InputError` of one line that has all ``words`` in it."""
    with pytest.raises(InputError) as told:
        yield
    message = str(told.value)
    assert message.strip() and len(message.splitlines()) == 1
    for word in words:
        assert word in message
