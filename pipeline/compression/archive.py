"""Write the file of an archive: what the run's file holds beside its fields, and the coded blocks of these with an index and a manifest.

``/fields/NAME`` keeps shape, type, attributes and dimensions, and no values: readers that know nothing of archives see nan there. The
blocks stand in ``/archive/GROUP/bytes``, written last, so that a file that was cut off keeps all else.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from pipeline import checksums
from pipeline.compression import copying, lineage
from pipeline.compression.blocks import Cut
from pipeline.compression.cut_off import open_hdf5
from pipeline.disk import hdf5_file
from pipeline.layout import ARCHIVE, ARCHIVE_SCHEMA, part_name

Array = np.ndarray[Any, np.dtype[Any]]

SPARE = 256  # [B] in the manifest, for what is measured after writing
PACKED = {"shuffle": True, **hdf5plugin.Zstd()}
METADATA = 512  # [B]: HDF5 takes room for what it says of arrays in steps of so many
LEFT_OUT = ("fields", "restart", "xdmf", ARCHIVE)
Table = dict[str, Any]


def write(
    path: Path, source: Path, cuts: Mapping[str, Cut], blocks: Mapping[str, Array], read: Callable[[str, int], bytes], manifest: Table
) -> None:
    """Write the archive at ``path`` (a temporary name) of the run ``source``.

    Parameters
    ----------
    blocks : of every group, lengths [B] and CRC-32 of its blocks, (blocks, 2)
    read : group and number to the coded block
    manifest : gets the checksums of the indices, too
    """
    with hdf5_file(path, "w", libver=("v110", "v110"), meta_block_size=METADATA) as file, open_hdf5(source) as run:
        _beside(run, file)
        index = {name: _index(blocks[name]) for name in cuts}
        for name, places in index.items():
            file.create_dataset(f"{ARCHIVE}/{name}/index", data=places)
            manifest["groups"][name]["index_crc32"] = zlib.crc32(places.tobytes())
        packed = _packed(manifest)
        file.create_dataset(f"{ARCHIVE}/manifest", (len(packed) + SPARE,), np.uint8)
        _put(file, packed)
        data = {name: file.create_dataset(f"{ARCHIVE}/{name}/bytes", (int(i[:, 1].sum()),), np.uint8) for name, i in index.items()}
        file.flush()  # all else stands before the blocks
        for name, places in index.items():
            for number, (offset, length, _) in enumerate(places):
                data[name][offset : offset + length] = np.frombuffer(read(name, number), np.uint8)
                file.raw.check()


def rewrite_manifest(path: Path, manifest: Table) -> None:
    """Put ``manifest`` in place of the one in the closed archive at ``path``."""
    with hdf5_file(path, "r+") as file:
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


def _beside(run: h5py.File, file: h5py.File) -> None:
    """All but the values of the fields."""
    copying.copy_all(run, file, lambda name: name.split("/")[0] in LEFT_OUT, PACKED)
    copying.copy_attrs(run, file)
    if earlier := lineage.of(run):
        file.attrs["archive"] = json.dumps(earlier)
    file.attrs.update({"schema": ARCHIVE_SCHEMA, "complete": np.int32(0), checksums.ATTRIBUTE: checksums.TOLD})
    names = [f"fields/{name}" for name in run["fields"]]
    for name in names:
        item = run[name]
        fill = np.nan if item.dtype.kind == "f" else None
        file.create_dataset(name, item.shape, item.dtype, fillvalue=fill)
        copying.copy_attrs(item, file[name])
    copying.attach(run, file, names)


def covered(path: Path) -> int:
    """Bytes of the archive at ``path`` before its blocks, which have checksums of their own."""
    with h5py.File(path, "r") as file:
        places = [group["bytes"].id.get_offset() for group in file[ARCHIVE].values() if isinstance(group, h5py.Group)]
    return min([place for place in places if place is not None], default=path.stat().st_size)


def publish(path: Path) -> None:
    """Mark the closed archive as whole and give it its final name."""
    part = part_name(path)
    with hdf5_file(part, "r+") as file:
        file.attrs.modify("complete", np.int32(1))  # in place: nothing new stands behind the blocks
    checksums.append(part, covered=covered(part))
    part.replace(path)
