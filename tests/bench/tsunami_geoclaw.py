"""Time of the tsunami solver at equal error beside GeoClaw's on quadrilaterals, without refinement: part of ``wavetrain bench tsunami``.

Both start from means over cells and are compared with means over cells, by the same norm and against the same reference as in
`tsunami_accuracy`: waves from a centre by area-weighted L1 of the depth [m], Thacker's planar bowl by the free surface where it is wet.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tsunami_accuracy as accuracy
from tsunami_accuracy import Say, at_error

from solvers.tsunami import exact

HERE = Path(__file__).resolve().parent
PEER = HERE.parent.parent / ".peers" / "geoclaw"
PROGRAM = PEER / "xgeoclaw"
REPETITIONS = 5
POINTS, WEIGHTS = np.polynomial.legendre.leggauss(5)  # of a cell's means, in each direction
# GeoClaw's: limiter, Courant number, transverse waves (2: second order in these too), depth [m] up to which a cell is dry
SETTINGS: dict[str, Any] = {"limiter": "mc", "cfl": 0.9, "transverse": 2, "dry": 1e-3}
CASES: dict[str, tuple[int, tuple[float, ...], dict[str, Any]]] = {  # cells along a side of its grid, our edges [m], its best settings
    "hump": (300, (0.7, 0.55, 0.45), SETTINGS),
    "dam_break": (300, (0.5, 0.4, 0.3), SETTINGS | {"limiter": "superbee", "cfl": 0.75}),
    "thacker": (100, (0.16, 0.14, 0.12), SETTINGS | {"cfl": 0.25, "dry": 1e-4}),
}
BED_POINTS = 841  # along a side of the bowl's bed: its heights between points are off by less than 2e-6 m


def measure(say: Say) -> dict[str, list[float] | None]:
    """GeoClaw's time over ours at its error in each case; None where it is absent."""
    return {f"time_ratio_{case}_geoclaw": _ratios(case, say) for case in CASES}


def _ratios(case: str, say: Say) -> list[float] | None:
    """The ratio in runs that alternate; times are of a processor, those of the steps."""
    if not PROGRAM.exists():
        say(f"{case}: GeoClaw is absent: `make peers` builds it in a folder of its own")
        return None
    cells, sizes, settings = CASES[case]
    ours = _ours(case)
    ours(sizes[0])  # compiles
    ratios = []
    for _ in range(REPETITIONS):
        runs = [ours(size) for size in sizes]
        error, seconds, steps = geoclaw(case, cells, **settings)
        here = at_error(error, [run[0] for run in runs], [run[1] for run in runs])
        ratios.append(seconds / here)
        say(
            f"  {case}: error {error:.4g}: GeoClaw {seconds:.2f} s ({cells**2:,} cells, {steps} steps), here {here:.3f} s"
            f" ({', '.join(f'{run[0]:.3g} in {run[1]:.3f} s' for run in runs)})"
        )
    return ratios


def _ours(case: str) -> Callable[[float], tuple[float, float]]:
    """Error and seconds of a run of ours with edges of a length [m]."""
    if case == "thacker":
        return accuracy.thacker
    return lambda size: accuracy.ours(accuracy.square(size), case)[:2]


def geoclaw(case: str, cells: int, **settings: Any) -> tuple[float, float, int]:
    """Error, seconds and steps of a run of GeoClaw with ``cells`` along each side."""
    bowl = case == "thacker"
    width, end, gravity = (4.0, accuracy.BOWL_PERIOD, 9.81) if bowl else (50.0, accuracy.WAVES[case][1], accuracy.G)
    bed_width = 1.05 * width
    side = np.linspace(-0.5 * bed_width, 0.5 * bed_width, BED_POINTS if bowl else 3)
    heights = _bowl(*np.meshgrid(side, side)) if bowl else np.zeros((3, 3))
    setup = {"cells": cells, "width": width, "bed_width": bed_width, "end": end, "gravity": gravity} | settings
    x, y = _places(width, cells)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "setup.json").write_text(json.dumps(setup))
        np.save(folder / "bed.npy", heights)
        start = np.stack([_means(values, cells) for values in _start(case, x, y)], axis=2)
        (folder / "start.bin").write_bytes(np.array([cells, cells], float).tobytes() + start.tobytes())
        env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(PEER / "clawpack")}
        command = [sys.executable, str(HERE / "peer_geoclaw.py"), str(PROGRAM)]
        out = subprocess.run(command, capture_output=True, text=True, check=True, env=env, cwd=folder).stdout
        depth = np.load(folder / "end.npy")
    found = json.loads(out.splitlines()[-1])
    return _error(case, depth, x, y, cells), found["seconds"], found["steps"]


def _start(case: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth [m] and momenta [m2/s] at places at the start."""
    if case != "thacker":
        still = np.zeros_like(x)
        return accuracy.start(case, np.hypot(x, y)), still, still
    surface, u, v = exact.thacker_planar(x, y, 0.0, g=9.81, depth=0.1, radius=1.0, shift=0.5)
    depth = np.maximum(surface - _bowl(x, y), 0.0)
    return depth, depth * u, depth * v


def _error(case: str, depth: np.ndarray, x: np.ndarray, y: np.ndarray, cells: int) -> float:
    """Error of mean depths (cells, cells) [m] at the end."""
    if case != "thacker":
        truth = _means(np.interp(np.hypot(x, y), *accuracy.rings(case)), cells)
        return float(np.mean(np.abs(depth - truth)))
    surface, _, _ = exact.thacker_planar(x, y, accuracy.BOWL_PERIOD, g=9.81, depth=0.1, radius=1.0, shift=0.5)
    bed = _bowl(x, y)
    return accuracy.surface_error(depth, _means(np.maximum(surface - bed, 0.0), cells), _means(bed, cells), np.ones_like(depth))


def _bowl(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 0.1 * (x * x + y * y - 1.0)


def _places(width: float, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of all cells of a square of ``width`` [m] about the origin, for `_means`."""
    size = width / cells
    middles = size * (np.arange(cells) + 0.5) - 0.5 * width
    side = (middles[:, None] + 0.5 * size * POINTS).ravel()
    x, y = np.meshgrid(side, side)
    return x, y


def _means(values: np.ndarray, cells: int) -> np.ndarray:
    """Means over cells (rows, columns) of values at the `_places`."""
    points = len(POINTS)
    found: np.ndarray = np.einsum("ipjq,p,q->ij", values.reshape(cells, points, cells, points), WEIGHTS, WEIGHTS) / 4.0
    return found
