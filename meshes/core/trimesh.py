"""A triangle mesh: vertices, triangles and all that follows from them.

V vertices, T triangles (cells), E edges. Edge i of a cell joins its corners i and i + 1. An edge's left cell is the one
with the smaller number, and its normal points out of it.

A mesh may be periodic: vertices at the same place have the same node, and all that connects cells goes by nodes.
Places go by the cell's own corners.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from meshes.core import quadrature
from meshes.core.chart import Chart
from meshes.core.connect import edges_of, in_order, mates_of, neighbours_of, places_in_words
from meshes.core.mercator import Mercator
from meshes.core.order import rcm
from meshes.core.part import Part, cut, rim_of
from meshes.core.partition import owners, start
from meshes.core.stereographic import Stereographic
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

FLAT = 1e-12  # area over longest edge squared, below which a triangle has none
Side = Callable[[Array], Array]


@dataclass(frozen=True, slots=True, eq=False)
class NamedEdges:
    """Sides of boundary edges by their ends; every boundary edge of the mesh is among them."""

    ends: Array  # (B, 2) vertices, in any order
    side: Array  # (B,) index into the names of the sides

    def of(self, edges: Array, new: Array) -> Array:
        """The sides of ``edges`` (N, 2), whose vertices have the numbers ``new`` (V,)."""
        key, wanted = (np.sort(ends, axis=1).astype(np.int64) for ends in (new[self.ends], edges))
        keys = key[:, 0] * len(new) + key[:, 1]
        order = np.argsort(keys)
        return np.asarray(self.side[order[np.searchsorted(keys[order], wanted[:, 0] * len(new) + wanted[:, 1])]])


@dataclass(frozen=True, slots=True, eq=False)
class TriMesh:
    """A triangle mesh and all that follows from it; `trimesh` makes it.

    V vertices, T triangles, E edges. Edge i of a cell joins its corners i and i + 1.

    Attributes
    ----------
    vertices
        Places (V, 2) [m].
    triangles
        Corners (T, 3), counterclockwise.
    nodes
        Nodes (T, 3) of the corners: these themselves, but for periodic copies of another.
    period
        Lengths [m] after which the mesh repeats itself eastward and northward; 0: it does not.
    bed
        Mean height of the bed (T,) [m], positive up.
    edges
        Vertices (E, 2) of the edges.
    edge_cells
        Left and right cell (E, 2), -1 on the boundary.
    cell_edges
        Edges (T, 3) of the cells.
    neighbours
        Cells (T, 3) across each edge, -1 on the boundary.
    normals
        Unit vectors (E, 2) out of the left cell.
    lengths
        Lengths of the edges (E,) [m].
    midpoints
        Middles of the edges (E, 2) [m].
    areas
        Areas of the cells (T,) [m2].
    centroids
        Centroids of the cells (T, 2) [m].
    inradius
        Twice the area over the perimeter (T,) [m].
    first_cell
        Places (V + 1,) in ``cells_of`` where each node's cells begin.
    cells_of
        Cells (3 T,) round each node, rising.
    boundary
        Index (E,) into ``boundary_names``, -1 inside.
    boundary_names
        Names of the mesh's sides.
    hash
        SHA-256 of vertices, triangles and bed, of nodes where the mesh is periodic, and of the map's middle on the sphere.
    central_longitude
        Longitude [degrees] about which Mercator's map holds the places of a mesh on the sphere; None: another map, or a plane.
        Lengths, areas and inradii are those on the sphere, all other places and vectors those on the map.
    middle
        Longitude and latitude [degrees] about which the stereographic map holds them; None: another map, or a plane.
    kind
        The kind of grid, as the file has it.
    """

    vertices: Array
    triangles: Array
    nodes: Array
    period: tuple[float, float]
    bed: Array
    edges: Array
    edge_cells: Array
    cell_edges: Array
    neighbours: Array
    normals: Array
    lengths: Array
    midpoints: Array
    areas: Array
    centroids: Array
    inradius: Array
    first_cell: Array
    cells_of: Array
    boundary: Array
    boundary_names: tuple[str, ...]
    hash: str
    central_longitude: float | None = None
    middle: tuple[float, float] | None = None

    kind = "triangles"

    @property
    def chart(self) -> Chart | None:
        """The map of a mesh on the sphere; None: the mesh is on a plane."""
        if self.middle is not None:
            return Stereographic(*self.middle)
        return None if self.central_longitude is None else Mercator(self.central_longitude)

    @property
    def dofs(self) -> tuple[int, ...]:
        """The shape of a stored field: (T,)."""
        return (len(self.triangles),)

    def said(self, place: Array) -> str:
        """Say a place as messages do: with its unit, and in longitude and latitude on the sphere.

        Parameters
        ----------
        place
            The place (2,) [m].

        Returns
        -------
        str
            Such as ``(3.5, 0) m``.
        """
        x, y = self.chart.degrees(place) if self.chart else place
        return f"({x:.6g}, {y:.6g}) {'degrees' if self.chart else 'm'}"

    def arrays(self) -> dict[str, Array]:
        """Collect the arrays that a file's ``/mesh`` holds.

        Returns
        -------
        dict[str, Array]
            Arrays by their UGRID names: ``node_x`` (V,) [m], ``face_node_connectivity`` (T, 3), ``bed`` (T,) [m], and so on.
        """
        return {
            "node_x": self.vertices[:, 0],
            "node_y": self.vertices[:, 1],
            "face_node_connectivity": self.triangles,
            "edge_node_connectivity": self.edges,
            "edge_face_connectivity": self.edge_cells,
            "face_x": self.centroids[:, 0],
            "face_y": self.centroids[:, 1],
            "face_area": self.areas,
            "bed": self.bed,
            **self._degrees(),
        }

    def _degrees(self) -> dict[str, Array]:
        """Longitudes and latitudes [degrees] of nodes and centroids; none on a plane."""
        if not self.chart:
            return {}
        nodes, faces = self.chart.degrees(self.vertices).T, self.chart.degrees(self.centroids).T
        return {"node_longitude": nodes[0], "node_latitude": nodes[1], "face_longitude": faces[0], "face_latitude": faces[1]}

    def part(self, rank: int, size: int, owner: Array) -> Part:
        """Cut out one rank's part of the mesh.

        Parameters
        ----------
        rank
            The rank, from 0.
        size
            The number of ranks.
        owner
            The rank (T,) that owns each cell.

        Returns
        -------
        Part
            Own cells, ghosts and halo, as index arrays.
        """
        return cut(self, rank, size, owner, rim_of(self, owner))

    def share(self, comm: Any, groups: Array | None = None) -> Part:
        """Cut the mesh among all ranks. Collective.

        Parameters
        ----------
        comm
            All ranks that share the mesh.
        groups
            Numbers (T,) of groups of cells, each of which all ranks are to share evenly; rank 0's count.

        Returns
        -------
        Part
            This rank's part.

        Raises
        ------
        InputError
            There are more ranks than cells.
        """
        start(len(self.triangles), comm.size)  # one rank cuts: it takes many times the mesh's memory, and each might find another answer
        owner, rim = comm.broadcast(_owners_and_rim(self, comm.size, groups) if comm.rank == 0 else None)
        return cut(self, comm.rank, comm.size, owner, rim)


def _owners_and_rim(mesh: TriMesh, size: int, groups: Array | None) -> tuple[Array, Array]:
    owner = owners(mesh, size, groups)
    return owner, rim_of(mesh, owner)


def trimesh(
    vertices: Array,
    triangles: Array,
    *,
    bed: Callable[[Array], Array] | Array,
    boundary_names: Sequence[str] = ("boundary",),
    side: Side | NamedEdges = lambda midpoints: np.zeros(len(midpoints), np.int8),
    same_as: Array | None = None,
    period: tuple[float, float] = (0.0, 0.0),
    mates: Array | None = None,
) -> TriMesh:
    """Connect, check and order a mesh.

    Parameters
    ----------
    vertices
        Places (V, 2) [m].
    triangles
        Corners (T, 3), counterclockwise.
    bed
        Function from triangles (T, 3, 2) [m] to mean heights of the bed (T,) [m], positive up; or heights (V,) [m] at the vertices.
    boundary_names
        Names of the sides.
    side
        Function from the middles of boundary edges (B, 2) [m] to indices (B,) into ``boundary_names``; or the edges themselves.
    same_as
        The vertex (V,) that each is a periodic copy of, or itself; whole periods away.
    period
        Lengths [m] after which the mesh repeats itself eastward and northward; 0 where it does not.
    mates
        What `mates_of` found (3 T,), of triangles that were checked before; unset: they are checked and connected here.

    Returns
    -------
    TriMesh
        The mesh, its cells ordered so that neighbours are near each other in memory (reverse Cuthill-McKee).

    Raises
    ------
    InputError
        A coordinate that is not finite, a triangle without area or clockwise, a vertex of no triangle, an edge of more than two triangles,
        or two triangles on the same side of an edge. The message says which and where.

    Examples
    --------
    A unit square of two triangles, its bed 1 m below height 0:

    >>> square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    >>> mesh = trimesh(square, np.array([[0, 1, 2], [0, 2, 3]]), bed=lambda corners: np.full(len(corners), -1.0))
    >>> mesh.areas.tolist(), len(mesh.edges), int((mesh.boundary >= 0).sum())
    ([0.5, 0.5], 5, 4)
    """
    vertices = np.ascontiguousarray(vertices, np.float64)
    triangles = np.ascontiguousarray(triangles, np.int32)
    same_as = np.arange(len(vertices), dtype=np.int32) if same_as is None else np.asarray(same_as, np.int32)
    mates = _checked(vertices, triangles, same_as) if mates is None else mates
    order = rcm(neighbours_of(mates))
    vertices, triangles, nodes, old, new = _ordered(vertices, triangles[order], same_as)
    shape = _between(bed[old][triangles]) if isinstance(bed, np.ndarray) else bed
    return _assemble(vertices, triangles, nodes, in_order(mates, order), new, period, shape, tuple(boundary_names), side)


def _between(heights: Array) -> Callable[[Array], Array]:
    """Means of a bed that is even between ``heights`` (T, 3) at the corners."""
    return lambda corners: (heights[:, 0] + heights[:, 1] + heights[:, 2]) / 3.0


def _ordered(vertices: Array, triangles: Array, same_as: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Vertices (V, 2) in the order of their first use, triangles (T, 3) and the nodes (T, 3) of their corners: periodic copies are one.

    With them come the old numbers of the vertices, and the new ones (V,) of the old.
    """
    from meshes.core.kernels import first_uses

    old, new = np.empty(len(vertices), np.int32), np.full(len(vertices), -1, np.int32)
    old = old[: first_uses(triangles, old, new)]
    vertices, triangles = np.ascontiguousarray(vertices[old]), new[triangles]
    first = np.full(len(new), len(old), np.int32)  # of the periodic copies of a vertex, the first used is the node
    np.minimum.at(first, same_as[old], new[old])
    return vertices, triangles, first[same_as[old]][triangles], old, new


