"""Daemons of a SLURM on this machine: munged, slurmctld and slurmd, with keys, ports and a folder of their own."""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from pipeline.core.errors import InputError, RunError

CLUSTER = "wavetrain"
COMMANDS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")
PACKAGES = "apt-get install munge slurmctld slurmd slurm-client"
DAEMONS = ("munged", "slurmctld", "slurmscriptd", "slurmd", "slurmstepd", "slurmdbd", "mariadbd")
LATER = ("munged", "slurmdbd", "mariadbd")  # what the others need until their end
FIRST = "# Written by `wavetrain slurm up`; `wavetrain slurm down` removes this folder's daemons and files."
CONFIGURATION = """{first}
ClusterName={cluster}
SlurmctldHost=localhost
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={controller}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
MinJobAge={forgets}
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
TmpFS={folder}/tmp-%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmdTimeout={patience}
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""  # jobs that are queued again wait until their credential has expired, so it does at once
NODE = "NodeName={name} NodeHostname=localhost Port={port} CPUs={cores} RealMemory={memory} State=UNKNOWN"
LONGEST = 90  # bytes of a folder's name: those of sockets have 107
START, END = 30.0, 20.0  # [s] in which daemons start, or end
WORKS = ("idle", "mixed", "allocated", "completing")


def path() -> str:
    """The command path, with the folders of daemons, which a user's may lack."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def missing() -> str:
    """The reason why the daemons can't be started here, and the remedy; empty where they can."""
    if names := [name for name in COMMANDS if not shutil.which(name, path=path())]:
        return f"no {', '.join(names)} on this machine: {PACKAGES}"
    try:
        socket.getaddrinfo("localhost", None, flags=socket.AI_ADDRCONFIG)
    except OSError:
        return "no address other than the loopback's, without which SLURM resolves no name: connect this machine to a network"
    return ""


def answers(folder: Path) -> bool:
    """Whether the controller in ``folder`` answers, and each of its nodes works."""
    if not any(process.name() == "slurmctld" for process in of(folder)):  # for which sinfo would wait
        return False
    try:
        states = told(["sinfo", "-h", "-N", "-o", "%T", "-p", "main"], environment(folder)).split()
    except subprocess.TimeoutExpired:
        return False
    return bool(states) and all(state in WORKS for state in states)


