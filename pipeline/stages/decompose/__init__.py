"""Decompose: how wrong a run is, split into dissipation (amplitude) and dispersion (phase), by scale, beside its cost.

    MSE = (mean_n - mean_r)^2 + (s_n - s_r)^2 + 2 (1 - rho) s_n s_r

over gauges, whole fields, frequencies and wavenumbers; then the shift that takes most of the error away, and, where the run is a
plane wave, the scheme's own phase speed and damping. D. Giles, E. Kashdan, D. M. Salmanidou, S. Guillas, F. Dias, Computers and
Fluids (2020), ask this of a tsunami code; the sources of each measure stand in its module.

A reference is the exact solution of the run's case, a finer run, or observations.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.answers import Answer
from pipeline.core.case import Case
from pipeline.core.errors import InputError
from pipeline.core.outline import Outline
from pipeline.core.params import quantity, setting
from pipeline.core.plugin import late
from pipeline.stages.core import comparison  # not its `compare`: a module here has that name
from pipeline.stages.core.comparison import above, refuse_window, still_level
from pipeline.stages.core.observations import look_for_series, observed_by
from pipeline.stages.core.samples import Series, cubic
from pipeline.stages.decompose.bands import CONFIDENCE, band
from pipeline.stages.decompose.budget import budget, sentences
from pipeline.stages.decompose.budget_answer import answer_of
from pipeline.stages.decompose.compare import in_time
from pipeline.stages.decompose.gauges import NothingToCompareError, decompose_series, nothing, together
from pipeline.stages.decompose.moments import Sums, moments
from pipeline.stages.decompose.pairs import SURFACE, Pair, check_field, check_pair, field_of, pair, raised_level, spacing
from pipeline.stages.decompose.references import on_the_mesh_of
from pipeline.stages.decompose.space import in_space
from pipeline.stages.decompose.tables import Table, field_tables
from pipeline.stages.decompose.waves import modified_equations, plane_wave
from pipeline.store.reader import Store
from pipeline.store.writer import write_result

Array = np.ndarray[Any, np.dtype[Any]]
Tables = dict[str, Table]
Window = tuple[float, float] | None

SMALL = 2**24  # [B] to read: less is done in the command's own process
INPUTS = ("runs", "reference")
MEMORY = (0.0, 100.0, 0.0)  # [B] a cell: shared on a node, on each worker, spread over all
MANY = ("runs",)
WORDS = {"reference": ("exact", "observed")}


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters of the stage."""

    field: str = setting("the field that is compared; unset: the free surface, in a box u", default="")
    wet: float = quantity("m", "a place with less water than this, in either, does not count", default=1e-3, low=0.0)
    window: tuple[float, float] | None = setting("times [s] between which gauges are compared; unset: all that both have", default=None)
    raster: int = setting("most pixels along a side, for wavenumbers and shifts", default=256)
    resamples: int = setting("bootstrap samples of the confidence bands", default=200)
    seed: int = setting("seed of the bootstrap", default=0)
    folder: str = setting("files of the observations are looked for here first", default=".")


def look_for_files(cases: Mapping[str, list[Case]], words: Mapping[str, str], params: Params) -> None:
    """Refuse missing files before anything is computed."""
    for case in cases["runs"] if words.get("reference") == "observed" else ():
        look_for_series(case, Path(params.folder), needed=True)


def check(inputs: Mapping[str, list[Outline]], words: Mapping[str, str], params: Params) -> None:
    """Refuse runs that can't be compared before anything is computed (see `pipeline.core.outline`)."""
    word = words.get("reference")
    for run in inputs["runs"]:
        refuse_window(params.window, run.case.time.end, "window")
        if word == "observed":
            observed = observed_by(run.case.observed, run.case.gauges, f"the case of {run.name!r}")
            refuse_window(observed.window, run.case.time.end, "observed.window")
            continue
        check_field(run, params.field)
        if word == "exact":
            run.check_exact()
    for reference in inputs.get("reference", ()):
        check_field(reference, params.field)
        for run in inputs["runs"]:
            if run.name != reference.name:
                check_pair(run, reference)