def _assemble(
    vertices: Array,
    triangles: Array,
    nodes: Array,
    mates: Array,
    new: Array,
    period: tuple[float, float],
    bed: Callable[[Array], Array],
    names: tuple[str, ...],
    side: Side | NamedEdges,
) -> TriMesh:
    """Assemble the mesh from vertices and triangles in their final order."""
    from meshes.core.kernels import cells_round_nodes

    edges, edge_cells, cell_edges = edges_of(triangles, nodes, mates)
    corners = vertices[triangles]
    ends = vertices[edges]
    along = ends[:, 1] - ends[:, 0]
    lengths = np.hypot(along[:, 0], along[:, 1])
    midpoints = 0.5 * (ends[:, 0] + ends[:, 1])
    centroids = (corners[:, 0] + corners[:, 1] + corners[:, 2]) / 3.0
    normals = np.stack([along[:, 1], -along[:, 0]], axis=1) / lengths[:, None]
    away = midpoints - centroids[edge_cells[:, 0]]
    normals[(normals * away).sum(axis=1) < 0.0] *= -1.0
    areas = _areas(corners)
    first_cell, cells_of = np.zeros(len(vertices) + 1, np.int32), np.empty(nodes.size, np.int32)
    cells_round_nodes(nodes, first_cell, cells_of)
    outer = edge_cells[:, 1] < 0
    boundary = np.full(len(edges), -1, np.int16)
    boundary[outer] = side.of(edges[outer], new) if isinstance(side, NamedEdges) else side(midpoints[outer])
    heights = np.ascontiguousarray(bed(corners), np.float64)
    digest = hashlib.sha256()
    for array in (vertices, triangles, heights):
        digest.update(array.tobytes())
    if any(period):
        digest.update(nodes.tobytes())
    return TriMesh(
        vertices=vertices,
        triangles=triangles,
        nodes=nodes,
        period=period,
        bed=heights,
        edges=edges,
        edge_cells=edge_cells,
        cell_edges=cell_edges,
        neighbours=neighbours_of(mates),
        normals=normals,
        lengths=lengths,
        midpoints=midpoints,
        areas=areas,
        centroids=centroids,
        inradius=2.0 * areas / lengths[cell_edges].sum(axis=1),
        first_cell=first_cell,
        cells_of=cells_of,
        boundary=boundary,
        boundary_names=names,
        hash=digest.hexdigest(),
    )


