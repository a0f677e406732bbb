import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from meshes import island, rectangle
from meshes.core import partition, scotch
from meshes.core.locate import locate
from meshes.core.trimesh import trimesh
from pipeline.core.errors import InputError
from pipeline.core.params import build


def flat(corners):
    return np.zeros(len(corners))


SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
HALVES = np.array([[0, 1, 2], [0, 2, 3]])


def random_mesh(points, seed):
    vertices = np.random.default_rng([seed]).random((points, 2))
    vertices = np.concatenate([vertices, SQUARE])
    triangles = Delaunay(vertices).simplices
    a, b = vertices[triangles[:, 1]] - vertices[triangles[:, 0]], vertices[triangles[:, 2]] - vertices[triangles[:, 0]]
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    triangles = np.where((area < 0.0)[:, None], triangles[:, ::-1], triangles)[np.abs(area) > 1e-9]
    return trimesh(vertices, triangles, bed=flat)


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 60), st.integers(0, 10**6))
def test_normals_close_every_cell_and_point_out_of_the_left_one(points, seed):
    mesh = random_mesh(points, seed)
    sign = np.where(mesh.edge_cells[mesh.cell_edges, 0] == np.arange(len(mesh.triangles))[:, None], 1.0, -1.0)
    closed = (sign[..., None] * (mesh.normals * mesh.lengths[:, None])[mesh.cell_edges]).sum(axis=1)
    assert np.abs(closed).max() < 1e-14 * mesh.lengths.max() * 10  # three products and two sums
    out = ((mesh.midpoints - mesh.centroids[mesh.edge_cells[:, 0]]) * mesh.normals).sum(axis=1)
    assert (out > 0.0).all()
    assert mesh.areas.sum() == pytest.approx(1.0, rel=1e-7)  # slivers below 1e-9 are left out


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 60), st.integers(0, 10**6))
def test_neighbours_share_the_edge_they_are_said_to_share(points, seed):
    mesh = random_mesh(points, seed)
    for cell, near in enumerate(mesh.neighbours):
        for i in range(3):
            ends = {mesh.triangles[cell, i], mesh.triangles[cell, (i + 1) % 3]}
            assert set(mesh.edges[mesh.cell_edges[cell, i]]) == ends
            holders = [t for t in range(len(mesh.triangles)) if ends <= set(mesh.triangles[t]) and t != cell]
            assert holders == ([] if near[i] < 0 else [near[i]])


@pytest.mark.parametrize("pattern", ["delaunay", "cross", "right"])
def test_rectangles_are_covered_once_and_their_sides_named(pattern):
    mesh = rectangle.build(rectangle.Params(3.0, 2.0, 0.13, origin=(-1.0, 4.0), pattern=pattern), folder=Path())
    assert mesh.areas.sum() == pytest.approx(6.0, rel=1e-13)
    outer = mesh.boundary >= 0
    lengths = [mesh.lengths[mesh.boundary == side].sum() for side in range(4)]
    assert lengths == pytest.approx([2.0, 2.0, 3.0, 3.0], rel=1e-13)
    assert mesh.midpoints[mesh.boundary == mesh.boundary_names.index("west"), 0] == pytest.approx(-1.0)
    assert (outer == (mesh.edge_cells[:, 1] < 0)).all()


def test_the_island_is_finer_on_the_island():
    mesh = island.build(island.Params(size=1.0, island=0.2), folder=Path())
    away = np.hypot(*(mesh.centroids - island.CENTRE).T)
    size = np.sqrt(mesh.areas / np.sqrt(3.0) * 4.0)
    assert np.median(size[away < 2.9]) == pytest.approx(0.2, rel=0.42)  # sizes come in halves
    assert np.median(size[away > 9.0]) == pytest.approx(1.0, rel=0.42)
    assert mesh.bed.max() == pytest.approx(0.305, abs=1e-12)


def test_the_order_keeps_neighbours_near():
    mesh = rectangle.build(rectangle.Params(10.0, 10.0, 0.2), folder=Path())
    inside = mesh.edge_cells[:, 1] >= 0
    spread = np.abs(np.diff(mesh.edge_cells[inside], axis=1)).max()
    assert spread < 4 * np.sqrt(len(mesh.triangles))  # a band about as wide as the mesh


