"""Triangles of a mesh that is refined where the error is, beside a uniform one at the same error: part of ``wavetrain bench tsunami``.

The campaign is the shipped one, ``wavetrain run refined``: a smooth hump in a basin of 100 m, half a per cent asked for.
"""

import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jobs.campaign.catalogue import find
from jobs.campaign.refined import resolved
from pipeline.core import campaign as campaigns
from pipeline.core import case as cases
from pipeline.core.case import Case
from pipeline.store.reader import Store
from solvers.core.comm import Serial
from solvers.core.run import run_case
from solvers.tsunami.reference import write_exact

UNIFORM = (0.8, 0.4)  # [m] edge lengths of the uniform meshes, between whose errors the one reached lies

Say = Callable[[str], None]


def measure(say: Say) -> dict[str, float | None]:
    """``refined_error``, reached over asked for, and ``refined_triangles``, a uniform mesh's at that error over the refined one's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        campaign, done = campaigns.read(find(Path("refined"))), {}
        for i in range(len(campaign.runs)):
            campaign, failed = resolved(campaign, folder, Serial(), ())
            assert not failed
            run = campaign.runs[i]
            done[run.name] = _done(run.case, folder / run.name)
        uniform = {}
        for size in UNIFORM:
            case = cases.parse(cases.with_overrides(cases.read_text(campaign.runs[0].case.text), {"mesh.size": size}), Path())
            uniform[size] = _done(case, folder / f"uniform-{size:g}")
    last = campaign.runs[-1]
    assert last.refine is not None
    error, cells, core_s = done[last.name]
    for one, (its, count, seconds) in {**done, **{f"{size:g} m": found for size, found in uniform.items()}}.items():
        say(f"  {one}: {count:,} triangles, {its:.3%} wrong, {seconds:.2f} s")
    needed = _triangles(error, uniform)
    total = sum(seconds for *_, seconds in done.values())
    say(f"  refined: {error:.3%} where {last.refine.error:.3%} was asked for; a uniform mesh takes {needed:,.0f} triangles, this {cells:,}")
    say(f"  {core_s:.2f} s of the last run, {total:.2f} s of all that it was refined from too")
    return {"refined_error": error / last.refine.error, "refined_triangles": needed / cells}


def _done(case: Case, folder: Path) -> tuple[float, int, float]:
    """Error of a run as stage `decompose` has it, its triangles, and seconds of processor time of its steps."""
    folder.mkdir(exist_ok=True)  # a map of sizes may be kept there
    (folder / "case.toml").write_text(case.text)
    summary = run_case(case, folder, Serial())
    with Store(folder / "run.h5") as run, Store(write_exact(folder / "run.h5", folder / "exact.h5")) as exact:
        areas = run.mesh("face_area")["face_area"]
        n, r = (np.asarray(one.source("free_surface")[(slice(None),)], float) for one in (run, exact))
    mean = r @ areas / areas.sum()
    error = math.sqrt(((n - r) ** 2 @ areas).sum() / ((r - mean[:, None]) ** 2 @ areas).sum())
    return error, summary["cells"], summary["core_s"]


def _triangles(error: float, uniform: Mapping[float, Any]) -> float:
    """Triangles of the uniform mesh with this ``error``, by the power law between two.

    Raises
    ------
    ValueError
        It lies outside theirs.
    """
    errors, cells = ([found[i] for found in uniform.values()] for i in (0, 1))
    if not min(errors) <= error <= max(errors):
        raise ValueError(f"an error of {error:g} lies outside those of the uniform meshes: {errors}")
    return float(np.exp(np.interp(math.log(error), np.log(errors[::-1]), np.log(cells[::-1]))))