def on_sphere(mesh: TriMesh, middle: float | tuple[float, float]) -> TriMesh:
    """Take the plane of a mesh for a map of the sphere.

    Parameters
    ----------
    mesh
        A mesh on a plane.
    middle
        Longitude [degrees] of x = 0 on Mercator's map; or longitude and latitude [degrees] of (0, 0) on the stereographic map.

    Returns
    -------
    TriMesh
        The mesh with areas, lengths and inradii as they are on the sphere.
    """
    chart: Chart = Stereographic(*middle) if isinstance(middle, tuple) else Mercator(middle)
    places = np.stack(quadrature.places(mesh.vertices[mesh.triangles]), axis=-1)
    areas = mesh.areas * quadrature.means(chart.stretch(places) ** -2.0)
    lengths = chart.lengths(mesh.vertices[mesh.edges[:, 0]], mesh.vertices[mesh.edges[:, 1]])
    return replace(
        mesh,
        areas=areas,
        lengths=lengths,
        inradius=2.0 * areas / lengths[mesh.cell_edges].sum(axis=1),
        hash=hashlib.sha256(f"{mesh.hash} {middle!r}".encode()).hexdigest(),
        central_longitude=None if isinstance(middle, tuple) else middle,
        middle=middle if isinstance(middle, tuple) else None,
    )


