"""Discover: the terms that a model lacks, in closed form, from observed states and the model itself, and their worth.

From each observed state the model is run a step D; its misfit is regressed on a library of candidate terms, the terms found are put
into the model, and so on until nothing is left (R. Mojgani, A. Chattopadhyay, P. Hassanzadeh, Chaos 32 (2022) 061105, DOI
10.1063/5.0091282). Without noise pairs of states are enough; with noise whole trajectories are assimilated (`pipeline.discovery`).
The corrected model is then tried on states that were not used.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline.core.answers import WHY, Answer
from pipeline.core.case import Case
from pipeline.core.data import is_file, own_file
from pipeline.core.errors import InputError
from pipeline.core.outline import Outline
from pipeline.core.params import Spec, quantity, setting
from pipeline.core.plugin import late
from pipeline.discovery.loop import Discovery
from pipeline.discovery.model import TermsModel
from pipeline.stages.core import findings
from pipeline.stages.discover import modified
from pipeline.stages.discover import states as observed_states
from pipeline.stages.discover.search import Data, search
from pipeline.stages.discover.states import States
from pipeline.stages.discover.trial import trial
from pipeline.store.writer import write_result

Array = np.ndarray[Any, np.dtype[Any]]

INPUTS = ("observed", "forecast")
MEMORY = (0.0, 100.0, 0.0)  # [B] a cell: shared on a node, on each worker, spread over all
WORDS = {"observed": ("file",)}
MODELS = {"forecast": "forecaster"}  # `run` gets the run's file, and what the solver makes of its case


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters of the stage."""

    file: str = setting('the observations, where observed = "file": HDF5 with time, u and length', default="")
    noise: float = quantity("dimensionless", "noise added to a run's states, over their deviation", default=0.0, low=0.0)
    noise_level: float | None = quantity(
        "dimensionless", "deviation of the noise, in u's unit; unset: what was added", default=None, low=0.0
    )
    seed: int = setting("seed of the noise and of the resamples", default=0)
    states: int | None = setting("pairs of states, with noise states in a row; unset: 4 and 100", default=None)
    step: float | None = quantity(
        "dimensionless", "D, time from one state to the next; unset: about 0.02, with noise 0.1", default=None, above=0.0
    )
    after: float = quantity("dimensionless", "states before this time are not used", default=0.0, low=0.0)
    every: int = setting("of the points: 1 for all, 4 for every fourth", default=1)
    library: tuple[str, ...] = setting("candidate terms; none: u^p d^q u, p and q from 0 to 4", default=())
    columns: Literal["response", "spectral", "difference", "weak"] = setting("what is regressed on, without noise", default="response")
    accuracy: float | None = quantity(
        "dimensionless", "of states without noise, over their deviation; unset: 1e-8, or their rounding", default=None, above=0.0
    )
    chance: float = quantity("dimensionless", "probability that a term is taken in though it is none", default=1e-3, above=0.0)
    resamples: int = setting("of the stability check", default=50)
    members: int | None = setting("most forecasts from a state, with noise; unset: 100, in a plane 160", default=None)
    points: int | None = setting("of the grid of the forecasts along each axis, with noise; unset: the model's", default=None)
    held_out: float = quantity(
        "dimensionless", "share of the time, at its end, on which the corrected model is tried", default=0.5, above=0.0
    )
    starts: int = setting("forecasts from the part held out", default=5)
    sought: Literal["model", "scheme"] = setting(
        "what is lacking: a term of the model, or what the run's scheme adds to the same equation", default="model"
    )
    folder: str = setting("the file is looked for here first", default=".")

    def __post_init__(self) -> None:
        findings.refuse_numbers(self, {"states": 1, "every": 1, "resamples": 0, "starts": 1, "seed": 0}, ("held_out", "chance"))


def moved(table: Mapping[str, Any], solvers: Mapping[str, Any]) -> Spec | None:
    """Stage that a ``table`` of an earlier version means: `friction`, where the solver of its model has laws, not terms.

    Keys at their defaults, as recorded tables have them all, are left out: of terms that of `friction` alone, ``seen``.
    """
    if not hasattr(solvers["forecast"], "laws") or hasattr(solvers["forecast"], "forecaster"):
        return Spec("discover", {key: value for key, value in table.items() if key != "seen"}) if table.get("seen") == "all" else None
    usual = {field.name: list(field.default) if isinstance(field.default, tuple) else field.default for field in fields(Params)}
    return Spec("friction", {key: value for key, value in table.items() if key != "folder" and (key not in usual or value != usual[key])})


