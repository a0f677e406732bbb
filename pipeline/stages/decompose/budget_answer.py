"""The answer of stage `decompose`: the error of the finest run, and the mesh's and the phase's parts of it."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.answers import HOW_WRONG, Answer

NO_ANSWER = "No error can be given: nothing in common of the runs and their reference changes in time."
SURE = 1.0  # a lower order of convergence says that the runs are not yet in its range (the scheme's is 2)


def answer_of(result: Mapping[str, Any], folder: Path) -> Answer:
    """The answer from the stage's ``result``, which stands in ``folder``."""
    place = shlex.quote(str(folder))
    field = result["field"].replace("_", " ")
    if result["reference"] == "observed":
        return Answer(
            HOW_WRONG,
            _beside_observations(result, field),
            "Over the standard deviation of what was observed [1], root mean squares over the gauges: parts do not add up to the whole.",
            "See what every gauge's misfit is made of.",
            f"wavetrain show {place}/result.h5",
            "error budget",
        )
    known = {name: f["fields"] for name, f in result["runs"].items() if f.get("fields", {}).get("relative", {}).get("value") is not None}
    return Answer(
        HOW_WRONG,
        _beside_a_reference(known, result, field) if known else NO_ANSWER,
        "Root mean square errors over the reference's root mean square about its level [1]; the band holds nine of ten resamples.",
        "Ask which mesh reaches an error." if _can_advise(result, known) else "See all measures of the error.",
        f"wavetrain advise {place} --error 5%" if _can_advise(result, known) else f"wavetrain show {place}/result.h5",
    )


def _beside_observations(result: Mapping[str, Any], field: str) -> str:
    runs = {name: run for name, run in result["runs"].items() if any(g["relative"] is not None for g in run["gauges"].values())}
    if not runs:
        return NO_ANSWER
    name = min(runs, key=lambda one: runs[one]["size"])
    gauges = [g for g in runs[name]["gauges"].values() if g["relative"] is not None]
    relative = np.array([g["relative"] for g in gauges])
    phase = float(np.array([g["phase_share"] or 0.0 for g in gauges]) @ relative**2 / (relative @ relative)) if relative.any() else 0.0
    whole = f"At {len(gauges)} gauges the computed {field} misses the observed by {_rms(relative):.0%} of its deviation"
    kind = f"{phase:.0%} of the mean square error is phase."
    budget = result["budget"]
    if not budget:
        return f"{whole}; {kind}"
    mesh, model = (_rms([part[key] for part in budget.values()]) for key in ("numerical", "model"))
    slow = [gauge for gauge, part in budget.items() if part["order"] < SURE]
    doubt = f" Where the meshes converge at less than first order ({', '.join(slow)}) these parts are rough." if slow else ""
    return f"{whole}: the mesh makes {mesh:.0%}, the model and the measurement {model:.0%}; {kind}{doubt}"


def _rms(values: Any) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _beside_a_reference(known: Mapping[str, Any], result: Mapping[str, Any], field: str) -> str:
    best = min(known, key=lambda name: known[name]["relative"]["value"])
    error, share = known[best]["relative"], known[best]["phase_share"] or 0.0
    beside = "the exact solution" if result["reference"] == "exact" else result["reference"]
    kind = "waves come at the wrong time" if share > 0.5 else "waves have the wrong height"
    notes = "".join(f" Note: {note}." for note in result["runs"][best].get("notes", ()))
    return (
        f"The {field} of {best} is {error['value']:.2%} wrong ({error['low']:.2%} to {error['high']:.2%}) beside {beside}; "
        f"{share:.0%} of the mean square error is phase, so mostly {kind}.{notes}"
    )


def _can_advise(result: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether there is a sweep of three resolutions or more, which `wavetrain advise` takes."""
    return len({result["runs"][name]["size"] for name in known}) >= 3
