"""Discover: which terms a model lacks, in closed form, from observed states and the model itself; and what they are worth.

From each observed state the model is run a step D; what it misses is regressed on a library of candidate terms, the terms found are put
into the model, and so on until nothing is left (R. Mojgani, A. Chattopadhyay, P. Hassanzadeh, Chaos 32 (2022) 061105, DOI
10.1063/5.0091282). Without noise pairs of states are enough; with noise whole trajectories are assimilated (`pipeline.discovery`).
The corrected model is then tried on states that were not used.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline.answers import Answer
from pipeline.case import Case
from pipeline.data import is_file, own_file
from pipeline.discovery.library import Terms, default_library, library_of
from pipeline.discovery.loop import Discovery, discover
from pipeline.discovery.model import Model, Steps, longest_step
from pipeline.discovery.pairs import ACCURACY, Pairs
from pipeline.discovery.samples import View
from pipeline.discovery.trajectory import Trajectory, fewest_members, observe
from pipeline.errors import InputError
from pipeline.outline import Outline
from pipeline.params import quantity, setting
from pipeline.stages.core import laws, modified
from pipeline.stages.core import states as observed_states
from pipeline.stages.core.findings import findings, posterior, write_corrected
from pipeline.stages.core.findings_answer import answer_of
from pipeline.stages.core.states import States
from pipeline.stages.core.trial import trial
from pipeline.writer import write_result

Array = np.ndarray[Any, np.dtype[Any]]

INPUTS = ("observed", "forecast")
WORDS = {"observed": ("file",)}
MODELS = ("forecast",)  # `run` gets the run's file and the model of its case
STEP, SPACING = 0.02, 0.1  # D without and with noise (docs/decisions.md)
STATES, NOISY_STATES = 4, 100
MEMBERS = {1: 100, 2: 160}  # with noise, by axes
FINE = 1e-3  # of the noise: what the forecasts' time steps may be wrong by


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
    seen: Literal["all", "fields", "gauges"] = setting(
        "of a tsunami: what is compared; all: gauges too where there are some", default="all"
    )
    folder: str = setting("the file is looked for here first", default=".")

    def __post_init__(self) -> None:
        for name, least in (("states", 1), ("every", 1), ("resamples", 0), ("starts", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError(f"{name} = {value}; it must be at least {least}")
        for name in ("held_out", "chance"):
            if getattr(self, name) >= 1.0:
                raise InputError(f"{name} = {getattr(self, name)}; it must be below 1")
        if self.seed < 0:
            raise InputError(f"seed = {self.seed}; it must not be negative")


@dataclass(frozen=True, slots=True)
class Data:
    """What the search is given."""

    members: Array  # (M,)
    frames: Array  # (M,)
    values: Array  # (M, *points), nan where not observed
    noise: float  # deviation that the search is told
    deviation: float  # of the states
    step: float


def run(inputs: Mapping[str, Any], params: Params, client: Any, folder: Path) -> dict[str, Any]:
    """Find what the model ``inputs["forecast"]`` lacks of what is observed; writes ``result.h5`` and ``corrected.toml`` into ``folder``.

    Returns
    -------
    dict : ``says``, ``found``, ``equation``, ``latex``, ``terms``, ``coefficients``, ``evidence``, ``passes``, ``warnings``, ``data``,
    ``forecast`` and more (docs/discover.md).

    Raises
    ------
    InputError
        Observations and model do not fit each other, or nothing can be sought in them: the message says why.
    """
    path, model = inputs["forecast"]
    if not isinstance(model, Model):
        return laws.run(inputs["observed"], path, model, params, folder)
    if params.seen != "all":
        raise InputError(f"seen = {params.seen!r}: the model's runs have no gauges, its fields hold every point; leave seen out")
    states = _states(inputs["observed"], params)
    _refuse_other_lengths(states, model)
    waves: dict[str, Any] = {}
    if params.sought == "scheme":
        states, waves = modified.long_waves(states, params)
    else:
        _refuse_other_points(states, model, params)
    library = _library(params, model, waves)
    first, end = max(params.after, float(states.times[0])), float(states.times[-1])
    last = end - params.held_out * (end - first)
    data, notes = _data(states, params, first, last)
    found, longest = _search(data, states, model, library, params, client)
    said = bool(found.found) and found.settled
    tables: dict[str, Any] = {}
    result = findings(found, model.terms, said=said)
    result["warnings"] = [*notes, *result["warnings"]]
    result |= {"source": states.name, "model": path.parent.name, "params": asdict(params)}
    result["data"] = _facts(data, states, params, found, longest)
    forecaster = Steps(model.advance, longest, client)
    result["forecast"] = trial(forecaster, model.terms, found.corrected if said else None, states, last, data.noise, params, tables)
    tables |= posterior(result)
    if waves:
        modified.tell(result, found, waves)
    write_result(folder / "result.h5", tables, {"stage": "discover", "source": states.name})
    write_corrected(path, {} if waves else {model.place: result["terms"]}, result, folder)
    return result


def check(inputs: Mapping[str, list[Outline]], words: Mapping[str, str], params: Params) -> None:
    """Refuse a model that can't be changed, and observations on another mesh, before anything is computed (see `pipeline.outline`)."""
    (model,) = inputs["forecast"]
    if not model.changeable:
        raise InputError(
            f"solver {model.case.solver.kind!r} has nothing that can be changed: stage 'discover' needs a model such as 'ks' or 'tsunami'"
        )
    for observed in inputs.get("observed", ()):
        model.refuse_other_mesh(observed, "observed run")


