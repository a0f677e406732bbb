"""The bytes of a file of Gmsh's, section by section: numbers as text, by lines, or as binary."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.number_lines import NumberLines
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]


class GmshSource:
    """The file's bytes and a place in them: numbers as text by lines, or as binary."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path, self.data, self.place = path, data, 0
        self.version, self.binary, self._name = 0, False, ""
        self.lines: NumberLines | None = None  # of a section in text
        self.line = 0

    def fault(self, what: str) -> InputError:
        return InputError(f"{self.path.name}, section ${self._name}: {what}")

    def text_line(self) -> bytes:
        end = self.data.find(b"\n", self.place)
        end = len(self.data) if end < 0 else end
        found, self.place = self.data[self.place : end], end + 1
        return found.strip()

    def next_section(self) -> str:
        """The name of the next section; empty at the end. What stands of the section before is passed over."""
        if self._name:
            self.skip()
        while self.place < len(self.data):
            line = self.text_line()
            if line.startswith(b"$"):
                self._name = line[1:].decode("latin-1")
                if self._name in ("NOD", "ELM"):
                    raise InputError(f"{self.path.name} is Gmsh's old format 1: save it as 4.1 or 2.2 (gmsh -save -format msh41)")
                if self.version == 0 and self._name not in ("MeshFormat", "Comments"):
                    raise self.fault("stands before $MeshFormat")
                if self.version and not self.binary and self._name in ("Nodes", "Elements", "Entities"):
                    self.read_numbers()
                return self._name
            if line:
                raise InputError(f"{self.path.name}: {line[:40].decode('latin-1')!r} stands between its sections")
        return ""

    def skip(self) -> None:
        """Go on behind the end of this section."""
        name, self._name = self._name, ""
        end = self.data.find(f"$End{name}".encode("latin-1"), self.place)
        if end < 0:
            raise InputError(f"{self.path.name} ends early: there is no $End{name}")
        self.place = end
        self.text_line()

    def read_numbers(self) -> None:
        """Read what is left of a section in text: all its numbers at once."""
        self.line = 0
        end = self.data.find(b"$End", self.place)
        text = self.data[self.place : end if end >= 0 else len(self.data)]
        self.lines = NumberLines(self.path, text, self.data.count(b"\n", 0, self.place) + 1)

    def read_format(self) -> None:
        words = self.text_line().split()
        if len(words) != 3 or words[1] not in (b"0", b"1"):
            raise self.fault(f"{b' '.join(words)[:40].decode('latin-1')!r} is no version, type and size")
        version = words[0].decode("latin-1")
        if version not in ("2", "2.0", "2.1", "2.2", "4.1"):
            raise InputError(f"{self.path.name} is Gmsh's format {version}: save it as 4.1 or 2.2 (gmsh -save -format msh41)")
        self.version, self.binary = int(version[0]), words[1] == b"1"
        if self.binary and words[2] != b"8":
            raise self.fault(f"binary sizes of {words[2].decode('latin-1')} bytes are not read, 8 are")
        if self.binary and self.data[self.place : self.place + 4] != np.array([1], "<i4").tobytes():
            raise self.fault("binary numbers of the other byte order are not read: save it as text, or on a usual machine")

    def physical_names(self) -> dict[tuple[int, int], str]:
        """Names of physical groups by dimension and tag."""
        found: dict[tuple[int, int], str] = {}
        count = self.text_line()
        if not count.isdigit():
            raise self.fault(f"{count[:40].decode('latin-1')!r} is no number of names")
        for _ in range(int(count)):
            line = self.text_line().decode("utf-8", errors="replace")
            parts = re.fullmatch(r'(\d)\s+(\d+)\s+"(.*)"', line)
            if not parts:
                raise self.fault(f'{line[:40]!r} is no dimension, tag and "name"')
            found[int(parts[1]), int(parts[2])] = parts[3].strip()
        return found

    def take(self, kinds: str, count: int, what: str) -> Array:
        """``count`` rows of numbers: ``kinds`` has i, u or d for each of a row, 4, 8 and 8 bytes; in text a row is a line.

        The result has floats where ``kinds`` has a d, else whole numbers.
        """
        whole = "d" not in kinds
        if self.binary:
            layout = np.dtype([(f"f{i}", {"i": "<i4", "u": "<u8", "d": "<f8"}[kind]) for i, kind in enumerate(kinds)])
            if count < 0 or count * layout.itemsize > len(self.data) - self.place:
                raise self.fault(f"the file ends early: {count} {what} were to come")
            rows = np.frombuffer(self.data, layout, count, self.place)
            self.place += count * layout.itemsize
            if len(set(kinds)) == 1:
                found = rows.view(layout[0]).reshape(count, len(kinds))
            else:
                found = np.stack([rows[name].astype(float) for name in rows.dtype.names or ()], axis=1)
            return found.astype(np.int64) if whole else np.ascontiguousarray(found, float)
        assert self.lines is not None
        found = self.lines.block(self.line, count, len(kinds), what)
        found = self.lines.whole(found, self.line, what) if whole else found
        self.line += count
        return found

    def take_alike(self, head: tuple[int, ...], words: int, most: int) -> Array:
        """Rows (N, words) of whole numbers of the binary records that follow, ``most`` at most, while each has the same ``head``."""
        width, found, chunk = len(head) + words, [np.zeros((0, words), np.int64)], 256
        while (some := min(chunk, most, (len(self.data) - self.place) // (4 * width))) > 0:
            rows = np.frombuffer(self.data, "<i4", some * width, self.place).reshape(some, width)
            other = (rows[:, : len(head)] != head).any(axis=1)
            kept = int(np.argmax(other)) if other.any() else some
            found.append(rows[:kept, len(head) :].astype(np.int64))
            self.place += 4 * width * kept
            most -= kept
            if kept < some:
                break
            chunk *= 4
        return np.concatenate(found)
