"""The stages of a campaign, one after the other on a Dask client: the inputs of each, and whether it was done before."""

import contextlib
import json
import logging
import os
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from jobs.campaign.runs import note_failure, note_traceback
from jobs.local.lock import locked
from jobs.local.progress import LINE
from pipeline.core import campaign as campaigns
from pipeline.core import case as cases
from pipeline.core import params, plugin, provenance
from pipeline.core.blocks import KeptBlocks
from pipeline.core.campaign import Campaign, Stage
from pipeline.core.data import is_file, own_file, text_of
from pipeline.core.errors import InputError, InUseError, RunError
from pipeline.stages import load as load_stage
from pipeline.store.disk import writing
from pipeline.store.reader import Store
from pipeline.store.writer import write_text


def do_stages(campaign: Campaign, stages: Sequence[Stage], folder: Path, *, forced: Collection[str], say: Any) -> dict[str, Exception]:
    """Do each of ``stages`` whose result is missing or was made from other inputs, on one Dask client.

    Returns the errors of stages that failed, by name; stages that read their results are left out.
    """
    todo = to_do(campaign, stages, folder, forced)
    files = _files(campaign, folder)
    failed: dict[str, Exception] = {}
    with _Clients(say) as clients:
        for stage in todo:
            if stage.name in campaign.after(failed):
                say(f"{stage.name}: not done, for what it reads failed")
                continue
            dask = clients.of(stage, files)  # before the lock: of a job's processes all but one stay there, as workers
            try:
                with writing(folder / stage.name), locked(folder / stage.name):
                    _do_stage(stage, campaign, folder, files, dask, say)
            except (InputError, RunError) as error:
                failed[stage.name] = type(error)(f"stage {stage.name} failed: {error}")
                failed[stage.name].__cause__ = error
                if len(todo) > 1:
                    say(f"FAILED: {failed[stage.name]}")
                if not isinstance(error, InUseError):
                    note_failure(folder / stage.name, error)
    return failed


class _Clients:
    """A Dask client at a time: it is kept where the next stage is of its kind, on little data or not."""

    def __init__(self, say: Any) -> None:
        self._say = say
        self._open = contextlib.ExitStack()
        self._client: Any = None
        self._small = False

    def __enter__(self) -> "_Clients":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._open.__exit__(kind, error, trace)

    def of(self, stage: Stage, files: Mapping[str, Path]) -> Any:
        """A client for ``stage``, which reads ``files``."""
        from jobs.campaign.cluster import client, is_little

        read = {files[name] for name in stage.needs}
        runs = all(path.name == "run.h5" for path in read)  # an archive's size says little of what it holds
        small = runs and is_little(plugin.load(campaigns.STAGES, stage.kind), read)
        if self._client is None or small != self._small:
            self._open.close()
            self._client, self._small = self._open.enter_context(client(say=self._say, small=small)), small
        return self._client


def to_do(campaign: Campaign, stages: Sequence[Stage], folder: Path, forced: Collection[str]) -> list[Stage]:
    """The ``stages`` to be done: ``forced``, without a result, with a result of other inputs, or downstream of such a stage."""
    files, folders = _files(campaign, folder), _folders(campaign)
    stale = campaign.after({stage.name for stage in stages if stage.name in forced or not _stage_is_done(stage, folder, files, folders)})
    return [stage for stage in stages if stage.name in stale]


def _files(campaign: Campaign, folder: Path) -> dict[str, Path]:
    files = {run.name: folder / run.folder / "run.h5" for run in campaign.runs}
    return files | {stage.name: folder / stage.name / _file_of(stage) for stage in campaign.stages}


def _folders(campaign: Campaign) -> dict[str, Path]:
    """Folders in which the files that a run's case names are looked for, by the run's name."""
    return {run.name: run.case.folder for run in campaign.runs}


def _do_stage(stage: Stage, campaign: Campaign, folder: Path, files: Mapping[str, Path], dask: Any, say: Any) -> None:
    """Do one stage and write its ``result.json``; blocks of an earlier, broken attempt are not computed again."""
    place = folder / stage.name
    module = load_stage(stage.kind)
    folders = _folders(campaign)
    made_from = _made_from(stage, files, folders)
    blocks = KeptBlocks(dask, place / "blocks", made_from["key"])
    try:
        with writing(place), _warnings_kept(place):
            result = module.run(_inputs(stage, module, files, folders), stage.params, blocks, place)
    except (InputError, RunError):
        raise
    except Exception as error:  # of a stage's own, or Dask's: a worker that died too often, a file that was damaged
        note_traceback(place)
        if dask.status != "running":
            raise RunError("Dask's scheduler was lost; the blocks that are done will not be done again") from error
        raise RunError(f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}") from error
    named = {name: files[name] for names in stage.inputs.values() for name in names}
    made_from["files"] = {name: [os.path.relpath(path, place), provenance.digest(path)] for name, path in named.items()}
    result |= {"key": made_from["key"], "provenance": made_from}
    write_text(place / "result.json", json.dumps(result, indent=1) + "\n")
    blocks.clear()
    if blocks.kept:
        say(f"{stage.name}: {blocks.kept} blocks were done before")
    for line in module.describe(result):
        say(f"{stage.name}: {line}")


