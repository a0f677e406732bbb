"""A rank's part of a mesh, as index arrays: own cells, ghosts, edges, vertices and the halo. No communication.

Cells stand in the order [inner | rim | layer 1 | layer 2 | layer 3]: own cells first. Layer 1 shares edges with own cells,
layer 2 with layer 1, and layer 3 holds the other cells round the vertices of all these. With these three a whole
Runge-Kutta stage needs one exchange: slopes reach to layer 2, fluxes to all edges of layer 1, and what own cells give to
and get from layer 1 is known on both sides.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from meshes.core.order import rcm

if TYPE_CHECKING:
    from meshes.core.trimesh import TriMesh

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Halo:
    """Cells that are sent to and received from each neighbouring rank: (rank, local cells), both sides in the same order."""

    send: tuple[tuple[int, Array], ...]
    recv: tuple[tuple[int, Array], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Local cells C, of which the first ``owned`` are this rank's; prefixes of every list are counted by a field."""

    rank: int
    size: int
    cells: Array  # (C,) global numbers
    inner: int  # own cells round whose vertices all cells are own
    owned: int
    reach1: int  # with layer 1
    reach2: int  # with layer 2
    edges: Array  # (E,) global numbers of all edges of the first reach1 cells: [between inner cells | inside | boundary]
    inner_edges: int
    interior_edges: int
    left: Array  # (E,) local cells; left has the smaller global number
    right: Array  # (E,) -1 on the boundary of the mesh
    cell_edges: Array  # (reach1, 3) local edges
    neighbours: Array  # (reach2, 3) local cells, -1 on the boundary of the mesh
    vertices: Array  # (V,) global numbers of the nodes of the first reach2 cells: [all cells round it own | others]
    inner_vertices: int
    corners: Array  # (reach2, 3) local vertices
    first_cell: Array  # (V + 1,) where each vertex's cells begin in cells_of
    cells_of: Array  # local cells round each vertex, by rising global number
    halo: Halo


def cut(mesh: "TriMesh", rank: int, size: int, owner: Array, rim: Array) -> Part:
    """The part of ``mesh`` for ``rank`` of ``size``; ``owner`` (T,) is the rank of each cell, ``rim`` the result of `rim_of`."""
    own = np.flatnonzero(owner == rank)
    layers = _layers(mesh, owner, rank, rim)
    mine = rim[owner[rim] == rank]
    is_rim = np.zeros(len(owner), bool)
    is_rim[mine] = True
    if size > 1:
        own = own[_local_rcm(mesh, own)]
    cells = np.concatenate([own[~is_rim[own]], own[is_rim[own]], *layers]).astype(np.int32)
    owned, reach1 = len(own), len(own) + len(layers[0])
    reach2 = reach1 + len(layers[1])
    local = np.full(len(owner), -1, np.int32)
    local[cells] = np.arange(len(cells), dtype=np.int32)
    inner = owned - len(mine)
    neighbours = mesh.neighbours[cells[:reach2]]
    return Part(
        rank=rank,
        size=size,
        cells=cells,
        inner=inner,
        owned=owned,
        reach1=reach1,
        reach2=reach2,
        neighbours=np.where(neighbours < 0, -1, local[neighbours]),
        **_edges(mesh, cells, local, reach1, inner),
        **_vertices(mesh, cells, local, owned, reach2),
        halo=_halo(mesh, owner, rank, rim, cells, local, owned),
    )


def _around(mesh: "TriMesh", cells: Array) -> Array:
    """All cells that share a vertex with ``cells``, rising."""
    vertices = np.unique(mesh.nodes[cells])
    first, count = mesh.first_cell[vertices], np.diff(mesh.first_cell)[vertices]
    return np.unique(mesh.cells_of[_ranges(first, count)])


def _ranges(first: Array, count: Array) -> Array:
    """``first[0] ... first[0] + count[0] - 1, first[1] ...``, one after another."""
    ends = np.cumsum(count)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - count - first, count)


def rim_of(mesh: "TriMesh", owner: Array) -> Array:
    """Cells of any rank that share a vertex with a cell of another, where ``owner`` (T,) is the rank of each cell; rising."""
    if (owner == owner[0]).all():
        return np.zeros(0, np.int64)
    around = owner[mesh.cells_of]
    used = np.flatnonzero(np.diff(mesh.first_cell))  # a periodic copy of a vertex has no cells of its own
    low, high = np.zeros((2, len(mesh.first_cell) - 1), around.dtype)
    low[used] = np.minimum.reduceat(around, mesh.first_cell[used])
    high[used] = np.maximum.reduceat(around, mesh.first_cell[used])
    return np.flatnonzero((low != high)[mesh.nodes].any(axis=1))


