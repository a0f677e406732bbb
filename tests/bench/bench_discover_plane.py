"""Findings of stage `discover` in noisy states in a plane: the Kuramoto-Sivashinsky equation with |grad u|^2 / 2, cases by what they lack.

The mean of u falls all the time, and its fall is part of the deviation: relative to that about the mean the noise is over twice as
"""

import time
from collections.abc import Callable

import numpy as np
from kuramoto import observed
from kuramoto_plane import LENGTH, POINTS, cases, truth

from pipeline.discovery.library import default_library
from pipeline.discovery.loop import discover
from pipeline.discovery.model import Steps
from pipeline.discovery.problem import cramer_rao
from pipeline.discovery.trajectory import observe
from solvers.ks.model import Advance

SPACING, STATES, NOISE = 0.1, 100, 0.01
THIN = 2  # of the truth's points
MEMBERS = 100
LONGEST = 0.05  # time step of the forecasts
LIBRARY = default_library(dimensions=2)
CHOSEN: tuple[str, ...] = ()  # of the cases; all where none are named
BRIEF = {"CHOSEN": ("u_x^2",)}

Say = Callable[[str], None]
Numbers = dict[str, float | list[float] | None]


def measure(say: Say, seed: int = 1) -> Numbers:
    """Count the cases that are right; the worst error, the longest time on this processor."""
    times = SPACING * np.arange(STATES)
    states = truth(seed, times)[:, ::THIN, ::THIN]
    about = float((states - states.mean(axis=(1, 2), keepdims=True)).std())
    noisy, noise = observed(states, NOISE, seed)
    say(f"seed {seed}; {POINTS // THIN}^2 points, {STATES} states, {MEMBERS} members, {len(LIBRARY)} candidates")
    say(f"noise {NOISE:.1%} of the states' deviation, {noise / about:.1%} of that about their means")
    forecast = Steps(Advance((LENGTH, LENGTH), "2/3"), LONGEST)
    count, right, worst, longest = 0, 0, 0.0, 0.0
    for name, (model, lack) in cases().items():
        if CHOSEN and name not in CHOSEN:
            continue
        begun = time.process_time()
        view = observe(times, noisy, (LENGTH, LENGTH), noise, forecast, points=noisy.shape[1:], members=MEMBERS, candidates=len(LIBRARY))
        result = discover(view, model, LIBRARY)
        seconds = time.process_time() - begun
        found = {t.key: t.coefficient for t in result.found}
        ok = result.settled and set(found) == set(lack)
        error = max(abs(found.get(key, 0.0) / c - 1.0) for key, c in lack.items())
        bounds = cramer_rao(result.problem, [[t.key for t in LIBRARY].index(key) for key in lack], result.noise)
        terms = ", ".join(f"{key} {c:+.6g}" for key, c in found.items())
        bound = ", ".join(f"{b / abs(c):.1e}" for b, c in zip(bounds, lack.values(), strict=True))
        say(
            f"  {name:<20} {'right' if ok else 'WRONG'}, error {error:.1e}, bound {bound}, {len(result.passes)} passes, "
            f"misfit {result.misfit:.3f}, {seconds:.0f} s: {terms}"
        )
        count, right, worst, longest = count + 1, right + ok, max(worst, error), max(longest, seconds)
    return {"plane_cases": count, "plane_right": right, "plane_worst_error": worst, "seconds_plane": [longest]}