def run(inputs: Mapping[str, Any], params: Params, client: Any, folder: Path) -> dict[str, Any]:
    """Find terms that a model lacks; writes ``result.h5`` and ``corrected.toml``.

    R. Mojgani, A. Chattopadhyay, P. Hassanzadeh, Chaos 32 (2022) 061105, DOI 10.1063/5.0091282, named the question MEDIDA; docs/discover.md
    has the method.

    Parameters
    ----------
    inputs
        ``observed``: the file of a run, or "file" for ``params.file``; ``forecast``: a run's file and the model of its case.
    params
        The stage's table in the campaign.
    client
        A Dask client.
    folder
        The stage's own folder.

    Returns
    -------
    dict[str, Any]
        ``says``, ``found``, ``equation``, ``latex``, ``terms``, ``coefficients``, ``evidence``, ``passes``, ``warnings``, ``data``,
        ``tried``, ``forecast`` and more (docs/discover.md).

    Raises
    ------
    InputError
        Observations and model do not fit each other, or nothing can be sought in them: the message says why.
    """
    path, model = inputs["forecast"]
    states = _states(inputs["observed"], params)
    _refuse_other_lengths(states, model)
    waves: dict[str, Any] = {}
    if params.sought == "scheme":
        states, waves = modified.long_waves(states, params)
    else:
        _refuse_other_points(states, model, params)
    first, end = max(params.after, float(states.times[0])), float(states.times[-1])
    last = end - params.held_out * (end - first)
    found, forecasts, data, notes = search(states, (first, last), model, waves.get("waves"), params, client)
    tables: dict[str, Any] = {}
    worth = trial(forecasts, states, last, data.noise, params, tables)
    result = findings.findings(found, said=found.said and bool(worth["better"]))
    if found.said and not result["said"]:
        result["says"] = "nothing can be said: with the terms found the forecasts of what was held out are no better"
    result["warnings"] = [*notes, *result["warnings"]]
    result |= {"source": states.name, "model": path.parent.name, "params": asdict(params), "forecast": worth}
    result["data"] = _facts(data, states, params, found, forecasts.by.dt_max)
    findings.unsay(result, tables)
    tables |= findings.posterior(result)
    if waves:
        modified.tell(result, found, waves)
    write_result(folder / "result.h5", tables, {"stage": "discover", "source": states.name})
    findings.write_with_terms(path, "" if waves else model.place, result, folder)
    return result


def check(inputs: Mapping[str, list[Outline]], words: Mapping[str, str], params: Params) -> None:
    """Refuse observations on another mesh before anything is computed (see `pipeline.core.outline`)."""
    (model,) = inputs["forecast"]
    for observed in inputs.get("observed", ()):
        model.refuse_other_mesh(observed, "observed run")


def look_for_files(cases: Mapping[str, list[Case]], words: Mapping[str, str], params: Params) -> None:
    """Refuse missing files before anything is computed."""
    if words.get("observed") == "file" and params.file and not is_file(own_file(params.file, Path(params.folder))):
        raise InputError(f"no file {params.file!r} in {params.folder} nor in the working folder")


def _states(observed: Any, params: Params) -> States:
    if observed != "file":
        if params.file:
            raise InputError(f'file = {params.file!r} is given, but observed names a run; write observed = "file"')
        return observed_states.of_run(observed)
    if not params.file:
        raise InputError('observed = "file" needs the parameter file: HDF5 with time, u and length')
    if params.noise:
        raise InputError("noise is added to a run's states only; say what noise a file has by noise_level")
    return observed_states.of_file(own_file(params.file, Path(params.folder)))


def _refuse_other_lengths(states: States, model: TermsModel) -> None:
    if len(states.lengths) != len(model.lengths) or not np.allclose(states.lengths, model.lengths, rtol=1e-12, atol=0.0):
        raise InputError(
            f"observed and model stand on different meshes: {states.name!r} has the length {_listed(states.lengths)}, "
            f"the model {_listed(model.lengths)}"
        )


def _refuse_other_points(states: States, model: TermsModel, params: Params) -> None:
    for count in states.points:
        if count % params.every:
            raise InputError(f"every = {params.every} does not divide the {count} points of {states.name!r}: they would not be even")
    thinned = tuple(count // params.every for count in states.points)
    if not params.file and model.points not in (states.points, thinned):
        raise InputError(
            f"observed and model stand on different meshes: {states.name!r} has {_listed(states.points)} points, "
            f"the model {_listed(model.points)}; give both the same"
        )


def _listed(values: Any) -> str:
    return " x ".join(f"{value:g}" for value in values)


def _facts(data: Data, states: States, params: Params, found: Discovery, longest: float) -> dict[str, Any]:
    """Facts on the data used, as numbers."""
    return {
        "kind": "trajectory" if data.noise else "pairs",
        "states": len(data.frames),
        "observed_values": int(np.isfinite(data.values).sum()),
        "not_observed": int(np.isnan(data.values).sum()),
        "points": list(data.values.shape[1:]),
        "samples": found.problem.samples,
        "step": data.step,
        "time_step": longest,
        "from": float(states.times[data.frames].min()),
        "to": float(states.times[data.frames].max()),
        "deviation": data.deviation,
        "noise_added": params.noise * data.deviation,
        "noise_stated": data.noise,
        "accuracy": None if data.noise else data.accuracy,
        "dropped": list(found.dropped),
    }


describe = findings.lines_of
draw = late(f"{__name__}.figures", "draw")


def answer(result: Mapping[str, Any], folder: Path) -> Answer:
    """The answer: the terms that the model lacks, and the gain of its forecasts by them."""
    scheme = result["data"]["kind"] == "scheme"
    if not result["said"]:
        sentence = findings.nothing_said(result)
    elif scheme:
        sentence = findings.adds(result)
    else:
        sentence = f"{findings.lacks(result)}{_worth(result['forecast'])}"
    units = "Coefficients with their standard deviations; the equation's quantities are without dimension."
    picture = "" if scheme else "truth and forecasts"
    return Answer(WHY, sentence, units, *findings.next_step(result, folder), picture, result["equation"] or "")


def _worth(forecast: Mapping[str, Any]) -> str:
    """The gain of forecasts by the terms that were found, in words."""
    before, after = forecast["model"], forecast["corrected"]
    if after is None:
        return "."
    more = "more than " if after["lost"] * 2 < len(after["valid_each"]) else ""
    return f"; corrected, its forecasts hold for {more}{after['valid']:.3g} units of time in place of {before['valid']:.3g}."
