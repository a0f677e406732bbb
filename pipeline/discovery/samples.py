"""Data that the closed loop regresses: errors of the forecast, and the forecast's response to each candidate term.

A column is the response of the forecast over the step D to its candidate, (F(model + h term) - F(model)) / h, not the term itself: it
holds the term as the model evolves it within D, so that a missing term that does not commute with the model leaves no spurious
commutator at first order, and a pass of the loop is a Gauss-Newton step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pipeline.core.errors import InputError
from pipeline.discovery.collinear import Accuracy
from pipeline.discovery.library import Terms, values, with_changes

Array = np.ndarray[Any, np.dtype[Any]]
Forecast = Callable[[Terms, Array, float], Array]  # (model, states (S, *points), step)

RESPONSE = 1e-6  # change of the forecast by h, relative to the states: between round-off and curvature
ROUND_OFF = np.finfo(float).eps / RESPONSE  # of a response, relative to it
BLOWN_UP = 10.0  # times the largest value of all states: no forecast over a step of any use comes near


@dataclass(frozen=True, slots=True)
class Linear:
    """Errors of the forecasts, linear in the change of the coefficients. N samples, J candidates."""

    columns: Array  # (N, J)
    target: Array  # (N,)
    groups: Array  # (N,), which state a sample is of
    noise: float  # the samples' least deviation: that of the noise that is known, or of round-off
    noise_known: bool  # which of the two
    misfit: float  # mean square of the errors over that of the noise: 1 is noise alone
    dropped: tuple[int, ...]  # states from which a forecast blew up
    advanced: Callable[[Array, float], "View"]  # (change (J,), share of it that is made) -> the view after it
    accuracy: Accuracy = lambda: ROUND_OFF  # (J,) or one number: to what share of its size a column is known
    kinds: Array | None = None  # (N,), which number of a state a sample is of, where the noise of all is independent


def forecasts(forecast: Forecast, model: Terms, states: Array, step: float) -> Array:
    """The states a step later, nan where one blew up: is not finite, or BLOWN_UP times as large as any state was."""
    return _each(forecast, [model], states, step)[0]


def _each(forecast: Forecast, models: Sequence[Terms], states: Array, step: float) -> list[Array]:
    """The forecasts of every model, all at once where ``forecast`` can (`model.Steps`)."""
    most = BLOWN_UP * float(np.abs(states).max())
    many = getattr(forecast, "many", None)
    with np.errstate(all="ignore"):
        found = many(models, states, step) if many else [forecast(model, states, step) for model in models]
        found = [np.array(after) for after in found]
        for after in found:
            after[~(np.abs(after).reshape(len(after), -1).max(axis=1) <= most)] = np.nan
    return found


class View(Protocol):
    """Observations as the loop sees them: linearised about a model, and moved on when the model is changed."""

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
