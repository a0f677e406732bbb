"""Sweeps of meshes that were run and decomposed, and the laws that error, cost and size follow in them.

    error = a n^-p,    cost = b n^q,    bytes = c n^r        with n = 1 / edge length

by least squares on logarithms, one fit for each set of other settings that was swept. The cost has two parts, that of every step
and that of every cell in it: steps go with n and cells with n^2, so cost = b1 n + b3 n^3, and q, its slope, goes from 1 to 3.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import brentq, nnls
from scipy.special import stdtrit

from pipeline.core import plugin
from pipeline.core.errors import InputError
from pipeline.core.params import build, quantity

Array = np.ndarray[Any, np.dtype[Any]]

CONFIDENCE = 0.9
LEAST_RUNS = 3


@dataclass(frozen=True, slots=True)
class Power:
    """``a n^p`` with the numbers for its confidence."""

    a: float  # logarithm
    p: float
    p_error: float  # half the width of p's band
    middle: float
    spread: float  # sum of squares of log n about the middle
    rest: float  # standard deviation of the residuals
    free: int

    def __call__(self, n: float) -> float:
        return float(np.exp(self.a + self.p * np.log(n)))

    def band(self, n: float, *, single: bool = True) -> tuple[float, float]:
        """Low and high end of the prediction of a ``single`` run at ``n``."""
        away = (np.log(n) - self.middle) ** 2 / self.spread
        half = _t(self.free) * self.rest * np.sqrt((1.0 if single else 0.0) + 1.0 / (self.free + 2) + away)
        return float(self(n) * np.exp(-half)), float(self(n) * np.exp(half))

    def where(self, value: float) -> float:
        """The n at which the fit has ``value``."""
        return float(np.exp((np.log(value) - self.a) / self.p))


@dataclass(frozen=True, slots=True)
class Work:
    """``b1 n + b3 n^3``, both >= 0, with the numbers for its confidence."""

    b1: float
    b3: float
    rest: float  # standard deviation of the relative residuals
    free: int

    def __call__(self, n: float) -> float:
        return self.b1 * n + self.b3 * n**3

    def slope(self, n: float) -> float:
        """q: the exponent near ``n``."""
        return 1.0 + 2.0 * (self.b3 * n**3 / self(n))  # so written, never a rounding outside of 1 to 3

    def band(self, n: float) -> tuple[float, float]:
        """Low and high end of the prediction of a single run at ``n``."""
        half = _t(self.free) * self.rest
        return float(self(n) * np.exp(-half)), float(self(n) * np.exp(half))

    def where(self, value: float) -> float:
        """The n at which it costs ``value``."""
        high = 1.0
        while self(high) < value:
            high *= 2.0
        return float(brentq(lambda n: self(n) - value, 0.0, high, xtol=1e-12 * high))


def fit_work(n: Array, values: Array) -> Work:
    """Least squares of the relative residuals."""
    (b1, b3), norm = nnls(np.stack([n, n**3], axis=1) / values[:, None], np.ones(len(n)))
    free = len(n) - 2
    return Work(float(b1), float(b3), float(norm / np.sqrt(free)) if free else 0.0, free)


def _t(free: int) -> float:
    return float(stdtrit(max(free, 1), 0.5 + 0.5 * CONFIDENCE))


def fit(n: Array, values: Array) -> Power:
    """Least squares of log ``values`` (N,) on log ``n`` (N,)."""
    x, y = np.log(n), np.log(values)
    middle = float(x.mean())
    spread = float(((x - middle) ** 2).sum())
    p = float((x - middle) @ y / spread)
    a = float(y.mean() - p * middle)
    free = len(x) - 2
    rest = float(np.sqrt(((y - a - p * x) ** 2).sum() / free)) if free else 0.0
    return Power(a, p, _t(free) * rest / np.sqrt(spread), middle, spread, rest, free)


@dataclass(frozen=True, slots=True)
class Sweep:
    """The runs of one set of other settings, from coarse to fine, and the laws fitted to them."""

    case: Mapping[str, Any]  # of the finest run
    key: str  # the swept key that sets the resolution
    names: tuple[str, ...]
    n: Array  # (N,) [1/m]
    keys: Array  # (N,) values of ``key`` [m]
    error: Power
    cost: Work
    storage: Power
    cells: Power
    parts: Mapping[str, Power]  # amplitude (with bias) and phase part of the error

    def size_of(self, n: float) -> float:
        """The value of ``key`` that gives ``n``."""
        return float(np.exp(np.interp(np.log(n), np.log(self.n), np.log(self.keys)))) * self._beyond(n)

    def _beyond(self, n: float) -> float:
        """The edge length goes with 1 / n beyond the sweep's ends."""
        return float(np.clip(n, self.n[0], self.n[-1]) / n)


