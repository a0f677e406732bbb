"""Go on with an unfinished file whose writer was killed: its whole chunks, found without its metadata, are copied to a new one.

HDF5 changes its metadata in place: a process that is killed leaves it half new and half old, and a reader of such a file fails at once,
much later, or not at all. The chunks of a series are written once, behind the data before, so each checkpoint notes the places of
full chunks (`Written`) with a checksum of each, and holds the samples behind them itself.
"""

import json
import math
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.core.errors import InputError
from pipeline.store.checksums import open_hdf5, walk
from pipeline.store.layout import field_names, series_names

Array = np.ndarray[Any, np.dtype[Any]]

PLACES, BEYOND, CLOSED = "written", "beyond", "closed"  # groups and an attribute of a checkpoint
COLUMNS = 4  # offset [B], size [B], filter mask, CRC-32


class Written:
    """Places of the full chunks of all growing series of a file, as of its last flush.

    ``chunks`` are by the series' names: (chunks, 4) of offset [B], size [B], filter mask and CRC-32, in the order of the series.
    ``beyond`` holds the samples behind the last full chunk, on the lead rank.
    """

    def __init__(self) -> None:
        self.chunks: dict[str, Array] = {}
        self.beyond: dict[str, Array] = {}

    def note(self, file: Any, *, lead: bool, share: tuple[int, int], gather: Callable[[Any], Sequence[Any]]) -> None:
        """Add the data written since the last time to the open ``file``, which was flushed. Collective.

        Parameters
        ----------
        share
            This rank and how many there are: each makes the checksums of its share.
        gather
            Hands the objects of all ranks to every rank.
        """
        with open(file.filename, "rb") as raw:
            for name, data in growing(file):
                known = self.chunks.get(name, np.empty((0, COLUMNS), np.int64))
                places = list(_full_chunks(data, len(known)))
                rows = np.zeros((len(places), COLUMNS), np.int64)
                for i, place in enumerate(places):  # on all ranks, for HDF5 wants metadata to be read alike
                    info = data.id.get_chunk_info_by_coord(place)
                    rows[i] = info.byte_offset, info.size, info.filter_mask, 0
                rank, ranks = share
                for row in rows[rank::ranks]:
                    row[3] = zlib.crc32(os.pread(raw.fileno(), int(row[1]), int(row[0])))
                rows[:, 3] = sum(gather(rows[:, 3].copy()))
                self.chunks[name] = np.concatenate([known, rows])
                first = len(data) // data.chunks[0] * data.chunks[0]
                self.beyond[name] = data[first:] if lead else np.zeros((len(data) - first, *data.shape[1:]), data.dtype)

    def write(self, file: Any, *, lead: bool) -> None:
        """Write it all to the open checkpoint ``file``. Collective."""
        for group, arrays in ((PLACES, self.chunks), (BEYOND, self.beyond)):
            for name, array in arrays.items():
                data = file.create_dataset(f"{group}/{name}", array.shape, array.dtype)
                if lead:
                    data[...] = array

    @classmethod
    def read(cls, file: Any) -> "Written":
        """Read the places and samples in the open checkpoint ``file``."""
        found = cls()
        for group, arrays in ((PLACES, found.chunks), (BEYOND, found.beyond)):
            arrays |= {name: item[...] for name, item in walk(file[group]) if isinstance(item, h5py.Dataset)}
        return found

    def copy(self, old: Path, file: Any) -> None:
        """Fill the empty series of the open ``file`` with the data that ``old`` holds of them.

        Raises
        ------
        InputError
            ``old`` is not as noted: too short, or of another checksum.
        """
        with open(old, "rb") as raw:
            for name, data in growing(file):
                rows, beyond = self.chunks[name], self.beyond[name]
                of_a_row = math.prod(-(-n // c) for n, c in zip(data.shape[1:], data.chunks[1:], strict=True))
                full = len(rows) // of_a_row * data.chunks[0]
                data.resize((full + len(beyond), *data.shape[1:]))
                for place, (offset, size, mask, checksum) in zip(_full_chunks(data), rows.tolist(), strict=True):
                    block = os.pread(raw.fileno(), size, offset)
                    if len(block) != size or zlib.crc32(block) != checksum:
                        raise InputError(f"{old} does not hold what its checkpoint says: {name} from {place[0]} on is another")
                    data.id.write_direct_chunk(place, block, mask)
                data[full:] = beyond


def copy_values(old: Path, file: Any, until: float) -> None:
    """Fill the empty series of the open ``file`` with the data of ``old``, value by value (`pipeline.store.writer.Writer.copy_series`)."""
    with open_hdf5(old) as source:
        kept = int(np.searchsorted(source["gauges/time"][...], until)) if "gauges" in source else 0
        places: Array = np.zeros(0, np.int64)
        if "gauges" in file:
            names = json.loads(source["gauges"].attrs["names"]) if "gauges" in source else []
            places = np.array([names.index(name) if name in names else -1 for name in json.loads(file["gauges"].attrs["names"])])
        for name, data in growing(file):
            count = kept if name.startswith("gauges/") else len(source[name])
            data.resize((count, *data.shape[1:]))
            at_once = max(1, data.chunks[0])
            for first in range(0, count, at_once):
                some = slice(first, min(first + at_once, count))
                if not name.startswith("gauges/") or name == "gauges/time":
                    data[some] = source[name][some]
                    continue
                values = np.full((some.stop - some.start, len(places)), np.nan)
                if name in source and (places >= 0).any():
                    values[:, places >= 0] = source[name][some][:, places[places >= 0]]
                data[some] = values


def growing(file: Any) -> Iterator[tuple[str, Any]]:
    """The series of a run's open file that grow with time, by name."""
    yield "time", file["time"]
    for name in field_names(file):
        yield f"fields/{name}", file[f"fields/{name}"]
    for group in ("gauges", "statistics"):
        for name in series_names(file.get(group, {})):
            yield f"{group}/{name}", file[f"{group}/{name}"]


def _full_chunks(data: Any, first: int = 0) -> Iterator[tuple[int, ...]]:
    """The first place of every full chunk along the growing dimension, in order, from number ``first`` on."""
    grid = (len(data) // data.chunks[0], *(-(-n // c) for n, c in zip(data.shape[1:], data.chunks[1:], strict=True)))
    for number in range(first, math.prod(grid)):
        yield tuple(int(i) * c for i, c in zip(np.unravel_index(number, grid), data.chunks, strict=True))


def stamp(path: Path) -> Array:
    """Size [B] and time of the last change [ns] of a closed file, which tell whether it was touched since."""
    found = path.stat()
    return np.array([found.st_size, found.st_mtime_ns], np.int64)
