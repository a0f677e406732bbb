"""Check that a file is whole and to the schema, and name the first violation (verb ``check``; docs/file_format.md)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (registers the filters)
import numpy as np

from pipeline.core.errors import InputError
from pipeline.store import checksums
from pipeline.store.ensemble import read_header
from pipeline.store.layout import (
    ARCHIVE,
    ARCHIVE_SCHEMAS,
    ENSEMBLE_SCHEMA,
    MESHES,
    RESULT_SCHEMA,
    RUN_SCHEMAS,
    MeshLayout,
    field_names,
    mesh_layout,
    series_names,
)
from pipeline.store.readable import readable
from pipeline.store.reader import open_file

RUN_ATTRS = ("case", "created", "packages", "ranks", "mesh_hash", "Conventions")


def validate(path: Path) -> str:
    """Check that a file is whole and to its schema. Where it has checksums, every byte is read and verified first.

    Parameters
    ----------
    path
        A run, an archive, a stage's result or an ensemble.

    Returns
    -------
    str
        The schema that it keeps.

    Raises
    ------
    InputError
        It keeps none: the message names the file and the first violation.

    Examples
    --------
    >>> validate(Path("runs/ks/run.h5"))
    'wavetrain-2'
    """
    with readable(path):
        known = checksums.table(path)
    for violation in _pages(path, known) if known else ():
        raise InputError(f"{path}: {violation}")
    with readable(path), open_file(path) as file:
        schema = file.attrs.get("schema")
        if schema == ENSEMBLE_SCHEMA:
            read_header(path)
            return ENSEMBLE_SCHEMA
        for violation in _violations(path, file, schema):
            raise InputError(f"{path}: {violation}")
        if known is None and checksums.ATTRIBUTE in file.attrs:
            raise InputError(f"{path}: its checksums are missing: it was cut off at its end, or changed since it was written")
    return str(schema)


def _pages(path: Path, known: checksums.Table) -> Iterator[str]:
    """Damaged pages, and the data that can't be read for them."""
    bad = list(checksums.Checked(path, known).damaged())
    if not bad:
        return
    text = f"{checksums.said(bad[0], bad[0] + 1, known.covered)} damaged (CRC-32)"
    if len(bad) > 1:
        text += f", and {len(bad) - 1} more pages of {checksums.PAGE} bytes"
    yield f"{text}; {_lost(path)}"


def _lost(path: Path) -> str:
    """Arrays of a damaged file that can't be read."""
    names: list[str] = []
    lost: list[str] = []
    try:
        with open_file(path) as file:
            names += [name for name, item in checksums.walk(file) if isinstance(item, h5py.Dataset)]
            for name in names:
                try:
                    for _ in _parts(file[name]):
                        pass
                except checksums.DamagedFile:
                    lost.append(name)
    except checksums.DamagedFile:
        return "HDF5's account of what is where is among them, nothing can be read"
    return f"of {len(names)} arrays these can't be read whole: {', '.join(lost)}" if lost else "all arrays can be read"


def _parts(data: Any) -> Iterator[Any]:
    """The values of a dataset, a first index at a time where that is a frame."""
    yield from data if data.ndim > 1 else [data[()]]


def _violations(path: Path, file: Any, schema: Any) -> Iterator[str]:
    known = (*RUN_SCHEMAS, RESULT_SCHEMA, *ARCHIVE_SCHEMAS)
    if schema not in known:
        yield f"attribute schema is {schema!r}; it must be {' or '.join(map(repr, known))}"
    if file.attrs.get("complete") != 1:
        yield "attribute complete is not 1: the file was not finished"
    if schema == RESULT_SCHEMA:
        yield from _result(file)
        return
    for name in RUN_ATTRS:
        if name not in file.attrs:
            yield f"attribute {name} is missing"
    if "mesh/mesh" not in file:
        yield "mesh/mesh, the topology, is missing"
        return
    layout = mesh_layout(file)
    if layout is None:
        yield f"mesh/mesh has long_name = {file['mesh/mesh'].attrs.get('long_name')!r}; it must be one of {', '.join(MESHES)}"
        return
    yield from _mesh(file, layout)
    yield from _series(file, layout)
    if schema in ARCHIVE_SCHEMAS:
        yield from _blocks(path)


