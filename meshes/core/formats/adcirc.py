"""ADCIRC's grid (fort.14, .14, .grd): open and land boundaries are the sides; the bed is a depth, positive down.

The format: ADCIRC's user manual, "Grid and Boundary Information File (fort.14)", https://adcirc.org.
"""

from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.file_mesh import FileMesh, VertexField, edges_along, refuse_cells
from meshes.core.number_lines import lines_of, places_of_ids, rows_of
from pipeline.core.errors import InputError
from pipeline.core.remarks import remark

Array = np.ndarray[Any, np.dtype[Any]]

ISLANDS = (1, 11, 21)  # boundary types whose nodes go round
FLOWS = (2, 12, 22, 32, 52)  # where a river comes in
WEIRS = (3, 13, 23)  # water may flow over and is lost
PAIRS = (4, 24, 5, 25)  # weirs and pipes inside: a line of nodes on each side
BARRIERS = "barrier"


def is_one(head: bytes, name: str) -> bool:
    """Whether the second line has two counts, and the third the first node: a number and three values."""
    lines = head.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:3]
    if len(lines) < 3 or (lines[0].strip() and all(word.isdigit() for word in lines[0].split())):  # a title of numbers is Triangle's counts
        return False
    counts, node = lines[1].split(), lines[2].split()
    return len(counts) >= 2 and all(word.isdigit() for word in counts[:2]) and len(node) >= 4 and node[0].isdigit() and b"\0" not in head


def read(path: Path) -> FileMesh:
    """The grid, with sides open_1, open_2, ..., land_1, ..., flow_1, ..., barrier_1, ... and, for all islands, islands.

    Raises
    ------
    InputError
        A line that is broken, a grid that ends early, elements of four nodes, or a node that there is not.
    """
    lines = lines_of(path)
    kept = [i for i, line in enumerate(lines) if line.strip() or i == 0]  # the first is the title, which may be empty
    source = _Lines(path, [lines[i] for i in kept], np.array(kept) + 1)
    elements, nodes = source.counts(2, "numbers of elements and nodes")
    table = source.rows(nodes, 4, "nodes (number x y depth)")
    ids = source.whole(table[:, :1], nodes, "numbers of nodes")[:, 0]
    begun = source.place
    cells = source.whole(source.rows(elements, 5, "elements (number 3 and three nodes)"), elements, "numbers of elements")
    other = cells[:, 1] != 3
    if other.any():
        raise refuse_cells(path, "element of other than three nodes", int(other.sum()), f"element {cells[np.argmax(other), 0]}")

    def where(row: int) -> str:
        return f"line {source.numbers[begun + row]}, element {cells[row, 0]},"

    triangles = places_of_ids(path, ids, cells[:, 2:], "node", where)
    sides = [(name, places_of_ids(path, ids, ends, "node", lambda _, said=name: f"side {said}")) for name, ends in _boundaries(source)]
    depth = VertexField(table[:, 3], {"units": "m", "positive": "down"})
    return FileMesh(table[:, 1:3], triangles, sides, {"depth": depth}, point_ids=ids, cell_ids=cells[:, 0])


class _Lines:
    """Lines that are not blank, and the place among them."""

    def __init__(self, path: Path, lines: list[bytes], numbers: Array) -> None:
        self.path, self.lines, self.numbers, self.place = path, lines, numbers, 1

    def left(self) -> bool:
        return self.place < len(self.lines)

    def counts(self, least: int, what: str) -> list[int]:
        """The whole numbers at the beginning of the next line, ``least`` or more; what follows them is a comment."""
        if not self.left():
            raise InputError(f"{self.path.name} ends early, after line {self.numbers[-1]}: {what} were to come")
        found = []
        for word in self.lines[self.place].split():
            if not word.isdigit():
                break
            found.append(int(word))
        if len(found) < least:
            raise InputError(f"{self.path.name}, line {self.numbers[self.place]}: {what} were to stand here: {self.shown()}")
        self.place += 1
        return found

    def shown(self) -> str:
        return repr(self.lines[self.place].strip()[:60].decode("latin-1"))

    def rows(self, count: int, words: int, what: str) -> Array:
        """``count`` lines of ``words`` numbers, which may go on."""
        end = self.place + count
        found = rows_of(self.path, self.lines[self.place : end], self.numbers[self.place : end])
        self.place = end
        return found.block(0, count, words, what, more=True)

    def whole(self, values: Array, count: int, what: str) -> Array:
        """``values`` of the ``count`` lines before as whole numbers."""
        bad = (values != np.rint(values)).any(axis=1)
        if bad.any():
            self.place += int(np.argmax(bad)) - count
            raise InputError(f"{self.path.name}, line {self.numbers[self.place]}: {what} are whole: {self.shown()}")
        return values.astype(np.int64)


def _boundaries(source: _Lines) -> list[tuple[str, Array]]:
    """Names and edges (N, 2), by the numbers of nodes, of the boundaries; none where the file ends before."""
    found: list[tuple[str, Array]] = []
    if not source.left():
        return found
    segments = source.counts(1, "the number of open boundaries")[0]
    source.counts(1, "the number of all their nodes")
    for number in range(segments):
        count = source.counts(1, f"the number of nodes of open boundary {number + 1}")[0]
        found.append((f"open_{number + 1}", edges_along(_nodes(source, count, 1)[:, 0])))
    if not source.left():
        return found
    segments = source.counts(1, "the number of land boundaries")[0]
    source.counts(1, "the number of all their nodes")
    numbers: dict[str, int] = {}
    for number in range(segments):
        count, kind = source.counts(2, f"the number of nodes of land boundary {number + 1}, and its type")[:2]
        nodes = _nodes(source, count, 2 if kind in PAIRS else 1)
        name = "flow" if kind in FLOWS else BARRIERS if kind in (*PAIRS, *WEIRS) else "land"
        if kind in ISLANDS:
            found.append(("islands", edges_along(nodes[:, 0], closed=True)))
            continue
        numbers[name] = numbers.get(name, 0) + 1
        found += [(f"{name}_{numbers[name]}", edges_along(nodes[:, side])) for side in range(nodes.shape[1])]
    if BARRIERS in numbers:
        remark(f"{source.path.name}: its {numbers[BARRIERS]} barrier(s) are sides; what flows over or through them is not computed")
    return found


def _nodes(source: _Lines, count: int, columns: int) -> Array:
    """The first ``columns`` whole numbers of ``count`` lines."""
    return np.array([source.counts(columns, "a node of a boundary")[:columns] for _ in range(count)], np.int64).reshape(count, columns)