def run(inputs: Mapping[str, Any], params: Params, client: Any, folder: Path) -> dict[str, Any]:
    """Part the errors of runs into dissipation and dispersion; writes ``result.h5``.

    The parts are as in L. L. Takacs (1985), see `pipeline.stages.decompose.moments`; docs/decompose.md has the method.

    Parameters
    ----------
    inputs
        ``runs``: the runs' files; ``reference``: the file of a finer run, a list of files (one for each run, on its mesh), or "observed".
    params
        The stage's table in the campaign.
    client
        A Dask client.
    folder
        The stage's own folder.

    Returns
    -------
    dict[str, Any]
        ``runs``, by name: ``case``, ``cells``, ``size`` [m], ``ranks``, ``core_s`` [s], ``bytes``; ``gauges`` and ``fields`` with the
        parts of the mean square error and their shares of it; ``travel`` where the run is a plane wave. ``budget`` and ``sentences``
        stand beside them.

    Raises
    ------
    InputError
        Runs that cannot be compared: the message says why.

    Examples
    --------
    A line of 64 points with steps of 0.05, beside the same line with steps of 0.025:

    >>> from dask.distributed import Client
    >>> inputs = {"runs": [Path("runs/ks/run.h5")], "reference": Path("runs/fine/run.h5")}
    >>> with Client(processes=False, n_workers=1, dashboard_address=None) as client:
    ...     result = run(inputs, Params(), client, Path("runs"))
    >>> sorted(result["runs"]["ks"]["fields"]["relative"])
    ['high', 'low', 'value']
    """
    reference, field = inputs["reference"], params.field or SURFACE
    found: dict[str, Any] = {}
    tables: Tables = {}
    for i, path in enumerate(inputs["runs"]):
        if path == reference and len(inputs["runs"]) > 1:
            continue  # the finest of a sweep is what the others are compared with
        with Store(path) as store:
            refuse_window(params.window, float(store.times[-1]), "window")
            facts = _facts(path, store)
            if reference == "observed":
                parts = _beside_observations(store, path.parent.name, params, tables)
            else:
                field = field_of(store, params.field)
                other = reference[i] if isinstance(reference, list) else reference
                parts = _beside_run(store, other, path.parent.name, field, params, client, folder, tables)
            found[path.parent.name] = facts | parts
    result = {"field": field, "reference": _label(reference), "confidence": CONFIDENCE, "params": asdict(params), "runs": found}
    result["modified_equation"] = modified_equations(found)
    result |= _budget(found, tables) if reference == "observed" else {"budget": None, "sentences": _sentences(found)}
    write_result(folder / "result.h5", tables, {"stage": "decompose", "reference": result["reference"]})
    return result


def _beside_run(
    store: Store, other: Path, name: str, field: str, params: Params, client: Any, folder: Path, tables: Tables
) -> dict[str, Any]:
    """Gauges and fields of the run ``name`` beside the run or the exact solution in the file ``other``."""
    with Store(other) as whole, on_the_mesh_of(store, whole, field, params.wet, client, folder / f"{name}-reference.h5") as same:
        gauges = _gauges(_stored(store), _stored(whole), name, params.window, params, tables)
        both = pair(field, store, same, params.wet, raised_level(store, whole, field))
        return {"gauges": gauges, "notes": _ends(whole, float(store.times[-1])), **_fields(both, name, params, client, tables)}


def _ends(reference: Store, last: float) -> list[str]:
    """Whether an exact solution ends before the run's ``last`` frame [s], and why."""
    why = str(reference.attrs.get("exact_ends", ""))
    until = float(reference.times[-1])
    return [f"compared until t = {until:g} s of {last:g} s: {why}, so the exact solution holds no longer"] if why else []


