"""The standard streams of the command: closed, cut off by ``| head``, or on a full disk, they never end a run."""

import errno
import io
import os
import select
import sys
from typing import Any

STREAMS = ((1, "stdout"), (2, "stderr"))


class Lasting(io.RawIOBase):
    """An open stream of this process that takes all, whether or not it still leads anywhere.

    Attributes
    ----------
    lost
        The system's words where output was lost; None too where its reader has gone and wants no more.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self.lost: OSError | None = None

    def write(self, data: Any) -> int:
        try:
            return os.write(self._number, data)
        except BlockingIOError:
            select.select([], [self._number], [])
            return 0
        except OSError as error:
            if error.errno != errno.EPIPE:
                self.lost = self.lost or error
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._number)  # so for the processes that this one starts
            os.close(nowhere)
        return len(data)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)


_lasting: list[Lasting] = []


def make_lasting() -> None:
    """Open closed standard streams, so that no file of a run gets its number, and let output fail without harm."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # gets the lowest number that is free: this one
    for number, name in STREAMS:
        stream = getattr(sys, name)
        if stream is not None and (not isinstance(stream, io.TextIOWrapper) or _number(stream) != number):
            continue  # somebody has put another in its place
        raw = Lasting(number)
        _lasting.append(raw)
        encoding = stream.encoding if stream is not None else "utf-8"
        lines = raw.isatty() or number == 2
        # the name of a file may be no text
        lasting = io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding, errors="backslashreplace", line_buffering=lines)
        setattr(sys, name, lasting)


def _number(stream: Any) -> int:
    try:
        return int(stream.fileno())
    except (OSError, ValueError):
        return -1


def flush() -> OSError | None:
    """Write the buffered output; returns the system's error where output was lost."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return next((raw.lost for raw in _lasting if raw.lost is not None), None)
