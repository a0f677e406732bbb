"""Whole noisy trajectories: every observation of a window is used at once, with the states integrated out.

The states are unknown, and so are the coefficients. About a first guess of both, each observed state is forecast to the next with an
ensemble of small deviations, one for each Fourier mode that the model does not damp at once and one for each candidate term; the filter
of `filtering` makes of the forecasts' errors a regression on the coefficients, and of the regression's terms better states. Iterated,
it is a strong-constraint variational assimilation by multiple shooting (Gauss-Newton): the forecasts' errors are small though the
window is long against the time in which errors grow. The bias of noisy regressors (errors in variables) is gone, since the library is
never evaluated on raw observations, and so is that of a long step, since the columns are responses of the forecast.

Modes above the unknown follow the others (the model damps them within a step): they are taken from the forecast, as far as it
is to be believed in them.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.discovery.filtering import Filtered, Window, backward, forward
from pipeline.discovery.model import Forecast, forecasts, refuse_none_left, responses, whole
from pipeline.discovery.modes import SAME, StateModes, modes
from pipeline.discovery.problem import Linear
from pipeline.terms.terms import Terms

Array = np.ndarray[Any, np.dtype[Any]]

MODEL_NOISE = 0.01  # deviation of what a forecast lacks (truncated modes), relative to the observations' noise
MODEL_SHARES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # of the forecasts' mean square errors, tried as the model's noise
CONSISTENT = 5.0  # deviations of the innovations' mean square from 1 that pass for chance
LEAST_DEVIATION = 1e-6  # of an ensemble member, relative to the states
MOST_UNREACHED = 200.0  # on a line of 100, where waves were none of the numbers and 65, 336 and 770 high, 5, 4 and 2 of 5 cases were right
AT_ONCE = 2**22  # values of an ensemble's members that are in memory together: 32 MiB


@dataclass(frozen=True, slots=True)
class Trajectory:
    """M observed states, and the present guess of the true states; made by `observe`."""

    steps: Array  # (M - 1,), to the next state; not above 0 where a new trajectory begins
    lengths: tuple[float, ...]  # the periods
    modes: StateModes  # of which a state has n numbers
    numbers: Array = field(repr=False)  # (M, n), fitted to the observations
    covariance: Array = field(repr=False)  # (M, n, n), of their noise
    prior: Array = field(repr=False)  # (n, n), covariance of a first state about 0, whatever the guess
    guess: Array = field(repr=False)  # (M, *points)
    forecast: Forecast = field(repr=False)

    def linearise(self, model: Terms, library: Terms) -> Linear:
        """The whitened innovations as a regression on the candidates' coefficients."""
        deviation = max(float(np.sqrt(self.covariance[:, 0, 0].mean())), LEAST_DEVIATION * float(self.guess.std()))
        many, n = self.numbers.shape
        after = np.full_like(self.guess[:-1], np.nan)
        propagator, response = np.zeros((many - 1, n, n)), np.zeros((many - 1, n, len(library)))
        for step in np.unique(self.steps[self.steps > 0.0]):
            places = np.flatnonzero(self.steps == step)
            after[places], answers = responses(self.forecast, model, library, self.guess[places], float(step), self.lengths)
            response[places] = self.modes.of(np.moveaxis(answers, -1, 1)).swapaxes(1, 2)
            propagator[places] = self._propagator(model, places, float(step), after[places], deviation)
        good = whole(after, propagator, response)
        tried = self.steps > 0.0
        refuse_none_left(good[tried], float(self.steps[tried].min()))
        propagator[~good], response[~good] = 0.0, 0.0
        guess = self.modes.of(self.guess)
        ahead = np.where(good[:, None], self.modes.of(np.nan_to_num(after)), guess[1:])
        truncated = np.diag(np.full(n, (MODEL_NOISE * deviation) ** 2))
        window = Window(self.numbers, guess, ahead, propagator, response, good, self.covariance, -guess, self.prior, truncated)
        follows = np.concatenate([[False], good])  # a first state says nothing of the coefficients
        window, filtered, misfit = _consistent(window, follows)
        groups = np.repeat(np.flatnonzero(follows), n)
        columns, target = filtered.columns[follows].reshape(-1, len(library)), filtered.target[follows].ravel()
        dropped = tuple(int(k) for k in np.flatnonzero(tried & ~good))

        def advanced(change: Array, share: float) -> "Trajectory":
            there = good.reshape(-1, *[1] * len(self.lengths))
            return self._moved(window, filtered, np.where(there, after, self.guess[1:]), change, share)

        kinds = np.tile(np.arange(n), int(follows.sum()))
        return Linear(columns, target, groups, 1.0, True, misfit, dropped, advanced, kinds=kinds)

    def _propagator(self, model: Terms, places: Array, step: float, after: Array, deviation: float) -> Array:
        """Responses (P, n, n) of the forecasts from the states ``places`` to a deviation of each number."""
        n, points = self.numbers.shape[1], self.guess.shape[1:]
        deviations = self.modes.states(deviation * np.eye(n), points)
        found = np.empty((len(places), n, n))
        many = max(AT_ONCE // deviations.size, 1)
        for first in range(0, len(places), many):
            some = slice(first, first + many)
            members = self.guess[places[some], None] + deviations
            later = forecasts(self.forecast, model, members.reshape(-1, *points), step).reshape(members.shape)
            found[some] = self.modes.of((later - after[some, None]) / deviation).swapaxes(1, 2)
        return found

    def _moved(self, window: Window, filtered: Filtered, after: Array, change: Array, share: float) -> "Trajectory":
        """The guess with ``share`` of its change by the smoother and the forecasts (M - 1, *points)."""
        numbers = window.guess + share * backward(window, filtered, change)
        points = self.guess.shape[1:]
        fast = self.guess.copy()
        fast[1:] += share * self._believed(after - self.guess[1:])
        fast -= self.modes.states(self.modes.of(fast), points)
        return replace(self, guess=fast + self.modes.states(numbers, points))

    def _believed(self, ahead: Array) -> Array:
        """The part of the forecasts' differences (M - 1, *points) from the guess to follow in modes above the unknown.

        All of a mode where their mean square is no more than the observations' noise; where it is more, the model does not damp the
        mode but amplifies its errors (one that lacks its diffusion does), and the part is the noise's.
        """
        points, axes = ahead.shape[1:], range(1, ahead.ndim)
        c = np.fft.rfftn(ahead, axes=axes)
        power = (np.abs(c / math.prod(points)) ** 2).mean(axis=0)
        noise = float(self.covariance[:, 0, 0].mean())
        return np.asarray(np.fft.irfftn(c * (noise / np.maximum(power, noise)), points, axes=axes))


def _consistent(window: Window, follows: Array) -> tuple[Window, Filtered, float]:
    """The filter with as much model noise as the innovations ask for, and their mean square without it.

    A model that lacks a term is wrong by more than the observations are, and a filter that trusts it spoils the states. Its noise
    is a share of the mean square of the forecasts' errors, mode by mode: the least of MODEL_SHARES with which the innovations are no
    larger than the filter says. At the fixed point that is none.
    """
    filtered = forward(window)
    misfit = float(np.mean(filtered.target[follows] ** 2))
    most = 1.0 + CONSISTENT * np.sqrt(2.0 / filtered.target[follows].size)
    error = np.diag(_paired(((window.forecast - window.guess[1:])[window.linked] ** 2).mean(axis=0)))
    wider = window
    for share in MODEL_SHARES:
        if np.mean(filtered.target[follows] ** 2) <= most:
            break
        wider = replace(window, model_noise=window.model_noise + share * error)
        filtered = forward(wider)
    return wider, filtered, misfit


def observe(
    times: Array,
    observed: Array,
    length: float | tuple[float, ...],
    noise: float,
    forecast: Forecast,
    *,
    points: int | tuple[int, ...],
    members: int,
    candidates: int,
) -> Trajectory:
    """The `Trajectory` of observed states, ready for the loop.

    Parameters
    ----------
    times
        (M,); where they do not grow, another trajectory begins.
    observed
        (M, *observed points), nan where not observed.
    length
        The period; of a plane two, x first.
    noise
        Standard deviation of every observation.
    points
        Points of the grid on which the model forecasts; of a plane two numbers.
    members
        Most forecasts from one state: the state itself, one for every candidate, and one for each number of the state.

    Raises
    ------
    InputError
        Fewer than two states, a noise that is not positive, too few members, or a state with too few observed points.
    """
    lengths, grid = (length,) if isinstance(length, float) else length, (points,) if isinstance(points, int) else points
    if len(times) < 2 or len(times) != len(observed):
        raise InputError(f"{len(times)} times and {len(observed)} states: at least two states, each with its time, are needed")
    if not noise > 0.0:
        raise InputError(f"the noise is {noise}; a trajectory needs its deviation, above 0")
    resolved = modes(lengths, tuple(min(pair) for pair in zip(observed.shape[1:], grid, strict=True)))
    unknown = resolved.lowest(max((members - 1 - candidates - 1) // 2, 0))
    if not unknown.count > 1:
        least = candidates + 2 * len(resolved.waves[resolved.tops < resolved.tops[0] * (1.0 + SAME)]) + 2
        raise InputError(f"{members} members are too few for {candidates} candidates: at least {least} are needed")
    numbers, covariance = unknown.fitted(observed)
    wide, widely = (unknown, numbers) if np.isnan(observed).any() else (resolved, resolved.of(observed))
    power = _paired((widely**2).mean(axis=0))
    share = noise**2 / math.prod(observed.shape[1:])  # of the power that is noise; of M states it is known to some share / sqrt(M)
    guess = wide.states(widely * np.clip(1.0 - share / np.maximum(power, 1e-300), 0.0, 1.0), grid)
    prior = np.diag(np.maximum(power[: unknown.count] - share, share / np.sqrt(len(times))))
    steps = np.round(np.diff(times), 12)  # so that times that were added up make equal steps
    return Trajectory(steps, lengths, unknown, numbers, noise**2 * covariance, prior, guess, forecast)


def fewest_members(observed: Array, length: tuple[float, ...], noise: float, candidates: int) -> int:
    """Members with which no wave stands more than MOST_UNREACHED deviations of the noise high and is none of the numbers.

    Of states with gaps the waves are not known: it is the fewest that `observe` takes.
    """
    found = modes(length, observed.shape[1:])
    waves = 1
    if not np.isnan(observed).any():
        power = _paired((found.of(observed) ** 2).mean(axis=0))[1::2]
        high = np.flatnonzero(power > MOST_UNREACHED**2 * noise**2 / math.prod(observed.shape[1:]))
        waves = int(high.max(initial=0)) + 1
    while waves < len(found.waves) and len(found.lowest(waves).waves) < waves:  # all of one wavenumber
        waves += 1
    return 2 * waves + candidates + 2


def _paired(power: Array) -> Array:
    """Power of numbers, a wave's sine and cosine taken together."""
    power = power.copy()
    power[1::2] = power[2::2] = 0.5 * (power[1::2] + power[2::2])
    return power
