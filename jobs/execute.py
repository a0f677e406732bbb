"""Do a case or a campaign here: what is done and unchanged is not done again, what was interrupted goes on."""

import json
import logging
import os
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jobs import catalogue
from jobs.progress import LINE, show
from jobs.stages import do_stages
from pipeline import campaign as campaigns
from pipeline import params, plugin
from pipeline.campaign import Campaign, Run
from pipeline.data import text_of
from pipeline.errors import InputError, RunError

log = logging.getLogger("wavetrain")


def execute(
    file: Path,
    *,
    ranks: int = 0,
    overrides: Iterable[str] = (),
    out: Path | None = None,
    force: bool = False,
    only: str = "",
    on: str = "",
    dry_run: bool = False,
    quiet: bool = False,
) -> Path:
    """Run the case or campaign ``file`` into ``out`` (default ``runs/<stem>``); returns the output folder.

    ``only`` is the one run to do, without stages; ``on`` is the SLURM site that shall do it all.

    Raises
    ------
    InputError
        The input is wrong, or the folder holds another run and ``force`` is not given.
    RunError
        A run became unstable, was stopped, or died.
    """
    from solvers.core.comm import world

    path = catalogue.find(file)
    overrides = list(overrides)
    campaign = campaigns.read(path, overrides)
    comm = world()
    if comm.size > 1 and ranks not in (0, comm.size):
        raise InputError(f"--ranks {ranks} inside a launcher with {comm.size} ranks")
    folder = out or Path("runs") / path.stem
    say = _sayer(quiet=quiet or comm.rank > 0)
    for run in campaign.runs:
        _check_run(run)
    if on:
        _submit(path, campaign, folder, max(ranks, 1), overrides, on, say, force=force, dry_run=dry_run)
        return folder
    if only:
        campaign = _one_run(campaign, only)
    if dry_run:
        _describe_plan(campaign, folder, ranks or comm.size, say)
        return folder
    at_once = (os.cpu_count() or 1) // max(ranks, 1)
    if comm.size == 1 and len(campaign.runs) > 1 and at_once > 1:
        _do_side_by_side(campaign.runs, folder, max(ranks, 1), at_once, force=force, say=say)
    else:
        for run in campaign.runs:
            _do_run(run, folder / run.folder, comm, max(ranks, 1), force=force, quiet=quiet, say=say)
    if comm.rank == 0 and not only:
        do_stages(campaign, folder, force=force, say=say)
        from pipeline.report import write_report

        say(f"report: {write_report(campaign, folder)}")
    comm.barrier()
    return folder


def _one_run(campaign: Campaign, name: str) -> Campaign:
    known = {run.name: run for run in campaign.runs}
    if name not in known:
        raise InputError(f"no run {name!r}{plugin.nearest(name, known)}; there are: {', '.join(known)}")
    return Campaign(campaign.title, (known[name],))


def _submit(
    file: Path, campaign: Campaign, folder: Path, ranks: int, overrides: list[str], on: str, say: Any, *, force: bool, dry_run: bool
) -> None:
    """Hand the campaign to SLURM; with ``dry_run`` only print the scripts."""
    from jobs import slurm

    rendered = slurm.scripts(file, campaign, folder, ranks, overrides, slurm.site(on))
    if dry_run:
        for name, text in rendered.items():
            say(f"### {name}.sbatch\n{text}")
        return
    for run in campaign.runs:
        if force or not _is_done(folder / run.folder, run.case.text):
            _prepare(folder / run.folder, run.case.text, force=force)
    numbers = slurm.submit(rendered, folder)
    say(f"submitted {len(campaign.runs)} run(s) as job {numbers['runs']}, and the stages after them as job {numbers['stages']}")
    say(f"scripts and logs: {folder / 'jobs'}; squeue -j {numbers['runs']},{numbers['stages']} shows them")


def _sayer(*, quiet: bool) -> Any:
    return (lambda text: None) if quiet else (lambda text: print(text, flush=True))


def _check_run(run: Run) -> None:
    """Refuse a wrong case before anything is started: the mesh's and the solver's tables, by name."""
    case = run.case
    params.build(plugin.load("meshes", case.mesh.kind).Params, case.mesh.table, "mesh")
    params.build(plugin.load("solvers", case.solver.kind).Params, case.solver.table, "solver")


