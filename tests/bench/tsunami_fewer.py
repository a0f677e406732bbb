"""Savings of local time stepping and the active region: part of ``wavetrain bench tsunami``.

Time at equal error: the local steps' time is interpolated between meshes of three sizes at the error of equal steps on the middle one.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from tsunami_accuracy import REPETITIONS, RINGS, G, at_error, model_on

from jobs.local.launch import environment, mpirun
from jobs.local.progress import EVENTS
from meshes import rectangle
from meshes.core import quadrature
from meshes.core.trimesh import TriMesh
from pipeline.core.case import to_toml
from pipeline.core.params import build
from solvers.core.comm import Serial
from solvers.core.driver import simulate
from solvers.tsunami.radial import RadialWave
from solvers.tsunami.region import Region

SIZES = (0.7, 0.6, 0.5)  # [m] edge lengths of the sea; a fiftieth in the harbour
HUMP, CENTRE, END = {"kind": "hump", "height": 0.2, "width": 4.0, "centre": [20.0, 25.0]}, (20.0, 25.0), 4.0  # [s]
OCEAN = {"width": 4.4e6, "height": 4.4e6, "size": 2.2e4, "origin": [-2.2e6, -2.2e6]}  # [m]
BASIN = {"kind": "bowl", "depth": 5000.0, "radius": 2.0e6}  # with land in the corners
SOURCE = {"kind": "hump", "height": 1.0, "width": 5.0e4, "centre": [-1.5e6, 0.0]}
CROSSED = 18500.0  # [s] after which the wave is at the other side
PORT = {"centre": [1.2e6, 3.0e5], "radius": 2.0e4, "size": 2.0e3, "growth": 0.2}

Say = Callable[[str], None]


def measure(say: Say) -> dict[str, list[float] | None]:
    """All that was measured, by the numbers of this part."""
    return {"local_stepping_gain": _local(say), "active_region_gain": _active(say), "fewer_speedup_2_ranks": _two_ranks(say)}


def harbour(size: float) -> TriMesh:
    """A square sea of 50 m with edges of ``size`` [m], and a harbour with edges of a fiftieth."""
    disc = {"centre": [32.0, 25.0], "radius": size / 4.0, "size": size / 50.0, "growth": 0.25}
    table = {"width": 50.0, "height": 50.0, "size": size, "refine": [disc], "bathymetry": {"kind": "flat", "depth": 1.0}}
    return rectangle.build(build(rectangle.Params, table, "mesh"), folder=Path())


def _local(say: Say) -> list[float]:
    """Time of equal steps over that of local ones at the same error, on a mesh with edges of 1 to 50."""
    r, depth, _ = RadialWave(lambda r: 1.0 + 0.2 * np.exp(-((r / 4.0) ** 2)), g=G, reach=60.0, rings=RINGS, limited=False).advance(END)
    meshes = [harbour(size) for size in SIZES]
    truths = []
    for mesh in meshes:
        x, y = quadrature.places(mesh.vertices[mesh.triangles])
        truths.append(quadrature.means(np.interp(np.hypot(x - CENTRE[0], y - CENTRE[1]), r, depth)))

    def run(number: int, steps: str) -> tuple[float, float]:
        u, seconds = _run(meshes[number], {"initial": HUMP, "gravity": G, "time_steps": steps}, END)
        return float(np.average(np.abs(u[:, 0] - truths[number]), weights=meshes[number].areas)), seconds

    run(0, "local")  # compiles
    gains = []
    for _ in range(REPETITIONS):
        error, seconds = run(1, "global")
        found = [run(number, "local") for number in range(len(meshes))]
        local = at_error(error, [f[0] for f in found], [f[1] for f in found])
        gains.append(seconds / local)
        errors = ", ".join(f"{f[0]:.3g} m in {f[1]:.2f} s" for f in found)
        say(f"  harbour, {len(meshes[1].triangles):,} triangles: equal steps {error:.3g} m in {seconds:.2f} s; local ones {errors}")
    return gains


def _active(say: Say) -> list[float]:
    """Time of all cells over that of the active region, the same bits, for a wave across an ocean."""
    mesh = rectangle.build(build(rectangle.Params, {**OCEAN, "bathymetry": BASIN}, "mesh"), folder=Path())
    gains = []
    for _ in range(REPETITIONS):
        u, active = _run(mesh, {"initial": SOURCE}, CROSSED)
        with mock.patch.object(Region, "follow", lambda *_: None):
            whole, seconds = _run(mesh, {"initial": SOURCE}, CROSSED)
        assert u.tobytes() == whole.tobytes()
        gains.append(seconds / active)
        say(f"  ocean, {len(mesh.triangles):,} triangles: all {seconds:.2f} s, active region {active:.2f} s")
    return gains


def _two_ranks(say: Say) -> list[float] | None:
    """Time of the time loop on one rank over that on two, with local steps and the active region; null on a machine with one core."""
    if (os.cpu_count() or 1) < 2:
        return None
    ratios = []
    for _ in range(REPETITIONS):
        one, two = _on_ranks(1), _on_ranks(2)
        ratios.append(one / two)
        say(f"  ocean with a port, local steps: 1 rank {one:.2f} s, 2 ranks {two:.2f} s")
    return ratios


def _on_ranks(ranks: int) -> float:
    """Seconds of the time loop on ``ranks`` ranks."""
    solver = {"kind": "tsunami", "initial": SOURCE, "time_steps": "local"}
    mesh = {"kind": "rectangle", **OCEAN, "refine": [PORT], "bathymetry": BASIN}
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "case.toml"
        case.write_text(to_toml({"mesh": mesh, "solver": solver, "time": {"end": 4000.0, "every": 4000.0}}))
        command = [*mpirun(ranks), sys.executable, "-m", "jobs.local.rank", str(case), folder, folder]
        subprocess.run(command, capture_output=True, check=True, env=environment() | {EVENTS: "1"})
        return float(json.loads((Path(folder) / "summary.json").read_text())["wall_s"])


def _run(mesh: TriMesh, solver: dict[str, Any], end: float) -> tuple[np.ndarray, float]:
    """The last state, and the seconds of processor time of the steps."""
    frames = simulate(model_on(mesh, solver), Serial(), end=end, output_interval=end, cfl=0.9)
    next(frames)
    begun = time.process_time()
    *_, last = frames
    return last.u.copy(), time.process_time() - begun
