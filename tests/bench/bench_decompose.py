"""The stage decompose and the verb advise: identities, known answers, predictions that come true, memory and speed.

Speed is measured against a plain loop of numpy over the same frames, in one process, that takes the same measures of the same two
files; both times are the median of alternating runs. Memory is the most that a worker held while a file of 20 times its
limit was compared with another.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jobs.campaign import cluster
from jobs.campaign.execute import execute
from jobs.commands import advise, sweeps
from pipeline.core.case import read_toml, to_toml
from pipeline.stages.decompose import compare, pairs, space
from pipeline.stages.decompose.alignment import align, align_periodic
from pipeline.stages.decompose.kernels import block_sums
from pipeline.stages.decompose.moments import moments, sums
from pipeline.stages.decompose.scheme import lax_wendroff, travel, upwind
from pipeline.stages.decompose.spectra import lines, spectrum
from pipeline.store import checksums
from pipeline.store.reader import Store

Say = Callable[[str], None]
Figures = dict[str, float | list[float] | None]  # an exact value, or all that were measured
HERE = Path(__file__).resolve().parents[2] / "jobs" / "cases"
LIMIT = 500e6  # [B] of a worker
TIMES = 20.0  # the limit: 10 GB, and the reference as much again
REPEATS = 3
SWEEPS: dict[str, tuple[dict[str, list[float]], str, float]] = {  # case: sweep, reference, size that the sweep does not contain
    "hump": ({"mesh.size": [1.0, 0.7, 0.5, 0.35]}, "exact", 0.42),
    "thacker": ({"mesh.size": [0.1, 0.07, 0.05, 0.035]}, "exact", 0.042),
    "conical_island": ({"mesh.size": [0.96, 0.68, 0.48, 0.34]}, "fine", 0.4),
}
BRIEF = {"REPEATS": 2, "TIMES": 2.0, "SWEEPS": {"hump": SWEEPS["hump"]}}


def measure(say: Say) -> Figures:
    """All figures of the bench."""
    found: Figures = {
        "identity_rel_error": identity(),
        "shift_error_samples": shift(),
        "symbol_rel_error": symbol(),
        "amplitude_loss_20ppw_10periods": None,
    }
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as name:
        folder = Path(name)
        found["amplitude_loss_20ppw_10periods"] = loss(folder, say)
        found |= predictions(folder, say)
        found |= sums_beside_stream(say)
        found |= large(folder, say)
    return found


def identity() -> float:
    """Worst relative difference between the mean square error and the sum of its parts, moments and spectrum."""
    rng = np.random.default_rng([1])
    worst = 0.0
    for size in 10.0 ** np.arange(-8.0, 1.0):
        for _ in range(50):
            r = rng.standard_normal(257) + rng.standard_normal() * 10.0
            n = r + size * rng.standard_normal(257)
            mse = float(np.mean((n - r) ** 2))
            m, s = moments(sums(n, r, np.ones(1), -1)), spectrum(n, r, 1.0)
            for total in (m.bias + m.amplitude + m.phase, s.amplitude.sum() + s.phase.sum()):
                worst = max(worst, abs(float(total) / mse - 1.0))
    return worst


def shift() -> float:
    """Worst error of the lag of series shifted by a third of a sample."""
    t = np.arange(300.0)

    def pulse(t: np.ndarray) -> np.ndarray:
        return np.exp(-(((t - 150.0) / 12.0) ** 2)) - 0.4 * np.exp(-(((t - 190.0) / 15.0) ** 2))

    def wave(t: np.ndarray) -> np.ndarray:
        return np.sin(2.0 * np.pi * t / 25.0)

    third = 1.0 / 3.0
    return max(abs(align(scale * f(t - third), f(t), 1.0).lag - third) for f in (pulse, wave) for scale in (1.0, 0.8))


def symbol() -> float:
    """Worst relative error of measured phase speed and damping of a packet, two schemes, 8, 16 and 32 points a wavelength."""
    worst = 0.0
    for factor, points in ((f, p) for f in (upwind, lax_wendroff) for p in (8, 16, 32)):
        courant = 0.6
        x = np.arange(64 * points) / points
        u = np.exp(-(((x - 32.0) / 6.0) ** 2)) * np.cos(2.0 * np.pi * x)
        times = np.arange(round(2.0 * points / courant) + 1) * courant / points
        amplitudes = []
        for _ in times:
            amplitudes.append((u * np.exp(-2j * np.pi * x)).sum())
            left, right = np.roll(u, 1), np.roll(u, -1)
            centred = u - 0.5 * courant * (right - left) + 0.5 * courant**2 * (right - 2.0 * u + left)
            u = u - courant * (u - left) if factor is upwind else centred
        found = travel(times, np.array(amplitudes), 2.0 * np.pi)
        exact = factor(np.array(2.0 * np.pi / points), courant)
        speed, kept = -np.angle(exact) / (courant * 2.0 * np.pi / points), np.abs(exact) ** (points / courant)
        worst = max(worst, abs(found.speed / speed - 1.0), abs(found.kept / kept - 1.0))
    return worst


def campaign(folder: Path, name: str, case: Path, sweep: dict[str, list[Any]], reference: str, **params: Any) -> Path:
    """Run a sweep of ``case`` and decompose it; returns the stage's folder."""
    table: dict[str, Any] = {"run": {"one": {"case": str(case), "sweep": sweep}}}
    if reference == "fine":
        finest = {key: min(values) / 2.0 for key, values in sweep.items()}
        table["run"]["fine"] = {"case": str(case), "set": finest}
    table["stage"] = {"error": {"kind": "decompose", "runs": "one", "reference": reference, **params}}
    (folder / f"{name}.toml").write_text(to_toml(table), encoding="utf-8")
    return execute(folder / f"{name}.toml", out=folder / name, quiet=True) / "error"


