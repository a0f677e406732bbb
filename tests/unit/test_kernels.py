import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.tsunami import kernels

G = 9.81
depth = st.one_of(st.just(0.0), st.floats(1e-6, 10.0))
speed = st.floats(-8.0, 8.0)


SOLVERS = (kernels.hllc, kernels.roe, kernels.rusanov, kernels.kinetic)
any_solver = pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.__name__)


def flux(solver, h_left, u_left, v_left, h_right, u_right, v_right):
    rise = 0.5 * G * (h_right - h_left) * (h_right + h_left)
    return solver(h_left, u_left, v_left, h_right, u_right, v_right, rise, G)


@any_solver
@settings(max_examples=200, deadline=None)
@given(depth, speed, speed)
def test_equal_states_give_the_physical_flux(solver, h, u, v):
    mass, along, across = flux(solver, h, u, v, h, u, v)
    scale = h * (abs(u) + abs(v) + math.sqrt(G * h) + 1.0) ** 2 + 1e-300
    assert abs(mass - h * u) < 1e-14 * scale  # a few round-offs of sums of waves
    assert abs(along - h * u * u) < 1e-14 * scale
    assert abs(across - h * u * v) < 1e-14 * scale


@any_solver
@settings(max_examples=200, deadline=None)
@given(depth, speed, speed, depth, speed, speed)
def test_the_flux_seen_from_the_other_side_is_the_same(solver, hl, ul, vl, hr, ur, vr):
    ul, vl = (ul, vl) if hl > 0.0 else (0.0, 0.0)  # dry land has no velocity
    ur, vr = (ur, vr) if hr > 0.0 else (0.0, 0.0)
    rise = 0.5 * G * (hr - hl) * (hr + hl)
    mass, along, across = flux(solver, hl, ul, vl, hr, ur, vr)
    mass_back, along_back, across_back = flux(solver, hr, -ur, -vr, hl, -ul, -vl)
    scale = (hl + hr) * (abs(ul) + abs(ur) + abs(vl) + abs(vr) + 10.0) ** 2 + 1e-300
    assert mass == pytest.approx(-mass_back, abs=1e-13 * scale)
    assert along == pytest.approx(along_back + rise, abs=1e-12 * scale)
    assert across == pytest.approx(across_back, abs=1e-12 * scale)


@pytest.mark.parametrize("solver", [kernels.hllc, kernels.roe, kernels.kinetic], ids=lambda solver: solver.__name__)
@settings(max_examples=100, deadline=None)
@given(st.floats(1e-3, 10.0), speed)
def test_supersonic_water_carries_its_own_flux(solver, h, v):
    u = 3.0 * math.sqrt(G * h)
    mass, along, _ = flux(solver, h, u, v, 0.3 * h, u, -v)
    assert mass == pytest.approx(h * u, rel=1e-14)
    assert along == pytest.approx(h * u * u, rel=1e-13)


@any_solver
@settings(max_examples=100, deadline=None)
@given(depth)
def test_still_water_has_no_flux_to_the_last_bit(solver, h):
    assert flux(solver, h, 0.0, 0.0, h, 0.0, 0.0) == (0.0, 0.0, 0.0)


