"""A campaign: runs and stages from one TOML file, ordered by the names they use.

    [run.truth]       case = "ks.toml"
    [run.model]       case = "ks.toml"   set = { "solver.hyperviscosity" = 0.0 }
    [stage.terms]     kind = "discover"  observed = "truth"  forecast = "model"

A stage module says in ``INPUTS`` which of its keys name runs (or stages); all others are its ``Params``.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pipeline import case as cases
from pipeline import params, plugin
from pipeline.case import Case
from pipeline.errors import InputError

STAGES = "pipeline.stages"
SECTIONS = ("title", "run", "stage")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the graph; ``folder`` is relative to the campaign's."""

    name: str
    case: Case
    folder: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the graph and the names of what it reads."""

    name: str
    kind: str
    inputs: Mapping[str, str]  # the stage's key -> name of a run or stage
    params: Any


@dataclass(frozen=True, slots=True)
class Campaign:
    """The graph, in an order in which it can be done."""

    title: str
    steps: tuple[Run | Stage, ...]

    @property
    def runs(self) -> list[Run]:
        return [step for step in self.steps if isinstance(step, Run)]

    @property
    def stages(self) -> list[Stage]:
        return [step for step in self.steps if isinstance(step, Stage)]


def read(path: Path, overrides: Iterable[str] = ()) -> Campaign:
    """Read the case or campaign at ``path``; a case is a campaign of one run, with a `validate` stage where it is ``observed``.

    Overrides change the case, or every case of a campaign.

    Raises
    ------
    InputError
        Anything in the file, or in a case that it names, is wrong.
    """
    table = cases.read_toml(path)
    overrides = list(overrides)
    if "run" in table or "stage" in table:
        return parse(table, path.resolve().parent, overrides)
    case = cases.read(path, overrides)
    steps: list[Run | Stage] = [Run(path.stem, case, ".")]
    if case.observed:
        steps.append(stage("validate", {"kind": "validate", "run": path.stem}, {path.stem}, case.folder))
    return Campaign(case.title or path.stem, tuple(steps))


def parse(table: Mapping[str, Any], folder: Path, overrides: Iterable[str] = ()) -> Campaign:
    """The campaign in ``table``; cases are looked for in ``folder`` (see `read`)."""
    for key in table:
        if key not in SECTIONS:
            raise InputError(f"unknown section '{key}'{plugin.nearest(key, SECTIONS)}; there are: {', '.join(SECTIONS)}")
    runs = {name: _run(name, entry, folder, overrides) for name, entry in table.get("run", {}).items()}
    tables = table.get("stage", {})
    for name in tables:
        if name in runs:
            raise InputError(f"'{name}' is both a run and a stage: they need names of their own")
    stages = {name: stage(name, entry, {*runs, *tables}, folder) for name, entry in tables.items()}
    graph = {name: set(s.inputs.values()) for name, s in stages.items()}
    try:
        order = [name for name in TopologicalSorter(graph).static_order() if name in stages]
    except CycleError as error:
        raise InputError(f"these stages wait for each other: {' -> '.join(error.args[1])}") from None
    return Campaign(str(table.get("title", "")), (*runs.values(), *(stages[name] for name in order)))


def _run(name: str, entry: Mapping[str, Any], folder: Path, overrides: Iterable[str]) -> Run:
    where = f"run.{name}"
    known = ("case", "set")
    for key in entry:
        if key not in known:
            raise InputError(f"unknown key '{where}.{key}'{plugin.nearest(key, known)}; there are: {', '.join(known)}")
    if "case" not in entry:
        raise InputError(f"key '{where}.case' is missing: the case to run")
    path = folder / entry["case"]
    changed = cases.with_overrides(cases.read_toml(path), entry.get("set", {}))
    return Run(name, cases.parse(cases.with_overrides(changed, overrides), path.resolve().parent), name)


def stage(name: str, entry: Mapping[str, Any], known: set[str], folder: Path) -> Stage:
    """The stage ``name`` from its table; ``known`` are the names that it may read, its files stand in ``folder``.

    Raises
    ------
    InputError
        No kind, an unknown one, an input that does not exist, or a wrong parameter.
    """
    asked = params.spec(entry, f"stage.{name}")
    module = plugin.load(STAGES, asked.kind)
    inputs, rest = {}, dict(asked.table)
    for key in module.INPUTS:
        if key not in rest:
            raise InputError(f"key 'stage.{name}.{key}' is missing: the run that stage {asked.kind!r} reads")
        inputs[key] = rest.pop(key)
        if inputs[key] not in known:
            hint = plugin.nearest(str(inputs[key]), known)
            raise InputError(f"'stage.{name}.{key}' names {inputs[key]!r}{hint}; there are: {', '.join(sorted(known))}")
    if "folder" in {field.name for field in dataclasses.fields(module.Params)}:
        rest["folder"] = str(folder / rest.get("folder", "."))
    return Stage(name, asked.kind, inputs, params.build(module.Params, rest, f"stage.{name}"))