def look_for_files(cases: Mapping[str, list[Case]], words: Mapping[str, str], params: Params) -> None:
    """Refuse what is missing before anything is computed (see `jobs.needed`)."""
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


def _refuse_other_lengths(states: States, model: Model) -> None:
    if len(states.lengths) != len(model.lengths) or not np.allclose(states.lengths, model.lengths, rtol=1e-12, atol=0.0):
        raise InputError(
            f"observed and model stand on different meshes: {states.name!r} has the length {_listed(states.lengths)}, "
            f"the model {_listed(model.lengths)}"
        )


def _refuse_other_points(states: States, model: Model, params: Params) -> None:
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


def _library(params: Params, model: Model, waves: Mapping[str, Any]) -> Terms:
    dimensions = len(model.lengths)
    if params.library:
        return library_of(params.library, dimensions=dimensions)
    return modified.candidates(model.terms, waves["waves"]) if waves else default_library(dimensions=dimensions)


def _data(states: States, params: Params, first: float, last: float) -> tuple[Data, list[str]]:
    """The states that are used, with the noise that was asked for, and what is to be said of them."""
    noisy = bool(params.noise_level or params.noise)
    usual = SPACING if noisy else STEP
    step = observed_states.step_of(states, params.step, usual)
    notes = [] if params.step or abs(step - usual) < 0.5 * usual else [f"D is {step:g}, for frames are no closer; {usual:g} is usual"]
    if noisy:
        as_it_is = params.step is None and not states.even
        if as_it_is:
            notes.append("steps are uneven, {:g} to {:g}: each frame is used as it is".format(*states.spacing))
        wanted = params.states or NOISY_STATES
        members, frames = observed_states.row(states, first, last, None if as_it_is else step, wanted)
    else:
        member, earlier, later = observed_states.pairs(states, first, last, step, params.states or STATES)
        members, frames = np.repeat(member, 2), np.stack([earlier, later], axis=1).ravel()
    clean = np.concatenate([states.take(np.array([f]), int(m), params.every) for m, f in zip(members, frames, strict=True)])
    deviation = float(np.nanstd(clean))
    if not deviation > 0.0:
        raise InputError(f"the states of {states.name!r} do not vary: no term can be told from another")
    added = params.noise * deviation
    draws = [
        np.random.default_rng([params.seed, int(m), int(f)]).normal(size=clean.shape[1:]) for m, f in zip(members, frames, strict=True)
    ]
    values = clean + added * np.stack(draws) if added else clean
    gaps = int(np.isnan(values).sum())
    if gaps:
        notes.append(f"{gaps:,} of {values.size:,} values were not observed, and are left out")
    noise = added if params.noise_level is None else params.noise_level
    return Data(members, frames, values, noise, deviation, step), notes


def _search(data: Data, states: States, model: Model, library: Terms, params: Params, client: Any) -> tuple[Discovery, float]:
    """The loop, with time steps short enough for the corrected model too; returns it and the longest time step."""
    accuracy = max(ACCURACY, FINE * data.noise / data.deviation)
    whole = data.values[np.isfinite(data.values).reshape(len(data.values), -1).all(axis=1)]
    if data.noise:
        grid = (params.points,) * len(model.points) if params.points else model.points
        begin = _trajectory(data, states, model, library, params, Steps(model.advance, data.step), grid).guess
    else:
        begin = whole
    longest = longest_step(model.advance, model.terms, begin, data.step, accuracy)
    while True:
        forecast = Steps(model.advance, longest, client)
        view: View = (
            _trajectory(data, states, model, library, params, forecast, grid)
            if data.noise
            else Pairs(data.values[::2], data.values[1::2], data.step, model.lengths, forecast, params.columns)
        )
        found = discover(view, model.terms, library, chance=params.chance, resamples=params.resamples, seed=params.seed, client=client)
        needed = longest_step(model.advance, found.corrected, begin, data.step, accuracy)
        if needed >= longest:
            return found, longest
        longest = needed


def _trajectory(
    data: Data, states: States, model: Model, library: Terms, params: Params, forecast: Steps, grid: tuple[int, ...]
) -> Trajectory:
    times = states.times[data.frames]
    members = params.members or MEMBERS[len(grid)]
    needed = fewest_members(data.values, model.lengths, data.noise, len(library))
    if members < needed:
        raise InputError(
            f"{members} members are too few for these states and {len(library)} candidates: waves that stand far above the noise would be "
            f"left to the model; set members = {needed}, or give fewer candidates"
        )
    return observe(times, data.values, model.lengths, data.noise, forecast, points=grid, members=members, candidates=len(library))


def _facts(data: Data, states: States, params: Params, found: Discovery, longest: float) -> dict[str, Any]:
    """What was used, in numbers."""
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
        "dropped": list(found.dropped),
    }


def describe(result: Mapping[str, Any]) -> list[str]:
    """The result in a few lines."""
    lines = [result["says"]]
    if result["equation"]:
        lines.append(result["equation"])
    if result.get("settings"):
        lines.append("in the case: " + ", ".join(f"{key} = {value:.6g}" for key, value in result["settings"].items() if value))
    if result["forecast"]["sentence"]:
        lines.append(result["forecast"]["sentence"])
    return lines + [f"warning: {line}" for line in result["warnings"]]


def answer(result: Mapping[str, Any], folder: Path) -> Answer:
    """Which terms the model lacks, and how much longer its forecasts hold with them."""
    return answer_of(result, folder)
