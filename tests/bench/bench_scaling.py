"""Costs that decide how the solvers scale, as far as two cores go: steps on 1 and 2 ranks, halos, messages, HDF5, Dask's tasks.

docs/scaling.md makes a model of these numbers. Runs alternate; ranks beyond the cores are over-subscribed, so that their
times tell how a call grows with the ranks on two cores, and not what a network does.
"""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scaling_ranks import edge_of

from jobs.campaign import cluster
from jobs.local.launch import environment, mpirun
from meshes import rectangle
from meshes.core.partition import owners

HERE = Path(__file__).resolve().parent
STRONG = {"tsunami": ((2_000, 20_000, 100_000), 60), "ks": ((2, 16, 128), 60), "turbulence": ((16, 32, 64), 12)}  # sizes; steps
SMALLEST = {"tsunami": (100, 300), "ks": (1, 300), "turbulence": (8, 60)}  # where a step is nothing but calls
WEAK = {"tsunami": (50_000, 60), "ks": (32, 60)}  # a rank; a cube has no such sizes
SHARING = (4, 5_000_000)  # ranks of a node that share a mesh, and its cells
MESH, PARTS, LOOKED_AT = 1_000_000, (8, 64, 512, 4096), 16
WRITERS = {1: (1,), 2: (1, 2), 8: (1, 8), 16: (2, 16), 32: (4, 32), 64: (8,)}  # by ranks
LARGE = 1_000_000  # values a field of a frame: 32 MB in four fields
TASKS = (1_000, 10_000, 100_000)
REPETITIONS = 3
BRIEF = {
    "STRONG": {"tsunami": ((20_000,), 60), "ks": ((16,), 60), "turbulence": ((32,), 12)},
    "SHARING": (2, 500_000),
    "MESH": 200_000,
    "PARTS": (8, 64),
    "WRITERS": {1: (1,), 2: (1, 2)},
    "LARGE": 100_000,
    "TASKS": (1_000, 10_000),
}
EXACT = ("exchange_bytes", "halo_", "mesh_bytes_a_cell")  # how figures begin that no clock has measured

Say = Callable[[str], None]
Numbers = dict[str, float | None]
Figures = dict[str, float | list[float] | None]  # an exact value, or all that were measured


