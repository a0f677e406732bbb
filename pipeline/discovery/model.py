"""A model whose terms can be changed: its forecasts, in time steps as short as they must be, and how they answer to candidate terms.

A solver makes a `TermsModel` of a case; stage `discover` needs nothing else of it. Forecasts run on Dask's workers where there are any.

A column is the response of the forecast over the step D to its candidate, (F(model + h term) - F(model)) / h, not the term itself: it
holds the term as the model evolves it within D, so that a missing term that does not commute with the model leaves no spurious
commutator at first order, and a pass of the loop is a Gauss-Newton step.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.once_more import Task
from pipeline.discovery.library import values, with_changes
from pipeline.discovery.problem import RESPONSE, Linear
from pipeline.terms.terms import Terms

Array = np.ndarray[Any, np.dtype[Any]]
Forecast = Callable[[Terms, Array, float], Array]  # (model, states (S, *points), step)
Advance = Callable[[Terms, Array, float, int], Array]  # (terms, states (S, *points), step, time steps in it) -> states

LANES = 8  # states that a solver computes side by side: a block that goes to a worker is a multiple of as many
MOST_STEPS = 4096  # in one forecast, while a time step is sought
FEWEST_STEPS = 2
DROPPED = 1e-12  # of the states, that an integrator may leave of them: round-off of its transforms
TRIED = 4  # states from which it is sought
BLOWN_UP = 10.0  # times the largest value of all states: no forecast over a step of any use comes near


class View(Protocol):
    """Observations as the loop sees them: linearised about a model, and moved on when the model is changed.

    One whose linearisation takes longer than its prediction may have a method ``foresee``, as `pipeline.discovery.measured.Measured` has:
    by it the loop leaves out linearisations of models that it does not take.
    """

    def linearise(self, model: Terms, library: Terms) -> Linear:
        """Set the observations beside a model, linear in its coefficients.

        Parameters
        ----------
        model
            The terms that the model has by now.
        library
            Candidates that it may have.

        Returns
        -------
        Linear
            Misfits, and their change with each candidate's coefficient.
        """


@dataclass(frozen=True, slots=True)
class TermsModel:
    """A solver's model of a case whose right-hand side is a sum of terms."""

    terms: Terms
    lengths: tuple[float, ...]  # (axes,), periods, x first
    points: tuple[int, ...]  # (axes,), of the case's own grid, x first
    place: str  # of the terms in the case, such as "solver.terms"
    advance: Advance = field(repr=False)  # can be sent to other processes; any grid over the same lengths
    whole: Advance = field(repr=False)  # the same on so fine a grid that no wave of the states is dropped

    def keeping(self, states: Array) -> Advance:
        """``advance``, or ``whole`` where it would drop waves of ``states`` (S, *points), as of another solver's."""
        kept = self.advance((), states, 1.0, 1)
        return self.advance if np.abs(kept - states).max() <= DROPPED * np.abs(states).max() else self.whole


@dataclass(frozen=True, slots=True)
class Steps:
    """A `Forecast` in even time steps of at most ``dt_max``, split over the workers of ``client``.

    Where ``advance`` gives a state the same bits alone and beside others, they are the same with any workers and without.
    """

    advance: Advance = field(repr=False)
    dt_max: float
    client: Any = field(default=None, repr=False)

    def __call__(self, terms: Terms, states: Array, step: float) -> Array:
        return self.many([terms], states, step)[0]

    def many(self, models: Sequence[Terms], states: Array, step: float) -> list[Array]:
        """The forecasts (S, *points) of each model."""
        steps = math.ceil(step / self.dt_max - 1e-9)
        workers = 1 if self.client is None else sum(self.client.nthreads().values())
        blocks = _blocks(len(states), workers if len(models) < workers else 1)
        batches = [models[part] for part in _even(len(models), workers)]
        if len(blocks) * len(batches) == 1:
            return [self.advance(terms, states, step, steps) for terms in models]
        sent = self.client.scatter([states[block] for block in blocks], hash=False)
        asked = [Task(self.client, _batch, self.advance, batch, some, step, steps) for batch in batches for some in sent]
        found = iter([task.result() for task in asked])
        return [np.concatenate(parts) for batch in batches for parts in zip(*(next(found) for _ in blocks), strict=True)]


