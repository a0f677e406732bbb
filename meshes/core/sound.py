"""Judge whether triangles of others make one sheet: every fault is named with its place. Triangles that run clockwise are turned.

A mesh whose triangles all run counterclockwise, whose edges have two of them at most, whose inner vertices have one round of triangles,
and whose boundary does not cross or touch itself, covers no place twice where the boundary goes round each of its parts once.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.file_mesh import FileMesh
from pipeline.core.errors import InputError
from pipeline.core.remarks import remark

Array = np.ndarray[Any, np.dtype[Any]]

FLAT = 1e-12  # area over longest edge squared, below which a triangle has none, as in trimesh
NEAR = 1e-6  # of a boundary edge's length: a vertex so near stands on the edge, or is another's copy


def turned(path: Path, mesh: FileMesh) -> Array:
    """The triangles (T, 3) of ``mesh``, all counterclockwise; a remark counts those that were turned.

    Raises
    ------
    InputError
        A place that is not finite, a triangle that names a vertex twice or has no area, or a vertex of no triangle.
    """
    from meshes.core.kernels import doubled_areas

    bad = ~np.isfinite(mesh.points).all(axis=1)
    _refuse(path, np.asarray(bad), mesh.point_name, "places that are not finite", "vertices")
    doubled, longest = np.empty(len(mesh.triangles)), np.empty(len(mesh.triangles))
    doubled_areas(np.ascontiguousarray(mesh.points), np.ascontiguousarray(mesh.triangles), doubled, longest)
    _refuse(path, np.asarray(~(np.abs(doubled) > 2.0 * FLAT * longest)), mesh.cell_name, "no area", "triangles")
    used = np.zeros(len(mesh.points), bool)
    used[mesh.triangles] = True
    _refuse(path, ~used, mesh.point_name, "no triangle has them", "vertices")
    clockwise = doubled < 0.0
    if not clockwise.any():
        return mesh.triangles
    remark(f"{path.name}: {int(clockwise.sum())} of {len(clockwise)} triangles run clockwise, and are turned")
    return np.where(clockwise[:, None], mesh.triangles[:, ::-1], mesh.triangles)


def _refuse(path: Path, bad: Array, name: Any, what: str, kind: str) -> None:
    count = int(bad.sum())
    if count:
        raise InputError(f"{path.name}: {what}: {count} of {len(bad)} {kind}, the first {name(int(np.argmax(bad)))}")


@dataclass(frozen=True, slots=True, eq=False)
class Rim:
    """The boundary edges of a mesh, each with the water on its left."""

    ends: Array  # (B, 2) vertices
    cells: Array  # (B,) the triangle of each

    @classmethod
    def of(cls, triangles: Array, mates: Array) -> "Rim":
        """The rim of ``triangles`` (T, 3), by their slots' mates (3 T,)."""
        slots = np.flatnonzero(mates < 0)
        cell, corner = slots // 3, slots % 3
        return cls(np.stack([triangles[cell, corner], triangles[cell, (corner + 1) % 3]], axis=1), cell)


def check_sheet(path: Path, mesh: FileMesh, triangles: Array, rim: Rim) -> None:
    """Refuse a mesh that covers a place twice, or has a vertex on another's edge or place.

    Raises
    ------
    InputError
        The first fault, with its place.
    """
    _check_rounds(path, mesh, triangles, rim)
    _check_touches(path, mesh, rim)
    _check_covers(path, mesh, rim)


def _check_rounds(path: Path, mesh: FileMesh, triangles: Array, rim: Rim) -> None:
    """Refuse an inner vertex whose triangles go round it more than once."""
    from meshes.core.kernels import turns_round

    turns = np.zeros(len(mesh.points), np.int32)
    turns_round(np.ascontiguousarray(mesh.points[:, 1]), triangles, turns)
    turns[rim.ends] = 1
    _refuse(path, turns != 1, mesh.point_name, "triangles go round more than once, and so overlap", "vertices")


def _check_touches(path: Path, mesh: FileMesh, rim: Rim) -> None:
    """Refuse boundary vertices at one place, a vertex on another triangle's edge, and boundary edges that cross."""
    from shapely import STRtree, linestrings, points

    lines = mesh.points[rim.ends]
    lengths = np.hypot(*(lines[:, 1] - lines[:, 0]).T)
    tree = STRtree(linestrings(lines))
    vertices = np.unique(rim.ends)
    nearest = np.full(len(mesh.points), np.inf)  # the shortest edge at each vertex
    np.minimum.at(nearest, rim.ends, lengths[:, None])
    place, edge = tree.query(points(mesh.points[vertices]), predicate="dwithin", distance=NEAR * nearest[vertices])
    vertex = vertices[place]
    apart = (rim.ends[edge] != vertex[:, None]).all(axis=1)
    if apart.any():
        vertex, edge = vertex[apart], edge[apart]
        first = int(np.argmin(vertex))
        ends = rim.ends[edge[first]]
        away = np.hypot(*(mesh.points[ends] - mesh.points[vertex[first]]).T)
        copy = away <= NEAR * lengths[edge[first]]
        count = len(np.unique(vertex))
        if copy.any():
            raise InputError(
                f"{path.name}: {count} boundary vertices stand where another does, the first {mesh.point_name(int(vertex[first]))}, as "
                f"{mesh.point_name(int(ends[np.argmax(copy)]))}: no water would pass between their triangles; make them one"
            )
        raise InputError(
            f"{path.name}: {count} boundary vertices hang on an edge of another triangle, the first {mesh.point_name(int(vertex[first]))} "
            f"on the {mesh.edge_name(ends)}: no water would pass there; make it a corner of both"
        )
    one, other = tree.query(tree.geometries, predicate="crosses")
    if len(one):
        first = int(np.argmin(one))
        raise InputError(
            f"{path.name}: {len(one) // 2} pairs of boundary edges cross, so that triangles overlap: the first, the "
            f"{mesh.edge_name(rim.ends[one[first]])} and the {mesh.edge_name(rim.ends[other[first]])}"
        )


def _check_covers(path: Path, mesh: FileMesh, rim: Rim) -> None:
    """Refuse parts of the boundary that lie inside others' triangles: left of each the boundary must go round once."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    from meshes.core.kernels import turns_left_of

    ends = rim.ends
    graph = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(len(mesh.points),) * 2)
    _, part = connected_components(graph, directed=False)
    part = part[ends[:, 0]]
    rise = np.abs(mesh.points[ends[:, 1], 1] - mesh.points[ends[:, 0], 1])
    order = np.lexsort((-rise, part))
    chosen = order[np.concatenate([[True], np.diff(part[order]) > 0])]  # the steepest edge of each part
    turns = np.empty(len(chosen), np.int64)
    turns_left_of(mesh.points[ends], chosen, turns)
    if (turns != 1).any():
        raise InputError(
            f"{path.name}: triangles overlap: a part of the boundary lies inside other triangles, at the "
            f"{mesh.edge_name(ends[chosen[int(np.argmax(turns != 1))]])}"
        )
