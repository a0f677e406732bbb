"""Validate: set a run beside observations, and judge it by NTHMP's acceptance.

For each gauge: the rms misfit over the observed range, the errors of the first crest and of the highest peak, the lag of the
arrival; for the run-up: its error by direction and by place. Heights are above the still level, and only samples that both have count
(`pipeline.stages.core.comparison`, `pipeline.stages.core.samples`). NTHMP, Proceedings and Results of the 2011 NTHMP Model
Benchmarking Workshop, 2012: within 5 % of analytic solutions, 10 % of laboratory data where waves do not break, 20 % where
they break, 20 % of field data.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.answers import HOW_WRONG, Answer, listed
from pipeline.core.case import Case
from pipeline.core.errors import InputError
from pipeline.core.outline import Outline
from pipeline.core.params import quantity, setting
from pipeline.core.plugin import late
from pipeline.stages.core.comparison import compare, refuse_window, still_level
from pipeline.stages.core.observations import Observed, look_for_series, observed_by
from pipeline.stages.validate.compared import compared
from pipeline.stages.validate.runup import at_box, by_direction, places, refuse_sea
from pipeline.store.reader import Store
from pipeline.store.writer import write_result

Array = np.ndarray[Any, np.dtype[Any]]

SMALL = 2**24  # [B] to read: less is done in the command's own process
INPUTS = ("run",)
MEMORY = (0.0, 100.0, 0.0)  # [B] a cell: shared on a node, on each worker, spread over all
ACCEPTANCE = {"analytic": 0.05, "laboratory": 0.10, "breaking": 0.20, "field": 0.20}


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters of the stage; the observations stand in the run's case."""

    wet: float = quantity("m", "a place was wet if the water was ever deeper than this", default=1e-3, above=0.0)
    folder: str = setting("files of the observations are looked for here first", default=".")


def look_for_files(cases: Mapping[str, list[Case]], words: Mapping[str, str], params: Params) -> None:
    """Refuse missing files before anything is computed."""
    for case in cases["run"]:
        look_for_series(case, Path(params.folder), needed=False)


def check(inputs: Mapping[str, list[Outline]], words: Mapping[str, str], params: Params) -> None:
    """Refuse runs that can't be compared before anything is computed (see `pipeline.core.outline`)."""
    for run in inputs["run"]:
        observed = observed_by(run.case.observed, run.case.gauges, f"the case of {run.name!r}")
        refuse_window(observed.window, run.case.time.end, "observed.window")
        if not (observed.runup or observed.runup_at):
            continue
        if "depth" not in run.stored.maxima:
            raise InputError(f"the case of {run.name!r} observes run-up, and solver {run.case.solver.kind!r} notes no greatest depth")
        refuse_sea(observed, places(run.arrays(), still_level(run.case.text)))


def run(inputs: Mapping[str, Path], params: Params, client: Any, folder: Path) -> dict[str, Any]:
    """Compare a run with the observations of its case; writes ``result.h5``.

    Parameters
    ----------
    inputs
        ``run``: its file.
    params
        The stage's table in the campaign.
    client
        A Dask client.
    folder
        The stage's own folder.

    Returns
    -------
    dict[str, Any]
        ``source``, ``comparison``, ``datum``, ``level`` [m], ``acceptance`` (relative), ``gauges`` (see `compared`), ``runup``,
        ``runup_at``, ``summary``, ``notes`` (on how they were read). Heights are above the still level; a number that there is none of is
        None, and its row's ``notes`` say why.

    Raises
    ------
    InputError
        The case observes nothing, names a gauge that the run does not have, a run-up where there is no land, or a file is wrong.
    """
    with Store(inputs["run"]) as store:
        both = compare(store, params.folder)
        observed = both.observed
        if observed.runup or observed.runup_at:
            there = places(store.mesh(), both.level, store.last_bed())
            refuse_sea(observed, there)
            wet = client.compute(store.maximum("depth")).result() > params.wet
    tables: dict[str, dict[str, tuple[Array, str, str]]] = {}
    named = [name for name in both.computed if name in observed.first_crest or (observed.series and name in observed.series.columns)]
    gauges = {name: compared(both, name, tables) for name in named if name in both.measured or name in observed.first_crest}
    runup = by_direction(there, wet, observed.runup, tables) if observed.runup else None
    boxes = {name: at_box(there, wet, asked) for name, asked in observed.runup_at.items()}
    result = {
        "source": observed.source,
        "comparison": observed.comparison,
        "datum": observed.datum,
        "level": both.level,
        "acceptance": ACCEPTANCE[observed.comparison],
        "gauges": gauges,
        "runup": runup,
        "runup_at": boxes,
        "notes": list(both.notes),
        "summary": _summary(observed, gauges, runup, boxes),
    }
    write_result(folder / "result.h5", tables, {"stage": "validate", "source": observed.source})
    return result


