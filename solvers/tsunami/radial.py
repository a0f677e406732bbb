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
        h = u[0]
        padded = np.empty((2, len(h) + 4))  # depth and speed, with two rings behind each wall, where the speed is the other way
        padded[0, 2:-2] = h
        np.divide(u[1], h, out=padded[1, 2:-2])
        padded[:, :2], padded[:, -2:] = padded[:, 3:1:-1], padded[:, -3:-5:-1]
        np.negative(padded[1, :2], out=padded[1, :2])
        np.negative(padded[1, -2:], out=padded[1, -2:])
        half = 0.5 * self._slope(padded)
        inner = padded[:, 1:-1]
        flux = _hll((inner + half)[:, :-1], (inner - half)[:, 1:], self.g)
        flux *= self._walls
        rate = flux[:, 1:] - flux[:, :-1]
        rate /= self._width
        push = 0.5 * self.g * h
        push *= h
        np.subtract(0.0, rate[0], out=rate[0])
        np.subtract(push, rate[1], out=rate[1])
        rate /= self.r
        return rate

    def _slope(self, padded: Array) -> Array:
        """Slopes, a ring's width times, of all rings but the first and the last."""
        slope: Array = 0.5 * (padded[:, 2:] - padded[:, :-2])
        if not self._limited:
            return slope
        behind, ahead = padded[:, 1:-1] - padded[:, :-2], padded[:, 2:] - padded[:, 1:-1]
        product = np.maximum(behind * ahead, 0.0)
        return np.asarray(np.divide(2.0 * product, behind + ahead, out=np.zeros_like(slope), where=product > 0.0))


def _hll(left: Array, right: Array, g: float) -> Array:
    """A. Harten, P. D. Lax, B. van Leer, SIAM Rev. 25 (1983) 35-61, DOI 10.1137/1025002."""
    c_left, c_right = np.sqrt(g * left[0]), np.sqrt(g * right[0])
    slow = np.minimum(np.minimum(left[1] - c_left, right[1] - c_right), 0.0)
    fast = np.maximum(np.maximum(left[1] + c_left, right[1] + c_right), 0.0)
    both, width = slow * fast, fast - slow
    discharge_left, discharge_right = left[0] * left[1], right[0] * right[1]
    flux = np.empty_like(left)
    flux[0] = (fast * discharge_left - slow * discharge_right + both * (right[0] - left[0])) / width
    pushed_left = discharge_left * left[1] + 0.5 * g * left[0] ** 2
    pushed_right = discharge_right * right[1] + 0.5 * g * right[0] ** 2
    flux[1] = (fast * pushed_left - slow * pushed_right + both * (discharge_right - discharge_left)) / width
    return flux
