"""A reference on the mesh of a run: itself where the meshes are the same, else restricted, once, into a file of its own."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import InputError
from pipeline.stages.core.restriction import Restriction, corners_of, restriction
from pipeline.stages.core.window import in_order
from pipeline.store import Source, Store
from pipeline.writer import Writer, publish

Array = np.ndarray[Any, np.dtype[Any]]


@contextlib.contextmanager
def on_the_mesh_of(run: Store, reference: Store, field: str, wet: float, client: Any, target: Path) -> Iterator[Store]:
    """A store of ``reference``'s ``field`` on the mesh of ``run``; written to ``target`` where that takes a restriction.

    What was restricted before, from the same file, is used again.

    Raises
    ------
    InputError
        The field is missing, or the meshes do not cover the same domain.
    """
    for store in (run, reference):
        if not store.complete:
            raise InputError(f"{store.path} is not finished: run it to its end first")
        store.field(field)  # says which there are
    if run.attrs["mesh_hash"] == reference.attrs["mesh_hash"]:
        yield reference
        return
    source = f"{reference.path.resolve()} {reference.path.stat().st_mtime_ns}"
    if not _done(target, source, str(run.attrs["mesh_hash"])):
        _restrict(run, reference, field, wet, client, target, source)
    with Store(target) as store:
        yield store


def _done(target: Path, source: str, mesh: str) -> bool:
    if not target.exists():
        return False
    with Store(target) as store:
        return bool(store.attrs.get("source") == source and store.attrs["mesh_hash"] == mesh)


def _restrict(run: Store, reference: Store, field: str, wet: float, client: Any, target: Path, source: str) -> None:
    mesh, finer = run.mesh(), reference.mesh()
    shares = restriction(corners_of(mesh), corners_of(finer))
    low = finer["bed"] + wet if field == "free_surface" else None
    shared = client.scatter((shares, low))
    source_field = reference.source(field)
    writer = Writer(target, options={}, lead=True)
    writer.create(
        mesh=mesh,
        fields=[reference.fields[field]],
        gauges=[],
        gauge_places=np.zeros((0, 2)),
        gauge_fields=[],
        maxima=[],
        attrs={
            **{name: run.attrs[name] for name in ("case", "packages", "mesh_hash", "created", "ranks")},
            "reference": "run",
            "source": source,
        },
        shape=(len(mesh["bed"]),),
        real=np.float64,
        chunk=16384,
        compression="none",
    )
    times = reference.times
    frames = in_order(client, _one, ((source_field, i, shared) for i in range(len(times))))
    for t, values in zip(times, frames, strict=True):
        writer.append(float(t), 0, len(mesh["bed"]), {field: values})
    writer.close()
    publish(target)


def _one(field: Source, i: int, shared: tuple[Restriction, Array | None]) -> Array:
    shares, low = shared
    values = field[i]
    return shares(values) if low is None else shares.where(values, np.isfinite(values) & (values > low))
