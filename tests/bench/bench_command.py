"""Whole commands beside their solvers' steps: a line with many frames, a million triangles, still water, the demo, and again when done.

A user waits for the command: starts, set-up, steps, files and page. Steps are what the solver says of itself (``wall_s``). Each measurement
is in a folder of its own, with kept meshes of its own; the kernels are loaded by a run before.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs.commands.meshes.write import write
from meshes.core.part import cut, rim_of
from meshes.core.partition import owners
from pipeline.core import case as cases
from solvers.core.run import mesh_of

REPETITIONS = 3
PARTS = ("many_frames", "million", "setup", "setup_file", "lake", "demo")
BRIEF = {"REPETITIONS": 2, "PARTS": ("many_frames", "million", "setup_file", "lake")}  # the demo takes two minutes
RANKS = 2
FEW_FRAMES = 5
MILLION = """
[mesh]
kind = "rectangle"
width = 100.0
height = 100.0
size = 0.1515
bathymetry = { kind = "flat", depth = 1.0 }
[solver]
kind = "tsunami"
initial = { kind = "hump", height = 0.1, width = 5.0, centre = [50.0, 50.0] }
[time]
end = 0.005
every = 0.005
"""

OF_FILE = """
[mesh]
kind = "file"
file = "million.msh"
unit = "m"
bathymetry = { kind = "flat", depth = 1.0 }
"""

Say = Callable[[str], None]
Figures = dict[str, float | list[float] | None]  # all values of each


def measure(say: Say) -> Figures:
    """Seconds of whole commands, three times each (the demo once), and their ratios to the steps."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        os.environ["WAVETRAIN_MESHES"] = str(place / "meshes")
        parts = {"many_frames": _many_frames, "million": _million, "setup": _setup, "setup_file": _setup_file, "lake": _lake, "demo": _demo}
        return {name: figure for part in PARTS for name, figure in parts[part](place, say).items()}


def _whole(place: Path, *words: str, page: bool = True, again: bool = False) -> tuple[float, float]:
    """Seconds of ``wavetrain run`` with ``words`` in the folder ``place/out``, which is new but where ``again``, and of its runs' steps."""
    out = place / "out"
    if not again:
        shutil.rmtree(out, ignore_errors=True)
    env = os.environ | {"WAVETRAIN_PAGE": "yes" if page else "no"}
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "jobs.cli", "run", *words, "--out", str(out)], capture_output=True, check=True, env=env)
    seconds = time.perf_counter() - begun
    return seconds, sum(json.loads(path.read_text())["wall_s"] for path in out.rglob("summary.json"))


def spent_by_commands() -> float:
    """Processor time [s] of all commands so far, which tells a frame's share better than the wall's where others compute too."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _many_frames(place: Path, say: Say) -> Figures:
    """The demo's run ``truth``: with its page, without, and with few frames in the same steps, one after another."""
    few = ("--set", f"time.every={100.0 / FEW_FRAMES}")
    _whole(place, "ks_frames", *few, page=False)
    whole, bare, frame = [], [], []
    for _ in range(REPETITIONS):
        seconds, steps = _whole(place, "ks_frames")
        spent = [spent_by_commands()]
        without, bare_steps = _whole(place, "ks_frames", page=False)
        spent.append(spent_by_commands())
        _whole(place, "ks_frames", *few, page=False)
        spent.append(spent_by_commands())
        whole.append((seconds, steps))
        bare.append((without, bare_steps))
        frame.append(1e3 * (2.0 * spent[1] - spent[0] - spent[2]) / (round(100.0 / 0.02) - FEW_FRAMES))
        say(f"  ks, 5,001 frames: {seconds:.1f} s, {without:.1f} s without the page, {steps:.1f} s of steps; {frame[-1]:.3f} ms a frame")
    return {
        "command_ks_s": [seconds for seconds, _ in whole],
        "command_ks_ratio": [seconds / steps for seconds, steps in whole],
        "command_ks_no_page_ratio": [seconds / steps for seconds, steps in bare],
        "frame_ms": frame,
    }


def _million(place: Path, say: Say) -> Figures:
    """A step of a million triangles: the mesh built, then kept; with the page and without."""
    (place / "million.toml").write_text(MILLION)
    words = (str(place / "million.toml"),)
    first, steps = _whole(place, *words)
    say(f"  1 M triangles, one step: {first:.1f} s the first time, {steps:.1f} s of it the step")
    again, bare = [], []
    for _ in range(REPETITIONS):
        again.append(_whole(place, *words)[0])
        bare.append(_whole(place, *words, page=False)[0])
        say(f"  again, the mesh kept: {again[-1]:.1f} s, {bare[-1]:.1f} s without the page")
    _whole(place, *words)
    return {"command_1m_first_s": [first], "command_1m_s": again, "command_1m_no_page_s": bare, "page_1m_s": _page(place, say)}


