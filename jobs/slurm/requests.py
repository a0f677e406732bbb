"""Requests of each job to SLURM: nodes, time and memory.

The first that says it counts: the user, the campaign's file, the site's memory, an estimate, the site's longest time.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jobs.slurm.controller import Partition
from jobs.slurm.estimate import Estimate, Estimates, memory_of
from jobs.slurm.graph import PAGE, Job
from jobs.slurm.limits import as_mebibytes, as_time, check_memory, check_time
from jobs.slurm.sites import Site
from pipeline.core.campaign import Campaign, Run, Stage
from pipeline.core.errors import InputError

START = 300.0  # [s] the start of all ranks, loading and building the mesh
SAFETY = 2.0  # a limit is so many times the estimate: a run that breaks takes shorter steps than its first
MEMORY_SAFETY = 1.5
PAGE_TIME = 600.0  # [s]
PAGE_PROCESS = 400e6  # [B] of the process that draws it: 395 MB were measured of a small campaign
PAGE_BYTES = 300.0  # of a cell: a frame of each field, and the mesh
UNKNOWN = 0  # how many nodes: SLURM chooses


@dataclass(frozen=True, slots=True)
class Layout:
    """Ranks on nodes: how many nodes, and the most and fewest ranks on one; `UNKNOWN` where SLURM chooses."""

    nodes: int
    most: int
    fewest: int
    asked: bool  # whether a script must ask for it: the site's options may do so, or one rank needs no words

    @property
    def words(self) -> dict[str, int]:
        """Requests of a script."""
        return {"nodes": self.nodes, "ranks_per_node": self.most if self.nodes > 1 else 0} if self.asked else {}


def check(asked: Mapping[str, str], campaign: Campaign, site: Site) -> None:
    """`InputError`, naming the key, where sbatch would not take a limit that the user ``asked`` for, or a limit of the campaign's file."""
    said = {f"--{key}": (key, value) for key, value in asked.items()}
    for step in campaign.steps:
        where = f"run.{step.name}" if isinstance(step, Run) else f"stage.{step.name}"
        said |= {f"{where}.{key}": (key, value) for key, value in step.limits.items()}
    for where, (key, value) in said.items():
        if key == "time":
            check_time(value, where, site.warning)
        else:
            check_memory(value, where)


