"""The search of stage `discover`: the choice of states, their noise, the candidates, the loop, and the forecasts to be tried."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.discovery.library import default_library, library_of, rivals
from pipeline.discovery.loop import Discovery, discover
from pipeline.discovery.model import Steps, TermsModel, View, dt_max_of
from pipeline.discovery.pairs import ACCURACY, Pairs
from pipeline.discovery.trajectory import Trajectory, fewest_members, observe
from pipeline.stages.discover import states as observed_states
from pipeline.stages.discover.modified import candidates
from pipeline.stages.discover.states import States
from pipeline.terms.expressions import refuse_jumps
from pipeline.terms.terms import Terms

Array = np.ndarray[Any, np.dtype[Any]]

STEP, SPACING = 0.02, 0.1  # D without and with noise (docs/decisions.md)
STATES, NOISY_STATES = 4, 100
MEMBERS = {1: 100, 2: 160}  # with noise, by axes
FINE = 1e-3  # of the noise: what the forecasts' time steps may be wrong by


@dataclass(frozen=True, slots=True)
class Data:
    """Input of the search."""

    members: Array  # (M,)
    frames: Array  # (M,)
    values: Array  # (M, *points), nan where not observed
    noise: float  # deviation that the search is told
    deviation: float  # of the states
    step: float
    accuracy: float  # of states without noise, over their deviation


def _chosen(states: States, params: Any, first: float, last: float) -> tuple[Data, list[str]]:
    """The states used, with the requested noise, and remarks on them."""
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
    accuracy = params.accuracy or max(ACCURACY, states.rounding * float(np.nanmax(np.abs(clean))) / deviation)
    return Data(members, frames, values, noise, deviation, step, accuracy), notes


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Forecasts (S, *points) of states by the given and by the corrected model."""

    by: Steps  # with any terms
    model: Callable[[Array, float], Array]
    corrected: Callable[[Array, float], Array] | None  # None where nothing was found


def search(
    states: States, between: tuple[float, float], model: TermsModel, waves: int | None, params: Any, client: Any
) -> tuple[Discovery, Forecasts, Data, list[str]]:
    """The loop over states ``between`` two times, with time steps short enough for the corrected model too.

    Returns it, the forecasts, the data as they were judged, and remarks on them. ``waves`` are those of the states, where a scheme's error
    is sought.

    Where a run's states are less accurate than was taken for granted, since its time steps were long, the effect of these counts.
    """
    library = _library(params, model, waves)
    data, notes = _chosen(states, params, *between)
    accuracy = max(ACCURACY, FINE * data.noise / data.deviation)
    grid = (params.points,) * len(model.points) if params.points else model.points
    begin = _begin(data, states, model, library, params, grid)
    advance = model.advance if data.noise else model.keeping(begin)
    longest = dt_max_of(advance, model.terms, begin, data.step, accuracy)
    judged = data
    while True:
        forecast = Steps(advance, longest, client)
        view: View = (
            _trajectory(data, states, model, library, params, forecast, grid)
            if data.noise
            else Pairs(data.values[::2], data.values[1::2], data.step, model.lengths, forecast, params.columns, judged.accuracy)
        )
        beside = rivals(library, dimensions=len(model.lengths))
        how = {"chance": params.chance, "resamples": params.resamples, "seed": params.seed, "client": client, "rivals": beside}
        found = discover(view, model.terms, library, **how)
        needed = dt_max_of(advance, found.corrected, begin, data.step, accuracy)
        if needed < longest:
            longest = needed
            continue
        own = 0.0 if judged is not data or params.accuracy else _own_accuracy(found, data, states, forecast, begin)
        if own <= judged.accuracy:
            tried = partial(forecast, found.corrected) if found.found and found.settled else None
            return found, Forecasts(forecast, partial(forecast, found.given), tried), judged, notes
        judged = replace(data, accuracy=own)


def _library(params: Any, model: TermsModel, waves: int | None) -> Terms:
    """The candidates: those of ``params``, or the usual ones, of a scheme's error by its ``waves``."""
    if params.library:
        library = library_of(params.library, dimensions=len(model.lengths))
        refuse_jumps(library, model.lengths)
        return library
    return default_library(dimensions=len(model.lengths)) if waves is None else candidates(model.terms, waves)


def _begin(data: Data, states: States, model: TermsModel, library: Terms, params: Any, grid: tuple[int, ...]) -> Array:
    """States to try forecasts from: with noise the first guess of them, else all whole states."""
    if data.noise:
        return np.asarray(_trajectory(data, states, model, library, params, Steps(model.advance, data.step), grid).guess)
    return data.values[np.isfinite(data.values).reshape(len(data.values), -1).all(axis=1)]


def _own_accuracy(found: Discovery, data: Data, states: States, forecast: Steps, begin: Array) -> float:
    """Accuracy of a run's states, over their deviation: the error of its own time steps in D, where more remains than was assumed.

    It is measured by the corrected model, in such steps beside short ones; 0 where the run's steps are not known or blow it up.
    """
    if data.noise or not found.unexplained or not states.time_step:
        return 0.0
    steps = round(data.step / states.time_step)
    if steps < 1:
        return 0.0
    with np.errstate(all="ignore"):
        change = forecast.advance(found.corrected, begin, data.step, steps) - forecast(found.corrected, begin, data.step)
        own = float(np.sqrt(np.mean(change**2))) / data.deviation
    return own if np.isfinite(own) else 0.0


def _trajectory(
    data: Data, states: States, model: TermsModel, library: Terms, params: Any, forecast: Steps, grid: tuple[int, ...]
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
