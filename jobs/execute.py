"""Do a case or a campaign here: what is done and unchanged is not done again, what was interrupted goes on."""

import hashlib
import json
import logging
import os
import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jobs import catalogue
from jobs.progress import LINE, show
from pipeline import campaign as campaigns
from pipeline import case as cases
from pipeline import params, plugin
from pipeline.campaign import Campaign, Run, Stage
from pipeline.errors import InputError, RunError
from pipeline.store import Store

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
        _do_stages(campaign, folder, force=force, say=say)
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
            say(f"stage  {step.name}: {step.kind} of {', '.join(_names(step))} -> {folder / step.name}")


def _is_done(folder: Path, text: str) -> bool:
    """Whether ``folder`` holds the run of this very case, whole, by this version."""
    summary = _text(folder / "summary.json")
    if summary is None or _text(folder / "case.toml") != text or not (folder / "run.h5").exists():
        return False
    return bool(json.loads(summary)["versions"].get("wavetrain") == version("wavetrain"))


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


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

    before = _text(folder / "case.toml")
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


def _do_stages(campaign: Campaign, folder: Path, *, force: bool, say: Any) -> None:
    """Every stage whose result is missing or was made from something else, on one Dask client."""
    files = {run.name: folder / run.folder / "run.h5" for run in campaign.runs}
    files |= {stage.name: folder / stage.name / _file_of(stage) for stage in campaign.stages}
    todo = [stage for stage in campaign.stages if force or not _stage_is_done(stage, folder, files)]
    if not todo:
        return
    from jobs.cluster import client

    with client() as dask:
        for stage in todo:
            place = folder / stage.name
            place.mkdir(parents=True, exist_ok=True)
            module = plugin.load(campaigns.STAGES, stage.kind)
            result = module.run(_inputs(stage, module, files), stage.params, dask, place)
            result["key"] = _stage_key(stage, files)
            from pipeline.writer import write_text

            write_text(place / "result.json", json.dumps(result, indent=1) + "\n")
            for line in module.describe(result):
                say(f"{stage.name}: {line}")


def _file_of(stage: Stage) -> str:
    """The file of a stage that others read: its result, or where it makes one, a run."""
    return str(getattr(plugin.load(campaigns.STAGES, stage.kind), "RUN_FILE", "result.h5"))


def _names(stage: Stage) -> list[str]:
    """All that a stage reads."""
    return [*(name for names in stage.inputs.values() for name in names), *stage.words.values()]


def _inputs(stage: Stage, module: Any, files: Mapping[str, Path]) -> dict[str, Any]:
    """What a stage's `run` gets for its keys: a file, several files, a word, or the model of a run's case."""
    many = getattr(module, "MANY", ())
    found: dict[str, Any] = dict(stage.words)
    for key, word in stage.words.items():
        if word == "exact":
            found[key] = [exact_solution(files[name]) for name in stage.inputs["runs"]]
    for key, names in stage.inputs.items():
        found[key] = [files[name] for name in names] if key in many else files[names[0]]
    for key in getattr(module, "MODELS", ()):
        found[key] = found[key], model_of(found[key])
    return found


def model_of(run: Path) -> Any:
    """The model of a run's case (`pipeline.discovery.model.Model`); `InputError` where its solver has none to be changed."""
    with Store(run) as store:
        case = cases.parse(tomllib.loads(str(store.attrs["case"])), run.parent)
    from solvers.core.run import mesh_of

    solver = plugin.load("solvers", case.solver.kind)
    forecaster = getattr(solver, "forecaster", None)
    if forecaster is None:
        raise InputError(f"solver {case.solver.kind!r} has no terms to be changed: stage 'discover' needs a model that has, such as 'ks'")
    return forecaster(mesh_of(case), params.build(solver.Params, case.solver.table, "solver"))


def exact_solution(run: Path) -> Path:
    """The exact solution of a run, as a file beside it; `InputError` where it has none."""
    with Store(run) as store:
        kind = cases.parse(tomllib.loads(str(store.attrs["case"])), Path()).solver.kind
    write_exact = getattr(plugin.load("solvers", kind), "write_exact", None)
    if write_exact is None:
        raise InputError(f"solver {kind!r} has no exact solutions: take a finer run as the reference")
    return Path(write_exact(run, run.with_name("exact.h5")))


def _stage_key(stage: Stage, files: dict[str, Path]) -> str:
    """Hash of all that a stage's result depends on: its inputs' cases and times of making, its parameters, the version."""
    digest = hashlib.sha256(f"{version('wavetrain')} {stage.kind} {stage.params!r}".encode())
    digest.update(repr(sorted(stage.words.items())).encode())
    if (own := _own_file(stage)) is not None:
        digest.update(own.read_bytes())
    for name in sorted({name for names in stage.inputs.values() for name in names}):
        beside = files[name].with_name("summary.json") if files[name].name == "run.h5" else files[name].with_name("result.json")
        digest.update(beside.read_bytes())
        digest.update((_text(files[name].with_name("case.toml")) or "").encode())
    return digest.hexdigest()


def _own_file(stage: Stage) -> Path | None:
    """The file that a stage was given by its parameters, where there is one."""
    name = getattr(stage.params, "file", "")
    places = [Path(stage.params.folder) / name, Path(name)] if name else []
    return next((path for path in places if path.is_file()), None)


def _stage_is_done(stage: Stage, folder: Path, files: dict[str, Path]) -> bool:
    result = _text(folder / stage.name / "result.json")
    if result is None or not all(files[name].exists() for names in stage.inputs.values() for name in names):
        return False
    if not files[stage.name].exists():
        return False
    return bool(json.loads(result).get("key") == _stage_key(stage, files))
