"""The blocks of an archive that is being made, one behind the other in a plain file: blocks whole before a crash are not coded again.

A record is a head (magic, number, lengths, CRC-32 of the rest), facts as JSON, and the coded block. A file is for one key, a hash
of all that its blocks depend on.
"""

import json
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAGIC = b"WTBL"
HEAD = struct.Struct("<4sIIQI")  # magic, block, bytes of facts, bytes of data, CRC-32 of block and both


@dataclass(frozen=True, slots=True)
class Record:
    """Place of a block in the journal, and its measured facts."""

    offset: int
    length: int
    facts: Mapping[str, Any]


class Journal:
    """Blocks by number, appended and found again.

    Parameters
    ----------
    path
        Place of the file; a file made for another key is begun anew.
    key
        Hash of all that the blocks depend on.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self.records: dict[int, Record] = {}
        first = MAGIC + key.encode("ascii")
        self._file = open(path, "r+b" if path.exists() else "w+b")  # noqa: SIM115  (closed by __exit__)
        if self._file.read(len(first)) == first:
            self._recover(len(first))
        else:
            self._file.seek(0)
            self._file.truncate()
            self._file.write(first)
            self._file.flush()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def _recover(self, at: int) -> None:
        """Read the records that are whole; the rest behind them is cut off."""
        size = os.fstat(self._file.fileno()).st_size
        while at + HEAD.size <= size:
            magic, number, facts_size, length, crc = HEAD.unpack(self._file.read(HEAD.size))
            if magic != MAGIC or at + HEAD.size + facts_size + length > size:
                break
            body = self._file.read(facts_size + length)
            if _checksum(number, body) != crc:
                break
            self.records[number] = Record(at + HEAD.size + facts_size, length, json.loads(body[:facts_size]))
            at += HEAD.size + facts_size + length
        self._file.seek(at)
        self._file.truncate()

    def append(self, number: int, data: bytes, facts: Mapping[str, Any]) -> None:
        """Add a block; it is on its way to the disk when this returns."""
        text = json.dumps(facts).encode()
        at = self._file.seek(0, os.SEEK_END)
        body = text + data
        self._file.write(HEAD.pack(MAGIC, number, len(text), len(data), _checksum(number, body)) + body)
        self._file.flush()
        self.records[number] = Record(at + HEAD.size + len(text), len(data), facts)

    def read(self, number: int) -> bytes:
        """The block ``number``."""
        record = self.records[number]
        self._file.seek(record.offset)
        return self._file.read(record.length)


def _checksum(number: int, body: bytes) -> int:
    return zlib.crc32(body, number)
