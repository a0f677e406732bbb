"""A campaign: runs and stages from one TOML file, ordered by the names they use.

    [run.truth]       case = "ks.toml"
    [run.model]       case = "ks.toml"   set = { "solver.hyperviscosity" = 0.0 }
    [stage.terms]     kind = "discover"  observed = "truth"  forecast = "model"

A sweep turns a run into many, ``model-000``, ``model-001``, ...: every combination of its values, the last key the fastest.

    [sweep]           "mesh.size" = [0.2, 0.1]   "solver.order" = [1, 2]     # every run that has no sweep of its own
    [run.truth.sweep]                                                         # none

A ``case`` is a file, or the case's own tables; ``folder`` is the place where its files are looked for, and ``alone`` says that the
run's files stand in the campaign's own folder. ``ranks`` is the most that a run can use, however many the command asks for. ``time``
and ``memory``, of a run or a stage, are limits of its job in SLURM. A key that may name a sweep may name a list of runs too. A run with
``refine`` is another's case on a mesh that is refined where the error is (`pipeline.core.refine`).

A stage module lists in ``INPUTS`` its keys that name runs (or stages), in ``MANY`` the keys among them that may name a sweep, and in
``WORDS`` words in place of a run; all other keys are its ``Params``. A stage that campaigns of earlier versions ask
for where they mean another one says so in ``moved(table, solvers)``: the `Spec` that is meant now, or None, by the table without its kind,
and the module of the solver behind each of its ``MODELS``.
"""

import dataclasses
import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pipeline.core import case as cases
from pipeline.core import params, plugin
from pipeline.core.case import Case
from pipeline.core.errors import InputError
from pipeline.core.overrides import check_quotes
from pipeline.core.refine import MAP, Refine, common_case
from pipeline.core.refine import asked as refinement_asked

