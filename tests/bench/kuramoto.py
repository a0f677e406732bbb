"""The Kuramoto-Sivashinsky equation for the benches and tests of stage `discover`: truth, forecasts, and the cases.

    u_t + u u_x + u_xx + u_xxxx = 0,    periodic

Forecasts are by ETDRK4 (A.-K. Kassam, L. N. Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214-1233, DOI 10.1137/S1064827502410633), with
any terms; the truth is by an integrating factor and classical RK4 at a shorter step, so that the two have no error in common.
"""

import math

import numpy as np
import scipy.fft

from pipeline.discovery.library import with_changes
from pipeline.terms.parser import parse_terms
from pipeline.terms.terms import Term

TRUTH = parse_terms(["-u*u_x", "-u_xx", "-u_xxxx"])
LENGTH = 100.0
POINTS = 1024
SPIN_UP = 150.0  # simulated time before the first state: that of some ten e-foldings of errors
CIRCLE = np.exp(2j * np.pi * (np.arange(32) + 0.5) / 32)  # contour on which the coefficients are averaged
BY_COEFFICIENTS = [(0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
BY_COEFFICIENTS += [(0.5, 1, 1), (1, 0.5, 1), (1, 1, 0.5), (2, 2, 2), (0, 0.5, 2), (0.5, 0, 1)]  # of u u_x, u_xx, u_xxxx
EXTRA = {"u_xxx": (0.1, 0.5, 1.0), "u**2*u_x": (0.015, 0.15, 1.5)}  # alone; the middle one also with one of the three missing


def cases():
    """Name to (model, what it lacks): the note's 12 and 6 each with a further term."""
    found = {}
    for number, (a, b, c) in enumerate(BY_COEFFICIENTS, start=1):
        found[f"{number}"] = parse_terms([f"-{a}*u*u_x - {b}*u_xx - {c}*u_xxxx"])
    for term, sizes in EXTRA.items():
        for size in sizes:
            found[f"{term} {size}"] = (*TRUTH, *parse_terms([f"-{size}*{term}"]))
        for gone in TRUTH:
            found[f"{term} {sizes[1]} without {gone.key}"] = (*(t for t in TRUTH if t is not gone), *parse_terms([f"-{sizes[1]}*{term}"]))
    return {name: (model, lacking(model)) for name, model in found.items()}


def lacking(model):
    """Terms that the model lacks, key to coefficient."""
    return {t.key: t.coefficient for t in with_changes(TRUTH, {Term(1.0, t.factors): -t.coefficient for t in model})}


class Etdrk4:
    """A model on a grid with a fixed step, on spectra (..., points // 2 + 1)."""

    def __init__(self, terms, points, length, step):
        self.points = points
        self.wavenumbers = 2.0 * np.pi / length * np.arange(points // 2 + 1)
        kept = np.arange(points // 2 + 1) <= points // 3
        ik = 1j * self.wavenumbers
        linear = sum((t.coefficient * ik ** t.factors[0][0][0] for t in terms if t.linear), np.zeros(len(ik), complex)) * kept
        self.products = [t for t in terms if not t.linear]
        self.needed = {d: kept * ik ** d[0] for t in self.products for d, _ in t.factors}
        w = linear[:, None] * step + CIRCLE
        e = np.exp(w)
        self.whole, self.half = np.exp(linear * step) * kept, np.exp(0.5 * linear * step) * kept
        self.q = step * kept * ((np.exp(0.5 * w) - 1.0) / w).mean(axis=1)
        self.f1 = step * kept * ((-4.0 - w + e * (4.0 - 3.0 * w + w * w)) / w**3).mean(axis=1)
        self.f2 = step * kept * 2.0 * ((2.0 + w + e * (w - 2.0)) / w**3).mean(axis=1)
        self.f3 = step * kept * ((-4.0 - 3.0 * w - w * w + e * (4.0 - w)) / w**3).mean(axis=1)

    def nonlinear(self, v):
        if not self.products:
            return np.zeros_like(v)
        known = {d: scipy.fft.irfft(factor * v, self.points, axis=-1) for d, factor in self.needed.items()}
        return scipy.fft.rfft(sum(t.evaluate(known) for t in self.products), axis=-1)

    def run(self, v, steps):
        for _ in range(steps):
            n0 = self.nonlinear(v)
            a = self.half * v + self.q * n0
            na = self.nonlinear(a)
            b = self.half * v + self.q * na
            nb = self.nonlinear(b)
            c = self.half * a + self.q * (2.0 * nb - n0)
            v = self.whole * v + self.f1 * n0 + self.f2 * (na + nb) + self.f3 * self.nonlinear(c)
        return v


def forecaster(longest, length=LENGTH):
    """A forecast (terms, states (S, points), step) -> states, in time steps of at most ``longest``."""

    def forecast(terms, states, step):
        steps = math.ceil(step / longest - 1e-9)
        model = Etdrk4(terms, states.shape[1], length, step / steps)
        return scipy.fft.irfft(model.run(scipy.fft.rfft(states, axis=1), steps), states.shape[1], axis=1)

    return forecast


def truth(seed, times, points=POINTS, length=LENGTH, longest=2e-3, model=TRUTH, spin_up=SPIN_UP):
    """States (M, points) of a trajectory on the attractor at even ``times`` (M,), from ``spin_up`` on."""
    rng = np.random.default_rng([seed, 0])
    start = sum(rng.normal() * np.cos(2.0 * np.pi * (n * np.arange(points) / points + rng.random())) for n in range(1, 20))
    v = Etdrk4(model, points, length, 0.02).run(scipy.fft.rfft(start), round(spin_up / 0.02))
    found = [v]
    for gap in np.diff(times):
        steps = math.ceil(gap / longest - 1e-9)
        found.append(_integrating_factor(Etdrk4(model, points, length, gap / steps), found[-1], gap / steps, steps))
    return scipy.fft.irfft(np.array(found), points, axis=-1)


def _integrating_factor(equation, v, dt, steps):
    """Classical RK4 on exp(-linear t) v (J. D. Lawson, SIAM J. Numer. Anal. 4 (1967) 372-380, DOI 10.1137/0704033)."""
    half, whole, rate = equation.half, equation.whole, equation.nonlinear
    for _ in range(steps):
        a = dt * rate(v)
        b = dt * rate(half * (v + 0.5 * a))
        c = dt * rate(half * v + 0.5 * b)
        d = dt * rate(whole * v + half * c)
        v = whole * v + (whole * a + 2.0 * half * (b + c) + d) / 6.0
    return v


def observed(states, noise, seed):
    """The states with white noise of ``noise`` times their standard deviation, and that deviation of the noise."""
    deviation = noise * float(states.std())
    return states + deviation * np.random.default_rng([seed, 1]).normal(size=states.shape), deviation
