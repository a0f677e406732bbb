"""Triangle's .ele with its .node: markers of edges (.edge), or of segments (.poly), are the sides; attributes of vertices may be the bed.

J. R. Shewchuk, Applied Computational Geometry, LNCS 1148 (1996) 203-222, DOI 10.1007/BFb0014497; the format: Triangle's documentation.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.file_mesh import FileMesh, VertexField, refuse_cells
from meshes.core.number_lines import NumberLines, places_of_ids, text_of
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

ENDINGS = (".ele", ".node", ".edge", ".poly")


def is_one(head: bytes, name: str) -> bool:
    """Whether the file is called as Triangle calls them, and begins with counts: numbers alone tell no format."""
    first = next((line for line in _without_comments(head).splitlines() if line.strip()), b"").split()
    return name.lower().endswith(ENDINGS) and len(first) >= 2 and all(word.isdigit() for word in first)


def read(path: Path) -> FileMesh:
    """The mesh of the file and those of the same name beside it.

    Raises
    ------
    InputError
        No file of vertices or triangles beside it, a line that is broken, or a vertex that there is not.
    """
    vertices = _Table(_companion(path, ".node"))
    count, dimension, attributes, markers = vertices.head(4)
    if dimension != 2:
        raise InputError(f"{vertices.path.name} has {dimension} dimensions; a mesh has two")
    rows = vertices.rows(count, 3 + attributes + min(markers, 1), "vertices (number x y)")
    ids = vertices.whole(rows[:, :1])[:, 0]
    cells = _Table(_companion(path, ".ele"))
    count, corners, *_ = cells.head(2)
    if corners != 3:
        raise refuse_cells(path, f"triangle of {corners} points", count, "in its first line")
    numbers = cells.whole(cells.rows(count, 4, "triangles (number and three vertices)")[:, :4])
    triangles = places_of_ids(cells.path, ids, numbers[:, 1:], "vertex", lambda row: f"triangle {numbers[row, 0]}")
    fields = {f"attribute_{i + 1}": VertexField(rows[:, 3 + i], said=False) for i in range(attributes)}
    return FileMesh(rows[:, 1:3], triangles, _sides(path, ids), fields, point_ids=ids, cell_ids=numbers[:, 0])


def _companion(path: Path, ending: str) -> Path:
    """The file of the same name with another ending."""
    found = path.with_suffix(ending)
    if not found.exists():
        raise InputError(f"{path.name} needs {found.name} beside it")
    return found


def _without_comments(text: bytes) -> bytes:
    return re.sub(rb"#[^\r\n]*", b"", text)


class _Table:
    """Lines of numbers of one file, after each other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = NumberLines(path, _without_comments(text_of(path)))
        self.place = 0
        self._begin = 0

    def head(self, least: int) -> list[int]:
        """The counts of the next line, ``least`` of them: those that are left out are 0."""
        row = self.lines.block(self.place, 1, 1, "counts", more=True)
        words = self.lines.values[self.lines.first[self.place] : self.lines.first[self.place + 1]]
        counts = self.lines.whole(np.concatenate([words, np.zeros(max(least - len(words), 0))])[None], self.place, "counts")[0]
        self.place += len(row)
        return [int(count) for count in counts]

    def rows(self, count: int, words: int, what: str) -> Array:
        """``count`` lines of ``words`` numbers, which may go on."""
        found = self.lines.block(self.place, count, words, what, more=True)
        self._begin, self.place = self.place, self.place + count
        return found

    def whole(self, values: Array) -> Array:
        """``values`` of the rows before as whole numbers."""
        return self.lines.whole(values, self._begin, "numbers of vertices and triangles")


def _sides(path: Path, ids: Array) -> list[tuple[str, Array]]:
    """Edges of each marker but 0, by those of edges, else by those of segments."""
    edges, segments = path.with_suffix(".edge"), path.with_suffix(".poly")
    if edges.exists():
        table = _Table(edges)
        count, markers, *_ = table.head(2)
    elif segments.exists():
        table = _Table(segments)
        count, _, attributes, more = table.head(4)
        table.rows(count, 3 + attributes + min(more, 1), "vertices")
        count, markers, *_ = table.head(2)
    else:
        return []
    if not markers:
        return []
    rows = table.whole(table.rows(count, 4, "edges (number, two vertices and a marker)")[:, :4])
    ends = places_of_ids(table.path, ids, rows[:, 1:3], "vertex", lambda row: f"edge {rows[row, 0]}")
    return [(f"marker_{marker}", ends[rows[:, 3] == marker]) for marker in np.unique(rows[:, 3]) if marker]
