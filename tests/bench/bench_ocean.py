"""The Chilean tsunami of 2010 at a buoy in the deep sea, beside GeoClaw with its adaptive grids on the same fault and relief.

Both compute to the end of the first wave at the buoy. Ours is case ``chile_2010``, as it comes along and finer. Times are of a processor,
for the mesh and all steps. GeoClaw's Okada, its levels and its refinement are its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from jobs.campaign.catalogue import HERE
from meshes.core.mercator import RADIUS
from pipeline.core import campaign as campaigns
from pipeline.core.data import find
from pipeline.core.overrides import with_overrides
from pipeline.core.params import build
from pipeline.reading.text_table import read_table
from pipeline.store.reader import Store
from solvers.core.comm import Serial
from solvers.core.run import run_case
from solvers.tsunami.source import okada

PEER = Path(__file__).resolve().parents[2] / ".peers" / "geoclaw"
RELIEF = tuple(f"etopo20/etopo20{name}.gz" for name in ("data", "lons", "lats"))
END = 16_000.0  # [s]
FROM = 9_000.0  # [s]: the wave reaches the buoy later
MESHES: dict[str, dict[str, Any]] = {"": {}, "_fine": {"points": 15, "finest": "8 km"}}
GEOCLAW = {"cells": 60, "ratios": [2, 6], "tolerance": 0.1}  # 5 minutes of arc where it is finest; the example has 10
MARGIN = 5.0  # [degree] of relief about the mesh
REPETITIONS = 3
BRIEF = {"REPETITIONS": 1, "MESHES": {"": {"points": 4, "finest": "60 km"}}, "GEOCLAW": {**GEOCLAW, "cells": 15}}

Say = Callable[[str], None]
Series = tuple[np.ndarray, np.ndarray]


def measure(say: Say) -> dict[str, list[float] | float | None]:
    """Times of GeoClaw over ours, and differences at the buoy over GeoClaw's crest: of the crests, the largest, and the rms.

    None without the relief or without GeoClaw.
    """
    names = ("chile_gauge_vs_geoclaw", "chile_gauge_largest_vs_geoclaw", "chile_gauge_rms_vs_geoclaw", "chile_time_ratio_geoclaw")
    numbers: dict[str, list[float] | float | None] = {f"{name}{mesh}": None for mesh in MESHES for name in names}
    numbers["dispersive_cost"] = None  # no solver of dispersive waves yet
    if any(find(name) is None for name in RELIEF) or not (PEER / "xgeoclaw").exists():
        say("without etopo20 (WAVETRAIN_DATA) or GeoClaw (`make peers`) nothing is compared")
        return numbers
    _ours({"points": 4, "finest": "60 km"}, end=60.0)  # kernels are loaded
    ratios: dict[str, list[float]] = {mesh: [] for mesh in MESHES}
    for _ in range(REPETITIONS):
        seconds, theirs = _geoclaw()
        say(f"  GeoClaw: {seconds:.1f} s of a processor, crest {1e3 * theirs[1].max():.1f} mm")
        for mesh, changes in MESHES.items():
            took, ours = _ours(changes, END)
            ratios[mesh].append(seconds / took)
            say(f"  here{mesh}: {took:.1f} s of a processor, crest {1e3 * ours[1].max():.1f} mm")
            crest, off = theirs[1].max(), ours[1] - theirs[1]
            found = (abs(ours[1].max() / crest - 1.0), np.abs(off).max() / crest, np.sqrt(np.mean(off**2)) / crest)
            numbers |= {f"{name}{mesh}": float(value) for name, value in zip(names[:3], found, strict=True)}
    return numbers | {f"{names[3]}{mesh}": values for mesh, values in ratios.items()}


def _case() -> dict[str, Any]:
    return tomllib.loads((HERE / "cases" / "chile_2010.toml").read_text(encoding="utf-8"))


def _ours(changes: dict[str, Any], end: float) -> tuple[float, Series]:
    """Processor time [s] of the case with other edges, and its series at the buoy."""
    table = with_overrides(
        _case(), {f"mesh.by_depth.{key}": value for key, value in changes.items()} | {"time.end": end, "time.every": end}
    )
    table.pop("observed")
    run = campaigns.parse({"run": {"chile": {"case": table, "folder": str(HERE / "cases")}}}, HERE / "cases").runs[0]
    kept, os.environ["WAVETRAIN_MESHES"] = os.environ.get("WAVETRAIN_MESHES", ""), "no"
    try:
        with tempfile.TemporaryDirectory() as folder:
            begun = time.process_time()
            run_case(run.case, Path(folder), Serial())
            took = time.process_time() - begun
            with Store(Path(folder) / "run.h5") as store:
                times, values = (np.asarray(series) for series in store.gauge("dart_32412"))
    finally:
        os.environ["WAVETRAIN_MESHES"] = kept
    return took, _even(times, values)


def _geoclaw() -> tuple[float, Series]:
    """The same of GeoClaw."""
    case = _case()
    mesh, (asked,) = case["mesh"], case["source"]
    fault = build(okada.Params, {key: value for key, value in asked.items() if key != "kind"}, "source").rectangle
    heights, longitudes, latitudes = (read_table(find(name), width).values for name, width in zip(RELIEF, (1081, 1, 1), strict=True))
    x, y = longitudes.ravel() - 360.0, latitudes.ravel()
    columns = np.flatnonzero((x >= mesh["west"] - MARGIN) & (x <= mesh["east"] + MARGIN))
    rows = np.flatnonzero((y >= mesh["south"] - MARGIN) & (y <= mesh["north"] + MARGIN))
    setup = {
        "lower": [mesh["west"], mesh["south"]],
        "upper": [mesh["east"], 0.0],  # even degrees; beyond the case's northern side, which no wave comes back from by then
        "bed_corner": [x[columns[0]], y[rows[0]]],
        "bed_step": 1.0 / 3.0,
        "buoy": case["gauges"]["dart_32412"],
        "radius": RADIUS,
        "manning": case["solver"]["manning"],
        "end": END,
        "fault": asdict(fault),
        **GEOCLAW,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "setup.json").write_text(json.dumps(setup))
        np.save(folder / "bed.npy", heights[np.ix_(rows, columns)])
        env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(PEER / "clawpack")}
        command = [sys.executable, str(Path(__file__).with_name("peer_geoclaw_ocean.py")), str(PEER / "xgeoclaw")]
        out = subprocess.run(command, capture_output=True, text=True, check=True, env=env, cwd=folder).stdout
        times, values = np.load(folder / "gauge.npy").T
    return json.loads(out.splitlines()[-1])["seconds"], _even(times, values)


def _even(times: np.ndarray, values: np.ndarray) -> Series:
    even = np.arange(FROM, END, 30.0)
    return even, np.interp(even, times, values)
