"""Start a run on several ranks of this machine with mpirun, and read back the events of its rank 0."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from jobs.local.fork import Process
from jobs.local.lock import passed_on
from jobs.local.processes import SAFE, python, python_path
from jobs.local.progress import EVENTS, show
from pipeline.core.compiling import Tell
from pipeline.core.errors import InputError, RunError, StopError, WriteError
from pipeline.core.signals import RECEIVED
from pipeline.store.disk import cannot_write, refusal
from solvers.core.run import Progress

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
KINDS = {kind.__name__: kind for kind in (InputError, StopError, WriteError)}  # of what a run raised; all else is a RunError
LAUNCHER_VARIABLES = ("OMPI_", "PMIX_", "PMI_", "PRTE_")
USERS = ("OMPI_MCA_mpi_yield_when_idle",)  # of them: whether a rank that waits leaves its core to others, as on a machine that is shared


def environment() -> dict[str, str]:
    """This process' environment without an MPI launcher's variables, and fit for several ranks a core."""
    kept = {name: value for name, value in os.environ.items() if name in USERS or not name.startswith(LAUNCHER_VARIABLES)}
    kept |= SAFE | {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
        "OMP_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "HWLOC_HIDE_ERRORS": "2",
    }
    if {name for _, name in socket.if_nameindex()} <= {"lo"}:  # Open MPI 4 takes the loopback by itself only where it has one address
        kept["OMPI_MCA_oob_tcp_if_include"] = "127.0.0.0/8"
    return kept


def check_ranks(ranks: int) -> None:
    """`InputError` where ``ranks`` is no number of ranks; 0 stands for the command's own number."""
    if ranks < 0:
        raise InputError(f"--ranks {ranks}; it must be 1 or more")


def more_than_cores(ranks: int) -> str:
    """A warning where ``ranks`` are more than this machine has cores; empty where they are not."""
    cores = os.cpu_count() or 1
    return f"{ranks} ranks on {cores} core(s): they take turns, and are no faster than {cores}" if ranks > cores else ""


def mpirun(ranks: int) -> list[str]:
    """The command that starts ``ranks`` ranks on this machine.

    Raises
    ------
    InputError
        There is no mpirun.
    """
    found = shutil.which("mpirun")
    if not found:
        raise InputError("no mpirun on this machine: load an MPI module, or run on one rank")
    major = _open_mpi_major(found)
    command = [found, "-n", str(ranks)]
    if major is not None:  # all ranks share this machine's memory: Open MPI 5 calls its transport sm, 4 calls it vader
        command += ["--oversubscribe", "--bind-to", "none"]  # two runs at once would be bound to the same cores
        command += ["--mca", "btl", "self,sm" if major >= 5 else "self,vader"]
    return command


def _open_mpi_major(command: str) -> int | None:
    text = subprocess.run([command, "--version"], capture_output=True, text=True, check=False, env=environment()).stdout
    found = re.search(r"Open MPI\)? (\d+)", text)  # "mpirun (Open MPI) 4.1.4"
    return int(found[1]) if found else None


@dataclass(slots=True)
class Running:
    """The runs that are going on, and whether they were asked to stop."""

    processes: list[Process] = field(default_factory=list)
    stopped: bool = False


@contextlib.contextmanager
def signals_passed_on() -> Iterator[Running]:
    """Hand signals that ask this process to stop on to all runs in the yielded `Running`."""
    running = Running()

    def handler(number: int, frame: FrameType | None) -> None:
        running.stopped = True
        RECEIVED.append(number)
        for process in list(running.processes):
            process.send_signal(signal.SIGUSR1)  # which mpirun hands on; of any other it would kill the ranks before they have saved

    before = {number: signal.signal(number, handler) for number in STOP_SIGNALS}
    try:
        yield running
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def run_on_ranks(case_file: Path, case_folder: Path, folder: Path, ranks: int, *, name: str, quiet: bool) -> dict[str, Any]:
    """Run the case whose TOML is ``case_file`` on ``ranks`` ranks into ``folder``; returns its summary.

    Raises
    ------
    InputError, RunError
        As the run raised them; RunError also where a rank died.
    """
    with signals_passed_on() as running:
        return follow_ranks(case_file, case_folder, folder, ranks, name, quiet, running)


def follow_ranks(
    case_file: Path, case_folder: Path, folder: Path, ranks: int, name: str, quiet: bool, running: Running, compiling: Tell | None = None
) -> dict[str, Any]:
    """Do as `run_on_ranks`, where signals are passed on already; ``compiling`` is told rank 0's kernels, in place of the run's own bar."""
    command = [*mpirun(ranks), *python("-m", "jobs.local.rank", str(case_file), str(case_folder), str(folder))]
    env = environment() | {EVENTS: "1", "PYTHONPATH": python_path()}
    with (
        (folder / "log.txt").open("a", encoding="utf-8") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=env, start_new_session=True, pass_fds=passed_on(folder)
        ) as process,
    ):
        running.processes.append(process)
        try:
            last = _follow(process, name, quiet=quiet, compiling=compiling)
        finally:
            running.processes.remove(process)
    if running.stopped and not last:
        raise StopError("stopped before its first step; the same command begins it")
    return outcome(last, folder, f"a rank died{{}} (mpirun ended with {process.returncode})")


def outcome(last: dict[str, Any], folder: Path, died: str) -> dict[str, Any]:
    """The summary in a run's ``last`` event, or its error; ``died`` says that it left without a word, with a place for when."""
    if last.get("event") == "error":
        raise KINDS.get(last["kind"], RunError)(last["message"])
    if last.get("event") != "done":
        if why := refusal(folder):  # the rank's own words may be lost with it
            raise cannot_write(folder, why)
        after = f" after t = {last['t']:.6g} s" if "t" in last else ""
        raise RunError(f"{died.format(after)}; see {folder / 'log.txt'}; the same command goes on from the last checkpoint")
    return dict(last["summary"])


def _follow(process: "subprocess.Popen[str]", name: str, *, quiet: bool, compiling: Tell | None) -> dict[str, Any]:
    """Show the events of rank 0 until it ends; returns the last that counts."""
    last: dict[str, Any] = {}
    assert process.stdout is not None
    with show(name, quiet=quiet, lead=True) as shown:
        for line in process.stdout:
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                continue  # a library's own chatter
            if last.get("event") in ("error", "done"):
                continue
            if event["event"] == "compiling":
                (compiling or shown.compiling)(event["kernel"])
                continue
            last = event
            if event["event"] == "progress":
                shown(Progress(**{key: value for key, value in event.items() if key != "event"}))
    process.wait()
    return last
