"""Read a run's HDF5 file: everything is lazy, and dask arrays open the file anew, so they can go to other processes.

``wavetrain.open("run.h5").field("depth")`` is a dask array (frames, cells); on a box (frames, members, points), in
a cube (frames, z, y, x).
"""

import contextlib
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.core.errors import InputError
from pipeline.store.checksums import DamagedFile, open_hdf5, walk
from pipeline.store.layout import ARCHIVE_SCHEMAS, BLOCK, OWN_GAUGES, RUN_SCHEMAS, SCHEMA, UPLIFT, Field, field_names, series_names, unit_of
from pipeline.store.readable import readable
from pipeline.store.recovery import Written

Array = np.ndarray[Any, np.dtype[Any]]


class Store:
    """A run's file, or an archive of one, open for reading.

    Fields are lazy: `field` returns a dask array, which opens the file anew where it is computed, in another process too. An archive
    decodes the blocks that are asked for, and no others.

    Parameters
    ----------
    path
        The file: ``run.h5``, or an archive that `wavetrain compress` made of it.

    Raises
    ------
    InputError
        No such file, no HDF5, or not to the schema (docs/file_format.md).

    Examples
    --------
    >>> with Store("runs/ks/run.h5") as run:
    ...     u = run.field("u")  # a dask array (frames, members, points): nothing is read yet
    ...     last = u[-1].compute()
    ...     seconds = run.times
    >>> u.shape, last.shape, seconds.tolist()
    ((3, 2, 64), (2, 64), [0.0, 1.0, 2.0])
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with readable(self.path):
            self._file = open_file(self.path)
        if self._file.attrs.get("schema") not in (*RUN_SCHEMAS, *ARCHIVE_SCHEMAS):
            schema = self._file.attrs.get("schema")
            self._file.close()
            raise InputError(f"{path} is not a Wavetrain file: schema {schema!r}, not {SCHEMA!r}")

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def attrs(self) -> dict[str, Any]:
        """The file's attributes."""
        return dict(self._file.attrs)

    @property
    def is_archive(self) -> bool:
        """Whether its fields are coded (docs/compress.md); they decode themselves where they are read."""
        return bool(self._file.attrs["schema"] in ARCHIVE_SCHEMAS)

    @property
    def complete(self) -> bool:
        """Whether the file was finished: false for a run that was stopped."""
        return bool(self._file.attrs["complete"])

    @property
    def mesh_kind(self) -> str:
        """The kind of mesh: triangles, line, plane or cube."""
        return str(self._file["mesh/mesh"].attrs["long_name"])

    @property
    def times(self) -> Array:
        """Times of the frames (frames,) [s]."""
        return np.asarray(self._file["time"][:])

    @property
    def fields(self) -> dict[str, Field]:
        """The stored fields by name."""
        return _fields(self._file["fields"], field_names(self._file)) if "fields" in self._file else {}

    def field(self, name: str) -> Any:
        """Open field ``name`` as a dask array, in blocks of 8 MiB or more of the file's own chunks; of an archive, in its blocks.

        Parameters
        ----------
        name
            One of `fields`.

        Returns
        -------
        Any
            The lazy array, in the field's unit: (frames, cells) on triangles, (frames, members, points) on a line, (frames, members, y, x)
            on a plane, (frames, z, y, x) in a cube.

        Raises
        ------
        InputError
            There is no such field; the message lists all there are.
        """
        return self._lazy("fields", name)

    def source(self, name: str) -> Any:
        """Open field ``name`` for tasks that choose their own blocks.

        Parameters
        ----------
        name
            One of `fields`.

        Returns
        -------
        Any
            An object with ``shape``, ``dtype`` and ``ndim``, which reads itself where it is indexed, in another process too.

        Raises
        ------
        InputError
            There is no such field; the message lists all there are.
        """
        return self._source("fields", name)

    def field_attrs(self, name: str) -> dict[str, Any]:
        """Read the attributes of a field.

        Parameters
        ----------
        name
            One of `fields`.

        Returns
        -------
        dict[str, Any]
            ``units``, ``long_name``, ``centre`` and others.
        """
        return dict(self._file[f"fields/{name}"].attrs)

    def maximum(self, name: str) -> Any:
        """Open a running maximum of the run as a dask array.

        Parameters
        ----------
        name
            Such as ``"depth"``, or ``"arrival"``, the time [s] at which the wave came.

        Returns
        -------
        Any
            The lazy array (cells,), in the field's unit.

        Raises
        ------
        InputError
            There is no such maximum; the message lists all there are.
        """
        return self._lazy("maxima", name)

    @property
    def maxima(self) -> dict[str, Field]:
        """Running maxima of the run by name, with the wave's ``arrival``."""
        group = self._file.get("maxima", {})
        return {name: Field(name, unit_of(group[name]), str(group[name].attrs.get("long_name", name))) for name in group}

    def mesh(self, *names: str) -> dict[str, Array]:
        """Read the mesh.

        Parameters
        ----------
        *names
            The arrays to read, of those that there are; all of them without any.

        Returns
        -------
        dict[str, Array]
            Its arrays by their UGRID names, in mesh order: ``node_x`` (V,) [m], ``face_node_connectivity`` (T, 3), and so on; of a box
            ``x`` (points,), ``y``, ``z``, and ``length`` (axes,).
        """
        group = self._file["mesh"]
        return {name: group[name][...] for name in group if group[name].shape and (not names or name in names)}

    def highest_bed(self) -> Array:
        """Read the bed at its highest.

        Returns
        -------
        Array
            Height of the bed (T,) [m], raised where a source lifted it, by as much as in the frame with most.
        """
        bed: Array = self.mesh("bed")["bed"]
        highest = np.zeros(len(bed))
        for frame in range(len(self.times)) if UPLIFT in self.fields else ():
            np.maximum(highest, self.source(UPLIFT)[(frame,)], out=highest)
        return bed + highest

    def last_bed(self) -> Array:
        """Read the bed as it is in the last frame.

        Returns
        -------
        Array
            Height of the bed (T,) [m].
        """
        bed: Array = self.mesh("bed")["bed"]
        return bed + self.source(UPLIFT)[(len(self.times) - 1,)] if UPLIFT in self.fields else bed

    @property
    def gauges(self) -> dict[str, tuple[float, ...]]:
        """Places [m] of the gauges by name."""
        if "gauges" not in self._file:
            return {}
        group = self._file["gauges"]
        return {name: tuple(place) for name, place in zip(json.loads(group.attrs["names"]), group["place"][...].tolist(), strict=True)}

    @property
    def gauge_fields(self) -> dict[str, Field]:
        """Fields that were sampled at the gauges, by name."""
        group = self._file.get("gauges", {})
        names = [name for name in series_names(group) if name != "time"] if group else []
        return {name: Field(name, unit_of(group[name]), str(group[name].attrs["long_name"])) for name in names}

    def gauge(self, name: str, field: str = "free_surface") -> tuple[Any, Any]:
        """Open the samples at a gauge.

        Parameters
        ----------
        name
            One of `gauges`.
        field
            The sampled field.

        Returns
        -------
        tuple[Any, Any]
            Times (S,) [s] and samples (S,) in the field's unit, lazy dask arrays.

        Raises
        ------
        InputError
            There is no such gauge, or no such field; the message lists all there are.
        """
        names = list(self.gauges)
        if name not in names:
            raise InputError(f"{self.path} has no gauge {name!r}; there are: {', '.join(names)}")
        own = json.loads(str(self._file["gauges"].attrs.get(OWN_GAUGES, "{}")))
        if name in own:
            return self._own_samples(name, names.index(name), field, own[name])
        return self._lazy("gauges", "time"), self._lazy("gauges", field)[:, names.index(name)]

    def _own_samples(self, name: str, column: int, field: str, chosen: Sequence[str]) -> tuple[Any, Any]:
        """The samples of a gauge with times of its own: elsewhere there is nan."""
        import dask.array

        if field in self.gauge_fields and field not in chosen:
            raise InputError(f"gauge {name!r} of {self.path} has no {field!r}; there are: {', '.join(chosen)}")
        values = np.asarray(self._source("gauges", field)[:, column])
        there = ~np.isnan(values)
        return dask.array.from_array(self.gauge_times[there]), dask.array.from_array(values[there])

    @property
    def gauge_times(self) -> Array:
        """Times (S,) [s] at which any gauge has a sample."""
        return np.asarray(self._file["gauges/time"][...]) if "gauges" in self._file else np.zeros(0)

    def gauge_samples(self, field: str) -> Array:
        """Read the samples of a field at all gauges.

        Parameters
        ----------
        field
            One of `gauge_fields`.

        Returns
        -------
        Array
            Samples (S, gauges) at `gauge_times`, in the field's unit; nan where a gauge has none.

        Raises
        ------
        InputError
            There is no such field; the message lists all there are.
        """
        return np.asarray(self._source("gauges", field)[...])

    @property
    def statistics(self) -> dict[str, Field]:
        """Statistics of the whole field that were noted as the run went, by name."""
        group = self._file.get("statistics", {})
        names = [name for name in group if name == "wavenumber" or name in series_names(group)]
        return {name: Field(name, unit_of(group[name]), str(group[name].attrs["long_name"])) for name in names}

    def statistic(self, name: str) -> Any:
        """Open a statistic of the whole field, sampled as the run went.

        Parameters
        ----------
        name
            One of `statistics`, or ``"time"``, the times of the samples [s].

        Returns
        -------
        Any
            The lazy array (S,), or (S, shells) by shells of ``wavenumber``, in the statistic's unit.

        Raises
        ------
        InputError
            There is no such statistic; the message lists all there are.
        """
        return self._lazy("statistics", name)

    def statistic_values(self, name: str) -> Array:
        """Read a whole statistic, as `statistic` opens it.

        Parameters
        ----------
        name
            One of `statistics`, or ``"time"``, the times of the samples [s].

        Returns
        -------
        Array
            Its samples (S,) or (S, shells), in the statistic's unit.

        Raises
        ------
        InputError
            There is no such statistic; the message lists all there are.
        """
        return np.asarray(self._source("statistics", name)[...])

    @property
    def has_restart(self) -> bool:
        """Whether the last whole state is kept."""
        return "restart" in self._file

    def restart(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Read the last whole state, from which the run can go on.

        Returns
        -------
        tuple[dict[str, Array], dict[str, Any]]
            Arrays by name, (rows, ...) as the solver's model saved them, and attributes: ``t`` [s], ``step``, and so on.

        Raises
        ------
        InputError
            The file holds none, such as that of an archive.
        """
        if "restart" not in self._file:
            raise InputError(f"{self.path} holds no restart")
        group = self._file["restart"]
        return {name: data[...] for name, data in group.items()}, dict(group.attrs)

    def written(self) -> Written:
        """Read a checkpoint's notes on the unfinished file beside it.

        Returns
        -------
        Written
            Places of the full chunks, and the samples behind them.
        """
        return Written.read(self._file)

    def _source(self, group: str, name: str) -> Any:
        known = list(self._file.get(group, {}))
        if name not in known:
            raise InputError(f"{self.path} has no {group}/{name}; there are: {', '.join(known)}")
        data = self._file[f"{group}/{name}"]
        if group == "fields" and self.is_archive:
            from pipeline.compression.archive import reader

            return reader.ArchivedField(str(self.path), name, data.shape, data.dtype)
        return StoredArray(str(self.path), f"{group}/{name}", data.shape, data.dtype, data.chunks)

    def _lazy(self, group: str, name: str) -> Any:
        import dask.array

        source = self._source(group, name)
        if isinstance(source, StoredArray):
            data = self._file[source.name]
            chunks: Any = _blocks(data.shape, data.chunks, data.dtype.itemsize) if data.chunks else data.shape
        else:
            chunks = source.chunks
        return dask.array.from_array(source, chunks=chunks, name=False)


def _blocks(shape: tuple[int, ...], chunks: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Blocks of whole ``chunks`` and at least `BLOCK` bytes, the last dimensions filled up first: a task for each chunk would take longer
    than to read it."""
    found = [min(chunk, size) for chunk, size in zip(chunks, shape, strict=True)]
    for axis in reversed(range(len(shape))):
        wanted = -(-BLOCK // max(math.prod(found) * itemsize, 1))  # times as many values
        found[axis] = min(found[axis] * wanted, shape[axis])
    return tuple(found)


class StoredArray:
    """An array in a file, opened anew by each reader: it can be sent to another process."""

    def __init__(self, path: str, name: str, shape: tuple[int, ...], dtype: Any, stored: tuple[int, ...] | None = None) -> None:
        self.path, self.name, self.shape, self.dtype = path, name, shape, dtype
        self.ndim = len(shape)
        self.stored = stored  # the file's own chunks, which are read whole

    def __getitem__(self, place: Any) -> Array:
        return read_all([self], place)[0]


def read_all(sources: Sequence[StoredArray], place: Any) -> list[Array]:
    """Each of ``sources``, which are of one file, at ``place``; the file is opened once."""
    import hdf5plugin  # noqa: F401  (registers the filters)

    found: list[Array] = []
    try:
        with readable(sources[0].path), open_hdf5(Path(sources[0].path)) as file:
            for source in sources:
                found.append(np.asarray(file[source.name][place]))
    except DamagedFile as error:
        raise DamagedFile(f"{error}, in {sources[len(found)].name}") from None
    return found


def open_file(path: Path) -> Any:
    """The file at ``path``. A cut-off file opens only where it is an archive, whose whole blocks can be read."""
    try:
        return open_hdf5(path)
    except OSError:
        from pipeline.compression.archive import cut_off

        if path.is_file() and cut_off.size_before(path):
            file = cut_off.open_hdf5(path)
            with contextlib.suppress(KeyError, RuntimeError):  # what HDF5 says of the file may be cut off too
                if file.attrs.get("schema") in ARCHIVE_SCHEMAS:
                    return file
            file.close()
        raise


def _fields(group: Any, names: Iterable[str]) -> dict[str, Field]:
    return {name: Field(name, unit_of(group[name]), str(group[name].attrs["long_name"])) for name in names}


def read_result(path: Path) -> dict[str, dict[str, Array]]:
    """The tables of a stage's ``result.h5``: group to column to values."""
    tables: dict[str, dict[str, Array]] = {}
    with readable(path), open_hdf5(path) as file:
        for name, item in walk(file):
            if isinstance(item, h5py.Dataset):
                group, _, column = name.rpartition("/")
                tables.setdefault(group, {})[column] = item[...]
    return tables


def open(path: str | Path) -> Store:  # noqa: A001  (wavetrain.open reads as h5py's and xarray's do)
    """Open the run at ``path`` for reading.

    Parameters
    ----------
    path
        The file: ``run.h5``, or an archive that `wavetrain compress` made of it.

    Returns
    -------
    Store
        The open file, a context manager.

    Raises
    ------
    InputError
        No such file, no HDF5, or not to the schema.

    Examples
    --------
    >>> import wavetrain
    >>> with wavetrain.open("runs/ks/run.h5") as run:
    ...     print(run.mesh_kind, {name: field.unit for name, field in run.fields.items()}, len(run.times))
    line {'u': '1'} 3
    """
    return Store(path)