@given(st.floats(1e-3, 10.0))
@settings(max_examples=50, deadline=None)
def test_a_dam_that_breaks_on_dry_land_lets_water_out(h):
    mass, _, _ = flux(kernels.hllc, h, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert mass == pytest.approx(2.0 / 3.0 * h * math.sqrt(G * h), rel=1e-14)  # two waves, -c and the front's 2 c, by hand


@any_solver
@settings(max_examples=100, deadline=None)
@given(depth, speed, speed, depth, speed, speed, st.floats(0.0, 1.0))
def test_less_dissipation_keeps_symmetry_rest_and_shocks(solver, hl, ul, vl, hr, ur, vr, smooth):
    def blended(h_left, u_left, v_left, h_right, u_right, v_right):
        rise = 0.5 * G * (h_right - h_left) * (h_right + h_left)
        mass, along, _ = flux(solver, h_left, u_left, v_left, h_right, u_right, v_right)
        return kernels.blended(mass, along, h_left, u_left, v_left, h_right, u_right, v_right, rise, G, smooth), mass, along

    ul, vl = (ul, vl) if hl > 0.0 else (0.0, 0.0)  # dry land has no velocity
    ur, vr = (ur, vr) if hr > 0.0 else (0.0, 0.0)
    (mass, along, jump), full_mass, full_along = blended(hl, ul, vl, hr, ur, vr)
    (mass_back, along_back, jump_back), _, _ = blended(hr, -ur, -vr, hl, -ul, -vl)
    scale = (hl + hr) * (abs(ul) + abs(ur) + abs(vl) + abs(vr) + 10.0) ** 2 + 1e-300
    assert jump == jump_back
    assert mass == pytest.approx(-mass_back, abs=1e-13 * scale)
    assert along == pytest.approx(along_back + 0.5 * G * (hr - hl) * (hr + hl), abs=1e-12 * scale)
    assert blended(hl, 0.0, 0.0, hl, 0.0, 0.0)[0] == (0.0, 0.0, 0.0)
    if jump > 0.1:  # a shock, or the edge of a film
        assert mass == pytest.approx(full_mass, abs=1e-15 * scale)
        assert along == pytest.approx(full_along, abs=1e-15 * scale)


def six(low, high):
    return st.lists(st.floats(low, high), min_size=6, max_size=6)


def block(values, reach, half_kappa):
    """A block of cells, all alike, with ``values`` at corners and neighbours in the rows that `kernels.limited_changes` reads."""
    cells = np.zeros((43, kernels.BLOCK))
    cells[kernels.SIXTH] = 1.0 / 6.0
    cells[15:18], cells[24:27] = np.reshape(values[:3], (3, 1)), np.reshape(values[3:], (3, 1))
    cells[33:39], cells[39:42] = np.reshape(reach, (6, 1)), half_kappa
    return cells


@settings(max_examples=300, deadline=None)
@given(st.floats(-1.0, 1.0), six(-1.0, 1.0), six(0.0, 3.0), st.floats(0.0, 0.5))
def test_a_limited_slope_stays_within_the_neighbours(mean, values, reach, half_kappa):
    changes = np.array(kernels.limited_changes(block(values, reach, half_kappa), 0, 15, 24, mean, 1e36, 1.0))
    assert mean + changes.max() <= max(*values[3:], mean) + 1e-15
    assert mean + changes.min() >= min(*values[3:], mean) - 1e-15
    assert kernels.limited_changes(block(values, reach, half_kappa), 0, 15, 24, mean, 1e36, 0.0) == (0.0, 0.0, 0.0)


@settings(max_examples=100, deadline=None)
@given(six(-1.0, 1.0))
def test_an_unlimited_slope_is_that_of_the_plane(values):
    (a0, a1, a2), plane = values[:3], kernels.limited_changes(block(values, np.zeros(6), 0.0), 0, 15, 24, 0.0, 0.0, 1.0)
    assert plane == pytest.approx([(a0 + a1 - 2 * a2) / 6, (a1 + a2 - 2 * a0) / 6, (a2 + a0 - 2 * a1) / 6], abs=1e-15)


def all_of(count):
    return np.arange(count, dtype=np.uint32)


def random_edges(rng, edges, cells):
    faces = rng.random((3 * cells, 4)) * [1.0, 1.0, 2.0, 2.0] + [0.0, 1.0, -1.0, -1.0]
    angle = rng.random(edges) * 2.0 * np.pi
    normals = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    left, right = rng.integers(0, 3 * cells, (2, edges)).astype(np.uint32)
    return faces, left, right, normals, rng.random(edges)


@pytest.mark.parametrize("riemann", [kernels.HLLC, kernels.ROE, kernels.RUSANOV, kernels.KINETIC])
@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 101), max_size=5), st.integers(0, 10**6))
def test_edges_in_lists_of_any_order_give_the_same_bits(riemann, cuts, seed):
    rng = np.random.default_rng([seed])
    arrays, smooth = random_edges(rng, 101, 40), rng.random(101)
    whole, pieces = np.zeros((2, 202, 3))
    jumps, jump_pieces = np.zeros((2, 101))
    kernels.edge_flux(*arrays, smooth, G, riemann, all_of(101), whole, jumps)
    for listed in np.split(rng.permutation(all_of(101)), sorted(cuts)):
        kernels.edge_flux(*arrays, smooth, G, riemann, listed, pieces, jump_pieces)
    assert whole.tobytes() == pieces.tobytes()
    assert jumps.tobytes() == jump_pieces.tobytes()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 77), max_size=5), st.integers(0, 10**6))
