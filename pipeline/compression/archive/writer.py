"""Write the file of an archive: the rest of the run's file beside its fields, and their coded blocks with an index and a manifest.

``/fields/NAME`` keeps shape, type, attributes and dimensions, and no values: readers that know nothing of archives see nan there. The
blocks are written last, so that a file that was cut off keeps all else. All but the blocks is packed (`pipeline.store.packed`); where
that is large, it stands open, and the blocks in ``/archive/GROUP/bytes``.
"""

import contextlib
import itertools
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from pipeline.compression.archive import copying, lineage
from pipeline.compression.archive.cut_off import open_hdf5
from pipeline.compression.blocks.cuts import Cut
from pipeline.store import checksums, dimensions, packed
from pipeline.store.disk import hdf5_file
from pipeline.store.layout import ARCHIVE, ARCHIVE_SCHEMA, field_names, part_name

Array = np.ndarray[Any, np.dtype[Any]]

SPARE = 256  # [B] in the manifest, for what is measured after writing
PACKED = {"shuffle": True, **hdf5plugin.Zstd()}
SHUFFLED = {"shuffle": True}  # what is packed anyway
PACKED_MOST = 2**20  # [B] of tables that are packed: they are unpacked whole whenever the archive is opened
OPTIONS = {"libver": ("v110", "v110"), "meta_block_size": 512}  # [B]: HDF5 takes room for what it says of arrays in steps of so many
LEFT_OUT = ("fields", "restart", "xdmf", ARCHIVE)
Table = dict[str, Any]
Places = dict[str, tuple[Any, int]]  # of each group, the dataset that its blocks go to, and where they begin


def write(
    path: Path, source: Path, cuts: Mapping[str, Cut], blocks: Mapping[str, Array], read: Callable[[str, int], bytes], manifest: Table
) -> None:
    """Write the archive at ``path`` (a temporary name) of the run ``source``.

    Parameters
    ----------
    blocks
        Lengths [B] and CRC-32 of the blocks (blocks, 2), by group.
    read
        Group and number to the coded block.
    manifest
        Gets the checksums of the indices, too.
    """
    index = {name: _index(blocks[name]) for name in cuts}
    with open_hdf5(source) as run:
        write_one = _write_open if _weight(run) > PACKED_MOST else _write_packed
        with hdf5_file(path, "w", **OPTIONS) as file:
            places = write_one(file, run, index, manifest)
            file.flush()  # all else stands before the blocks
            for name, table in index.items():
                data, first = places[name]
                for number, (offset, length, _) in enumerate(table):
                    data[first + offset : first + offset + length] = np.frombuffer(read(name, number), np.uint8)
                    file.raw.check()


def _write_open(file: h5py.File, run: h5py.File, index: Mapping[str, Array], manifest: Table) -> Places:
    """All but the blocks; where these go."""
    _beside(run, file, PACKED)
    _tables(file, index, manifest)
    return {name: (file.create_dataset(f"{ARCHIVE}/{name}/bytes", (int(i[:, 1].sum()),), np.uint8), 0) for name, i in index.items()}


def _write_packed(file: h5py.File, run: h5py.File, index: Mapping[str, Array], manifest: Table) -> Places:
    """All but the blocks, packed; where these go: one group behind the other."""
    sizes = [int(table[:, 1].sum()) for table in index.values()]
    firsts = dict(zip(index, itertools.accumulate([0, *sizes]), strict=False))
    image = packed.Image(Path("tables"))
    with h5py.File(image, "w", **OPTIONS) as inner:
        _beside(run, inner, SHUFFLED)
        _tables(inner, {name: np.add(table, (firsts[name], 0, 0)) for name, table in index.items()}, manifest)
    file.attrs["schema"] = np.bytes_(f"{ARCHIVE_SCHEMA}, packed: open it with wavetrain, or wavetrain decompress")
    packed.create(file, image.getvalue())
    data = file.create_dataset(packed.BLOCKS, (sum(sizes),), np.uint8)
    return {name: (data, first) for name, first in firsts.items()}


