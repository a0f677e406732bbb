"""The law of friction that a model of a sloshing channel lacks: right laws, errors and calibration over repeats of the noise.

The truth has Manning's n = 0.03, the models have 0, 0.015 and 0.05. Fields: 11 states 1 s apart. Gauges: three, for 10 s from the start,
every 0.1 s. The numerics of model and truth are the same, but in ``other``: there the truth has Roe's fluxes and a third-order stepping.
"""

import statistics
import time
from collections.abc import Callable

import beach

from pipeline.discovery.loop import Discovery, discover
from pipeline.discovery.measured import Measured
from solvers.tsunami.friction import LIBRARY, Sea, fields, gauges, laws

TRUE = 0.03**2
STARTS = (0.0, 0.015, 0.05)
NOISES = (0.01, 0.05)
REPEATS = 20
BRIEF = {"REPEATS": 1}

Say = Callable[[str], None]


def measure(say: Say, seed: int = 1) -> dict[str, float | list[float] | None]:
    """Counts of right laws and worst relative errors of n^2; scores are errors over the posterior's deviation."""
    truth = beach.sea(manning=0.03)
    numbers: dict[str, float | list[float] | None] = {}
    began = time.perf_counter()
    clean = [_error(view, sea) for sea in map(_model, STARTS) for view in _views(truth, sea, 0.0, 0)]
    numbers["noise_free_seconds"] = [(time.perf_counter() - began) / len(clean)]
    numbers["noise_free_right"], numbers["noise_free_cases"] = sum(e is not None for e in clean), len(clean)
    numbers["noise_free_worst_error"] = max((abs(e[0]) for e in clean if e is not None), default=None)
    say(f"  noise-free: {numbers['noise_free_right']} of {len(clean)}, worst error {numbers['noise_free_worst_error']}")
    sea = _model(0.015)
    for noise in NOISES:
        found: dict[str, list[tuple[float, float] | None]] = {"fields": [], "gauges": []}
        for repeat in range(REPEATS):
            for name, view in zip(found, _views(truth, sea, noise, 1000 * seed + repeat), strict=True):
                found[name].append(_error(view, sea))
        for name, errors in found.items():
            right = [e for e in errors if e is not None]
            key = f"{name}_noise{100 * noise:g}"
            numbers[f"{key}_right"], numbers[f"{key}_cases"] = len(right), REPEATS
            numbers[f"{key}_worst_error"] = max((abs(e) for e, _ in right), default=None)
            numbers[f"{key}_score_deviation"] = statistics.pstdev([z for _, z in right]) if right else None
            say(f"  {name}, noise {noise:g}: {len(right)} of {REPEATS}, scores {numbers[f'{key}_score_deviation']}")
    other = beach.sea(manning=0.03, riemann="roe", stepping="ssprk3")
    for name, view in zip(("fields", "gauges"), _views(other, _model(0.0), 0.0, 0), strict=True):
        result = _discovery(view, _model(0.0))
        say(f"  {name}, other numerics: {result.says}")
        manning = {t.key: t.coefficient for t in result.found}.get("manning**2")
        numbers[f"{name}_other_error"] = None if manning is None else manning / TRUE - 1.0
        numbers[f"{name}_other_laws"] = len(result.found)
    return numbers


def _model(n: float) -> Sea:
    return beach.sea(manning=n)


def _views(truth: Sea, sea: Sea, noise: float, seed: int) -> tuple[Measured, Measured]:
    """Views of the truth's fields and of its gauges for the sea."""
    states = beach.states(truth, 1.0, 12.0)
    series = truth.series(laws(truth.params), truth.start(), 10.0, 0.1)
    if not noise:
        return fields(sea, states, 1.0), gauges(sea, truth.start(), series, 0.1)
    noisy, deviation = beach.noisy(states, noise, seed)
    heard, least = beach.noisy_series(series, noise, seed)
    return fields(sea, noisy, 1.0, noise=tuple(deviation)), gauges(sea, truth.start(), heard, 0.1, noise=tuple(least))


def _discovery(view: Measured, sea: Sea) -> Discovery:
    return discover(view, laws(sea.params), LIBRARY)


def _error(view: Measured, sea: Sea) -> tuple[float, float] | None:
    """Error of n^2 of the corrected model, relative and over its deviation; None where another law was found, or none."""
    result = _discovery(view, sea)
    if [term.key for term in result.found] != ["manning**2"] or not result.settled:
        return None
    error = result.found[0].coefficient - (TRUE - sea.params.manning**2)
    return error / TRUE, float(error / result.deviation[0])
