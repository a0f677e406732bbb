"""The scripts of a campaign's jobs."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jinja2

from jobs.local import record
from jobs.slurm.answers import compressed
from jobs.slurm.graph import PAGE, Job
from jobs.slurm.sites import Site
from pipeline.core.campaign import Campaign

TEMPLATES = Path(__file__).resolve().parent / "templates"


def scripts(
    campaign: Campaign, some: Sequence[Job], folder: Path, ranks: int, site: Site, limits: Mapping[str, Mapping[str, Any]]
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
    facts: dict[str, Any] = asdict(site) | {
        "title": " ".join(campaign.title.split()) or "A campaign without a title",
        "site_file": str(place / record.PLACE / "site.toml"),
        "folder": str(place),
        "preparation": site.preparation(),
        "nodes": 0,
        "ranks_per_node": 0,
    }
    start = " ".join(site.interpreter)
    run = ["run", str(place / record.PLACE / record.CAMPAIGN), "--out", str(place)]
    most = {one.name: one for one in campaign.runs}
    found = {}
    for job in some:
        command = f"{start} -m jobs.cli {shlex.join(['report', str(place)] if job.template == PAGE else run)}"
        on = most[job.steps[0]].ranks(ranks) if job.template == "run" else ranks
        alone = job.template == PAGE or (on == 1 if job.template == "run" else site.workers != "inside")
        own = {"ranks": on, "command": command, "runs": job.steps, "indices": compressed(job.todo)}
        if job.template != "run":
            own["command"] = f"{site.container}{command}"
        own["start"] = site.before(on)
        own["options"] = site.option_lines_of_one_task if alone else site.option_lines
        found[job.name] = environment.get_template(f"{job.template}.sbatch").render(facts | own | dict(limits.get(job.name, {})))
    return found
