"""A reference on the mesh of a run: itself where the meshes are the same, else brought there, once, into a file of its own.

Triangles get means over their areas (`pipeline.stages.decompose.restriction`), points of a box the values of the Fourier series there.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.drawing.whole_globe import middle_of
from pipeline.spectral.grids import seen_at
from pipeline.stages.decompose.compare import BLOCK_BYTES
from pipeline.stages.decompose.pairs import SURFACE, is_box, there
from pipeline.stages.decompose.restriction import Restriction, corners_of, restriction
from pipeline.stages.decompose.window import in_order
from pipeline.store.layout import MESHES
from pipeline.store.reader import Store, StoredArray
from pipeline.store.writer import Writer, publish

Array = np.ndarray[Any, np.dtype[Any]]

SAME_MERIDIAN = 1e-6  # degrees
SAME_LENGTH = 1e-12  # relative


@contextlib.contextmanager
def on_the_mesh_of(run: Store, reference: Store, field: str, wet: float, client: Any, target: Path) -> Iterator[Store]:
    """A store of ``reference``'s ``field`` on the mesh of ``run``; written to ``target`` where the meshes differ.

    A field brought there before, from the same file, is used again.

    Raises
    ------
    InputError
        The field is missing, or the meshes are of different kinds, or do not cover the same domain.
    """
    for store in (run, reference):
        if not store.complete:
            raise InputError(f"{store.path} is not finished: run it to its end first")
        store.field(field)  # says which there are
    if run.mesh_kind != reference.mesh_kind:
        raise InputError(
            f"{run.path} stands on a mesh of {run.mesh_kind}, {reference.path} on one of {reference.mesh_kind}: give both the same"
        )
    if run.attrs["mesh_hash"] == reference.attrs["mesh_hash"]:
        yield reference
        return
    source = f"{reference.path.resolve()} {reference.path.stat().st_mtime_ns}"
    if not _done(target, source, str(run.attrs["mesh_hash"])):
        (_resample if is_box(run) else _restrict)(run, reference, field, wet, client, target, source)
    with Store(target) as store:
        yield store


def _done(target: Path, source: str, mesh: str) -> bool:
    if not target.exists():
        return False
    with Store(target) as store:
        return bool(store.attrs.get("source") == source and store.attrs["mesh_hash"] == mesh)


def _restrict(run: Store, reference: Store, field: str, wet: float, client: Any, target: Path, source: str) -> None:
    """Means over the run's triangles."""
    mesh, finer = run.mesh(), reference.mesh()
    refuse_other_map(mesh, finer)
    weights = restriction(corners_of(mesh), corners_of(finer))
    low = reference.highest_bed() + wet if field == SURFACE else None
    _write(run, reference, field, client, target, source, (_restricted, (weights, low)))


def refuse_other_map(mesh: Mapping[str, Any], finer: Mapping[str, Any]) -> None:
    """Refuse two meshes whose places mean other places on the globe: a plane and the sphere, or maps about other places."""
    mine, theirs = (_middle(one) for one in (mesh, finer))
    if (mine is None) != (theirs is None):
        raise InputError("of the runs' meshes one is on a plane and one on the sphere")
    if mine is None or theirs is None:
        return
    if len(mine) != len(theirs):
        raise InputError("of the runs' meshes one is a box on the globe and one the whole globe")
    if any(abs((one - other + 180.0) % 360.0 - 180.0) > SAME_MERIDIAN for one, other in zip(mine, theirs, strict=True)):
        if len(mine) > 1:
            raise InputError("the runs' globes have their holes at other places: give both the same hole")
        raise InputError(
            f"the runs' boxes have their middles at longitudes {mine[0]:g} and {theirs[0]:g} degrees: give both the same west and east"
        )


def _middle(mesh: Mapping[str, Any]) -> tuple[float, ...] | None:
    """Longitude [degrees] of x = 0 on a mesh's map, with its latitude on the whole globe; None on a plane."""
    if "node_longitude" not in mesh:
        return None
    globe = middle_of(mesh)
    if globe:
        return globe
    degrees, x = mesh["node_longitude"], mesh["node_x"]
    west, east = int(np.argmin(x)), int(np.argmax(x))
    return (float(degrees[west] - x[west] * (degrees[east] - degrees[west]) / (x[east] - x[west])),)


def _resample(run: Store, reference: Store, field: str, wet: float, client: Any, target: Path, source: str) -> None:
    """Values of the reference's Fourier series at the run's points."""
    mine, theirs = run.mesh()["length"], reference.mesh()["length"]
    if not np.allclose(mine, theirs, rtol=SAME_LENGTH, atol=0.0):
        raise InputError(f"the runs are on different domains: lengths {mine.tolist()} and {theirs.tolist()}")
    _write(run, reference, field, client, target, source, (_resampled, run.field(field).shape[-len(mine) :]))


def _write(run: Store, reference: Store, field: str, client: Any, target: Path, source: str, way: tuple[Any, Any]) -> None:
    """The file ``target`` of the ``reference``'s field on the mesh of ``run``; ``way``: a function of values and shared data, and these."""
    take, shared = way
    layout, theirs = MESHES[run.mesh_kind], reference.field(field).shape[1:]
    mesh = run.mesh()
    shape = tuple(run.field(field).shape[1:])
    shape = (*theirs[: len(theirs) - len(mesh["length"])], *shape[-len(mesh["length"]) :]) if is_box(run) else shape
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
        shape=shape,
        real=np.float64,
        chunk=16384,
        frames=len(reference.times),
        compression="none",
        layout=layout,
    )
    times, handed = reference.times, client.scatter(shared)
    batch = int(np.clip(BLOCK_BYTES / (8 * np.prod(theirs)), 1, max(np.ceil(len(times) / 8), 1)))
    batches = (range(i, min(i + batch, len(times))) for i in range(0, len(times), batch))
    frames = chain.from_iterable(in_order(client, _several, ((take, reference.source(field), some, handed) for some in batches)))
    for t, values in zip(times, frames, strict=True):
        writer.append_block(float(t), tuple(slice(0, size) for size in shape), {field: values})
    writer.close()
    publish(target)


def _several(take: Callable[..., Array], field: StoredArray, some: range, shared: Any) -> list[Array]:
    """Frames enough for a task that outweighs Dask's own work."""
    return [take(field, i, shared) for i in some]


def _restricted(field: StoredArray, i: int, shared: tuple[Restriction, Array | None]) -> Array:
    weights, low = shared
    values = there(field[i])
    return weights(values) if low is None else weights.where(values, np.isfinite(values) & (values > low))


def _resampled(field: StoredArray, i: int, points: tuple[int, ...]) -> Array:
    """A frame (members, *points) or (*points) at as many ``points``."""
    values = there(np.asarray(field[i], float))
    axes = len(points)
    seen = seen_at(values.reshape(-1, *values.shape[-axes:]), points)
    return seen.reshape(*values.shape[:-axes], *points)