def read_sweeps(path: Path) -> list[Sweep]:
    """The sweeps in a stage's result: its folder, or its ``result.json``.

    Raises
    ------
    InputError
        No result of `decompose`, no errors in it, or fewer than three resolutions.
    """
    file = path / "result.json" if path.is_dir() else path.with_name("result.json")
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"no result in {str(path)!r}: name the folder of a stage `decompose`, such as runs/NAME/error") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{file} is damaged: {error}") from None
    if "runs" not in result:
        raise InputError(f"{file} is not a result of the stage `decompose`")
    groups: dict[str, dict[str, Any]] = {}
    for name, facts in result["runs"].items():
        if facts.get("fields", {}).get("relative", {}).get("value"):
            groups.setdefault(_others(facts["case"]), {})[name] = facts
    found = [_sweep(some) for some in groups.values() if len({facts["size"] for facts in some.values()}) >= LEAST_RUNS]
    if not found:
        raise InputError(
            f"{file} has no errors of one scheme at {LEAST_RUNS} resolutions or more: sweep over the mesh's size, with a reference"
        )
    return found


def _others(case: Mapping[str, Any]) -> str:
    """All of a case but its mesh's sizes."""
    mesh = {key: value for key, value in case["mesh"].items() if key not in _sizes(case)}
    return json.dumps({**case, "mesh": mesh, "title": ""}, sort_keys=True)


def _sizes(case: Mapping[str, Any]) -> Sequence[str]:
    """The keys of a case's mesh that are edge lengths, as its kind lists them in ``SIZES``."""
    sizes: Sequence[str] = getattr(plugin.load("meshes", str(case["mesh"].get("kind"))), "SIZES", ("size",))
    return sizes


def _sweep(runs: Mapping[str, Any]) -> Sweep:
    names = tuple(sorted(runs, key=lambda name: -runs[name]["size"]))
    facts = [runs[name] for name in names]
    n = np.array([1.0 / f["size"] for f in facts])
    meshes = [f["case"]["mesh"] for f in facts]
    keys = [key for key in _sizes(facts[0]["case"]) if len({mesh.get(key) for mesh in meshes}) == len(set(n.tolist()))]
    if not keys:
        raise InputError("what the sweep changes is not the mesh's size: advise needs a sweep over it")
    key = keys[0]
    fields = [f["fields"] for f in facts]
    error = np.array([f["relative"]["value"] for f in fields])
    variance = np.array([f["variance"]["value"] for f in fields])
    parts = {
        "amplitude": np.sqrt(np.array([f["amplitude"]["value"] + f["bias"]["value"] for f in fields]) / variance),
        "phase": np.sqrt(np.array([f["phase"]["value"] for f in fields]) / variance),
    }
    return Sweep(
        case=facts[-1]["case"],
        key=key,
        names=names,
        n=n,
        keys=np.array([_metres(mesh[key]) for mesh in meshes]),
        error=fit(n, error),
        cost=fit_work(n, np.array([f["core_s"] for f in facts])),
        storage=fit(n, np.array([f["bytes"] for f in facts], float)),
        cells=fit(n, np.array([f["cells"] for f in facts], float)),
        parts={name: fit(n, np.maximum(values, 1e-300)) for name, values in parts.items()},
    )


def _metres(value: Any) -> float:
    @dataclass(frozen=True, slots=True)
    class Length:
        size: float = quantity("m")

    return float(build(Length, {"size": value}, "mesh").size)
