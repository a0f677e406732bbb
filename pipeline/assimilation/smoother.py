"""Smoothers: the state along a whole trajectory from all observations, later ones too.

EnKS: each analysis smooths the earlier states by its own weights; G. Evensen, P. J. van Leeuwen, Mon. Weather Rev. 128 (2000) 1852-1867,
DOI 10.1175/1520-0493(2000)128<1852:AEKSFN>2.0.CO;2. With the LETKF, a domain's earlier states are smoothed by the domain's weights.
IEnKS: the start of a window is fitted to all of its observations by Gauss-Newton steps in the ensemble's space, the forecast run anew in
each; M. Bocquet, P. Sakov, Q. J. R. Meteorol. Soc. 140 (2014) 1521-1535, DOI 10.1002/qj.2236, its transform variant, with one window.
"""

# M members, K times, Q observed values of a window

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.assimilation.analysis import Method, analyse_trajectory
from pipeline.assimilation.cycle import Forecast, advance
from pipeline.assimilation.innovation import Innovation, innovation
from pipeline.assimilation.observe import Observation, as_double, check_ensemble, see
from pipeline.core.errors import InputError, RunError

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Smoothed:
    """Ensembles along a trajectory; members that blew up are gone from all times."""

    times: Array  # (K,) the start, then those of the observations
    states: Array  # (K, M, dofs)
    innovations: tuple[Innovation, ...]  # of each observation, as the filter met it


def smooth(
    forecast: Forecast,
    ensemble: Array,
    observations: Iterable[tuple[float, Observation]],
    method: Method,
    *,
    start: float = 0.0,
    lag: int | None = None,
    client: Any = None,
) -> Smoothed:
    """EnKS from ``ensemble`` (M, dofs) at ``start``: a state is smoothed by the ``lag`` observations after it, by all without a lag.

    Raises
    ------
    InputError, RunError
        As `cycle.assimilate`, and a lag below 0.
    """
    if lag is not None and lag < 0:
        raise InputError(f"a lag of {lag} observations; it must be 0 or more")
    times, states, statistics = [start], as_double(ensemble)[None], []
    for number, (time, observation) in enumerate(observations):
        before, kept = advance(forecast, states[-1], times[-1], time)
        states = np.concatenate([states[:, kept], before[None]])
        first = 0 if lag is None else max(0, number + 1 - lag)
        states[first:] = analyse_trajectory(states[first:], observation, method, number, client=client)
        statistics.append(innovation(before, states[-1], observation))
        times.append(time)
    if not statistics:
        raise InputError("no observations to assimilate")
    return Smoothed(np.array(times), states, tuple(statistics))


@dataclass(frozen=True, slots=True)
class Fitted:
    """An ensemble at the start of a window, fitted to the window's observations."""

    ensemble: Array  # (M, dofs)
    steps: int  # Gauss-Newton steps taken
    change: float  # of the mean in the last step, in standard deviations of the ensemble that it leaves


def fit(
    forecast: Forecast,
    ensemble: Array,
    observations: Sequence[tuple[float, Observation]],
    *,
    start: float = 0.0,
    most: int = 20,
    tolerance: float = 1e-3,
) -> Fitted:
    """IEnKS over one window, which holds all ``observations``, without localisation; ends when the mean moves less than ``tolerance``.

    Costs one forecast of the whole ensemble over the window for every step.

    Raises
    ------
    InputError
        No observations, or an ensemble or observations that do not fit each other.
    RunError
        A member blows up, or the steps do not converge.
    """
    if not any(observation.present.any() for _, observation in observations):
        raise InputError("no observations to assimilate")
    ensemble = as_double(ensemble)
    check_ensemble(ensemble, observations[0][1].operator.dofs)
    members = len(ensemble)
    mean = ensemble.mean(axis=0)
    perturbations = ensemble - mean
    w, root, inverse = np.zeros(members), np.eye(members), np.eye(members)
    change = np.inf
    for step in range(1, most + 1):
        y, d = _window(forecast, mean + w @ perturbations + root @ perturbations, observations, start)
        y = inverse @ y  # sensitivities to w
        hessian = (members - 1.0) * np.eye(members) + y @ y.T
        values, vectors = np.linalg.eigh(hessian)
        move = vectors @ ((vectors.T @ (y @ d - (members - 1.0) * w)) / values)
        w = w + move
        root = (vectors * np.sqrt((members - 1.0) / values)) @ vectors.T
        inverse = (vectors * np.sqrt(values / (members - 1.0))) @ vectors.T
        change = float(np.sqrt(move @ hessian @ move / members))
        if change < tolerance:
            return Fitted(mean + w @ perturbations + root @ perturbations, step, change)
    raise RunError(f"the iterative smoother still moves by {change:.2g} standard deviations after {most} steps: shorten its window")


def _window(forecast: Forecast, ensemble: Array, observations: Sequence[tuple[float, Observation]], start: float) -> tuple[Array, Array]:
    """Perturbations (M, Q) and innovations (Q,) of all observations, as an ensemble at ``start`` forecasts them."""
    now, members, perturbations, innovations = start, len(ensemble), [], []
    for time, observation in observations:
        ensemble, kept = advance(forecast, ensemble, now, time)
        if len(kept) < members:
            raise RunError(f"a member blew up before {time:g}: the window's forecast is needed of all")
        seen = see(ensemble, observation)
        perturbations.append(seen.perturbations)
        innovations.append(seen.innovation)
        now = time
    return np.concatenate(perturbations, axis=1), np.concatenate(innovations)
