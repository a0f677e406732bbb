"""SMS's and BASEMENT's .2dm: node strings are the sides; the bed is z, positive up.

The format: Aquaveo, "2D Mesh Files *.2dm", https://www.xmswiki.com.
"""

from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.file_mesh import FileMesh, VertexField, edges_along, refuse_cells
from meshes.core.number_lines import lines_of, places_of_ids, rows_of
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

OTHERS = {b"E4Q": "quadrangle", b"E6T": "triangle of six points", b"E8Q": "quadrangle of eight points", b"E9Q": "quadrangle of nine points"}


def is_one(head: bytes, name: str) -> bool:
    """Whether the file begins with the card MESH2D."""
    return head.lstrip()[:6].upper() == b"MESH2D"


def read(path: Path) -> FileMesh:
    """The mesh of cards ND and E3T, with the node strings of cards NS.

    A string's name is what follows its last node; where that is a number, or nothing, nodestring_NUMBER.

    Raises
    ------
    InputError
        A line that is broken, elements of another kind, or a node that there is not.
    """
    cards: dict[bytes, list[int]] = {}
    lines = lines_of(path)
    for i, line in enumerate(lines):
        cards.setdefault(line[:4].split(None, 1)[0].upper() if line[:4].strip() else b"", []).append(i)
    for card, kind in OTHERS.items():
        if card in cards:
            raise refuse_cells(path, kind, len(cards[card]), f"in line {cards[card][0] + 1}")

    def table(card: bytes, words: int, what: str) -> Array:
        rows = cards.get(card, [])
        if not rows:
            raise InputError(f"{path.name} has no card {card.decode()}: {what}")
        found = rows_of(path, (lines[i].split(None, 1)[1] if len(lines[i].split(None, 1)) > 1 else b"" for i in rows), np.array(rows) + 1)
        if len(found) != len(rows):
            raise InputError(f"{path.name}: a card {card.decode()} is empty: {what}")
        return found.block(0, len(rows), words, f"cards {card.decode()} ({what})", more=True)

    nodes, cells = table(b"ND", 4, "number x y z"), table(b"E3T", 4, "number and three nodes")
    for values, card in ((nodes[:, :1], b"ND"), (cells, b"E3T")):
        bad = (values != np.rint(values)).any(axis=1)
        if bad.any():
            raise InputError(f"{path.name}, line {cards[card][int(np.argmax(bad))] + 1}: numbers of nodes and elements are whole")
    ids, cells = nodes[:, 0].astype(np.int64), cells.astype(np.int64)
    triangles = places_of_ids(path, ids, cells[:, 1:], "node", lambda row: f"line {cards[b'E3T'][row] + 1}, element {cells[row, 0]},")
    strings = _strings(path, [(i + 1, lines[i]) for i in cards.get(b"NS", [])])
    sides = [(name, places_of_ids(path, ids, ends, "node", lambda _, said=name: f"node string {said!r}")) for name, ends in strings]
    return FileMesh(nodes[:, 1:3], triangles, sides, {"z": VertexField(nodes[:, 3])}, point_ids=ids, cell_ids=cells[:, 0])


def _strings(path: Path, cards: list[tuple[int, bytes]]) -> list[tuple[str, Array]]:
    """Names and edges (N, 2), by the numbers of nodes, of the node strings: one may go over several lines, its last node is negative."""
    found: list[tuple[str, Array]] = []
    nodes: list[int] = []
    for number, line in cards:
        words = line.split()[1:]
        for place, word in enumerate(words):
            digits = word.removeprefix(b"-")
            if not digits.isdigit():
                raise InputError(f"{path.name}, line {number}: {word.decode('latin-1')[:30]!r} is no number of a node")
            nodes.append(int(digits))
            if word.startswith(b"-"):
                said = b" ".join(words[place + 1 :]).decode("utf-8", errors="replace").strip("\"' ")
                name = f"nodestring_{said or len(found) + 1}" if not said or said.isdigit() else said
                found.append((name, edges_along(np.array(nodes))))
                nodes = []
                break
    if nodes:
        raise InputError(f"{path.name}, line {cards[-1][0]}: the last node string has no end, a negative number")
    return found
