"""Costs of many gauges and of many frames: processor time of finding and writing them.

The kernels are loaded by a run of each kind first. "Writing" is what the recorder takes for gauges; "a frame" is all that it takes for
frames, with ``run.xdmf`` at the end.
"""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from meshes import rectangle
from meshes.core.locate import locate
from pipeline.core import case as cases
from pipeline.core.params import build
from solvers.core.comm import Serial
from solvers.core.record import Recorder
from solvers.core.run import run_case

BASIN = cases.read_text("""
[mesh]
kind = "rectangle"
width = 100.0
height = 40.0
size = 0.5
bathymetry = { kind = "flat", depth = 10.0 }
[solver]
kind = "tsunami"
initial = { kind = "hump", height = 0.1, width = 8.0, centre = [30.0, 20.0] }
[time]
end = 5.0
every = 1.0
""")
GAUGES = 10_000
REPEATS = 3
SIZE = 0.125  # [m] edge length of the mesh in which gauges are found
BRIEF = {"REPEATS": 2, "SIZE": 0.25}
MANY_FRAMES = {"mesh.size": 2.0, "time.every": 0.002}

Say = Callable[[str], None]


def measure(say: Say) -> dict[str, float | list[float]]:
    """Three values each: seconds to find gauges, their share of a run, milliseconds a frame."""
    numbers: dict[str, float | list[float]] = {"gauges": GAUGES}
    for name, once in (("find_s", _finding), ("writing_share", _writing), ("frame_ms", _frames)):
        once(say)  # loads what is loaded once
        numbers[name] = [once(say) for _ in range(REPEATS)]
    return numbers


def _places(count: int) -> Any:
    return np.random.default_rng(0).uniform([0.0, 0.0], [100.0, 40.0], (count, 2))


def _finding(say: Say) -> float:
    table = {"width": 100.0, "height": 40.0, "size": SIZE, "bathymetry": {"kind": "flat", "depth": 10.0}}
    mesh = rectangle.build(build(rectangle.Params, table, "mesh"), folder=Path())
    begun = time.process_time()
    cells, _ = locate(mesh, _places(GAUGES))
    seconds = time.process_time() - begun
    if (cells < 0).any():
        raise RuntimeError("a gauge inside the basin was not found")
    say(f"  {GAUGES:,} gauges found in {len(mesh.triangles):,} cells: {seconds:.2f} s")
    return seconds


def _writing(say: Say) -> float:
    gauges = {f"g{i:05d}": place for i, place in enumerate(_places(GAUGES).tolist())}
    summary, spent = _run(BASIN | {"gauges": gauges})
    share = spent["_gauges"] / (summary["core_s"] + spent["frame"] + spent["finish"])
    say(f"  {GAUGES:,} gauges, {summary['cells']:,} cells, {summary['steps']} steps: {share:.1%} of the run is writing them")
    return share


def _frames(say: Say) -> float:
    case = cases.with_overrides(BASIN, MANY_FRAMES)
    summary, spent = _run(case)
    frames = round(case["time"]["end"] / case["time"]["every"]) + 1
    milliseconds = 1e3 * (spent["frame"] + spent["finish"]) / frames
    say(f"  {frames:,} frames of {summary['cells']:,} cells: {milliseconds:.1f} ms each")
    return milliseconds


def _run(table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
    """The summary of a run, and the processor time [s] in the recorder's methods."""
    with tempfile.TemporaryDirectory() as folder, _timed("_gauges", "frame", "finish") as spent:
        return run_case(cases.parse(table, Path(folder)), Path(folder), Serial()), spent


@contextlib.contextmanager
def _timed(*names: str) -> Iterator[dict[str, float]]:
    """Processor time [s] in methods of the recorder, by their names."""
    spent = dict.fromkeys(names, 0.0)

    def timed(name: str) -> Callable[..., Any]:
        method = getattr(Recorder, name)

        def wrapper(*arguments: Any, **named: Any) -> Any:
            begun = time.process_time()
            try:
                return method(*arguments, **named)
            finally:
                spent[name] += time.process_time() - begun

        return wrapper

    with contextlib.ExitStack() as stack:
        for name in names:
            stack.enter_context(mock.patch.object(Recorder, name, timed(name)))
        yield spent
