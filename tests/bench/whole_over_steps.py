"""Processor time of whole commands beside that of their solvers' steps, against numbers of frames, triangles and runs:

    python tests/bench/whole_over_steps.py docs/images/whole_over_steps.png

A command is all that a user starts: Python, set-up, mesh, files, page, and all processes of it. What is measured stands in a table as well.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench_command import spent_by_commands
from matplotlib import pyplot as plt

from pipeline.core.case import to_toml
from pipeline.core.figures import COMPUTED, OBSERVED, STYLE, save

LINE: dict[str, Any] = {  # 20,000 steps
    "mesh": {"kind": "box", "length": 100.0, "points": 512},
    "solver": {"kind": "ks"},
    "time": {"end": 200.0, "dt": 0.01},
}
SEA: dict[str, Any] = {
    "mesh": {"kind": "rectangle", "width": 100.0, "height": 100.0, "bathymetry": {"kind": "flat", "depth": 1.0}},
    "solver": {"kind": "tsunami", "initial": {"kind": "hump", "height": 0.1, "width": 5.0, "centre": [50.0, 50.0]}},
}
STEPS = 50  # of a sea, some
FRAMES, TRIANGLES, RUNS = (10, 100, 1_000, 10_000), (10_000, 100_000, 1_000_000), (1, 10, 100, 1_000)

Row = tuple[str, int, float, float]  # what is many, how many, processor time [s] of the whole command and of its steps


def measured() -> Iterator[Row]:
    """All rows; of each command the second run, whose kernels and mesh are there."""
    for frames in FRAMES:
        yield "frames", frames, *_twice(LINE | {"time": LINE["time"] | {"every": 200.0 / frames}})
    for triangles in TRIANGLES:
        size = (100.0**2 / triangles / 0.43) ** 0.5
        end = STEPS * 0.13 * size
        yield "triangles", triangles, *_twice(SEA | {"mesh": SEA["mesh"] | {"size": size}, "time": {"end": end, "every": end}})
    case = SEA | {"mesh": SEA["mesh"] | {"size": 10.0}, "time": {"end": 20.0, "every": 10.0}}
    for runs in RUNS:
        heights = [0.1 + 1e-5 * i for i in range(runs)]
        yield "runs", runs, *_twice({"run": {"sea": {"case": case, "sweep": {"solver.initial.height": heights}}}})


def _twice(table: dict[str, Any]) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.toml"
        path.write_text(to_toml(table), encoding="utf-8")
        env = os.environ | {"WAVETRAIN_MESHES": str(Path(folder) / "meshes")}
        for name in ("first", "second"):
            before = spent_by_commands()
            command = [sys.executable, "-m", "jobs.cli", "run", str(path), "--out", str(Path(folder) / name), "--quiet"]
            subprocess.run(command, check=True, env=env)
            whole = spent_by_commands() - before
        found = [json.loads(one.read_text())["core_s"] for one in (Path(folder) / "second").rglob("summary.json")]
        return whole, sum(found)


def draw(rows: list[Row], path: Path) -> None:
    """Draw processor time against each number, on logarithmic axes."""
    with plt.rc_context(STYLE):
        figure, places = plt.subplots(1, 3, figsize=(9.0, 3.0), layout="constrained")
        for axes, kind in zip(places, ("frames", "triangles", "runs"), strict=True):
            count, whole, steps = zip(*(row[1:] for row in rows if row[0] == kind), strict=True)
            axes.loglog(count, whole, "o-", color=COMPUTED, label="whole command")
            axes.loglog(count, steps, "s--", color=OBSERVED, label="steps of the solver")
            axes.set_xlabel(kind)
        places[0].set_ylabel("processor time [s]")
        places[0].legend(frameon=False)
        save(figure, path)


if __name__ == "__main__":
    found = []
    for row in measured():
        found.append(row)
        print("{:10s} {:9,d}  whole {:7.2f} s  steps {:7.2f} s  ratio {:.2f}".format(*row, row[2] / row[3]), flush=True)
    draw(found, Path(sys.argv[1]))