def test_cells_in_lists_of_any_order_give_the_same_bits(cuts, seed):
    rng = np.random.default_rng([seed])
    cells = 77
    q = rng.random((cells, 4))
    corner_values = rng.random((50, 4))
    corner_values[:, 3] = rng.random(50) > 0.1
    corners = rng.integers(0, 50, (cells, 3)).astype(np.uint32)
    near = rng.integers(0, cells, (cells, 3)).astype(np.uint32)
    args = (
        q,
        corner_values,
        corners,
        rng.random((cells, 3)) @ (np.eye(3) - 1.0 / 3.0),  # sums to zero, as the bed's changes do
        near,
        rng.random((cells, 3, 2)) - 0.5,
        rng.random((cells, 3, 2)) + 0.5,
        10.0 ** rng.uniform(-2, 2, cells),
    )
    whole, pieces = np.zeros((2, cells, 3, 4))
    push, push_pieces = np.zeros((2, cells, 2))
    kernels.reconstruct(*args, G, 2, 1e-4, all_of(cells), whole, push)
    for listed in np.split(rng.permutation(all_of(cells)), sorted(cuts)):
        kernels.reconstruct(*args, G, 2, 1e-4, listed, pieces, push_pieces)
    assert whole.tobytes() == pieces.tobytes()
    assert push.tobytes() == push_pieces.tobytes()
    assert (whole[:, :, 0] >= 0.0).all()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6))
def test_no_cell_pays_more_water_than_it_has(seed):
    rng = np.random.default_rng([seed])
    cells, edges = 12, 20
    u = np.zeros((cells, 3))
    u[:, 0] = rng.random(cells) * (rng.random(cells) > 0.3)
    left, right = rng.integers(0, cells, (2, edges)).astype(np.uint32)
    flux_rows = np.zeros((2 * edges, 3))
    flux_rows[::2, 0] = rng.standard_normal(edges)
    flux_rows[1::2, 0] = -flux_rows[::2, 0]
    chosen = [np.flatnonzero((left == c) | (right == c))[:3] for c in range(cells)]
    spare = 2 * edges
    flux_rows = np.concatenate([flux_rows, np.zeros((1, 3))])
    rows = np.array([[*(2 * e + (left[e] != c) for e in some), *[spare] * (3 - len(some))] for c, some in enumerate(chosen)], np.uint32)
    area, share = np.ones(cells), np.ones(cells)
    kernels.drain(u, flux_rows, rows, area, 1e-14, 1.0, all_of(cells), share)
    kernels.scale_outflow(flux_rows[:-1], left, right, all_of(edges), share)
    out = np.maximum(flux_rows[rows, 0], 0.0).sum(axis=1)
    assert (out <= u[:, 0]).all()
    assert (flux_rows[:-1:2, 0] == -flux_rows[1::2, 0]).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_a_boundary_edge_has_the_same_bits_wherever_it_stands(seed):
    rng = np.random.default_rng([seed])
    edges = 37
    faces, left, _, normals, lengths = random_edges(rng, edges, 20)
    kind, wave = rng.integers(0, 2, edges), 0.1 * rng.standard_normal(edges)
    whole, alone = np.zeros((2, 2 * edges, 3))
    kernels.boundary_flux(faces, left, normals, lengths, kind, wave, 0.5, G, 0, all_of(edges), whole)
    for e in range(edges):
        kernels.boundary_flux(faces, left, normals, lengths, kind[e : e + 1], wave[e : e + 1], 0.5, G, e, all_of(edges)[e : e + 1], alone)
    assert whole.tobytes() == alone.tobytes()


def test_the_inverse_cube_root_is_one_to_round_off():
    for x in 10.0 ** np.random.default_rng([5]).uniform(-12.0, 6.0, 1000):
        assert kernels.inverse_cube_root(x) == pytest.approx(x ** (-1.0 / 3.0), rel=2e-15)
