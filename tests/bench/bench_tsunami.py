"""Speed of the tsunami solver: updates per core-second, beside ANUGA and on two ranks; start-up; a mesh of a million cells; accuracy.

Each figure is a median of runs that alternate with what they are compared with, in one call, on one machine.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tsunami_accuracy as accuracy
import tsunami_fewer as fewer
import tsunami_geoclaw as geoclaw
import tsunami_refined as refined
from tsunami_accuracy import ANUGA, model_on, square

from jobs.local.launch import environment, mpirun
from jobs.local.progress import EVENTS
from meshes.core.partition import owners
from meshes.core.trimesh import TriMesh
from pipeline.core import case
from solvers.core.comm import Serial
from solvers.core.driver import simulate
from solvers.core.run import run_case

HERE = Path(__file__).resolve().parent
DAM_BREAK = {"gravity": 9.8, "initial": {"kind": "dam_break", "high": 10.0, "low": 1.0, "radius": 11.0}}
CELLS_100K = 0.24  # [m] edge length that makes 100 k triangles of 50 m x 50 m
CELLS_1M = 0.0755
END = 0.2  # [s] simulated in each repetition
REPETITIONS = 5
MESHES = 3
BRIEF = {
    "REPETITIONS": 3,
    "MESHES": 1,
    "tsunami_accuracy.REPETITIONS": 3,
    "tsunami_accuracy.FINE": 0.4,
    "tsunami_geoclaw.REPETITIONS": 1,
    "tsunami_fewer.REPETITIONS": 1,
}

Say = Callable[[str], None]
Figures = dict[str, float | list[float] | None]  # an exact value, or all that were measured


def measure(say: Say) -> Figures:
    """All figures of the bench; None where a peer is absent."""
    numbers: Figures = {}
    mesh = square(CELLS_100K)
    say(f"dam break on {len(mesh.triangles):,} triangles, float64, second order, SSP-RK3")
    numbers |= _beside_anuga(mesh, say)
    numbers |= _two_ranks(say)
    numbers |= _start(say)
    numbers["mesh_1m_s"] = _mesh_1m(say)
    numbers["output_slowdown"] = _output(say)
    exact = {name: [value] if name.startswith("time_") and value else value for name, value in accuracy.measure(say).items()}
    return numbers | exact | geoclaw.measure(say) | fewer.measure(say) | refined.measure(say)


def _beside_anuga(mesh: TriMesh, say: Say) -> Figures:
    """Updates per core-second (triangles x stages / s) here and in ANUGA, alternating; the same mesh and the same wave."""
    ours, theirs = [], []
    _ours(mesh)  # compiles
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mesh.npz"
        np.savez(file, vertices=mesh.vertices, triangles=mesh.triangles)
        for _ in range(REPETITIONS):
            ours.append(_ours(mesh))
            if ANUGA.exists():
                theirs.append(_anuga(file))
            say(f"  here {ours[-1] / 1e6:.2f} M/s" + (f", ANUGA {theirs[-1] / 1e6:.2f} M/s" if theirs else ""))
    if not theirs:
        say("  ANUGA is absent: `make peers` puts it into a folder of its own")
        return {"updates_per_core_s": ours, "ratio_updates_vs_anuga": None}
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return {"updates_per_core_s": ours, "ratio_updates_vs_anuga": ratios, "anuga_updates_per_core_s": theirs}


def _ours(mesh: TriMesh) -> float:
    model = model_on(mesh, DAM_BREAK)
    frames = simulate(model, Serial(), end=END, output_interval=END, cfl=0.9)
    next(frames)
    begun = time.perf_counter()
    *_, last = frames
    return len(mesh.triangles) * model.stages * last.clock.step / (time.perf_counter() - begun)


def _anuga(file: Path) -> float:
    command = [str(ANUGA), str(HERE / "peer_anuga.py"), str(file), str(END)]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    out = subprocess.run(command, capture_output=True, text=True, check=True, env=env, cwd=file.parent).stdout
    return float(json.loads(out.splitlines()[-1])["updates_per_core_s"])


def _two_ranks(say: Say) -> Figures:
    """Time of the time loop on one rank over that on two, alternating; null on a machine with one core."""
    if (os.cpu_count() or 1) < 2:
        say("one core: no second rank to measure")
        return {"speedup_2_ranks": None}
    ratios = []
    for _ in range(REPETITIONS):
        one, two = _on_ranks(1), _on_ranks(2)
        ratios.append(one / two)
        say(f"  1 rank {one:.2f} s, 2 ranks {two:.2f} s: {ratios[-1]:.2f}x")
    return {"speedup_2_ranks": ratios}


def _on_ranks(ranks: int) -> float:
    """Seconds of the time loop of the dam break on ``ranks`` ranks, written files not counted."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.toml"
        end = 2.0 * END
        path.write_text(
            f'[mesh]\nkind = "rectangle"\nwidth = 50.0\nheight = 50.0\norigin = [-25.0, -25.0]\nsize = {CELLS_100K}\n'
            '[solver]\nkind = "tsunami"\ngravity = 9.8\ninitial = { kind = "dam_break", high = 10.0, low = 1.0, radius = 11.0 }\n'
            f"[time]\nend = {end}\nevery = {end}\n"
        )
        command = [*mpirun(ranks), sys.executable, "-m", "jobs.local.rank", str(path), folder, folder]
        subprocess.run(command, capture_output=True, check=True, env=environment() | {EVENTS: "1"})
        return float(json.loads((Path(folder) / "summary.json").read_text())["wall_s"])


