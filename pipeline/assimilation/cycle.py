"""The cycle: forecast to the next observation, analyse, and again. A generator: the caller chooses the states to keep."""

# M members

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.assimilation.analysis import Method, analyse
from pipeline.assimilation.innovation import Innovation, innovation
from pipeline.assimilation.observe import Observation, as_double
from pipeline.core.errors import InputError, RunError

Array = np.ndarray[Any, np.dtype[Any]]
Forecast = Callable[[Array, float, float], Array]  # states (M, dofs) at t, t, dt -> states at t + dt

log = logging.getLogger("wavetrain")


@dataclass(frozen=True, slots=True)
class Cycle:
    """A forecast and its analysis."""

    time: float
    forecast: Array  # (M, dofs)
    analysis: Array  # (M, dofs)
    innovation: Innovation
    kept: Array  # indices of the members of the ensemble before it that are still there


def assimilate(
    forecast: Forecast,
    ensemble: Array,
    observations: Iterable[tuple[float, Observation]],
    method: Method,
    *,
    start: float = 0.0,
    client: Any = None,
) -> Iterator[Cycle]:
    """Yield a `Cycle` for each of the ``observations`` (time, observation), from ``ensemble`` (M, dofs) at time ``start`` on.

    A member that blows up in the forecast is dropped, and the log says so.

    Raises
    ------
    InputError
        No observations, times that run backwards, or an ensemble or observations that do not fit each other or the method.
    RunError
        Fewer than two members are left.
    """
    now, number, ensemble = start, -1, as_double(ensemble)
    for number, (time, observation) in enumerate(observations):
        before, kept = advance(forecast, ensemble, now, time)
        ensemble = analyse(before, observation, method, number, client=client)
        yield Cycle(time, before, ensemble, innovation(before, ensemble, observation), kept)
        now = time
    if number < 0:
        raise InputError("no observations to assimilate")


def advance(forecast: Forecast, ensemble: Array, now: float, time: float) -> tuple[Array, Array]:
    """Members (M', dofs) at ``time`` that are finite, and which they are; errors as in `assimilate`."""
    if time < now:
        raise InputError(f"an observation at {time:g} after one at {now:g}: times must not run backwards")
    if time == now:
        return ensemble, np.arange(len(ensemble))
    after = as_double(forecast(ensemble, now, time - now))
    if after.shape != ensemble.shape:
        raise InputError(f"the forecast of an ensemble of shape {ensemble.shape} has shape {after.shape}")
    kept = np.flatnonzero(np.isfinite(after).all(axis=1))
    if len(kept) == len(after):
        return after, kept
    log.warning("%d of %d members blew up between %g and %g, and are dropped", len(after) - len(kept), len(after), now, time)
    if len(kept) < 2:
        raise RunError(f"{len(kept)} member(s) left at {time:g}: the others blew up")
    return after[kept], kept
