"""Validate: set a run beside what was observed, and judge it by NTHMP's acceptance.

For each gauge: the rms misfit over the observed range, the errors of the first crest and of the highest peak, the lag of the
arrival; for the run-up: its error by direction and by place. NTHMP, Proceedings and Results of the 2011 NTHMP Model
Benchmarking Workshop, 2012: within 5 % of analytic solutions, 10 % of laboratory data where waves do not break, 20 % where
they break, 20 % of field data.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.answers import HOW_WRONG, Answer, listed
from pipeline.case import Case
from pipeline.errors import InputError
from pipeline.params import quantity, setting
from pipeline.stages.core.measures import arrival, first_crest, misfit, relative
from pipeline.stages.core.observations import Observed, RunUpAt, look_for_series, observed_by, places_of, read_series
from pipeline.store import Store
from pipeline.writer import write_result

Array = np.ndarray[Any, np.dtype[Any]]

INPUTS = ("run",)
ACCEPTANCE = {"analytic": 0.05, "laboratory": 0.10, "breaking": 0.20, "field": 0.20}


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters of the stage; what was observed stands in the run's case."""

    wet: float = quantity("m", "a place was wet if the water was ever deeper than this", default=1e-3, above=0.0)
    folder: str = setting("files of the observations are looked for here first", default=".")


def look_for_files(cases: Mapping[str, list[Case]], words: Mapping[str, str], params: Params) -> None:
    """Refuse what is missing before anything is computed (see `jobs.needed`)."""
    for case in cases["run"]:
        look_for_series(case, Path(params.folder), needed=False)


def run(inputs: Mapping[str, Path], params: Params, client: Any, folder: Path) -> dict[str, Any]:
    """Compare the run in ``inputs["run"]`` with its case's ``[observed]``; writes ``result.h5`` into ``folder``.

    Returns
    -------
    dict : ``source``, ``comparison``, ``acceptance`` (relative), ``gauges`` (by name: ``misfit``, ``first_crest_error``,
    ``highest_error`` [relative], ``lag`` [s]; None where it was not observed), ``runup``, ``runup_at``, ``summary``.

    Raises
    ------
    InputError
        The case observes nothing, names a gauge that the run does not have, or a file is wrong or missing.
    """
    with Store(inputs["run"]) as store:
        observed = observed_table(store)
        series = read_series(observed.series, *places_of(store, params.folder)) if observed.series else None
        names = list(store.gauges)
        computed = dict(zip(names, client.gather(client.compute([store.gauge(name)[1] for name in names])), strict=True)) if names else {}
        times = store.gauge(names[0])[0].compute() if names else np.zeros(0)
        wet_places = _wet_places(store, params.wet, client) if observed.runup or observed.runup_at else None
    tables: dict[str, dict[str, tuple[Array, str, str]]] = {}
    shift = clock_shift(observed, times, computed, series)
    gauges = {
        name: _gauge(observed, name, times, computed[name], series, shift, tables)
        for name in computed
        if name in observed.first_crest or (series and name in series[1])
    }
    runup = _runup(observed, wet_places, tables) if wet_places is not None and observed.runup else None
    boxes = {name: _runup_at(wet_places, at) for name, at in observed.runup_at.items()} if wet_places is not None else {}
    result = {
        "source": observed.source,
        "comparison": observed.comparison,
        "acceptance": ACCEPTANCE[observed.comparison],
        "gauges": gauges,
        "runup": runup,
        "runup_at": boxes,
        "summary": _summary(observed, gauges, runup, boxes),
    }
    write_result(folder / "result.h5", tables, {"stage": "validate", "source": observed.source})
    return result


def observed_table(store: Store) -> Observed:
    """The case's table, its gauges checked against the run's."""
    import tomllib

    table = tomllib.loads(str(store.attrs["case"])).get("observed", {})
    return observed_by(table, store.gauges, f"the case of {store.path}")


