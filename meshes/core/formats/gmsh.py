"""Gmsh's MSH 2.2 and 4.1, text and binary: physical curves are the sides; z, where it is not even, the bed.

C. Geuzaine, J.-F. Remacle, Int. J. Numer. Meth. Eng. 79 (2009) 1309-1331, DOI 10.1002/nme.2579; the format: Gmsh's reference manual, "MSH
file format".
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.file_mesh import FileMesh, VertexField, refuse_cells
from meshes.core.gmsh_source import GmshSource
from meshes.core.number_lines import places_of_ids
from pipeline.core.errors import InputError
from pipeline.reading.text_table import bytes_of

Array = np.ndarray[Any, np.dtype[Any]]

LINE, TRIANGLE, POINT = 1, 2, 15
CORNERS = {LINE: 2, TRIANGLE: 3, 3: 4, 4: 4, 5: 8, 6: 6, 7: 5, 8: 3, 9: 6, 10: 9, 11: 10, 16: 8, POINT: 1, 20: 9, 21: 10, 26: 4}
NAMES = {3: "quadrangle", 4: "tetrahedron", 8: "curve of three points", 9: "triangle of six points"}


def is_one(head: bytes, name: str) -> bool:
    """Whether the file begins as Gmsh's."""
    return head.lstrip().startswith((b"$MeshFormat", b"$Comments", b"$NOD"))


def read(path: Path) -> FileMesh:
    """The mesh of the file's triangles, with its physical curves.

    Raises
    ------
    InputError
        Another version, a line or a section that is broken, cells that are no triangles, or a node that there is not.
    """
    sections = dict(_sections(path))
    for name in ("Nodes", "Elements"):
        if name not in sections:
            raise InputError(f"{path.name} has no section ${name}")
    ids, places = sections["Nodes"]
    blocks: list[tuple[int, Array, Array, Array]] = sections["Elements"]  # type, physical tags, ids, nodes
    for kind, _, numbers, _ in blocks:
        if kind not in (LINE, TRIANGLE, POINT):
            raise refuse_cells(path, NAMES.get(kind, f"cell of Gmsh's type {kind}"), len(numbers), f"element {numbers[0]}")
    if not any(kind == TRIANGLE for kind, *_ in blocks):
        raise InputError(f"{path.name} has no triangle; in Gmsh, physical surfaces decide what is saved")

    def joined(kind: int) -> tuple[Array, Array, Array]:
        chosen = [block[1:] for block in blocks if block[0] == kind]
        if not chosen:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, CORNERS[kind]), np.int64)
        tags, numbers, nodes = (np.concatenate(arrays) for arrays in zip(*chosen, strict=True))
        return tags, numbers, places_of_ids(path, ids, nodes, "node", lambda row: f"element {numbers[row]}")

    (curves, _, lines), (_, cells, triangles) = joined(LINE), joined(TRIANGLE)
    names = sections.get("PhysicalNames", {})
    sides = [(names.get((1, int(tag)), f"physical_{tag}"), lines[curves == tag]) for tag in np.unique(curves) if tag]
    fields = {"z": VertexField(places[:, 2])} if len(places) and np.ptp(places[:, 2]) > 0.0 else {}
    fields |= {name: VertexField(_at_nodes(path, ids, *data), said=False) for name, data in sections.get("NodeData", {}).items()}
    return FileMesh(places[:, :2], triangles, sides, fields, third=places[:, 2], point_ids=ids, cell_ids=cells)


def _at_nodes(path: Path, ids: Array, numbers: Array, values: Array) -> Array:
    """Values (V,) at all nodes, nan where the file has none."""
    found = np.full(len(ids), np.nan)
    found[places_of_ids(path, ids, numbers, "node", lambda row: f"line {row + 1} of $NodeData")] = values
    return found