def _batch(advance: Advance, models: Sequence[Terms], states: Array, step: float, steps: int) -> list[Array]:
    with np.errstate(all="ignore"):  # a state that blows up is the caller's matter
        return [advance(terms, states, step, steps) for terms in models]


def _even(many: int, parts: int) -> Iterator[slice]:
    """Even parts of ``many`` things, none empty."""
    edges = np.linspace(0, many, min(parts, many) + 1).round().astype(int)
    return (slice(int(a), int(b)) for a, b in pairwise(edges))


def _blocks(states: int, parts: int) -> list[slice]:
    """Parts of the states, each but the last a multiple of LANES."""
    width = LANES * math.ceil(states / parts / LANES)
    return [slice(first, min(first + width, states)) for first in range(0, states, width)]


def dt_max_of(advance: Advance, terms: Terms, states: Array, step: float, accuracy: float) -> float:
    """The longest time step, ``step`` over a power of two, that changes no forecast by more than ``accuracy`` when it is halved.

    ``accuracy`` is relative to the states' deviation. States that blow up do not count; where all do, it is the longest one tried.
    """
    some = states[:: max(len(states) // TRIED, 1)][:TRIED]
    size = float(states.std())
    steps = FEWEST_STEPS
    with np.errstate(all="ignore"):
        before = advance(terms, some, step, steps)
        while steps < MOST_STEPS:
            after = advance(terms, some, step, 2 * steps)
            error = np.abs(after - before)
            error = error[np.isfinite(error)]
            if not len(error) or error.max() <= accuracy * size:
                break
            before, steps = after, 2 * steps
    return step / steps


def forecasts(forecast: Forecast, model: Terms, states: Array, step: float) -> Array:
    """The states a step later, nan where one blew up: is not finite, or BLOWN_UP times as large as any state was."""
    return _each(forecast, [model], states, step)[0]


def _each(forecast: Forecast, models: Sequence[Terms], states: Array, step: float) -> list[Array]:
    """The forecasts of every model, all at once where ``forecast`` can (`Steps`)."""
    most = BLOWN_UP * float(np.abs(states).max())
    many = getattr(forecast, "many", None)
    with np.errstate(all="ignore"):
        found = many(models, states, step) if many else [forecast(model, states, step) for model in models]
        found = [np.array(after) for after in found]
        for after in found:
            after[~(np.abs(after).reshape(len(after), -1).max(axis=1) <= most)] = np.nan
    return found


def responses(
    forecast: Forecast, model: Terms, library: Terms, states: Array, step: float, lengths: tuple[float, ...]
) -> tuple[Array, Array]:
    """Forecasts (S, *points) of the states and their responses (S, *points, J); not finite where a member blew up."""
    size = _size(states)
    amounts = _size(values(library, states, lengths).reshape(-1, len(library)), axis=0)
    by = [RESPONSE * size / (step * max(float(amount), 1e-300)) for amount in amounts]
    models = [model, *(with_changes(model, {candidate: h}) for candidate, h in zip(library, by, strict=True))]
    after, *changed = _each(forecast, models, states, step)
    return after, np.stack([(other - after) / h for other, h in zip(changed, by, strict=True)], axis=-1)


def _size(values_: Array, axis: int | None = None) -> Any:
    return np.sqrt(np.nanmean(values_**2, axis=axis))


def whole(*arrays: Array) -> Array:
    """Mask of the states (first axis) that are finite in all arrays."""
    return np.all([np.isfinite(a).reshape(len(a), -1).all(axis=1) for a in arrays], axis=0)


def refuse_none_left(good: Array, step: float) -> None:
    """Refuse a model that blows up from every state."""
    if not good.any():
        raise InputError(f"the model blows up from all {len(good)} states within the step {step:g}: choose a shorter one")
