"""What the system says when files can't be written: HDF5 and MPI tell it in many ways, or not at all."""

import contextlib
import errno
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import InputError, RunError, WriteError

PROBE = 2**20  # [B] that a disk must take to be one that can be written to
CAUSES = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO)
HDF5S = re.compile(r"write failed.*error message = '([^']+)'", re.DOTALL)
DESTRUCTOR = "decrement id ref count"  # in what h5py prints where an object's end writes, and can't


def why_not_written(error: Exception, folder: Path) -> str:
    """The system's words for why ``error`` came of writing in ``folder``; empty where it did not."""
    words = HDF5S.search(str(error))
    if words:
        return words[1]
    if isinstance(error, OSError) and error.errno in CAUSES:
        return os.strerror(error.errno)
    return _refusal(folder)


def _refusal(folder: Path) -> str:
    """What the system says to a file that is written in ``folder`` now; empty where it is taken."""
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


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Let what fails for want of space, or of leave to write in ``folder``, be a `WriteError` of one line; all else passes as it is."""
    try:
        yield
    except (InputError, RunError):
        raise
    except Exception as error:
        why = why_not_written(error, folder)
        if not why:
            raise
        raise WriteError(f"cannot write in {folder}: {why}") from error


def silence_destructors() -> None:
    """Let h5py not print what it meets as it throws objects away that can't be written: the error itself is raised, and told once."""
    for name in ("excepthook", "unraisablehook"):
        setattr(sys, name, _but_destructors(getattr(sys, name)))


def _but_destructors(hook: Any) -> Any:
    def told(*arguments: Any) -> None:
        error = getattr(arguments[0], "exc_value", None) or (arguments[1] if len(arguments) > 1 else None)
        if DESTRUCTOR not in str(error):
            hook(*arguments)

    return told
