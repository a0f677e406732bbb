"""Speed of the turbulence solver beside its own transforms, mpi4py-fft with numpy, and shenfun; and its error on the Taylor-Green vortex.

All compute the same steps: 64^3 points, rotation form, 2/3 of the waves, RK4, float64. Each figure is a median of runs that alternate
with what they are compared with, in one call, on one machine, of processor time on one thread: other work then counts for less.
"""

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from vortices import REFERENCE, flow, reference, run

from pipeline.core.data import find
from solvers.turbulence import kernels

HERE = Path(__file__).resolve().parent
SHENFUN = HERE.parent.parent / ".peers" / "shenfun" / "bin" / "python"
POINTS, VISCOSITY, DT, STEPS = 64, 1 / 1600, 0.02, 5
REPETITIONS = 7
SINGLE = {64: 5, 128: 1}  # points: steps
BRIEF = {"SINGLE": {64: 5}}

Array = np.ndarray[Any, np.dtype[Any]]
Say = Callable[[str], None]
Figures = dict[str, float | list[float] | None]  # an exact value, or all that were measured


def measure(say: Say) -> Figures:
    """All figures of the bench; None where reference or peer is absent."""
    return {"tgv64_rel_error_t15": _error(say), **_speed(say), **_single(say)}


def _error(say: Say) -> float | None:
    """The error of the dissipation at t = 1.5, over that of 512^3 points."""
    path = find(REFERENCE)
    if path is None:
        say(f"missing: {REFERENCE} (set WAVETRAIN_DATA)")
        return None
    model = flow(POINTS, viscosity=VISCOSITY)
    run(model, 1.5, cfl=0.3)
    times, _, dissipation = reference(path)
    error = abs(model.statistics.last["dissipation"] / dissipation[np.isclose(times, 1.5)][0] - 1.0)
    say(f"Taylor-Green, Re 1600, {POINTS}^3 points: dissipation at t = 1.5 is off by {error:.1e}")
    return float(error)


def _speed(say: Say) -> Figures:
    """Milliseconds a step here, of its transforms alone, and in others, alternating; and the ratios."""
    model, plain = flow(POINTS, viscosity=VISCOSITY), Plain()
    start = model.initial()

    def steps() -> Array:
        state = start.copy()
        for _ in range(STEPS):
            model.step(0.0, state, DT)
        return state

    last = steps()
    energy = float(model.waves.by_shell(last, last).sum())
    assert abs(energy - plain.advance()) < 1e-7 * energy  # the same work; there viscosity is not exact
    works = {"here": steps, "transforms": lambda: transforms(model), "plans": lambda: plans(model), "mpi4py-fft": plain.transforms}
    works["numpy"] = plain.advance
    seconds: dict[str, list[float]] = {name: [] for name in (*works, "shenfun")}
    with _Shenfun() as shenfun:
        if shenfun.there:
            say(f"shenfun's energy is off by {abs(shenfun.energy - energy) / energy:.1e}")
        else:
            say("shenfun is absent: `make peers` puts it into a folder of its own")
        for _ in range(REPETITIONS):
            for name, work in works.items():
                begun = time.process_time()
                work()
                seconds[name].append(time.process_time() - begun)
            if shenfun.there:
                seconds["shenfun"].append(shenfun.seconds())
            say("  " + ", ".join(f"{name} {1e3 * values[-1] / STEPS:.1f} ms" for name, values in seconds.items() if values) + " a step")

    def ratio(one: str, other: str) -> list[float] | None:
        return [a / b for a, b in zip(seconds[one], seconds[other], strict=False)] or None

    def step_ms(name: str) -> list[float] | None:
        return [1e3 * one / STEPS for one in seconds[name]] or None

    return {
        "step_ms": step_ms("here"),
        "ffts_ms": step_ms("transforms"),
        "overhead_over_ffts": ratio("here", "transforms"),
        "overhead_over_plans": ratio("here", "plans"),
        "mpi4py_fft_ffts_ms": step_ms("mpi4py-fft"),
        "numpy_step_ms": step_ms("numpy"),
        "ratio_vs_numpy": ratio("numpy", "here"),
        "peer_step_ms": step_ms("shenfun"),
        "ratio_vs_peer": ratio("shenfun", "here"),
    }


