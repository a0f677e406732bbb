"""A Kalman filter and smoother for small deviations from a trajectory, with the sensitivity to unknown coefficients carried along.

About a first guess x_k of the states, with forecasts f_k of x_k, the deviations d_k obey, for the change c of the coefficients,

    d_{k+1} = A_k d_k + (f_k - x_{k+1}) + B_k c + model noise,      z_k - x_k = d_k + observation noise

All is linear in c, so one filter run with J + 1 right-hand sides gives the innovations as a regression on c:
innovation = target - columns c, whitened by their covariance. Its likelihood is that of all the observations with the states integrated
out (the prediction error decomposition: F. C. Schweppe, IEEE Trans. Inf. Theory 11 (1965) 61-70, DOI 10.1109/TIT.1965.1053737). The
smoother then gives the states for the c that was chosen (A. E. Bryson, M. Frazier 1963; G. J. Bierman, Int. J. Control 18 (1973) 727-735,
DOI 10.1080/00207177308932551: it inverts no forecast covariance, so states that the model damps do no harm).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_solve, solve_triangular

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Window:
    """The linear problem. M observed states, n numbers a state, J coefficients."""

    observed: Array  # (M, n), z_k
    guess: Array  # (M, n), x_k
    forecast: Array  # (M - 1, n), f_k
    propagator: Array  # (M - 1, n, n), A_k
    response: Array  # (M - 1, n, J), B_k
    linked: Array  # (M - 1,), whether state k + 1 follows from k; else it is a first state, as state 0 is
    noise: Array  # (M, n, n), covariance of the observations
    centre: Array  # (M, n), mean of the deviation of a first state, before it is observed
    prior: Array  # (n, n), its covariance
    model_noise: Array  # (n, n)


@dataclass(frozen=True, slots=True)
class Filtered:
    """Results of the filter, for the regression and the smoother."""

    columns: Array  # (M, n, J), whitened
    target: Array  # (M, n), whitened
    innovation: Array  # (M, n, 1 + J): first with c = 0, then its change by each coefficient
    mean: Array  # (M, n, 1 + J), forecast of the deviation, in the same way
    covariance: Array  # (M, n, n), of that forecast
    gain: Array  # (M, n, n)
    factor: Array  # (M, n, n), lower Cholesky factor of the innovations' covariance


def forward(window: Window) -> Filtered:
    """The filter, from the first state to the last."""
    many, n = window.guess.shape
    unknown = 1 + window.response.shape[-1]
    innovation, mean = np.empty((2, many, n, unknown))
    covariance, gain, factor = np.empty((3, many, n, n))
    m, p = _first(window, 0, unknown)
    for k in range(many):
        mean[k], covariance[k] = m, p
        factor[k] = np.linalg.cholesky(p + window.noise[k])
        innovation[k] = -m
        innovation[k, :, 0] += window.observed[k] - window.guess[k]
        gain[k] = cho_solve((factor[k], True), p).T
        if k + 1 == many:
            break
        if window.linked[k]:
            a = window.propagator[k]
            m = a @ (m + gain[k] @ innovation[k])
            m[:, 0] += window.forecast[k] - window.guess[k + 1]
            m[:, 1:] += window.response[k]
            p = a @ (p - gain[k] @ p) @ a.T + window.model_noise
            p = 0.5 * (p + p.T)
        else:
            m, p = _first(window, k + 1, unknown)
    white = np.stack([solve_triangular(f, v, lower=True) for f, v in zip(factor, innovation, strict=True)])
    return Filtered(-white[..., 1:], white[..., 0], innovation, mean, covariance, gain, factor)


def _first(window: Window, k: int, unknown: int) -> tuple[Array, Array]:
    """Mean (n, 1 + J) and covariance (n, n) of the deviation of state k, of which nothing came before."""
    mean = np.zeros((len(window.prior), unknown))
    mean[:, 0] = window.centre[k]
    return mean, window.prior


def backward(window: Window, filtered: Filtered, change: Array) -> Array:
    """The smoothed deviations (M, n) for the change (J,) of the coefficients."""
    many, n = window.guess.shape
    weights = np.concatenate([[1.0], change])
    found = np.empty((many, n))
    adjoint = np.zeros(n)
    for k in range(many - 1, -1, -1):
        if k + 1 < many:
            adjoint = window.propagator[k].T @ adjoint if window.linked[k] else np.zeros(n)
        news = cho_solve((filtered.factor[k], True), filtered.innovation[k] @ weights)
        adjoint = news + adjoint - filtered.gain[k].T @ adjoint
        found[k] = filtered.mean[k] @ weights + filtered.covariance[k] @ adjoint
    return found
