"""Right terms and errors of stage `discover` against noise, thinning, spacing, members and number of states, one changed at a time."""

from collections.abc import Callable

from kuramoto import LENGTH, cases, forecaster, observed, truth

from pipeline.discovery.library import default_library
from pipeline.discovery.loop import discover
from pipeline.discovery.trajectory import observe
from pipeline.errors import InputError

LIBRARY = default_library()
CASES = ("4", "12", "u**2*u_x 0.015")  # the model lacks two linear terms; two of which one does not commute; a small term
USUAL = {"noise": 0.01, "every": 1, "spacing": 0.1, "members": 100, "states": 100}
CHANGES = {"noise": (0.01, 0.05, 0.1, 0.2), "every": (2, 4, 8), "spacing": (0.05, 0.2, 0.4)}
CHANGES |= {"members": (80, 60, 50), "states": (50, 25, 10)}

Say = Callable[[str], None]


def measure(say: Say, seed: int = 1) -> dict[str, float | None]:
    """For every change: the share of the cases that are right, and the worst error in those (None where none is)."""
    numbers: dict[str, float | None] = {}
    for key, values in CHANGES.items():
        for value in values:
            errors = [_error(name, {**USUAL, key: value}, seed) for name in CASES]
            right = [e for e in errors if e is not None]
            numbers[f"{key}_{value}_right"] = len(right) / len(errors)
            numbers[f"{key}_{value}_worst_error"] = max(right, default=None)
            said = ", ".join(f"{n}: {'not right' if e is None else f'{e:.1e}'}" for n, e in zip(CASES, errors, strict=True))
            say(f"  {key} {value}: {said}")
    return numbers


def _error(name: str, s: dict[str, float], seed: int) -> float | None:
    """The worst relative error of the case's coefficients; None where the terms are not the right ones."""
    times = [s["spacing"] * k for k in range(int(s["states"]))]
    states, noise = observed(truth(seed, times, longest=4e-3), s["noise"], seed)
    model, lack = cases()[name]
    forecast, every, members = forecaster(0.05), int(s["every"]), int(s["members"])
    try:
        view = observe(times, states[:, ::every], LENGTH, noise, forecast, points=192, members=members, candidates=len(LIBRARY))
        result = discover(view, model, LIBRARY)
    except InputError:
        return None
    found = {t.key: t.coefficient for t in result.found}
    return max(abs(found[key] / c - 1.0) for key, c in lack.items()) if set(found) == set(lack) else None
