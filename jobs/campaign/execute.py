"""Do a case or a campaign here, or hand it to SLURM: steps that are done and unchanged are left, interrupted steps go on."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from jobs.campaign import catalogue, unchanged
from jobs.campaign.page import draw_page
from jobs.campaign.refined import resolved, words_on
from jobs.campaign.refused import check_place, refuse, steps_forced
from jobs.campaign.runs import do_runs, is_done
from jobs.campaign.stages import do_stages
from jobs.campaign.unchanged import PAGE
from jobs.local import record
from jobs.local.launch import check_ranks, more_than_cores
from pipeline.core import campaign as campaigns
from pipeline.core.campaign import Campaign, Run
from pipeline.core.errors import InputError
from pipeline.store.disk import writing


def execute(
    file: Path,
    *,
    ranks: int = 0,
    overrides: Iterable[str] = (),
    out: Path | None = None,
    force: bool = False,
    again: str = "",
    only: str = "",
    on: str = "",
    limits: dict[str, str] | None = None,
    dry_run: bool = False,
    quiet: bool = False,
) -> Path:
    """Run a case or a campaign here, or hand it to SLURM. Steps that are done and unchanged are left as they are.

    Parameters
    ----------
    file
        A TOML file, or the name of a case or campaign that comes with Wavetrain.
    ranks
        Processes of each run; 0: one, or all that a launcher started with this process.
    overrides
        Texts ``key.path=value`` that change every case.
    out
        The output folder; ``runs/NAME`` without it.
    force
        Do all steps anew, whatever the folder holds.
    again
        A step that is done again, with all that reads its result.
    only
        The one step to do; all others stay as they are.
    on
        The SLURM site that shall do it all; this computer without it.
    limits
        ``time`` and ``memory`` of the jobs on a site, in place of the estimates.
    dry_run
        Print the plan, and do nothing.
    quiet
        Show no progress.

    Returns
    -------
    Path
        The output folder, with ``report.html``; a single run's files stand in it, a campaign's in a folder for each step.

    Raises
    ------
    InputError
        The input is wrong, or the folder holds another run and ``force`` is not given.
    RunError
        A run became unstable, was stopped, or died; steps that do not depend on it were done.

    Examples
    --------
    >>> from pathlib import Path
    >>> small = ["mesh.points=64", "mesh.length=22.0", "solver.members=2", "time.end=2.0", "time.every=1.0", "time.dt=0.05"]
    >>> execute(Path("cases/ks"), overrides=small, out=Path("runs/ks"), quiet=True)
    PosixPath('runs/ks')
    """
    from solvers.core.comm import abort_on_error

    path = catalogue.find(file)
    check_ranks(ranks)
    for place in (path.resolve(), Path.cwd(), out or Path()):
        check_place(place)
    campaign = campaigns.read(path, list(overrides))
    forced = steps_forced(campaign, again, only, force=force)
    comm = _communicator(campaign, only, ranks)
    folder = out or Path("runs") / campaigns.name_of(path)
    campaign, unmeshed = resolved(campaign, folder, comm, forced, keep=False)
    for error in unmeshed.values():
        raise error
    say = _sayer(quiet=quiet or comm.rank > 0)
    notes = _notes(catalogue.namesake(file, path), "" if on or comm.size > 1 else more_than_cores(ranks), *campaign.notes)
    _say_first(say, notes)
    refuse(campaign, folder, forced, only, comm, say, into=dry_run or bool(on))
    if on:
        from jobs.campaign.submit import submit

        submit(path, campaign, folder, max(ranks, 1), on, limits or {}, say, forced=forced, only=only, dry_run=dry_run)
    elif dry_run:
        _describe_plan(campaign, folder, ranks or comm.size, say, forced, only)
    else:
        if only and comm.rank == 0 and os.environ.get("SLURM_PROCID", "0") == "0":
            _say_first(say, _notes(*record.edited(folder, campaign)))
        with abort_on_error(comm), writing(folder):
            drawn = _do(campaign, folder, comm, max(ranks, 1), only, forced, quiet=quiet, say=say)
            if drawn and comm.size == 1:
                unchanged.note(path, ranks, overrides, folder, campaign, notes)
    return folder


def _communicator(campaign: Campaign, only: str, ranks: int) -> Any:
    """All ranks that a launcher started, as many as ``ranks`` says; one for a stage, whose processes are no world of ranks."""
    from solvers.core.comm import Serial, world

    comm = Serial() if only in {stage.name for stage in campaign.stages} else world()
    if comm.size > 1 and ranks not in (0, comm.size):
        raise InputError(f"--ranks {ranks} inside a launcher with {comm.size} ranks")
    return comm


def _notes(*notes: str) -> list[str]:
    """Lines of the ``notes`` that there are."""
    return [f"NOTE: {note}" for note in filter(None, notes)]


def _say_first(say: Any, notes: Iterable[str]) -> None:
    """Say ``notes`` before anything is done."""
    for note in notes:
        say(note)


def _do(campaign: Campaign, folder: Path, comm: Any, ranks: int, only: str, forced: Collection[str], *, quiet: bool, say: Any) -> bool:
    """The runs, then the stages that have all they read, then the page; at last the first error is raised.

    Returns whether all is done, and the page of all was drawn.
    """
    drawn = False
    if comm.rank == 0 and not only:
        record.write(campaign, folder)
    campaign, failed = _do_runs(campaign, folder, comm, ranks, only, forced, quiet=quiet, say=say)
    if comm.rank == 0 and only not in {run.name for run in campaign.runs}:
        failed |= _do_stages(campaign, folder, only, forced, campaign.after(failed), say)
        if not only and os.environ.get(PAGE) != "no":
            say(f"report: {draw_page(campaign, folder)}")
            drawn = True
    comm.barrier()
    for error in failed.values():
        raise error
    return drawn


def _do_runs(
    campaign: Campaign, folder: Path, comm: Any, ranks: int, only: str, forced: Collection[str], *, quiet: bool, say: Any
) -> tuple[Campaign, dict[str, Exception]]:
    """Do the runs, those with refined meshes after the runs that these are made from.

    Returns the campaign with all meshes that were found, and the errors of runs that failed, by name.
    """
    left = [run.name for run in campaign.runs if only in ("", run.name)]
    alone, at_once = len(left) == 1, (os.cpu_count() or 1) // ranks
    failed: dict[str, Exception] = {}
    while left:
        campaign, unmeshed = resolved(campaign, folder, comm, {*forced} & {*left})
        for name, error in unmeshed.items():
            failed.setdefault(name, error)
            say(f"FAILED: {error}")
        broken = campaign.after(failed)
        ready = [run for run in campaign.runs if run.name in left and not run.pending and run.name not in broken]
        for run in ready:
            if run.refine and (run.name in forced or not is_done(folder / run.folder, run.case)):
                say(f"{run.name}: {words_on(run, folder)}")
        if not ready:
            break
        failed |= do_runs(ready, folder, comm, ranks, at_once, forced=forced, alone=alone, quiet=quiet, say=say)
        left = [name for name in left if name not in {run.name for run in ready}]
    for name in left:
        if not failed:
            needs = next(run.needs for run in campaign.runs if run.name == name)
            raise InputError(f"--only {name}: it reads {', '.join(needs)}, not done yet: do these first, or leave --only out")
        if name not in failed:
            say(f"{name}: not done, for what it reads failed")
    return campaign, failed


def _do_stages(
    campaign: Campaign, folder: Path, only: str, forced: Collection[str], broken: Collection[str], say: Any
) -> dict[str, Exception]:
    """Do the stages but the ``broken``, whose inputs failed; returns the errors of stages that fail, by name."""
    for stage in campaign.stages:
        if stage.name in broken:
            say(f"{stage.name}: not done, for what it reads failed")
    possible = [stage for stage in campaign.stages if only in ("", stage.name) and stage.name not in broken]
    return do_stages(campaign, possible, folder, forced=forced, say=say)


def _sayer(*, quiet: bool) -> Any:
    from jobs.local.progress import aloud, silent

    return silent if quiet else aloud


def _describe_plan(campaign: Campaign, folder: Path, ranks: int, say: Any, forced: Collection[str], only: str) -> None:
    for step in campaign.steps:
        if only not in ("", step.name):
            continue
        if isinstance(step, Run):
            case, place = step.case, folder / step.folder
            state = "done" if is_done(place, case) and step.name not in forced else "to do"
            of = f", refined from {', '.join(step.needs)} for {step.refine.error:.2%}" if step.refine else ""
            what = f"{case.solver.kind} on {case.mesh.kind}{of}, to t = {case.time.end:g} s, {step.ranks(ranks)} rank(s)"
            say(f"run    {step.name}: {what} -> {place} ({state})")
        else:
            say(f"stage  {step.name}: {step.kind} of {', '.join(step.names)} -> {folder / step.name}")
