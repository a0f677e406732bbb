"""Make a run's file of an archive of turbulence with fields between its snapshots, by the equations of the archive's own case."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.compression.archive import copying, reader
from pipeline.compression.archive.cut_off import open_hdf5
from pipeline.compression.archive.lineage import told
from pipeline.compression.archive.restore import chunk
from pipeline.compression.interpolation import Equations, between
from pipeline.core import plugin
from pipeline.core.errors import InputError
from pipeline.core.params import Spec, choose
from pipeline.spectral import forcing
from pipeline.spectral.wavenumbers import DEALIAS
from pipeline.store.disk import hdf5_file
from pipeline.store.layout import ARCHIVE, SCHEMA, part_name
from pipeline.store.reader import Store, readable
from pipeline.store.writer import publish

Array = np.ndarray[Any, np.dtype[Any]]

VELOCITY = ("u", "v", "w")
FAR = 0.2  # what the march from one snapshot to the next may miss, over the rms, before the fields between are called doubtful


def velocity(store: Store, frame: int) -> Array:
    """u, v, w of a frame as (3, z, y, x)."""
    return np.stack([np.asarray(store.field(name)[frame].compute()) for name in VELOCITY])


def _solver(store: Store) -> Mapping[str, Any]:
    """The solver's table of the case of a run or archive; empty where it has no case, as another program's file may."""
    try:
        table = tomllib.loads(str(store.attrs.get("case", ""))).get("solver", {})
    except tomllib.TOMLDecodeError:
        return {}
    return table if isinstance(table, dict) else {}


def viscosity_of(store: Store) -> float | None:
    """The viscosity of the case of solver turbulence that a run or archive was made from; None where it says none."""
    solver = _solver(store)
    try:
        return float(solver["viscosity"]) if solver.get("kind") == "turbulence" else None
    except (KeyError, TypeError, ValueError):
        return None


def equations_of(store: Store) -> tuple[Equations, list[str]]:
    """The equations that the case of a run or archive in a periodic cube says, viscosity 0 where it says none; and the parts left out.

    Raises
    ------
    InputError
        It is no cube with fields u, v, w, or has odd numbers of points.
    """
    if store.mesh_kind != "cube" or any(name not in store.fields for name in VELOCITY):
        raise InputError(
            f"{store.path}: u, v, w in a periodic cube are needed; there are: {', '.join(store.fields)} on a {store.mesh_kind}"
        )
    shape: Any = store.field("u").shape[1:]
    if any(n % 2 or n < 6 for n in shape):
        raise InputError(f"{store.path}: {shape} points; they must be even, and at least 6")
    lengths = [float(length) for length in store.mesh()["length"]][::-1]
    solver, nu = _solver(store), viscosity_of(store)
    if nu is None:
        return Equations(shape, lengths, 0.0), ["viscosity: the case says none"]
    dealias, asked = solver.get("dealias", DEALIAS), dict(solver.get("forcing", {}))
    if dealias not in ("2/3", "3/2"):
        raise InputError(f"{store.path}: its case says dealias = {dealias!r}; it must be 2/3 or 3/2")
    kind = str(asked.pop("kind", ""))
    known = kind in plugin.kinds(forcing.__name__)
    force = choose(forcing.__name__, Spec(kind, asked), "solver.forcing") if known else None
    equations = Equations(shape, lengths, nu, dealias=dealias, forcing=force)
    left_out = [f"forcing {kind}: what it did between snapshots is not kept"] if equations.remembers or (kind and not known) else []
    if solver.get("truncation") == "sphere":
        left_out.append("truncation to a sphere: waves up to the highest along each axis are kept")
    return equations, left_out


def interpolate(path: Path, run: Path, count: int) -> list[str]:
    """Write the run's file ``run`` of the archive at ``path`` with ``count`` fields u, v, w between each two snapshots.

    Returns lines for the user.

    Raises
    ------
    InputError
        It is no archive of turbulence, a block is damaged, there is one snapshot alone, or snapshots lie too far apart.
    """
    if count < 1:
        raise InputError(f"--interpolate {count}; it must be 1 or more")
    held = reader.opened(path)
    with Store(path) as store:
        equations, notes = equations_of(store)
        if viscosity_of(store) is None:
            raise InputError(f"{path}: fields between snapshots need a case of the solver turbulence: its viscosity and forcing")
        if len(store.times) < 2:
            raise InputError(f"{path}: there is one snapshot, and nothing between")
        others = [name for name in store.fields if name not in VELOCITY]
        notes = [*(f"left out: {note}" for note in notes), *(f"left out: field {name}" for name in others)]
        with hdf5_file(part_name(run), "w", libver=("v110", "v110")) as file, readable(path), open_hdf5(path) as source:
            _lay_out(source, file, _times(store.times, count))
            missed = _fill(file, store, equations, count)
            about = {"between": count, "missed": missed}
            file.attrs.update({"archive": json.dumps(told(held.manifest)), "interpolated": json.dumps(about)})
        times = store.times
    publish(run)
    worst = int(np.argmax(missed))
    notes.append(
        f"{count} fields between each two of {len(times)} snapshots; marching from t = {times[worst]:g} missed the one at "
        f"t = {times[worst + 1]:g} by {missed[worst]:.3g} of its rms, the others by less"
    )
    if missed[worst] > FAR:
        notes.append(
            f"doubtful: the snapshots lie far apart, or something that moved the flow is not in the case ({missed[worst]:.3g} > {FAR})"
        )
    return notes


def _times(times: Array, count: int) -> Array:
    return np.interp(np.arange((len(times) - 1) * (count + 1) + 1) / (count + 1), np.arange(len(times)), times)


def _lay_out(source: h5py.File, file: h5py.File, times: Array) -> None:
    """All but the values of u, v, w."""
    copying.copy_all(source, file, lambda name: name.split("/")[0] in ("fields", "time", ARCHIVE), {})
    copying.copy_attrs(source, file)
    file.attrs.update({"schema": SCHEMA, "complete": np.int32(0)})
    copying.copy_attrs(source["time"], file.create_dataset("time", data=times, maxshape=(None,), chunks=(1024,)))
    names = [f"fields/{name}" for name in VELOCITY]
    for name in names:
        shape = source[name].shape[1:]
        data = file.create_dataset(name, (len(times), *shape), source[name].dtype, maxshape=(None, *shape), chunks=(1, *chunk(shape)))
        copying.copy_attrs(source[name], data)
    copying.attach(source, file, ["time", *names])


def _fill(file: h5py.File, store: Store, equations: Equations, count: int) -> list[float]:
    """Put snapshots and the frames between into ``file``; returns how far each march missed."""
    missed = []
    times = store.times
    before = velocity(store, 0)
    _put(file, 0, before)
    for i in range(len(times) - 1):
        after = velocity(store, i + 1)
        made, off = between(equations, before, after, float(times[i + 1] - times[i]), count)
        for j, values in enumerate(made, i * (count + 1) + 1):
            _put(file, j, values)
        _put(file, (i + 1) * (count + 1), after)
        missed.append(off)
        before = after
    return missed


def _put(file: h5py.File, frame: int, values: Array) -> None:
    for name, one in zip(VELOCITY, values, strict=True):
        file[f"fields/{name}"][frame] = one
