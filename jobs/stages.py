"""The stages of a campaign, one after the other on one Dask client: what each reads, and whether it was done before."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline import campaign as campaigns
from pipeline import case as cases
from pipeline import params, plugin
from pipeline.campaign import Campaign, Stage
from pipeline.data import own_file, text_of
from pipeline.errors import InputError
from pipeline.store import Store


def do_stages(campaign: Campaign, folder: Path, *, force: bool, say: Any) -> None:
    """Every stage whose result is missing or was made from something else, on one Dask client."""
    files = {run.name: folder / run.folder / "run.h5" for run in campaign.runs}
    files |= {stage.name: folder / stage.name / _file_of(stage) for stage in campaign.stages}
    folders = {run.name: run.case.folder for run in campaign.runs}
    todo = [stage for stage in campaign.stages if force or not _stage_is_done(stage, folder, files)]
    if not todo:
        return
    from jobs.cluster import client

    with client() as dask:
        for stage in todo:
            place = folder / stage.name
            place.mkdir(parents=True, exist_ok=True)
            module = plugin.load(campaigns.STAGES, stage.kind)
            result = module.run(_inputs(stage, module, files, folders), stage.params, dask, place)
            result["key"] = _stage_key(stage, files)
            from pipeline.writer import write_text

            write_text(place / "result.json", json.dumps(result, indent=1) + "\n")
            for line in module.describe(result):
                say(f"{stage.name}: {line}")


def _file_of(stage: Stage) -> str:
    """The file of a stage that others read: its result, or where it makes one, a run."""
    return str(getattr(plugin.load(campaigns.STAGES, stage.kind), "RUN_FILE", "result.h5"))


def _inputs(stage: Stage, module: Any, files: Mapping[str, Path], folders: Mapping[str, Path]) -> dict[str, Any]:
    """What a stage's `run` gets for its keys: a file, several files, a word, or the model of a run's case."""
    many = getattr(module, "MANY", ())
    found: dict[str, Any] = dict(stage.words)
    for key, word in stage.words.items():
        if word == "exact":
            found[key] = [exact_solution(files[name]) for name in stage.inputs["runs"]]
    for key, names in stage.inputs.items():
        found[key] = [files[name] for name in names] if key in many else files[names[0]]
    for key in getattr(module, "MODELS", ()):
        found[key] = found[key], model_of(found[key], folders.get(stage.inputs[key][0]))
    return found


def model_of(run: Path, folder: Path | None = None) -> Any:
    """The model of a run's case, as its solver hands it to stage `discover`; the case's files are looked for in ``folder`` first.

    Raises
    ------
    InputError
        The run's solver has no model to be changed.
    """
    with Store(run) as store:
        case = cases.parse(tomllib.loads(str(store.attrs["case"])), folder or run.parent)
    from solvers.core.run import mesh_of

    solver = plugin.load("solvers", case.solver.kind)
    forecaster = getattr(solver, "forecaster", None)
    if forecaster is None:
        raise InputError(
            f"solver {case.solver.kind!r} has nothing that can be changed: stage 'discover' needs a model such as 'ks' or 'tsunami'"
        )
    return forecaster(mesh_of(case), params.build(solver.Params, case.solver.table, "solver"), case)


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
    if (name := getattr(stage.params, "file", "")) and (own := own_file(name, Path(stage.params.folder))).is_file():
        digest.update(own.read_bytes())
    for name in sorted({name for names in stage.inputs.values() for name in names}):
        beside = files[name].with_name("summary.json") if files[name].name == "run.h5" else files[name].with_name("result.json")
        digest.update(beside.read_bytes())
        digest.update((text_of(files[name].with_name("case.toml")) or "").encode())
    return digest.hexdigest()


def _stage_is_done(stage: Stage, folder: Path, files: dict[str, Path]) -> bool:
    result = text_of(folder / stage.name / "result.json")
    if result is None or not all(files[name].exists() for names in stage.inputs.values() for name in names):
        return False
    if not files[stage.name].exists():
        return False
    return bool(json.loads(result).get("key") == _stage_key(stage, files))
