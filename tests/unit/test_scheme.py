"""The scheme's parts between the kernels and a run: changes to the neighbours, steps, means at the start, slivers."""

from pathlib import Path

import numpy as np
import pytest
from conftest import Basin
from scipy.spatial import Delaunay

from meshes import rectangle
from meshes.core.bathymetry import shape_means
from meshes.core.trimesh import TriMesh, trimesh
from pipeline.core.params import build
from solvers.tsunami.geometry import geometry
from solvers.tsunami.params import Params

FLAT = {"kind": "flat", "depth": 1.0}
SQUARE = {"width": 8.0, "height": 8.0, "size": 0.4, "origin": [-4.0, -4.0], "bathymetry": FLAT}
HUMP = {"kind": "hump", "height": 0.2, "width": 1.0}


def slivers(seed: int, bed) -> TriMesh:
    """A square of 8 m whose inner vertices stand at random: angles down to a degree."""
    rng = np.random.default_rng([seed])
    side = np.linspace(-4.0, 4.0, 17)
    rim = np.concatenate([[(x, y) for x in side] for y in (-4.0, 4.0)] + [[(x, y) for y in side[1:-1]] for x in (-4.0, 4.0)])
    vertices = np.concatenate([rim, rng.uniform(-3.9, 3.9, (260, 2))])
    triangles = Delaunay(vertices).simplices
    corners = vertices[triangles]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    double = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    triangles = np.where((double < 0.0)[:, None], triangles[:, ::-1], triangles)[np.abs(double) > 1e-9]
    return trimesh(vertices, triangles, bed=lambda corners: bed(*corners.mean(axis=1).T))


@pytest.mark.parametrize("periodic", [[], ["x", "y"]])
def test_a_planes_change_to_a_neighbour_is_that_of_its_changes_to_two_edges(periodic):
    mesh = rectangle.build(build(rectangle.Params, {**SQUARE, "periodic": periodic}, "mesh"), folder=Path())
    part = mesh.part(0, 1, np.zeros(len(mesh.triangles), np.int32))
    g = geometry(mesh, part, build(Params, {"limiter": "none"}, "solver"), smooth=0.1, at_walls=0.5)
    slope = np.array([0.3, -0.7])
    to_edges = g.offsets @ slope
    to_neighbours = g.reach[..., 0] * to_edges + g.reach[..., 1] * np.roll(to_edges, -1, axis=1)
    way = mesh.centroids[part.cells[g.neighbours]] - mesh.centroids[part.cells][:, None]
    way -= 8.0 * np.round(way / 8.0)  # across a periodic side
    inside = g.neighbours != np.arange(len(part.cells))[:, None]
    assert inside.all() == bool(periodic)
    assert to_neighbours[inside] == pytest.approx((way @ slope)[inside], abs=1e-14)
    assert (g.reach[~inside] == 0.0).all()


def test_a_step_is_that_of_the_state_alone(basin):
    sea = basin(SQUARE, {"initial": HUMP})
    hump = sea.model.initial()
    limit = sea.model.max_dt(hump)
    dam = hump.copy()
    dam[sea.x < 0.0, 0] = 3.0
    sea.model.max_dt(dam)
    assert sea.model.max_dt(hump) == limit


def test_steps_are_long_in_smooth_water_and_short_at_a_shock(basin):
    dam = {"kind": "dam_break", "high": 3.0, "low": 1.0, "radius": 3.0}
    still, shock = (
        [basin(SQUARE, {"stepping": stepping, "initial": initial}).model for stepping in ("ssprk3", "ssprk2", "euler")]
        for initial in ({"kind": "rest"}, dam)
    )
    longest, short, shortest = (model.max_dt(model.initial()) for model in still)
    geometry = still[0].scheme.geometry
    assert longest == pytest.approx(np.maximum(2.6 * geometry.nearest, 5.0 / 3.0 * geometry.inradius).min() / np.sqrt(9.81), rel=1e-12)
    assert short == shortest == pytest.approx((geometry.inradius / np.sqrt(9.81)).min(), rel=1e-12)
    at_shock, short, _ = (model.max_dt(model.initial()) for model in shock)
    assert 1.66 * short < at_shock < 2.1 * short  # the cell that decides stands at the dam, or is hardly larger


def test_the_start_is_the_means_over_the_cells(basin):
    sea = basin(SQUARE, {"initial": HUMP})
    corners = sea.mesh.vertices[sea.mesh.triangles[sea.cells]]
    means = shape_means(lambda x, y: 1.0 + 0.2 * np.exp(-(x * x + y * y)), corners)
    found = sea.model.initial()[:, 0]
    assert found == pytest.approx(means, abs=1e-12)
    assert np.abs(found - (1.0 + 0.2 * np.exp(-(sea.x**2 + sea.y**2)))).max() > 1e-3


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("stepping", ["ssprk2", "ssprk3"])
def test_water_at_rest_rests_on_slivers_too(seed, stepping):
    lake = Basin(slivers(seed, lambda x, y: -1.0 + 1.6 * np.exp(-(x**2) - (y - 1.0) ** 2) + 0.2 * np.sin(5.0 * x)), {"stepping": stepping})
    start = lake.model.initial()
    end = lake.run(300 * 0.9 * lake.model.max_dt(start))
    assert (start[:, 0] == 0.0).any()
    assert np.array_equal(end, start)


@pytest.mark.parametrize("seed", range(2))
def test_waves_on_slivers_lose_energy_and_no_water(seed):
    """So little dissipation is enough: noise between cells does not grow."""
    pool = Basin(slivers(seed, lambda x, y: np.full_like(x, -1.0)), {"initial": HUMP})

    def energy(u):
        return float((pool.area * (9.81 * (u[:, 0] - mean) ** 2 + (u[:, 1] ** 2 + u[:, 2] ** 2) / u[:, 0])).sum() / 2.0)

    start = pool.model.initial()
    mean = float((pool.area * start[:, 0]).sum() / pool.area.sum())
    energies = [energy(start)] + [energy(pool.run(end).copy()) for end in (2.0, 6.0)]
    assert energies[0] > energies[1] > energies[2] > 0.0
    assert pool.model.mass(pool.run(2.0))[0] == pytest.approx(pool.model.mass(start)[0], rel=1e-14)


def test_round_off_beside_a_shock_stays_round_off(basin):
    dam = {"kind": "dam_break", "high": 10.0, "low": 1.0, "radius": 2.0}
    ends = []
    for size in (0.0, 1e-13):
        sea = basin(SQUARE, {"initial": dam})
        noise = size * np.random.default_rng([3]).standard_normal(len(sea.cells))
        start = sea.model.initial() * (1.0 + noise)[:, None]
        sea.model.initial = lambda start=start: start
        ends.append(sea.run(0.3).copy())
    assert sea.clock.step > 15
    assert 0.0 < np.abs(ends[1] - ends[0]).max() < 1e-8  # 1e-12 of depth, and of products with it, over 50 stages