REPORT = "report.html"  # the campaign's page, in its folder
STAGES = "pipeline.stages"
SOLVERS = "solvers"
JUDGE = params.Spec("validate", {})  # what a case with observations asks for
SECTIONS = ("title", "run", "stage", "sweep")
MOST_RUNS = 10_000  # of one sweep: more are taken for a slip of the keyboard
NAME = re.compile(r"\w[\w.+-]{0,99}")  # of a run or a stage: it becomes a folder, a job and a heading
LIMITS = {"time": "02:00:00", "memory": "8G"}  # of the job of a run or a stage, where it is one: key -> an example
TAKEN = ("jobs", "page", REPORT)  # in a campaign's folder, or among its jobs in SLURM


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the graph; ``folder`` is relative to the campaign's."""

    name: str
    case: Case
    folder: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # what a sweep set here
    max_ranks: int = 0  # 0: any number
    limits: Mapping[str, str] = dataclasses.field(default_factory=dict)  # time and memory of its job, where the file has them
    refine: Refine | None = None  # from which runs its mesh is made

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the runs whose results it reads: those from which its mesh is made."""
        return self.refine.runs if self.refine else ()

    @property
    def pending(self) -> bool:
        """Whether the runs from which its mesh is made are not done: its case has no map of sizes yet."""
        return self.refine is not None and MAP not in self.case.mesh.table

    def ranks(self, asked: int) -> int:
        """The number of ranks that it runs on where ``asked`` are to be had."""
        return min(asked, self.max_ranks) if self.max_ranks else asked


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the graph and the names of its inputs."""

    name: str
    kind: str
    inputs: Mapping[str, tuple[str, ...]]  # the stage's key -> names of runs or stages; of several where it names a sweep
    words: Mapping[str, str]  # the stage's key -> a word that stands for something else
    params: Any
    limits: Mapping[str, str] = dataclasses.field(default_factory=dict)  # as a run's

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the runs and stages whose results it reads."""
        return tuple(dict.fromkeys(name for names in self.inputs.values() for name in names))

    @property
    def names(self) -> list[str]:
        """Names of the runs and stages that it reads, and its words."""
        return [*(name for names in self.inputs.values() for name in names), *self.words.values()]


@dataclass(frozen=True, slots=True)
class Campaign:
    """The graph, in an order in which it can be done."""

    title: str
    steps: tuple[Run | Stage, ...]
    notes: tuple[str, ...] = ()  # on what is written as in an earlier version, and taken as it is now

    @property
    def runs(self) -> list[Run]:
        return [step for step in self.steps if isinstance(step, Run)]

    @property
    def stages(self) -> list[Stage]:
        return [step for step in self.steps if isinstance(step, Stage)]

    def after(self, names: Iterable[str]) -> set[str]:
        """The steps ``names`` and all that read their results, directly or through others."""
        found = set(names)
        for step in self.steps:  # in an order in which they can be done
            if any(name in found for name in step.needs):
                found.add(step.name)
        return found


def read(path: Path, overrides: Iterable[str] = ()) -> Campaign:
    """Read the case or campaign at ``path``.

    A case is a campaign of one run, with the stage `JUDGE` where it has observations.

    Parameters
    ----------
    path
        The file.
    overrides
        Texts ``key.path=value``, which change the case, or every case of a campaign.

    Returns
    -------
    Campaign
        Runs and stages in an order in which they can be done.

    Raises
    ------
    InputError
        Anything in the file, or in a case that it names, is wrong.

    Examples
    --------
    >>> campaign = read(Path("runs/ks/case.toml"))
    >>> [run.name for run in campaign.runs], campaign.stages
    (['case'], [])
    """
    table = cases.read_toml(path)
    overrides = list(overrides)
    if "run" in table or "stage" in table:
        return parse(table, path.resolve().parent, overrides)
    case = cases.read(path, overrides)
    name = name_of(path)
    steps: list[Run | Stage] = [Run(name, case, ".")]
    if case.observed:
        steps.append(stage(JUDGE.kind, params.Spec(JUDGE.kind, {"run": name}), {name: (name,)}, case.folder))
    return Campaign(case.title or name, tuple(steps))


def parse(table: Mapping[str, Any], folder: Path, overrides: Iterable[str] = ()) -> Campaign:
    """The campaign in ``table``; cases are looked for in ``folder`` (see `read`)."""
    for key in table:
        if key not in SECTIONS:
            raise InputError(f"unknown section '{key}'{plugin.nearest(key, SECTIONS)}; there are: {', '.join(SECTIONS)}")
    entries, tables = (params.table_of(table.get(key, {}), key) for key in ("run", "stage"))
    for name in (*entries, *tables):
        _check_name(name)
    whole = {name: entry for name, entry in entries.items() if "refine" not in params.table_of(entry, f"run.{name}")}
    runs = {name: _runs(name, entry, folder, overrides, table.get("sweep", {})) for name, entry in whole.items()}
    runs |= _refined({name: entry for name, entry in entries.items() if name not in whole}, runs)
    known = _known(runs, tables)
    asked = {name: params.spec(entry, f"stage.{name}") for name, entry in tables.items()}
    meant = {name: _moved(one, asked, runs) or one for name, one in asked.items()}
    notes = {
        name: f'[stage.{name}]: kind = "{asked[name].kind}" of such a model is kind = "{one.kind}" now; taken as such'
        for name, one in meant.items()
        if one.kind != asked[name].kind
    }
    stages = []
    for name, one in meant.items():
        try:
            stages.append(stage(name, one, known, folder))
        except InputError as error:
            raise InputError("; ".join([str(error), *([notes[name]] if name in notes else [])])) from None
    steps: tuple[Run | Stage, ...] = (*(run for some in runs.values() for run in some), *_ordered(stages))
    return Campaign(params.label_of(table.get("title", ""), "title"), steps, tuple(notes.values()))


def _refined(entries: Mapping[str, Mapping[str, Any]], runs: Mapping[str, Sequence[Run]]) -> dict[str, list[Run]]:
    """The runs ``entries`` that are refined from ``runs`` or from each other, in an order in which they can be done."""
    asked = {name: refinement_asked(entry, f"run.{name}") for name, entry in entries.items()}
    try:
        order = list(TopologicalSorter({name: [one for one in names if one in asked] for name, (names, _) in asked.items()}).static_order())
    except CycleError as error:
        raise InputError(f"these runs wait for each other: {' -> '.join(error.args[1])}") from None
    known = {run.name: [run] for some in runs.values() for run in some} | {name: list(some) for name, some in runs.items()}
    found: dict[str, list[Run]] = {}
    for name in order:
        where, (names, wanted) = f"run.{name}", asked[name]
        for one in names:
            if one not in known:
                there = sorted(known)
                raise InputError(f"'{where}.refine.run' names {one!r}{plugin.nearest(one, there)}; there are: {', '.join(there)}")
        coarse = [run for one in names for run in known[one]]
        read = tuple(dict.fromkeys(one for run in coarse for one in (*run.needs, run.name)))
        case = common_case([(run.name, run.case) for run in coarse], where)
        most, limits = _most_ranks(entries[name], where), _limits(entries[name], where)
        known[name] = found[name] = [Run(name, case, name, {}, most, limits, Refine(read, wanted))]
    return found


def _moved(asked: params.Spec, stages: Mapping[str, params.Spec], runs: Mapping[str, Sequence[Run]]) -> params.Spec | None:
    """The stage that is meant by one ``asked`` for as in an earlier version; None where that is the one it is."""
    module = plugin.load(STAGES, asked.kind)
    if not hasattr(module, "moved"):
        return None
    behind = {key: _behind(asked.table.get(key), stages, runs) for key in module.MODELS}
    there = plugin.kinds(SOLVERS)  # a case that names none is refused as a run's
    solvers = {key: plugin.load(SOLVERS, run.case.solver.kind) for key, run in behind.items() if run and run.case.solver.kind in there}
    found: params.Spec | None = module.moved(asked.table, solvers) if len(solvers) == len(behind) else None
    return found


def _behind(name: Any, stages: Mapping[str, params.Spec], runs: Mapping[str, Sequence[Run]]) -> Run | None:
    """The run ``name``, or the run whose archive the stage of that name makes; None where there is none."""
    for _ in stages:
        if not isinstance(name, str) or name not in stages:
            break
        one = stages[name]
        name = one.table.get(next(iter(plugin.load(STAGES, one.kind).INPUTS), ""))
    return next((run for key, some in runs.items() for run in some if name in (key, run.name)), None)


def _known(runs: Mapping[str, Sequence[Run]], tables: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Names that a stage may read, with the runs or the stage each stands for: ``runs`` by the name of their entry, and ``tables``."""
    for name in tables:
        if name in runs:
            raise InputError(f"'{name}' is both a run and a stage: they need names of their own")
    alone = {name: (name,) for name in (*(run.name for some in runs.values() for run in some), *tables)}
    return alone | {name: tuple(run.name for run in some) for name, some in runs.items()}


