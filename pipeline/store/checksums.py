"""Checksums of a whole HDF5 file, behind its end, where HDF5 does not look; they are verified as the file is read (docs/file_format.md).

A file gets them once, when it is whole. HDF5 then reads it through `Checked`, which hands on no page that has changed since: no
number is wrong in silence. Pages with HDF5's metadata are noted, and verified before HDF5 sees the file: it crashes (1.10.8)
not only on damaged metadata but also where reading them fails.
"""

import io
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.core.errors import InputError
from pipeline.store import packed

Array = np.ndarray[Any, np.dtype[Any]]

PAGE = 2**14  # [B] that a checksum stands for
SIZE = 4  # [B] of a checksum
AT_ONCE = 64  # pages read at once, and kept of small reads
MAGIC = b"WAVECRC1"
FOOTER = struct.Struct("<8sQQII")  # MAGIC, where the checksums begin, bytes covered, PAGE, CRC-32 of all but the first level
ATTRIBUTE, TOLD = "checksums", "CRC-32 of pages, behind the end of HDF5's part"


class DamagedFile(InputError):
    """Error of a file that is not as written; the message names the file and the place."""


@dataclass(frozen=True, slots=True)
class Table:
    """Place of a file's checksums, in two levels: of the file's pages, and of the first level's pages."""

    begin: int  # [B] the first level's place, and HDF5's end
    covered: int  # [B] that have checksums; an archive's blocks, which stand behind, have their own
    roots: Array  # the second level
    metadata: Array  # numbers of the pages that hold some of HDF5's metadata

    @property
    def end(self) -> int:
        """The end [B] of the first level."""
        return self.begin + SIZE * _pages(self.covered)


