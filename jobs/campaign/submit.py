"""The whole of ``wavetrain run CAMPAIGN --on SITE``: the steps to do, their estimates, the scripts, and the submission."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from jobs.campaign.runs import is_done, prepare
from jobs.campaign.stages import to_do
from jobs.local import record
from jobs.local.lock import locked
from jobs.slurm import controller, graph, requests, sites
from jobs.slurm.limits import as_seconds, as_time
from jobs.slurm.scripts import scripts
from jobs.slurm.sites import Site
from jobs.slurm.submission import Submission
from pipeline.core.campaign import Campaign
from pipeline.core.errors import InputError


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
    only: str = "",
    dry_run: bool,
) -> None:
    """Hand the steps to do of ``campaign``, read from ``path``, to SLURM; with ``dry_run`` only print the scripts.

    ``asked`` are limits (time, memory) that the user set; ``forced`` the steps that are done again; ``only`` is the one step to do.

    Raises
    ------
    InputError
        No such site, no SLURM, or nothing that can be submitted.
    RunError
        SLURM refused a job.
    """
    site = sites.read(on)
    requests.check(asked, campaign, site)
    todo = _to_do(campaign, folder, forced, only)
    allowed = controller.allowed() if todo else controller.Allowed()
    some = graph.jobs(campaign, todo, allowed.array, page=not only) if todo else []
    partition = controller.partition(site.partition, allowed) if todo else None
    limits, told = requests.requests(campaign, some, ranks, site, asked, partition)
    rendered = scripts(campaign, some, folder, ranks, site, limits)
    for line in [*told, *_longer(some, limits, site, partition)]:
        say(line)
    if dry_run:
        for name, text in rendered.items():
            say(f"### {name}.sbatch\n{text}")
        return
    if not todo:
        say(f"all is done before, unchanged ({folder})")
        return
    before = record.submitted(folder).get("steps", {}) if only else {}
    record.write(campaign, folder)
    _clear(campaign, folder, todo, forced)
    (folder / record.PLACE / "site.toml").write_bytes(sites.find(on).read_bytes())
    facts = {"title": campaign.title, "file": str(path.resolve()), "site": on, "ranks": ranks, "sources": record.sources(path, campaign)}
    kept = {name: given for name, given in before.items() if name not in {*todo, graph.PAGE}}
    submission = Submission(folder, facts, allowed, site.at_once, say, kept)
    for line in graph.lines(some, submission.submit(some, rendered), limits):
        say(line)
    for step in campaign.steps:
        if step.name not in todo and only in ("", step.name):
            say(f"            {step.name}: done before, unchanged")
    say(f"scripts, logs and the campaign as submitted: {folder / record.PLACE}; `wavetrain status {folder}` shows how it goes")


def _to_do(campaign: Campaign, folder: Path, forced: Collection[str], only: str) -> set[str]:
    """Names of the steps that are to do; of the step ``only``, where it is named.

    Raises
    ------
    InputError
        The step ``only`` reads results that are not there.
    """
    undone = {run.name for run in campaign.runs if run.name in forced or not is_done(folder / run.folder, run.case)}
    todo = campaign.after(undone) | {stage.name for stage in to_do(campaign, campaign.stages, folder, forced)}
    if not only:
        return todo
    needs = next(step.needs for step in campaign.steps if step.name == only)
    if missing := [name for name in needs if name in todo]:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise InputError(f"--only {only}: it reads {', '.join(missing[:3])}{more}, not done yet: do these first, or leave --only out")
    return todo & {only}


def _clear(campaign: Campaign, folder: Path, todo: Collection[str], forced: Collection[str]) -> None:
    """Bring the folders of the steps ``todo`` to where a job can begin."""
    for run in campaign.runs:
        if run.name in todo:
            with locked(folder / run.folder):
                prepare(folder / run.folder, run.case.text, force=run.name in forced, remeshed=run.refine is not None)
    for stage in campaign.stages:
        if stage.name in todo:
            (folder / stage.name / "result.json").unlink(missing_ok=True)


def _longer(some: Collection[graph.Job], limits: Mapping[str, Mapping[str, Any]], site: Site, partition: Any) -> list[str]:
    """A line where a job's limit is longer than its partition's: SLURM may take it, and let it wait for ever."""
    if partition is None:
        return []
    asked = {str(limits[job.name].get("time", site.time)) for job in some}
    return [
        f"NOTE: time = {one!r} is longer than the partition's limit, {as_time(partition.longest)}: such a job may wait for ever"
        for one in sorted(asked)
        if as_seconds(one) > partition.longest
    ]
