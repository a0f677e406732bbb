"""Right terms and errors of stage `discover` against noise, thinning, spacing, members and number of states, one changed at a time.

The check by resampling, which only drops terms, is left out.

``wavetrain bench discover_curve`` prints the numbers; ``python tests/bench/bench_discover_curve.py FIGURE.png`` also draws them.
"""

import json
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from kuramoto import LENGTH, cases, forecaster, observed, truth

from pipeline.core.errors import InputError
from pipeline.discovery.library import default_library
from pipeline.discovery.loop import discover
from pipeline.discovery.trajectory import observe

LIBRARY = default_library()
CASES = ("4", "9", "12", "u_xxx 0.1", "u**2*u_x 0.015")  # two linear terms; a part of one; one that bends and a linear one; two small ones
USUAL = {"noise": 0.01, "every": 1, "spacing": 0.1, "members": 100, "states": 100}
CHANGES: dict[str, tuple[float, ...]] = {
    "noise": (0.005, 0.01, 0.02, 0.05, 0.1, 0.2),
    "every": (1, 2, 4, 8),
    "spacing": (0.05, 0.1, 0.2, 0.4),
    "members": (50, 60, 80, 100),
    "states": (10, 25, 50, 100),
}
BRIEF = {"CHANGES": {"noise": (0.05,), "members": (60,)}, "CASES": ("4",)}
LABELS = {
    "noise": "noise, of the states' deviation",
    "every": "observed at every n-th point",
    "spacing": "time between states",
    "members": "members",
    "states": "states",
}


Say = Callable[[str], None]
Numbers = dict[str, float | None]


def measure(say: Say, seed: int = 1) -> Numbers:
    """The share of the cases that are right, for every change, and the worst error in these (None where none is)."""
    numbers: Numbers = {}
    for key, values in CHANGES.items():
        for value in values:
            errors = _errors(tuple({**USUAL, key: value}.items()), seed)
            right = [e for e in errors if e is not None]
            numbers[f"{key}_{value}_right"] = len(right) / len(errors)
            numbers[f"{key}_{value}_worst_error"] = max(right, default=None)
            said = ", ".join(f"{n}: {'not right' if e is None else f'{e:.1e}'}" for n, e in zip(CASES, errors, strict=True))
            say(f"  {key} {value}: {said}")
    return numbers


@cache
def _errors(settings: tuple[tuple[str, float], ...], seed: int) -> list[float | None]:
    """The worst relative error of the coefficients of each case; None where the terms are not the right ones."""
    return [_error(name, dict(settings), seed) for name in CASES]


@cache
def _truth(seed: int, spacing: float) -> Any:
    return truth(seed, spacing * np.arange(USUAL["states"]), longest=4e-3)


def _error(name: str, s: dict[str, float], seed: int) -> float | None:
    states, noise = observed(_truth(seed, s["spacing"])[: int(s["states"])], s["noise"], seed)
    times = s["spacing"] * np.arange(len(states))
    model, lack = cases()[name]
    forecast, every, members = forecaster(0.05), int(s["every"]), int(s["members"])
    try:
        view = observe(times, states[:, ::every], LENGTH, noise, forecast, points=192, members=members, candidates=len(LIBRARY))
        result = discover(view, model, LIBRARY, resamples=0)
    except InputError:
        return None
    found = {t.key: t.coefficient for t in result.found}
    right = result.settled and set(found) == set(lack)
    return max(abs(found[key] / c - 1.0) for key, c in lack.items()) if right else None


def draw(numbers: Numbers, path: str) -> None:
    """A panel for every change: the worst error above, the share of right cases below."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, len(CHANGES), figsize=(15, 4.6), sharex="col", sharey="row", height_ratios=(3, 1), layout="constrained")
    for (key, values), (above, below) in zip(CHANGES.items(), axes.T, strict=True):
        worst = [numbers[f"{key}_{v}_worst_error"] for v in values]
        above.loglog(values, [np.nan if e is None else e for e in worst], "o-")
        above.grid(alpha=0.3)
        below.plot(values, [numbers[f"{key}_{v}_right"] for v in values], "s-", color="tab:green")
        below.set(xlabel=LABELS[key], ylim=(-0.1, 1.1))
        below.set_xticks(values, [f"{v:g}" for v in values], fontsize=8)
        below.minorticks_off()
        below.grid(alpha=0.3)
    axes[0, 0].set_ylabel("worst relative error")
    axes[1, 0].set_ylabel("share right")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    measured = measure(lambda text: print(text, file=sys.stderr, flush=True))
    print(json.dumps(measured))
    draw(measured, sys.argv[1])
