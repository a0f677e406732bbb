"""A SLURM of the tests' own on this machine: munged, slurmctld and slurmd, with their own keys, ports and folders."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

CLUSTER = "wavetrain"
DAEMONS = ("munged", "slurmctld", "slurmd", "slurmstepd", "slurmdbd", "mariadbd")
PATH = os.environ["PATH"] + ":/usr/sbin"  # where the daemons are
CONFIGURATION = """
ClusterName={cluster}
SlurmctldHost=localhost
SlurmUser=root
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
KillWait=5
MinJobAge={forgets}
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmdTimeout={patience}
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2
"""  # four CPUs on whatever cores there are; requeued jobs wait until their credential has expired, so it does at once


def missing() -> str:
    """What keeps the daemons from being started here; empty where nothing does."""
    names = [name for name in ("munged", "slurmctld", "slurmd", "sbatch", "squeue") if not shutil.which(name, path=PATH)]
    if names or os.getuid() != 0:
        return ", ".join(names) or "root, as whom the daemons run"
    try:
        socket.getaddrinfo("localhost", None, flags=socket.AI_ADDRCONFIG)
    except OSError:
        return "an address other than the loopback's, without which SLURM resolves no name"
    return ""


NODE = "NodeName={name} NodeHostname=localhost Port={port} CPUs=4 RealMemory=4000 State=UNKNOWN"
RULES = """
MaxArraySize=51
MaxJobCount=80
MaxMemPerNode=2000
"""  # of a cluster that is small, or strict


def start(
    folder: Path,
    nodes: Sequence[str] = ("localhost",),
    patience: int = 300,
    *,
    forgets: int = 600,
    more: str = "",
    before: Callable[[dict[str, str]], None] = lambda environment: None,
) -> dict[str, str]:
    """Start the daemons in ``folder``, a slurmd for each of ``nodes``, all on this machine.

    ``patience`` is the time [s] after which a node that does not answer is down, ``forgets`` that after which the controller forgets a job
    that has ended. ``more`` are lines of the configuration, and ``before`` is called before the controller is started. Returns the
    environment in which SLURM's commands find the daemons. Where one does not start, none is left.
    """
    try:
        return _started(folder, nodes, patience, forgets, more, before)
    except BaseException:
        stop(folder)
        raise


def _started(
    folder: Path, nodes: Sequence[str], patience: int, forgets: int, more: str, before: Callable[[dict[str, str]], None]
) -> dict[str, str]:
    (folder / "state").mkdir(parents=True)
    for name in nodes:
        (folder / f"spool-{name}").mkdir()
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o600)
    lines = "\n".join(NODE.format(name=name, port=free_port()) for name in nodes)
    facts = {"cluster": CLUSTER, "folder": folder, "controller": free_port(), "patience": patience, "forgets": forgets}
    (folder / "slurm.conf").write_text(CONFIGURATION.format(**facts, nodes=lines) + more)
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": PATH}
    if int(told(["sbatch", "--version"], environment).split()[1].split(".")[0]) >= 23:  # before it knows no such plugin, and needs none
        (folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n")
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed", "log-file": "log"}
    _begin(["munged", "--force", *(f"--{option}={folder}/munge.{name}" for option, name in files.items())], environment)
    before(environment)
    for command in (["slurmctld"], *(["slurmd", "-N", name] for name in nodes)):
        _begin(command, environment)
    until(lambda: told(["sinfo", "-h", "-N", "-o", "%n %T", "-p", "main"], environment).count("idle") == len(nodes), 30.0)
    return environment


def stop(folder: Path) -> None:
    """Cancel what is left, end the daemons in ``folder``, and wait until they have ended; also those that never noted their number."""
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
    with contextlib.suppress(subprocess.TimeoutExpired):  # a controller that does not answer
        if (folder / "slurmctld.pid").exists():
            told(["scancel", "--user=root"], environment)
            last = time.monotonic() + 15.0
            while told(["squeue", "-h"], environment).strip() and time.monotonic() < last:
                time.sleep(0.2)
    for file in (*folder.glob("slurmd-*.pid"), folder / "slurmctld.pid", folder / "munge.pid"):
        end(file)
    for process in of(folder):
        with contextlib.suppress(psutil.Error):
            process.kill()
            process.wait(5.0)


def of(folder: Path) -> list[psutil.Process]:
    """The processes that were started for the daemons in ``folder`` or by them: their command names it, or their SLURM is there."""
    found = []
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            named = any(f"{folder}/" in word for word in process.cmdline()) and process.name() in DAEMONS
            ours = process.environ().get("SLURM_CONF") == str(folder / "slurm.conf")
            if process.pid not in own and (named or ours):
                found.append(process)
    return found


def _begin(command: list[str], environment: dict[str, str]) -> None:
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=30)


def end(file: Path) -> None:
    """End the daemon whose process is named by ``file``, if there is one, and wait until it has ended."""
    if not file.exists():
        return
    pid = int(file.read_text())
    with contextlib.suppress(ProcessLookupError):  # killed before
        os.kill(pid, signal.SIGTERM)
    last = time.monotonic() + 20.0
    while Path(f"/proc/{pid}").exists() and time.monotonic() < last:
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def told(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60).stdout


def until(condition, seconds: float, every: float = 0.2) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(every)
