"""A lock that lets one process at a time into a run's or a stage's folder: the system's, which ends with the last process that holds it."""

import contextlib
import errno
import fcntl
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.core.errors import InUseError

log = logging.getLogger("wavetrain")

NAME = ".lock"
_held: dict[Path, int] = {}  # folder to the open file whose lock it is


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold ``folder``, which is made, while the block runs.

    Raises
    ------
    InUseError
        Another process holds it: its host, number and beginning.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o666)  # the umask says who else may write, as for all files
    try:
        if not _taken(handle):
            raise InUseError(f"{folder} is in use: {_words(_owner(folder))}")
        text = json.dumps(
            {"host": socket.gethostname(), "machine": machine(), "pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        )
        os.ftruncate(handle, 0)
        os.pwrite(handle, text.encode(), 0)
        _held[folder] = handle
        yield
    finally:
        if _held.pop(folder, None) is not None:
            os.ftruncate(handle, 0)
        os.close(handle)


def machine() -> str:
    """An identity of this machine, independent of its name, that lasts as long as a process' number means the same process."""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').stat().st_ino}"
    return socket.gethostname()


def passed_on(folder: Path) -> tuple[int, ...]:
    """The open lock of ``folder``, for a child that shall hold it too: ranks may outlive the process that started them."""
    return (_held[folder],) if folder in _held else ()


def holder(folder: Path) -> dict[str, Any] | None:
    """The holder of ``folder``: ``host``, ``machine``, ``pid``, ``since``; None where nobody holds it."""
    try:
        handle = os.open(folder / NAME, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _owner(folder)
    except OSError:
        return None
    finally:
        os.close(handle)
    return None


def _taken(handle: int) -> bool:
    for left in (20, 10, 0):  # who only looks whether it is held holds it for a moment
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(left * 1e-3)
        except OSError as error:
            if error.errno not in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):
                raise
            log.warning("this file system has no locks: nothing keeps a second run out of a folder")
            return True
    return False


def _owner(folder: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, json.JSONDecodeError):
        return dict(json.loads((folder / NAME).read_text(encoding="utf-8")))
    return {}


def _words(owner: dict[str, Any]) -> str:
    if not owner:
        return "by another process"
    return f"by process {owner['pid']} on host {owner['host']}, since {owner['since']}; wait for it, or stop it"
