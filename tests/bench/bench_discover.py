"""Findings of stage `discover` in the Kuramoto-Sivashinsky cases, noise-free and with 1 % noise, beside PySINDy and scikit-learn.

All cases have the same step, spacing, thinning and thresholds. One seed draws trajectories and noise.
"""

import json
import math
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from kuramoto import LENGTH, POINTS, TRUTH, cases, forecaster, observed, truth
from scipy.special import ndtri

from pipeline.discovery.library import default_library
from pipeline.discovery.loop import Discovery, discover
from pipeline.discovery.pairs import Pairs
from pipeline.discovery.problem import cramer_rao
from pipeline.discovery.trajectory import observe

HERE = Path(__file__).resolve().parent
PYSINDY = HERE.parent.parent / ".peers" / "pysindy" / "bin" / "python"
STEP = 0.02  # between the two states of a pair, noise-free
SPACING = 0.1  # between observed states, with noise
STATES = 100
MEMBERS = 100
GRID = 192  # points of the model's own grid, with noise
NOISE = 0.01  # of the states' standard deviation, on every observation
REPEATS = 1000  # of the noise, for the coverage: a count of 90 % has a deviation of 1 % then. On a short period, so that it is cheap
COVERAGE_CASE = "7"
COVERAGE_STATES = 20
COVERAGE_LENGTH = 32.0
COVERAGE_MEMBERS = 50
COVERAGE_GRID = 64
HORIZON = 300.0  # longest forecast; HELD_OUT states of another trajectory begin them. A model that lacks little is valid for 40
HELD_OUT = 3
LOST = 0.5  # error of a forecast, relative to the states' deviation, from which it is no longer valid
LIBRARY = default_library()
CHOSEN: tuple[str, ...] = ()  # of the cases; all where none are named
BRIEF = {"CHOSEN": ("u_xxx 0.1",), "REPEATS": 20, "HORIZON": 60.0}

Say = Callable[[str], None]
Numbers = dict[str, float | list[float] | None]


def measure(say: Say, seed: int = 1) -> Numbers:
    """All numbers of the bench; None where a peer is absent."""
    say(f"seed {seed}; {len(LIBRARY)} candidates; noise-free: one pair of {POINTS} points, D = {STEP}")
    pair = truth(seed, [0.0, STEP], longest=1e-3)
    free = _all("noise_free", lambda: Pairs(pair[:1], pair[1:], STEP, (LENGTH,), forecaster(2e-3)), say)
    say(f"{NOISE:.0%} noise: {STATES} states, {SPACING} apart, every point; {MEMBERS} members on {GRID} points")
    times = SPACING * np.arange(STATES)
    states = truth(seed, times)
    noisy, noise = observed(states, NOISE, seed)
    found: dict[str, Discovery] = {}
    with_noise = _all("noise1", lambda: _trajectory(times, noisy, noise), say, found)
    numbers = {**free, **with_noise, "noise1_members": float(MEMBERS)}
    numbers |= _coverage(seed, say)
    numbers["horizon_ratio"] = _horizon(found, seed, say)
    return numbers | _peers(pair, noisy, say)


def chosen() -> dict[str, Any]:
    """The cases that are measured."""
    return {name: case for name, case in cases().items() if not CHOSEN or name in CHOSEN}


def _trajectory(times: Any, states: Any, noise: float) -> Any:
    return observe(times, states, LENGTH, noise, forecaster(0.05), points=GRID, members=MEMBERS, candidates=len(LIBRARY))


def _all(kind: str, view: Callable[[], Any], say: Say, found: dict[str, Discovery] | None = None) -> Numbers:
    """Every case: how many are right, the worst error of a coefficient, the longest time."""
    count, right, worst, longest = 0, 0, 0.0, 0.0
    for name, (model, lack) in chosen().items():
        begun = time.perf_counter()
        result = discover(view(), model, LIBRARY)
        seconds = time.perf_counter() - begun
        known = {t.key: t.coefficient for t in result.found}
        places = [j for j, t in enumerate(LIBRARY) if t.key in lack]
        bounds = cramer_rao(result.problem, places, result.noise)
        apart = any(abs(lack[LIBRARY[j].key]) < 3.0 * bound for j, bound in zip(places, bounds, strict=True))
        error = max(abs(known.get(key, 0.0) / c - 1.0) for key, c in lack.items())
        ok = result.said and set(known) == set(lack)
        terms = [
            f"{LIBRARY[j].key} {known.get(LIBRARY[j].key, 0.0):+.6g} (true {lack[LIBRARY[j].key]:+g}, Cramer-Rao {bound:.1e})"
            for j, bound in zip(places, bounds, strict=True)
        ]
        terms += [f"{key} {c:+.3g} (spurious)" for key, c in known.items() if key not in lack]
        say(
            f"  {name:<28} {'right' if ok else 'WRONG'}, error {error:.1e}, {len(result.passes)} passes, {seconds:.1f} s"
            f"{' (below three times its bound: not counted)' if apart else ''}: {', '.join(terms)}"
        )
        if found is not None:
            found[name] = result
        longest = max(longest, seconds)
        if not apart:
            count, right, worst = count + 1, right + ok, max(worst, error)
    return {f"{kind}_cases": count, f"{kind}_right": right, f"{kind}_worst_error": worst, f"seconds_{kind}": [longest]}


