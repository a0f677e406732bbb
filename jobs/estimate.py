"""What a run will take: cells and steps from its case, seconds and memory from what was measured on the site; SLURM's limits from these."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.sites import Site
from jobs.slurm import PAGE, Job
from pipeline import params, plugin
from pipeline.campaign import Campaign, Run

MOST = 12  # cases of a sweep that are looked at: each mesh is built
RANK_BYTES = 260e6  # of a rank without cells: Python, MPI and the compiled kernels
START = 300.0  # [s] the start of all ranks, loading and building the mesh
SAFETY = 2.0  # a limit is so many times the estimate: a run that breaks takes shorter steps than its first
MEMORY_SAFETY = 1.5
PAGE_TIME = 600.0  # [s]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one run will take."""

    cells: int
    steps: int
    seconds: float | None  # on all ranks, from the first step; None where the site's file has no speed of this solver
    bytes: float | None  # of all ranks; None where the site's file does not say


def estimate(run: Run, ranks: int, site: Site) -> Estimate:
    """Build the mesh of ``run`` and its first state; the step at the beginning stands for all.

    Raises
    ------
    InputError
        The case is wrong.
    """
    from solvers.core.comm import Serial
    from solvers.core.run import mesh_of, values_blamed

    case = run.case
    solver, comm = plugin.load("solvers", case.solver.kind), Serial()
    wanted = params.build(solver.Params, case.solver.table, "solver")
    with values_blamed():
        mesh = mesh_of(case)
        model = solver.build(mesh, mesh.share(comm), comm, wanted, gauges=case.gauges, folder=case.folder)
        dt = case.time.cfl * model.max_dt(model.initial()) if case.time.dt is None else case.time.dt
    frames = math.ceil(case.time.end / case.time.every)
    cells = math.prod(model.shape)
    steps = frames if not dt > 0.0 or math.isinf(dt) else math.ceil(case.time.end / dt) + frames // 2
    speed, each = site.speed.get(case.solver.kind), site.bytes.get(case.solver.kind)
    return Estimate(
        cells,
        steps,
        cells * model.stages * steps / (speed * ranks) if speed else None,
        ranks * (RANK_BYTES + cells * each[1]) + cells * each[0] if each else None,
    )


def limits_of(
    campaign: Campaign, some: Sequence[Job], ranks: int, site: Site, asked: Mapping[str, str]
) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The ``time`` and ``memory`` of the jobs where they are not the site's, by name, and what they were taken from, in words.

    ``asked`` are those that the user set for runs.
    """
    runs = {run.name: run for run in campaign.runs}
    limits: dict[str, dict[str, str]] = {}
    told = []
    for job in some:
        if job.template == PAGE:
            limits[job.name] = {"time": as_time(min(PAGE_TIME, as_seconds(site.time)))}
        if job.template != "run":
            continue
        limits[job.name] = dict(asked)
        solvers = {runs[name].case.solver.kind for name in job.steps}
        if {"time", "memory"} <= set(asked) or not solvers & {*site.speed, *site.bytes}:
            continue
        todo = [runs[job.steps[i]] for i in job.todo or (0,)]
        looked = [todo[round(i)] for i in _spread(len(todo))]
        found = [estimate(run, run.ranks(ranks), site) for run in looked]
        proposed, words = _proposed(found, site)
        limits[job.name] = proposed | dict(asked)
        told.append(f"{job.name}: {words}{f' (from {len(looked)} of {len(todo)} runs)' if len(looked) < len(todo) else ''}")
    return limits, told


def _spread(count: int) -> list[float]:
    """At most MOST places among ``count``, evenly, with the first and the last."""
    return [float(i) for i in range(count)] if count <= MOST else [i * (count - 1) / (MOST - 1) for i in range(MOST)]


def _proposed(found: Sequence[Estimate], site: Site) -> tuple[dict[str, str], str]:
    """Limits that hold for the costliest of ``found``, and why."""
    most = max(found, key=lambda one: one.cells * one.steps)
    words = f"at most {most.cells:,} cells x {most.steps:,} steps"
    limits = {}
    seconds = [one.seconds for one in found if one.seconds is not None]
    if seconds:
        wanted = START + SAFETY * max(seconds)
        longest = as_seconds(site.time)
        limits["time"] = as_time(min(wanted, longest))
        words += f", about {max(seconds):.3g} s: time limit {limits['time']}"
        if wanted > longest:
            words += f", the site's longest; queued again about {math.ceil(wanted / longest) - 1} times"
    sizes = [one.bytes for one in found if one.bytes is not None]
    if sizes and not site.memory:
        limits["memory"] = f"{math.ceil(MEMORY_SAFETY * max(sizes) / 2**20)}M"
        words += f", {max(sizes) / 1e9:.2g} GB: memory {limits['memory']}"
    return limits, words


def as_seconds(limit: str) -> float:
    """A limit as sbatch takes it, in seconds: minutes, minutes:seconds, hours:minutes:seconds, or days- and hours[:minutes[:seconds]]."""
    days, dash, rest = limit.rpartition("-")
    parts = [float(part) for part in rest.split(":")]
    units = (60.0, 1.0) if len(parts) < 3 and not dash else (3600.0, 60.0, 1.0)
    return 86400.0 * float(days or 0) + sum(part * unit for part, unit in zip(parts, units, strict=False))


def as_time(seconds: float) -> str:
    """Whole minutes, at least one, as hours:minutes:seconds."""
    minutes = max(math.ceil(seconds / 60.0), 1)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"
