"""The program of a process that does many runs of a campaign: of a copy of the command's, or ``python -m jobs.local.worker SOCKET``.

A message names a case, the folder of its files and the folder of the run, and brings the run's lock. The run's events go to the standard
output, as from rank 0 of `jobs.local.rank`. A run that could not write ends the process: HDF5 may hold on to the unwritten data.
"""

import json
import logging
import os
import signal
import socket
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from jobs.local.progress import LINE, emit, show
from pipeline.core.errors import InputError, RunError, StopError, WriteError
from pipeline.store.disk import writing

LARGEST = 2**16  # [B] of a message


def serve(number: int) -> int:
    """Do the runs that the socket with the file ``number`` brings, until it is closed; returns the exit code."""
    connection = socket.socket(fileno=number)
    for stop in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(stop, _stop)  # until a run's time loop takes them
    logging.basicConfig(level=logging.INFO, format=LINE, force=True)  # none of a parent's own logs
    try:
        while True:
            message, lock, _, _ = socket.recv_fds(connection, LARGEST, 1)
            if not message:
                return 0
            case_file, case_folder, folder = map(Path, json.loads(message))
            _do(case_file, case_folder, folder, lock)
    except StopError:
        return 0


def _stop(number: int, frame: FrameType | None) -> None:
    raise StopError("stopped before its first step; the same command begins it")


def _do(case_file: Path, case_folder: Path, folder: Path, lock: Iterable[int]) -> None:
    """Do a run; end the process after a failure that could harm the next."""
    try:
        log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(log, sys.stderr.fileno())  # what libraries print goes there too
        os.close(log)
        event: dict[str, Any] = {"event": "done", "summary": _run(case_file, case_folder, folder)}
    except (StopError, WriteError) as error:
        _tell({"event": "error", "kind": type(error).__name__, "message": str(error), "last": True}, lock)
        os._exit(1)  # at once: HDF5 crashes as it throws away what it could not write
    except (InputError, RunError) as error:
        event = {"event": "error", "kind": type(error).__name__, "message": str(error)}
    except Exception as error:
        traceback.print_exc()
        words = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        _tell({"event": "error", "kind": "RunError", "message": words, "last": True}, lock)
        os._exit(1)
    _tell(event, lock)


def _tell(event: dict[str, Any], lock: Iterable[int]) -> None:
    for one in lock:
        os.close(one)
    emit(**event)


def _run(case_file: Path, case_folder: Path, folder: Path) -> dict[str, Any]:
    from pipeline.core import case
    from pipeline.core.compiling import watched
    from solvers.core.comm import Serial
    from solvers.core.run import run_case

    parsed = case.parse(case.read_toml(case_file), case_folder)
    with writing(folder), show(folder.name, quiet=False, lead=True, folder=folder) as shown, watched(shown.compiling):
        return run_case(parsed, folder, Serial(), shown)


if __name__ == "__main__":
    sys.exit(serve(int(sys.argv[1])))
