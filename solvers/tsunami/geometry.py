"""Geometry of a rank's part of the mesh for the kernels, in local numbering."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from meshes.core import kernels
from meshes.core.part import Part
from meshes.core.trimesh import TriMesh
from pipeline.core.errors import InputError
from solvers.tsunami.params import EARTH, Params

Array = np.ndarray[Any, np.dtype[Any]]

HUGE = 1e36  # fits single precision
INDEX = np.uint32  # of what is looked up by lists: without a sign no kernel looks for places from an array's end


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Arrays over local cells (C), edges (E) and the first R1 or R2 cells of the part."""

    area: Array  # (C,) [m2]
    bed: Array  # (C,) [m], double: the free surface is what is left of depth and bed
    inradius: Array  # (C,) [m]
    nearest: Array  # (C,) [m] from the centroid to the nearest edge: a third of the least height
    neighbours: Array  # (R2, 3) the cell itself at the boundary
    corners: Array  # (R2, 3) local vertices
    first_cell: Array  # (V + 1,) where each vertex's cells begin in cells_of
    cells_of: Array  # cells round each vertex, by rising global number
    weights: Array  # what each of them counts for the value at the vertex
    offsets: Array  # (R2, 3, 2) [m] centroid to the edges' middles
    reach: Array  # (R2, 3, 2) a plane's change to neighbour i's centroid is the sum of those to edges i and i + 1, times these
    bed_change: Array  # (R2, 3) [m] bed at the edges' middles less the cell's
    sharpness: Array  # (R2,) one over the limiter's tolerance, relative and squared: 0 never limits, a huge one always
    rows: Array  # (R1, 3) rows of the flux array in corner order
    left: Array  # (E,)
    right: Array  # (E,) -1 at the boundary
    left_face: Array  # (E,) rows of the reconstructed values, 3 cell + corner
    right_face: Array  # (interior E,)
    normals: Array  # (E, 2) out of the left cell
    lengths: Array  # (E,) [m]
    smooth: Array  # (interior E,) [1] share of the Riemann solver's dissipation in smooth water
    turning: Array | None  # (R2, 3) Coriolis parameter [1/s] and gradient of the map's stretching [1/m]; None: nothing turns


def geometry(mesh: TriMesh, part: Part, params: Params, *, smooth: float, at_walls: float) -> Geometry:
    """Cut the mesh's arrays down to ``part``.

    ``smooth`` [1] is the share of dissipation in smooth water, ``at_walls`` that of edges of cells at the mesh's boundary.
    """
    real = np.dtype(params.precision)
    cells = part.cells
    reach2 = part.reach2
    centroids = mesh.centroids[cells]
    neighbours = np.where(part.neighbours < 0, np.arange(reach2, dtype=part.neighbours.dtype)[:, None], part.neighbours)
    seen = np.empty((len(part.cells_of), 2))  # the vertex where the cell sees it: periodic sides see it in two places
    kernels.places_seen(cells[part.cells_of], part.first_cell, part.vertices, mesh.nodes, mesh.triangles, mesh.vertices, seen)
    weights = vertex_weights(centroids[part.cells_of] - seen, part.first_cell)
    corners = mesh.vertices[mesh.triangles[cells[:reach2]]] - centroids[:reach2, None, :]
    offsets = 0.5 * (corners + np.roll(corners, -1, axis=1))
    bed = mesh.bed[cells]
    left_face, right_face, rows = _edge_rows(mesh, part)
    longest = np.sqrt((np.diff(corners, axis=1, append=corners[:, :1]) ** 2).sum(axis=2).max(axis=1))
    stretch = mesh.chart.stretch(centroids[:reach2]) if mesh.chart else np.ones(reach2)
    nearest = np.full(len(cells), np.inf)
    nearest[:reach2] = 2.0 / 3.0 * mesh.areas[cells[:reach2]] / (longest / stretch)
    walled = np.asarray((part.neighbours < 0).any(axis=1))
    interior = slice(part.interior_edges)
    beside = walled[part.left[interior]] | walled[part.right[interior]]
    return Geometry(
        area=mesh.areas[cells].astype(real),
        bed=bed,
        inradius=mesh.inradius[cells].astype(real),
        nearest=nearest.astype(real),
        neighbours=np.ascontiguousarray(neighbours, dtype=INDEX),
        corners=part.corners.view(INDEX),
        first_cell=part.first_cell.view(INDEX),
        cells_of=part.cells_of.view(INDEX),
        weights=weights.astype(real),
        offsets=(offsets / stretch[:, None, None]).astype(real),
        reach=_reach(mesh, cells[:reach2], offsets).astype(real),
        bed_change=edge_changes(bed, weights, part).astype(real),
        sharpness=_sharpness(np.sqrt(mesh.areas[cells[:reach2]] / mesh.areas.sum()), params.limiter, params.limiter_tolerance).astype(real),
        rows=rows.astype(INDEX),
        left=part.left,
        right=part.right,
        left_face=left_face.astype(INDEX),
        right_face=right_face.astype(INDEX),
        normals=mesh.normals[part.edges].astype(real),
        lengths=mesh.lengths[part.edges].astype(real),
        smooth=np.where(beside, at_walls, smooth).astype(real),
        turning=_turning(mesh, params, centroids[:reach2]),
    )


