"""Advice on the mesh, order and ranks that reach an error, and their cost: from the laws of a sweep (`jobs.commands.sweeps`)."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jobs.commands.sweeps import Sweep
from pipeline.core.errors import InputError
from pipeline.core.params import build, quantity

FARTHEST = 4.0  # how far beyond the sweep's finest and coarsest mesh a fit is followed without a warning
LEAST_CELLS = 5000  # of a rank: with fewer, more than a twentieth of its work is its neighbours'


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
    from jobs.campaign.cluster import client, is_little
    from jobs.campaign.execute import execute
    from jobs.campaign.stages import exact_solution
    from jobs.local.progress import aloud
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
    with client(compiling=aloud, small=is_little(decompose, [run])) as dask:
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


def comparison(advice: Advice, outcome: dict[str, float]) -> list[str]:
    """A table of what was predicted beside the ``outcome`` of `prove`, line by line."""
    lines = [f"{'':<22}{'predicted':>12}{'outcome':>12}{'ratio':>8}"]
    for name, unit, predicted in (
        ("error", "[1]", advice.error),
        ("cost", "[core-seconds]", advice.cost),
        ("storage", "[bytes]", advice.storage),
    ):
        lines.append(f"{name + ' ' + unit:<22}{predicted:>12.4g}{outcome[name]:>12.4g}{predicted / outcome[name]:>8.3f}")
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
