"""Blocks of a stage's work that outlive it: results from before the stage was killed are read, and only the rest computed.

A stage submits functions of blocks to a Dask client. `KeptBlocks` stands in for that client: each block's result becomes a file, named
by a hash of the function and of all that it is given, and written by the worker. A stage needs to know nothing of it.
"""

import contextlib
import dataclasses
import importlib
import json
import os
import shutil
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

LOOKS = 0.2  # [s] between looks for a worker
WORTH = 0.01  # [s] a block that took less is computed again rather than kept
OURS = ("pipeline.", "solvers.")  # whose dataclasses a block may hold


class KeptBlocks:
    """A Dask client whose submitted blocks are kept in ``folder`` until `clear`; all else is the client's own.

    Parameters
    ----------
    key
        Hash of all that the stage's result depends on; blocks of another result are thrown away.
    """

    def __init__(self, client: Any, folder: Path, key: str) -> None:
        self._client, self._folder = client, folder.resolve()
        self._key = key
        self._scattered: dict[str, str] = {}  # a future's key to the hash of what it holds
        self.kept = 0  # blocks that were there
        mark = self._folder / "key"
        if not mark.exists() or mark.read_text(encoding="utf-8") != key:
            self.clear()
            self._folder.mkdir(parents=True)
            mark.write_text(key, encoding="utf-8")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def submit(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Submit as the client does, with arguments by position only; ``named`` are the client's own."""
        path = self._folder / f"{self._token((self._key, function.__module__, function.__qualname__, arguments))}.npz"
        self.kept += path.exists()
        return self._client.submit(_block, str(path), WORTH, function, *arguments, **named)

    def scatter(self, data: Any, **named: Any) -> Any:
        """Scatter as the client does, once there is a worker, whose job may be queued for long.

        Not with ``broadcast``: Dask copies for ever to a worker that dies meanwhile.
        """
        while self._client.status == "running" and not self._client.nthreads():
            time.sleep(LOOKS)
        sent = self._client.scatter(data, **named)
        pairs = zip(data, sent, strict=True) if isinstance(data, list | tuple) else [(data, sent)]
        self._scattered |= {future.key: self._token(one) for one, future in pairs}
        return sent

    def clear(self) -> None:
        """Throw all kept blocks away."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _token(self, value: Any) -> str:
        from dask.base import tokenize

        return str(tokenize(self._seen_through(value)))

    def _seen_through(self, value: Any) -> Any:
        """``value`` with the hashes of the scattered data in place of the futures."""
        if isinstance(value, list | tuple) and type(value) in (list, tuple):
            return [self._seen_through(one) for one in value]
        key = getattr(value, "key", None)
        return ("scattered", self._scattered[key]) if isinstance(key, str) and key in self._scattered else value


def _block(path: str, worth: float, function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of ``function`` for ``arguments``: read from ``path``, or computed, and written there where it took ``worth`` [s]."""
    with contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):  # none, or a damaged one
        return read_block(Path(path))
    begun = time.perf_counter()
    found = function(*arguments)
    if time.perf_counter() - begun >= worth:
        with contextlib.suppress(OSError, TypeError):  # no space, or nothing that a file can hold: it is only not kept
            write_block(Path(path), found)
    return found


def write_block(path: Path, value: Any) -> None:
    """Write ``value``: arrays, numbers, texts, None, in lists, tuples, mappings and dataclasses of ours; `TypeError` for anything else."""
    arrays: list[Any] = []
    skeleton = json.dumps(_taken_apart(value, arrays))
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as handle:
            np.savez(handle, skeleton=np.frombuffer(skeleton.encode(), np.uint8), **{f"a{i}": array for i, array in enumerate(arrays)})
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_block(path: Path) -> Any:
    """Read a block that `write_block` wrote, and check its checksums."""
    with np.load(path, allow_pickle=False) as file:
        arrays = iter(file[name] for name in file.files if name != "skeleton")
        return _put_together(json.loads(file["skeleton"].tobytes().decode()), arrays)


def _taken_apart(value: Any, arrays: list[Any]) -> Any:
    """``value`` as JSON, each array in it a number in ``arrays``."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
        arrays.append(value)
        return {"is": "array" if isinstance(value, np.ndarray) else "scalar"}
    if type(value) in (list, tuple):
        return {"is": type(value).__name__, "of": [_taken_apart(one, arrays) for one in value]}
    if type(value) is dict and all(isinstance(key, str) for key in value):
        return {"is": "dict", "of": {key: _taken_apart(one, arrays) for key, one in value.items()}}
    kind = type(value)
    if dataclasses.is_dataclass(value) and kind.__module__.startswith(OURS):
        fields = {field.name: _taken_apart(getattr(value, field.name), arrays) for field in dataclasses.fields(value)}
        return {"is": f"{kind.__module__}:{kind.__qualname__}", "of": fields}
    raise TypeError(f"a block can't hold {kind.__name__}")


def _put_together(value: Any, arrays: Iterator[Any]) -> Any:
    if not isinstance(value, dict):
        return value
    kind = value["is"]
    if kind in ("array", "scalar"):
        array = next(arrays)
        return array if kind == "array" else array[()]
    if kind in ("list", "tuple"):
        some = [_put_together(one, arrays) for one in value["of"]]
        return some if kind == "list" else tuple(some)
    fields = {key: _put_together(one, arrays) for key, one in value["of"].items()}
    if kind == "dict":
        return fields
    module, _, name = kind.partition(":")
    if not module.startswith(OURS):
        raise ValueError(f"{module} is no module of ours")
    made = getattr(importlib.import_module(module), name)
    if not (isinstance(made, type) and dataclasses.is_dataclass(made)):
        raise ValueError(f"{kind} is no dataclass")
    return made(**fields)
