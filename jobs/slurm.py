"""Submit a campaign to SLURM: a job a run, a job a stage, sweeps as arrays, each job after those whose results it reads."""

import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2

from jobs import record
from jobs.sites import Site
from pipeline.campaign import Campaign, Run, Stage
from pipeline.errors import InputError, RunError
from pipeline.provenance import packages
from pipeline.writer import write_text

TEMPLATES = Path(__file__).resolve().parent / "templates"
LONGEST_ARRAY = 1000  # SLURM's own limit is 1,001 where nobody changed it
PAGE = "page"


@dataclass(frozen=True, slots=True)
class Job:
    """What one call of sbatch submits."""

    name: str
    template: str
    steps: tuple[str, ...]  # names of its runs, by their place in the array; or the one of its stage
    todo: tuple[int, ...] = ()  # those of an array that are to be done; empty where it is none
    needs: tuple[str, ...] = ()  # names of the steps whose results it reads


def jobs(campaign: Campaign, todo: Iterable[str]) -> list[Job]:
    """The jobs that do the steps ``todo`` of ``campaign``, and one for the page, in an order in which they can be submitted."""
    todo = set(todo)
    found: list[Job] = []
    for name, runs in groupby(campaign.runs, _sweep):
        names = [run.name for run in runs]
        for i in range(0, len(names), LONGEST_ARRAY):
            some = names[i : i + LONGEST_ARRAY]
            wanted = tuple(j for j, one in enumerate(some) if one in todo)
            if wanted:
                array = name != names[0]
                found.append(Job(f"{name}+{i}" if i else name, "run", tuple(some), wanted if array else ()))
    for stage in campaign.stages:
        if stage.name in todo:
            found.append(Job(stage.name, "stage", (stage.name,), needs=needs(stage)))
    return [*found, Job(PAGE, PAGE, (), needs=tuple(sorted(todo)))]


def _sweep(run: Run) -> str:
    """The name of the sweep that ``run`` is of, or its own."""
    return run.name.rpartition("-")[0] if run.settings else run.name


def needs(step: Run | Stage) -> tuple[str, ...]:
    """Names of the runs and stages that ``step`` reads."""
    return tuple(dict.fromkeys(name for names in step.inputs.values() for name in names)) if isinstance(step, Stage) else ()


def scripts(campaign: Campaign, some: Sequence[Job], folder: Path, ranks: int, where: Site, limits: Mapping[str, Any]) -> dict[str, str]:
    """The job scripts by the jobs' names; ``limits`` has the ``time`` and ``memory`` of a job where they are not the site's."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES, encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["quote"] = shlex.quote
    base = [sys.executable, "-m", "jobs.cli"]
    place = folder.resolve()
    run = [*base, "run", place / record.PLACE / record.CAMPAIGN, "--out", place]
    facts: dict[str, Any] = asdict(where) | {
        "title": " ".join(campaign.title.split()) or "A campaign without a title",
        "launcher": shlex.join(shlex.split(where.launcher)),
        "site": str(place / record.PLACE / "site.toml"),
    }
    found = {}
    for job in some:
        command = [*base, "report", place] if job.template == PAGE else run
        on = {"ranks": ranks if job.template != "run" else next(one for one in campaign.runs if one.name == job.steps[0]).ranks(ranks)}
        own = on | {"command": shlex.join(map(str, command)), "runs": job.steps, "indices": ",".join(_ranges(job.todo))}
        found[job.name] = environment.get_template(f"{job.template}.sbatch").render(facts | own | limits.get(job.name, {}))
    return found


def _ranges(numbers: Sequence[int]) -> list[str]:
    """Rising numbers as SLURM writes them: 0-3, 7."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [f"{a}-{b}" if b > a else f"{a}" for a, b in found]


def submit(some: Sequence[Job], rendered: Mapping[str, str], folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write the ``rendered`` scripts into ``folder/jobs``, submit them, and note it all in ``submitted.json``, which it returns.

    Raises
    ------
    InputError
        There is no SLURM here.
    RunError
        SLURM refused a script: its own words. What was submitted before it is cancelled.
    """
    if not shutil.which("sbatch"):
        raise InputError("no sbatch here: log in where SLURM's commands are, or run without --on")
    place = (folder / record.PLACE).resolve()
    place.mkdir(parents=True, exist_ok=True)
    numbers: dict[str, str] = {}  # step to its job
    steps: dict[str, dict[str, str]] = {}
    noted = {**facts, "submitted": time.strftime("%Y-%m-%d %H:%M:%S"), "packages": packages(), "steps": steps}
    for job in some:
        path = place / f"{job.name}.sbatch"
        write_text(path, rendered[job.name])
        log = f"{job.name}-%3a.log" if job.todo else f"{job.name}.log"
        waits = sorted({numbers[name].partition("_")[0] for name in job.needs if name in numbers})
        kind = "afterany" if job.template == PAGE else "afterok"
        command = ["sbatch", "--parsable", "--kill-on-invalid-dep=yes", f"--job-name={job.name}"]
        command += [f"--output={str(place).replace('%', '%%')}/{log}"]
        command += [f"--dependency={kind}:{':'.join(waits)}"] if waits else []
        done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
        if done.returncode:
            subprocess.run(["scancel", *{one.partition("_")[0] for one in numbers.values()}], capture_output=True, check=False)
            raise RunError(f"SLURM refused {path}: {' '.join(done.stderr.split())}")
        number = done.stdout.split(";")[0].strip()
        for i in job.todo or range(max(len(job.steps), 1)):
            name = job.steps[i] if job.steps else PAGE
            numbers[name] = f"{number}_{i}" if job.todo else number
            steps[name] = {"job": numbers[name], "log": log.replace("%3a", f"{i:03d}"), "after": ",".join(waits)}
        write_text(place / record.SUBMITTED, json.dumps(noted, indent=1) + "\n")
    return noted


def graph(some: Sequence[Job], noted: Mapping[str, Any], limits: Mapping[str, Any]) -> list[str]:
    """What was submitted, a line a job: its number, and which it waits for."""
    lines = []
    for job in some:
        first = noted["steps"][job.steps[(job.todo or (0,))[0]] if job.steps else PAGE]
        number = first["job"].partition("_")[0]
        what = f"{job.name}: {len(job.todo)} runs" if job.todo else f"{job.name}"
        after = f" after {first['after'].replace(',', ', ')}" if first["after"] else ""
        limit = "".join(f", {key} {value}" for key, value in limits.get(job.name, {}).items() if value)
        lines.append(f"job {number:>6}  {what}{after}{limit}")
    return lines