@pytest.mark.parametrize(
    ("vertices", "triangles", "said"),
    [
        (SQUARE, HALVES[:, ::-1], "is flipped"),
        (np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]), np.array([[0, 1, 2]]), "has no area"),
        (np.concatenate([SQUARE, [[5.0, 5.0]]]), HALVES, "vertex 4 at (5, 5) m belongs to no triangle"),
        (np.concatenate([SQUARE, [[0.9, 0.1]]]), np.concatenate([HALVES, [[0, 4, 2]]]), "3 triangles meet on one edge"),
        (np.concatenate([SQUARE[:3], [[0.9, 0.2]]]), np.array([[0, 1, 2], [0, 3, 2]]), "overlap: both lie on the same side"),
        (np.array([[0.0, 0.0], [1.0, 0.0], [np.nan, 1.0]]), np.array([[0, 1, 2]]), "not finite"),
        (SQUARE, np.array([[0, 1, 7]]), "names vertex 7; there are 4"),
        (SQUARE, np.zeros((0, 3), int), "no triangle"),
    ],
)
def test_a_wrong_mesh_is_refused_and_the_place_named(vertices, triangles, said):
    with pytest.raises(InputError) as error:
        trimesh(vertices, triangles, bed=flat)
    assert said in str(error.value)


def test_points_are_found_in_their_cells():
    mesh = rectangle.build(rectangle.Params(2.0, 1.0, 0.1), folder=Path())
    assert (locate(mesh, mesh.centroids)[0] == np.arange(len(mesh.triangles))).all()
    assert (locate(mesh, np.array([[2.1, 0.5], [-1e-3, 0.5]]))[0] == -1).all()
    assert locate(mesh, np.array([[0.0, 0.0], [2.0, 1.0]]))[0].min() >= 0  # corners belong to the mesh


def brute_layers(mesh, owner, rank):
    """Layers of ghosts by the words of their definition."""
    own = set(np.flatnonzero(owner == rank))
    layers = []
    have = set(own)
    for _ in range(2):
        ring = {int(n) for c in have for n in mesh.neighbours[c] if n >= 0} - have
        layers.append(ring)
        have |= ring
    corners = {v for c in have for v in mesh.triangles[c]}
    layers.append({t for t in range(len(mesh.triangles)) if corners & set(mesh.triangles[t])} - have)
    return own, layers


@settings(max_examples=20, deadline=None)
@given(st.integers(20, 80), st.integers(2, 5), st.integers(0, 10**6))
def test_parts_hold_what_their_definition_says(points, size, seed):
    mesh = random_mesh(points, seed)
    owner = partition.bisect(mesh.centroids, size)
    parts = [mesh.part(rank, size, owner) for rank in range(size)]
    for rank, part in enumerate(parts):
        own, layers = brute_layers(mesh, owner, rank)
        assert set(part.cells[: part.owned]) == own
        assert set(part.cells[part.owned : part.reach1]) == layers[0]
        assert set(part.cells[part.reach1 : part.reach2]) == layers[1]
        assert set(part.cells[part.reach2 :]) == layers[2]
        assert len(set(part.cells)) == len(part.cells)
        assert (part.vertices[part.corners] == mesh.triangles[part.cells[: part.reach2]]).all()
        assert (part.edges[part.cell_edges] == mesh.cell_edges[part.cells[: part.reach1]]).all()
        for v in range(len(part.vertices)):
            around = part.cells[part.cells_of[part.first_cell[v] : part.first_cell[v + 1]]]
            assert list(around) == sorted(np.flatnonzero((mesh.triangles == part.vertices[v]).any(axis=1)))
        inner = part.cells[: part.inner]
        corner_sets = mesh.triangles[inner]
        assert (owner[[c for v in np.unique(corner_sets) for c in np.flatnonzero((mesh.triangles == v).any(axis=1))]] == rank).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(20, 80), st.integers(2, 5), st.integers(0, 10**6))
