"""What bench ``scaling`` measures under mpirun, ``scaling_ranks.py WHAT [NUMBER ...]``; rank 0 prints one JSON object."""

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
from pipeline.layout import MESHES, Field
from pipeline.params import build
from pipeline.writer import Writer, publish
from solvers import ks, tsunami
from solvers.core.blocks import block_bounds
from solvers.core.comm import Mpi, Serial, world
from solvers.core.driver import simulate

DAM_BREAK = {"gravity": 9.8, "initial": {"kind": "dam_break", "high": 10.0, "low": 1.0, "radius": 11.0}}
POINTS = 1024  # of a line of Kuramoto-Sivashinsky
FIELDS = 4  # of a frame, as the tsunami solver has
SIZES = [8, 1024, 16384, 131072, 1048576, 4194304]  # [B] of a message


def edge_of(cells: float) -> float:
    """The edge length [m] that makes about ``cells`` triangles of 50 m x 50 m."""
    return 50.0 / float(np.sqrt(cells * np.sqrt(3.0) / 4.0))


def tsunami_model(comm: Any, cells: float) -> Any:
    mesh = rectangle.build(rectangle.Params(50.0, 50.0, edge_of(cells), origin=(-25.0, -25.0)), folder=Path())
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
    make, longest = MODELS[kind]
    model = make(comm, float(size))
    at: list[float] = []
    frames = simulate(
        model,
        comm,
        end=1e3,
        every=1e3,
        cfl=0.9,
        longest=longest,
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
    """One way between ranks 0 and 1 by size [s]; a minimum over all ranks, an exchange of all with all, and an object of each to all."""
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
    for size in (8, 16384):
        sent, received = np.zeros((2, comm.size * size), np.uint8)
        found[f"all_to_all_{size}_s"] = _timed(lambda s=sent, r=received: mpi.Alltoall(s, r), repeats // 4)
    return found


def writing(values: str, frames: str, files: str, folder: str) -> dict[str, float]:
    """Seconds in which ``frames`` frames of ``values`` numbers a field are written: into one file by all ranks, or into ``files``.

    With several files each holds the rows of neighbouring ranks, and rank 0 then makes one more, whose fields are virtual datasets.
    """
    comm = world()
    rows, count, parts = int(values), int(frames), int(files)
    group = comm.rank * parts // comm.size
    part: Any = comm
    if parts > 1:
        part = Mpi(comm.handle.Split(group, comm.rank))
    first = [sum(1 for r in range(comm.size) if r * parts // comm.size < g) for g in range(parts + 1)]
    low = block_bounds(first[group], comm.size, rows)[0]
    high = block_bounds(first[group + 1] - 1, comm.size, rows)[1]
    start, stop = (place - low for place in block_bounds(comm.rank, comm.size, rows))
    place = (slice(0, 1), slice(start, stop))
    path = Path(folder) / f"part-{group}.h5"
    block = np.random.default_rng([comm.rank]).standard_normal((FIELDS, 1, stop - start))
    seconds: dict[str, float] = {}
    comm.barrier()
    begun = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal begun
        comm.barrier()
        now = time.perf_counter()
        seconds[name], begun = now - begun, now

    writer = Writer(path, options=part.file_options() if part.size > 1 else {}, lead=part.rank == 0)
    lap("open_s")
    fields = [Field(f"field_{i}", "m", "a field") for i in range(FIELDS)]
    _create(writer, fields, high - low)
    lap("create_s")
    for i in range(count):
        writer.append_block(float(i), place, {field.name: block[j] for j, field in enumerate(fields)})
        writer.flush()
    lap("frames_s")
    writer.close()
    comm.barrier()
    if part.rank == 0:
        publish(path)
    lap("close_s")
    if parts > 1:
        if comm.rank == 0:
            join(Path(folder), parts, fields, count, rows)
        lap("join_s")
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
        compression="none",
        layout=MESHES["line"],
    )


def join(folder: Path, parts: int, fields: list[Field], frames: int, rows: int) -> None:
    """``joined.h5``: each field a virtual dataset over the files of the groups."""
    import h5py

    with h5py.File(folder / "joined.h5", "w", libver=("v110", "v110")) as file:
        for field in fields:
            layout, at = h5py.VirtualLayout((frames, 1, rows), "<f8"), 0
            for g in range(parts):
                with h5py.File(folder / f"part-{g}.h5") as source:
                    width = source[f"fields/{field.name}"].shape[2]
                name = f"part-{g}.h5"
                layout[:, :, at : at + width] = h5py.VirtualSource(name, f"fields/{field.name}", (frames, 1, width))
                at += width
            file.create_virtual_dataset(f"fields/{field.name}", layout)


WHAT: dict[str, Callable[..., dict[str, float]]] = {"steps": steps, "messages": messages, "writing": writing}

if __name__ == "__main__":
    numbers = WHAT[sys.argv[1]](*sys.argv[2:])
    if world().rank == 0:
        print(json.dumps(numbers))
