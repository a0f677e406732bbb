"""Connect triangles: their edges, and the cells on both sides of each.

V vertices, T triangles (cells), E edges. Edge i of a cell joins its corners i and i + 1. An edge's left cell is the one with the smaller
number. A slot is 3 c + i.
"""

from typing import Any

import numpy as np

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]


def mates_of(vertices: Array, nodes: Array) -> Array:
    """The slot (3 T,) on the other side of each edge of the cells with ``nodes`` (T, 3), -1 on the boundary.

    Raises
    ------
    InputError
        Three triangles meet on an edge, or two lie on the same side of it.
    """
    from meshes.core.kernels import mates_of_slots

    slots = 3 * len(nodes)
    mates, fault = np.full(slots, -1, np.int32), np.zeros(3, np.int64)
    nodes = np.ascontiguousarray(nodes)
    mates_of_slots(nodes, np.zeros(len(vertices) + 1, np.int64), np.empty(slots, np.int32), np.empty(slots, np.int32), mates, fault)
    if fault[2]:
        _refuse(vertices, nodes, fault)
    return mates


def neighbours_of(mates: Array) -> Array:
    """Cells (T, 3) across each edge of a cell, -1 on the boundary."""
    return np.asarray(np.where(mates < 0, -1, mates // 3).reshape(-1, 3).astype(np.int32))


def in_order(mates: Array, order: Array) -> Array:
    """The ``mates`` (3 T,) of cells in another ``order`` (T,): new -> old."""
    new = np.empty(len(order), np.int32)
    new[order] = np.arange(len(order), dtype=np.int32)
    moved = mates.reshape(-1, 3)[order].ravel()
    return np.asarray(np.where(moved < 0, -1, 3 * new[moved // 3] + moved % 3).astype(np.int32))


def edges_of(triangles: Array, nodes: Array, mates: Array) -> tuple[Array, Array, Array]:
    """Edges (E, 2), the cells on both sides of each (E, 2), and the edges of each cell (T, 3); edges by rising left cell.

    An edge that two periodic sides share has the vertices of its left cell.
    """
    from meshes.core.kernels import numbers_of_edges

    cell_edges = np.empty((len(triangles), 3), np.int32)
    firsts = np.empty(len(mates) - int((mates >= 0).sum()) // 2, np.int32)
    numbers_of_edges(nodes, mates, firsts, cell_edges)
    cells, corners = firsts // 3, firsts % 3
    edges = np.stack([triangles[cells, corners], triangles[cells, (corners + 1) % 3]], axis=1).astype(np.int32)
    other = mates[firsts]
    return edges, np.stack([cells, np.where(other < 0, -1, other // 3)], axis=1).astype(np.int32), cell_edges


def places_in_words(points: Array) -> str:
    """Places (P, 2) [m] in words."""
    return ", ".join(f"({x:.6g}, {y:.6g})" for x, y in points)


def _refuse(vertices: Array, nodes: Array, fault: Array) -> None:
    one, other = int(fault[0]), int(fault[1])
    ends = places_in_words(vertices[[nodes[one // 3, one % 3], nodes[one // 3, (one % 3 + 1) % 3]]])
    if fault[2] == 1:
        both = np.sort(np.stack([nodes, np.roll(nodes, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
        count = int((both == both[one]).all(axis=1).sum())
        raise InputError(f"{count} triangles meet on one edge, triangle {one // 3} among them: from {ends} m")
    raise InputError(f"triangles {one // 3} and {other // 3} overlap: both lie on the same side of the edge {ends} m")