def test_every_ghost_is_sent_by_its_owner_in_the_same_order(points, size, seed):
    mesh = random_mesh(points, seed)
    owner = np.random.default_rng([seed]).permutation(partition.bisect(mesh.centroids, size))  # as ragged as parts can be
    parts = [mesh.part(rank, size, owner) for rank in range(size)]
    sent = {(rank, to): parts[rank].cells[cells] for rank in range(size) for to, cells in parts[rank].halo.send}
    received = {(source, rank): parts[rank].cells[cells] for rank in range(size) for source, cells in parts[rank].halo.recv}
    assert sent.keys() == received.keys()
    for pair, cells in sent.items():
        assert (cells == received[pair]).all()
        assert (owner[cells] == pair[0]).all()
    for part in parts:
        assert sum(len(cells) for _, cells in part.halo.recv) == len(part.cells) - part.owned


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_partitions_are_even_and_leave_no_rank_empty(size):
    mesh = rectangle.build(rectangle.Params(10.0, 10.0, 0.4), folder=Path())
    for owner in (partition.owners(mesh, size), partition.bisect(mesh.centroids, size)):
        counts = np.bincount(owner, minlength=size)
        assert len(counts) == size
        assert counts.max() <= 1.1 * counts.mean()


@pytest.mark.parametrize("size", [2, 3, 8])
def test_groups_of_cells_are_shared_out_evenly(size):
    mesh = rectangle.build(rectangle.Params(10.0, 10.0, 0.4), folder=Path())
    groups = np.searchsorted([1.0, 2.0, 4.0], np.hypot(*(mesh.centroids - 3.0).T))
    owner = partition.owners(mesh, size, groups)
    for group in range(4):
        counts = np.bincount(owner[groups == group], minlength=size)
        assert np.ptp(counts) <= np.ceil(np.log2(size))  # one at each cut


def test_pt_scotch_called_directly_cuts_fewer_edges_than_through_petsc_and_the_same_each_time(monkeypatch):
    meshes = [rectangle.build(rectangle.Params(10.0, 10.0, 0.08, seed=seed), folder=Path()) for seed in range(3)]
    direct = [partition.owners(mesh, 32) for mesh in meshes]
    assert (partition.owners(meshes[0], 32) == direct[0]).all()
    monkeypatch.setattr(scotch, "partition", lambda first, columns, parts: None)
    petsc = [partition.owners(mesh, 32) for mesh in meshes]
    assert (direct[0] != petsc[0]).any(), "PT-Scotch could not be called directly"
    cut, other = (sum(edges_cut(mesh, owner) for mesh, owner in zip(meshes, owners, strict=True)) for owners in (direct, petsc))
    assert 0 < cut <= 1.01 * other


def edges_cut(mesh, owner):
    inside = mesh.edge_cells[mesh.edge_cells[:, 1] >= 0]
    return int((owner[inside[:, 0]] != owner[inside[:, 1]]).sum())


def test_petsc_leaves_a_pipe_that_nobody_reads_to_python():
    partition.petsc()
    ours, theirs = os.pipe()
    os.close(ours)
    with pytest.raises(BrokenPipeError):
        os.write(theirs, b"word")
    os.close(theirs)


def test_without_petsc_the_cut_is_geometric_and_says_so(monkeypatch, caplog):
    def absent(mesh, size):
        raise ImportError("petsc4py")

    monkeypatch.setattr(partition, "_scotch", absent)
    partition.warn_once.cache_clear()
    mesh = rectangle.build(rectangle.Params(1.0, 1.0, 0.2), folder=Path())
    with caplog.at_level("WARNING", logger="wavetrain"):
        owner = partition.owners(mesh, 3)
        partition.owners(mesh, 3)
    assert (owner == partition.bisect(mesh.centroids, 3)).all()
    assert sum("bisection" in record.message for record in caplog.records) == 1


def test_more_ranks_than_cells_are_refused():
    mesh = trimesh(SQUARE, HALVES, bed=flat)
    with pytest.raises(InputError, match="too many ranks for the cells: 3 ranks, 2 cells"):
        partition.start(len(mesh.triangles), 3)


def rectangle_mesh(width, height, size, **named):
    table = {"width": width, "height": height, "size": size, **named}
    return rectangle.build(build(rectangle.Params, table, "mesh"), folder=Path())


@settings(max_examples=100, deadline=None)
@given(st.floats(0.1, 0.6))
@example(0.0513896)  # a fiftieth of whose columns is no whole number of last bits
def test_a_rectangle_of_any_size_has_straight_walls_and_no_slivers(size):
    mesh = rectangle_mesh(10.0, 3.0, size)
    assert mesh.vertices.min(axis=0).tolist() == [0.0, 0.0]
    assert mesh.vertices.max(axis=0).tolist() == [10.0, 3.0]
    assert mesh.inradius.min() > 0.1 * size  # an even triangle has 0.29
    assert mesh.areas.sum() == pytest.approx(30.0, rel=1e-12)