def _areas(corners: Array) -> Array:
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(0.5 * (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]))


def _checked(vertices: Array, triangles: Array, same_as: Array) -> Array:
    """The mates (3 T,) of triangles without faults."""
    _check(vertices, triangles)
    return mates_of(vertices, same_as[triangles])


def _check(vertices: Array, triangles: Array) -> None:
    """Refuse faults of single vertices and triangles."""
    from meshes.core.kernels import doubled_areas

    if not len(triangles):
        raise InputError("the mesh has no triangle")
    bad = np.flatnonzero(~np.isfinite(vertices).all(axis=1))
    if len(bad):
        raise InputError(f"vertex {bad[0]} has a coordinate that is not finite: ({vertices[bad[0], 0]}, {vertices[bad[0], 1]})")
    if triangles.min() < 0 or triangles.max() >= len(vertices):
        bad = np.flatnonzero(((triangles < 0) | (triangles >= len(vertices))).any(axis=1))
        raise InputError(f"triangle {bad[0]} names vertex {triangles[bad[0]].max()}; there are {len(vertices)}")
    doubled, longest = np.empty(len(triangles)), np.empty(len(triangles))
    doubled_areas(np.ascontiguousarray(vertices), np.ascontiguousarray(triangles), doubled, longest)
    for wrong, what in (
        (np.abs(doubled) <= 2.0 * FLAT * longest, "has no area"),
        (doubled < 0.0, "is flipped (its corners run clockwise)"),
    ):
        if wrong.any():
            bad_one = int(np.argmax(wrong))
            raise InputError(f"triangle {bad_one} {what}: corners at {places_in_words(vertices[triangles[bad_one]])} m")
    used = np.zeros(len(vertices), bool)
    used[triangles] = True
    if not used.all():
        loose = int(np.argmin(used))
        raise InputError(f"vertex {loose} at {places_in_words(vertices[loose : loose + 1])} m belongs to no triangle")