def requests(
    campaign: Campaign, some: Sequence[Job], ranks: int, site: Site, asked: Mapping[str, str], node: Partition | None = None
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Requests of the jobs that are not the site's, by job, and the estimates behind them, in words.

    Parameters
    ----------
    asked
        ``time`` and ``memory`` that the user set for runs.
    node
        A node of the partition, as SLURM describes it; None where it does not.

    Raises
    ------
    InputError
        A case that is looked at is wrong; or a job would wait for ever, for more memory than a node has.
    """
    if node and node.memory > 1.0:
        site = replace(site, bytes={**memory_of(campaign), **site.bytes})  # a job that asks for no memory may be given a whole node's
    steps = {step.name: step for step in campaign.steps}
    estimates = Estimates(campaign, ranks, site)
    found: dict[str, dict[str, Any]] = {}
    told = []
    for job in some:
        if job.template == PAGE:
            found[job.name] = _for_page(estimates, site, node)
            continue
        first = steps[job.steps[0]]
        lies = _layout(first, ranks, site, node)
        own = {**first.limits, **(asked if isinstance(first, Run) else {})}
        proposed: dict[str, Any] = {}
        todo = [job.steps[i] for i in job.todo or (0,)]
        if not {"time", "memory"} <= set(own) and estimates.knows(todo):
            looked = estimates.of(todo)
            proposed, words = _proposed(looked, lies, site, own, node)
            told.append(f"{job.name}: {words}{f' (from {len(looked)} of {len(todo)} runs)' if len(looked) < len(todo) else ''}")
        found[job.name] = lies.words | proposed | own
        _refuse_what_no_node_has(first, asked, site, lies, node)
    return found, told


def _for_page(estimates: Estimates, site: Site, node: Partition | None) -> dict[str, Any]:
    """Requests of the page's job: its process reads no more than a frame at a time."""
    limits: dict[str, Any] = {"time": as_time(min(PAGE_TIME, site.longest))}
    if site.bytes and not site.says_memory:
        size = MEMORY_SAFETY * (PAGE_PROCESS + PAGE_BYTES * estimates.most_cells)
        limits |= memory(0.0, size, Layout(1, 1, 1, asked=False), site, node.memory if node else math.inf)
    return limits


def _refuse_what_no_node_has(step: Run | Stage, asked: Mapping[str, str], site: Site, lies: Layout, node: Partition | None) -> None:
    """Refuse a memory that somebody asks for and no node has: SLURM takes such a job, and lets it wait for ever."""
    kind = "run" if isinstance(step, Run) else "stage"
    said = {"memory of the site": site.memory, f"{kind}.{step.name}.memory": step.limits.get("memory")}
    said |= {"--memory": asked.get("memory")} if isinstance(step, Run) else {}
    where, wanted = next(((key, value) for key, value in reversed(said.items()) if value), ("", ""))
    if not wanted or node is None or node.memory <= 1.0 or lies.nodes == UNKNOWN:
        return
    on_node = as_mebibytes(wanted) * (lies.most if site.memory_per == "cpu" else 1)
    if on_node > node.memory:
        many = f" for each of {lies.most} CPUs" if site.memory_per == "cpu" and lies.most > 1 else ""
        raise InputError(f"{where} = {wanted!r}{many} is more than a node has for a job: {node.memory:.0f} MiB")


def _layout(step: Run | Stage, ranks: int, site: Site, node: Partition | None) -> Layout:
    """Layout on nodes of a run's ranks, or of the processes of a stage's job."""
    cores = node.cores if node else None
    if isinstance(step, Run):
        return layout(step.ranks(ranks), site, cores, together=not site.starts_ranks)
    if site.workers == "inside":
        return layout(site.cores, site, cores, together=False)
    return Layout(1, site.cores, site.cores, asked=True)  # one task, whose processes share its CPUs


def _proposed(
    found: Sequence[Estimate], lies: Layout, site: Site, own: Mapping[str, str], node: Partition | None
) -> tuple[dict[str, str], str]:
    """Limits that hold for the costliest of ``found`` where ``own`` has none, and why."""
    most = max(found, key=lambda one: one.cells * one.steps)
    words = f"at most {most.cells:,} cells x {most.steps:,} steps"
    limits: dict[str, str] = {}
    seconds = [one.seconds for one in found if one.seconds is not None]
    if seconds and "time" not in own:
        wanted, longest = START + SAFETY * max(seconds), site.longest
        limits["time"] = as_time(min(wanted, longest))
        words += f", about {max(seconds):.3g} s: time limit {limits['time']}"
        if wanted > longest:
            words += f", the site's longest; queued again about {math.ceil(wanted / longest) - 1} times"
    sizes = [(one.shared, one.each) for one in found if one.shared is not None and one.each is not None]
    if sizes and not ("memory" in own or site.says_memory):
        shared, each = max(sizes, key=lambda size: size[0] + lies.most * size[1])
        has = node.memory if node and node.memory > 1.0 else math.inf
        limits |= memory(MEMORY_SAFETY * shared, MEMORY_SAFETY * each, lies, site, has)
        size = shared + lies.most * each
        words += f", {size / 1e9:.2g} GB{' a node' if lies.nodes > 1 else ''}: memory {limits['memory']}"
        words += " a CPU" if limits["memory_per"] == "cpu" else ""
        words += f", all that a node has: {size / 2**20:.0f} MiB are needed" if size > has * 2**20 else ""
    return limits, words


def layout(ranks: int, site: Site, cores: int | None, *, together: bool) -> Layout:
    """Lay ``ranks`` out on nodes of ``cores`` cores (None: unknown).

    As the site's options say, ``together`` on one node, or on as few as hold them.
    """
    nodes, each = site.nodes, site.ranks_per_node
    if nodes or each:
        nodes = nodes or math.ceil(ranks / each)
        return _spread(ranks, nodes, each or math.ceil(ranks / nodes), asked=False)
    if ranks == 1 or together:
        return _spread(ranks, 1, ranks, asked=ranks > 1)
    if cores := site.node_cores or cores:
        nodes = math.ceil(ranks / cores)
        return _spread(ranks, nodes, math.ceil(ranks / nodes), asked=True)
    return Layout(UNKNOWN, ranks, 1, asked=False)


def _spread(ranks: int, nodes: int, most: int, *, asked: bool) -> Layout:
    return Layout(nodes, min(most, ranks), min(most, max(ranks - (nodes - 1) * most, 1)), asked)


def memory(shared: float, each: float, lies: Layout, site: Site, most: float) -> Mapping[str, str]:
    """Requests for ranks that lie as ``lies``, of ``each`` [B] and ``shared`` [B] by a node's ranks: as the site counts it.

    Not more than ``most`` [MiB] on a node. Where SLURM chooses the nodes, it is asked for each CPU, which holds wherever they are.
    """
    if site.memory_per == "cpu" or lies.nodes == UNKNOWN:
        return {"memory": _mebibytes(each + shared / lies.fewest, most / lies.most if lies.nodes else most), "memory_per": "cpu"}
    return {"memory": _mebibytes(lies.most * each + shared, most), "memory_per": "node"}


def _mebibytes(size: float, most: float) -> str:
    return f"{math.floor(min(math.ceil(size / 2**20), most))}M"