def _sections(path: Path) -> Iterator[tuple[str, Any]]:
    """The sections that are read, by name: one after the other, for binary data may hold any sign."""
    data = bytes_of(path).removeprefix(b"\xef\xbb\xbf")
    source = GmshSource(path, data)
    entities: dict[tuple[int, int], int] = {}
    views: dict[str, tuple[Array, Array]] = {}
    while name := source.next_section():
        if name == "MeshFormat":
            source.read_format()
        elif name == "PhysicalNames":
            yield name, source.physical_names()
        elif name == "Entities":
            entities = _entities(source)
        elif name == "Nodes":
            yield name, (_nodes_2 if source.version == 2 else _nodes_4)(source)
        elif name == "Elements":
            yield name, _elements_2(source) if source.version == 2 else _elements_4(source, entities)
        elif name == "NodeData":
            title, found = _node_data(source)
            views |= {title: found} if found else {}
        else:
            source.skip()
    yield "NodeData", views


def _count(source: GmshSource, what: str) -> int:
    """The number of ``what`` of a section of version 2, which stands in a line of its own in binary files too."""
    if source.binary:
        word = source.text_line()
        if not word.isdigit():
            raise source.fault(f"{word[:40].decode('latin-1')!r} is no number of {what}")
        return int(word)
    return int(source.take("u", 1, what)[0, 0])


def _nodes_2(source: GmshSource) -> tuple[Array, Array]:
    rows = source.take("iddd", _count(source, "nodes"), "nodes (number x y z)")
    if not (rows[:, 0] == np.rint(rows[:, 0])).all():
        raise source.fault(f"the number of the node {rows[np.argmax(rows[:, 0] != np.rint(rows[:, 0])), 0]} is not whole")
    return rows[:, 0].astype(np.int64), rows[:, 1:]


def _nodes_4(source: GmshSource) -> tuple[Array, Array]:
    blocks, total, *_ = source.take("uuuu", 1, "numbers of blocks and nodes")[0]
    ids, places = [], []
    for _ in range(blocks):
        _, _, parametric, count = _head(source, "a block of nodes")
        if parametric:
            raise source.fault("nodes with parametric coordinates are not read: save it without (Mesh.SaveParametric = 0)")
        ids.append(source.take("u", count, "numbers of nodes")[:, 0])
        places.append(source.take("ddd", count, "nodes (x y z)"))
    if sum(map(len, ids)) != total:
        raise source.fault(f"{sum(map(len, ids))} nodes stand where {total} were to")
    return np.concatenate([np.zeros(0, np.int64), *ids]), np.concatenate([np.zeros((0, 3)), *places])


def _head(source: GmshSource, what: str) -> tuple[int, int, int, int]:
    """The head of a block of version 4: three integers and a count."""
    dim, tag, kind, count = (int(value) for value in source.take("iiiu", 1, what)[0])
    if not 0 <= dim <= 3:
        raise source.fault(f"{what} begins with a dimension of {dim}")
    return dim, tag, kind, count


def _entities(source: GmshSource) -> dict[tuple[int, int], int]:
    """The first physical tag of each entity that has one, by dimension and tag."""
    found = {}
    counts = source.take("uuuu", 1, "numbers of entities")[0]
    for dim, count in enumerate(counts):
        for _ in range(int(count)):
            row = _entity(source, dim)
            if len(row[1]):
                found[dim, row[0]] = abs(int(row[1][0]))
    return found


def _entity(source: GmshSource, dim: int) -> tuple[int, Array]:
    """An entity's tag and its physical tags."""
    box = 3 if dim == 0 else 6
    if not source.binary:
        assert source.lines is not None
        if source.line >= len(source.lines):
            raise source.fault("entities are missing")
        words = source.lines.values[source.lines.first[source.line] : source.lines.first[source.line + 1]]
        source.line += 1
        physical = int(words[1 + box]) if len(words) > 1 + box else -1
        if physical < 0 or len(words) < 2 + box + physical:
            raise source.fault(f"line {source.lines.number[source.line - 1]} is no entity: {source.lines.shown(source.line - 1)}")
        return int(words[0]), words[2 + box : 2 + box + physical]
    tag = int(source.take("i", 1, "tags")[0, 0])
    source.take("d" * box, 1, "boxes")
    tags = source.take("i", int(source.take("u", 1, "counts")[0, 0]), "physical tags")[:, 0]
    if dim:
        source.take("i", int(source.take("u", 1, "counts")[0, 0]), "bounds")
    return tag, tags


def _corners(source: GmshSource, kind: int) -> int:
    if kind not in CORNERS:
        raise source.fault(f"elements of Gmsh's type {kind} are not read: triangles and lines are")
    return CORNERS[kind]