def loss(folder: Path, say: Say) -> float:
    """Amplitude that the default scheme takes from a plane wave in ten periods with 20 points a wavelength; says all schemes'."""
    sweep = {"solver.riemann": ["hllc", "roe", "rusanov", "kinetic"], "solver.order": [2, 1]}
    result = json.loads((campaign(folder, "wave", HERE / "plane_wave.toml", sweep, "exact", wet=0.0) / "result.json").read_text())
    for facts in result["runs"].values():
        solver, t = facts["case"]["solver"], facts["travel"]
        say(
            f"  order {solver['order']}, {solver['riemann']}: {t['points']:.1f} points, "
            f"{1.0 - t['kept_after']:.2%} of the amplitude lost in {t['periods']:.0f} periods, speed {t['speed']:.4f}"
        )
    return 1.0 - next(iter(result["runs"].values()))["travel"]["kept_after"]


def predictions(folder: Path, say: Say) -> Figures:
    """Worst of |predicted / measured - 1| of error and cost on three sweeps, at sizes that they do not contain."""
    errors, costs = [], []
    for name, (sweep, reference, size) in SWEEPS.items():
        table = read_toml(HERE / f"{name}.toml")
        table["mesh"].pop("island", None)  # a quarter of the size: the whole mesh gets finer, not the island alone
        table.pop("observed", None)
        (folder / f"{name}-case.toml").write_text(to_toml(table), encoding="utf-8")
        stage = campaign(folder, name, folder / f"{name}-case.toml", sweep, reference)
        (fitted,) = sweeps.read_sweeps(stage)
        n = float(np.exp(np.interp(-np.log(size), -np.log(fitted.keys), np.log(fitted.n))))
        advice = advise.at(fitted, n)
        outcome = advise.prove(advice, stage, 1)
        errors.append(abs(advice.error / outcome["error"] - 1.0))
        costs.append(abs(advice.cost / outcome["cost"] - 1.0))
        say(
            f"  {name}: error {advice.error:.3%}, measured {outcome['error']:.3%} ({errors[-1]:.1%} off); "
            f"cost {advice.cost:.3g}, measured {outcome['cost']:.3g} core-seconds ({costs[-1]:.1%} off)"
        )
    return {"advise_error_worst": max(errors), "advise_cost_worst": [max(costs)]}