def _blocks(path: Path) -> Iterator[str]:
    """Check every block of an archive by its checksum."""
    from pipeline.compression.archive.reader import DamagedBlock, opened

    held = opened(path)
    damaged: list[str] = []
    count = sum(cut.blocks for cut in held.cuts.values())
    for name, cut in held.cuts.items():
        for number in range(cut.blocks):
            try:
                held.raw(name, cut.block(number))
            except DamagedBlock as error:
                damaged.append(str(error).removeprefix(f"{path}: "))
    if damaged:
        yield f"{damaged[0]}; {len(damaged)} of {count} blocks are, the others can be read"


def _result(file: Any) -> Iterator[str]:
    for name, item in checksums.walk(file):
        if isinstance(item, h5py.Dataset) and "units" not in item.attrs:
            yield f"{name} has no units"


def _mesh(file: Any, layout: MeshLayout) -> Iterator[str]:
    """The arrays of the mesh, their sizes, and that all indices point at something."""
    for name, value in layout.topology.items():
        if np.any(file["mesh/mesh"].attrs.get(name) != value):
            yield f"mesh/mesh has {name} = {file['mesh/mesh'].attrs.get(name)!r}; it must be {value!r}"
    sizes: dict[str, int] = {}
    for name, dims in layout.dimensions.items():
        if f"mesh/{name}" not in file:
            if name in layout.optional:
                continue
            yield f"mesh/{name} is missing"
            return
        data = file[f"mesh/{name}"]
        for dim, size in zip(dims, data.shape, strict=False):
            if sizes.setdefault(dim, size) != size:
                yield f"mesh/{name} has {size} along {dim}; others have {sizes[dim]}"
        for key in layout.attrs[name]:
            if key not in data.attrs:
                yield f"mesh/{name} has no attribute {key}"
    for name, (target, low) in layout.indices.items():
        indices = file[f"mesh/{name}"][...]
        if indices.min() < low or indices.max() >= sizes[target]:
            yield f"mesh/{name} points outside the {sizes[target]} {target}s"
    for name in layout.positive:
        if not (file[f"mesh/{name}"][...] > 0.0).all():
            yield f"mesh/{name} is not above zero everywhere"


def _masked(file: Any) -> set[str]:
    """Fields of a decompressed run with values that are not finite: the archive kept them so, or lost a block."""
    told = json.loads(str(file.attrs.get("archive", "{}")))
    groups = told.get("groups", {}).values() if isinstance(told, dict) else ()
    return {field for group in groups if group.get("not_finite") or group.get("lost") for field in group.get("fields", ())}


def _series(file: Any, layout: MeshLayout) -> Iterator[str]:
    """Times, fields, maxima and gauges: shapes, units, finite values where they must be."""
    if "time" not in file or "fields" not in file:
        yield "time or fields is missing"
        return
    times, sizes = file["time"][...], tuple(file[dim].shape[0] for dim in layout.field_dimensions)
    if not (np.isfinite(times).all() and (np.diff(times) > 0.0).all()):
        yield "time does not rise"
    for group, shape in (("fields", (len(times), *sizes)), ("maxima", sizes)):
        for name in field_names(file) if group == "fields" else file.get(group, {}):
            data = file[group][name]
            if data.shape != shape:
                yield f"{group}/{name} has the shape {data.shape}; it must be {shape}"
            for key in ("units", "long_name", "centre"):
                if key not in data.attrs:
                    yield f"{group}/{name} has no attribute {key}"
    masked = _masked(file)
    for name in () if ARCHIVE in file else field_names(file):
        for frame in range(len(times)):
            if name not in masked and not np.isfinite(file["fields"][name][frame]).all():
                yield f"fields/{name} is not finite in frame {frame}, t = {times[frame]:g} s"
    for group in ("gauges", "statistics"):
        for name in series_names(file.get(group, {})):
            samples, own = file[group]["time"].shape[0], file[group][name].shape[0]
            if own != samples:
                yield f"{group}/{name} has {own} samples; {group}/time has {samples}"
    kept = "archive" in file.attrs or ARCHIVE in file  # an archive drops the last state
    if "restart" not in file and "reference" not in file.attrs and not kept:  # a reference was not run
        yield "restart is missing"
