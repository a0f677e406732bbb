"""Do a case or a campaign here, or hand it to SLURM: steps that are done and unchanged are left, interrupted steps go on."""

import multiprocessing
import os
import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from jobs.campaign import catalogue, unchanged
from jobs.campaign.needed import look_for_files
from jobs.campaign.outlines import refuse_unfit
from jobs.campaign.queued import refuse_what_is_queued
from jobs.campaign.runs import do_runs, is_done, refuse_another
from jobs.campaign.stages import do_stages
from jobs.campaign.unchanged import PAGE
from jobs.local import record
from jobs.local.launch import check_ranks, more_than_cores
from pipeline.core import campaign as campaigns
from pipeline.core import params, plugin
from pipeline.core.campaign import Campaign, Run
from pipeline.core.errors import InputError
from pipeline.store.disk import writing

MANY_PARTS = 5  # of a page, for which a new process, which starts in a second, is worth it


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
    from solvers.core.comm import Serial, abort_on_error, world

    path = catalogue.find(file)
    check_ranks(ranks)
    for place in (path.resolve(), Path.cwd(), out or Path()):
        _check_place(place)
    campaign = campaigns.read(path, list(overrides))
    forced = _forced(campaign, again, only, force=force)
    comm = Serial() if only in {stage.name for stage in campaign.stages} else world()  # a stage's processes are no world of ranks
    if comm.size > 1 and ranks not in (0, comm.size):
        raise InputError(f"--ranks {ranks} inside a launcher with {comm.size} ranks")
    folder = out or Path("runs") / campaigns.name_of(path)
    say = _sayer(quiet=quiet or comm.rank > 0)
    notes = _notes(catalogue.namesake(file, path), "" if on or comm.size > 1 else more_than_cores(ranks), *campaign.notes)
    _say_first(say, notes)
    _refuse(campaign, folder, forced, only, comm, say, into=dry_run or bool(on))
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


def _notes(*notes: str) -> list[str]:
    """Lines of the ``notes`` that there are."""
    return [f"NOTE: {note}" for note in filter(None, notes)]


def _say_first(say: Any, notes: Iterable[str]) -> None:
    """Say ``notes`` before anything is done."""
    for note in notes:
        say(note)


def _forced(campaign: Campaign, again: str, only: str, *, force: bool) -> set[str]:
    """The steps that are done again in any case; `InputError` where ``again`` or ``only`` is no step."""
    names = [step.name for step in campaign.steps]
    for name in filter(None, (again, only)):
        _known(name, names)
    return set(names) if force else set(campaign.after([again])) if again else set()


def _refuse(campaign: Campaign, folder: Path, forced: Collection[str], only: str, comm: Any, say: Any, *, into: bool) -> None:
    """Refuse impossible requests, on all ranks, before anything is computed; ``into`` asks for a look into files too."""
    _check_runs(campaign, folder, forced, say)
    _refused_by_all(comm, lambda: refuse_what_is_queued(folder))
    _refused_by_all(comm, lambda: look_for_files(campaign, folder, forced, only, into=into))
    _refused_by_all(comm, lambda: refuse_unfit(campaign, folder, forced, only))


def _do(campaign: Campaign, folder: Path, comm: Any, ranks: int, only: str, forced: Collection[str], *, quiet: bool, say: Any) -> bool:
    """The runs, then the stages that have all they read, then the page; at last the first error is raised.

    Returns whether all is done, and the page of all was drawn.
    """
    drawn = False
    if comm.rank == 0 and not only:
        record.write(campaign, folder)
    runs = [run for run in campaign.runs if only in ("", run.name)]
    at_once = (os.cpu_count() or 1) // ranks
    failed = do_runs(runs, folder, comm, ranks, at_once, forced=forced, quiet=quiet, say=say)
    if comm.rank == 0 and only not in {run.name for run in runs}:
        failed |= _do_stages(campaign, folder, only, forced, campaign.after(failed), say)
        if not only and os.environ.get(PAGE) != "no":
            say(f"report: {_page(campaign, folder)}")
            drawn = True
    comm.barrier()
    for error in failed.values():
        raise error
    return drawn


