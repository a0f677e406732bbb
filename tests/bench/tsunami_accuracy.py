"""Accuracy of the tsunami solver, and its time at equal error beside ANUGA's: part of ``wavetrain bench tsunami``.

Errors are of means over cells against means over cells: area-weighted L1 of the depth [m]. The waves spread from a centre; their
reference is the solution in 12,000 rings of `solvers.tsunami.radial`.
"""

import functools
import json
import math
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator

from meshes import rectangle
from meshes.core import quadrature
from meshes.core.trimesh import TriMesh
from pipeline.core.params import build
from solvers import tsunami
from solvers.core.comm import Serial
from solvers.core.driver import simulate
from solvers.tsunami import exact
from solvers.tsunami.radial import RadialWave

HERE = Path(__file__).resolve().parent
ANUGA = HERE.parent.parent / ".peers" / "anuga" / "bin" / "python"
G = 9.8  # [m/s2], ANUGA's
REACH, RINGS = 60.0, 12000  # [m] of the reference
SHARED = 0.37  # [m] edge length of the mesh on which ANUGA runs
FINE = 0.25  # [m] edge length of the mesh of `hump_l1`
REPETITIONS = 5
WAVES = {  # initial state, time [s], shocks, and edge lengths [m] of meshes on which errors are about those of ANUGA
    "hump": ({"kind": "hump", "height": 0.2, "width": 4.0}, 4.0, False, (0.8, 0.6, 0.45)),
    "dam_break": ({"kind": "dam_break", "high": 10.0, "low": 1.0, "radius": 11.0}, 0.69, True, (0.45, 0.37, 0.3)),
}
POINTS = (20, 10)  # a wavelength
PERIODS = 10
BOWL_PERIOD = 2.0 * math.pi / math.sqrt(2.0 * 9.81 * 0.1)  # [s] of Thacker's planar bowl, 0.1 m deep within 1 m

Say = Callable[[str], None]


def measure(say: Say) -> dict[str, float | None]:
    """All numbers of this part; None where a peer is absent."""
    numbers: dict[str, float | None] = {}
    mesh = square(FINE)
    error, _, _ = ours(mesh, "hump")
    numbers["hump_l1"] = error
    say(f"hump on {len(mesh.triangles):,} triangles: {error:.3g} m")
    for wave in WAVES:
        numbers |= _beside_anuga(wave, say)
    for points in POINTS:
        kept, ahead = _plane_wave(points)
        numbers |= {f"wave_kept_{points}ppw": kept, f"phase_{points}ppw": ahead}
        say(f"plane wave, {points} points a wavelength, {PERIODS} periods: {kept:.4f} of its amplitude left, its speed {ahead:+.4%}")
    coarse, fine = (thacker(size)[0] for size in (0.08, 0.04))
    numbers |= {"thacker_error": fine, "thacker_order": math.log2(coarse / fine)}
    say(f"Thacker's bowl: {fine:.3%} of the free surface, order {math.log2(coarse / fine):.2f}")
    return numbers


def square(size: float) -> TriMesh:
    """A square of 50 m about the origin with edges of ``size`` [m], its bed even at height 0."""
    bed = {"kind": "flat", "depth": 0.0}
    table = {"width": 50.0, "height": 50.0, "size": size, "origin": [-25.0, -25.0], "bathymetry": bed}
    return rectangle.build(build(rectangle.Params, table, "mesh"), folder=Path())


def model_on(mesh: TriMesh, solver: dict[str, Any]) -> Any:
    """The solver with the case's table ``solver`` on the whole of ``mesh``."""
    part = mesh.part(0, 1, np.zeros(len(mesh.triangles), np.int32))
    return tsunami.build(mesh, part, Serial(), build(tsunami.Params, solver, "solver"), gauges={}, folder=Path())


def start(wave: str, r: np.ndarray) -> np.ndarray:
    """Depth [m] at the start; the hump's still water is 1 m deep."""
    initial = WAVES[wave][0]
    if wave == "hump":
        return 1.0 + initial["height"] * np.exp(-((r / initial["width"]) ** 2))
    return np.where(r < initial["radius"], initial["high"], initial["low"])


@functools.cache
def rings(wave: str) -> tuple[np.ndarray, np.ndarray]:
    """Radius and depth [m] of the rings at the end."""
    _, end, shocks, _ = WAVES[wave]
    r, depth, _ = RadialWave(lambda r: start(wave, r), g=G, reach=REACH, rings=RINGS, limited=shocks).advance(end)
    return r, depth


def _truth(mesh: TriMesh, wave: str) -> np.ndarray:
    """Mean depths [m] of the cells at the end."""
    x, y = quadrature.places(mesh.vertices[mesh.triangles])
    return quadrature.means(np.interp(np.hypot(x, y), *rings(wave)))


def ours(mesh: TriMesh, wave: str) -> tuple[float, float, int]:
    """Error [m], seconds of processor time of the steps, and stages."""
    initial, end, _, _ = WAVES[wave]
    model = model_on(mesh, {"gravity": G, "level": 1.0 if wave == "hump" else 0.0, "initial": initial})
    frames = simulate(model, Serial(), end=end, output_interval=end, cfl=0.9)
    next(frames)
    begun = time.process_time()
    *_, last = frames
    seconds = time.process_time() - begun
    error = np.average(np.abs(last.u[:, 0] - _truth(mesh, wave)), weights=mesh.areas)
    return float(error), seconds, model.stages * last.clock.step