def _budget(runs: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
    """The mesh's part of the misfit, from the three finest of the runs; empty where there are not three resolutions."""
    names = sorted(runs, key=lambda name: -runs[name]["size"])[-3:]
    sizes = [runs[name]["size"] for name in names]
    if len(set(sizes)) < 3:
        return {"budget": None, "sentences": ["Three resolutions are needed to tell the mesh's part from the model's."]}
    known = [{gauge for gauge, g in runs[name]["gauges"].items() if g["samples"]} for name in names]
    found = {}
    for gauge in runs[names[-1]]["gauges"]:
        if not all(gauge in some for some in known):
            continue
        series = [tables[f"runs/{name}/gauges/{gauge}/series"] for name in names]
        times = series[-1]["time"][0]
        even = [cubic(Series(s["time"][0], s["number"][0]))(times) for s in series]
        part = budget(even, sizes, series[-1]["reference"][0])
        if part is not None:
            found[gauge] = part
    if not found:
        return {"budget": None, "sentences": ["No gauge has samples of all three resolutions and of an observation that changes."]}
    return {"budget": found, "sentences": sentences(found, sizes[-1])}


def _sentences(runs: Mapping[str, Any]) -> list[str]:
    """The best run's error, in words."""
    known = {name: f["fields"] for name, f in runs.items() if f.get("fields", {}).get("relative", {}).get("value") is not None}
    if not known:
        return []
    best = min(known, key=lambda name: known[name]["relative"]["value"])
    fields, share = known[best], known[best]["phase_share"] or 0.0
    kind = "dispersion: waves come at the wrong time" if share > 0.5 else "dissipation: waves have the wrong height"
    return [f"The best run, {best}, is {fields['relative']['value']:.2%} wrong; {share:.0%} of that is phase, so mostly {kind}."]


def _label(reference: Any) -> str:
    return "exact" if isinstance(reference, list) else reference if isinstance(reference, str) else f"run {reference.parent.name}"


def _facts(path: Path, store: Store) -> dict[str, Any]:
    """Facts of the run, and its cost."""
    summary = json.loads(path.with_name("summary.json").read_text(encoding="utf-8"))
    table = tomllib.loads(str(store.attrs["case"]))
    return {
        "case": table,
        "cells": summary["cells"],
        "mesh": store.mesh_kind,
        "size": spacing(store),
        "ranks": summary["ranks"],
        "core_s": summary["core_s"],
        "wall_s": summary["wall_s"],
        "bytes": path.stat().st_size,
    }


def _stored(store: Store) -> dict[str, Series]:
    """The gauges of a run: heights above its still level."""
    level = still_level(str(store.attrs["case"]))
    return {name: above(store, name, level) for name in store.gauges}


def _beside_observations(store: Store, run: str, params: Params, tables: Tables) -> dict[str, Any]:
    """``gauges``: the run's series beside the measured, where they are judged, on the run's clock; ``notes`` on the file."""
    both = comparison.compare(store, params.folder)
    observed = both.observed
    if not observed.series:
        raise InputError(f"the case of {store.path} has no observed series: [observed] series")
    judged = {name: one for name, one in both.measured.items() if not observed.judge or name in observed.judge}
    if both.unset:
        return {"gauges": {name: nothing(both.unset) for name in judged}, "notes": list(both.notes)}
    window = params.window or observed.window
    low, high = window or (-np.inf, np.inf)
    measured = {name: one.between(low, high) for name, one in judged.items()}
    return {"gauges": _gauges(both.computed, measured, run, window, params, tables), "notes": list(both.notes)}


def _gauges(
    numbers: Mapping[str, Series], references: Mapping[str, Series], run: str, window: Window, params: Params, tables: Tables
) -> dict[str, Any]:
    """Measures of the gauges that both have; their curves go into ``tables``."""
    found = {}
    for name in (name for name in references if name in numbers):
        try:
            clock, n, r, notes = together(name, numbers[name], references[name], window)
        except NothingToCompareError as error:
            found[name] = nothing(str(error).removeprefix(f"gauge {name!r}: "))
            continue
        found[name], shown = decompose_series(clock, n, r, resamples=params.resamples, seed=params.seed)
        found[name]["notes"] = [*notes, *([found[name]["note"]] if "note" in found[name] else [])]
        tables |= {f"runs/{run}/gauges/{name}/{kind}": table for kind, table in shown.items()}
    return found


def _fields(both: Pair, run: str, params: Params, client: Any, tables: Tables) -> dict[str, Any]:
    """Measures of whole fields; frames, cells, frequencies and wavenumbers go into ``tables``."""
    times = both.times
    if len(times) < 2:
        raise InputError(f"a single frame in common of {both.run.path} and {both.reference.path}: its error has no course in time")
    drawn = {"resamples": params.resamples, "seed": params.seed}
    time = in_time(both, client, **drawn)
    wave = plane_wave(both.run) if both.kind == "triangles" else None
    space = in_space(both, client, most=params.raster, wave=None if wave is None else wave.vector, **drawn)
    if not (time.frames.count > 0).any():
        raise InputError(f"no cell of {both.run.path} and {both.reference.path} has water, or a value, in both: nothing is compared")
    tables |= {f"runs/{run}/{name}": table for name, table in field_tables(both, time, space).items()}
    found: dict[str, Any] = {"fields": _whole(time.frames, params)}
    found["fields"] |= {
        "frames": len(times),
        "masked": float(1.0 - time.frames.count.sum() / (len(times) * both.cells)),
        "missing": time.missing,
        "shift_removes": _ratio(np.nansum(space.before - space.after), np.nansum(space.before)),
        "mean_shift": _mean_shift(space.distance, drawn),
    }
    if wave is not None and len(times) > 2:
        found["travel"] = wave.travel(both, space.wave[:, 0])
    return found


def _mean_shift(distance: Array, drawn: Mapping[str, int]) -> dict[str, float] | None:
    """Mean ``distance`` (F,) between the run and its reference over the frames, with its band; None where nothing moves."""
    distance = distance[np.isfinite(distance)]
    if not len(distance):
        return None
    low, high = band(lambda places: distance[places].mean(), len(distance), **drawn)
    return {"value": float(distance.mean()), "low": float(low), "high": float(high)}


def _whole(frames: Sums, params: Params) -> dict[str, Any]:
    """The parts of the error over all frames: means of the frames' parts, relative to the reference's mean square about its level."""

    def measure(places: Array) -> Array:
        some = moments(Sums(*(getattr(frames, name)[places] for name in ("weight", "count", "mean_d", "mean_r", "dd", "rr", "dr"))))
        weight = frames.weight[places]
        mean = [np.nansum(weight * part) / weight.sum() for part in (some.mse, some.bias, some.amplitude, some.phase, some.variance)]
        return np.array([*mean, np.sqrt(mean[0] / mean[4]) if mean[4] > 0.0 else np.nan])

    value = measure(np.arange(len(frames.weight)))
    low, high = band(measure, len(frames.weight), resamples=params.resamples, seed=params.seed)
    names = ("mse", "bias", "amplitude", "phase", "variance", "relative")
    found: dict[str, Any] = {
        name: {key: float(v[i]) if np.isfinite(v[i]) else None for key, v in (("value", value), ("low", low), ("high", high))}
        for i, name in enumerate(names)
    }
    found["phase_share"] = _ratio(value[3], value[0])
    return found


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0.0 else None


def describe(result: Mapping[str, Any]) -> list[str]:
    """The result in a few lines."""
    notes = dict.fromkeys(line for facts in result["runs"].values() for line in facts.get("notes", ()))
    lines = [f"error of {result['field']} against {result['reference']}: relative, and how much of it is phase"]
    for name, facts in result["runs"].items():
        line = f"{name:<16} {facts['cells']:>8} cells"
        if "fields" in facts:
            line += "  " + _said(facts["fields"])
        line += "".join(f"; {_gauge_said(gauge, g)}" for gauge, g in facts["gauges"].items())
        if "travel" in facts:
            t = facts["travel"]
            line += f"; {t['points']:.0f} points a wave: speed {t['speed']:.4f}, {t['kept']:.4f} of the amplitude kept a period"
        lines.append(line)
    return lines + [f"note: {line}" for line in notes]


def _gauge_said(name: str, g: Mapping[str, Any]) -> str:
    if g["relative"] is None:
        return f"{name}: {'; '.join(g['notes'])}"
    lag, left = g["lag"]["value"], g["left_out"]
    said = f"{name} {g['relative']:.1%}, {g['phase_share'] or 0.0:.0%} phase"
    said += "" if lag is None else f", {lag:+.3g} s late"
    return said + (f" ({g['samples']:,} of {g['samples'] + left:,} samples count)" if left else "")


def _said(f: Mapping[str, Any]) -> str:
    relative = f["relative"]
    if relative["value"] is None:
        return "undefined (the reference does not change)"
    return f"{relative['value']:.2%} ({relative['low']:.2%} to {relative['high']:.2%}), {f['phase_share'] or 0.0:.0%} phase"


draw = late(f"{__name__}.figures", "draw")


def answer(result: Mapping[str, Any], folder: Path) -> Answer:
    """The answer: the error of the best run, and its kind."""
    return answer_of(result, folder)
