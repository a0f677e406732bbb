"""Truths that lack a term of their own in the default library: a Kuramoto-Sivashinsky equation with one more term, by an integrator that
shares nothing with the solvers (classical RK4 with an integrating factor; the term is a function of numpy's, at the points)."""

import numpy as np

LENGTH, POINTS = 32.0, 128
SPIN_UP = 40.0
STEPS, LONGEST = 40, 0.02  # time steps from one state to the next: at least as many, none longer
X = LENGTH * np.arange(POINTS) / POINTS
WAVE = 2.0 * np.pi * X / LENGTH


def derivative(u, order):
    k = 2j * np.pi * np.fft.rfftfreq(POINTS, LENGTH / POINTS)
    return np.fft.irfft(k**order * np.fft.rfft(u), POINTS)


TERMS = {  # of u and the time
    "constant source": lambda u, t: 0.1 + 0.0 * u,
    "source cos(x)": lambda u, t: 0.3 * np.cos(WAVE),
    "source sin(2x)": lambda u, t: 0.2 * np.sin(2.0 * WAVE),
    "source in one place": lambda u, t: 0.5 * np.exp(-((X - 16.0) ** 2) / 4.0),
    "source in time": lambda u, t: 0.3 * np.sin(2.0 * t) + 0.0 * u,
    "sin(u)": lambda u, t: 0.2 * np.sin(u),
    "cos(u)": lambda u, t: 0.2 * np.cos(u),
    "tanh(u)": lambda u, t: 0.2 * np.tanh(3.0 * u),
    "exp(-u^2)": lambda u, t: 0.2 * np.exp(-(u**2)),
    "|u|": lambda u, t: 0.1 * np.abs(u),
    "|u| u": lambda u, t: -0.1 * np.abs(u) * u,
    "u^5": lambda u, t: -0.003 * u**5,
    "u_x^2": lambda u, t: 0.1 * derivative(u, 1) ** 2,
    "u_x^3": lambda u, t: 0.05 * derivative(u, 1) ** 3,
    "u u_x^2": lambda u, t: -0.1 * u * derivative(u, 1) ** 2,
    "u_x u_xx": lambda u, t: 0.1 * derivative(u, 1) * derivative(u, 2),
    "u_xx^2": lambda u, t: 0.05 * derivative(u, 2) ** 2,
    "u_xxxxx": lambda u, t: 0.2 * derivative(u, 5),
    "u_xxxxxx": lambda u, t: 3e-4 * derivative(u, 6),
    "u that varies": lambda u, t: 0.2 * np.cos(WAVE) * u,
    "u u_x that varies": lambda u, t: -0.3 * np.cos(WAVE) * u * derivative(u, 1),
    "u_xx that varies": lambda u, t: 0.3 * np.cos(WAVE) * derivative(u, 2),
    "u with a memory": lambda u, t: 0.2 * np.roll(u, POINTS // 4),
}


def truth(name, times, seed=1):
    """States (M, POINTS) at even ``times`` (M,) after a spin-up."""
    rng = np.random.default_rng([seed, 9])
    k = 2.0 * np.pi * np.fft.rfftfreq(POINTS, LENGTH / POINTS)
    kept = np.arange(len(k)) < POINTS / 3
    linear = k**2 - k**4
    extra = TERMS[name]

    def rate(v, t):
        u = np.fft.irfft(v, POINTS)
        return kept * (-0.5j * k * np.fft.rfft(u**2) + np.fft.rfft(extra(u, t)))

    def advance(v, t, gap):
        steps = max(STEPS, int(np.ceil(gap / LONGEST - 1e-9)))
        dt = gap / steps
        half, whole = np.exp(0.5 * dt * linear), np.exp(dt * linear)
        for i in range(steps):
            s = t + i * dt
            a = dt * rate(v, s)
            b = dt * rate(half * (v + 0.5 * a), s + 0.5 * dt)
            c = dt * rate(half * v + 0.5 * b, s + 0.5 * dt)
            d = dt * rate(whole * v + half * c, s + dt)
            v = whole * v + (whole * a + 2.0 * half * (b + c) + d) / 6.0
        return v

    start = sum(rng.normal() * np.cos(n * WAVE + 2.0 * np.pi * rng.random()) for n in range(1, 8))
    v, found = kept * np.fft.rfft(start), []
    t = -SPIN_UP
    for goal in times:
        v = advance(v, t, goal - t) if goal > t else v
        t = goal
        found.append(v)
    return np.fft.irfft(np.array(found), POINTS, axis=-1)
