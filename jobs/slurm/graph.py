"""A campaign as jobs of SLURM: a job a run, a job a stage, sweeps as arrays, each job after the jobs whose results it reads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from jobs.slurm.controller import USUAL_ARRAY
from pipeline.core.campaign import Campaign, Run

LONGEST_ARRAY = 1000  # tasks, where SLURM allows more: the log's names count to 999
PAGE = "page"


@dataclass(frozen=True, slots=True)
class Job:
    """The purpose of a script."""

    name: str
    template: str
    steps: tuple[str, ...]  # names of its runs, by their place in the array; or the one of its stage
    todo: tuple[int, ...] = ()  # those of an array that are to be done; empty where it is none
    needs: tuple[str, ...] = ()  # names of the steps whose results it reads
    sweep: str = ""  # of which its runs are


def jobs(campaign: Campaign, todo: Iterable[str], longest: int = USUAL_ARRAY, *, page: bool = True) -> list[Job]:
    """The jobs that do the steps ``todo`` of ``campaign``, and one for the ``page``, in an order in which they can be submitted.

    Arrays have at most ``longest`` tasks, counted from 0; less than 2: every run is a job of its own.
    """
    todo = set(todo)
    found: list[Job] = []
    most = min(longest, LONGEST_ARRAY)
    for name, runs in groupby(campaign.runs, _sweep):
        some_runs = list(runs)
        names = [run.name for run in some_runs]
        if name == names[0] or most < 2:
            found += [Job(run.name, "run", (run.name,), needs=run.needs, sweep=name) for run in some_runs if run.name in todo]
            continue
        for i in range(0, len(names), most):
            some = names[i : i + most]
            wanted = tuple(j for j, one in enumerate(some) if one in todo)
            if wanted:
                found.append(Job(f"{name}+{i}" if i else name, "run", tuple(some), wanted, sweep=name))
    for stage in campaign.stages:
        if stage.name in todo:
            found.append(Job(stage.name, "stage", (stage.name,), needs=stage.needs))
    return [*found, Job(PAGE, PAGE, (), needs=tuple(sorted(todo)))] if page else found


def _sweep(run: Run) -> str:
    """The name of the sweep that ``run`` is of, or its own."""
    return run.name.rpartition("-")[0] if run.settings else run.name


def lines(some: Sequence[Job], noted: Mapping[str, Any], limits: Mapping[str, Any]) -> list[str]:
    """Lines on the submitted jobs: the number of each, the jobs that it waits for, and its limits."""
    found = []
    for job in some:
        given = [noted["steps"][job.steps[i] if job.steps else PAGE] for i in job.todo or (0,)]
        numbers = ", ".join(dict.fromkeys(one["job"].partition("_")[0] for one in given))
        what = f"{job.name}: {len(job.todo)} runs" if job.todo else f"{job.name}"
        after = f" after {given[0]['after'].replace(',', ', ')}" if given[0]["after"] else ""
        limit = "".join(f", {key.replace('_', ' ')} {value}" for key, value in limits.get(job.name, {}).items() if value not in (0, "node"))
        found.append(f"job {numbers:>6}  {what}{after}{limit}")
    return found
