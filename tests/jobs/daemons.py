"""A SLURM of the tests' own on this machine: munged, slurmctld and slurmd, with their own keys, ports and folders."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

CONFIGURATION = """
ClusterName=wavetrain
SlurmctldHost=localhost
SlurmUser=root
SlurmctldPort={controller}
SlurmdPort={node}
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
MinJobAge=600
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName=localhost CPUs=4 RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes=localhost Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=localhost MaxTime=INFINITE State=UP PriorityTier=2
"""  # four CPUs on whatever cores there are; requeued jobs wait until their credential has expired, so it does at once


def missing() -> str:
    """What keeps the daemons from being started here; empty where nothing does."""
    path = os.environ["PATH"] + ":/usr/sbin"
    names = [name for name in ("munged", "slurmctld", "slurmd", "sbatch", "squeue") if not shutil.which(name, path=path)]
    return ", ".join(names) or ("" if os.getuid() == 0 else "root, as whom the daemons run")


def start(folder: Path) -> dict[str, str]:
    """Start the daemons in ``folder``; returns the environment in which SLURM's commands find them."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o600)
    (folder / "slurm.conf").write_text(CONFIGURATION.format(folder=folder, controller=_free_port(), node=_free_port()))
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": os.environ["PATH"] + ":/usr/sbin"}
    if int(told(["sbatch", "--version"], environment).split()[1].split(".")[0]) >= 23:  # before it knows no such plugin, and needs none
        (folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n")
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed", "log-file": "log"}
    for command in (
        ["munged", "--force", *(f"--{option}={folder}/munge.{name}" for option, name in files.items())],
        ["slurmctld"],
        ["slurmd", "-N", "localhost"],
    ):
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=30)
    until(lambda: "idle" in told(["sinfo", "-h", "-o", "%T"], environment), 30.0)
    return environment


def stop(folder: Path) -> None:
    """Cancel what is left, end the daemons in ``folder``, and wait until they have ended."""
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
    if (folder / "slurmctld.pid").exists():
        told(["scancel", "--user=root"], environment)
        end = time.monotonic() + 15.0
        while told(["squeue", "-h"], environment).strip() and time.monotonic() < end:
            time.sleep(0.2)
    for name in ("slurmd", "slurmctld", "munge"):
        file = folder / f"{name}.pid"
        if not file.exists():
            continue
        pid = int(file.read_text())
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + 20.0
        while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
            time.sleep(0.05)


def _free_port() -> int:
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