def _page(place: Path, say: Say) -> list[float]:
    """Seconds of ``wavetrain report`` on what the last command left: it draws all of the page, and starts as any command does."""
    seconds = []
    for _ in range(REPETITIONS):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "jobs.cli", "report", str(place / "out")], capture_output=True, check=True)
        seconds.append(time.perf_counter() - begun)
    say(f"  its page alone: {statistics.median(seconds):.1f} s")
    return seconds


def _setup(place: Path, say: Say) -> Figures:
    """The mesh of a million triangles for 2 ranks, on one core: built and then read, ordered, cut, halos of both."""
    case = cases.parse(cases.read_text(MILLION), place)
    seconds: list[float] = []
    for i in range(1 + REPETITIONS):
        os.environ["WAVETRAIN_MESHES"] = "no" if i == 0 else str(place / "meshes")
        begun = time.perf_counter()
        _cut(mesh_of(case))
        seconds.append(time.perf_counter() - begun)
    say(f"  1 M triangles set up for {RANKS} ranks: {seconds[0]:.1f} s built, {statistics.median(seconds[1:]):.1f} s read")
    return {"setup_1m_first_s": seconds[:1], "setup_1m_s": seconds[1:]}


def _cut(mesh: Any) -> None:
    """Cut a mesh of a million triangles for `RANKS` ranks, on one core."""
    owner = owners(mesh, RANKS)
    rim = rim_of(mesh, owner)
    parts = [cut(mesh, rank, RANKS, owner, rim) for rank in range(RANKS)]
    assert sum(part.owned for part in parts) == len(mesh.triangles) >= 1_000_000


def _setup_file(place: Path, say: Say) -> Figures:
    """The same mesh from a binary file of Gmsh's: read, checked, ordered, cut; wall, and processor time of the process."""
    os.environ["WAVETRAIN_MESHES"] = str(place / "meshes")
    write(mesh_of(cases.parse(cases.read_text(MILLION), place)), place / "million.msh")
    case = cases.parse(cases.read_text(OF_FILE + MILLION[MILLION.index("[solver]") :]), place)
    os.environ["WAVETRAIN_MESHES"] = "no"
    seconds, spent = [], []
    for _ in range(REPETITIONS):
        begun, before = time.perf_counter(), time.process_time()
        _cut(mesh_of(case))
        seconds.append(time.perf_counter() - begun)
        spent.append(time.process_time() - before)
    os.environ["WAVETRAIN_MESHES"] = str(place / "meshes")
    medians = [statistics.median(values) for values in (seconds, spent)]
    say(f"  1 M triangles of a file set up for {RANKS} ranks: {medians[0]:.1f} s, {medians[1]:.1f} s of a processor")
    return {"setup_file_1m_s": seconds, "setup_file_1m_core_s": spent}


def _lake(place: Path, say: Say) -> Figures:
    _whole(place, "lake_at_rest")
    found = [_whole(place, "lake_at_rest") for _ in range(REPETITIONS)]
    bare = [_whole(place, "lake_at_rest", page=False) for _ in range(REPETITIONS)]
    say(f"  lake_at_rest: {', '.join(f'{seconds:.1f} s, {seconds / steps:.2f}x its steps' for seconds, steps in found)}")
    return {
        "command_lake_s": [seconds for seconds, _ in found],
        "command_lake_ratio": [seconds / steps for seconds, steps in found],
        "command_lake_no_page_ratio": [seconds / steps for seconds, steps in bare],
    }


def _demo(place: Path, say: Say) -> Figures:
    """The demo on two ranks, once, and the same command again."""
    seconds, steps = _whole(place, "demo", "--ranks", str(RANKS))
    again = [_whole(place, "demo", "--ranks", str(RANKS), again=True)[0] for _ in range(REPETITIONS)]
    say(f"  demo: {seconds:.0f} s, {steps:.0f} s of it steps; again {statistics.median(again):.1f} s")
    found: Figures = {"command_demo_s": [seconds], "command_demo_ratio": [seconds / steps], "command_done_s": again}
    return found | {"page_demo_s": _page(place, say)}
