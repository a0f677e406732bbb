"""Processes that are copies of this process, with all its modules loaded: a second of imports less for each.

A copy is safe only of a process with one thread and without MPI: a lock that another thread held would stay locked, and MPI's
connections would have two owners.
"""

import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Protocol

CONNECTION = 3  # the file number of a copy's connection; it has no other beside the three of each process


class Process(Protocol):
    """A process that was started: the part of `subprocess.Popen` that is used."""

    @property
    def stdout(self) -> IO[str] | None:
        """The process' output; None where it is not read."""

    def send_signal(self, sig: int) -> None:
        """Send a signal; nothing happens where the process was waited for.

        Parameters
        ----------
        sig
            The signal's number.
        """

    def wait(self) -> int:
        """Wait until the process has ended.

        Returns
        -------
        int
            Its exit code; that of a signal is negative.
        """


class Fork:
    """A copy of this process in a session of its own, which does ``work`` with `CONNECTION` and ends with the code that it returns.

    Parameters
    ----------
    work
        The copy's program.
    connection
        An open file number, which the copy has as `CONNECTION`; all others are closed in it.
    environment
        The copy's variables.
    """

    def __init__(self, work: Callable[[], int], connection: int, environment: Mapping[str, str]) -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
                stream.flush()
        ours, theirs = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _become(work, connection, theirs, environment)
        os.close(theirs)
        self.stdout: IO[str] | None = os.fdopen(ours, encoding="utf-8")
        self._code: int | None = None

    def send_signal(self, sig: int) -> None:
        """Send the signal ``sig``; nothing where the process was waited for."""
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, sig)

    def wait(self) -> int:
        """The exit code, when it has ended; that of a signal is negative."""
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self._code


def may_fork() -> bool:
    """Whether a copy of this process is safe: it has one thread, native ones counted, and MPI was not loaded."""
    try:
        alone = len(list(Path("/proc/self/task").iterdir())) == 1
    except OSError:  # no Linux
        return False
    return alone and "mpi4py.MPI" not in sys.modules and "petsc4py.PETSc" not in sys.modules


def _become(work: Callable[[], int], connection: int, output: int, environment: Mapping[str, str]) -> None:
    """Be the copy: never returns, and leaves alone all that its parent registered for its end."""
    code = 1
    try:
        os.setsid()
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, signal.SIG_DFL)
        _keep(connection, output)
        os.environ.clear()
        os.environ.update(environment)
        code = work()
        sys.stdout.flush()
    finally:
        os._exit(code)


def _keep(connection: int, output: int) -> None:
    """Close every file but the standard files, of which ``output`` is the standard output, and `CONNECTION`."""
    above = [fcntl.fcntl(number, fcntl.F_DUPFD, CONNECTION + 1) for number in (os.open(os.devnull, os.O_RDWR), output, connection)]
    for number, place in zip([above[0], above[1], above[0], above[2]], (0, 1, 2, CONNECTION), strict=True):
        os.dup2(number, place)
    os.closerange(CONNECTION + 1, os.sysconf("SC_OPEN_MAX"))
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (as long as the process)
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 (too)
