"""A process that has loaded the command and its kernels once, and is forked for each command that a test gives.

What a test sees is a process of its own, with its own folder, environment, output and exit code; only the start of the interpreter and
the imports are saved. Tests of the start itself, of launchers and of signals start the command anew.
"""

import contextlib
import gc
import importlib
import io
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path

from fork_client import COMMAND, ask, function

WARM = """
[mesh]
kind = "rectangle"
width = "100 cm"
height = 1.0
size = 0.5
bathymetry = { kind = "flat", depth = 1.0 }
[solver]
kind = "tsunami"
[time]
end = 0.1
every = 0.1
[gauges]
middle = [0.5, 0.5]
"""
WARM_LINE = """
[mesh]
kind = "box"
length = 22.0
points = 32
[solver]
kind = "ks"
[time]
end = 0.1
every = 0.1
dt = 0.05
"""
LONGEST = 600.0  # [s] a command may take


class Loaded:
    """The process that has loaded the command; ``address`` is where clients find it. It ends with `close`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="wavetrain-forks-")
        self.address = f"{self._folder.name}/socket"
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with listening:
            listening.bind(self.address)
            listening.listen(64)  # clients wait while it loads
            own = os.pathsep.join(filter(None, [environment.get("PYTHONPATH"), str(Path(__file__).parent)]))  # where Python is safe too
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(listening.fileno())],
                pass_fds=(listening.fileno(),),
                env={**environment, "PYTHONPATH": own},
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._folder.cleanup()


class Forks:
    """A client of the process at ``address``: sends it commands, one after the other."""

    def __init__(self, address: str) -> None:
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.connect(address)

    def run(self, words: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        """The command with ``words`` in the folder ``cwd``.

        Raises
        ------
        subprocess.TimeoutExpired
            It took longer than 600 s, and was killed.
        """
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            pid = ask(self._connection, [COMMAND, list(words), str(cwd), dict(environment)], [out.fileno(), errors.fileno()])
            watch = threading.Timer(LONGEST, os.kill, (pid, signal.SIGKILL))
            watch.start()
            try:
                code = int(self._connection.recv(64))
            finally:
                watch.cancel()
            for file in (out, errors):
                file.seek(0)
            said, told = (io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape").read() for file in (out, errors))
        return subprocess.CompletedProcess(list(words), code, said, told)


def accept(listening: socket.socket) -> None:
    """Be ready for clients: a fork serves each, until this process is asked to end."""
    gc.collect()
    gc.freeze()  # no fork looks through what was loaded, which would copy it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    while True:
        connection, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            serve(connection)
            os._exit(0)
        connection.close()


def serve(connection: socket.socket) -> None:
    """Fork for each command that comes through ``connection``, one after the other, until it is closed.

    A fork ends as those of multiprocessing do, without taking all that was loaded apart; it is killed where its client is gone.
    """
    while True:
        head, files, *_ = socket.recv_fds(connection, 8, 2)
        if not head:
            return
        text = b""
        while len(text) < int.from_bytes(head, "little"):
            text += connection.recv(65536)
        command = multiprocessing.get_context("fork").Process(target=_become, args=(*json.loads(text), files, connection))
        command.start()
        for file in files:
            os.close(file)
        connection.sendall(str(command.pid).encode())
        if command.sentinel not in wait([command.sentinel, connection]):
            command.kill()
        command.join()
        with contextlib.suppress(OSError):  # the client is gone
            connection.sendall(str(command.exitcode).encode())


def _become(
    work: str, words: Sequence[str], cwd: str, environment: Mapping[str, str], files: Sequence[int], connection: socket.socket
) -> None:
    """Do ``work``, as ``module:function``, for the command with ``words``: with its folder, environment and output.

    Ends by SystemExit, as the command does.
    """
    connection.close()
    for file, number in zip(files, (1, 2), strict=True):
        os.dup2(file, number)
        os.close(file)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    own = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path and path not in sys.path]
    if own:  # packages with plug-ins, of which nothing is known yet
        from pipeline.core import plugin

        sys.path[1:1] = own
        plugin._entries.cache_clear()
    sys.argv = ["wavetrain", *words]
    function(work)()


def _load() -> None:
    """Import what commands use, and run small cases, so that their kernels are compiled and loaded."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the command sets it, before numpy is loaded
    import compiled_once
    import dask.array
    import dask.distributed
    import typer.main

    from jobs.campaign.execute import execute
    from jobs.cli import app
    from pipeline.core import plugin
    from pipeline.core.campaign import STAGES

    compiled_once.install()
    for name in (
        "matplotlib.figure",
        "scipy.interpolate",
        "jobs.commands.archives",
        "pipeline.report.page",
        "hypothesis",
        "works",
    ):  # commands load them where they need them, and ranks
        importlib.import_module(name)
    for kind in plugin.kinds(STAGES):
        plugin.load(STAGES, kind)
    with contextlib.redirect_stdout(io.StringIO()):
        typer.main.get_command(app)(["list"], standalone_mode=False)  # loads what reads a command's words
    with tempfile.TemporaryDirectory() as folder, dask.config.set(scheduler="synchronous"):  # no threads live through a fork
        for name, text in (("warm", WARM), ("line", WARM_LINE)):
            case = Path(folder) / f"{name}.toml"
            case.write_text(text, encoding="utf-8")
            execute(case, out=Path(folder) / name, quiet=True)
            os.environ["WAVETRAIN_PAGE"] = "no"  # the first has loaded what draws pages; a command has its own variables
    assert threading.active_count() == 1


if __name__ == "__main__":
    _load()
    accept(socket.socket(fileno=int(sys.argv[1])))
