"""A client of `forks` that loads next to nothing: it is what mpirun starts for a rank, in whose place a fork works.

The fork has its client's environment, in which mpirun says which rank it is. Either ends with the other.
"""

import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ADDRESS = "WAVETRAIN_TEST_FORKS"  # the variable with the address of the process that all processes of the tests share
COMMAND = "jobs.cli:main"


def function(name: str) -> Any:
    """The function ``name``, written ``module:function``."""
    module, _, own = name.partition(":")
    return getattr(importlib.import_module(module), own)


def ask(connection: socket.socket, message: Any, files: Sequence[int]) -> int:
    """Ask for a fork that does what ``message`` says, with ``files`` as its output and its errors; returns its process number."""
    text = json.dumps(message).encode()
    socket.send_fds(connection, [len(text).to_bytes(8, "little")], files)
    for start in range(0, len(text), 65536):
        connection.sendall(text[start : start + 65536])
    return int(connection.recv(64))


def main(address: str, work: str, *words: str) -> int:
    """Let a fork of the process at ``address`` do ``work`` with ``words``; returns its exit code. SIGUSR1 from mpirun is handed on."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(address)
    pid = ask(connection, [work, words, str(Path.cwd()), dict(os.environ)], [1, 2])
    signal.signal(signal.SIGUSR1, lambda number, frame: os.kill(pid, number))
    return int(connection.recv(64))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
