"""Time-stepping schemes as data: the effect of each on every wavenumber, from the linear operator L (n + 1,) [1/time] and the step.

References stand in ``kernels``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from solvers.ks import kernels

Array = np.ndarray[Any, np.dtype[Any]]

CONTOUR = 64  # points on the circle round each L dt over which ETDRK4's coefficients are means


@dataclass(frozen=True, slots=True)
class Scheme:
    """``advance`` is its kernel, ``coefficients(L, dt)`` (C, n + 1) and ``tables(dt)`` its arguments; ``slots``: arrays of its state."""

    order: int
    advance: Callable[..., None]
    coefficients: Callable[[Array, float], Array]
    stages: int  # evaluations of the nonlinear terms in a step
    arrays: int  # that it works with
    slots: int = 1  # 2: the state holds the last nonlinear terms too
    tables: Callable[[float], tuple[Array, ...]] = lambda dt: ()


def _etdrk4(linear: Array, dt: float) -> Array:
    """exp(L dt), exp(L dt / 2), Q, f1, 2 f2, f3: means over a circle, as the formulas cancel near L dt = 0 (Kassam and Trefethen)."""
    z = dt * linear
    r = z[:, None] + np.exp(2j * np.pi * (np.arange(CONTOUR) + 0.5) / CONTOUR)
    e = np.exp(r)
    weights = [
        (np.exp(0.5 * r) - 1.0) / r,
        (-4.0 - r + e * (4.0 - 3.0 * r + r**2)) / r**3,
        2.0 * (2.0 + r + e * (r - 2.0)) / r**3,
        (-4.0 - 3.0 * r - r**2 + e * (4.0 - r)) / r**3,
    ]
    found = np.stack([np.exp(z), np.exp(0.5 * z), *(dt * weight.mean(axis=1) for weight in weights)])
    return np.where(linear.imag == 0.0, found.real, found)  # of a real L the imaginary parts are round-off


def _cnab2(linear: Array, dt: float) -> Array:
    half = 0.5 * dt * linear
    return np.stack([1.0 + half, np.full_like(half, 1.5 * dt), np.full_like(half, -0.5 * dt)]) / (1.0 - half)


GAMMA = 0.5  # on the diagonal of ARS(4,4,3)
EXPLICIT = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [1 / 2, 0.0, 0.0, 0.0, 0.0],
        [11 / 18, 1 / 18, 0.0, 0.0, 0.0],
        [5 / 6, -5 / 6, 1 / 2, 0.0, 0.0],
        [1 / 4, 7 / 4, 3 / 4, -7 / 4, 0.0],
    ]
)
IMPLICIT = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, GAMMA, 0.0, 0.0, 0.0],
        [0.0, 1 / 6, GAMMA, 0.0, 0.0],
        [0.0, -1 / 2, 1 / 2, GAMMA, 0.0],
        [0.0, 3 / 2, -3 / 2, 1 / 2, GAMMA],
    ]
)


def _ars443(linear: Array, dt: float) -> Array:
    return np.stack([dt * linear, 1.0 / (1.0 - GAMMA * dt * linear)])


SCHEMES = {
    "etdrk4": Scheme(4, kernels.etdrk4, _etdrk4, stages=4, arrays=6),
    "cnab2": Scheme(2, kernels.cnab2, _cnab2, stages=1, arrays=1, slots=2),
    "ars443": Scheme(3, kernels.imex, _ars443, stages=4, arrays=10, tables=lambda dt: (dt * EXPLICIT, IMPLICIT)),
}