def clock_shift(observed: Observed, times: Array, computed: Mapping[str, Array], series: Any) -> float:
    """What is added to the run's time [s] to have the observers'."""
    if not observed.align or series is None:
        return 0.0
    clock, values = series
    return float(np.mean([arrival(clock, values[name]) - arrival(times, computed[name]) for name in observed.align]))


def _gauge(
    observed: Observed,
    name: str,
    times: Array,
    surface: Array,
    series: Any,
    shift: float,
    tables: dict[str, dict[str, tuple[Array, str, str]]],
) -> dict[str, Any]:
    """Measures of one gauge; its series go into ``tables``."""
    low, high = observed.window or (times[0], times[-1])
    inside = (times >= low) & (times <= high)
    times, surface = times[inside], surface[inside]
    found: dict[str, Any] = {"judged": not observed.judge or name in observed.judge}
    table = {"time": (times, "s", "simulated time"), "computed": (surface, "m", "free surface, computed")}
    crest = first_crest(times, surface)[1]
    if series is not None and name in series[1]:
        clock = series[0] - shift
        inside = (clock >= low) & (clock <= high)
        clock, values = clock[inside], series[1][name][inside]
        if len(clock) < 2:
            raise InputError(f"the series observed at {name!r} has no sample between t = {low:g} and {high:g} s of the run")
        observed_crest = first_crest(clock, values)[1]
        found |= {
            "misfit": misfit(np.interp(clock, times, surface), values),
            "highest": float(surface.max()),
            "highest_observed": float(values.max()),
            "highest_error": relative(float(surface.max()), float(values.max())),
            "lag": arrival(times, surface) - arrival(clock, values),
        }
        table |= {
            "observed_time": (clock, "s", "time of the observation on the run's clock"),
            "observed": (values, "m", "free surface, observed"),
        }
    else:
        observed_crest = observed.first_crest[name]
    tables[f"gauges/{name}"] = table
    return found | {"first_crest": crest, "first_crest_observed": observed_crest, "first_crest_error": relative(crest, observed_crest)}


def _wet_places(store: Store, wet: float, client: Any) -> Array:
    """Centroids and bed [m] of the cells that were ever deeper than ``wet``: (N, 3)."""
    depth = client.compute(store.maximum("depth")).result()
    mesh = store.mesh()
    places = np.stack([mesh["face_x"], mesh["face_y"], mesh["bed"]], axis=1)
    return places[depth > wet]


def _runup(observed: Observed, wet: Array, tables: dict[str, dict[str, tuple[Array, str, str]]]) -> dict[str, Any]:
    """The highest wet bed in a sector about each angle."""
    asked = observed.runup
    assert asked is not None
    x, y = (wet[:, :2] - np.array(asked.centre)).T
    angle = np.degrees(np.arctan2(y, x)) + 90.0  # counterclockwise from south
    heights = []
    for direction in asked.angles:
        near = np.abs((angle - direction + 180.0) % 360.0 - 180.0) <= asked.half_width
        heights.append(float(wet[near, 2].max()) if near.any() else np.nan)
    computed, measured = np.array(heights), np.array(asked.heights)
    errors = (computed - measured) / measured
    tables["runup"] = {
        "angle": (np.array(asked.angles), "degree", "counterclockwise from south"),
        "computed": (computed, "m", "run-up, computed"),
        "observed": (measured, "m", "run-up, observed"),
    }
    return {
        "angles": list(asked.angles),
        "computed": heights,
        "observed": list(asked.heights),
        "errors": errors.tolist(),
        "mean_error": float(np.mean(np.abs(errors))),
    }


def _runup_at(wet: Array, asked: RunUpAt) -> dict[str, float]:
    """The highest wet bed in a box."""
    west, south, east, north = asked.box
    x, y, bed = wet.T
    inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    computed = float(bed[inside].max()) if inside.any() else float("nan")
    return {"observed": asked.height, "computed": computed, "error": relative(computed, asked.height)}


