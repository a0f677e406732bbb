"""Write a run's HDF5 file, alone or with the other ranks; the MPI driver is handed in by the caller.

A file is ``NAME.part`` until it is whole, and is then renamed.
"""

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np

from pipeline.core.errors import InputError
from pipeline.store import checksums, dimensions, xdmf
from pipeline.store import recovery as salvage
from pipeline.store.disk import hdf5_file
from pipeline.store.layout import (
    AT_ONCE,
    FILL,
    GAUGE_CHUNK,
    LARGEST_CHUNK,
    OWN_GAUGES,
    RESULT_SCHEMA,
    SCHEMA,
    TRIANGLES,
    Field,
    MeshLayout,
    StoredSeries,
    field_names,
    part_name,
)
from pipeline.store.recovery import Written

Array = np.ndarray[Any, np.dtype[Any]]


def filter_options(name: str) -> dict[str, Any]:
    """Keywords of ``create_dataset`` for a lossless filter: none, gzip, or a filter of hdf5plugin (zstd, lz4, blosc2).

    Blosc itself is left out: in a collective write it loses chunks that it can't make smaller.
    """
    if name == "none":
        return {}
    if name == "gzip":
        return {"compression": "gzip", "compression_opts": 4, "shuffle": True}
    import hdf5plugin

    chosen = {"zstd": hdf5plugin.Zstd, "lz4": hdf5plugin.LZ4, "blosc2": hdf5plugin.Blosc2}
    if name not in chosen:
        raise InputError(f"no filter {name!r}; there are: none, gzip, {', '.join(chosen)}")
    return {"shuffle": name == "zstd", **chosen[name]()}


