"""Requests that can't be met, refused on all ranks before anything is computed."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from jobs.campaign.needed import look_for_files
from jobs.campaign.outlines import refuse_unfit
from jobs.campaign.queued import refuse_what_is_queued
from jobs.campaign.runs import refuse_another
from pipeline.core import params, plugin
from pipeline.core.campaign import Campaign, Run
from pipeline.core.errors import InputError


def steps_forced(campaign: Campaign, again: str, only: str, *, force: bool) -> set[str]:
    """The steps that are done again in any case; `InputError` where ``again`` or ``only`` is no step."""
    names = [step.name for step in campaign.steps]
    for name in filter(None, (again, only)):
        _known(name, names)
    return set(names) if force else set(campaign.after([again])) if again else set()


def _known(name: str, names: Collection[str]) -> str:
    if name not in names:
        raise InputError(f"no run or stage {name!r}{plugin.nearest(name, names)}; there are: {', '.join(names)}")
    return name


def check_place(place: Path) -> None:
    """Refuse a file or folder whose name the scripts, cases and pages can't hold, for they are UTF-8."""
    try:
        str(place).encode()
    except UnicodeEncodeError:
        raise InputError(f"the name {str(place)!r} is not UTF-8: rename it, or choose another folder with --out") from None


def refuse(campaign: Campaign, folder: Path, forced: Collection[str], only: str, comm: Any, say: Any, *, into: bool) -> None:
    """Refuse impossible requests, on all ranks, before anything is computed; ``into`` asks for a look into files too."""
    _check_runs(campaign, folder, forced, say)
    _refused_by_all(comm, lambda: refuse_what_is_queued(folder))
    _refused_by_all(comm, lambda: look_for_files(campaign, folder, forced, only, into=into))
    _refused_by_all(comm, lambda: refuse_unfit(campaign, folder, forced, only))


def _check_runs(campaign: Campaign, folder: Path, forced: Collection[str], say: Any) -> None:
    """Refuse wrong cases, and folders that hold other runs; say which runs go on as changed cases."""
    for run in campaign.runs:
        _check_run(run, alone=len(campaign.runs) == 1)
        if run.name not in forced and (changed := refuse_another(folder / run.folder, run.case.text, remeshed=run.refine is not None)):
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