def environment(folder: Path) -> dict[str, str]:
    """The environment in which SLURM's commands find the daemons in ``folder``."""
    return {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": path()}


def start(
    folder: Path,
    nodes: Sequence[str] = ("localhost",),
    *,
    cores: int,
    memory: int,
    patience: int = 300,
    forgets: int = 600,
    more: str = "",
    before: Callable[[dict[str, str]], None] = lambda environment: None,
) -> dict[str, str]:
    """Start the daemons in ``folder``, a slurmd for each of ``nodes``, all on this machine, each of ``cores`` cores and ``memory`` [MiB].

    ``patience`` is the time [s] after which a node that does not answer is down, ``forgets`` that after which the controller forgets a job
    that has ended. ``more`` are lines of the configuration, and ``before`` is called before the controller is started. Returns the
    environment in which SLURM's commands find the daemons. Where one does not start, none is left.

    Raises
    ------
    InputError
        The name of ``folder`` is too long.
    RunError
        A daemon does not start: its own words.
    """
    if len(os.fsencode(folder)) > LONGEST:
        raise InputError(f"{folder}: sockets need a name of at most {LONGEST} bytes; name a shorter one")
    (folder / "state").mkdir(parents=True)
    folder.chmod(0o700)
    facts = {"cluster": CLUSTER, "folder": folder, "patience": patience, "forgets": forgets, "user": getpass.getuser(), "first": FIRST}
    lines = "\n".join(NODE.format(name=name, port=free_port(), cores=cores, memory=memory) for name in nodes)
    text = CONFIGURATION.format(**facts, controller=free_port(), nodes=lines) + more
    (folder / "slurm.conf").write_text(text, encoding="utf-8")
    try:
        _start(folder, nodes, before)
    except BaseException:
        stop(folder)
        raise
    return environment(folder)


def _start(folder: Path, nodes: Sequence[str], before: Callable[[dict[str, str]], None]) -> None:
    for name in nodes:
        (folder / f"spool-{name}").mkdir()
        (folder / f"tmp-{name}").mkdir()  # of PMIx, whose folders have the same names on each node
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(1024))
    there = environment(folder)
    if int(told(["sbatch", "--version"], there).split()[1].split(".")[0]) >= 23:  # before it knows no such plugin, and needs none
        (folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n", encoding="ascii")
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed", "log-file": "log"}
    _begin(["munged", "--force", *(f"--{option}={folder}/munge.{name}" for option, name in files.items())], there)
    before(there)
    for command in (["slurmctld"], *(["slurmd", "-N", name] for name in nodes)):
        _begin(command, there)
    last = time.monotonic() + START
    while told(["sinfo", "-h", "-N", "-o", "%T", "-p", "main"], there).split().count("idle") < len(nodes):
        if time.monotonic() > last:
            raise RunError(f"the nodes do not come up within {START:.0f} s{_why(folder)}")
        time.sleep(0.2)


def _begin(command: list[str], there: Mapping[str, str]) -> None:
    program = shutil.which(command[0], path=path()) or command[0]
    try:
        done = subprocess.run([program, *command[1:]], env=there, check=False, capture_output=True, text=True, timeout=START)
    except subprocess.TimeoutExpired:
        raise RunError(f"{command[0]} did not start within {START:.0f} s") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise RunError(f"{command[0]} does not start: {said[-1].strip() if said else f'it ended with {done.returncode}'}")


def _why(folder: Path) -> str:
    """The last complaint in the daemons' logs."""
    for file in (*sorted(folder.glob("slurmd-*.log")), folder / "slurmctld.log"):
        with contextlib.suppress(OSError):
            said = [line for line in file.read_text(errors="replace").splitlines() if "fatal:" in line or "error:" in line]
            if said:
                return f": {said[-1].partition('] ')[2] or said[-1]}"
    return ""


def stop(folder: Path) -> None:
    """Cancel the jobs left, end the daemons in ``folder``, and wait until they have ended; also daemons that never noted their number."""
    there = environment(folder)
    with contextlib.suppress(subprocess.TimeoutExpired):  # a controller that does not answer
        if any(process.name() == "slurmctld" for process in of(folder)):
            told(["scancel", f"--user={getpass.getuser()}"], there)
            last = time.monotonic() + 15.0
            while told(["squeue", "-h"], there).strip() and time.monotonic() < last:
                time.sleep(0.2)
    for later in (False, True):
        _end([process for process in of(folder) if (process.name() in LATER) == later])


def _end(processes: Sequence[psutil.Process]) -> None:
    """Ask ``processes`` to end; kill any that do not."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, left = psutil.wait_procs(processes, timeout=END)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=5.0)


def of(folder: Path) -> list[psutil.Process]:
    """The daemons in ``folder``, and the rest of their jobs; no shell of a user's, who may have set ``SLURM_CONF`` there."""
    found = []
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid in own:
                continue
            daemon = process.name() in DAEMONS
            if daemon and any(f"{folder}/" in word for word in process.cmdline()):
                found.append(process)
                continue
            there = process.environ()
            if there.get("SLURM_CONF") == str(folder / "slurm.conf") and (daemon or "SLURM_JOB_ID" in there):
                found.append(process)
    return found


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def told(command: list[str], there: Mapping[str, str]) -> str:
    """Output of ``command`` in the environment ``there``."""
    program = shutil.which(command[0], path=path()) or command[0]
    return subprocess.run([program, *command[1:]], env=there, capture_output=True, text=True, check=False, timeout=60).stdout
