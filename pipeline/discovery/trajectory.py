"""Whole noisy trajectories: every observation of a window is used at once, with the states integrated out.

The states are unknown, and so are the coefficients. About a first guess of both, each observed state is forecast to the next with an
ensemble of small deviations, one for each Fourier mode that the model does not damp at once and one for each candidate term; the filter
of `filtering` makes of the forecasts' errors a regression on the coefficients, and of what the regression finds better states. Iterated,
it is a strong-constraint variational assimilation by multiple shooting (Gauss-Newton): the forecasts' errors are small though the
window is long against the time in which errors grow. The bias of noisy regressors (errors in variables) is gone, since the library is
never evaluated on raw observations, and so is that of a long step, since the columns are responses of the forecast.

Modes above those that are unknown follow the others (the model damps them within a step): they are taken from the forecast, as far as it
is to be believed in them.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pipeline.discovery.filtering import Filtered, Window, backward, forward
from pipeline.discovery.library import Terms
from pipeline.discovery.modes import fitted, from_modes, to_modes
from pipeline.discovery.samples import Forecast, Linear, forecasts, refuse_none_left, responses, whole
from pipeline.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

MODEL_NOISE = 0.01  # deviation of what a forecast lacks (truncated modes), relative to the observations' noise
MODEL_SHARES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # of the forecasts' mean square errors, tried as the model's noise
CONSISTENT = 5.0  # deviations of the innovations' mean square from 1 that pass for chance
LEAST_DEVIATION = 1e-6  # of an ensemble member, relative to the states


@dataclass(frozen=True, slots=True)
class Trajectory:
    """M observed states, and the present guess of the true ones; made by `observe`."""

    steps: Array  # (M - 1,), to the next state; not above 0 where a new trajectory begins
    length: float  # the period
    numbers: Array = field(repr=False)  # (M, n), fitted to the observations
    covariance: Array = field(repr=False)  # (M, n, n), of their noise
    prior: Array = field(repr=False)  # (n, n), covariance of a first state about 0, whatever the guess
    guess: Array = field(repr=False)  # (M, points)
    forecast: Forecast = field(repr=False)

    @property
    def waves(self) -> int:
        return self.numbers.shape[1] // 2

    def linearise(self, model: Terms, library: Terms) -> Linear:
        """The whitened innovations as a regression on the candidates' coefficients."""
        deviation = max(float(np.sqrt(self.covariance[:, 0, 0].mean())), LEAST_DEVIATION * float(self.guess.std()))
        many, n = self.numbers.shape
        after = np.full_like(self.guess[:-1], np.nan)
        propagator, response = np.zeros((many - 1, n, n)), np.zeros((many - 1, n, len(library)))
        for step in np.unique(self.steps[self.steps > 0.0]):
            places = np.flatnonzero(self.steps == step)
            after[places], answers = responses(self.forecast, model, library, self.guess[places], float(step), (self.length,))
            response[places] = to_modes(np.moveaxis(answers, -1, 1), self.waves).swapaxes(1, 2)
            propagator[places] = self._propagator(model, places, float(step), after[places], deviation)
        good = whole(after, propagator, response)
        tried = self.steps > 0.0
        refuse_none_left(good[tried], float(self.steps[tried].min()))
        propagator[~good], response[~good] = 0.0, 0.0
        guess = to_modes(self.guess, self.waves)
        ahead = np.where(good[:, None], to_modes(np.nan_to_num(after), self.waves), guess[1:])
        truncated = np.diag(np.full(n, (MODEL_NOISE * deviation) ** 2))
        window = Window(self.numbers, guess, ahead, propagator, response, good, self.covariance, -guess, self.prior, truncated)
        follows = np.concatenate([[False], good])  # a first state says nothing of the coefficients
        window, filtered, misfit = _consistent(window, follows)
        groups = np.repeat(np.flatnonzero(follows), n)
        columns, target = filtered.columns[follows].reshape(-1, len(library)), filtered.target[follows].ravel()
        dropped = tuple(int(k) for k in np.flatnonzero(tried & ~good))

        def advanced(change: Array, share: float) -> "Trajectory":
            return self._moved(window, filtered, np.where(good[:, None], after, self.guess[1:]), change, share)

        return Linear(columns, target, groups, 1.0, True, misfit, dropped, advanced)

    def _propagator(self, model: Terms, places: Array, step: float, after: Array, deviation: float) -> Array:
        """Responses (P, n, n) of the forecasts from the states ``places`` to a deviation of each number."""
        n, points = self.numbers.shape[1], self.guess.shape[1]
        members = self.guess[places, None] + from_modes(deviation * np.eye(n), points)
        later = forecasts(self.forecast, model, members.reshape(-1, points), step).reshape(members.shape)
        return to_modes((later - after[:, None]) / deviation, self.waves).swapaxes(1, 2)

    def _moved(self, window: Window, filtered: Filtered, after: Array, change: Array, share: float) -> "Trajectory":
        """The guess with ``share`` of what the smoother and the forecasts (M - 1, points) change of it."""
        numbers = window.guess + share * backward(window, filtered, change)
        points = self.guess.shape[1]
        fast = self.guess.copy()
        fast[1:] += share * self._believed(after - self.guess[1:])
        fast -= from_modes(to_modes(fast, self.waves), points)
        return replace(self, guess=fast + from_modes(numbers, points))

    def _believed(self, ahead: Array) -> Array:
        """The part of the forecasts' differences (M - 1, points) from the guess to follow in modes above those that are unknown.

        All of a mode where their mean square is no more than the observations' noise; where it is more, the model does not damp the
        mode but amplifies its errors (one that lacks its diffusion does), and the part is that of the noise.
        """
        c = np.fft.rfft(ahead, axis=1)
        power = (np.abs(c / ahead.shape[1]) ** 2).mean(axis=0)
        noise = float(self.covariance[:, 0, 0].mean())
        return np.asarray(np.fft.irfft(c * (noise / np.maximum(power, noise)), ahead.shape[1], axis=1))


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
    times: Array, observed: Array, length: float, noise: float, forecast: Forecast, *, points: int, members: int, candidates: int
) -> Trajectory:
    """The `Trajectory` of observed states, ready for the loop.

    Parameters
    ----------
    times : (M,); where they do not grow, another trajectory begins. observed : (M, observed points), nan where not observed.
    noise : standard deviation of every observation.
    points : of the grid on which the model forecasts.
    members : most forecasts from one state: the state itself, one for every candidate, and one for each number of the state.

    Raises
    ------
    InputError
        Fewer than two states, a noise that is not positive, too few members, or a state with too few observed points.
    """
    if len(times) < 2 or len(times) != len(observed):
        raise InputError(f"{len(times)} times and {len(observed)} states: at least two states, each with its time, are needed")
    if not noise > 0.0:
        raise InputError(f"the noise is {noise}; a trajectory needs its deviation, above 0")
    resolved = min(observed.shape[1], points) // 2 - 1
    waves = min((members - 1 - candidates - 1) // 2, resolved)
    if waves < 1:
        raise InputError(f"{members} members are too few for {candidates} candidates: at least {candidates + 4} are needed")
    numbers, covariance = fitted(observed, waves)
    wide = numbers if np.isnan(observed).any() else fitted(observed, resolved)[0]
    power = _paired((wide**2).mean(axis=0))
    share = noise**2 / observed.shape[1]  # of the power that is noise; the power of M states is known to some share / sqrt(M)
    guess = from_modes(wide * np.clip(1.0 - share / np.maximum(power, 1e-300), 0.0, 1.0), points)
    prior = np.diag(np.maximum(power[: 2 * waves + 1] - share, share / np.sqrt(len(times))))
    steps = np.round(np.diff(times), 12)  # so that times that were added up make equal steps
    return Trajectory(steps, length, numbers, noise**2 * covariance, prior, guess, forecast)


def _paired(power: Array) -> Array:
    """Power of numbers, that of a wave's sine and cosine made one."""
    power = power.copy()
    power[1::2] = power[2::2] = 0.5 * (power[1::2] + power[2::2])
    return power