def _output(say: Say) -> list[float]:
    """Time of writing a frame every 20 steps over that of the steps, on one rank."""
    shares = []
    for _ in range(REPETITIONS):
        with tempfile.TemporaryDirectory() as folder:
            solver = {"kind": "tsunami", **DAM_BREAK}
            mesh = {"kind": "rectangle", "width": 50.0, "height": 50.0, "origin": [-25.0, -25.0], "size": CELLS_100K}
            read = case.parse({"mesh": mesh, "solver": solver, "time": {"end": 0.6, "every": 0.1}}, Path(folder))
            summary = run_case(read, Path(folder), Serial())
        frames = summary["steps"] / 20.0
        shares.append(summary["writing_s"] / 7.0 * frames / summary["wall_s"])
        say(f"  a frame every 20 steps would take {shares[-1]:.2%} of the steps' time")
    return shares


def _start(say: Say) -> Figures:
    """Seconds from the command to its first step, and to the end of ``wavetrain --help``; both warm."""
    wavetrain = [sys.executable, "-m", "jobs.cli"]
    first, helped = [], []
    for _ in range(REPETITIONS):
        with tempfile.TemporaryDirectory() as folder:
            command = [*wavetrain, "run", "hump", "--out", folder, "--set", "time.end=0.1", "--set", "time.every=0.1"]
            begun = time.perf_counter()
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {EVENTS: "1"}) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    if '"progress"' in line:
                        first.append(time.perf_counter() - begun)
                        break
                process.communicate()
        begun = time.perf_counter()
        subprocess.run([*wavetrain, "--help"], capture_output=True, check=True)
        helped.append(time.perf_counter() - begun)
    say(f"  first step {statistics.median(first):.2f} s, --help {statistics.median(helped):.2f} s after the command")
    return {"first_step_s": first, "help_s": helped}


def _mesh_1m(say: Say) -> list[float]:
    """Seconds in which a million triangles are built, ordered and cut for 4 parts, on one core."""
    seconds = []
    for _ in range(MESHES):
        begun = time.perf_counter()
        mesh = square(CELLS_1M)
        owner = owners(mesh, 4)
        parts = [mesh.part(rank, 4, owner) for rank in range(4)]
        seconds.append(time.perf_counter() - begun)
        say(f"  {len(mesh.triangles):,} triangles built, ordered and cut for 4 parts in {seconds[-1]:.1f} s")
        assert sum(part.owned for part in parts) == len(mesh.triangles) >= 1_000_000
    return seconds