def _summary(observed: Observed, gauges: Mapping[str, Any], runup: Any, boxes: Mapping[str, Any]) -> dict[str, Any]:
    """Means over the gauges that count, and whether each lies within the acceptance."""
    limit = ACCEPTANCE[observed.comparison]
    judged = [gauge for gauge in gauges.values() if gauge["judged"]]
    summary: dict[str, Any] = {}
    for key in ("first_crest_error", "highest_error", "misfit"):
        values = [abs(gauge[key]) for gauge in judged if key in gauge]
        if values:
            summary[f"mean_{key}"], summary[f"largest_{key}"] = float(np.mean(values)), float(max(values))
    if runup:
        summary["mean_runup_error"] = runup["mean_error"]
    if boxes:
        summary["largest_runup_at_error"] = max(abs(box["error"]) for box in boxes.values())
    judged_keys = [key for key in ("mean_first_crest_error", "mean_runup_error", "largest_runup_at_error") if key in summary]
    summary["accepted"] = {key: bool(summary[key] <= limit) for key in judged_keys}
    return summary


def describe(result: Mapping[str, Any]) -> list[str]:
    """The result in a few lines."""
    lines = []
    for name, gauge in result["gauges"].items():
        line = f"{name:<6} first crest {gauge['first_crest'] * 1e3:7.2f} mm, "
        line += f"observed {gauge['first_crest_observed'] * 1e3:7.2f} mm ({gauge['first_crest_error']:+.1%})"
        if "misfit" in gauge:
            line += f", highest {gauge['highest_error']:+.1%}, rms misfit {gauge['misfit']:.3f} of the range, arrival {gauge['lag']:+.2f} s"
        lines.append(line + ("" if gauge["judged"] else "  (not judged)"))
    if result["runup"]:
        lines.append(f"run-up, {len(result['runup']['angles'])} directions: mean error {result['runup']['mean_error']:.1%}")
    for name, box in result["runup_at"].items():
        lines.append(f"run-up at {name}: {box['computed'] * 1e3:.1f} mm, observed {box['observed'] * 1e3:.1f} mm ({box['error']:+.1%})")
    for key, accepted in result["summary"]["accepted"].items():
        verdict = "within" if accepted else "NOT within"
        lines.append(
            f"{key.replace('_', ' ')}: {result['summary'][key]:.1%}, {verdict} NTHMP's {result['acceptance']:.0%} ({result['comparison']})"
        )
    return lines


WHOSE = {"analytic": "the exact solution's", "laboratory": "the laboratory's", "breaking": "the laboratory's", "field": "the field's"}
JUDGED = {"mean_first_crest_error": "first crests", "mean_runup_error": "run-up", "largest_runup_at_error": "run-up at a place"}


def answer(result: Mapping[str, Any], folder: Path) -> Answer:
    """How far off crests and run-up are, beside what is accepted."""
    judged = sum(gauge["judged"] for gauge in result["gauges"].values())
    over = {"mean_first_crest_error": f" (mean of {judged} gauges)", "largest_runup_at_error": " (the worst of them)"}
    if result["runup"]:
        over["mean_runup_error"] = f" (mean of {len(result['runup']['angles'])} directions)"
    summary = result["summary"]
    missed = [f"{words} by {summary[key]:.1%}{over.get(key, '')}" for key, words in JUDGED.items() if key in summary]
    passes = all(summary["accepted"].values())
    verdict = f"{'within' if passes else 'NOT within'} the {result['acceptance']:.0%} that NTHMP accepts"
    if missed:
        sentence = f"The run misses {WHOSE[result['comparison']]} {listed(missed)}, {verdict}."
    else:
        sentence = "There is nothing to judge the run by: no gauge and no run-up of it was observed."
    return Answer(
        HOW_WRONG,
        sentence,
        "Errors are relative to what was observed [1]; heights in mm above the still level, times in s.",
        "Make it again with another mesh or friction: this writes the campaign to edit.",
        f"wavetrain provenance {shlex.quote(str(folder / 'result.h5'))} --write again.toml",
        "run-up",
    )