def _pages(size: int) -> int:
    return -(-size // PAGE)


def room(covered: int) -> int:
    """Bytes that the checksums of ``covered`` bytes take."""
    first = SIZE * _pages(covered)
    return first + SIZE * _pages(first) + _bits(covered) + FOOTER.size


def _bits(covered: int) -> int:
    """Bytes of a bit a page."""
    return -(-_pages(covered) // 8)


def share(path: Path, rank: int, ranks: int, covered: int | None = None) -> Array:
    """Checksums of this rank's share of the pages of the closed file at ``path``."""
    covered = path.stat().st_size if covered is None else covered
    first, last = (_pages(covered) * i // ranks for i in (rank, rank + 1))
    found = np.empty(last - first, "<u4")
    with open(path, "rb") as file:
        file.seek(first * PAGE)
        left = min(covered, last * PAGE) - first * PAGE
        for i in range(len(found)):
            found[i] = zlib.crc32(file.read(min(PAGE, left)))
            left -= PAGE
    return found


def append(path: Path, sums: Array | None = None, covered: int | None = None) -> None:
    """Write the checksums behind the closed file at ``path``, and bring it to the disk.

    Parameters
    ----------
    sums
        The shares of all ranks; made here where they are not given.
    covered
        The bytes that get checksums, from the start; all where it is not given.
    """
    covered = path.stat().st_size if covered is None else covered
    first = (share(path, 0, 1, covered) if sums is None else sums).astype("<u4").tobytes()
    roots = b"".join(struct.pack("<I", zlib.crc32(first[at : at + PAGE])) for at in range(0, len(first), PAGE))
    roots += np.packbits(_metadata(path, covered), bitorder="little").tobytes()
    with open(path, "r+b") as file:
        head = FOOTER.pack(MAGIC, file.seek(0, os.SEEK_END), covered, PAGE, 0)[:-SIZE]
        file.write(first + roots + head + struct.pack("<I", zlib.crc32(roots + head)))
        file.flush()
        os.fsync(file.fileno())


def _metadata(path: Path, covered: int) -> Array:
    """Mask of the pages of the closed file at ``path`` that HDF5 reads where no value is asked for."""
    noted = np.zeros(_pages(covered), bool)
    with h5py.File(_Noting(path, noted), "r") as file:
        dict(file.attrs)
        for _, item in walk(file):
            dict(item.attrs)
            if isinstance(item, h5py.Dataset):
                item.id.get_storage_size()  # goes through the whole index of the chunks
    return noted


class _Noting(io.FileIO):
    """A file that notes the pages read."""

    def __init__(self, path: Path, noted: Array) -> None:
        super().__init__(path, "r")
        self._noted = noted

    def readinto(self, buffer: Any) -> int:
        start = self.tell()
        count = super().readinto(buffer) or 0
        self._noted[start // PAGE : (start + count - 1) // PAGE + 1] = True
        return count


def table(path: Path) -> Table | None:
    """The checksums of the file at ``path``; None where it has none.

    Raises
    ------
    DamagedFile
        They are damaged.
    """
    with open(path, "rb") as file:
        total = file.seek(0, os.SEEK_END)
        if total < FOOTER.size:
            return None
        file.seek(total - FOOTER.size)
        foot = file.read(FOOTER.size)
        magic, begin, covered, page, crc = FOOTER.unpack(foot)
        if magic != MAGIC:
            return None
        roots = SIZE * _pages(SIZE * _pages(covered))
        held = b""
        if page == PAGE and covered <= begin and begin + room(covered) == total:
            file.seek(total - FOOTER.size - _bits(covered) - roots)
            held = file.read(roots + _bits(covered)) + foot[:-SIZE]
        if zlib.crc32(held) != crc:
            raise DamagedFile(f"{path}: its checksums are damaged")
    bits = np.frombuffer(held, np.uint8, _bits(covered), roots)
    return Table(begin, covered, np.frombuffer(held, "<u4", roots // SIZE), np.flatnonzero(np.unpackbits(bits, bitorder="little")))


class ReadOnly(io.RawIOBase):
    """A file for h5py to read, of which it sees ``size`` bytes; subclasses provide these."""

    def __init__(self, path: Path, size: int) -> None:
        self._raw = open(path, "rb", buffering=0)  # noqa: SIM115  (closed by close)
        self._path, self._size, self._at = path, size, 0

    def __repr__(self) -> str:  # h5py takes it for the file's name
        return str(self._path)

    def close(self) -> None:
        self._raw.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at


class Checked(ReadOnly):
    """The HDF5 part of a file with checksums, for h5py: every page that is read is verified first.

    Raises
    ------
    DamagedFile
        A page has changed since it was written: h5py passes the error on from wherever it reads.
    """

    def __init__(self, path: Path, known: Table) -> None:
        super().__init__(path, known.begin)
        self._table = known
        self._sums: tuple[int, Array] = -1, np.zeros(0, "<u4")  # the last page of checksums, and its number
        self._kept: dict[int, bytes] = {}  # the last pages of small reads

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        count = min(len(view), max(self._size - self._at, 0))
        done = 0
        while done < count:
            data = self._some(self._at, count - done)
            view[done : done + len(data)] = data
            done += len(data)
            self._at += len(data)
        return count

    def _some(self, start: int, count: int) -> memoryview:
        """Read at most ``count`` bytes from ``start``, at least one."""
        if start >= self._table.covered:  # blocks of an archive
            return memoryview(self._read(start, min(count, PAGE * AT_ONCE)))
        first, last = start // PAGE, min((start + count - 1) // PAGE + 1, start // PAGE + AT_ONCE, _pages(self._table.covered))
        if last - first > 1:
            data = self._pages(first, last)
        else:
            data = self._kept.get(first) or self._pages(first, last)
            self._kept[first] = data
            if len(self._kept) > AT_ONCE:
                del self._kept[next(iter(self._kept))]
        return memoryview(data)[start - first * PAGE :][:count]

    def _pages(self, first: int, last: int) -> bytes:
        """Pages ``first`` to ``last`` - 1, verified."""
        data = self._read(first * PAGE, min(last * PAGE, self._table.covered) - first * PAGE)
        view, known = memoryview(data), self._known(first, last)
        found = [zlib.crc32(view[at : at + PAGE]) for at in range(0, len(data), PAGE)]
        if found != known:
            number = first + next(i for i, (one, other) in enumerate(zip(found, known, strict=True)) if one != other)
            raise DamagedFile(f"{self._path}: {said(number, number + 1, self._table.covered)} damaged (CRC-32)")
        return data

    def _known(self, first: int, last: int) -> list[int]:
        """The checksums of pages ``first`` to ``last`` - 1."""
        known: list[int] = []
        while len(known) < last - first:
            number = first + len(known)
            at = number % (PAGE // SIZE)
            self._sum(number)  # reads and verifies the page of checksums that it stands in
            known += self._sums[1][at : at + last - number].tolist()
        return known

    def _sum(self, number: int) -> int:
        page, at = divmod(number, PAGE // SIZE)
        if self._sums[0] != page:
            start = self._table.begin + page * PAGE
            data = self._read(start, min(PAGE, self._table.end - start))
            if zlib.crc32(data) != self._table.roots[page]:
                raise DamagedFile(f"{self._path}: its checksums are damaged")
            self._sums = page, np.frombuffer(data, "<u4")
        return int(self._sums[1][at])

    def _read(self, start: int, count: int) -> bytes:
        data = os.pread(self._raw.fileno(), count, start)
        if len(data) < count:
            raise DamagedFile(f"{self._path} was cut off while it was read")
        return data

    def damaged(self) -> Iterator[int]:
        """The numbers of all pages that are not as written."""
        for number in range(_pages(self._table.covered)):
            try:
                self._pages(number, number + 1)
            except DamagedFile:
                self._sum(number)  # where that is what is damaged, nothing more can be said
                yield number


def walk(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Names and items of all that stands in ``group``, a group before its contents.

    h5py's own ``visit`` calls back from within HDF5, and a page that is refused there ends the process.
    """
    for name in group:
        item = group[name]
        yield before + name, item
        if isinstance(item, h5py.Group):
            yield from walk(item, f"{before}{name}/")


def said(first: int, last: int, covered: int) -> str:
    """Pages ``first`` to ``last`` - 1 in words."""
    return f"bytes {first * PAGE} to {min(last * PAGE, covered) - 1} are"


def open_hdf5(path: Path) -> h5py.File:
    """The HDF5 file at ``path``, for reading, or the file packed in it (`pipeline.store.packed`); verified where it has checksums:
    metadata now, values as they are read."""
    state = path.stat()
    known = _verified(path, state.st_mtime_ns, state.st_size)
    return packed.unpacked(path, h5py.File(path, "r") if known is None else h5py.File(Checked(path, known), "r"))


@lru_cache(maxsize=64)
def _verified(path: Path, changed: int, size: int) -> Table | None:
    """The checksums of the file, whose metadata are whole; once in a process as long as the file does not change."""
    known = table(path)
    if known is not None:
        checked = Checked(path, known)
        for number in known.metadata.tolist():
            checked._pages(number, number + 1)
    return known
