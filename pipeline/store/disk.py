"""Errors of the system when files can't be written: HDF5 and MPI report them in many ways, or not at all."""

import contextlib
import errno
import io
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.core.errors import InputError, RunError, WriteError

PROBE = 2**20  # [B] that a disk must take to be one that can be written to
METADATA = 2**16  # [B]: larger pieces are values, which HDF5 does not read back
CAUSES = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO)
HDF5S = re.compile(r"write failed.*error message = '([^']+)'", re.DOTALL)
DESTRUCTOR = "ObjectID._dealloc"  # the end of the name of h5py's function in which an object's end writes, or can't


def why_not_written(error: Exception, folder: Path) -> str:
    """The system's words for why ``error`` came of writing in ``folder``; empty where it did not."""
    words = HDF5S.search(str(error))
    if words:
        return words[1]
    if isinstance(error, OSError) and error.errno in CAUSES:
        return os.strerror(error.errno)
    return refusal(folder)


def refusal(folder: Path) -> str:
    """The system's error for a file that is written in ``folder`` now; empty where there is none."""
    try:
        with tempfile.TemporaryFile(dir=folder) as handle:
            handle.write(bytes(PROBE))
            handle.flush()
            os.fsync(handle.fileno())
    except FileNotFoundError:
        return ""
    except OSError as error:
        return os.strerror(error.errno or errno.EIO)
    return ""


def cannot_write(folder: Path, why: str) -> WriteError:
    """The error of a ``folder`` that takes no more, and ``why``."""
    return WriteError(f"cannot write in {folder}: {why}")


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn failures for want of space, or of leave to write in ``folder``, into a `WriteError` of one line; others pass as they are."""
    try:
        yield
    except (InputError, RunError):
        raise
    except Exception as error:
        why = why_not_written(error, folder)
        if not why:
            raise
        raise cannot_write(folder, why) from error


class Forbearing(io.RawIOBase):
    """A file for HDF5 that takes all, and remembers the first write refused by the system.

    HDF5 can't close a file that it can't write, and crashes as it throws the rest away. Of the refused bytes, small pieces are kept
    in memory, for HDF5 reads its own metadata back.
    """

    def __init__(self, path: Path, mode: str) -> None:
        self._file = io.FileIO(path, {"w": "w+", "r+": "r+"}[mode])
        self._refused: list[tuple[int, bytes]] = []  # place in the file, and what belongs there
        self.error: OSError | None = None

    def check(self) -> None:
        """Raise the system's error on the first write that it refused."""
        if self.error:
            raise self.error

    def readinto(self, buffer: Any) -> int:
        at, view = self._file.tell(), memoryview(buffer).cast("B")
        count = self._file.readinto(view) or 0
        for place, data in self._refused:
            first, last = max(place, at), min(place + len(data), at + len(view))
            if first < last:
                view[first - at : last - at] = data[first - place : last - place]
                count = max(count, last - at)
        return count

    def write(self, data: Any) -> int:
        at, view = self._file.tell(), memoryview(data).cast("B")
        try:
            done = 0
            while done < len(view):
                done += self._file.write(view[done:])
        except OSError as error:
            self.error = self.error or error
            if len(view) <= METADATA:
                self._refused.append((at, bytes(view)))
            self._file.seek(at + len(view))
        return len(view)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def truncate(self, size: int | None = None) -> int:
        try:
            return self._file.truncate(size)
        except OSError as error:
            self.error = self.error or error
        return size or 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()


@contextlib.contextmanager
def hdf5_file(path: Path, mode: str, **options: Any) -> Iterator[Any]:
    """The HDF5 file at ``path``, opened for one process to write ("w" or "r+") and closed at the end; its ``raw.check()`` asks on the way.

    Raises
    ------
    OSError
        The system refused a write: its own words.
    """
    import h5py

    with contextlib.closing(Forbearing(path, mode)) as raw:
        try:
            with h5py.File(raw, mode, **options) as file:
                file.raw = raw
                yield file
        finally:
            raw.check()  # which is why, whatever else was raised


def silence_destructors() -> None:
    """Keep h5py from printing errors as it throws objects away that can't be written: the error itself is raised, and told once."""
    for name in ("excepthook", "unraisablehook"):
        setattr(sys, name, _but_destructors(getattr(sys, name)))


def _but_destructors(hook: Any) -> Any:
    def told(*arguments: Any) -> None:
        error = getattr(arguments[0], "exc_value", None) or (arguments[1] if len(arguments) > 1 else None)
        frames = traceback.walk_tb(error.__traceback__ if error else None)
        if not any(frame.f_code.co_name.endswith(DESTRUCTOR) for frame, _ in frames):
            hook(*arguments)

    return told
