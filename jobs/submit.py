"""The whole of ``wavetrain run CAMPAIGN --on SITE``: what is to do, what it will take, the scripts, and what was submitted."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from jobs import queue, record, sites, slurm
from jobs.estimate import limits_of
from jobs.lock import locked
from jobs.runs import is_done, prepare
from jobs.stages import to_do
from pipeline.campaign import Campaign
from pipeline.errors import InputError
from pipeline.writer import write_text


def submit(
    path: Path,
    campaign: Campaign,
    folder: Path,
    ranks: int,
    on: str,
    asked: Mapping[str, str],
    say: Any,
    *,
    forced: Collection[str],
    dry_run: bool,
) -> None:
    """Hand what is to do of ``campaign``, read from ``path``, to SLURM; with ``dry_run`` only print the scripts.

    ``asked`` are limits (time, memory) that the user set; ``forced`` the steps that are done again.

    Raises
    ------
    InputError
        No such site, no SLURM, or nothing that can be submitted.
    RunError
        SLURM refused a job.
    """
    site = sites.read(on)
    sites.check_limits(asked)
    todo = campaign.after({run.name for run in campaign.runs if run.name in forced or not is_done(folder / run.folder, run.case)})
    todo |= {stage.name for stage in to_do(campaign, campaign.stages, folder, forced)}
    some = slurm.jobs(campaign, todo)
    limits, told = limits_of(campaign, some, ranks, site, asked)
    rendered = slurm.scripts(campaign, some, folder, ranks, site, limits)
    for line in told:
        say(line)
    if dry_run:
        for name, text in rendered.items():
            say(f"### {name}.sbatch\n{text}")
        return
    if not todo:
        say(f"all is done before, unchanged ({folder})")
        return
    _refuse_what_is_queued(folder)
    record.write(campaign, folder)
    write_text(folder / record.PLACE / "site.toml", sites.find(on).read_text(encoding="utf-8"))
    for run in campaign.runs:
        if run.name not in todo:
            continue
        with locked(folder / run.folder):
            prepare(folder / run.folder, run.case.text, force=run.name in forced)
    for stage in campaign.stages:
        if stage.name in todo:
            (folder / stage.name / "result.json").unlink(missing_ok=True)
    facts = {"title": campaign.title, "file": str(path.resolve()), "site": on, "ranks": ranks, "sources": record.sources(path, campaign)}
    noted = slurm.submit(some, rendered, folder, facts)
    for line in slurm.graph(some, noted, limits):
        say(line)
    for step in campaign.steps:
        if step.name not in todo:
            say(f"            {step.name}: done before, unchanged")
    say(f"scripts, logs and the campaign as submitted: {folder / record.PLACE}; `wavetrain status {folder}` shows how it goes")


def _refuse_what_is_queued(folder: Path) -> None:
    """Two submissions into one folder would do the same work at the same time."""
    jobs = [step["job"] for step in record.submitted(folder).get("steps", {}).values()]
    words = queue.ask(jobs) or {}
    left = sorted(job for job, word in words.items() if word.waits or word.goes)
    if left:
        raise InputError(f"{folder} has jobs in SLURM's queue ({', '.join(left[:5])}): wait for them, or `wavetrain cancel {folder}`")
