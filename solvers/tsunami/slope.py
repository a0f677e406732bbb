"""Waves on an even slope, to the shore and back: Carrier and Greenspan's transformation.

On the bed b = -slope x the shallow-water equations become linear in s = 2 sqrt(depth) and lambda = t - u (scaled):
psi_ll = (s psi_s)_s / s with psi = surface + u^2 / 2, whose solutions are integrals of J0(w s) cos(w lambda).

G. F. Carrier, T. T. Wu, H. Yeh, J. Fluid Mech. 475 (2003) 79-99, DOI 10.1017/S0022112002002653; the transformation, G. F. Carrier,
H. P. Greenspan, J. Fluid Mech. 4 (1958) 97-109, DOI 10.1017/S0022112058000331.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import j0, j1

Array = np.ndarray[Any, np.dtype[Any]]

SAMPLES = 1500  # along s, and twice as many frequencies
HOPELESS = 20  # steps of Newton's method: by then a wave that does not break is solved to 1 %
HIGHEST = 40.0  # frequency, in the smallest extents of the initial wave
LONGEST = 1.5  # of the farthest place: how far s is followed


class SlopeWave:
    """The wave that starts from rest with the free surface ``start(x)`` [m], x [m] from the still shore seaward.

    Parameters
    ----------
    slope
        Fall over run of the bed.
    reach
        Distance [m] beyond which the water is still at the start; the solution holds until waves come back from there.
    finest
        The smallest extent of the initial wave [m].
    """

    def __init__(self, start: Callable[[Array], Array], *, g: float, slope: float, reach: float, finest: float) -> None:
        self._length, self._time = reach, np.sqrt(reach / (slope * g))
        self._surface, self._speed = slope * reach, np.sqrt(g * slope * reach)
        self._s = np.linspace(0.0, 2.0 * np.sqrt(LONGEST), SAMPLES)
        place = self._places(lambda x: start(x * reach) / self._surface)
        psi = start(place * reach) / self._surface
        most = 40.0 / (finest / reach)
        self._w = np.linspace(0.0, most, 2 * SAMPLES)
        step = np.gradient(self._s)
        step[[0, -1]] *= 0.5
        self._w, share = _panels(HIGHEST * reach / finest, SAMPLES // 2)
        self._amplitude = (j0(np.outer(self._w, self._s)) @ (psi * self._s * step)) * self._w * share
        turn = np.outer(self._s, self._w)
        self._j0 = j0(turn)
        self._j1_over_s = np.divide(j1(turn), self._s[:, None], out=np.tile(0.5 * self._w, (SAMPLES, 1)), where=turn > 0.0)

    def _places(self, start: Callable[[Array], Array]) -> Array:
        """x (scaled) of each s at the start: s^2 / 4 = x + surface."""
        x = 0.25 * self._s**2
        for _ in range(200):
            x = 0.5 * x + 0.5 * (0.25 * self._s**2 - start(x))
        return x

    def _fields(self, lam: Array) -> tuple[Array, Array, Array]:
        """psi, u and u's derivative by lambda (scaled) at every s with its own lambda."""
        turn = np.outer(lam, self._w)
        cosine = np.cos(turn)
        u = 2.0 * (self._j1_over_s * np.sin(turn)) @ self._amplitude
        return (self._j0 * cosine) @ self._amplitude, u, 2.0 * (self._j1_over_s * cosine) @ (self._w * self._amplitude)

    def profile(self, t: float) -> tuple[Array, Array, Array]:
        """Places x [m] from the shoreline seaward, free surface [m] and velocity [m/s, seaward] at time ``t`` [s].

        Raises
        ------
        ValueError
            The wave breaks: the transformation has no single value.
        """
        lam = np.full_like(self._s, t / self._time)
        for step in range(60):
            psi, u, u_lam = self._fields(lam)
            left = t / self._time - u - lam
            if np.abs(left).max() < 1e-12 or (step >= HOPELESS and np.abs(left).max() > 1e-2):
                break
            lam = lam + left / np.maximum(1.0 + u_lam, 0.2)  # Newton's step, held back where the wave is near breaking
        surface = psi - 0.5 * u * u
        x = 0.25 * self._s**2 - surface
        if np.abs(left).max() > 1e-9 or (np.diff(x) <= 0.0).any():
            raise ValueError(f"the wave breaks before t = {t:g} s")
        return x * self._length, surface * self._surface, u * self._speed


def _panels(end: float, count: int) -> tuple[Array, Array]:
    """Points and weights of Gauss's rule of four points on each of ``count`` panels of (0, end)."""
    points, weights = np.polynomial.legendre.leggauss(4)
    half = 0.5 * end / count
    middles = (2.0 * np.arange(count) + 1.0) * half
    return (middles[:, None] + half * points).ravel(), np.tile(half * weights, count)