def edge_changes(values: Array, weights: Array, part: Part) -> Array:
    """Changes (R2, 3) of ``values`` (C,) from a cell to the middles of its edges, on the plane through its corners."""
    at_corners = segment_sums(weights * values[part.cells_of], part.first_cell)[part.corners]
    found: Array = (at_corners + np.roll(at_corners, -1, axis=1) - 2.0 * np.roll(at_corners, -2, axis=1)) / 6.0
    return found


def _turning(mesh: TriMesh, params: Params, places: Array) -> Array | None:
    """See `Geometry`; ``places`` (cells, 2) [m]. `InputError` where the case asks for the turning of another kind of mesh."""
    if mesh.chart:
        if params.coriolis or params.beta:
            raise InputError("solver.coriolis and solver.beta are for a plane: on the sphere solver.rotation turns the water")
        return mesh.chart.turning(places, params.rotation)
    if params.rotation != EARTH:
        raise InputError(
            "solver.rotation is for a mesh in longitudes and latitudes: on a plane solver.coriolis and solver.beta turn the water"
        )
    if params.coriolis == params.beta == 0.0:
        return None
    flat = np.zeros(len(places))
    return np.stack([params.coriolis + params.beta * places[:, 1], flat, flat], axis=1)


def _reach(mesh: TriMesh, cells: Array, offsets: Array) -> Array:
    """See `Geometry`; zero where there is no neighbour. ``offsets`` (cells, 3, 2) [m] are those of ``cells``.

    The way to a neighbour leads through the middle of the common edge, so that periodic sides need no care.
    """
    way = offsets.copy()
    each = np.arange(len(cells))
    for i in range(3):
        other = mesh.neighbours[cells, i]
        place = np.argmax(mesh.cell_edges[other] == mesh.cell_edges[cells, i][:, None], axis=1)
        nodes = mesh.vertices[mesh.triangles[other]]
        middle = 0.5 * (nodes[each, place] + nodes[each, (place + 1) % 3])
        way[:, i] -= middle - mesh.centroids[other]
    after = np.roll(offsets, -1, axis=1)
    weights = np.stack([_cross(way, after), _cross(offsets, way)], axis=-1) / _cross(offsets, after)[..., None]
    return np.where((mesh.neighbours[cells] >= 0)[..., None], weights, 0.0)


def _cross(a: Array, b: Array) -> Array:
    """Cross products (...,) of vectors in the plane (..., 2)."""
    product: Array = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product


def _sharpness(size: Array, limiter: str, tolerance: float) -> Array:
    """See `Geometry`; ``size`` of the cells, relative to the mesh (Michalak and Ollivier-Gooch 2009, eq. (24))."""
    if limiter == "none":
        return np.zeros_like(size)
    with np.errstate(divide="ignore"):
        return np.minimum((tolerance * size if limiter == "michalak" else 0.0 * size) ** -3.0, HUGE)


def vertex_weights(differences: Array, first: Array) -> Array:
    """Weights of the cells round a vertex in the value there: they sum to 1, and are exact for planes.

    Parameters
    ----------
    differences
        (N, 2) [m] from the vertex to each cell round it, vertex after vertex.
    first
        (V + 1,) where each vertex's cells begin.

    The weights of least norm that are exact for planes (D. G. Holmes, S. D. Connell, AIAA paper 89-1932, 1989,
    DOI 10.2514/6.1989-1932); equal weights where the cells lie on a line, as at a corner of the mesh.
    """
    count = np.diff(first)
    x, y = differences.T
    sx, sy, xx, xy, yy = (segment_sums(v, first) for v in (x, y, x * x, x * y, y * y))
    # spread about the mean; the weights are 1/n - (d - mean) . (spread matrix)^-1 mean
    mx, my = sx / count, sy / count
    xx, xy, yy = xx - count * mx * mx, xy - count * mx * my, yy - count * my * my
    determinant = xx * yy - xy * xy
    flat = determinant <= 1e-6 * (xx + yy) ** 2
    safe = np.where(flat, 1.0, determinant)
    ax = np.where(flat, 0.0, (yy * mx - xy * my) / safe)
    ay = np.where(flat, 0.0, (xx * my - xy * mx) / safe)
    r = np.repeat
    return np.asarray(r(1.0 / count, count) - (x - r(mx, count)) * r(ax, count) - (y - r(my, count)) * r(ay, count))


def segment_sums(values: Array, first: Array) -> Array:
    """Sums of ``values[first[v]:first[v + 1]]``, added in their order: the same bits whatever stands beside them."""
    total = np.empty(len(first) - 1)
    kernels.segment_sums(np.ascontiguousarray(values), first, total)
    return total


def _edge_rows(mesh: TriMesh, part: Part) -> tuple[Array, Array, Array]:
    """Rows of the face array on both sides of each edge, and rows of the flux array round each cell."""
    local = np.full(len(mesh.edges), -1, np.int32)
    local[part.edges] = np.arange(len(part.edges), dtype=np.int32)
    corner_edges = local[mesh.cell_edges[part.cells[: part.reach2]]]  # -1 where an edge is not used here
    left_face = np.full(len(part.edges), -1, np.int32)
    right_face = np.full(len(part.edges), -1, np.int32)
    kernels.faces_of_edges(corner_edges, part.left, left_face, right_face)
    own = part.cell_edges
    is_left = part.left[own] == np.arange(part.reach1)[:, None]
    rows = np.where(is_left, 2 * own, 2 * own + 1).astype(np.int32)
    return left_face, right_face[: part.interior_edges], rows
