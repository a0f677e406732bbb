"""Commands that go on while a test looks at them, and commands on ranks: forks of the process that has loaded all (`forks`).

A rank of such a command is a fork too: what mpirun starts is its client. Tests of what starts them begin the command anew.
"""

import importlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self
from unittest import mock

import fork_client
from fork_client import ADDRESS, function

BEFORE = "WAVETRAIN_TEST_BEFORE"  # what the command's process calls first
NONE: Mapping[Any, Any] = MappingProxyType({})
PATIENCE = 600.0  # [s] for a command


class Running:
    """A fork that does the command with ``words`` in the folder ``cwd`` and ``environment``: the part of `subprocess.Popen` that tests use.

    Parameters
    ----------
    address
        The process that has loaded all.
    files
        Open files that take the output (1) or the errors (2), in place of what `communicate` returns.
    """

    def __init__(self, words: Sequence[str], cwd: Path, address: str, environment: dict[str, str], files: Mapping[int, int] = NONE) -> None:
        self._output = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115 (as long as it is looked at)
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.connect(address)
        message = ["running:command", list(words), str(cwd), environment | {ADDRESS: address}]
        self.pid = fork_client.ask(self._connection, message, [files.get(i, file.fileno()) for i, file in enumerate(self._output, 1)])
        self.returncode: int | None = None

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing happens where the command has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        """The exit code; None where it goes on."""
        try:
            return self.wait(0.0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float = PATIENCE) -> int:
        """The exit code, when it has ended; that of a signal is negative."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                self.returncode = int(self._connection.recv(64))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout) from None
        return self.returncode

    def communicate(self, timeout: float = PATIENCE) -> tuple[str, str]:
        """All that it printed, and its errors, when it has ended."""
        self.wait(timeout)
        return self.said(), self.said(1)

    def said(self, which: int = 0) -> str:
        """All that it has printed until now; or its errors, where ``which`` is 1."""
        number = self._output[which].fileno()
        return os.pread(number, os.fstat(number).st_size, 0).decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()
        self.wait()
        self._connection.close()
        for file in self._output:
            file.close()


def begun(*words: Any, cwd: Path, before: str = "", files: Mapping[int, int] = NONE, more: Mapping[str, str] = NONE) -> Running:
    """The command with ``words``, without a page, which goes on; with ``more`` variables in its environment, and open ``files``.

    Its process calls ``before`` first, a ``module:function``.
    """
    return Running([str(word) for word in words], cwd, address(), os.environ | conftest().BARE | {BEFORE: before} | more, files)


def ended(*words: Any, cwd: Path, before: str = "") -> "subprocess.CompletedProcess[str]":
    """The command with ``words`` as `begun` begins it, when it has ended."""
    with begun(*words, cwd=cwd, before=before) as process:
        said, told = process.communicate()
    return subprocess.CompletedProcess(list(words), process.wait(), said, told)


def on_ranks(ranks: int, *words: Any, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """The command with ``words`` on each of the ``ranks`` that an mpirun of its own starts, without a page."""
    from jobs.local.launch import environment, mpirun

    start = [*mpirun(ranks), *client(address(), "-m", "jobs.cli", *words)]
    env = environment() | conftest().BARE
    return subprocess.run(start, capture_output=True, text=True, check=False, cwd=cwd, env=env, timeout=PATIENCE)


def address() -> str:
    """The process that has loaded all, started where nobody has asked for it yet."""
    return str(conftest().address())


def conftest() -> Any:
    """The common part of all tests, which no fork needs."""
    return importlib.import_module("conftest")


def command() -> None:
    """The command, whose ranks are forks too."""
    import jobs.commands.forecast  # before it is patched
    import jobs.local.launch

    def python(*words: str) -> list[str]:
        return client(os.environ[ADDRESS], *words)

    if name := os.environ.pop(BEFORE):
        function(name)()
    with mock.patch.object(jobs.local.launch, "python", python), mock.patch.object(jobs.commands.forecast, "python", python):
        importlib.import_module("jobs.cli").main()


def client(address: str, *words: Any) -> list[str]:
    """The client of a fork, as the words that stand for ``python words``, which begin with ``-m``."""
    return [sys.executable, "-S", fork_client.__file__, address, "running:program", *map(str, words)]


def interpreter(path: Path) -> Path:
    """Write to ``path`` a program that stands for Python where it gets ``-m``, in whatever environment: the client of a fork."""
    path.write_text(f'#!/bin/sh\nexec {shlex.join(client(address()))} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def program() -> None:
    """Do the module after ``-m`` as Python does it, in a fork, which ends without what Python does at its end."""
    module = sys.argv[sys.argv.index("-m") + 1]
    sys.argv[1 : sys.argv.index("-m") + 2] = []
    try:
        code = importlib.import_module(module).main()
    finally:
        if "mpi4py.MPI" in sys.modules:
            from mpi4py import MPI

            if MPI.Is_initialized():
                MPI.Finalize()
    sys.exit(code)
