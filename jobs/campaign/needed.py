"""The files that a campaign needs: rasters, series, observations. They are looked for, and fetched, before anything is computed.

A case names files by keys ``file``, at any depth of its mesh and its solver; a mesh or a solver that reads files has a function
``look_into_files(params, case)``, which refuses what is wrong in them. A stage that reads files has a function
``look_for_files(cases, words, params)``: the cases of the runs behind each of its inputs, the words in place of runs, its parameters.
"""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from jobs.campaign.runs import is_done
from jobs.campaign.stages import to_do
from pipeline.core import campaign as campaigns
from pipeline.core import params, plugin
from pipeline.core.campaign import Campaign, Run, Stage
from pipeline.core.case import Case
from pipeline.core.data import find_here, locate_file
from pipeline.core.errors import InputError
from pipeline.core.provenance import named


def look_for_files(campaign: Campaign, folder: Path, forced: Collection[str], only: str = "", *, into: bool = False) -> None:
    """Refuse missing files of a step of ``campaign``, unless it is done in ``folder``; fetch files that can be fetched.

    ``into`` asks for a look into the files too, where nothing is run now.

    Raises
    ------
    InputError
        Files are missing or observations are wrong: each with the run or stage that needs it.
    """
    wanted = [step for step in campaign.steps if only in ("", step.name)]
    faults: dict[str, list[str]] = {}
    runs = [run for run in campaign.runs if run in wanted]
    found = [*_of_runs(runs, folder, forced), *_of_stages(campaign, wanted, folder, forced)]
    if into and not found:
        found += _in_files([run for run in runs if run.name in forced or not is_done(folder / run.folder, run.case)])
    for who, fault in found:
        faults.setdefault(fault, []).append(who)
    if faults:
        raise InputError("; ".join(f"{_listed(names)}: {fault}" for fault, names in faults.items()))


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _of_runs(runs: list[Run], folder: Path, forced: Collection[str]) -> Iterator[tuple[str, str]]:
    """(run, fault) of each file that a run needs and does not have."""
    here: dict[tuple[str, Path], bool] = {}  # a sweep's runs name the same files
    for run in runs:
        for name in dict.fromkeys((*named(run.case.mesh.table), *named(run.case.solver.table))):
            place = (name, run.case.folder)
            if place not in here:
                here[place] = find_here(*place) is not None
            if here[place] or (run.name not in forced and is_done(folder / run.folder, run.case)):
                continue
            try:
                here[place] = bool(locate_file(*place))
            except InputError as error:
                yield f"run {run.name}", str(error)


def _in_files(runs: list[Run]) -> Iterator[tuple[str, str]]:
    """(run, fault) of each run that can't read a file; files that several runs name are read once."""
    seen = set()
    for run in runs:
        for group, asked in (("meshes", run.case.mesh), ("solvers", run.case.solver)):
            files = (group, asked.kind, *named(asked.table), run.case.folder)
            module = plugin.load(group, asked.kind)
            look = getattr(module, "look_into_files", None)
            if look is None or len(files) == 3 or files in seen:
                continue
            seen.add(files)
            try:
                look(params.build(module.Params, asked.table, "mesh" if group == "meshes" else "solver"), run.case)
            except InputError as error:
                yield f"run {run.name}", str(error)


def _of_stages(campaign: Campaign, wanted: list[Run | Stage], folder: Path, forced: Collection[str]) -> Iterator[tuple[str, str]]:
    """(stage, fault) of each stage whose observations are missing or wrong."""
    for stage in campaign.stages:
        look = getattr(plugin.load(campaigns.STAGES, stage.kind), "look_for_files", None)
        if look is None or stage not in wanted:
            continue
        cases = {key: _cases(campaign, names) for key, names in stage.inputs.items()}
        try:
            look(cases, stage.words, stage.params)
        except InputError as error:
            if to_do(campaign, [stage], folder, forced) or not all(
                is_done(folder / run.folder, run.case) for run in _runs(campaign, stage)
            ):
                yield f"stage {stage.name}", str(error)


def _cases(campaign: Campaign, names: Iterable[str]) -> list[Case]:
    return [run.case for name in names for run in _runs(campaign, _step(campaign, name))]


def _runs(campaign: Campaign, step: Run | Stage) -> list[Run]:
    """The run that ``step`` is, or the runs that it reads, directly or through other stages."""
    if isinstance(step, Run):
        return [step]
    return [run for names in step.inputs.values() for name in names for run in _runs(campaign, _step(campaign, name))]


def _step(campaign: Campaign, name: str) -> Run | Stage:
    return next(step for step in campaign.steps if step.name == name)