def _beside_anuga(wave: str, say: Say) -> dict[str, float | None]:
    """Our stages on ANUGA's mesh, and its time over ours at its error there, interpolated between three meshes of ours."""
    shared = square(SHARED)
    meshes = [square(size) for size in WAVES[wave][3]]
    _, _, stages = ours(shared, wave)  # compiles
    found: dict[str, float | None] = {f"stages_{wave}": stages, f"time_ratio_{wave}_anuga": None}
    say(f"{wave}: {stages} stages on {len(shared.triangles):,} triangles")
    if not ANUGA.exists():
        say("  ANUGA is absent: `make peers` puts it into a folder of its own")
        return found
    ratios = []
    for _ in range(REPETITIONS):
        runs = [ours(mesh, wave) for mesh in meshes]
        error, seconds = _anuga(shared, wave)
        here = at_error(error, [run[0] for run in runs], [run[1] for run in runs])
        ratios.append(seconds / here)
        say(f"  error {error:.4g} m: ANUGA {seconds:.2f} s, here {here:.2f} s ({', '.join(f'{run[0]:.3g} m' for run in runs)})")
    return found | {f"time_ratio_{wave}_anuga": statistics.median(ratios)}


def at_error(error: float, errors: Sequence[float], seconds: Sequence[float]) -> float:
    """Seconds that ``error`` takes, between runs with falling ``errors``.

    Raises
    ------
    ValueError
        It lies outside them.
    """
    if not min(errors) <= error <= max(errors):
        raise ValueError(f"an error of {error:g} m lies outside those of the meshes: {errors}")
    return float(np.exp(PchipInterpolator(-np.log(errors), np.log(seconds))(-math.log(error))))


def _anuga(mesh: TriMesh, wave: str) -> tuple[float, float]:
    """Error [m] and seconds of processor time of the steps of ANUGA, on the same mesh from the same means."""
    _, end, _, _ = WAVES[wave]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mesh.npz"
        x, y = quadrature.places(mesh.vertices[mesh.triangles])
        np.savez(file, vertices=mesh.vertices, triangles=mesh.triangles, start=quadrature.means(start(wave, np.hypot(x, y))))
        command = [str(ANUGA), str(HERE / "peer_anuga_error.py"), str(file), str(end)]
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        out = subprocess.run(command, capture_output=True, text=True, check=True, env=env, cwd=folder).stdout
        depth = np.load(Path(folder) / "end.npy")
    error = np.average(np.abs(depth - _truth(mesh, wave)), weights=mesh.areas)
    return float(error), float(json.loads(out.splitlines()[-1])["seconds"])


def _plane_wave(points: int) -> tuple[float, float]:
    """Share of a plane wave's amplitude that is left, and the excess of its speed as a fraction."""
    table = {"width": 1.0, "height": 4.0 / points, "size": 1.0 / points, "periodic": ["x", "y"]}
    mesh = rectangle.build(build(rectangle.Params, table | {"bathymetry": {"kind": "flat", "depth": 1.0}}, "mesh"), folder=Path())
    model = model_on(mesh, {"gravity": G, "initial": {"kind": "plane_wave", "amplitude": 1e-6, "wavelength": 1.0, "depth": 1.0}})
    wave = mesh.areas * np.exp(-2j * np.pi * mesh.centroids[:, 0])
    start = model.initial()[:, 0].copy()
    end = PERIODS / math.sqrt(G)
    *_, last = simulate(model, Serial(), end=end, output_interval=end, cfl=0.9)
    before, after = (np.sum((depth - 1.0) * wave) for depth in (start, last.u[:, 0]))
    return float(abs(after / before)), float(-np.angle(after / before) / (2.0 * np.pi * PERIODS))


def thacker(size: float) -> tuple[float, float]:
    """`surface_error` after a period of Thacker's planar bowl with edges of ``size`` [m], and seconds of processor time of the steps."""
    table = {"width": 4.0, "height": 4.0, "size": size, "origin": [-2.0, -2.0]}
    mesh = rectangle.build(
        build(rectangle.Params, table | {"bathymetry": {"kind": "bowl", "depth": 0.1, "radius": 1.0}}, "mesh"), folder=Path()
    )
    initial = {"kind": "thacker", "depth": 0.1, "radius": 1.0, "shape": "planar", "shift": 0.5}
    model = model_on(mesh, {"initial": initial})
    frames = simulate(model, Serial(), end=BOWL_PERIOD, output_interval=BOWL_PERIOD / 4.0, cfl=0.9)
    next(frames)
    begun = time.process_time()
    *_, last = frames
    seconds = time.process_time() - begun
    x, y = quadrature.places(mesh.vertices[mesh.triangles])
    surface, _, _ = exact.thacker_planar(x, y, BOWL_PERIOD, g=9.81, depth=0.1, radius=1.0, shift=0.5)
    truth = quadrature.means(np.maximum(surface - mesh.bed[:, None], 0.0))
    return surface_error(last.u[:, 0], truth, mesh.bed, mesh.areas), seconds


def surface_error(depth: np.ndarray, truth: np.ndarray, bed: np.ndarray, areas: np.ndarray) -> float:
    """Error of the free surface over its deviation from its mean, in cells that are wet (over 1 mm)."""
    wet = np.maximum(truth, depth) > 1e-3
    error, weight = depth - truth, areas * wet
    level = truth + bed
    return math.sqrt(np.sum(weight * error**2) / np.sum(weight * (level - np.average(level, weights=weight)) ** 2))
