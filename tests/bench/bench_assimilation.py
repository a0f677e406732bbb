"""Filters beside DAPPER on its published set-ups of Lorenz-96 and Kuramoto-Sivashinsky, and the LETKF of 100,000 variables.

Both see the same truth, observations, model function (tests/bench/chaos.py), inflation, localisation and number of cycles, one run
of each after the other for every seed. A run's score is the mean over the cycles after the first 100 of its analysis mean's rms error;
ratios are of medians over the seeds, since now and then a run of either loses the truth.
"""

import json
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from chaos import KuramotoSivashinsky, forecast_by, lorenz_step

from pipeline.assimilation.analysis import Method, analyse
from pipeline.assimilation.cycle import Forecast, assimilate
from pipeline.assimilation.localisation import ring
from pipeline.assimilation.observe import Observation, every

HERE = Path(__file__).resolve().parent
DAPPER = HERE.parent.parent / ".peers" / "dapper" / "bin" / "python"
SEEDS = 7
BURN_IN = 100  # cycles
GC = 1.82  # DAPPER's radius is that of a Gaussian: half the taper's support is this many of it

LARGE, LARGE_MEMBERS, LARGE_RADIUS = 100_000, 40, 10.0
LIMIT = 512 * 2**20  # [bytes] of each worker
BRIEF = {"SEEDS": 2, "LARGE": 20_000}

Say = Callable[[str], None]
Figures = dict[str, float | list[float] | None]  # an exact value, or all that were measured
Setup = dict[str, Any]

# as dapper.mods.Lorenz96.sakov2008, after P. Sakov, P. R. Oke 2008, DOI 10.1175/2007MWR2021.1
L96 = {"model": "l96", "dofs": 40, "dt": 0.05, "steps": 1, "together": 2, "cycles": 2000, "variance": 0.001}
# as dapper.mods.KS.bocquet2019, after A. Farchi, M. Bocquet 2019, DOI 10.1080/16000870.2019.1613142: length 32 pi, 128 points
KS = {"model": "ks", "dofs": 128, "length": 32.0 * np.pi, "dt": 0.5, "steps": 2, "together": 4, "cycles": 600, "variance": 0.001}


def _dapper(kind: str, **arguments: Any) -> Setup:
    return {"class": kind, "arguments": arguments}


FILTERS: list[tuple[str, Setup, int, Setup, Setup]] = [  # name, set-up, members, ours, DAPPER's
    ("EnKF", L96, 40, {"kind": "enkf", "inflation": 1.06}, _dapper("EnKF", upd_a="PertObs", N=40, infl=1.06)),
    ("ETKF", L96, 24, {"kind": "etkf", "inflation": 1.013, "rotation": True}, _dapper("EnKF", upd_a="Sqrt", N=24, infl=1.013, rot=True)),
    (
        "LETKF",
        L96,
        7,
        {"kind": "letkf", "inflation": 1.04, "rotation": True, "radius": 4.0 * GC},
        _dapper("LETKF", N=7, infl=1.04, rot=True, loc_rad=4.0),
    ),
    ("ETKF", KS, 20, {"kind": "etkf", "inflation": 1.03, "rotation": True}, _dapper("EnKF", upd_a="Sqrt", N=20, infl=1.03, rot=True)),
    (
        "LETKF",
        KS,
        16,
        {"kind": "letkf", "inflation": 1.02, "rotation": True, "radius": 51.0},
        _dapper("LETKF", N=16, infl=1.02, rot=True, loc_rad=51.0 / GC),
    ),
]


def measure(say: Say) -> Figures:
    """All figures of the bench; None where a peer is absent. Ratios of scores are the worst of the filters, that of speed the least."""
    scores: dict[str, list[float]] = {"l96": [], "ks": []}
    speeds: list[list[float]] = []
    numbers: Figures = {}
    if not DAPPER.exists():
        say("DAPPER is absent: `make peers` puts it into a folder of its own")
    for name, setup, members, ours, theirs in FILTERS:
        errors, times = _beside(name, setup, members, ours, theirs, say)
        of = f"{setup['model']}_{name.lower()}"
        numbers |= {f"{of}_rmse": float(np.median(errors[:, 0])), f"{of}_cycle_ms": (1e3 / setup["cycles"] * times[:, 0]).tolist()}
        if DAPPER.exists():
            scores[setup["model"]].append(float(np.median(errors[:, 0]) / np.median(errors[:, 1])))
            speeds.append((times[:, 1] / times[:, 0]).tolist())
    numbers |= {f"{model}_rmse_ratio_vs_dapper": max(found, default=None) for model, found in scores.items()}
    numbers["speed_ratio_vs_dapper"] = min(speeds, key=statistics.median, default=None)
    return numbers | _large(say)


def _step(setup: Setup) -> Callable[..., np.ndarray]:
    return lorenz_step if setup["model"] == "l96" else KuramotoSivashinsky(setup["length"], setup["dofs"], setup["dt"]).step


