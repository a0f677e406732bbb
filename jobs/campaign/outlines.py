"""Refuse, before anything is computed, runs that a stage of a campaign can't read: each pair of stage and solver."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from jobs.campaign.stages import refuse_unchangeable, to_do
from pipeline.core import campaign as campaigns
from pipeline.core import params, plugin
from pipeline.core.campaign import Campaign, Run, Stage
from pipeline.core.case import Case
from pipeline.core.errors import InputError
from pipeline.core.gauge_table import check_fields
from pipeline.core.outline import Outline, Stored

MESHES_KEPT = 4  # a campaign's runs often stand on the same


def refuse_unfit(campaign: Campaign, folder: Path, forced: Collection[str], only: str = "") -> None:
    """Refuse steps of ``campaign`` that can't be done, unless they are done in ``folder``.

    Raises
    ------
    InputError
        A solver on a mesh that it can't stand on, a run that a stage does not know how to read: says which.
    """
    steps: dict[str, Run | Stage] = {step.name: step for step in campaign.steps}
    for step in campaign.steps:
        if only not in ("", step.name):
            continue
        if isinstance(step, Run):
            outline_of(step)
            continue
        module = plugin.load(campaigns.STAGES, step.kind)
        if not (hasattr(module, "check") or hasattr(module, "MODELS")) or not to_do(campaign, [step], folder, forced):
            continue
        try:
            outlines = {key: [_behind(step, key, name, steps) for name in names] for key, names in step.inputs.items()}
            for key, function in getattr(module, "MODELS", {}).items():
                refuse_unchangeable(outlines[key][0].case.solver.kind, function)
            if hasattr(module, "check"):
                module.check(outlines, step.words, step.params)
        except InputError as error:
            raise InputError(f"stage {step.name}: {error}") from None


def _behind(stage: Stage, key: str, name: str, steps: Mapping[str, Run | Stage]) -> Outline:
    """The outline of the run ``name``, or of the run that the stage of that name makes an archive of."""
    step = steps[name]
    if isinstance(step, Run):
        return outline_of(step)
    module = plugin.load(campaigns.STAGES, step.kind)
    if not hasattr(module, "RUN_FILE"):
        raise InputError(f"'{key}' names {name!r}, a stage {step.kind!r}, which makes no run")
    read = module.INPUTS[0]
    return replace(_behind(stage, read, step.inputs[read][0], steps), name=name)


def outline_of(run: Run) -> Outline:
    """The `Outline` of a run.

    Raises
    ------
    InputError
        Its mesh's or its solver's table is wrong, or the solver can't stand on the mesh or has no gauges.
    """
    case = run.case
    mesh, solver = plugin.load("meshes", case.mesh.kind), plugin.load("solvers", case.solver.kind)
    mesh_params = params.build(mesh.Params, case.mesh.table, "mesh")
    solver_params = params.build(solver.Params, case.solver.table, "solver")
    kind = getattr(mesh, "kind_of", lambda params: "triangles")(mesh_params)
    stored = getattr(solver, "stored", lambda params, mesh: Stored(()))(solver_params, kind)
    if case.gauges and not stored.gauges and stored.fields:
        raise InputError(f"solver {case.solver.kind!r} has no gauges: its fields hold every point")
    if stored.gauge_fields:
        check_fields(case.sampling, stored.gauge_fields)
    arrays = partial(_arrays, case.mesh.kind, json.dumps(case.mesh.table, sort_keys=True), str(case.folder))
    even = getattr(mesh, "has_even_bed", lambda params: False)(mesh_params)
    return Outline(run.name, case, kind, stored, arrays, partial(_check_exact, case, solver, solver_params, arrays, even))


@lru_cache(maxsize=MESHES_KEPT)
def _arrays(kind: str, table: str, folder: str) -> Mapping[str, Any]:
    """The arrays of a mesh, which is built for that."""
    module = plugin.load("meshes", kind)
    found: Mapping[str, Any] = module.build(params.build(module.Params, json.loads(table), "mesh"), folder=Path(folder)).arrays()
    return found


def _check_exact(case: Case, solver: Any, solver_params: Any, arrays: Callable[[], Mapping[str, Any]], even: bool) -> None:
    """`InputError` where a run of ``case`` has no exact solution."""
    if not hasattr(solver, "write_exact"):
        raise InputError(f"solver {case.solver.kind!r} has no exact solutions: take a finer run as the reference")
    if getattr(plugin.load("meshes", case.mesh.kind), "ON_THE_SPHERE", False):
        raise InputError("there are no exact solutions on the sphere: take a finer run as the reference")
    check = getattr(solver, "check_exact", None)
    if check is not None:
        check(solver_params, (lambda: None) if even else (lambda: arrays()["bed"]))
