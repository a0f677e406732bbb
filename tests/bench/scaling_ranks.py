"""Measurements of bench ``scaling`` under mpirun, ``scaling_ranks.py WHAT [NUMBER ...]``; rank 0 prints one JSON object."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from vortices import flow

from meshes import box, rectangle
from pipeline.core.params import build
from pipeline.store.layout import MESHES, Field
from pipeline.store.writer import Writer, publish
from solvers import ks, tsunami
from solvers.core.blocks import block_bounds
from solvers.core.comm import Serial, world
from solvers.core.driver import simulate
from solvers.core.writers import RowMover, Rows, Writers

DAM_BREAK = {"gravity": 9.8, "initial": {"kind": "dam_break", "high": 10.0, "low": 1.0, "radius": 11.0}}
POINTS = 1024  # of a line of Kuramoto-Sivashinsky
FIELDS = 4  # of a frame, as the tsunami solver has
GAUGES = 10  # all of them in one rank's part
SIZES = [8, 1024, 16384, 131072, 1048576, 4194304]  # [B] of a message


def edge_of(cells: float) -> float:
    """The edge length [m] that makes about ``cells`` triangles of 50 m x 50 m."""
    return 50.0 / float(np.sqrt(cells * np.sqrt(3.0) / 4.0))


def mesh_of(cells: float) -> Any:
    return rectangle.build(rectangle.Params(50.0, 50.0, edge_of(cells), origin=(-25.0, -25.0)), folder=Path())


def tsunami_model(comm: Any, cells: float) -> Any:
    mesh = mesh_of(cells)
    return tsunami.build(mesh, mesh.share(comm), comm, build(tsunami.Params, DAM_BREAK, "solver"), gauges={}, folder=Path())


def ks_model(comm: Any, members: float) -> Any:
    mesh = box.build(build(box.Params, {"length": 100.0, "points": POINTS}, "mesh"), folder=Path())
    return ks.build(mesh, None, comm, build(ks.Params, {"members": int(members)}, "solver"), gauges={}, folder=Path())


def turbulence_model(comm: Any, points: float) -> Any:
    return flow(int(points), comm=comm, viscosity=1e-3, statistics_every=1_000_000)


MODELS = {"tsunami": (tsunami_model, None), "ks": (ks_model, 0.01), "turbulence": (turbulence_model, 1e-3)}  # and an even step [s]


def steps(kind: str, size: str, count: str) -> dict[str, float]:
    """Seconds of a step of solver ``kind``: the median of ``count``; the first three load kernels and are left out."""
    comm = world()
    make, dt_max = MODELS[kind]
    model = make(comm, float(size))
    at: list[float] = []
    frames = simulate(
        model,
        comm,
        end=1e3,
        output_interval=1e3,
        cfl=0.9,
        dt_max=dt_max,
        stop=lambda: len(at) >= int(count) + 3,
        progress=lambda clock: at.append(time.perf_counter()),
    )
    for _ in frames:
        pass
    found = {"step_s": statistics.median(np.diff(at)[3:])}
    if kind == "tsunami" and comm.size > 1:
        u, halo = model.initial(), model.part.halo

        def exchange() -> None:
            comm.begin(u, halo)
            comm.end()

        found |= {"exchange_s": _timed(exchange, 500), "exchange_bytes": float(sum(24 * len(cells) for _, cells in halo.send))}
    return found


def _timed(work: Callable[[], Any], repeats: int) -> float:
    """Median seconds of ``work``, which all ranks do."""
    found = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return statistics.median(found)


def messages() -> dict[str, float]:
    """Seconds one way between ranks 0 and 1 by size; a minimum, an exchange of all with all, an object to all, gauges to rank 0."""
    comm = world()
    assert not isinstance(comm, Serial), "messages need a second rank"
    mpi = comm.handle
    found: dict[str, float] = {}
    if comm.size == 2:
        for size in SIZES:
            buffer = np.zeros(size, np.uint8)

            def there_and_back(buffer: Any = buffer) -> None:
                if comm.rank == 0:
                    mpi.Send(buffer, 1)
                    mpi.Recv(buffer, 1)
                else:
                    mpi.Recv(buffer, 0)
                    mpi.Send(buffer, 0)

            found[f"one_way_{size}_s"] = 0.5 * _timed(there_and_back, 2000 if size < 1e5 else 200)
    pair = np.array([1.0, 0.0])
    repeats = 2000 if comm.size == 2 else 60
    found["min_s"] = _timed(lambda: comm.min(pair), repeats)
    found["gather_s"] = _timed(lambda: comm.gather(True), repeats // 4)
    gauges, samples = np.arange(GAUGES * (comm.rank == 0)), np.zeros((20, GAUGES * (comm.rank == 0), FIELDS))
    to_lead = RowMover(Rows(gauges, GAUGES, axis=1), comm, 1)
    found["gauges_s"] = _timed(lambda: to_lead(samples), repeats // 4)
    for size in (8, 16384):
        sent, received = np.zeros((2, comm.size * size), np.uint8)
        found[f"all_to_all_{size}_s"] = _timed(lambda s=sent, r=received: mpi.Alltoall(s, r), repeats // 4)
    return found


def meshes(cells: str, how: str) -> dict[str, float]:
    """Bytes a cell of a mesh that a node's ranks share, or (``own``) each has: of all ranks, and the most on the first and on another."""
    comm = world()

    def make() -> Any:
        return mesh_of(float(cells))

    start, before = held("VmHWM"), held("Pss")
    mesh = make() if how == "own" else comm.once_a_node(make)
    part = mesh.share(comm)
    comm.barrier()
    count = len(mesh.triangles)
    kept = sum(comm.gather(held("Pss") - before)) / count
    comm.barrier()  # the part is there until all have looked
    assert part.size == comm.size
    peaks = [peak / count for peak in comm.gather(held("VmHWM") - start)]
    return {"kept_bytes_a_cell": kept, "lead_peak_bytes_a_cell": peaks[0], "other_peak_bytes_a_cell": max(peaks[1:])}


