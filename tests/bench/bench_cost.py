"""The model of cost beside runs that it has not seen: steps, updates and processor time of cases that come along.

Each solver's speed is that of one case. What is foretold of the others is their cells, stages and steps over that speed, as limits of
jobs are; `cost_model_error` is the median over them of how far it is from the processor time of their steps, relative to that.
"""

import statistics
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs.campaign.catalogue import HERE
from jobs.slurm.estimate import estimate
from jobs.slurm.sites import Site
from pipeline.core import campaign as campaigns
from pipeline.core.overrides import with_overrides
from solvers.core.comm import Serial
from solvers.core.run import run_case

KNOWN = {"tsunami": "hump", "ks": "ks", "turbulence": "taylor_green"}  # whose speeds are measured
CUBE = {"mesh.points": [32, 32, 32], "time.end": 2.0, "time.every": 1.0}
UNSEEN: dict[str, dict[str, Any]] = {  # what is changed, so that each takes some seconds
    "conical_island": {"mesh.size": 0.8, "time.end": 15.0},
    "thacker": {},
    "dam_break": {},
    "simple_beach": {},
    "fault": {},
    "date_line": {},
    "harbour": {},
    "port": {},
    "ks_frames": {"time.end": 200.0},
    "ks_plane": {},
    "isotropic_turbulence": CUBE,
}
BRIEF = {"UNSEEN": {name: UNSEEN[name] for name in ("conical_island", "fault", "ks_plane")}}

Say = Callable[[str], None]


def measure(say: Say) -> dict[str, Any]:
    """Foretold steps, updates and processor time of each case, over those of its run."""
    numbers: dict[str, Any] = {}
    for kind, known in KNOWN.items():
        speed = 1.0 / _seconds_an_update(known, CUBE if kind == "turbulence" else {}, kind)
        say(f"{kind}: {speed / 1e6:.2f} M updates per core-second ({known})")
        for name, changes in UNSEEN.items():
            run = _run(name, changes)
            if run.case.solver.kind != kind:
                continue
            told, summary = estimate(run, 1, Site(title="here", speed={kind: speed})), _summary(run)
            assert told.seconds is not None
            numbers[f"{name}_steps"] = told.steps / summary["steps"]
            numbers[f"{name}_time"] = told.seconds / summary["core_s"]
            numbers[f"{name}_updates"] = told.seconds * speed / _updates(summary)
            say(
                f"  {name}: steps {numbers[f'{name}_steps']:.2f}, updates {numbers[f'{name}_updates']:.2f}, "
                f"processor time {numbers[f'{name}_time']:.2f} of those of its run"
            )
    numbers["cost_model_error"] = statistics.median(abs(numbers[f"{name}_time"] - 1.0) for name in UNSEEN)
    return numbers


def _run(name: str, changes: dict[str, Any]) -> campaigns.Run:
    path = HERE / "cases" / f"{name}.toml"
    table = with_overrides(tomllib.loads(path.read_text(encoding="utf-8")), changes)
    return campaigns.parse({"run": {name: {"case": table, "folder": str(path.parent)}}}, path.parent).runs[0]


def _summary(run: campaigns.Run) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return run_case(run.case, Path(folder), Serial())


def _updates(summary: dict[str, Any]) -> float:
    """Cells by stages that the run has done: quiet water and dry land are left out."""
    return float(summary["updates_per_core_s"] * summary["wall_s"])


def _seconds_an_update(name: str, changes: dict[str, Any], kind: str) -> float:
    run = _run(name, changes)
    told = estimate(run, 1, Site(title="here", speed={kind: 1.0}))
    _summary(run)  # kernels are loaded
    assert told.seconds is not None
    return float(_summary(run)["core_s"] / told.seconds)
