"""The decorator of kernels: numba's, with a cache that knows all files that a kernel is made of.

numba compiles a kernel anew where its own file has changed. Functions and constants that it takes from other files are compiled into it
too; where such a file alone changes, with a new version for example, numba loads the kernel of before.

This project's kernels are kept in the user's cache by the contents of all these files: checkouts with the same kernels share them.
"""

import functools
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba import njit
from numba.core import caching

__all__ = ["njit"]

PROJECT = dict.fromkeys(("pipeline", "meshes", "solvers"), Path(__file__).resolve().parents[2])  # packages with kernels: their folders
IMPORT = re.compile(rb"^(?:from|import) +([.\w]+)(?: +import +(\([^)]*\)|[^\n]*))?", re.MULTILINE)
KEPT_DAYS = 60  # without use, after which a folder of kernels goes


class SharedBySources(caching.UserWideCacheLocator):
    """A cache in the user's own folder, in a folder for each content of the sources."""

    def __init__(self, py_func: Callable[..., Any], py_file: str) -> None:
        super().__init__(py_func, py_file)
        self._cache_path = str(_folder(Path(py_file).resolve()))

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> "SharedBySources | None":
        """The cache of ``py_func`` where its file at ``py_file`` is of this project and the folder can be written, else None."""
        path = Path(py_file).resolve()
        if not any(path.is_relative_to(root / name) for name, root in PROJECT.items()):
            return None
        found: SharedBySources | None = super().from_function(py_func, py_file)
        return found

    def get_source_stamp(self) -> str:
        """Nothing: the folder's name says it."""
        return ""


class _Whole:
    """The stamp of a kernel's sources: that of its own file, and that of all files which it imports from its package or this project."""

    _py_file: str

    def get_source_stamp(self) -> tuple[Any, str]:
        return super().get_source_stamp(), stamp(Path(self._py_file).resolve())  # type: ignore[misc]  # that of the locator it is mixed into


class UserProvided(_Whole, caching.UserProvidedCacheLocator):
    """A cache in the folder that ``NUMBA_CACHE_DIR`` names."""


class InTree(_Whole, caching.InTreeCacheLocator):
    """A cache beside the file."""


class UserWide(_Whole, caching.UserWideCacheLocator):
    """A cache in the user's own folder."""


@functools.cache
def _folder(path: Path) -> Path:
    """Make the folder for kernels of the file at ``path``; as one is new, delete those that were not used for long."""
    contents = hashlib.sha256(f"{numba.__version__} {stamp(path)} ".encode() + path.read_bytes()).hexdigest()
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wavetrain" / "kernels"
    folder = kept / contents[:32]
    try:
        if not folder.is_dir():
            for one in kept.glob("*"):
                if time.time() - one.stat().st_mtime > KEPT_DAYS * 86400:
                    shutil.rmtree(one, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
    except OSError:  # another process deletes too, or the disk is not ours to write: the next cache is tried
        pass
    return folder


@functools.cache
def stamp(path: Path) -> str:
    """A hash of the files that the module at ``path`` imports, and of those that they import, but of libraries' files."""
    files = sorted(sources(path) - {path})
    return hashlib.sha256(b"".join(hashlib.sha256(one.read_bytes()).digest() for one in files)).hexdigest()


def sources(path: Path) -> set[Path]:
    """The file at ``path``, and all of its package and of this project that it imports at its top, from file to file."""
    found, new = set(), {path}
    while new:
        found |= new
        new = {other for one in new for other in _imported(one)} - found
    return found


@functools.cache
def _imported(path: Path) -> frozenset[Path]:
    root = next(folder for folder in path.parents if not (folder / "__init__.py").is_file())  # of the outermost package
    roots = PROJECT | {path.relative_to(root).with_suffix("").parts[0]: root}
    found = set()
    for module, names in IMPORT.findall(path.read_bytes()):
        inside = [module, *(module + b"." + name for name in re.findall(rb"\w+", names))]  # what a package has may be modules too
        for first, *rest in (one.decode().split(".") for one in inside):
            if first in roots:
                place = roots[first].joinpath(first, *rest)
                found |= {one for one in (place.with_suffix(".py"), place / "__init__.py") if one.is_file()}
    return frozenset(found)


if not numba.config.CACHE_LOCATOR_CLASSES:  # a user's own stand
    own = [f"{__name__}.{one.__name__}" for one in (UserProvided, SharedBySources, InTree, UserWide)]
    numba.config.CACHE_LOCATOR_CLASSES = ",".join([*own, "IPythonCacheLocator", "ZipCacheLocator"])