def _ordered(stages: Sequence[Stage]) -> list[Stage]:
    """The ``stages`` in an order in which they can be done."""
    by_name = {one.name: one for one in stages}
    try:
        order = TopologicalSorter({one.name: one.needs for one in stages}).static_order()
        return [by_name[name] for name in order if name in by_name]
    except CycleError as error:
        raise InputError(f"these stages wait for each other: {' -> '.join(error.args[1])}") from None


def name_of(path: Path) -> str:
    """The name of the run that the case at ``path`` makes: that of the file, with _ for signs not allowed in a run's name."""
    name = re.sub(r"[^\w.+-]", "_", path.stem)[:100]
    return name if NAME.fullmatch(name) and name not in TAKEN else f"run_{name}"[:100]


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name) or name in TAKEN:
        raise InputError(
            f"{name!r} can't be the name of a run or a stage: letters, digits, _, ., + and -, at most 100, and not {', '.join(TAKEN)}"
        )


def _runs(name: str, entry: Mapping[str, Any], folder: Path, overrides: Iterable[str], common: Mapping[str, Any]) -> list[Run]:
    """The run ``name``, or the runs that its sweep makes of it; ``common`` is the campaign's own sweep."""
    where = f"run.{name}"
    _check_entry(entry, where)
    table, place = _case(entry["case"], folder, f"{where}.case")
    place = folder / params.text_of(entry["folder"], f"{where}.folder") if "folder" in entry else place
    settings = params.table_of(entry.get("set", {}), f"{where}.set")
    check_quotes(table, settings, f"{where}.set")
    changed = cases.with_overrides(table, settings)
    limits = _limits(entry, where)
    combinations = _combinations(entry.get("sweep", common), f"{where}.sweep" if "sweep" in entry else "sweep")
    found = []
    for i, settings in enumerate(combinations):
        one = f"{name}-{i:03d}" if settings else name
        table = cases.with_overrides(cases.with_overrides(changed, settings), overrides, place)
        try:
            case = cases.parse(table, place)
        except InputError as error:
            raise InputError(f"run {one}: {error}") from None
        found.append(Run(one, case, "." if entry.get("alone") else one, settings, entry.get("ranks", 0), limits))
    return found


def _check_entry(entry: Mapping[str, Any], where: str) -> None:
    """Refuse unknown keys of a run's ``entry``, one without a case, and a wrong number of ranks."""
    known = ("case", "set", "sweep", "folder", "alone", "ranks", "refine", *LIMITS)
    for key in params.table_of(entry, where):
        if key not in known:
            raise InputError(f"unknown key '{where}.{key}'{plugin.nearest(key, known)}; there are: {', '.join(known)}")
    if "case" not in entry:
        raise InputError(f"key '{where}.case' is missing: the case to run")
    _most_ranks(entry, where)