def _layers(mesh: "TriMesh", owner: Array, rank: int, rim: Array) -> list[Array]:
    """The three layers of ghosts of ``rank``, each by rising global number."""
    have = rim[owner[rim] == rank]
    layers: list[Array] = []
    for layer in range(3):
        if layer < 2:
            near = mesh.neighbours[have if layer == 0 else layers[-1]]
            near = np.unique(near[near >= 0])
        else:
            near = _around(mesh, np.concatenate([have, *layers])) if len(have) else have
        near = near[owner[near] != rank]
        layers.append(np.setdiff1d(near, np.concatenate([*layers, np.zeros(0, near.dtype)])).astype(np.int64))
    return layers


def _local_rcm(mesh: "TriMesh", own: Array) -> Array:
    local = np.full(len(mesh.triangles), -1, np.int32)
    local[own] = np.arange(len(own), dtype=np.int32)
    near = mesh.neighbours[own]
    return rcm(np.where(near < 0, -1, local[near]))


def _edges(mesh: "TriMesh", cells: Array, local: Array, reach1: int, inner: int) -> dict[str, Any]:
    seen = np.zeros(len(mesh.edges), bool)  # a mark each: finding the unique ones of so many takes ten times as long
    seen[mesh.cell_edges[cells[:reach1]]] = True
    edges = np.flatnonzero(seen)
    sides = mesh.edge_cells[edges]
    left = local[sides[:, 0]]
    right = np.where(sides[:, 1] < 0, -1, local[sides[:, 1]])
    outer = right < 0
    smaller = np.where(outer, left, np.minimum(left, right))
    group = np.where(outer, 2, np.where((left < inner) & (right < inner), 0, 1))
    order = np.lexsort((edges, smaller, group))
    place = np.full(len(mesh.edges), -1, np.int32)
    place[edges[order]] = np.arange(len(edges), dtype=np.int32)
    return {
        "edges": edges[order].astype(np.int32),
        "left": left[order].astype(np.int32),
        "right": right[order].astype(np.int32),
        "inner_edges": int((group == 0).sum()),
        "interior_edges": int((group < 2).sum()),
        "cell_edges": place[mesh.cell_edges[cells[:reach1]]],
    }


def _vertices(mesh: "TriMesh", cells: Array, local: Array, owned: int, reach2: int) -> dict[str, Any]:
    triangles = mesh.nodes[cells[:reach2]]
    use = np.full(len(mesh.vertices), -1)
    use[triangles.ravel()[::-1]] = np.arange(triangles.size)[::-1]  # of several places the last one stays: the first use
    vertices = np.flatnonzero(use >= 0).astype(triangles.dtype)
    first_use = use[vertices]
    count = np.diff(mesh.first_cell)[vertices]
    around = local[mesh.cells_of[_ranges(mesh.first_cell[vertices], count)]]
    foreign = np.maximum.reduceat(around, np.cumsum(count) - count) >= owned
    order = np.lexsort((first_use, foreign))
    place = np.full(len(mesh.vertices), -1, np.int32)
    place[vertices[order]] = np.arange(len(vertices), dtype=np.int32)
    count = count[order]
    return {
        "vertices": vertices[order],
        "inner_vertices": int((~foreign).sum()),
        "corners": place[triangles],
        "first_cell": np.concatenate([[0], np.cumsum(count)]).astype(np.int32),
        "cells_of": local[mesh.cells_of[_ranges(mesh.first_cell[vertices[order]], count)]],
    }


def _halo(mesh: "TriMesh", owner: Array, rank: int, rim: Array, cells: Array, local: Array, owned: int) -> Halo:
    """Ghosts by their owners, and own cells that are other ranks' ghosts; both by rising global number."""
    ghosts = np.sort(cells[owned:])
    receive = [(int(r), local[ghosts[owner[ghosts] == r]]) for r in np.unique(owner[ghosts])]
    near = rim[owner[rim] == rank]
    for _ in range(3):  # a ghost relation need not be mutual: ask all ranks within three vertex-neighbours
        near = _around(mesh, near) if len(near) else near
    send = []
    for r in np.unique(owner[near]):
        if r != rank:
            theirs = np.sort(np.concatenate(_layers(mesh, owner, int(r), rim)))
            wanted = theirs[owner[theirs] == rank]
            if len(wanted):
                send.append((int(r), local[wanted]))
    return Halo(tuple(send), tuple(receive))