class Writer:
    """Writes a run. Every method, unless it says otherwise, is collective where the file is open on several ranks.

    Parameters
    ----------
    path
        The final name; until `finish` the file is ``path`` with ``.part`` appended.
    options
        Keywords for h5py, such as the choice of the MPI driver.
    lead
        Whether this rank writes the arrays that are written once (mesh, gauges).
    resume
        Go on with an unfinished file instead of making a new file.
    """

    def __init__(self, path: Path, *, options: Mapping[str, Any], lead: bool, resume: bool = False) -> None:
        self.path = path
        self.part = part_name(path)
        self._lead = lead
        self._parallel = options.get("driver") == "mpio"
        if resume:
            import hdf5plugin  # noqa: F401  (registers the filters that the file may use)
        self._series: dict[str, Any] = {}
        self._waiting: list[tuple[float, Mapping[str, Array]]] = []  # frames that are written together, and their ``_place``
        self._place: tuple[slice, ...] = ()
        self._at_once = 0  # frames; 0: not known yet
        self._held: int | None = None  # frames in the file; to ask it takes as long as all else of a small frame
        self._file = h5py.File(self.part, "r+" if resume else "w", libver=("v110", "v110"), **options)

    def create(
        self,
        *,
        mesh: Mapping[str, Array],
        fields: Sequence[Field],
        gauges: Sequence[str],
        gauge_places: Array,
        gauge_fields: Sequence[Field],
        maxima: Sequence[Field],
        attrs: Mapping[str, Any],
        shape: tuple[int, ...],
        real: Any,
        chunk: int,
        frames: int,
        compression: str,
        layout: MeshLayout = TRIANGLES,
        own_gauges: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        """Lay the file out: the mesh whole, all series empty. ``shape`` is that of a field at one time, ``chunk`` its values in a chunk;
        of small ones a chunk holds several, but no more than the ``frames`` that are to come. ``own_gauges`` have samples at times of their
        own, of the fields named."""
        file = self._file
        file.attrs.update({"schema": SCHEMA, "Conventions": "CF-1.11 UGRID-1.0", "complete": np.int32(0), **attrs})
        self._create_mesh(mesh, layout, shape)
        time = _growing(file, "time", (), "<f8", (GAUGE_CHUNK,))
        time.attrs.update({"units": "s", "long_name": "simulated time"})  # CF's standard name is of times since a date
        time.make_scale("time")
        # what is packed has one frame a chunk: one that is added to would be packed anew, by several ranks not safely
        together = max(1, min(frames, chunk // math.prod(shape))) if compression == "none" else 1
        for field in fields:
            stored = "<f8" if field.double else real
            data = _growing(file, f"fields/{field.name}", shape, stored, (together, *_chunk(shape, chunk)), compression)
            _describe(data, field, ("time", *layout.field_dimensions), file)
            data.attrs.update(layout.field_attrs)
        for field in maxima:
            data = file.create_dataset(f"maxima/{field.name}", shape, "<f8", fillvalue=np.nan)
            _describe(data, field, layout.field_dimensions, file)
            data.attrs.update(layout.field_attrs)
        if gauges:
            self._create_gauges(gauges, gauge_places, gauge_fields)
            if own_gauges:
                file["gauges"].attrs[OWN_GAUGES] = json.dumps({name: list(names) for name, names in own_gauges.items()})
        file.flush()

    def _create_mesh(self, mesh: Mapping[str, Array], layout: MeshLayout, shape: tuple[int, ...]) -> None:
        file = self._file
        sizes = {dim: array.shape[i] for name, array in mesh.items() for i, dim in enumerate(layout.dimensions[name])}
        sizes |= zip(layout.field_dimensions, shape, strict=True)
        for name, size in sizes.items():
            if layout.dimensions.get(name) == (name,):  # the points of a box along an axis: all groups have these coordinates
                scale = file.create_dataset(name, (size,), "<f8")
                scale.attrs.update(layout.attrs[name])
                scale.make_scale(name)
                if self._lead:
                    scale[...] = mesh[name]
                continue
            scale = file.create_dataset(name, (size,), ">f4")  # a dimension without coordinates, as netCDF-4 writes it
            scale.make_scale(dimensions.NO_VARIABLE.format(size))
        topology = file.create_dataset("mesh/mesh", (), "<i4")
        topology.attrs.update(layout.topology)
        for name, array in mesh.items():
            data = file.create_dataset(f"mesh/{name}", array.shape, array.dtype)
            data.attrs.update(layout.attrs[name])
            if name == "edge_face_connectivity":
                data.attrs["_FillValue"] = np.array([FILL], array.dtype)
            for i, dim in enumerate(layout.dimensions[name]):
                data.dims[i].attach_scale(file[dim])
            if self._lead:
                data[...] = array

    def _create_gauges(self, gauges: Sequence[str], places: Array, fields: Sequence[Field]) -> None:
        group = self._file.create_group("gauges")
        group.attrs["names"] = json.dumps(list(gauges))
        places = np.asarray(places, "<f8")
        where = group.create_dataset("place", places.shape, "<f8")
        where.attrs.update(
            {"units": "degrees", "long_name": "longitude, latitude of each gauge"}
            if "mesh/node_longitude" in self._file
            else {"units": "m", "long_name": "x, y of each gauge"}
        )
        if self._lead:
            where[...] = places
        time = _growing(group, "time", (), "<f8", (GAUGE_CHUNK,))
        time.attrs.update({"units": "s", "long_name": "simulated time of the samples"})
        samples = max(1, min(GAUGE_CHUNK, LARGEST_CHUNK // len(gauges)))
        for field in fields:
            data = _growing(group, field.name, (len(gauges),), "<f8", (samples, len(gauges)))
            data.attrs.update({"units": field.unit, "long_name": field.long_name})

    def create_statistics(self, series: Sequence[StoredSeries], wavenumbers: Array | None) -> None:
        """Begin ``/statistics``: series of samples, or of samples by the shells of ``wavenumbers`` (shells,), where there are shells."""
        group = self._file.create_group("statistics")
        if wavenumbers is not None:
            shells = group.create_dataset("wavenumber", wavenumbers.shape, "<f8")
            shells.attrs.update({"units": "1", "long_name": "wavenumber in the middle of each shell"})
            if self._lead:
                shells[...] = wavenumbers
        time = _growing(group, "time", (), "<f8", (GAUGE_CHUNK,))
        time.attrs.update({"units": "s", "long_name": "simulated time of the samples"})
        for one in series:
            width = wavenumbers.shape if one.by_shell and wavenumbers is not None else ()
            data = _growing(group, one.field.name, width, "<f8", (1 if one.by_shell else GAUGE_CHUNK, *width))
            data.attrs.update({"units": one.field.unit, "long_name": one.field.long_name})

    def append(self, t: float, start: int, stop: int, values: Mapping[str, Array]) -> None:
        """Add a frame at time ``t`` [s]: this rank's rows ``start:stop`` of every field, in mesh order."""
        self.append_block(t, (slice(start, stop),), values)

    def append_block(self, t: float, place: tuple[slice, ...], values: Mapping[str, Array]) -> None:
        """Add a frame at time ``t`` [s]: this rank's ``place`` of every field, the same in all frames.

        Small frames wait in memory until there are enough of them; `flush` and `close` write all.
        """
        self._place = place
        together = self._frames_at_once()
        self._waiting.append((t, values if together == 1 else {name: np.array(block) for name, block in values.items()}))
        if self.frames % together == 0:
            self._write_frames()

    def _frames_at_once(self) -> int:
        """Frames that are written together: `AT_ONCE` bytes on all ranks, whole chunks where these are smaller."""
        if not self._at_once:
            fields = [self._opened(f"fields/{name}") for name in field_names(self._file)]
            count = max(1, AT_ONCE // sum(math.prod(data.shape[1:]) * data.dtype.itemsize for data in fields))
            chunk = max(data.chunks[0] for data in fields)
            self._at_once = max(count // chunk * chunk, min(count, chunk))
        return self._at_once

    def _write_frames(self) -> None:
        """Write the frames that wait."""
        if not self._waiting:
            return
        time = self._opened("time")
        some = slice(self.frames - len(self._waiting), self.frames)
        time.resize((some.stop,))
        if self._lead:
            time[some] = [t for t, _ in self._waiting]
        for name in self._waiting[0][1]:
            data = self._opened(f"fields/{name}")
            data.resize((some.stop, *data.shape[1:]))
            blocks = [values[name] for _, values in self._waiting]
            self._write_block(data, (some, *self._place), blocks[0][None] if len(blocks) == 1 else np.stack(blocks))
        self._waiting.clear()
        self._held = some.stop

    def append_gauges(self, times: Array, values: Mapping[str, Array]) -> None:
        """Add samples at ``times`` (S,) [s]; each of ``values`` (S, gauges) whole on the lead rank."""
        if "gauges" in self._file:
            self._append_series("gauges", times, values)

    def append_statistics(self, times: Array, values: Mapping[str, Array]) -> None:
        """Add samples at ``times`` (S,) [s]; each of ``values`` (S[, shells]) whole on the lead rank."""
        self._append_series("statistics", times, values)

    def _append_series(self, group: str, times: Array, values: Mapping[str, Array]) -> None:
        if not len(times):
            return
        first = self._opened(f"{group}/time").shape[0]
        for name, samples in {"time": times, **values}.items():
            data = self._opened(f"{group}/{name}")
            data.resize((first + len(times), *data.shape[1:]))
            if self._lead:
                data[first:] = samples

    def _opened(self, name: str) -> Any:
        """The series ``name``, which is looked for in the file once: that takes as long as to write a small frame."""
        if name not in self._series:
            self._series[name] = self._file[name]
        return self._series[name]

    def write_maxima(self, place: tuple[slice, ...], values: Mapping[str, Array]) -> None:
        """Set this rank's ``place`` of the running maxima."""
        for name, block in values.items():
            self._write_block(self._file[f"maxima/{name}"], place, block)

    def _write_block(self, data: Any, place: tuple[Any, ...], block: Array) -> None:
        block = np.ascontiguousarray(block, dtype=data.dtype)  # the file's own type: a collective filtered write must not convert
        if self._parallel:
            with data.collective:
                data[place] = block
        else:
            data[place] = block

    def set_attrs(self, attrs: Mapping[str, Any]) -> None:
        """Set attributes of the file."""
        self._file.attrs.update(attrs)

    def write_restart(
        self,
        place: tuple[slice, ...],
        values: Mapping[str, tuple[Array, tuple[int, ...]]],
        common: Mapping[str, Array],
        attrs: Mapping[str, Any],
    ) -> None:
        """Write ``/restart``: this rank's ``place`` of every array (block, shape of the whole), and the data ``common`` to all ranks."""
        group = self._file.require_group("restart")
        group.attrs.update(attrs)
        for name, (block, shape) in values.items():
            self._write_block(group.create_dataset(name, shape, block.dtype), place, block)
        for name, array in common.items():
            data = group.create_dataset(name, array.shape, array.dtype)
            if self._lead:
                data[...] = array

    def flush(self) -> None:
        """Bring all that was written, and the frames that wait, to the file."""
        self._write_frames()
        self._file.flush()

    def note_written(self, written: Written, *, share: tuple[int, int], gather: Callable[[Any], Sequence[Any]]) -> None:
        """Add to ``written`` the chunks flushed since the last time (see `Written.note`)."""
        written.note(self._file, lead=self._lead, share=share, gather=gather)

    def write_written(self, written: Written) -> None:
        """Let a checkpoint hold ``written``."""
        written.write(self._file, lead=self._lead)

    def take_over(self, old: Path, written: Written) -> None:
        """Fill the empty series with the data that ``old`` holds of them (see `Written.copy`)."""
        written.copy(old, self._file)
        self._held = None

    def copy_series(self, old: Path, until: float) -> None:
        """Fill the empty series with the data of the closed file ``old``, however it is laid out; of gauges that it does not have,
        not a number. Samples of gauges at ``until`` [s] or later are left out. On one rank."""
        salvage.copy_values(old, self._file, until)
        self._held = None

    def close(self) -> None:
        """Write the frames that wait, and close the file under its unfinished name."""
        self._write_frames()
        self._series.clear()
        self._file.close()

    @property
    def frames(self) -> int:
        """Number of the frames, with those that wait."""
        if self._held is None:
            self._held = int(self._opened("time").shape[0])
        return self._held + len(self._waiting)


def write_result(path: Path, tables: Mapping[str, Mapping[str, tuple[Array, str, str]]], attrs: Mapping[str, Any]) -> None:
    """Write a stage's result: groups of columns, each (values, unit, long name); whole when it has its final name."""
    with hdf5_file(part_name(path), "w") as file:
        file.attrs.update({"schema": RESULT_SCHEMA, "complete": np.int32(0), **attrs})
        for group, columns in tables.items():
            for name, (values, unit, long_name) in columns.items():
                data = file.create_dataset(f"{group}/{name}", data=values)
                data.attrs.update({"units": unit, "long_name": long_name})
    publish(path)


def publish(path: Path) -> None:
    """Complete a closed file, and give it its checksums and its final name (one rank only)."""
    release(path, complete(path))


def complete(path: Path, *, views: bool = False) -> str:
    """Mark a closed file as whole, for `release`; returns the text of its ``.xdmf``, where it has fields (one rank only).

    ``views`` shows each frame as a dataset of its own, for readers of XDMF without hyperslabs.
    """
    text = ""
    with hdf5_file(part_name(path), "r+") as file:
        if "fields" in file:
            dimensions.add(file)
            xdmf.add_views(file, frames=views)
            text = xdmf.describe(file, path.name)
        file.attrs[checksums.ATTRIBUTE] = checksums.TOLD
        file.attrs["complete"] = np.int32(1)
    return text


def release(path: Path, text: str, sums: Array | None = None) -> None:
    """Give a complete file its checksums, where ``sums`` holds a checksum of each page, and its final name (one rank only)."""
    part = part_name(path)
    checksums.append(part, sums)
    part.replace(path)
    if text:
        write_text(path.with_suffix(".xdmf"), text)


def sync(path: Path) -> None:
    """Flush the file at ``path`` to the disk."""
    with open(path, "rb") as handle:
        os.fsync(handle.fileno())


def write_text(path: Path, text: str) -> None:
    """Write ``text`` under a temporary name, then rename: a file with its final name is whole."""
    part = part_name(path)
    with open(part, "w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    part.replace(path)


def _growing(group: Any, name: str, width: tuple[int, ...], real: Any, chunks: tuple[int, ...], compression: str = "none") -> Any:
    """An empty series that grows along its first dimension.

    Chunks get their place in the file when they are added: else several ranks can't go on with a file that one began (HDF5
    1.10 fails on it, or hangs where there is a filter).
    """
    early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    if compression == "none":
        early.set_fill_time(h5py.h5d.FILL_TIME_NEVER)  # what is within a series is written, and once is enough
    options = filter_options(compression)
    return group.create_dataset(name, (0, *width), real, maxshape=(None, *width), chunks=chunks, dcpl=early, **options)


def _chunk(shape: tuple[int, ...], values: int) -> tuple[int, ...]:
    """The shape of a chunk of at most ``values`` values: whole runs of the last dimensions."""
    found: list[int] = []
    for size in reversed(shape):
        found.append(max(min(size, values), 1))
        values //= size
    return tuple(reversed(found))


def _describe(data: Any, field: Field, dims: tuple[str, ...], file: Any) -> None:
    data.attrs.update({"units": field.unit, "long_name": field.long_name})
    for i, dim in enumerate(dims):
        data.dims[i].attach_scale(file[dim])
