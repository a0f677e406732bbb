"""A linear regression: what the closed loop regresses, reduced to the triangle R of a QR factorisation of its columns.

All that comes after works on the triangle, never on products of columns: the residual of a fit to 12 digits keeps its own digits.
Columns are divided by their norms, so that their units do not matter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.discovery.collinear import Accuracy, refuse_collinear

Array = np.ndarray[Any, np.dtype[Any]]

COLUMN_ROUND_OFF = 1e-13  # of a column's norm, where no more is known of its accuracy
RESPONSE = 1e-6  # change of the forecast by h, relative to the states: between round-off and curvature
RESPONSE_ROUND_OFF = np.finfo(float).eps / RESPONSE  # of a response, relative to it


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
    advanced: Callable[[Array, float], Any]  # (change (J,), share of it that is made) -> the view after it (`model.View`)
    accuracy: Accuracy = lambda: RESPONSE_ROUND_OFF  # (J,) or one number: to what share of its size a column is known
    kinds: Array | None = None  # (N,), which number of a state a sample is of, where the noise of all is independent


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Facts of a model that are known before it is linearised."""

    dropped: int  # states from which the forecast blew up
    misfit: float  # as of `Linear`
    samples: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A regression reduced to its triangle; N samples, J columns."""

    triangle: Array  # (J, J), upper; its columns have norm 1
    target: Array  # (J,), the target's part in the space of the columns
    left: float  # norm of the target's part outside
    samples: int
    scales: Array  # (J,), norms of the columns


def whitened(columns: Array, target: Array, covariance: Array) -> tuple[Array, Array]:
    """Columns (N, J) and target (N,) whose noise has the covariance (N, N), brought to independent noise of deviation 1."""
    from scipy.linalg import cholesky, solve_triangular  # loads for long, and a run's own model does without

    factor = cholesky(covariance, lower=True)
    both = solve_triangular(factor, np.column_stack([columns, target]), lower=True)
    return both[:, :-1], both[:, -1]


def reduce(columns: Array, target: Array, names: tuple[str, ...], accuracy: Accuracy = lambda: COLUMN_ROUND_OFF) -> Problem:
    """The `Problem` of columns (N, J), known to ``accuracy()`` (J,) of their size, and target (N,).

    Raises
    ------
    InputError
        Fewer samples than columns and one more, a column that is zero everywhere, or collinear columns: says which.
    """
    samples, many = columns.shape
    if samples < many + 1:
        raise InputError(f"{samples} samples are too few for {many} candidates: {many + 1 - samples} more are needed")
    problem = triangle_of(np.column_stack([columns, target]), samples)
    if not problem.scales.all():
        raise InputError(f"the candidate {names[int(np.argmin(problem.scales))]} is zero in every sample: leave it out")
    refuse_collinear(problem.triangle, names, accuracy)
    return problem


def triangle_of(rows: Array, samples: int) -> Problem:
    """The `Problem` of ``rows`` (.., J + 1), columns and target, that stand for ``samples``; nothing is refused.

    A column that is zero stays out of every fit.
    """
    from scipy.linalg import qr  # loads for long

    many = rows.shape[1] - 1
    scales = np.linalg.norm(rows[:, :many], axis=0)
    scaled = rows / np.append(np.where(scales > 0.0, scales, 1.0), 1.0)
    factor = np.zeros((many + 1, many + 1))
    found = np.asarray(qr(scaled, mode="r", check_finite=False, overwrite_a=True)[0])[: many + 1]
    factor[: len(found)] = found
    return Problem(factor[:many, :many], factor[:many, many], abs(float(factor[many, many])), samples, scales)


def cramer_rao(problem: Problem, kept: list[int], noise: float) -> Array:
    """The least standard deviation (A,) that an unbiased estimate of the coefficients ``kept``, and no others, can have."""
    columns = problem.triangle[:, kept] * problem.scales[kept]
    inverse = np.linalg.inv(np.linalg.qr(columns, mode="r"))
    return np.asarray(noise * np.linalg.norm(inverse, axis=1))