def _most_ranks(entry: Mapping[str, Any], where: str) -> int:
    """The most ranks that the run ``entry`` can use; 0: any number."""
    most = entry.get("ranks", 1)
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise InputError(f"'{where}.ranks' is {most!r}; it must be a whole number from 1: the most ranks that the run can use")
    return most if "ranks" in entry else 0


def _limits(entry: Mapping[str, Any], where: str) -> dict[str, str]:
    """The limits of a job in ``entry``, as text; a number is minutes, or MiB."""
    found = {key: entry[key] for key in LIMITS if key in entry}
    for key, value in found.items():
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise InputError(f"'{where}.{key}' is {value!r}; it must be as sbatch takes it, such as {LIMITS[key]!r}")
    return {key: str(value) for key, value in found.items()}


def _case(case: Any, folder: Path, where: str) -> tuple[dict[str, Any], Path]:
    """The tables of a case that stands in ``folder`` or in the campaign itself, and where its files are looked for."""
    if isinstance(case, Mapping):
        return dict(case), folder
    case = params.text_of(case, where)
    return cases.read_toml(folder / case), (folder / case).resolve().parent


def _combinations(sweep: Any, where: str) -> list[dict[str, Any]]:
    """Every combination of the sweep's values; one without any setting where it is empty."""
    if not isinstance(sweep, Mapping):
        raise InputError(f"'{where}' is {sweep!r}; it must be a table, such as \"mesh.size\" = [0.2, 0.1]")
    for key, values in sweep.items():
        if not isinstance(values, list) or not values:
            hint = f'; write "{key}.{next(iter(values))}" with its quotation marks' if isinstance(values, Mapping) and values else ""
            raise InputError(f"'{where}.{key}' is {values!r}; it must be a list of values{hint}")
    if math.prod(map(len, sweep.values())) > MOST_RUNS:
        raise InputError(f"'{where}' makes more than {MOST_RUNS:,} runs")
    return [dict(zip(sweep, values, strict=True)) for values in itertools.product(*sweep.values())]


def stage(name: str, asked: params.Spec, known: Mapping[str, tuple[str, ...]], folder: Path) -> Stage:
    """The stage ``name`` that is ``asked`` for; ``known`` are the names that it may read and the runs each stands for.

    Raises
    ------
    InputError
        An unknown kind, an input that does not exist, or a wrong parameter.
    """
    module = plugin.load(STAGES, asked.kind)
    limits = _limits(asked.table, f"stage.{name}")
    rest = {key: value for key, value in asked.table.items() if key not in limits}
    inputs: dict[str, tuple[str, ...]] = {}
    words: dict[str, str] = {}
    for key in module.INPUTS:
        if key not in rest:
            raise InputError(f"key 'stage.{name}.{key}' is missing: the run that stage {asked.kind!r} reads")
        value = rest.pop(key)
        its_words = getattr(module, "WORDS", {}).get(key, ())
        if isinstance(value, str) and value in its_words:
            words[key] = value
        else:
            inputs[key] = _input(value, f"stage.{name}.{key}", known, its_words, asked.kind, many=key in getattr(module, "MANY", ()))
    if "folder" in {field.name for field in dataclasses.fields(module.Params)}:
        rest["folder"] = str(folder / params.text_of(rest.get("folder", "."), f"stage.{name}.folder"))
    return Stage(name, asked.kind, inputs, words, params.build(module.Params, rest, f"stage.{name}"), limits)


def _input(value: Any, where: str, known: Mapping[str, tuple[str, ...]], words: Iterable[str], kind: str, *, many: bool) -> tuple[str, ...]:
    """Names of the runs or stages in the ``value`` of a stage's key: a single name, or ``many``; refuses names that are not ``known``."""
    if many and isinstance(value, list) and value and all(isinstance(one, str) and one in known for one in value):
        return tuple(one for name in value for one in known[name])
    if not isinstance(value, str) or value not in known:
        there = sorted([*known, *words])
        raise InputError(f"'{where}' names {value!r}{plugin.nearest(str(value), there)}; there are: {', '.join(there)}")
    if len(known[value]) > 1 and not many:
        raise InputError(f"'{where}' names a sweep of {len(known[value])} runs, {value!r}; stage {kind!r} reads one there")
    return known[value]
