"""Meshes of a campaign that are refined where the error of other runs is: the maps of sizes, found when these runs are done.

A map is kept as ``sizes.json`` in the run's folder, with what it was found from, and found anew where that has changed.
"""

import dataclasses
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from jobs.campaign.runs import is_done
from pipeline.core import params, plugin
from pipeline.core.campaign import Campaign, Run
from pipeline.core.data import text_of
from pipeline.core.errors import InputError
from pipeline.core.provenance import code_of, hash_of
from pipeline.core.refine import with_sizes
from pipeline.core.sizes import as_table
from pipeline.store.writer import write_text

KEPT = "sizes.json"
CODE = (
    "pipeline/core/sizes.py",
    "pipeline/stages/decompose/indicator.py",
    "pipeline/stages/decompose/refinement.py",
    "pipeline/stages/decompose/kernels.py",
    "pipeline/stages/decompose/restriction.py",
)


def resolved(
    campaign: Campaign, folder: Path, comm: Any, waiting: Collection[str], *, keep: bool = True
) -> tuple[Campaign, dict[str, InputError]]:
    """``campaign`` with the meshes of the refined runs whose coarser runs are done in ``folder``, and are not ``waiting`` to be done again.

    Collective. Errors of maps that can't be found stand beside it, by the runs' names; ``keep`` writes the others.
    """
    if not any(run.refine for run in campaign.runs):
        return campaign, {}
    found: tuple[Campaign, dict[str, InputError]] = comm.broadcast(_resolved(campaign, folder, waiting, keep) if comm.rank == 0 else None)
    return found


def _resolved(campaign: Campaign, folder: Path, waiting: Collection[str], keep: bool) -> tuple[Campaign, dict[str, InputError]]:
    steps = {step.name: step for step in campaign.steps}
    failed: dict[str, InputError] = {}
    for run in campaign.runs:
        if run.refine is None:
            continue
        coarse = [one for one in (steps[name] for name in run.needs) if isinstance(one, Run)]
        ready = not any(one.pending or one.name in waiting or not is_done(folder / one.folder, one.case) for one in coarse)
        sizes = None
        if ready:
            try:
                sizes = _sizes(run, coarse, folder, keep)
            except InputError as error:
                failed[run.name] = InputError(f"run {run.name}: {error}")
        steps[run.name] = dataclasses.replace(run, case=with_sizes(run.case, sizes))
    return dataclasses.replace(campaign, steps=tuple(steps.values())), failed


def _sizes(run: Run, coarse: Collection[Run], folder: Path, keep: bool) -> Mapping[str, Any]:
    """The map of sizes of ``run``: the one that is kept, else a new one."""
    from pipeline.stages.decompose.refinement import wanted_sizes

    assert run.refine is not None
    keys = [json.loads((folder / one.folder / "summary.json").read_text(encoding="utf-8"))["key"] for one in coarse]
    size = _size(run)
    key = hash_of(json.dumps([keys, run.refine.error, size, code_of(*CODE)]))
    place = folder / run.folder / KEPT
    kept = json.loads(text_of(place) or "{}")
    if kept.get("key") == key:
        table: Mapping[str, Any] = kept["sizes"]
        return table
    wanted = wanted_sizes([folder / one.folder / "run.h5" for one in coarse], run.refine.error, size)
    facts = {name: getattr(wanted, name) for name in ("indicated", "kappa", "triangles")}
    table = as_table(wanted.sizes)
    if keep:
        place.parent.mkdir(parents=True, exist_ok=True)
        text = {"key": key, "from": [one.name for one in coarse], "error": run.refine.error, **facts, "sizes": table}
        write_text(place, json.dumps(text, indent=1) + "\n")
    return table


def _size(run: Run) -> float:
    """Edge length [m] of the mesh as the case has it, without the map."""
    mesh = params.build(plugin.load("meshes", run.case.mesh.kind).Params, run.case.mesh.table, "mesh")
    return float(mesh.size)


def words_on(run: Run, folder: Path) -> str:
    """The origin of the map of sizes of ``run``, in a line."""
    kept = json.loads(text_of(folder / run.folder / KEPT) or "{}")
    if not kept:
        return ""
    return (
        f"refined from {', '.join(kept['from'])}: {kept['from'][-1]} is {kept['indicated']:.2%} wrong (kappa {kept['kappa']:.2f}), "
        f"{kept['error']:.2%} takes about {kept['triangles']} triangles"
    )
