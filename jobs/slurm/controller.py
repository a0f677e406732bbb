"""Limits of SLURM's controller: the tasks of an array and the jobs that it holds; and the nodes of a partition."""

import math
import re
from dataclasses import dataclass, replace

from jobs.slurm.limits import as_seconds
from jobs.slurm.queue import told

USUAL_ARRAY = 1001  # SLURM's own MaxArraySize, where it can't be asked
SHARE = 0.9  # of the jobs that the controller holds: the rest is for others


@dataclass(frozen=True, slots=True)
class Allowed:
    """Limits of the controller."""

    array: int = USUAL_ARRAY  # tasks of one array, their places counted from 0; less than 2: there are no arrays
    jobs: int | None = None  # in its memory, each task of an array one, those that ended lately too; None: unknown
    memory: float = math.inf  # [MiB] of a job on a node


@dataclass(frozen=True, slots=True)
class Partition:
    """Resources of a partition's nodes; of the smallest where they differ."""

    cores: int  # of a node
    longest: float  # [s] limit of a job
    memory: float  # [MiB] of a node; 1 where nobody told SLURM


def allowed() -> Allowed:
    """The controller's limits, as `scontrol show config` says; SLURM's own defaults where it does not answer."""
    return allowed_in(told(["scontrol", "show", "config"]) or "")


def allowed_in(answer: str) -> Allowed:
    """Limits in ``answer``, of `scontrol show config`."""
    found = {
        name: int(value) for name, value in re.findall(r"^(MaxArraySize|MaxJobCount|MaxMemPerNode)\s*=\s*(\d+)\s*$", answer, re.MULTILINE)
    }
    array = found.get("MaxArraySize", USUAL_ARRAY)
    if own := re.search(r"^SchedulerParameters\s*=.*\bmax_array_tasks=(\d+)", answer, re.MULTILINE):
        array = min(array, int(own[1]))
    return Allowed(array, found.get("MaxJobCount"), found.get("MaxMemPerNode") or math.inf)


def room(jobs: int | None) -> int | None:
    """The number of jobs that a controller of at most ``jobs`` still takes, with room left for others; None where it is unknown."""
    if jobs is None:
        return None
    held = told(["squeue", "--noheader", "--array", "--states=all", "--format=%i"])
    return None if held is None else max(int(SHARE * jobs) - len(held.split()), 0)


def partition(names: str, allowed: Allowed) -> Partition | None:
    """The partition called ``names``, or the default; several, with commas, count as a single one; None where it can't be asked."""
    found = partition_in(told(["sinfo", "--noheader", "--exact", "--format=%P|%X|%Y|%l|%m"]) or "", names)
    return replace(found, memory=min(found.memory, allowed.memory)) if found else None


def partition_in(answer: str, names: str) -> Partition | None:
    """Nodes in ``answer`` of sinfo (partition, sockets, cores of a socket, limit, memory) of the partitions ``names``."""
    wanted = set(names.split(",")) if names else None
    found = []
    for line in answer.splitlines():
        words = line.strip().split("|")
        if len(words) != 5 or not all(words[i].rstrip("+").isdigit() for i in (1, 2, 4)):
            continue
        if words[0].rstrip("*") in wanted if wanted else words[0].endswith("*"):
            longest = math.inf if not re.fullmatch(r"[\d:-]+", words[3]) else as_seconds(words[3])
            sockets, cores, memory = (int(words[i].rstrip("+")) for i in (1, 2, 4))
            found.append(Partition(sockets * cores, longest, memory))
    if not found:
        return None
    return Partition(min(one.cores for one in found), min(one.longest for one in found), min(one.memory for one in found))
