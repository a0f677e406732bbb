"""The Kuramoto-Sivashinsky equation on a plane for the bench of stage `discover`: truth and cases.

    u_t + |grad u|^2 / 2 + lap u + lap lap u = 0,    periodic

The truth is by an integrating factor and classical RK4 (J. D. Lawson, SIAM J. Numer. Anal. 4 (1967) 372-380, DOI 10.1137/0704033), on a
finer grid than the forecasts' and at a shorter step, so that the two have no error in common.
"""

import math

import numpy as np
import scipy.fft

from pipeline.discovery.library import with_changes
from pipeline.terms.parser import parse_terms
from pipeline.terms.terms import Term

TRUTH = parse_terms(["-u_xx - u_yy", "-u_xxxx - 2*u_xxyy - u_yyyy", "-0.5*u_x^2 - 0.5*u_y^2"], dimensions=2)
LENGTH, POINTS = 16.0, 48  # along each axis
SPIN_UP = 60.0  # simulated time before the first state
GONE = {  # name to the terms that the model lacks, wholly or in part
    "u_x^2": ["-0.5*u_x^2"],
    "u_yy": ["-u_yy"],
    "u_xxyy": ["-2*u_xxyy"],
    "half of u_yyyy": ["-0.5*u_yyyy"],
    "u_x^2 and u_y^2": ["-0.5*u_x^2", "-0.5*u_y^2"],
    "0.1 u_xxx too much": ["-0.1*u_xxx"],
}


def cases():
    """Name to (model, what it lacks: key to coefficient)."""
    found = {}
    for name, texts in GONE.items():
        gone = parse_terms(texts, dimensions=2)
        model = with_changes(TRUTH, {Term(1.0, t.factors): -t.coefficient for t in gone})
        found[name] = model, {t.key: t.coefficient for t in gone}
    return found


def truth(seed, times, points=POINTS, length=LENGTH, longest=5e-3):
    """States (M, points, points) at even ``times`` (M,), by x and y; the mean of the first is 0, for any constant may be added."""
    grid = _Grid(points, length)
    start = np.zeros((points, points))
    where = 2.0 * np.pi / points * np.arange(points)
    rng = np.random.default_rng([seed, 0])
    for m in range(-3, 4):
        for n in range(4):
            start += rng.normal() * np.cos(m * where[:, None] + n * where + 2.0 * np.pi * rng.random())
    v = grid.run(scipy.fft.rfft2(start), SPIN_UP, 0.02)
    v[0, 0] = 0.0
    found = [v]
    for gap in np.diff(times):
        found.append(grid.run(found[-1], gap, longest))
    return scipy.fft.irfft2(np.array(found), (points, points))


class _Grid:
    """Rates and steps of spectra (points, points // 2 + 1)."""

    def __init__(self, points, length):
        m = np.rint(np.fft.fftfreq(points, 1.0 / points))
        kept = (np.abs(m)[:, None] < points / 3) & (m[: points // 2 + 1] < points / 3)
        kept[:, -1] = False
        self.kx, self.ky = (1j * 2.0 * np.pi / length * k for k in (m[:, None], np.abs(m[: points // 2 + 1])))
        square = -(self.kx**2 + self.ky**2).real
        self.linear, self.kept, self.points = square - square**2, kept, points

    def rate(self, v):
        gradient = scipy.fft.irfft2(np.stack([self.kx * v, self.ky * v]), (self.points, self.points))
        return -0.5 * self.kept * scipy.fft.rfft2((gradient**2).sum(axis=0))

    def run(self, v, time, longest):
        steps = max(math.ceil(time / longest - 1e-9), 1)
        dt = time / steps
        half = np.exp(0.5 * dt * self.linear)
        whole = half**2
        for _ in range(steps):
            a = dt * self.rate(v)
            b = dt * self.rate(half * (v + 0.5 * a))
            c = dt * self.rate(half * v + 0.5 * b)
            d = dt * self.rate(whole * v + half * c)
            v = whole * v + (whole * a + 2.0 * half * (b + c) + d) / 6.0
        return v