def held(what: str) -> float:
    """Bytes of this process by the kernel's name: VmHWM, the most it ever had, or Pss, what it has, its share of what is shared."""
    lines = Path("/proc/self/" + ("smaps_rollup" if what == "Pss" else "status")).read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) * 1024.0 for line in lines if line.startswith(what + ":"))


def writing(values: str, frames: str, writers: str, folder: str) -> dict[str, float]:
    """Seconds in which ``frames`` frames of ``values`` numbers a field are written, by ``writers`` of the ranks."""
    comm = world()
    rows, count = int(values), int(frames)
    part = Rows(np.arange(*block_bounds(comm.rank, comm.size, rows)), rows, axis=1)
    group = Writers(comm, int(writers))
    move = group.mover(part)
    block = np.random.default_rng([comm.rank]).standard_normal((FIELDS, 1, len(part.own)))
    fields = [Field(f"field_{i}", "m", "a field") for i in range(FIELDS)]
    path = Path(folder) / "run.h5"
    seconds: dict[str, float] = {}
    comm.barrier()
    begun = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal begun
        comm.barrier()
        now = time.perf_counter()
        seconds[name], begun = now - begun, now

    writer = Writer(path, options=group.comm.file_options() or {}, lead=comm.rank == 0) if group.comm else None
    lap("open_s")
    if writer:
        _create(writer, fields, rows)
    lap("create_s")
    for i in range(count):
        moved = {field.name: move(block[j]) for j, field in enumerate(fields)}
        if writer:
            writer.append_block(float(i), move.place, moved)
            writer.flush()
    lap("frames_s")
    if writer:
        writer.close()
    comm.barrier()
    if comm.rank == 0:
        publish(path)
    lap("close_s")
    return seconds


def _create(writer: Any, fields: list[Field], rows: int) -> None:
    writer.create(
        mesh={"x": np.arange(float(rows)), "length": np.ones(1)},
        fields=fields,
        gauges=[],
        gauge_places=np.zeros((0, 1)),
        gauge_fields=[],
        maxima=[],
        attrs={},
        shape=(1, rows),
        real=np.float64,
        chunk=16384,
        frames=2**10,
        compression="none",
        layout=MESHES["line"],
    )


WHAT: dict[str, Callable[..., dict[str, float]]] = {"steps": steps, "meshes": meshes, "messages": messages, "writing": writing}

if __name__ == "__main__":
    numbers = WHAT[sys.argv[1]](*sys.argv[2:])
    if world().rank == 0:
        print(json.dumps(numbers))