def _elements_4(source: GmshSource, entities: dict[tuple[int, int], int]) -> list[tuple[int, Array, Array, Array]]:
    blocks, total, *_ = source.take("uuuu", 1, "numbers of blocks and elements")[0]
    found = []
    for _ in range(blocks):
        dim, tag, kind, count = _head(source, "a block of elements")
        rows = source.take("u" * (1 + _corners(source, kind)), count, "elements (number and nodes)")
        if count:
            found.append((kind, np.full(count, entities.get((dim, tag), 0)), rows[:, 0], rows[:, 1:]))
    if sum(len(block[1]) for block in found) != total:
        raise source.fault(f"{sum(len(block[1]) for block in found)} elements stand where {total} were to")
    return found


def _elements_2(source: GmshSource) -> list[tuple[int, Array, Array, Array]]:
    count, done = _count(source, "elements"), 0
    found: list[tuple[int, Array, Array, Array]] = []
    if source.binary:
        while done < count:
            kind, number, some = (int(value) for value in source.take("iii", 1, "heads of elements")[0])
            if number < 1 or some < 0:
                raise source.fault(f"{number} elements with {some} tags stand in a block")
            words = 1 + some + _corners(source, kind)
            rows = source.take("i" * words, number, "elements")
            if number == 1:  # Gmsh writes a head to every element
                rows = np.concatenate([rows, source.take_alike((kind, 1, some), words, count - done - 1)])
            found.append(_with_tags(kind, some, rows))
            done += len(rows)
        return found
    lines = source.lines
    assert lines is not None
    if len(lines) - source.line < count:
        raise source.fault(f"{len(lines) - source.line} elements stand where {count} were to")
    lines.block(source.line, count, 4, "elements (number, type, tags, nodes)", more=True)
    begin = lines.first[source.line : source.line + count]
    kinds, tags = (lines.whole(lines.values[begin + i], source.line, "an element's type and number of tags") for i in (1, 2))
    wanted = 3 + tags + np.array([CORNERS.get(int(kind), 10**6) for kind in range(int(kinds.max(initial=0)) + 1)])[kinds]
    wrong = lines.words()[source.line : source.line + count] != wanted
    if wrong.any():
        bad = int(np.argmax(wrong))
        _corners(source, int(kinds[bad]))
        raise source.fault(
            f"line {lines.number[source.line + bad]} has {lines.words()[source.line + bad]} numbers where {wanted[bad]} were to be: "
            f"{lines.shown(source.line + bad)}"
        )
    for kind, some in sorted(set(zip(kinds.tolist(), tags.tolist(), strict=True))):
        chosen = np.flatnonzero((kinds == kind) & (tags == some))
        rows = lines.values[begin[chosen, None] + np.array([0, *range(3, 3 + some + CORNERS[kind])])]
        found.append(_with_tags(kind, some, lines.whole(rows, source.line, "an element's numbers")))
    return found


def _with_tags(kind: int, tags: int, rows: Array) -> tuple[int, Array, Array, Array]:
    return kind, rows[:, 1] if tags else np.zeros(len(rows), np.int64), rows[:, 0], rows[:, 1 + tags :]


def _node_data(source: GmshSource) -> tuple[str, tuple[Array, Array] | None]:
    """The name of a view and its nodes and values, where it has one value a node."""
    names, _, numbers = (_tags(source) for _ in range(3))  # of text, of real numbers, of whole ones
    if not names or len(numbers) < 3 or not all(tag.isdigit() for tag in numbers[:3]):
        raise source.fault("its tags are not a name, a time, a step, components and a count")
    components, count = int(numbers[1]), int(numbers[2])
    if components != 1:
        return names[0], None
    if not source.binary:
        source.read_numbers()
    rows = source.take("id", count, "values (number and value)")
    return names[0], (rows[:, 0].astype(np.int64), rows[:, 1])


def _tags(source: GmshSource) -> list[str]:
    count = source.text_line()
    if not count.isdigit():
        raise source.fault(f"{count[:40].decode('latin-1')!r} is no number of tags")
    return [source.text_line().decode("utf-8", errors="replace").strip('"') for _ in range(int(count))]