@contextlib.contextmanager
def _warnings_kept(place: Path) -> Iterator[None]:
    """Let a stage's warnings stand in its log, which is made where there is something to say."""
    log = logging.getLogger("wavetrain")
    handler = logging.FileHandler(place / "log.txt", delay=True)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter(LINE))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()


def _file_of(stage: Stage) -> str:
    """The file of a stage that others read: its result, or a run where it makes such a file."""
    return str(getattr(plugin.load(campaigns.STAGES, stage.kind), "RUN_FILE", "result.h5"))


def _inputs(stage: Stage, module: Any, files: Mapping[str, Path], folders: Mapping[str, Path]) -> dict[str, Any]:
    """Arguments of a stage's `run`, by key: a file, several files, a word, or the model of a run's case."""
    many = getattr(module, "MANY", ())
    found: dict[str, Any] = dict(stage.words)
    for key, word in stage.words.items():
        if word == "exact":
            found[key] = [exact_solution(files[name]) for name in stage.inputs["runs"]]
    for key, names in stage.inputs.items():
        found[key] = [files[name] for name in names] if key in many else files[names[0]]
    for key, function in getattr(module, "MODELS", {}).items():
        found[key] = found[key], model_of(found[key], function, folders.get(stage.inputs[key][0]))
    return found


def model_of(run: Path, function: str, folder: Path | None = None) -> Any:
    """The model of a run's case, as the ``function`` of its solver makes it; the case's files are looked for in ``folder`` first.

    Raises
    ------
    InputError
        The run's solver has no such function.
    """
    with Store(run) as store:
        case = cases.parse(tomllib.loads(str(store.attrs["case"])), folder or run.parent)
    from solvers.core.run import mesh_of

    refuse_unchangeable(case.solver.kind, function)
    solver = plugin.load("solvers", case.solver.kind)
    return getattr(solver, function)(mesh_of(case), params.build(solver.Params, case.solver.table, "solver"), case)


def refuse_unchangeable(kind: str, function: str) -> None:
    """`InputError` where the solver of that ``kind`` has not the ``function`` that makes a model to be changed."""
    if hasattr(plugin.load("solvers", kind), function):
        return
    able = []
    for other in plugin.kinds("solvers"):
        with contextlib.suppress(InputError):  # another package's that can't be loaded
            able += [other] if hasattr(plugin.load("solvers", other), function) else []
    raise InputError(f"solver {kind!r} has nothing that can be changed: no {function}; there is one of: {', '.join(able) or 'no solver'}")


def exact_solution(run: Path) -> Path:
    """The exact solution of a run, as a file beside it; `InputError` where it has none."""
    with Store(run) as store:
        kind = cases.parse(tomllib.loads(str(store.attrs["case"])), Path()).solver.kind
    write_exact = getattr(plugin.load("solvers", kind), "write_exact", None)
    if write_exact is None:
        raise InputError(f"solver {kind!r} has no exact solutions: take a finer run as the reference")
    return Path(write_exact(run, run.with_name("exact.h5")))


def _made_from(stage: Stage, files: Mapping[str, Path], folders: Mapping[str, Path]) -> dict[str, Any]:
    """Provenance of a stage's result: its inputs' cases and times of making, its parameters, files, code and packages."""
    found: dict[str, str] = {}
    if (name := getattr(stage.params, "file", "")) and is_file(own := own_file(name, Path(stage.params.folder))):
        found[str(own)] = provenance.digest(own)
    for name in sorted({name for names in stage.inputs.values() for name in names}):
        beside = files[name].with_name("summary.json") if files[name].name == "run.h5" else files[name].with_name("result.json")
        case = text_of(files[name].with_name("case.toml")) or ""
        found[name] = provenance.hash_of((text_of(beside) or "") + case)
        observed = tomllib.loads(case).get("observed", {})
        places = (Path(getattr(stage.params, "folder", ".")), *([folders[name]] if name in folders else []))
        found |= {f"{file} of {name}": hashed for file, hashed in provenance.files(observed, *places).items()}
    return provenance.of_stage(stage.kind, f"{stage.params!r} {sorted(stage.words.items())!r}", found)


def _stage_is_done(stage: Stage, folder: Path, files: Mapping[str, Path], folders: Mapping[str, Path]) -> bool:
    result = text_of(folder / stage.name / "result.json")
    if result is None or not all(files[name].exists() for names in stage.inputs.values() for name in names):
        return False
    if not files[stage.name].exists():
        return False
    return bool(json.loads(result).get("key") == _made_from(stage, files, folders)["key"])
