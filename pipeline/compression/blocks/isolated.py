"""A codec at work in a process of its own: where its library crashes, never ends or refuses, that codec alone fails.

Processes are kept for the next block. Values go through a pipe as they are; requests and replies are JSON. The limit in time is
of the processor's, which the system itself keeps (``RLIMIT_CPU``), so that a busy machine makes no codec fail; a codec that sleeps for good
takes none, and is noticed by that.
"""

import atexit
import contextlib
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import psutil

from pipeline.compression.blocks import coding
from pipeline.compression.blocks.coding import Failed, Values
from pipeline.compression.blocks.facts import Facts
from pipeline.compression.target import Target
from pipeline.core.errors import InputError

SERVE = "from pipeline.compression.blocks.isolated import serve; serve"  # what a process does
START = 60.0  # [s] for a process to start, and to load a codec
PATIENCE = 20.0  # [s] of processor time that a codec may take, unless its module says otherwise ...
SLOWEST = 4.0  # [s/MB] ... and so much more for what it codes
ASLEEP = 60.0  # [s] that a process may sleep while it is waited for
LOOK = 0.5  # [s] between two looks at whether it does
IDLE = 60.0  # [s] that a process waits for the next block
LONGEST = 300  # characters of a reason

_idle: list["Child"] = []
_lock = threading.Lock()


class _Gone(Exception):
    """A process ended before it was asked."""


class Child:
    """A process that codes by one codec at a time."""

    def __init__(self) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        path = os.pathsep.join(one for one in sys.path if one)
        words = [sys.executable, "-P", "-c", f"{SERVE}({theirs.fileno()})"]
        self.process = subprocess.Popen(
            words,
            pass_fds=[theirs.fileno()],
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # what libraries print
            stderr=subprocess.DEVNULL,
        )
        theirs.close()

    def code(self, name: str, values: Values, target: Target) -> tuple[bytes, Facts]:
        """Do `coding.code` there.

        Raises
        ------
        InputError
            As there; `Failed` where the process died, or took too long.
        """
        array = np.ascontiguousarray(values.all)
        own = [(span.start, span.stop) for span in values.own]
        asked = {"codec": name, "kind": target.kind, "value": target.value, "dtype": array.dtype.str, "shape": array.shape, "own": own}
        limit = START
        try:
            self.connection.send_bytes(json.dumps(asked | {"fills": values.fills}).encode())
            self.connection.send_bytes(array.reshape(-1).view(np.uint8).data)
        except OSError:
            self.end()
            raise _Gone from None
        try:
            limit = float(self._told()["limit"])
            told = self._told()
            if told["why"]:
                raise InputError(told["why"])
            return self.connection.recv_bytes(), Facts(**told["facts"] | {"failed": ()})
        except (EOFError, OSError):
            code = self.end()
            if code == 0:
                raise _Gone from None
            raise Failed(_why(code, limit)) from None

    def _told(self) -> dict[str, Any]:
        """The next message of the process; `Failed` where it sleeps instead. A process that waits for a processor does not sleep."""
        used, asleep = -1.0, 0.0
        while not self.connection.poll(LOOK):
            with contextlib.suppress(psutil.Error):  # it ended meanwhile, which the connection tells
                process = psutil.Process(self.process.pid)
                before, used = used, sum(process.cpu_times()[:2])
                asleep = asleep + LOOK if used == before and process.status() == psutil.STATUS_SLEEPING else 0.0
            if asleep >= ASLEEP:
                self.end()
                raise Failed(f"does not go on: it slept for {asleep:.0f} s")
        found: dict[str, Any] = json.loads(self.connection.recv_bytes())
        return found

    def end(self) -> int:
        """End the process; returns how it ended, as `subprocess` tells it."""
        self.connection.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(1.0)  # it ends by itself once the pipe is closed, unless it is at work
        self.process.kill()
        return self.process.wait()


def _why(code: int, limit: float) -> str:
    """Words on a process that ended so."""
    if code == -signal.SIGXCPU:
        return f"did not end within {limit:.0f} s of processor time"
    if code < 0:
        return f"crashed: its process ended by signal {-code}, {signal.strsignal(-code) or 'unknown'}"
    return f"crashed: its process ended with exit code {code}"


def code(name: str, values: Values, target: Target) -> tuple[bytes, Facts]:
    """Do `coding.code` in a process of its own; `Failed` where that died, or took too long."""
    if not values.all.size:
        return coding.code(name, values, target)
    while True:
        with _lock:
            child = _idle.pop() if _idle else None
        try:
            return _with(child or Child(), name, values, target)
        except _Gone:
            if child is None:
                raise Failed("has no process: none can be started") from None


def tried(read: Callable[[], Values], target: Target, codec: str) -> Facts | str:
    """The facts of a block that ``read`` gives, coded by ``codec`` in a process of its own, or why it can't be taken."""
    values = read()
    if found := coding.constant(values, target):
        return found[1]
    try:
        if why := coding.exactly(values, target):
            return why
        return code(codec, values, target)[1]
    except InputError as error:
        return str(error)


def _with(child: Child, name: str, values: Values, target: Target) -> tuple[bytes, Facts]:
    try:
        found = child.code(name, values, target)
    except Failed:
        raise
    except InputError:
        _keep(child)  # it refused, and waits for the next
        raise
    except BaseException:
        child.process.kill()  # interrupted in the middle
        child.end()
        raise
    _keep(child)
    return found


def _keep(child: Child) -> None:
    with _lock:
        _idle.append(child)


def close() -> None:
    """End the processes that wait."""
    with _lock:
        waiting = _idle[:]
        _idle.clear()
    for child in waiting:
        child.connection.close()
    for child in waiting:
        child.process.wait()


atexit.register(close)


def serve(descriptor: int) -> None:
    """Do the coding requested through a pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who asks decides
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connection = Connection(descriptor)
    with contextlib.suppress(EOFError, OSError):
        while connection.poll(IDLE):
            asked = json.loads(connection.recv_bytes())
            array = np.empty(asked["shape"], asked["dtype"])
            connection.recv_bytes_into(array.reshape(-1).view(np.uint8))
            values = Values(array, tuple(slice(*span) for span in asked["own"]), tuple(asked["fills"]))
            told, data = _answer(asked, values, connection)
            connection.send_bytes(json.dumps(told).encode())
            if not told["why"]:
                connection.send_bytes(data)


def _answer(asked: dict[str, Any], values: Values, connection: Any) -> tuple[dict[str, Any], bytes]:
    """The facts and the block, or why there are none; the limit in time is told first, once the codec is loaded."""
    limit, why = START, ""
    try:
        limit = _limited(asked["codec"], values.all.nbytes)
    except Exception as error:  # a library's, of any kind
        why = _reason(error)
    connection.send_bytes(json.dumps({"limit": limit}).encode())
    if why:
        return {"why": why}, b""
    try:
        data, facts = coding.code(asked["codec"], values, Target(asked["kind"], asked["value"]))
    except Exception as error:
        return {"why": _reason(error)}, b""
    return {"why": "", "facts": asdict(facts)}, data


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, InputError) else f"can't: {type(error).__name__}: {error}"[:LONGEST]


def _limited(name: str, size: int) -> float:
    """Let this process be ended once it has taken so many seconds more of the processor's time, which are returned."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    module = coding.load_codec(coding.codec_of(name))  # its libraries take their time, which does not count
    limit = float(getattr(module, "PATIENCE", PATIENCE)) + SLOWEST * size / 1e6
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + limit) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft if most == resource.RLIM_INFINITY else min(soft, most), most))
    return limit
