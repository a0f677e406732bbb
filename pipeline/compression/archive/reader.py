"""Read an archive: fields that decode themselves block by block where they are indexed, in any process.

Manifest and indices are read once; a block is then one read from the file, checked by its CRC-32. A file that was cut off is read as far
as it goes: HDF5 would not open it, so its missing part is shown to HDF5 as zeros.
"""

import json
import threading
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.compression.archive.cut_off import open_hdf5
from pipeline.compression.blocks import coding
from pipeline.compression.blocks.cuts import Block, Cut, from_json
from pipeline.core.errors import InputError
from pipeline.store.layout import ARCHIVE, ARCHIVE_SCHEMA, ARCHIVE_SCHEMAS
from pipeline.store.readable import readable

Array = np.ndarray[Any, np.dtype[Any]]
MOST_CACHED = 2**26  # [B] of decoded blocks that a process keeps; always the last one


class DamagedBlock(InputError):
    """Error of a block that is not as written; the message names field, frame and block. Others can be read."""


@dataclass(frozen=True, slots=True)
class Archive:
    """Contents of an archive without decoding: the manifest, and the places of blocks."""

    path: Path
    manifest: Mapping[str, Any]
    cuts: Mapping[str, Cut]
    index: Mapping[str, Array]  # (blocks, 3): offset in the file, length, CRC-32

    def group_of(self, field: str) -> str:
        """The group that holds ``field``."""
        return next(name for name, cut in self.cuts.items() if field in cut.fields)

    def chunks(self, field: str) -> tuple[tuple[int, ...], ...]:
        """The blocks of ``field`` along each of its axes, as dask wants them."""
        cut = self.cuts[self.group_of(field)]
        times = [min(cut.together, cut.frames - a) for a in range(0, cut.frames, cut.together)]
        pieces = [
            np.diff([size * i // count for i in range(count + 1)]).tolist() for size, count in zip(cut.points, cut.pieces, strict=True)
        ]
        return tuple(map(tuple, [times, *([[1] * cut.members] if cut.members else []), *pieces]))

    def raw(self, group: str, block: Block) -> bytes:
        """The coded block; `DamagedBlock` where it is not as written."""
        offset, length, crc = (int(i) for i in self.index[group][block.number])
        with open(self.path, "rb") as file:
            file.seek(offset)
            data = file.read(length)
        if len(data) < length or zlib.crc32(data) != crc:
            why = "cut off" if len(data) < length else "CRC-32"
            fields = ", ".join(self.cuts[group].fields)
            raise DamagedBlock(f"{self.path}: field {fields}, {block.said} is damaged ({why})")
        return data

    def block(self, group: str, number: int) -> Array:
        """The decoded block (components, [frames,] *points); the last few are kept."""
        key = self.path, self.path.stat().st_mtime_ns, group, number
        found = CACHE.get(key)
        if found is None:
            found = self.decoded(group, number)
            CACHE.put(key, found)
        return found

    def decoded(self, group: str, number: int) -> Array:
        """The block decoded anew; `InputError` where it is damaged, or this place can't decode it."""
        block = self.cuts[group].block(number)
        data = self.raw(group, block)
        for name, known in self.manifest["groups"][group].get("weights", {}).items():
            _same_weights(self.path, name, known)
        try:
            return coding.decode(data)
        except InputError as error:
            raise InputError(f"{self.path}: field {', '.join(self.cuts[group].fields)}, {block.said}: {error}") from None

    def read(self, field: str, place: Any) -> Array:
        """Field ``field`` (frames, *dofs) at ``place``, as numpy would index it."""
        group = self.group_of(field)
        cut = self.cuts[group]
        spans, rest = _spans(place, (cut.frames, *cut.dofs))
        found = np.empty([b - a for a, b in spans], cut.dtype)
        for block in cut.touched(spans) if found.size else ():
            values = self.block(group, block.number)[cut.fields.index(field)]
            there = [block.frames, *([(block.member, block.member + 1)] if block.member is not None else []), *block.own]
            held = [block.frames, *([(block.member, block.member + 1)] if block.member is not None else []), *block.held]
            values = values.reshape([b - a for a, b in held])
            common = [(max(a, c), min(b, d)) for (a, b), (c, d) in zip(spans, there, strict=True)]
            source = tuple(slice(a - h, b - h) for (a, b), (h, _) in zip(common, held, strict=True))
            found[tuple(slice(a - s, b - s) for (a, b), (s, _) in zip(common, spans, strict=True))] = values[source]
        return np.asarray(found[rest])


@lru_cache(maxsize=64)
def _same_weights(path: Path, codec: str, known: str) -> None:
    """`InputError` where the archive was made with other weights than the codec's here."""
    here = coding.weights_of(codec)
    if here != known:
        raise InputError(f"{path} was made with weights {known} of codec {codec!r}; here are {here or 'none'}: they do not decode it")


def _spans(place: Any, shape: tuple[int, ...]) -> tuple[list[tuple[int, int]], tuple[Any, ...]]:
    """The box of ``shape`` that holds ``place``, and the index that is left within it."""
    asked = list(place) if isinstance(place, tuple) else [place]
    if any(one is Ellipsis for one in asked):
        at = next(i for i, one in enumerate(asked) if one is Ellipsis)
        asked[at : at + 1] = [slice(None)] * (len(shape) - len(asked) + 1)
    if len(asked) > len(shape):
        raise IndexError(f"too many indices for a field of shape {shape}")
    asked += [slice(None)] * (len(shape) - len(asked))
    spans, rest = [], []
    for one, size in zip(asked, shape, strict=True):
        span, left = _span(one, size)
        spans.append(span)
        rest.append(left)
    return spans, tuple(rest)


def _span(one: Any, size: int) -> tuple[tuple[int, int], Any]:
    if isinstance(one, slice):
        places = range(size)[one]
        if not len(places):
            return (0, 0), slice(0, 0)
        low, high = min(places[0], places[-1]), max(places[0], places[-1]) + 1
        return (low, high), slice(None, None, places.step)
    if np.ndim(one) == 0:
        at = int(one) + (size if int(one) < 0 else 0)
        if not 0 <= at < size:
            raise IndexError(f"index {int(one)} is outside an axis of {size}")
        return (at, at + 1), 0
    many = np.asarray(one)
    if many.dtype == bool:
        many = np.flatnonzero(many)
    if not len(many):
        return (0, 0), slice(0, 0)
    many = np.where(many < 0, many + size, many)
    if many.min() < 0 or many.max() >= size:
        raise IndexError(f"an index is outside an axis of {size}")
    return (int(many.min()), int(many.max()) + 1), many - many.min()


class ArchivedField:
    """A field of an archive as something that decodes itself where it is indexed; it can be sent to another process."""

    def __init__(self, path: str, field: str, shape: tuple[int, ...], dtype: Any) -> None:
        self.path, self.name, self.shape, self.dtype = path, field, shape, dtype
        self.ndim = len(shape)

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """The blocks along each axis, as dask wants them."""
        return opened(self.path).chunks(self.name)

    def __getitem__(self, place: Any) -> Array:
        return opened(self.path).read(self.name, place)


class Cache:
    """The last few decoded blocks, of at most so many bytes; at least one block."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._kept: OrderedDict[Any, Array] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Any) -> Array | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Any, values: Array) -> None:
        with self._lock:
            before = self._kept.pop(key, None)
            self._bytes += values.nbytes - (before.nbytes if before is not None else 0)
            self._kept[key] = values
            while len(self._kept) > 1 and self._bytes > self.most:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._bytes = 0


CACHE = Cache(MOST_CACHED)


def opened(path: str | Path) -> Archive:
    """The archive at ``path``, its manifest and indices read once as long as the file does not change.

    Raises
    ------
    InputError
        No such file, none that is an archive, or its manifest or an index is damaged.
    """
    path = Path(path)
    with readable(path):
        state = path.stat()
    return _opened(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=16)
def _opened(path: Path, changed: int, size: int) -> Archive:
    with readable(path), open_hdf5(path) as file:
        try:
            if (schema := file.attrs.get("schema")) not in ARCHIVE_SCHEMAS:
                raise InputError(f"{path} is no archive: schema {schema!r}, not {ARCHIVE_SCHEMA!r}")
            manifest = read_manifest(file)
            cuts = {name: from_json(group["cut"]) for name, group in manifest["groups"].items()}
            index = {name: _index(file, file[f"{ARCHIVE}/{name}"], manifest["groups"][name]) for name in cuts}
        except InputError:
            raise
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise InputError(f"{path}: the archive is damaged: {error}") from None
    return Archive(path, manifest, cuts, index)


def read_manifest(file: h5py.File) -> dict[str, Any]:
    """The manifest of an open archive; `InputError` where it is damaged."""
    data = file[f"{ARCHIVE}/manifest"]
    raw = data[...].tobytes()
    length, crc = (int(i) for i in data.attrs["length_crc32"])
    if zlib.crc32(raw[:length]) != crc:
        raise InputError(f"{file.filename}: the manifest is damaged (CRC-32)")
    found: dict[str, Any] = json.loads(zlib.decompress(raw[:length]))
    return found


def _index(file: Any, group: h5py.Group, told: Mapping[str, Any]) -> Array:
    index = group["index"][...]
    if zlib.crc32(index.tobytes()) != told["index_crc32"]:
        raise InputError(f"{group.file.filename}: the index of {group.name} is damaged (CRC-32)")
    offset = (group["bytes"].id.get_offset() or 0) if "bytes" in group else file.blocks_at
    return np.column_stack([index[:, 0] + offset, index[:, 1:]])
