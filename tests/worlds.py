"""Ranks that have loaded MPI and the solvers once, and do what one test after the other asks of them.

An mpirun costs a start of Python, the imports and the loading of kernels on each rank. Here one mpirun serves all tests of a process, and
its ranks are forks of the process that has loaded all (`forks`). A test has as many of them as it asks for, in a communicator of their
own. In between each rank waits for its socket, which takes no processor time. Tests of what starts, signals and ends such processes
start an mpirun of their own.
"""

import contextlib
import functools
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection, wait
from pathlib import Path
from types import MappingProxyType
from typing import Any

import fork_client

from jobs.local.launch import LAUNCHER_VARIABLES, STOP_SIGNALS, environment, mpirun

RANKS = 6  # the most that a test may ask for
LONGEST = 300.0  # [s] for what is asked
STARTING, ENDING = 120.0, 20.0  # [s] for all ranks
ROOT = Path(__file__).resolve().parent.parent


class DiedError(AssertionError):
    """The ranks ended, or were ended after `LONGEST`; with what they had printed."""


@dataclass(frozen=True)
class Answer:
    """Results of the ranks, in their order, and the output of all."""

    values: list[Any]
    output: str


class World:
    """The client: starts the ranks, of the process at ``forks``, where there are none and they are asked; ends them with `close`."""

    def __init__(self, forks: str) -> None:
        self._forks = forks
        self._ranks: list[Connection] = []

    def ask(self, ranks: int, work: str, *words: Any, more: Mapping[str, str] = MappingProxyType({})) -> Answer:
        """Let ``ranks`` ranks call ``work``, as ``module:function``, with ``words``; with ``more`` variables in their environment.

        Raises
        ------
        DiedError
            A rank died, or took the others down, or they took longer than 300 s.
        """
        assert 1 <= ranks <= RANKS, f"{ranks} ranks of {RANKS}"
        if not self._ranks:
            self._start()
        output = self._place / "output.txt"
        output.write_bytes(b"")
        request = {"ranks": ranks, "work": work, "words": [str(word) for word in words], "output": str(output)}
        values: dict[Connection, Any] = {}
        asked = self._ranks[:ranks]
        with contextlib.suppress(EOFError, ConnectionError):
            for rank in asked:
                rank.send_bytes(json.dumps(request | {"environment": environment() | more}).encode())
            while len(values) < ranks:
                ready = wait([rank for rank in asked if rank not in values], LONGEST)
                if not ready:
                    break
                values |= {rank: json.loads(rank.recv_bytes()) for rank in ready}
        if len(values) < ranks:
            self._end()
            raise DiedError(f"{work} on {ranks} ranks:\n{output.read_text(errors='replace')[-8000:]}\n{self._log()}")
        return Answer([values[rank] for rank in asked], output.read_text(errors="replace"))

    def close(self) -> None:
        if self._ranks:
            self._end()
            self._folder.cleanup()

    def _start(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="wavetrain-ranks-")
        self._place = Path(self._folder.name)
        address = str(self._place / "socket")
        with socket.socket(socket.AF_UNIX) as listener, (self._place / "mpirun.txt").open("w") as log:
            listener.bind(address)
            listener.listen(RANKS)
            listener.settimeout(STARTING)
            self.process = subprocess.Popen(
                [*mpirun(RANKS), sys.executable, "-S", fork_client.__file__, self._forks, "worlds:serve", address],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment() | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
                cwd=ROOT,
                start_new_session=True,
            )
            try:
                found = [_accepted(listener) for _ in range(RANKS)]
            except TimeoutError:
                self._end()
                raise DiedError(f"the ranks did not start:\n{self._log()}") from None
        self._ranks = sorted(found, key=lambda one: int(one.recv_bytes()))

    def _end(self) -> None:
        """Let the ranks end, which they do where their sockets are closed; those that do not are killed."""
        for rank in self._ranks:
            rank.close()
        self._ranks = []
        for stop in (lambda: None, self.process.terminate, self.process.kill):
            stop()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(ENDING)
                return

    def _log(self) -> str:
        return (self._place / "mpirun.txt").read_text(errors="replace")[-2000:]


def _accepted(listener: socket.socket) -> Connection:
    connection, _ = listener.accept()
    connection.setblocking(True)
    return Connection(connection.detach())


def serve() -> None:
    """Be a rank: do what comes through the socket at the only word, its address, one after the other, until it is closed."""
    from mpi4py import MPI

    from meshes.core.partition import petsc

    with contextlib.suppress(ImportError):
        petsc()  # which all ranks start and end together
    whole = MPI.COMM_WORLD

    @functools.cache
    def first(ranks: int) -> Any:
        return whole.Create_group(whole.group.Incl(range(ranks)))

    with Client(sys.argv[1], "AF_UNIX") as connection, contextlib.suppress(EOFError, ConnectionError):
        connection.send_bytes(str(whole.rank).encode())
        while True:
            request = json.loads(connection.recv_bytes())
            MPI.COMM_WORLD = first(request["ranks"])  # what is asked knows no other ranks
            with _as_before(), _printing_to(request["output"]):
                value = _done(request)
            connection.send_bytes(json.dumps(value).encode())
    MPI.Finalize()  # a fork ends without what Python does at its end


def _done(request: Mapping[str, Any]) -> Any:
    """The result of the work; a rank on which it fails takes the others down, which may be waiting for it."""
    own = {name: value for name, value in os.environ.items() if name.startswith(LAUNCHER_VARIABLES)}
    os.environ.clear()
    os.environ.update(request["environment"] | own)
    try:
        return fork_client.function(request["work"])(*request["words"])
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        from mpi4py import MPI

        MPI.COMM_WORLD.Abort(1)
        raise


@contextlib.contextmanager
def _printing_to(path: str) -> Iterator[None]:
    """The process' standard output and error go to the end of the file at ``path``."""
    kept = [os.dup(number) for number in (1, 2)]
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    for number in (1, 2):
        os.dup2(file, number)
    os.close(file)
    try:
        yield
    finally:
        for stream, number, before in zip((sys.stdout, sys.stderr), (1, 2), kept, strict=True):
            stream.flush()
            os.dup2(before, number)
            os.close(before)


@contextlib.contextmanager
def _as_before() -> Iterator[None]:
    """Restore after a run the state of its process: folder, environment, words, signals, logging."""
    from pipeline.core.signals import RECEIVED

    folder, variables, words = Path.cwd(), dict(os.environ), sys.argv
    signals = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    logs = (logging.getLogger(), logging.getLogger("wavetrain"))
    logging_before = [(log, log.level, list(log.handlers)) for log in logs]
    try:
        yield
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(variables)
        sys.argv = words
        for number, handler in signals.items():
            signal.signal(number, handler)
        RECEIVED.clear()
        for log, level, handlers in logging_before:
            log.setLevel(level)
            log.handlers[:] = handlers