def _tables(file: h5py.File, index: Mapping[str, Array], manifest: Table) -> None:
    """Indices, and the manifest with their checksums."""
    for name, places in index.items():
        file.create_dataset(f"{ARCHIVE}/{name}/index", data=places)
        manifest["groups"][name]["index_crc32"] = zlib.crc32(places.tobytes())
    told = _packed(manifest)
    file.create_dataset(f"{ARCHIVE}/manifest", (len(told) + SPARE,), np.uint8)
    _put(file, told)


def _weight(run: h5py.File) -> int:
    """Bytes of the data that are copied of a run."""
    items = (item for name, item in checksums.walk(run) if name.split("/")[0] not in LEFT_OUT)
    return sum(item.nbytes for item in items if isinstance(item, h5py.Dataset) and not copying.is_dimension(item))


@contextlib.contextmanager
def _edited(path: Path) -> Iterator[Any]:
    """The closed archive at ``path``, or the file packed in it, to be changed in place."""
    with hdf5_file(path, "r+") as file:
        image = packed.image_of(file)
        if image is None:
            yield file
            return
        content = packed.Image(path, image)
        with h5py.File(content, "r+") as inner:
            yield inner
        packed.replace(file, content.getvalue())


def rewrite_manifest(path: Path, manifest: Table) -> None:
    """Replace the manifest in the closed archive at ``path`` by ``manifest``."""
    with _edited(path) as file:
        _put(file, _packed(manifest))


def _index(blocks: Array) -> Array:
    """Offsets before lengths and checksums, (blocks, 3)."""
    table = np.asarray(blocks, np.int64).reshape(-1, 2)
    return np.column_stack([np.cumsum(table[:, 0]) - table[:, 0], table])


def _packed(manifest: Table) -> bytes:
    return zlib.compress(json.dumps(manifest, separators=(",", ":")).encode(), 9)


def _put(file: h5py.File, packed: bytes) -> None:
    data = file[f"{ARCHIVE}/manifest"]
    data[...] = np.frombuffer(packed.ljust(data.shape[0], b"\0"), np.uint8)
    data.attrs.modify("length_crc32", np.array([len(packed), zlib.crc32(packed)], np.int64))


def _beside(run: h5py.File, file: h5py.File, options: Mapping[str, Any]) -> None:
    """All but the values of the fields."""
    copying.copy_all(run, file, lambda name: name.split("/")[0] in LEFT_OUT, options)
    copying.copy_attrs(run, file)
    if earlier := lineage.of(run):
        file.attrs["archive"] = json.dumps(earlier)
    file.attrs.update({"schema": ARCHIVE_SCHEMA, "complete": np.int32(0), checksums.ATTRIBUTE: checksums.TOLD})
    names = [f"fields/{name}" for name in field_names(run)]
    for name in names:
        item = run[name]
        fill = np.nan if item.dtype.kind == "f" else None
        file.create_dataset(name, item.shape, item.dtype, fillvalue=fill)
        copying.copy_attrs(item, file[name])
    copying.attach(run, file, names)
    dimensions.add_places(file)


def covered(path: Path) -> int:
    """Bytes of the archive at ``path`` before its blocks, which have checksums of their own."""
    with h5py.File(path, "r") as file:
        if packed.IMAGE in file:
            places = [file[packed.BLOCKS].id.get_offset()]
        else:
            places = [group["bytes"].id.get_offset() for group in file[ARCHIVE].values() if isinstance(group, h5py.Group)]
    return min([place for place in places if place is not None], default=path.stat().st_size)


def size(part: Path) -> int:
    """The size [B] that the archive at ``part`` will have once it is published."""
    return part.stat().st_size + checksums.room(covered(part))


def publish(path: Path) -> None:
    """Mark the closed archive as whole and give it its final name."""
    part = part_name(path)
    with _edited(part) as file:
        file.attrs.modify("complete", np.int32(1))  # in place: nothing new stands behind the blocks
    checksums.append(part, covered=covered(part))
    part.replace(path)