def _do_stages(
    campaign: Campaign, folder: Path, only: str, forced: Collection[str], broken: Collection[str], say: Any
) -> dict[str, Exception]:
    """Do the stages but the ``broken``, whose inputs failed; returns the errors of stages that fail, by name."""
    for stage in campaign.stages:
        if stage.name in broken:
            say(f"{stage.name}: not done, for what it reads failed")
    possible = [stage for stage in campaign.stages if only in ("", stage.name) and stage.name not in broken]
    return do_stages(campaign, possible, folder, forced=forced, say=say)


def _page(campaign: Campaign, folder: Path) -> Path:
    """Write the page of ``campaign``; one of many parts in a new process, where copies of this one, which has threads, are not safe."""
    from jobs.local.fork import may_fork

    if len(campaign.steps) >= MANY_PARTS and not may_fork() and "matplotlib" not in sys.modules and len(os.sched_getaffinity(0)) > 1:
        new = multiprocessing.get_context("spawn").Process(target=_write_page_there, args=(campaign, folder))
        new.start()
        new.join()
        if new.exitcode == 0:
            return folder / campaigns.REPORT
    return write_page(campaign, folder)


def _write_page_there(campaign: Campaign, folder: Path) -> None:
    """Write the page and say nothing of what goes wrong, which the process that waits finds out in turn."""
    try:
        write_page(campaign, folder)
    except Exception:
        sys.exit(1)


def write_page(campaign: Campaign, folder: Path) -> Path:
    """Write the page of the finished steps of ``campaign``; returns its path."""
    from jobs.local.fork import may_fork
    from pipeline.report.page import write_report
    from solvers.core.figures import part_of

    there = tuple(step for step in campaign.steps if record.has_result(step, folder))
    cores = len(os.sched_getaffinity(0)) if may_fork() else 1
    return write_report(Campaign(campaign.title, there), folder, part_of, cores)


def _check_place(place: Path) -> None:
    """Refuse a file or folder whose name the scripts, cases and pages can't hold, for they are UTF-8."""
    try:
        str(place).encode()
    except UnicodeEncodeError:
        raise InputError(f"the name {str(place)!r} is not UTF-8: rename it, or choose another folder with --out") from None


def _known(name: str, names: Collection[str]) -> str:
    if name not in names:
        raise InputError(f"no run or stage {name!r}{plugin.nearest(name, names)}; there are: {', '.join(names)}")
    return name


def _sayer(*, quiet: bool) -> Any:
    from jobs.local.progress import aloud, silent

    return silent if quiet else aloud


def _check_runs(campaign: Campaign, folder: Path, forced: Collection[str], say: Any) -> None:
    """Refuse wrong cases, and folders that hold other runs; say which runs go on as changed cases."""
    for run in campaign.runs:
        _check_run(run, alone=len(campaign.runs) == 1)
        if run.name not in forced and (changed := refuse_another(folder / run.folder, run.case.text)):
            say(f"NOTE: {run.name} goes on with what was changed: {changed}")


def _check_run(run: Run, *, alone: bool) -> None:
    """Refuse a wrong case before anything is started: the mesh's and the solver's tables, by name."""
    case = run.case
    try:
        params.build(plugin.load("meshes", case.mesh.kind).Params, case.mesh.table, "mesh")
        params.build(plugin.load("solvers", case.solver.kind).Params, case.solver.table, "solver")
    except InputError as error:
        raise error if alone else InputError(f"run {run.name}: {error}") from None


def _refused_by_all(comm: Any, check: Callable[[], Any]) -> None:
    """Call ``check`` on rank 0; all ranks raise its error."""
    refused = None
    if comm.rank == 0:
        try:
            check()
        except InputError as error:
            refused = error
    refused = comm.broadcast(refused)
    if refused is not None:
        raise refused


def _describe_plan(campaign: Campaign, folder: Path, ranks: int, say: Any, forced: Collection[str], only: str) -> None:
    for step in campaign.steps:
        if only not in ("", step.name):
            continue
        if isinstance(step, Run):
            case, place = step.case, folder / step.folder
            state = "done" if is_done(place, case) and step.name not in forced else "to do"
            what = f"{case.solver.kind} on {case.mesh.kind}, to t = {case.time.end:g} s, {step.ranks(ranks)} rank(s)"
            say(f"run    {step.name}: {what} -> {place} ({state})")
        else:
            say(f"stage  {step.name}: {step.kind} of {', '.join(step.names)} -> {folder / step.name}")