def _twin(setup: Setup, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Truth (steps + 1, dofs) from a state on the attractor, and an observation of every dof with noise 1 in every cycle (cycles, dofs)."""
    rng = np.random.default_rng([seed])
    step, dofs = _step(setup), setup["dofs"]
    x = 8.0 + rng.standard_normal(dofs) if setup["model"] == "l96" else 0.1 * np.convolve(rng.standard_normal(dofs), np.ones(9), "same")
    for _ in range(600):
        x = step(x, 0.0, setup["dt"])
    truth = [x + np.sqrt(setup["variance"]) * rng.standard_normal(dofs)]
    for _ in range(setup["cycles"] * setup["steps"]):
        truth.append(step(truth[-1], 0.0, setup["dt"]))
    whole = np.array(truth)
    return whole, whole[setup["steps"] :: setup["steps"]] + rng.standard_normal((setup["cycles"], dofs))


def _beside(name: str, setup: Setup, members: int, ours: Setup, theirs: Setup, say: Say) -> tuple[np.ndarray, np.ndarray]:
    """Rms errors and seconds (seeds, 2), ours and DAPPER's; nan where it is absent."""
    errors, times = [], []
    for seed in range(SEEDS):
        truth, observed = _twin(setup, seed)
        mine = _ours(setup, members, ours, truth, observed, seed)
        its = _theirs(setup, theirs, truth, observed, seed) if DAPPER.exists() else (np.nan, np.nan)
        errors.append((mine[0], its[0]))
        times.append((mine[1], its[1]))
    here, there = np.median(errors, axis=0)
    milliseconds = 1e3 * np.median(times, axis=0) / setup["cycles"]
    said = f"  {setup['model']} {name:<5} {members:>3} members: rmse {here:.4f}, {milliseconds[0]:.2f} ms a cycle"
    if DAPPER.exists():
        speed = statistics.median(b / a for a, b in times)
        said += f"; DAPPER {there:.4f}, {milliseconds[1]:.2f} ms: rmse ratio {here / there:.3f}, {speed:.2f} times as fast"
    say(said)
    return np.array(errors), np.array(times)


def _ours(setup: Setup, members: int, ours: Setup, truth: np.ndarray, observed: np.ndarray, seed: int) -> tuple[float, float]:
    """Mean rms error and seconds of one run; what compiles was run before."""
    named = dict(ours)
    if "radius" in named:
        named["localisation"] = ring(setup["dofs"], named.pop("radius"), together=setup["together"])
    method = Method(**named, seed=seed)
    step = setup["dt"] * setup["steps"]
    operator = every(1, setup["dofs"])
    data = [((k + 1) * step, Observation(operator, y, 1.0)) for k, y in enumerate(observed)]
    forecast: Forecast = forecast_by(_step(setup), setup["dt"])
    rng = np.random.default_rng([seed, 1])
    first = truth[0] + np.sqrt(setup["variance"]) * rng.standard_normal((members, setup["dofs"]))
    for _ in assimilate(forecast, first, data[:2], method):
        pass
    begun = time.perf_counter()
    errors = [
        np.sqrt(np.mean((cycle.analysis.mean(axis=0) - x) ** 2))
        for cycle, x in zip(assimilate(forecast, first, data, method), truth[setup["steps"] :: setup["steps"]], strict=True)
    ]
    seconds = time.perf_counter() - begun
    return float(np.mean(errors[BURN_IN:])), seconds


def _theirs(setup: Setup, theirs: Setup, truth: np.ndarray, observed: np.ndarray, seed: int) -> tuple[float, float]:
    """The same of DAPPER's run, in a process of its own."""
    words = setup | {"dapper": theirs, "seed": seed + 1, "burn_in": BURN_IN, "mean": truth[0].tolist()}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "twin.npz"
        np.savez(file, truth=truth, observed=observed, setup=json.dumps(words))
        env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
        command = [str(DAPPER), str(HERE / "peer_dapper.py"), str(file)]
        out = subprocess.run(command, capture_output=True, text=True, check=True, env=env, cwd=folder).stdout
    found = json.loads(out.splitlines()[-1])
    return float(found["rmse"]), float(found["seconds"])


def _large(say: Say) -> Figures:
    """An analysis of 100,000 variables, each observed, with 40 members on two workers; the same bits as without them."""
    from dask import config
    from dask.distributed import Client, LocalCluster

    rng = np.random.default_rng([1])
    ensemble = rng.standard_normal((LARGE_MEMBERS, LARGE))
    observation = Observation(every(1, LARGE), rng.standard_normal(LARGE), 1.0)
    method = Method("letkf", ring(LARGE, LARGE_RADIUS))
    seconds = []
    config.set({"distributed.logging.distributed": "error"})
    with LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=LIMIT, dashboard_address=None) as cluster, Client(cluster) as client:
        analyse(
            ensemble[:, :2000], Observation(every(1, 2000), np.zeros(2000), 1.0), Method("letkf", ring(2000, LARGE_RADIUS)), client=client
        )
        for _ in range(3):
            begun = time.perf_counter()
            analysis = analyse(ensemble, observation, method, client=client)
            seconds.append(time.perf_counter() - begun)
        peak = max(client.run(_peak).values())
    begun = time.perf_counter()
    alone = analyse(ensemble, observation, method)
    without = time.perf_counter() - begun
    assert np.array_equal(alone, analysis)
    say(
        f"  LETKF of {LARGE:,} variables, {LARGE_MEMBERS} members, radius {LARGE_RADIUS:g}: {statistics.median(seconds):.1f} s on two "
        f"workers, {without:.1f} s without, the same bits; a worker's peak {peak / 2**20:.0f} MiB of {LIMIT / 2**20:.0f} MiB"
    )
    return {"letkf_1e5_s": seconds, "letkf_1e5_peak_over_limit": [peak / LIMIT]}


def _peak() -> int:
    """Most bytes that this process has held."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