def throughput(paths: tuple[Path, Path], say: Say) -> list[float]:
    """The moments of every frame and every cell, read from both files, block by block: MB of uncompressed fields a second on one core."""
    with Store(paths[0]) as run, Store(paths[1]) as reference:
        n, r = run.source("free_surface"), reference.source("free_surface")
    frames, cells = n.shape
    seconds = []
    for _ in range(2 * REPEATS):
        begun = time.perf_counter()
        for start in range(0, cells, 16384):
            x, y = n[:, start : start + 16384], r[:, start : start + 16384]
            width = x.shape[1]
            block_sums(x, y, np.full(width, -np.inf), np.ones(width), np.zeros((frames, 7)), np.zeros((width, 7)))
        seconds.append(time.perf_counter() - begun)
    rates = [2 * 8 * frames * cells / 1e6 / one for one in seconds]
    say(f"  moments of every frame and every cell: {np.median(rates):.0f} MB/s on one core, reading counted")
    return rates


def sums_beside_stream(say: Say) -> Figures:
    """GB/s of the moments' sums of fields in memory, of STREAM's triad (J. D. McCalpin, IEEE TCCA Newsletter, December 1995) by numba, and
    their ratio: one core, alternating."""
    from numba import njit

    @njit
    def triad(a: Any, b: Any, c: Any) -> None:
        for i in range(len(a)):
            a[i] = b[i] + 3.0 * c[i]

    frames, cells, blocks = 250, 8000, 20
    n = np.random.default_rng([5]).standard_normal((blocks, frames, cells))
    r, out = n + 0.01, np.empty(n.size)
    low, area = np.full(cells, -np.inf), np.ones(cells)

    def moments_of_all() -> None:
        for x, y in zip(n, r, strict=True):
            block_sums(x, y, low, area, np.zeros((frames, 7)), np.zeros((cells, 7)))

    rates: dict[str, list[float]] = {"moments": [], "stream": []}
    works = {"moments": (moments_of_all, 16.0), "stream": (lambda: triad(out, n.ravel(), r.ravel()), 24.0)}
    for work, _ in works.values():
        work()
    for _ in range(2 * REPEATS + 1):
        for name, (work, size) in works.items():
            begun = time.process_time()
            work()
            rates[name].append(size * n.size / 1e9 / (time.process_time() - begun))
    mine, stream = rates.values()
    say(f"  sums of moments in memory: {np.median(mine):.1f} GB/s, STREAM's triad {np.median(stream):.1f} GB/s, one core")
    return {"moments_gb_s": mine, "stream_gb_s": stream, "moments_over_stream": [a / b for a, b in zip(mine, stream, strict=True)]}


def synthetic(folder: Path, source: Path, frames: int, say: Say) -> tuple[Path, Path]:
    """Two files of ``frames`` frames on the mesh of ``source``: noise and a wave; the second is the first, a little late."""
    with h5py.File(source) as file:
        x = file["mesh/face_x"][...]
    found = []
    for name, late in (("run", 0.0), ("reference", 0.03)):
        place = folder / name / "run.h5"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)
        with h5py.File(place, "r+") as file:
            for field in list(file["fields"]):
                del file[f"fields/{field}"]
            del file["time"]
            file["time"] = np.arange(frames) * 0.1
            data = file.create_dataset("fields/free_surface", (frames, len(x)), "<f8", chunks=(1, min(16384, len(x))))
            data.attrs.update({"units": "m", "long_name": "free surface"})
            rng = np.random.default_rng([3])
            for i in range(frames):
                data[i] = 0.1 * np.sin(0.4 * x - 0.7 * (0.1 * i - late)) + 0.001 * rng.standard_normal(len(x))
        checksums.append(place)
        found.append(place)
    say(f"  {frames} frames of {len(x):,} cells, two files of {found[0].stat().st_size / 1e9:.2f} GB")
    return found[0], found[1]


