"""Advice on the mesh, order and ranks that reach an error, and their cost: from a sweep that was run and decomposed.

    error = a n^-p,    cost = b n^q,    bytes = c n^r        with n = 1 / edge length

by least squares on logarithms, one fit for each set of other settings that was swept. The cost has two parts, that of every step
and that of every cell in it: steps go with n and cells with n^2, so cost = b1 n + b3 n^3, and q, its slope, goes from 1 to 3.
"""

import json
import os
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

FARTHEST = 4.0  # how far beyond the sweep's finest and coarsest mesh a fit is followed without a warning
CONFIDENCE = 0.9
LEAST_RUNS = 3
LEAST_CELLS = 5000  # of a rank: with fewer, more than a twentieth of its work is its neighbours'


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


@dataclass(frozen=True, slots=True)
class Advice:
    """Advice on a mesh: its size, and the error and cost to expect; the bands hold nine of ten single runs."""

    sweep: Sweep
    size: float
    n: float
    error: float
    error_band: tuple[float, float]
    amplitude: float
    phase: float
    cost: float  # [core-seconds]
    cost_band: tuple[float, float]
    storage: float  # [bytes]
    cells: float
    beyond: float  # how many times finer or coarser than the sweep; 1 inside it


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
    """The keys of a case's mesh that are edge lengths: those that its kind says in ``SIZES``."""
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


def as_share(text: str) -> float:
    """``"5%"`` or ``"0.05"``; `InputError` for anything that is no share above zero."""
    try:
        share = float(text.rstrip("% ")) / (100.0 if text.rstrip().endswith("%") else 1.0)
    except ValueError:
        share = 0.0
    if not 0.0 < share < np.inf:
        raise InputError(f"--error {text!r}: write a share such as 5% or 0.05")
    return share


def as_seconds(text: str) -> float:
    """``"60s"``, ``"10min"``, ``"2h"`` or a number of seconds; `InputError` for anything else."""

    @dataclass(frozen=True, slots=True)
    class Budget:
        budget: float = quantity("s", above=0.0)

    try:
        value: Any = float(text)
    except ValueError:
        value = text
    return float(build(Budget, {"budget": value}, "advise").budget)


def _metres(value: Any) -> float:
    @dataclass(frozen=True, slots=True)
    class Length:
        size: float = quantity("m")

    return float(build(Length, {"size": value}, "mesh").size)


def for_error(sweeps: list[Sweep], error: float) -> Advice:
    """The cheapest way to a relative ``error``; `InputError` where no scheme's error falls with the mesh's size."""
    if all(sweep.error.p >= 0.0 for sweep in sweeps):
        raise InputError("the error does not fall as the mesh gets finer: nothing can be advised from this sweep")
    return min((at(sweep, sweep.error.where(error)) for sweep in sweeps if sweep.error.p < 0.0), key=lambda a: a.cost)


def for_budget(sweeps: list[Sweep], core_seconds: float) -> Advice:
    """The least error within a cost."""
    return min((at(sweep, sweep.cost.where(core_seconds)) for sweep in sweeps), key=lambda a: a.error)


def advise(sweeps: list[Sweep], *, error: float | None, seconds: float | None, ranks: int) -> tuple[Advice, int]:
    """Advice for ``error``, or for ``seconds`` of wall time, and the number of ranks: ``ranks``, or where that is 0, the most for which
    this machine has cores and the mesh has `LEAST_CELLS` each."""
    tried = [ranks] if ranks else range(os.cpu_count() or 1, 0, -1)
    for some in tried:
        advice = for_error(sweeps, error) if error is not None else for_budget(sweeps, (seconds or 0.0) * some)
        if advice.cells >= LEAST_CELLS * some:
            break
    return advice, some


def prove(advice: Advice, result: Path, ranks: int) -> dict[str, float]:
    """Run the advised case, beside the stage's folder ``result``, and decompose it against the same reference: error and cost.

    Raises
    ------
    InputError, RunError
        As the run and the stage raise them.
    """
    from jobs.cluster import client
    from jobs.execute import execute
    from jobs.progress import aloud
    from jobs.stages import exact_solution
    from pipeline.core.case import to_toml, with_overrides
    from pipeline.stages import decompose

    stage = result if result.is_dir() else result.parent
    facts = json.loads((stage / "result.json").read_text(encoding="utf-8"))
    place = stage.parent / f"{stage.name}-proof-{advice.size:.6g}"
    place.mkdir(exist_ok=True)
    table = with_overrides(advice.sweep.case, {f"mesh.{advice.sweep.key}": advice.size})
    table.pop("observed", None)
    (place / "case.toml.asked").write_text(to_toml(table), encoding="utf-8")
    execute(place / "case.toml.asked", ranks=ranks, out=place / "run", quiet=True)
    run = place / "run" / "run.h5"
    reference: Any = (
        [exact_solution(run)] if facts["reference"] == "exact" else stage.parent / facts["reference"].removeprefix("run ") / "run.h5"
    )
    params = decompose.Params(**facts["params"])
    with client(compiling=aloud, small=run.stat().st_size < decompose.SMALL) as dask:
        proof = decompose.run({"runs": [run], "reference": reference}, params, dask, place)["runs"]["run"]
    return {"error": proof["fields"]["relative"]["value"], "cost": proof["core_s"], "storage": float(proof["bytes"])}


def in_words(advice: Advice, ranks: int) -> list[str]:
    """The advice in words, line by line, with a warning where it is far from the sweep's meshes."""
    sweep, solver = advice.sweep, advice.sweep.case["solver"]
    error, cost = advice.error_band, advice.cost_band
    lines = [
        f"mesh.{sweep.key} = {advice.size:.4g} m (edges of {1.0 / advice.n:.3g} m), order {solver.get('order', 2)}, "
        f"{solver.get('riemann', 'hllc')}, {ranks} rank(s)",
        f"error {advice.error:.2%} ({error[0]:.2%} to {error[1]:.2%}): amplitude {advice.amplitude:.2%}, phase {advice.phase:.2%}",
        f"cost {advice.cost:.3g} core-seconds ({cost[0]:.3g} to {cost[1]:.3g}), about {advice.cost / ranks:.3g} s on {ranks} rank(s) "
        f"if they share the work evenly; {advice.storage / 1e6:.3g} MB",
        f"from {len(sweep.names)} runs: error ~ h^{-sweep.error.p:.2f} (+- {sweep.error.p_error:.2f}), "
        f"cost ~ h^{-sweep.cost.slope(advice.n):.2f} there; the bands hold nine of ten single runs",
    ]
    if advice.beyond > FARTHEST:
        lines.append(
            f"WARNING: this is {advice.beyond:.1f} times beyond the sweep's meshes, which is more than {FARTHEST:g}: "
            "a guess, not advice; sweep nearer to it"
        )
    elif advice.beyond > 1.0:
        lines.append(f"(extrapolated: {advice.beyond:.2f} times beyond the sweep's meshes)")
    return lines


def at(sweep: Sweep, n: float) -> Advice:
    """Advice for resolution ``n`` [1/m]."""
    return Advice(
        sweep=sweep,
        size=sweep.size_of(n),
        n=n,
        error=sweep.error(n),
        error_band=sweep.error.band(n),
        amplitude=sweep.parts["amplitude"](n),
        phase=sweep.parts["phase"](n),
        cost=sweep.cost(n),
        cost_band=sweep.cost.band(n),
        storage=sweep.storage(n),
        cells=sweep.cells(n),
        beyond=max(n / float(sweep.n[-1]), float(sweep.n[0]) / n, 1.0),
    )
