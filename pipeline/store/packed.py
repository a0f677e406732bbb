"""A small HDF5 file packed into another: the tables of an archive, whose structure would else take more room than its blocks.

The outer file holds two arrays of bytes: ``image``, the inner file compressed (LZMA), and ``blocks`` behind it. Who opens it is handed the
inner file, in memory, and where the blocks are.
"""

import io
import lzma
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.core.errors import InputError

IMAGE, BLOCKS = "image", "blocks"
SPARE = 320  # [B] behind the packed image, for what is noted once the blocks are verified
MOST = 2**26  # [B] of an image; a number larger than that is damaged
WINDOW = 2**20  # [B] that the decoder looks back
FILTERS = [{"id": lzma.FILTER_LZMA2, "dict_size": WINDOW}]


class Image(io.BytesIO):
    """A file in memory, which errors call by the name of its source."""

    def __init__(self, path: Path, content: bytes = b"") -> None:
        super().__init__(content)
        self._path = path

    def __repr__(self) -> str:  # h5py takes it for the file's name
        return str(self._path)


def create(file: h5py.File, image: bytes) -> None:
    """Add ``image`` to the open ``file``, with a little room to spare."""
    packed = _compressed(image)
    file.create_dataset(IMAGE, (len(packed) + SPARE,), np.uint8)
    _put(file, packed)


def replace(file: h5py.File, image: bytes) -> None:
    """Replace the image in the open ``file`` by ``image``; `ValueError` where it takes more room than was spared."""
    _put(file, _compressed(image))


def _compressed(image: bytes) -> bytes:
    window = min(max(1 << len(image).bit_length(), 4096), WINDOW)  # the encoder takes ten times as much
    return lzma.compress(image, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": window}])


def _put(file: h5py.File, packed: bytes) -> None:
    data = file[IMAGE]
    if len(packed) > data.shape[0]:
        raise ValueError(f"{len(packed)} bytes do not fit into {data.shape[0]}")
    data[...] = np.frombuffer(packed.ljust(data.shape[0], b"\0"), np.uint8)
    known = np.array([len(packed), zlib.crc32(packed)], np.int64)
    if "length_crc32" in data.attrs:
        data.attrs.modify("length_crc32", known)
    else:
        data.attrs.create("length_crc32", known)


def image_of(file: h5py.File) -> bytes | None:
    """The inner file of the open ``file``; None where that is none of this kind.

    Raises
    ------
    InputError
        It is damaged.
    """
    if IMAGE not in file or not isinstance(file[IMAGE], h5py.Dataset):
        return None
    data = file[IMAGE]
    raw = data[...].tobytes()
    length, crc = (int(i) for i in data.attrs["length_crc32"])
    if zlib.crc32(raw[:length]) != crc:
        raise InputError(f"{file.filename}: its tables are damaged (CRC-32)")
    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=FILTERS).decompress(raw[:length], MOST)
    except lzma.LZMAError as error:
        raise InputError(f"{file.filename}: its tables are damaged: {error}") from None


def unpacked(path: Path, file: h5py.File) -> Any:
    """The inner file, for reading, of the open ``file`` at ``path``, which is closed; with ``blocks_at`` [B], where the blocks begin in
    it. ``file`` itself where it holds none."""
    try:
        image = image_of(file)
        at = (file[BLOCKS].id.get_offset() or 0) if image is not None else 0
    except BaseException:
        file.close()
        raise
    if image is None:
        return file
    file.close()
    inner = h5py.File(Image(path, image), "r")
    inner.blocks_at = at
    return inner