def _coverage(seed: int, say: Say) -> Numbers:
    """Repeats of the noise on the same states: how often the central 90 % of the posterior cover the coefficient.

    Also the mean and deviation of (found - true) / posterior deviation, and the estimates' scatter over their Cramer-Rao bound.
    """
    model, lack = cases()[COVERAGE_CASE]
    ((key, exact),) = lack.items()
    place = [t.key for t in LIBRARY].index(key)
    times = SPACING * np.arange(COVERAGE_STATES)
    states = truth(seed, times, points=2 * COVERAGE_GRID, length=COVERAGE_LENGTH, longest=4e-3)
    forecast = forecaster(0.05, COVERAGE_LENGTH)
    found, deviations, bounds = [], [], []
    for repeat in range(REPEATS):
        noisy, noise = observed(states, NOISE, 1000 * seed + repeat)
        view = observe(
            times, noisy, COVERAGE_LENGTH, noise, forecast, points=COVERAGE_GRID, members=COVERAGE_MEMBERS, candidates=len(LIBRARY)
        )
        result = discover(view, model, LIBRARY, resamples=0)
        at = [t.key for t in result.found].index(key) if key in {t.key for t in result.found} else None
        found.append(0.0 if at is None else result.found[at].coefficient)
        deviations.append(math.inf if at is None else result.deviation[at])
        bounds.append(cramer_rao(result.problem, [place], result.noise)[0])
    pull = (np.array(found) - exact) / np.array(deviations)
    covered = float(np.mean(np.isfinite(deviations) & (np.abs(pull) < ndtri(0.95))))
    scatter = float(np.std(found) / np.mean(bounds))
    say(f"  90 % intervals cover the coefficient in {covered:.1%} of {REPEATS} repeats; scatter {scatter:.3f} Cramer-Rao bounds")
    return {"coverage_90": covered, "pull_mean": float(pull.mean()), "pull_deviation": float(pull.std()), "scatter_over_bound": scatter}


def _horizon(found: dict[str, Discovery], seed: int, say: Say) -> float:
    """The worst case's ratio of valid-prediction times, corrected over given model, medians of held-out states."""
    times = np.arange(0.0, HORIZON + 0.25, 0.5)
    begin = truth(seed + 10_000, 20.0 * np.arange(HELD_OUT), points=GRID, longest=4e-3)
    exact = _course(TRUTH, begin, times, 0.01)
    ratios = {}
    for name, (model, _) in chosen().items():
        given, corrected = (_valid(_course(m, begin, times, 0.05), exact, times) for m in (model, found[name].corrected))
        ratios[name] = float(np.median(corrected) / np.median(given))
        say(f"  {name:<28} valid for {np.median(given):.1f}, corrected for {np.median(corrected):.1f} (at most {HORIZON:.0f})")
    return min(ratios.values())


def _course(model: Any, states: Any, times: Any, longest: float) -> Any:
    course = [states]
    with np.errstate(all="ignore"):
        for gap in np.diff(times):
            course.append(forecaster(longest)(model, course[-1], gap))
    return np.array(course)


def _valid(course: Any, exact: Any, times: Any) -> Any:
    """Time (HELD_OUT,) until the root mean square error exceeds LOST deviations; at least the first step."""
    with np.errstate(all="ignore"):
        error = np.sqrt(np.mean((course - exact) ** 2, axis=2)) / exact.std()
    lost = ~(error < LOST)
    lost[-1] = True
    return np.maximum(times[np.argmax(lost, axis=0)], times[1])


def _peers(pair: Any, noisy: Any, say: Say) -> Numbers:
    """The number of cases that PySINDy and scikit-learn get right, with the same data and library."""
    names = [f"{peer}_{kind}_right" for peer in ("pysindy", "sklearn") for kind in ("noise_free", "noise1")]
    names += [f"pysindy_{kind}_worst_error" for kind in ("noise_free", "noise1")]
    if not PYSINDY.exists():
        say("  PySINDy is absent: `make peers` puts it into a folder of its own")
        return dict.fromkeys(names, None)
    raw = forecaster(0.05)
    free = {f"free {name}": (pair[1:] - forecaster(2e-3)(model, pair[:1], STEP)) / STEP for name, (model, _) in chosen().items()}
    with np.errstate(all="ignore"):
        errors = {f"noisy {name}": (noisy[1:] - raw(model, noisy[:-1], SPACING)) / SPACING for name, (model, _) in chosen().items()}
    lacks = json.dumps({name: lack for name, (_, lack) in chosen().items()})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.npz"
        np.savez(file, pair=pair, noisy=noisy, steps=[STEP, SPACING], length=LENGTH, lacks=lacks, **free, **errors)
        command = [str(PYSINDY), str(HERE / "peer_pysindy.py"), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    found = json.loads(done.stdout.splitlines()[-1])
    say(f"  peers: {found}")
    return {name: found[name] for name in names}
