"""Record of a campaign as it was when it began: a TOML file in ``DIR/jobs`` that makes the very same graph, and its submission to SLURM.

The file needs no other: it holds the case of each run, with all values that were set or swept. Later edits do not change the runs.
"""

import dataclasses
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.core import campaign as campaigns
from pipeline.core import case as cases
from pipeline.core import plugin
from pipeline.core.campaign import Campaign, Run, Stage
from pipeline.core.case import Case, Spec, to_toml
from pipeline.core.data import text_of
from pipeline.core.errors import InputError
from pipeline.core.provenance import digest, files, hash_of
from pipeline.store.writer import write_text

PLACE, CAMPAIGN, SUBMITTED = "jobs", "campaign.toml", "submitted.json"
STEPS, CANCELLED = "steps.json", "cancelled.json"


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """Facts on a run or a stage that are needed to say where it stands."""

    name: str
    kind: str  # run or stage
    folder: str  # relative to the campaign's
    needs: tuple[str, ...]  # names of the steps whose results it reads
    case: str  # hash of a run's case; empty where its mesh is found in the campaign


def as_toml(campaign: Campaign) -> str:
    """``campaign`` as one TOML file that makes it again, wherever it stands."""
    runs: dict[str, Any] = {}
    stages: dict[str, Any] = {}
    for step in campaign.steps:
        if isinstance(step, Run) and step.refine:
            most = {"ranks": step.max_ranks} if step.max_ranks else {}
            runs[step.name] = {"refine": {"run": list(step.refine.runs), "error": step.refine.error}, **most, **step.limits}
        elif isinstance(step, Run):
            alone = {"alone": True} if step.folder == "." else {}
            most = {"ranks": step.max_ranks} if step.max_ranks else {}
            runs[step.name] = {"folder": str(step.case.folder), **alone, **most, **step.limits, "case": tomllib.loads(step.case.text)}
        else:
            stages[step.name] = _stage(step)
    return to_toml({"title": campaign.title, "run": runs, "stage": stages})


def _stage(stage: Stage) -> dict[str, Any]:
    many = getattr(plugin.load(campaigns.STAGES, stage.kind), "MANY", ())
    inputs = {key: list(names) if key in many else names[0] for key, names in stage.inputs.items()}
    return {"kind": stage.kind, **inputs, **stage.words, **stage.limits, **_plain(stage.params)}


def _plain(value: Any) -> Any:
    """``value`` as TOML has it, without unset keys."""
    if isinstance(value, Spec):
        return {"kind": value.kind, **_plain(value.table)}
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items() if one is not None}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def write(campaign: Campaign, folder: Path) -> Path:
    """Write ``folder/jobs/campaign.toml``; returns its path."""
    path = folder / PLACE / CAMPAIGN
    path.parent.mkdir(parents=True, exist_ok=True)
    text = as_toml(campaign)
    write_text(path, text)
    steps = [dataclasses.astuple(one) for one in _listed(campaign)]
    write_text(path.with_name(STEPS), json.dumps({"of": hash_of(text), "title": campaign.title, "steps": steps}) + "\n")
    return path


def _listed(campaign: Campaign) -> list[Listed]:
    return [
        Listed(step.name, "run", step.folder, step.needs, "" if step.refine else hash_of(step.case.text))
        if isinstance(step, Run)
        else Listed(step.name, "stage", step.name, step.needs, "")
        for step in campaign.steps
    ]


def listed(folder: Path) -> tuple[str, list[Listed]]:
    """Title and steps of the campaign that was begun in ``folder``, in its order: without its cases, which take a millisecond each to read.

    Raises
    ------
    InputError
        None was.
    """
    try:
        known = json.loads((folder / PLACE / STEPS).read_text(encoding="utf-8"))
        if known["of"] == hash_of((folder / PLACE / CAMPAIGN).read_text(encoding="utf-8")):
            return known["title"], [Listed(name, kind, place, tuple(needs), case) for name, kind, place, needs, case in known["steps"]]
    except (OSError, ValueError, KeyError, TypeError):  # none, as of an older version, or a damaged one
        pass
    campaign = read(folder)
    return campaign.title, _listed(campaign)


def read(folder: Path) -> Campaign:
    """The campaign that was begun in ``folder``; of a run's own folder, wherever it stands, a campaign of that run.

    Raises
    ------
    InputError
        None was.
    """
    path = folder / PLACE / CAMPAIGN
    if path.exists():
        return campaigns.read(path)
    if (folder / "case.toml").exists():
        case = cases.read(folder / "case.toml")
        return Campaign(case.title, (Run(campaigns.name_of(folder.resolve()), case, "."),))
    if not folder.exists():
        raise InputError(f"no folder {str(folder)!r}")
    raise InputError(f"{folder} holds no campaign: there is no {path}")


def submitted(folder: Path) -> dict[str, Any]:
    """The submission to SLURM of the campaign in ``folder``; empty where it was never submitted."""
    path = folder / PLACE / SUBMITTED
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def note_cancelled(folder: Path, jobs: Iterable[str]) -> None:
    """Note that ``jobs`` were cancelled, for SLURM forgets it."""
    write_text(folder / PLACE / CANCELLED, json.dumps(sorted(cancelled(folder) | set(jobs))) + "\n")


def cancelled(folder: Path) -> set[str]:
    """The jobs of the campaign in ``folder`` that were cancelled, as far as it was noted."""
    text = text_of(folder / PLACE / CANCELLED)
    return set(json.loads(text)) if text else set()


def sources(path: Path, campaign: Campaign) -> dict[str, str]:
    """Hashes of the files that a campaign read from the TOML file ``path`` comes from: its own, its cases, and the files named there."""
    table = cases.read_toml(path)
    named = [entry["case"] for entry in table.get("run", {}).values() if isinstance(entry.get("case"), str)]
    found = {str(one.resolve()): digest(one) for one in (path, *(path.parent / name for name in named))}
    for run in campaign.runs:
        found |= _data(run.case)
    return found


def _data(case: Case) -> dict[str, str]:
    return {
        f"{name} in {case.folder}": hashed
        for table in (case.mesh.table, case.solver.table)
        for name, hashed in files(table, case.folder).items()
    }


def edited(folder: Path, campaign: Campaign) -> list[str]:
    """Changes of files since the campaign in ``folder`` was submitted, in words."""
    before = submitted(folder).get("sources", {})
    now = {name: digest(Path(name)) if Path(name).exists() else "missing" for name in before if " in " not in name}
    for run in campaign.runs:
        now |= _data(run.case)
    changed = [name for name, hashed in before.items() if now.get(name, hashed) != hashed]
    return [f"{name} was changed after the campaign was submitted; {_which(name)}" for name in changed]


def _which(name: str) -> str:
    return "its new content is read" if " in " in name else "this job does what was submitted (jobs/campaign.toml)"


def has_result(step: Run | Stage, folder: Path) -> bool:
    """Whether the run or stage ``step`` of the campaign in ``folder`` has ended well, some time."""
    if isinstance(step, Run):
        place = folder / step.folder
        return (place / "run.h5").exists() and (place / "summary.json").exists()
    return (folder / step.name / "result.json").exists()
