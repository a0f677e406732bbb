"""A campaign as jobs of SLURM: a job a run, a job a stage, sweeps as arrays, each job after those whose results it reads."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2

from jobs import launchers, options, record
from jobs.answers import compressed
from jobs.controller import USUAL_ARRAY
from jobs.preparation import interpreter, preparation
from jobs.sites import Site
from pipeline.core.campaign import Campaign, Run

TEMPLATES = Path(__file__).resolve().parent / "templates"
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
        names = [run.name for run in runs]
        if name == names[0] or most < 2:
            found += [Job(one, "run", (one,), sweep=name) for one in names if one in todo]
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


def scripts(
    campaign: Campaign, some: Sequence[Job], folder: Path, ranks: int, where: Site, limits: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """The job scripts by the jobs' names; ``limits`` are requests of a job (time, memory, nodes) that are not the site's."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES, encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["quote"] = shlex.quote
    place = folder.resolve()
    facts: dict[str, Any] = asdict(where) | {
        "title": " ".join(campaign.title.split()) or "A campaign without a title",
        "site": str(place / record.PLACE / "site.toml"),
        "folder": str(place),
        "preparation": preparation(where),
        "nodes": 0,
        "ranks_per_node": 0,
    }
    start = " ".join(interpreter(where))
    run = ["run", str(place / record.PLACE / record.CAMPAIGN), "--out", str(place)]
    most = {one.name: one for one in campaign.runs}
    found = {}
    for job in some:
        command = f"{start} -m jobs.cli {shlex.join(['report', str(place)] if job.template == PAGE else run)}"
        on = most[job.steps[0]].ranks(ranks) if job.template == "run" else ranks
        alone = job.template == PAGE or (on == 1 if job.template == "run" else where.workers != "inside")
        own = {"ranks": on, "command": command, "runs": job.steps, "indices": compressed(job.todo)}
        if job.template != "run":
            own["command"] = f"{launchers.container(where.launcher)}{command}"
        own["start"] = launchers.before(where.launcher, on)
        own["options"] = options.quoted(options.on_one_node(where.options) if alone else where.options)
        found[job.name] = environment.get_template(f"{job.template}.sbatch").render(facts | own | dict(limits.get(job.name, {})))
    return found


def graph(some: Sequence[Job], noted: Mapping[str, Any], limits: Mapping[str, Any]) -> list[str]:
    """Lines on the submitted jobs: the number of each, the jobs that it waits for, and its limits."""
    lines = []
    for job in some:
        given = [noted["steps"][job.steps[i] if job.steps else PAGE] for i in job.todo or (0,)]
        numbers = ", ".join(dict.fromkeys(one["job"].partition("_")[0] for one in given))
        what = f"{job.name}: {len(job.todo)} runs" if job.todo else f"{job.name}"
        after = f" after {given[0]['after'].replace(',', ', ')}" if given[0]["after"] else ""
        limit = "".join(f", {key.replace('_', ' ')} {value}" for key, value in limits.get(job.name, {}).items() if value not in (0, "node"))
        lines.append(f"job {numbers:>6}  {what}{after}{limit}")
    return lines
