"""Open HDF5 files that were cut off, as far as they go: HDF5 is told the size that they had, else it would not open them."""

import os
from pathlib import Path
from typing import Any

import h5py

from pipeline.store import checksums, packed

SIGNATURE = b"\x89HDF\r\n\x1a\n"
END_PLACE = {0: 40, 1: 44, 2: 28, 3: 28}  # of the file's size in HDF5's superblock, by its version
LARGEST = 2**48  # [B]: a size of more is a damaged number


def open_hdf5(path: Path) -> h5py.File:
    """The HDF5 file at ``path``, for reading; `OSError` where it can't be opened even so."""
    missing = size_before(path)
    return packed.unpacked(path, h5py.File(Padded(path, missing), "r")) if missing else checksums.open_hdf5(path)


def size_before(path: Path) -> int:
    """The size [B] that the file at ``path`` had, where it is smaller now; else 0."""
    with open(path, "rb") as file:
        head = file.read(64)
    if head[:8] != SIGNATURE or len(head) < 64 or head[8] not in END_PLACE:
        return 0
    at = END_PLACE[head[8]]
    end = int.from_bytes(head[at : at + 8], "little")
    return end if path.stat().st_size < end < LARGEST else 0


class Padded(checksums.ReadOnly):
    """A file that was cut off, with the size that it had. A read beyond its end is refused: zeros would be taken for values."""

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        count = min(len(view), max(self._size - self._at, 0))
        data = os.pread(self._raw.fileno(), count, self._at)
        if len(data) < count:
            raise checksums.DamagedFile(f"{self._path} was cut off, and what is asked for stood behind")
        view[:count] = data
        self._at += count
        return count