def large(folder: Path, say: Say) -> Figures:
    """Memory on a file of `TIMES` a worker's limit, and speed against a loop on a smaller one."""
    execute(
        HERE / "hump.toml", overrides=["mesh.size=0.25", "time.end=0.01", "time.every=0.01", "gauges={}"], out=folder / "mesh", quiet=True
    )
    source = folder / "mesh" / "run.h5"
    with h5py.File(source) as file:
        cells = len(file["mesh/bed"])
    with cluster.client(int(LIMIT)) as client:
        small = synthetic(folder / "small", source, 250, say)
        rates = throughput(small, say)
        seconds: dict[str, list[float]] = {"stage": [], "loop": []}
        used: dict[str, list[float]] = {"stage": [], "loop": []}  # [s] of processor time, of this process and the workers
        for _ in range(REPEATS):
            for name, function in (("stage", lambda: both_passes(small, client)), ("loop", lambda: plain_loop(small))):
                begun, before = time.perf_counter(), _used(client)
                function()
                seconds[name].append(time.perf_counter() - begun)
                used[name].append(_used(client) - before)
        ratios, in_core_seconds = ([b / a for a, b in zip(some["stage"], some["loop"], strict=True)] for some in (seconds, used))
        say(f"  all measures, two workers: {np.median(seconds['stage']):.1f} s; the loop: {np.median(seconds['loop']):.1f} s")
        shutil.rmtree(folder / "small")
        big = synthetic(folder / "big", source, int(TIMES * LIMIT / (8 * cells)) + 1, say)
        begun = time.perf_counter()
        both_passes(big, client)
        took = time.perf_counter() - begun
        peak = max(client.run(_peak).values())
    total = sum(path.stat().st_size for path in big)
    say(
        f"  {total / 1e9:.1f} GB in {took:.0f} s ({total / 1e6 / took / 2:.0f} MB/s a core, both passes); "
        f"a worker held at most {peak / 1e6:.0f} MB"
    )
    return {
        "peak_memory_over_limit": [peak / LIMIT],
        "mb_per_s_core": rates,
        "ratio_vs_numpy_loop": ratios,
        "core_seconds_loop_over_stage": in_core_seconds,
    }


def _used(client: Any) -> float:
    """Processor time [s] of this process and of all workers so far."""
    return time.process_time() + sum(client.run(time.process_time).values())


def _peak() -> float:
    """The most that this worker ever held [B]: of its own, as what it was forked from counts in getrusage's."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) * 1024.0 for line in lines if line.startswith("VmHWM"))


def both_passes(paths: tuple[Path, Path], client: Any) -> tuple[Any, Any]:
    """The stage's two passes over fields."""
    with Store(paths[0]) as run, Store(paths[1]) as reference:
        both = pairs.pair("free_surface", run, reference, 0.0)
        drawn = {"resamples": 200, "seed": 0}
        return compare.in_time(both, client, **drawn), space.in_space(both, client, most=256, wave=None, **drawn)


def plain_loop(paths: tuple[Path, Path]) -> Any:
    """The same measures by loops of numpy: frame by frame, then cells in blocks that memory holds."""
    with h5py.File(paths[0]) as a, h5py.File(paths[1]) as b:
        n, r = a["fields/free_surface"], b["fields/free_surface"]
        mesh = {name: data[...] for name, data in a["mesh"].items() if data.shape}
        area = mesh["face_area"]
        picture = space.raster(mesh, 256).cells
        rows, columns = (np.fft.fftfreq(size) * min(picture.shape) for size in picture.shape)
        ring = np.hypot(rows[:, None], columns).astype(int).ravel()
        for i in range(len(n)):
            x, y = n[i], r[i]
            moments(sums(x, y, area, -1))
            pictures = x[picture] - y.mean(), y[picture] - y.mean()
            found = lines(*(np.fft.fft2(p) / p.size for p in (pictures[0] - pictures[1], pictures[1])))
            [np.bincount(ring, line.real.ravel()) for line in found]
            align_periodic(*pictures)
        for start in range(0, len(area), 16384):
            x, y = n[:, start : start + 16384], r[:, start : start + 16384]
            moments(sums(x, y, np.ones((1, 1)), 0))
            [(line * area[start : start + 16384]).sum(axis=1) for line in lines(*(np.fft.rfft(v, axis=0) for v in (x - y, y)))]
