"""Waves that spread from a centre on an even bed: a fine finite-volume solution in one dimension.

    (r h)_t + (r h u)_r = 0,    (r h u)_t + (r (h u^2 + g h^2 / 2))_r = g h^2 / 2

in rings of even width: second order, with slopes that no limiter cuts where the waves are smooth, HLL fluxes, SSP-RK3. R. J. LeVeque,
Finite Volume Methods for Hyperbolic Problems, Cambridge 2002, DOI 10.1017/CBO9780511791253, section 18.9 for the equations. It is
as exact as its rings are fine; the error falls with their square.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class RadialWave:
    """The wave that starts from rest with the depth ``start(r)`` [m]; `advance` goes forward in time.

    ``reach`` [m] is the outer wall, which no wave should have reached; ``rings`` how many there are; ``limited`` for waves with shocks,
    by van Leer's limiter (B. van Leer, J. Comput. Phys. 14 (1974) 361-370, DOI 10.1016/0021-9991(74)90019-9).
    """

    def __init__(self, start: Callable[[Array], Array], *, g: float, reach: float, rings: int, limited: bool = False) -> None:
        self.g, self.t, self._limited = g, 0.0, limited
        self.r = (np.arange(rings) + 0.5) * (reach / rings)
        self._walls = np.arange(rings + 1) * (reach / rings)
        self._width = reach / rings
        self.u = np.stack([start(self.r), np.zeros(rings)])

    def advance(self, t: float) -> tuple[Array, Array, Array]:
        """Radius, depth and outward velocity of the rings [m], [m], [m/s] at time ``t`` [s], no earlier than the last one asked."""
        if t < self.t:
            raise ValueError(f"t = {t:g} s is earlier than {self.t:g} s")
        while self.t < t:
            fastest = np.max(np.abs(self.u[1] / self.u[0]) + np.sqrt(self.g * self.u[0]))
            dt = min(0.5 * self._width / fastest, t - self.t)
            one = self.u + dt * self._rate(self.u)
            two = 0.75 * self.u + 0.25 * (one + dt * self._rate(one))
            self.u = self.u / 3.0 + 2.0 / 3.0 * (two + dt * self._rate(two))
            self.t = t if dt == t - self.t else self.t + dt
        return self.r, self.u[0], self.u[1] / self.u[0]

    def _rate(self, u: Array) -> Array:
        h, speed = u[0], u[1] / u[0]
        w = np.stack([h, speed])
        mirror = np.array([[1.0], [-1.0]])
        padded = np.concatenate([mirror * w[:, 1::-1], w, mirror * w[:, :-3:-1]], axis=1)
        behind, ahead = padded[:, 1:-1] - padded[:, :-2], padded[:, 2:] - padded[:, 1:-1]
        slope = 0.5 * (padded[:, 2:] - padded[:, :-2])
        if self._limited:
            product = np.maximum(behind * ahead, 0.0)
            slope = np.divide(2.0 * product, behind + ahead, out=np.zeros_like(slope), where=product > 0.0)
        left, right = (padded[:, 1:-1] + 0.5 * slope)[:, :-1], (padded[:, 1:-1] - 0.5 * slope)[:, 1:]
        flux = _hll(left, right, self.g) * self._walls
        push = np.stack([np.zeros_like(h), 0.5 * self.g * h * h])
        return np.asarray((push - (flux[:, 1:] - flux[:, :-1]) / self._width) / self.r)


def _hll(left: Array, right: Array, g: float) -> Array:
    """A. Harten, P. D. Lax, B. van Leer, SIAM Rev. 25 (1983) 35-61, DOI 10.1137/1025002."""
    c_left, c_right = np.sqrt(g * left[0]), np.sqrt(g * right[0])
    slow = np.minimum(np.minimum(left[1] - c_left, right[1] - c_right), 0.0)
    fast = np.maximum(np.maximum(left[1] + c_left, right[1] + c_right), 0.0)

    def both(w: Array) -> tuple[Array, Array]:
        discharge = w[0] * w[1]
        return np.stack([w[0], discharge]), np.stack([discharge, discharge * w[1] + 0.5 * g * w[0] ** 2])

    (u_left, f_left), (u_right, f_right) = both(left), both(right)
    return np.asarray((fast * f_left - slow * f_right + slow * fast * (u_right - u_left)) / (fast - slow))