PERIODIC = [["x"], ["y"], ["x", "y"]]


@pytest.mark.parametrize("periodic", PERIODIC, ids="".join)
@pytest.mark.parametrize("pattern", ["delaunay", "cross", "right"])
def test_a_glued_mesh_closes_on_itself(periodic, pattern):
    mesh = rectangle_mesh(2.0, 1.2, 0.11, pattern=pattern, periodic=periodic)
    assert len(np.unique(mesh.nodes)) - len(mesh.edges) + len(mesh.triangles) == 0  # Euler: a torus or an annulus
    assert mesh.areas.sum() == pytest.approx(2.4, rel=1e-14)
    open_sides = {("x",): ("south", "north"), ("y",): ("west", "east"), ("x", "y"): ()}[tuple(periodic)]
    assert mesh.boundary_names == open_sides
    assert set(mesh.boundary[mesh.edge_cells[:, 1] < 0]) == set(range(len(open_sides)))
    inside = mesh.edge_cells[:, 1] >= 0
    a, b = mesh.centroids[mesh.edge_cells[inside].T]
    lengths = np.array([period or np.inf for period in mesh.period])
    away = b - a - np.round((b - a) / lengths) * np.array(mesh.period)  # by the nearest way round
    assert (np.hypot(*away.T) < 0.11).all()
    assert ((away * mesh.normals[inside]).sum(axis=1) > 0.0).all()


def test_a_place_beyond_a_glued_side_is_found_where_it_comes_back_in():
    mesh = rectangle_mesh(2.0, 1.2, 0.11, periodic=["x"])
    points = np.array([[0.001, 0.6], [1.999, 0.6], [-0.5, 0.3], [1.5, 0.3]])
    cells, places = locate(mesh, points)
    assert (cells >= 0).all()
    assert cells[2] == cells[3]
    assert (np.hypot(*(places - mesh.centroids[cells]).T) < 0.11).all()
    assert locate(mesh, np.array([[1.0, -0.1]]))[0] == -1


def test_a_periodic_mesh_refuses_what_it_cannot_do():
    with pytest.raises(InputError, match="less than three edges"):
        rectangle_mesh(2.0, 0.2, 0.1, periodic=["y"])
    with pytest.raises(InputError, match="do not go together"):
        rectangle_mesh(2.0, 1.0, 0.1, periodic=["y"], refine=[{"centre": [1.0, 0.5], "radius": 0.1, "size": 0.01}])


def holder(mesh, point):
    """The first cell that holds ``point``, by a look at all of them."""
    corners = mesh.vertices[mesh.triangles]
    inside = ((corners.min(axis=1) <= point) & (point <= corners.max(axis=1))).all(axis=1)
    for k in range(3):
        edge, to = corners[:, (k + 1) % 3] - corners[:, k], point - corners[:, k]
        inside &= edge[:, 0] * to[:, 1] - edge[:, 1] * to[:, 0] >= -1e-12 * (edge * edge).sum(axis=1)
    return int(np.argmax(inside)) if inside.any() else -1


@pytest.mark.parametrize(
    "more", [{"pattern": "right"}, {"pattern": "cross"}, {"refine": [{"centre": [5.0, 2.0], "radius": 0.5, "size": 0.04}]}]
)
def test_points_in_cells_on_edges_and_on_corners_are_found_as_by_a_look_at_all_cells(more):
    table = {"width": 10.0, "height": 4.0, "size": 0.5, "bathymetry": {"kind": "flat", "depth": 1.0}, **more}
    mesh = rectangle.build(build(rectangle.Params, table, "mesh"), folder=Path())
    chance = np.random.default_rng(7)
    points = np.concatenate([chance.uniform([-0.5, -0.5], [10.5, 4.5], (60, 2)), mesh.vertices[::29], mesh.midpoints[::67]])
    cells, places = locate(mesh, points)
    assert cells.tolist() == [holder(mesh, point) for point in points]
    assert (places == points).all()
    assert (cells[:60] < 0).any()
    few = [locate(mesh, points[i : i + 40])[0] for i in range(0, len(points), 40)]
    assert np.array_equal(np.concatenate(few), cells)