def measure(say: Say) -> Figures:
    """All figures of the bench."""
    say(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    numbers: Numbers = {"load_before": os.getloadavg()[0]}
    for part in (strong, weak, halos, memory, messages, files, tasks):
        numbers |= part(say)
    numbers["load_after"] = os.getloadavg()[0]
    return {name: value if value is None or name.startswith(EXACT) else [value] for name, value in numbers.items()}


def ranks(count: int, *words: Any) -> dict[str, float]:
    """Measures of `scaling_ranks` on ``count`` ranks."""
    yielding = {"OMPI_MCA_mpi_yield_when_idle": "1"} if count > (os.cpu_count() or 1) else {}
    paths = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    command = [*mpirun(count), sys.executable, str(HERE / "scaling_ranks.py"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment() | {"PYTHONPATH": paths} | yielding)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def strong(say: Say) -> Numbers:
    """Seconds of a step on 1 and 2 ranks by size, and of the smallest step, which is what calls cost."""
    numbers: Numbers = {}
    for kind, (sizes, count) in STRONG.items():
        for size in sizes:
            one, two = _pair(kind, size, size, count)
            numbers |= {f"{kind}_{size}_step_1_s": one, f"{kind}_{size}_step_2_s": two, f"{kind}_{size}_speedup": one / two}
            say(f"{kind} {size:,}: {1e3 * one:.3f} ms a step on 1 rank, {1e3 * two:.3f} on 2: {one / two:.2f}x")
        numbers[f"{kind}_calls_s"] = min(ranks(1, "steps", kind, *SMALLEST[kind])["step_s"] for _ in range(REPETITIONS))
        if kind == "tsunami":
            found = ranks(2, "steps", kind, *SMALLEST[kind])
            numbers |= {"exchange_s": found["exchange_s"], "exchange_bytes": found["exchange_bytes"]}
        say(f"{kind}, the smallest: {1e6 * float(numbers[f'{kind}_calls_s'] or 0.0):.0f} us a step")
    return numbers


def weak(say: Say) -> Numbers:
    """The time of a step on 1 rank over that of twice the size on 2."""
    numbers: Numbers = {}
    for kind, (size, count) in WEAK.items():
        one, two = _pair(kind, size, 2 * size, count)
        numbers[f"{kind}_weak_efficiency"] = one / two
        say(f"{kind}, {size:,} a rank: {1e3 * one:.3f} ms on 1 rank, {1e3 * two:.3f} on 2: {one / two:.0%}")
    return numbers


def _pair(kind: str, size: int, other: int, count: int) -> tuple[float, float]:
    """Seconds of a step of ``size`` on 1 rank and of ``other`` on 2: the least of runs that alternate, each the median of its steps.

    The least, because what others do on these cores only adds, and to two ranks, which wait for each other, more than to one.
    """
    found: list[list[float]] = [[], []]
    for _ in range(REPETITIONS):
        for i, (n, work) in enumerate(((1, size), (2, other))):
            found[i].append(ranks(n, "steps", kind, work, count)["step_s"])
    return min(found[0]), min(found[1])


def halos(say: Say) -> Numbers:
    """Cells, ghosts, neighbours and bytes a step of the ranks of a partition, by the plan that the exchange itself uses."""
    begun = time.perf_counter()
    mesh = rectangle.build(rectangle.Params(50.0, 50.0, edge_of(MESH)), folder=Path())
    cells = len(mesh.triangles)
    arrays = (getattr(mesh, field.name) for field in dataclasses.fields(mesh))
    numbers: Numbers = {
        "mesh_build_s_a_cell": (time.perf_counter() - begun) / cells,
        "mesh_bytes_a_cell": sum(array.nbytes for array in arrays if isinstance(array, np.ndarray)) / cells,
    }
    for count in PARTS:
        begun = time.perf_counter()
        owner = owners(mesh, count)
        numbers[f"cut_{count}_s_a_cell"] = (time.perf_counter() - begun) / cells
        chosen = np.unique(np.linspace(0, count - 1, LOOKED_AT).astype(int))
        parts = [mesh.part(int(rank), count, owner) for rank in chosen]
        sent = [sum(len(cells) for _, cells in part.halo.send) for part in parts]
        layers = np.mean([[p.owned, p.reach1 - p.owned, p.reach2 - p.reach1, len(p.cells) - p.reach2] for p in parts], axis=0)
        of = f"halo_{count}"
        numbers |= {f"{of}_{name}": float(value) for name, value in zip(("own", "layer1", "layer2", "layer3"), layers, strict=True)}
        numbers |= {
            f"{of}_bytes_a_step": 3.0 * 24.0 * float(np.mean(sent)),  # three stages, three doubles a cell
            f"{of}_bytes_most": 3.0 * 24.0 * max(sent),
            f"{of}_neighbours": float(np.mean([len(part.halo.send) for part in parts])),
            f"{of}_largest_over_mean": float(np.bincount(owner).max() * count / len(owner)),
        }
        say(f"{count} parts: own and ghosts {layers.round(1).tolist()}, {numbers[f'{of}_bytes_a_step']:,.0f} bytes sent a step and rank")
    return numbers


def memory(say: Say) -> Numbers:
    """Bytes a cell of a mesh and its parts: where a node's ranks share it, and where each has its own."""
    numbers: Numbers = {}
    count, cells = SHARING
    for how in ("shared", "own"):
        begun = time.perf_counter()
        found = ranks(count, "meshes", cells, how) | {"s": time.perf_counter() - begun}
        numbers |= {f"mesh_{count}_{how}_{name}": value for name, value in found.items()}
        say(f"{count} ranks, mesh {how}: " + ", ".join(f"{name} {value:.0f}" for name, value in found.items()))
    return numbers


def messages(say: Say) -> Numbers:
    """Seconds of messages and collective calls, by ranks."""
    numbers: Numbers = {}
    for count in [*WRITERS][1:]:
        found = ranks(count, "messages")
        numbers |= {f"mpi_{count}_{name}": value for name, value in found.items()}
        say(f"{count} ranks: " + ", ".join(f"{name} {1e6 * value:.3g} us" for name, value in found.items()))
    return numbers


def files(say: Say) -> Numbers:
    """Seconds of what the writer does, by ranks and how many of them write; small frames, where all is metadata, and large ones."""
    numbers: Numbers = {}
    for count, many in WRITERS.items():
        for writers in many:
            for name, values, frames in (("small", 64 * count, 20), ("large", LARGE, 8)):
                with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
                    found = ranks(count, "writing", values, frames, writers, folder)
                of = f"hdf5_{name}_{count}_ranks_{writers}_writers"
                numbers |= {f"{of}_{key}": value for key, value in found.items()}
                numbers[f"{of}_frame_s"] = found["frames_s"] / frames
                rate = 32e-6 * values * frames / found["frames_s"]
                say(f"{of}: " + ", ".join(f"{k} {1e3 * v:.3g} ms" for k, v in found.items()) + f"; {rate:.3g} MB/s")
    return numbers


def tasks(say: Say) -> Numbers:
    """Seconds a task that does nothing, on two workers, and what the scheduler (with the client) grew by."""
    numbers: Numbers = {}
    for count in TASKS:
        with cluster.client() as client:
            client.gather([client.submit(int, i, pure=False) for i in range(100)])
            before = client.run_on_scheduler(_memory)
            begun = time.perf_counter()
            futures = [client.submit(int, i, pure=False) for i in range(count)]
            client.gather(futures)
            numbers[f"dask_{count}_task_s"] = (time.perf_counter() - begun) / count
            numbers[f"dask_{count}_bytes_a_task"] = (client.run_on_scheduler(_memory) - before) / count
            futures.clear()
        grown = numbers[f"dask_{count}_bytes_a_task"]
        say(f"{count:,} tasks: {numbers[f'dask_{count}_task_s']:.2e} s and {grown:,.0f} bytes each")
    return numbers


def _memory() -> float:
    """Memory of this process now [B]."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) * 1024.0 for line in lines if line.startswith("VmRSS"))