def _summary(observed: Observed, gauges: Mapping[str, Any], runup: Any, boxes: Mapping[str, Any]) -> dict[str, Any]:
    """Means over the gauges that count and have a number, and whether each lies within the acceptance."""
    limit = ACCEPTANCE[observed.comparison]
    judged = [gauge for gauge in gauges.values() if gauge["judged"]]
    summary: dict[str, Any] = {
        "judged": len(judged),
        "compared": sum(gauge["first_crest_error"] is not None for gauge in judged),
        "not_resolved": sum(not row for row in [*(runup["resolved"] if runup else ()), *(box["resolved"] for box in boxes.values())]),
    }
    for key in ("first_crest_error", "highest_error", "misfit"):
        values = [abs(gauge[key]) for gauge in judged if gauge.get(key) is not None]
        if values:
            summary[f"mean_{key}"], summary[f"largest_{key}"] = float(np.mean(values)), float(max(values))
    if runup and runup["mean_error"] is not None:
        summary["mean_runup_error"] = runup["mean_error"]
    errors = [abs(box["error"]) for box in boxes.values() if box["error"] is not None]
    if errors:
        summary["largest_runup_at_error"] = max(errors)
    judged_keys = [key for key in ("mean_first_crest_error", "mean_runup_error", "largest_runup_at_error") if key in summary]
    summary["accepted"] = {key: bool(summary[key] <= limit) for key in judged_keys}
    return summary


def describe(result: Mapping[str, Any]) -> list[str]:
    """The result in a few lines."""
    lines = [_gauge_line(name, gauge) for name, gauge in result["gauges"].items()]
    if result["runup"]:
        rows = result["runup"]
        mean = "none" if rows["mean_error"] is None else f"{rows['mean_error']:.1%}"
        lines.append(f"run-up, {len(rows['angles'])} directions: mean error {mean}")
        lines += [
            f"run-up at {angle:g} degree: {'; '.join(notes)}" for angle, notes in zip(rows["angles"], rows["notes"], strict=True) if notes
        ]
    for name, box in result["runup_at"].items():
        line = f"run-up at {name}: {_mm(box['computed'])}, observed {_mm(box['observed'])}{_signed(box['error'])}"
        lines.append("; ".join([line, *box["notes"]]))
    for key, accepted in result["summary"]["accepted"].items():
        verdict = "within" if accepted else "NOT within"
        lines.append(
            f"{key.replace('_', ' ')}: {result['summary'][key]:.1%}, {verdict} NTHMP's {result['acceptance']:.0%} ({result['comparison']})"
        )
    return lines + [f"note: {line}" for line in result["notes"]]


def _gauge_line(name: str, gauge: Mapping[str, Any]) -> str:
    """A gauge's row in words."""
    parts = []
    if gauge["first_crest_observed"] is not None:
        observed = f"observed {_mm(gauge['first_crest_observed'], 7)}{_signed(gauge['first_crest_error'])}"
        parts.append(f"first crest {_mm(gauge['first_crest'], 7)}, {observed}")
    if gauge.get("highest_error") is not None:
        parts.append(f"highest {gauge['highest_error']:+.1%}")
    if gauge.get("misfit") is not None:
        parts.append(f"rms misfit {gauge['misfit']:.3f} of the range")
    if gauge.get("lag") is not None:
        parts.append(f"arrival {gauge['lag']:+.2f} s")
    notes = "".join(f"; {note}" for note in gauge["notes"]) if parts else "; ".join(gauge["notes"])
    return f"{name:<6} {', '.join(parts)}{notes}" + ("" if gauge["judged"] else "  (not judged)")


def _mm(height: float, width: int = 0) -> str:
    return f"{height * 1e3:{width}.{2 if width else 1}f} mm"


def _signed(error: float | None) -> str:
    return "" if error is None else f" ({error:+.1%})"


WHOSE = {"analytic": "the exact solution's", "laboratory": "the laboratory's", "breaking": "the laboratory's", "field": "the field's"}
JUDGED = {"mean_first_crest_error": "first crests", "mean_runup_error": "run-up", "largest_runup_at_error": "run-up at a place"}


draw = late(f"{__name__}.figures", "draw")


def answer(result: Mapping[str, Any], folder: Path) -> Answer:
    """The answer: errors of crests and run-up, beside the accepted error."""
    summary = result["summary"]
    judged, compared = summary["judged"], summary["compared"]
    of = f"{compared} of {judged}" if compared < judged else str(judged)
    over = {"mean_first_crest_error": f" (mean of {of} gauges)", "largest_runup_at_error": " (the worst of them)"}
    if result["runup"]:
        over["mean_runup_error"] = f" (mean of {len(result['runup']['angles'])} directions)"
    missed = [f"{words} by {summary[key]:.1%}{over.get(key, '')}" for key, words in JUDGED.items() if key in summary]
    passes = all(summary["accepted"].values())
    verdict = f"{'within' if passes else 'NOT within'} the {result['acceptance']:.0%} that NTHMP accepts"
    if missed:
        sentence = f"The run misses {WHOSE[result['comparison']]} {listed(missed)}, {verdict}."
    elif result["gauges"] or result["runup"] or result["runup_at"]:
        sentence = "Nothing of what was observed can be compared with the run: the rows below say why."
    else:
        sentence = "There is nothing to judge the run by: no gauge and no run-up of it was observed."
    if summary["not_resolved"]:
        sentence += f" The mesh does not resolve {summary['not_resolved']} of the run-ups: refine it there."
    return Answer(
        HOW_WRONG,
        sentence,
        "Errors are relative to what was observed [1]; heights in mm above the still level, times in s.",
        "Make it again with another mesh or friction: this writes the campaign to edit.",
        f"wavetrain provenance {shlex.quote(str(folder / 'result.h5'))} --write again.toml",
        "run-up",
    )
