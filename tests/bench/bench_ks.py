"""Speed of the ks solver: ETDRK4 steps beside a well-written one in numpy.fft and beside exponax, for one member and for a hundred.

Each figure is a median of runs that alternate with what they are compared with, in one call, on one machine, in float64, of
processor time on one thread: other work on the machine then counts for less.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.terms.parser import parse_terms
from solvers.ks import KURAMOTO_SIVASHINSKY, initial
from solvers.ks.initial.random import Params as Random
from solvers.ks.schemes import SCHEMES
from solvers.ks.spectral import Integrator

HERE = Path(__file__).resolve().parent
EXPONAX = HERE.parent.parent / ".peers" / "exponax" / "bin" / "python"
LENGTH, POINTS, DT = 100.0, 1024, 0.01
STEPS = {1: 4000, 100: 40}  # by members
REPETITIONS = 7

Array = np.ndarray[Any, np.dtype[Any]]
Say = Callable[[str], None]
Figures = dict[str, list[float] | None]  # all values of each


def measure(say: Say) -> Figures:
    """All figures of the bench; None where a peer is absent."""
    numbers: Figures = {}
    for members, suffix in ((1, ""), (100, "_batch")):
        say(f"{POINTS} points, {members} member(s), ETDRK4, 2/3 dealiasing")
        numbers |= {f"{name}{suffix}": value for name, value in _beside(members, say).items()}
    return numbers


def _beside(members: int, say: Say) -> Figures:
    """Microseconds a member and step here, in numpy and in exponax, alternating; and the ratios."""
    steps = STEPS[members]
    u = initial.states(Random(modes=8), (POINTS,), 0, np.arange(members))
    integrator = Integrator(parse_terms(KURAMOTO_SIVASHINSKY), LENGTH, POINTS, DT)
    u = integrator.advance(u, 2000)  # onto the attractor
    numpy_etdrk4 = NumpyETDRK4(members)
    assert np.abs(integrator.advance(u, 10) - numpy_etdrk4.advance(u, 10)).max() < 1e-12  # the same work
    ours, numpys, theirs = [], [], []
    with _Exponax(u, steps) as exponax:
        for _ in range(REPETITIONS):
            ours.append(_seconds(lambda: integrator.advance(u, steps)))
            numpys.append(_seconds(lambda: numpy_etdrk4.advance(u, steps)))
            if exponax.there:
                theirs.append(exponax.seconds())
            each = {"here": ours[-1], "numpy": numpys[-1]} | ({"exponax": theirs[-1]} if theirs else {})
            say(
                "  "
                + ", ".join(f"{name} {1e6 * seconds / steps / members:.1f} us" for name, seconds in each.items())
                + " a member and step"
            )
        if not exponax.there:
            say("  exponax is absent: `make peers` puts it into a folder of its own")
        elif exponax.difference is not None:
            say(f"  largest difference from exponax after {steps} steps: {exponax.difference(integrator.advance(u, steps)):.1e}")
    scale = 1e6 / steps / members
    return {
        "step_us": [scale * one for one in ours],
        "numpy_step_us": [scale * one for one in numpys],
        "exponax_step_us": [scale * one for one in theirs] or None,
        "ratio_vs_numpy": [b / a for a, b in zip(ours, numpys, strict=True)],
        "ratio_vs_exponax": [b / a for a, b in zip(ours, theirs, strict=True)] if theirs else None,
    }


def _seconds(work: Callable[[], Any]) -> float:
    """Processor time that ``work`` takes."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


class NumpyETDRK4:
    """ETDRK4 as one writes it well in numpy: real transforms, coefficients once, every array preallocated and filled in place."""

    def __init__(self, members: int) -> None:
        k = 2.0 * np.pi / LENGTH * np.arange(POINTS // 2 + 1)
        kept = np.arange(POINTS // 2 + 1) < POINTS / 3
        self.e, self.e2, self.q, self.f1, self.f2, self.f3 = SCHEMES["etdrk4"].coefficients((k**2 - k**4).astype(complex), DT).real.copy()
        self.flux = np.where(kept, -0.5j * k, 0.0)
        self.kept = kept
        shape = (members, POINTS // 2 + 1)
        self.n, self.na, self.nb, self.nc, self.a, self.b, self.c = (np.empty(shape, complex) for _ in range(7))
        self.points = np.empty((members, POINTS))

    def nonlinear(self, v: Array, out: Array) -> None:
        np.fft.irfft(v, n=POINTS, out=self.points)
        np.multiply(self.points, self.points, out=self.points)
        np.fft.rfft(self.points, out=out)
        np.multiply(out, self.flux, out=out)

    def advance(self, u: Array, steps: int) -> Array:
        v = np.fft.rfft(u) * self.kept
        for _ in range(steps):
            self.step(v)
        return np.fft.irfft(v, n=POINTS)

    def step(self, v: Array) -> None:
        n, na, nb, nc, a, b, c = self.n, self.na, self.nb, self.nc, self.a, self.b, self.c
        self.nonlinear(v, n)
        np.multiply(v, self.e2, out=c)
        np.multiply(n, self.q, out=a)
        a += c
        self.nonlinear(a, na)
        np.multiply(na, self.q, out=b)
        b += c
        self.nonlinear(b, nb)
        np.multiply(nb, 2.0, out=c)
        c -= n
        c *= self.q
        np.multiply(a, self.e2, out=b)
        c += b
        self.nonlinear(c, nc)
        v *= self.e
        n *= self.f1
        v += n
        na += nb
        na *= self.f2
        v += na
        nc *= self.f3
        v += nc


class _Exponax:
    """A process of the peer, which takes the same steps each time that it is asked; ``there`` is false where it is absent."""

    def __init__(self, u: Array, steps: int) -> None:
        self.there = EXPONAX.exists()
        self._u, self._steps = u, steps
        self.difference: Callable[[Array], float] | None = None

    def __enter__(self) -> "_Exponax":
        if self.there:
            import tempfile

            self._folder = tempfile.TemporaryDirectory()
            file = Path(self._folder.name) / "u.npy"
            np.save(file, self._u)
            core = str(min(os.sched_getaffinity(0)))  # XLA has threads of its own: one core, as the others have
            command = [str(EXPONAX), str(HERE / "peer_exponax.py"), str(file), str(LENGTH), str(DT), str(self._steps), core]
            env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
            env |= {"OMP_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
            self._answer()  # compiled
            self.difference = lambda ours: float(np.abs(ours - np.load(file.with_name("later.npy"))).max())
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
            self._folder.cleanup()
