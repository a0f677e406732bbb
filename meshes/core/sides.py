"""Sides of a mesh from a file: every boundary edge has the name that the file gives it."""

from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.file_mesh import FileMesh
from meshes.core.sound import Rim
from meshes.core.trimesh import NamedEdges
from pipeline.core.errors import InputError
from pipeline.core.remarks import remark

Array = np.ndarray[Any, np.dtype[Any]]

WHOLE, REST = "boundary", "unnamed"  # of all edges where the file names none, and of those that it leaves out


def sides_of(path: Path, mesh: FileMesh, triangles: Array, rim: Rim) -> tuple[tuple[str, ...], NamedEdges]:
    """The names of the sides, and the side of every boundary edge.

    Raises
    ------
    InputError
        A named edge joins vertices that no triangle has side by side, or an edge has two names.
    """
    keys = _keys(rim.ends, len(mesh.points))
    order = np.argsort(keys)
    side = np.full(len(keys), -1, np.int64)
    names: list[str] = []
    for name, edges in mesh.sides:
        wanted = _keys(edges, len(mesh.points))
        found = np.searchsorted(keys[order], wanted).clip(0, len(keys) - 1)
        outer = keys[order][found] == wanted
        _check_inside(path, mesh, triangles, name, edges[~outer])
        place = order[found[outer]]
        if not len(place):
            continue
        number = names.index(name) if name in names else len(names)
        twice = (side[place] >= 0) & (side[place] != number)
        if twice.any():
            one = int(place[np.argmax(twice)])
            raise InputError(
                f"{path.name}: the {mesh.edge_name(rim.ends[one])} is of two sides, {names[side[one]]!r} and {name!r}: leave one out"
            )
        names += [name] if number == len(names) else []
        side[place] = number
    left = side < 0
    if left.any():
        rest = REST if names else WHOLE
        if names:
            first = mesh.edge_name(rim.ends[int(np.argmax(left))])
            remark(
                f"{path.name}: {int(left.sum())} of {len(side)} boundary edges have no name; they are side {rest!r}: the first, the {first}"
            )
        number = names.index(rest) if rest in names else len(names)
        names += [rest] if number == len(names) else []
        side[left] = number
    return tuple(names), NamedEdges(rim.ends, side.astype(np.int16))


def _keys(edges: Array, count: int) -> Array:
    """A number for each of ``edges`` (N, 2) of ``count`` vertices, whichever way it goes."""
    return np.asarray(edges.min(axis=1, initial=count).astype(np.int64) * count + edges.max(axis=1, initial=0))


def _check_inside(path: Path, mesh: FileMesh, triangles: Array, name: str, edges: Array) -> None:
    """Refuse named ``edges`` that are none of the mesh; a remark counts those that lie inside."""
    if not len(edges):
        return
    count = len(mesh.points)
    every = np.concatenate([_keys(triangles[:, pair], count) for pair in ([0, 1], [1, 2], [2, 0])])
    there = np.isin(_keys(edges, count), every)
    if not there.all():
        raise InputError(
            f"{path.name}: {int((~there).sum())} edge(s) of side {name!r} join vertices that are no edge of a triangle, the first, the "
            f"{mesh.edge_name(edges[int(np.argmin(there))])}"
        )
    remark(f"{path.name}: {len(edges)} edge(s) of {name!r} lie inside the mesh and are no boundary; water passes there")
