"""Estimates of runs and stages: cells and steps from the cases, seconds and memory from measurements on the site."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from jobs.slurm.sites import Site
from pipeline.core import plugin
from pipeline.core.campaign import STAGES, Campaign, Run, Stage
from solvers.core.driver import even_steps
from solvers.core.load import load_of

MOST = 12  # cases of a sweep that are looked at: each mesh is built
OTHERS = 2  # processes of a stage beside its workers: Dask's scheduler, and the stage itself
RANK_BYTES = 260e6  # of a rank without cells, or a stage's worker without values: Python, its packages and the compiled kernels


@dataclass(frozen=True, slots=True)
class Estimate:
    """The work of a run or stage, and its time and memory."""

    cells: int  # of a stage: of the largest run that it reads
    steps: int  # of a stage: frames that it reads
    frames: int
    seconds: float | None  # on all ranks or workers, from the first step; None where the site's file has no speed of this kind
    shared: float | None  # [B] of memory that the ranks of a node share; None where the site's file does not say
    each: float | None  # [B] on each rank or worker


class Estimates:
    """Estimates for the steps of ``campaign`` on a ``site``, where ``ranks`` are to be had; each case is looked at once.

    Raises
    ------
    InputError
        A case that is looked at is wrong.
    """

    def __init__(self, campaign: Campaign, ranks: int, site: Site) -> None:
        self._ranks, self._site = ranks, site
        self._steps = {step.name: step for step in campaign.steps}
        self._found: dict[str, Estimate] = {}

    def knows(self, names: Sequence[str]) -> bool:
        """Whether the site's file has anything on the steps ``names``, and their meshes are known."""
        return not any(self._pending(name) for name in names) and any(
            _kind(self._steps[name]) in (self._site.speed.keys() | self._site.bytes.keys()) for name in names
        )

    def _pending(self, name: str) -> bool:
        """Whether the mesh of a run, or of a run that a stage reads, is found in the campaign itself."""
        step = self._steps[name]
        return step.pending if isinstance(step, Run) else any(self._pending(one) for one in step.needs)

    @property
    def most_cells(self) -> int:
        """Cells of the largest run that was looked at."""
        return max((one.cells for one in self._found.values()), default=0)

    def of(self, names: Sequence[str]) -> list[Estimate]:
        """Estimates of the steps ``names``: of at most MOST, evenly spaced, with the first and the last."""
        looked = names if len(names) <= MOST else [names[round(i * (len(names) - 1) / (MOST - 1))] for i in range(MOST)]
        return [self._one(name) for name in looked]

    def _one(self, name: str) -> Estimate:
        if name not in self._found:
            step = self._steps[name]
            self._found[name] = estimate(step, step.ranks(self._ranks), self._site) if isinstance(step, Run) else self._stage(step)
        return self._found[name]

    def _stage(self, stage: Stage) -> Estimate:
        """A stage's work: all frames of all that it reads."""
        read = self.of(stage.needs)
        cells = max((one.cells for one in read), default=0)
        values = sum(one.cells * one.frames for one in read) * len(stage.needs) / max(len(read), 1)
        frames = sum(one.frames for one in read) * len(stage.needs) // max(len(read), 1)
        process = getattr(_module(stage), "PROCESS_MEMORY", RANK_BYTES)
        found = _measured(stage.kind, self._site, self._site.cores, values, Estimate(cells, frames, frames, None, None, None), process)
        others = (self._site.cores + OTHERS) / self._site.cores
        return replace(found, each=None if found.each is None else found.each * others)


def _kind(step: Run | Stage) -> str:
    return step.case.solver.kind if isinstance(step, Run) else step.kind


def _module(step: Run | Stage) -> Any:
    return plugin.load("solvers" if isinstance(step, Run) else STAGES, _kind(step))


def memory_of(campaign: Campaign) -> dict[str, tuple[float, ...]]:
    """Memory [B] per cell by kind of solver or stage, where its module says it in ``MEMORY``.

    It is shared by a node's ranks or workers, on each of them, and spread over all of them.
    """
    found = {_kind(step): getattr(_module(step), "MEMORY", None) for step in campaign.steps}
    return {kind: memory for kind, memory in found.items() if memory}


def estimate(run: Run, ranks: int, site: Site) -> Estimate:
    """Cost of ``run`` on ``ranks`` ranks: its mesh is built and its first state; the step at the beginning stands for all.

    Raises
    ------
    InputError
        The case is wrong.
    """
    case = run.case
    load = load_of(case)
    frames = math.ceil(case.time.end / case.time.every)
    rest = case.time.end - (frames - 1) * case.time.every
    steps = (frames - 1) * even_steps(case.time.every, load.dt) + even_steps(rest, load.dt) if load.dt > 0.0 else frames
    updates = float(load.cells * load.stages * steps)
    return _measured(case.solver.kind, site, ranks, updates, Estimate(load.cells, steps, frames + 1, None, None, None))


def _measured(kind: str, site: Site, ranks: int, work: float, bare: Estimate, process: float = RANK_BYTES) -> Estimate:
    """The estimate ``bare`` and the needs of ``work`` of a solver or stage of this ``kind``, where the site's file says them.

    ``process`` [B] is the memory of a rank or a worker without cells or values.
    """
    speed, sizes = site.speed.get(kind), site.bytes.get(kind)
    seconds = work / (speed * ranks) if speed else None
    if not sizes:
        return replace(bare, seconds=seconds)
    shared, each, spread = (*sizes, 0.0)[:3]
    own = process + bare.cells * (each + spread / ranks)
    return replace(bare, seconds=seconds, shared=bare.cells * shared, each=own)
