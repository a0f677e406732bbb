"""A kernel is compiled by one process, though several want it at the same time: the others wait, and load what that one has compiled.

Without it every rank, and every process of pytest, compiles what no other has finished yet, side by side on a few cores.
"""

import fcntl
import time
from pathlib import Path
from typing import Any

from numba.core.caching import Cache

LONGEST = 120.0  # [s] a process waits: one whose compilation failed may keep its lock
_compiling: list[tuple[Path, Any]] = []  # locks that this process holds for what it compiles now, a kernel before what it calls


def install() -> None:
    """Let this process wait, from now on, for others that compile the same kernel."""
    load, save = Cache.load_overload, Cache.save_overload

    def load_overload(self: Any, signature: Any, target: Any) -> Any:
        found = load(self, signature, target)
        if found is None and _lock(self):
            found = load(self, signature, target)  # which another may have compiled meanwhile
            if found is not None:
                _unlock(self)
        return found

    def save_overload(self: Any, signature: Any, data: Any) -> None:
        save(self, signature, data)
        _unlock(self)

    Cache.load_overload, Cache.save_overload = load_overload, save_overload


def _lock(cache: Any) -> bool:
    """Wait until no other process compiles the kernel of ``cache``; whether this process did not hold its lock already."""
    path = _path(cache)
    if path in [held for held, _ in _compiling]:
        return False
    path.parent.mkdir(exist_ok=True)
    file = path.open("w")
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            time.sleep(0.02)  # [s] between tries: a lock that is waited for in the system knows no limit in time
    _compiling.append((path, file))
    return True


def _unlock(cache: Any) -> None:
    """Give up the lock of the kernel of ``cache``, and those of what it calls, whose compilation failed."""
    path = _path(cache)
    while path in [held for held, _ in _compiling]:
        _compiling.pop()[1].close()


def _path(cache: Any) -> Path:
    return Path(cache.cache_path) / f"{cache._py_func.__name__}-{cache._py_func.__code__.co_firstlineno}.lock"
