"""The tests' own SLURM on this machine, as `jobs.slurm.daemons` starts it, with the settings that tests need."""

import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from waiting import until

from jobs.slurm import daemons
from jobs.slurm.daemons import CLUSTER, free_port, missing, of, path, stop, told

__all__ = ["CLUSTER", "PATH", "RULES", "end", "free_port", "missing", "of", "start", "stop", "told"]
PATH = path()
PREEMPTION = """
KillWait=5
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2
"""
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
    """Do as `jobs.slurm.daemons.start`, on nodes of four cores, whatever cores there are, with a partition ``urgent`` that preempts."""
    own = PREEMPTION + more
    return daemons.start(folder, nodes, cores=4, memory=4000, patience=patience, forgets=forgets, more=own, before=before)


def end(file: Path) -> None:
    """End the daemon whose process is named by ``file``, if there is one, and wait until it has ended."""
    if not file.exists():
        return
    pid = int(file.read_text())
    with contextlib.suppress(ProcessLookupError):  # killed before
        os.kill(pid, signal.SIGTERM)
    with contextlib.suppress(AssertionError):  # what does not end is killed with its folder
        until(lambda: not Path(f"/proc/{pid}").exists(), 20.0)