def _describe_plan(campaign: Campaign, folder: Path, ranks: int, say: Any) -> None:
    for step in campaign.steps:
        if isinstance(step, Run):
            case, place = step.case, folder / step.folder
            state = "done" if _is_done(place, case.text) else "to do"
            what = f"{case.solver.kind} on {case.mesh.kind}, to t = {case.time.end:g} s, {ranks} rank(s)"
            say(f"run    {step.name}: {what} -> {place} ({state})")
        else:
            say(f"stage  {step.name}: {step.kind} of {', '.join(step.names)} -> {folder / step.name}")


def _is_done(folder: Path, text: str) -> bool:
    """Whether ``folder`` holds the run of this very case, whole, by this version."""
    summary = text_of(folder / "summary.json")
    if summary is None or text_of(folder / "case.toml") != text or not (folder / "run.h5").exists():
        return False
    return bool(json.loads(summary)["versions"].get("wavetrain") == version("wavetrain"))


def _do_run(run: Run, folder: Path, comm: Any, ranks: int, *, force: bool, quiet: bool, say: Any) -> None:
    """One run into ``folder``, in this process, on the ranks of this world, or on new ones."""
    done = _is_done(folder, run.case.text) and not force
    if comm.gather(done)[0]:
        say(f"{run.name}: done before, unchanged ({folder})")
        return
    if comm.rank == 0:
        _prepare(folder, run.case.text, force=force)
    comm.barrier()
    if ranks > 1 and comm.size == 1:
        from jobs.launch import run_on_ranks

        summary = run_on_ranks(folder / "case.toml", run.case.folder, folder, ranks, name=run.name, quiet=quiet)
    else:
        summary = _run_here(run, folder, comm, quiet=quiet)
    _tell(run, summary, say)


def _tell(run: Run, summary: Mapping[str, Any], say: Any) -> None:
    """One line on a run that ended; `RunError` where it was stopped."""
    if summary["status"] != "done":
        raise RunError(f"{run.name}: stopped at t = {summary['t_end']:.6g} s; the same command goes on from there")
    say(
        f"{run.name}: {summary['cells']} cells, {summary['ranks']} rank(s), {summary['steps']} steps in {summary['wall_s']:.1f} s, "
        f"{summary['updates_per_core_s'] / 1e6:.2f} M updates per core-second, mass drift {summary['mass_drift']:+.1e}"
    )


def _do_side_by_side(runs: list[Run], folder: Path, ranks: int, at_once: int, *, force: bool, say: Any) -> None:
    """All ``runs`` on ``ranks`` ranks each, ``at_once`` of them at a time; where some fail, the others end first."""
    from jobs.launch import run_side_by_side

    todo = []
    for run in runs:
        if _is_done(folder / run.folder, run.case.text) and not force:
            say(f"{run.name}: done before, unchanged ({folder / run.folder})")
            continue
        _prepare(folder / run.folder, run.case.text, force=force)
        todo.append(run)
    failed: list[Exception] = []

    def ended(i: int, outcome: Any) -> None:
        try:
            if isinstance(outcome, Exception):
                raise type(outcome)(f"{todo[i].name}: {outcome}")
            _tell(todo[i], outcome, say)
        except (InputError, RunError) as error:
            say(f"FAILED: {error}")
            failed.append(error)

    run_side_by_side([(run.case.folder, folder / run.folder) for run in todo], ranks, at_once, ended)
    if failed:
        raise failed[0]


def _prepare(folder: Path, text: str, *, force: bool) -> None:
    """Make the run's folder; refuse one that holds another run."""
    from solvers.core.record import clear

    before = text_of(folder / "case.toml")
    if force:
        clear(folder)
    elif before is not None and before != text:
        raise InputError(f"{folder} holds another run (its case.toml differs): name another folder with --out, or replace it with --force")
    elif before is None and (folder / "run.h5").exists():
        raise InputError(f"{folder} holds a run without its case.toml: name another folder with --out, or replace it with --force")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "case.toml").write_text(text, encoding="utf-8")


def _run_here(run: Run, folder: Path, comm: Any, *, quiet: bool) -> dict[str, Any]:
    from solvers.core.comm import abort_on_error
    from solvers.core.run import run_case

    handler = logging.FileHandler(folder / "log.txt") if comm.rank == 0 else logging.NullHandler()
    handler.setFormatter(logging.Formatter(LINE))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        with abort_on_error(comm), show(run.name, quiet=quiet, lead=comm.rank == 0) as shown:
            return run_case(run.case, folder, comm, shown)
    except OSError as error:
        raise RunError(f"cannot write in {folder}: {error}") from None
    finally:
        log.removeHandler(handler)
        handler.close()
