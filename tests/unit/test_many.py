"""Costs of many gauges and many frames: processor time, printed with `pytest -s`."""

import time
from pathlib import Path

import numpy as np
import pytest

from meshes import rectangle
from meshes.core.locate import locate
from pipeline import case as cases
from pipeline.params import build
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


@pytest.fixture
def spent(monkeypatch) -> dict[str, float]:
    """Processor time [s] in the recorder's methods, by their names."""
    found: dict[str, float] = {}

    def timed(name):
        method = getattr(Recorder, name)

        def wrapper(*arguments, **named):
            begun = time.process_time()
            try:
                return method(*arguments, **named)
            finally:
                found[name] = found.get(name, 0.0) + time.process_time() - begun

        monkeypatch.setattr(Recorder, name, wrapper)

    for name in ("_gauges", "frame", "finish"):
        timed(name)
    return found


def places(count: int):
    return np.random.default_rng(0).uniform([0.0, 0.0], [100.0, 40.0], (count, 2))


@pytest.mark.slow
def test_ten_thousand_gauges_are_found_in_a_second():
    table = {"width": 100.0, "height": 40.0, "size": 0.125, "bathymetry": {"kind": "flat", "depth": 10.0}}
    mesh = rectangle.build(build(rectangle.Params, table, "mesh"), folder=Path())
    locate(mesh, places(1))  # loads scipy's trees
    begun = time.process_time()
    cells, _ = locate(mesh, places(10_000))
    seconds = time.process_time() - begun
    print(f"10,000 gauges found in {len(mesh.triangles):,} cells: {seconds:.2f} s")
    assert (cells >= 0).all()
    assert seconds < 1.0


@pytest.mark.slow
def test_writing_ten_thousand_gauges_is_a_small_part_of_a_run(tmp_path, spent):
    gauges = {f"g{i:05d}": place for i, place in enumerate(places(10_000).tolist())}
    summary = run_case(cases.parse(BASIN | {"gauges": gauges}, tmp_path), tmp_path, Serial())
    share = spent["_gauges"] / (summary["core_s"] + spent["frame"] + spent["finish"])
    print(f"10,000 gauges, {summary['cells']:,} cells, {summary['steps']} steps: {share:.1%} of the run is writing them")
    assert share < 0.05


@pytest.mark.slow
def test_a_frame_of_many_takes_milliseconds(tmp_path, spent):
    case = cases.parse(cases.with_overrides(BASIN, {"mesh.size": 2.0, "time.every": 0.002}), tmp_path)
    summary = run_case(case, tmp_path, Serial())
    frame = (spent["frame"] + spent["finish"]) / 2501
    print(f"2,501 frames of {summary['cells']:,} cells: {1e3 * frame:.1f} ms each, run.xdmf and its views with them")
    assert frame < 0.010