def _single(say: Say) -> Figures:
    """Milliseconds a step in single precision, and how much longer one in double precision takes: of the Taylor-Green vortex, whose waves
    are nearly all empty at first, and of a flow whose waves have all of their energy; alternating."""
    found: Figures = {}
    for points, steps in SINGLE.items():
        shells = np.arange(1.0, points // 3 + 1)
        full = {"kind": "random", "spectrum": list(0.5 * shells ** (-5 / 3) / (shells ** (-5 / 3)).sum())}
        for start, suffix in (({"kind": "taylor_green"}, ""), (full, "_developed")):
            seconds: dict[str, list[float]] = {"double": [], "single": []}
            models = {name: flow(points, viscosity=VISCOSITY, precision=name, initial=start) for name in seconds}
            states = {name: model.initial() for name, model in models.items()}
            for _ in range(REPETITIONS + 1):
                for name, model in models.items():
                    state = states[name].copy()
                    begun = time.process_time()
                    for _ in range(steps):
                        model.step(0.0, state, DT * POINTS / points)
                    seconds[name].append((time.process_time() - begun) / steps)
            ratios = [d / s for d, s in zip(seconds["double"][1:], seconds["single"][1:], strict=True)]
            double, single = ([1e3 * one for one in values[1:]] for values in seconds.values())
            told = ", ".join(f"{name} {statistics.median(some):.1f} ms" for name, some in (("double", double), ("single", single)))
            say(f"  {points}^3 points{suffix}: {told} a step, ratio {statistics.median(ratios):.2f}")
            found |= {f"step_ms_single_{points}{suffix}": single, f"ratio_single_{points}{suffix}": ratios}
    return found


def transforms(model: Any) -> None:
    """The transforms of `STEPS` steps and nothing else: of nine real fields in each of the stages, between the waves that are kept and
    points."""
    cube = model.equation.cube
    for _ in range(STEPS * model.stages):
        kernels.spread(model.equation.n, cube.lines)
        cube.sweep(lambda pairs, planes: None, 3)


def plans(model: Any) -> None:
    """FFTW's own part in `transforms`: the same plans, with none of the copies between them."""
    cube = model.equation.cube
    cube.lines[:] = cube._y[:] = cube._x[:] = 0.0
    *_, lines_from, y_from, x_from, _ = cube._back[3]
    for _ in range(STEPS * model.stages):
        cube._lines_to()
        for _ in range(POINTS // cube.group):
            for plan in (cube._y_to, cube._x_to, x_from, y_from):
                plan()
        lines_from()


class Plain:
    """The same steps as one writes them with mpi4py-fft and numpy: transforms that FFTW planned by measuring, arrays preallocated.

    After M. Mortensen, H. P. Langtangen, Comput. Phys. Commun. 203 (2016) 53-65, DOI 10.1016/j.cpc.2016.02.005.
    """

    def __init__(self) -> None:
        from mpi4py_fft import fftw

        n = POINTS
        flags = (fftw.FFTW_MEASURE, fftw.FFTW_DESTROY_INPUT)
        self.points = fftw.aligned((n, n, n), dtype=float)
        self.forth = fftw.rfftn(self.points, axes=(0, 1, 2), flags=flags)
        self.waves = self.forth.output_array
        self.back = fftw.irfftn(self.waves, s=(n, n, n), axes=(0, 1, 2), flags=flags, output_array=self.points)
        whole, half = np.fft.fftfreq(n, 1 / n), np.arange(n // 2 + 1.0)
        self.k = np.array(np.meshgrid(whole, whole, half, indexing="ij"))[::-1].copy()  # along x, y, z of arrays (z, y, x)
        self.square = (self.k**2).sum(axis=0)
        self.over = self.k / np.where(self.square == 0.0, 1.0, self.square)
        self.kept = (np.abs(self.k) < n / 3).all(axis=0)
        self.weight = np.where(self.k[0] == 0.0, 0.5, 1.0)
        shape = (3, n, n, n // 2 + 1)
        self.v, self.v0, self.v1, self.rate, self.curl = (np.empty(shape, complex) for _ in range(5))
        self.u, self.omega, self.cross = (np.empty((3, n, n, n)) for _ in range(3))
        z, y, x = np.meshgrid(*[2 * np.pi / n * np.arange(n)] * 3, indexing="ij")
        start = np.stack([np.sin(x) * np.cos(y) * np.cos(z), -np.cos(x) * np.sin(y) * np.cos(z), 0.0 * x])
        self.start = np.empty(shape, complex)
        self.to_waves(start, self.start)

    def to_waves(self, u: Array, v: Array) -> None:
        for one, out in zip(u, v, strict=True):
            self.points[:] = one
            out[:] = self.forth(normalize=True)

    def to_points(self, v: Array, u: Array) -> None:
        for one, out in zip(v, u, strict=True):
            self.waves[:] = one
            out[:] = self.back(normalize=False)

    def transforms(self) -> None:
        """Nine transforms in each of four stages, and nothing else."""
        for _ in range(STEPS * 4):
            for _ in range(6):
                self.back(normalize=False)
            for _ in range(3):
                self.forth(normalize=False)

    def nonlinear(self) -> None:
        v, k, u, w, rate, curl, cross = self.v, self.k, self.u, self.omega, self.rate, self.curl, self.cross
        for i in range(3):
            j, m = (i + 1) % 3, (i + 2) % 3
            curl[i] = 1j * (k[j] * v[m] - k[m] * v[j])
        self.to_points(v, u)
        self.to_points(curl, w)
        for i in range(3):
            j, m = (i + 1) % 3, (i + 2) % 3
            cross[i] = u[j] * w[m] - u[m] * w[j]
        self.to_waves(cross, rate)
        rate *= self.kept
        rate -= k * (self.over * rate).sum(axis=0)
        rate -= VISCOSITY * self.square * v

    def advance(self) -> float:
        """The energy after `STEPS` steps of classical RK4."""
        self.v[:] = self.start
        for _ in range(STEPS):
            self.v0[:] = self.v1[:] = self.v
            for stage in range(4):
                self.nonlinear()
                if stage < 3:
                    self.v[:] = self.v0 + (0.5, 0.5, 1.0)[stage] * DT * self.rate
                self.v1 += (1 / 6, 1 / 3, 1 / 3, 1 / 6)[stage] * DT * self.rate
            self.v[:] = self.v1
        return float((self.weight * np.abs(self.v) ** 2).sum())


class _Shenfun:
    """A process of the peer, which takes the same steps each time that it is asked; ``there`` is false where it is absent."""

    def __init__(self) -> None:
        self.there = SHENFUN.exists()
        self.energy = np.nan

    def __enter__(self) -> "_Shenfun":
        if self.there:
            core = str(min(os.sched_getaffinity(0)))
            numbers = map(str, (POINTS, VISCOSITY, DT, STEPS, core))
            env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
            command = [str(SHENFUN), str(HERE / "peer_shenfun.py"), *numbers]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
            self.energy = self._answer()["energy"]
        return self

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        return dict(json.loads(self._process.stdout.readline()))

    def seconds(self) -> float:
        """Seconds of the steps, once more."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return self._answer()["seconds"]

    def __exit__(self, *exception: object) -> None:
        if self.there:
            self._process.communicate("", timeout=60)
