"""Local time stepping: each cell's own steps, with the same water, the same rest and no more error than with equal steps."""

import numpy as np
import pytest

from meshes.core import quadrature
from meshes.core.partition import owners
from pipeline.core.params import build
from solvers.core.steppers import TABLEAUX
from solvers.tsunami import groups
from solvers.tsunami.local import LocalStepping, stage_times
from solvers.tsunami.params import Params
from solvers.tsunami.region import Region

HARBOUR = [{"centre": [1.0, 0.5], "radius": 0.2, "size": 0.05, "growth": 0.25}]
SQUARE = {"width": 12.0, "height": 10.0, "size": 0.8, "origin": [-6.0, -5.0], "refine": HARBOUR}
FLAT = {"kind": "flat", "depth": 1.0}
ISLAND = {"kind": "bump", "depth": 0.5, "height": 0.8, "width": 1.2, "centre": [1.2, 0.2]}
HUMP = {"kind": "hump", "height": 0.2, "width": 2.5, "centre": [-1.0, 0.0]}
COMES_IN = {"west": {"kind": "incident", "wave": {"kind": "solitary", "height": 0.15, "depth": 0.5}}, "east": {"kind": "outflow"}}
LOCAL = {"time_steps": "local"}
WATERS = {
    "a hump": (FLAT, {"initial": HUMP}),
    "a wave that floods an island": (ISLAND, {"boundary": COMES_IN, "manning": 0.02}),
    "a dam that breaks on dry land": (
        {"kind": "flat", "depth": 0.0},
        {"initial": {"kind": "dam_break", "high": 1.0, "low": 0.0, "radius": 2.0}},
    ),
    "a dam that breaks, in single precision": (
        FLAT,
        {"initial": {"kind": "dam_break", "high": 2.0, "low": 1.0, "radius": 2.0}, "precision": "float32"},
    ),
}
GAUGES = {"harbour": (1.0, 0.5), "sea": (-4.0, -3.0)}


def of(basin, bed, solver):
    return basin({**SQUARE, "bathymetry": bed}, solver, gauges=GAUGES)


@pytest.mark.parametrize("water", WATERS)
def test_no_water_is_lost_and_none_is_below_zero(basin, water):
    bed, solver = WATERS[water]
    sea = of(basin, bed, solver | LOCAL)
    start = sea.model.mass(sea.model.initial())[0]
    end = sea.run(1.5)
    volume, came_in = sea.model.mass(end)
    assert (end[:, 0] >= 0.0).all()
    assert volume - start == pytest.approx(came_in, abs=1e-13 * start)
    equal = of(basin, bed, solver)
    equal.run(1.5)
    assert sea.clock.step < 0.5 * equal.clock.step


def test_water_at_rest_rests(basin):
    for level in (0.0, 0.3):
        sea = of(basin, ISLAND, {"level": level, **LOCAL})
        start = sea.model.initial().copy()
        assert sea.run(2.0).tobytes() == start.tobytes()


@pytest.mark.parametrize("water", WATERS)
def test_quiet_water_may_be_left_out_here_too(basin, monkeypatch, water):
    bed, solver = WATERS[water]
    courses = []
    for follow in (Region.follow, lambda *_: None):
        monkeypatch.setattr(Region, "follow", follow)
        sea = of(basin, bed, solver | LOCAL)
        end = sea.run(0.6, every=0.2)
        sea.model.finish(0.6, end)
        courses.append([end.tobytes(), sea.model.maxima.tobytes(), *(samples.tobytes() for samples in sea.model.gauges.take())])
    assert courses[0] == courses[1]


def standing_wave_error(basin, size, solver):
    """Error of a standing wave's free surface over its amplitude after most of a period, on a mesh with a finer patch; and the steps."""
    length, amplitude, end = 10.0, 1e-5, 5.0
    patch = {"centre": [3.0, 2.0], "radius": 0.2, "size": 0.12 * size, "growth": 0.3}
    mesh = {"width": length, "height": 4.0, "size": size, "refine": [patch], "bathymetry": FLAT}
    initial = {"kind": "standing_wave", "amplitude": amplitude, "wavelength": length, "depth": 1.0}
    sea = basin(mesh, {"initial": initial, "gravity": 9.81, **solver})
    u = sea.run(end)
    x, _ = quadrature.places(sea.mesh.vertices[sea.mesh.triangles[sea.cells]])
    k = 2.0 * np.pi / length
    truth = 1.0 + amplitude * np.cos(k * np.sqrt(9.81) * end) * quadrature.means(np.cos(k * x))
    return np.average(np.abs(u[:, 0] - truth), weights=sea.area) / amplitude, sea.clock.step


def test_longer_steps_beside_short_ones_keep_the_order(basin):
    coarse, fine = ([standing_wave_error(basin, size, solver) for solver in ({}, LOCAL)] for size in (0.8, 0.4))
    for (equal, steps), (local, local_steps) in (coarse, fine):
        assert local < 2.0 * equal  # large cells take steps nine times as long
        assert local_steps < 0.3 * steps
    assert fine[1][0] < 0.27 * coarse[1][0]  # order 1.9 and more


def test_a_gauge_in_quiet_water_is_sampled_too(basin, monkeypatch):
    mesh = {"width": 24.0, "height": 3.0, "size": 0.3, "bathymetry": FLAT, "refine": [{**HARBOUR[0], "centre": [20.0, 1.5]}]}
    initial = {"kind": "hump", "height": 0.2, "width": 0.3, "centre": [2.0, 1.5]}
    series = []
    for follow in (Region.follow, lambda *_: None):
        monkeypatch.setattr(Region, "follow", follow)
        sea = basin(mesh, {"initial": initial, **LOCAL}, gauges={"harbour": (20.0, 1.5)})
        sea.run(1.0)
        series.append(sea.model.gauges.take())
    (times, values), (all_times, all_values) = series
    assert times.tolist() == all_times.tolist() and len(times) > 20
    assert values.tobytes() == all_values.tobytes()


def test_gauges_are_sampled_as_often_as_with_equal_steps(basin):
    counts, series = [], []
    for solver in ({}, LOCAL):
        sea = of(basin, FLAT, {"initial": HUMP, **solver})
        sea.model.finish(1.5, sea.run(1.5))
        times, samples = sea.model.gauges.take()
        assert (np.diff(times) > 0.0).all()
        counts.append(len(times))
        series.append(np.array([np.interp(np.linspace(0.0, 1.5, 50), times, samples[:, j, 0]) for j in range(2)]))
    assert 0.8 < counts[1] / counts[0] < 2.0
    assert np.abs(series[0] - series[1]).max() < 1e-2 * np.abs(series[0]).max()


@pytest.mark.parametrize("judgements", [[False], [False] * 4])
def test_steps_that_prove_too_long_are_done_again_with_shorter_ones(basin, monkeypatch, judgements):
    """At last with equal ones, whatever becomes of them: these are the steps of a run with equal steps, to the bit."""
    sea, equal = (of(basin, FLAT, {"initial": HUMP, **solver}) for solver in (LOCAL, {}))
    u = sea.model.initial()
    start = u.copy()
    dt = 0.9 * sea.model.max_dt(u)
    sea.model.cfl = 0.9
    tops = []
    advance = LocalStepping._advance

    def judged(self, level, t, dt, u, *, ready):
        outermost = t == 0.0 and dt == whole
        if outermost:
            tops.append(level)
        advance(self, level, t, dt, u, ready=ready)
        if outermost and len(tops) <= len(judgements):
            self._sound = judgements[len(tops) - 1]

    whole = dt
    monkeypatch.setattr(LocalStepping, "_advance", judged)
    sea.model.step(0.0, u, dt)
    assert tops == list(range(tops[0], tops[0] + min(len(judgements) + 1, 4)))
    assert sea.model.mass(u)[0] == pytest.approx(sea.model.mass(start)[0], rel=1e-14)
    if len(tops) == 4:
        for step in range(2 ** tops[-1]):
            equal.model.max_dt(start)
            equal.model.step(step * dt / 2 ** tops[-1], start, dt / 2 ** tops[-1])
        assert u == pytest.approx(start, abs=1e-15)
    assert sea.model.gauges.count == 2 ** (tops[-1] - min(sea.model._local._sampled, tops[-1]))


def test_ranks_share_each_level_evenly(basin):
    """As far as still water tells: the sea's levels at the start of a run."""
    sea = of(basin, FLAT, {"initial": {"kind": "hump", "height": 1e-3, "width": 0.5}, **LOCAL})
    sea.model.max_dt(sea.model.initial())
    levels = np.empty(len(sea.cells), int)
    levels[sea.cells] = sea.model._local.levels[: len(sea.cells), 0]
    owner = owners(sea.mesh, 2, groups(sea.mesh, sea.model.params))
    work = np.array([np.bincount(levels[owner == rank], minlength=levels.max() + 1) for rank in range(2)])
    assert (np.abs(work[0] - work[1]) <= 0.15 * work.sum(axis=0) + 8).all()
    assert groups(sea.mesh, build(Params, {}, "solver")) is None


def test_stages_of_the_parabola_are_those_of_the_method():
    """For u' = r u and a small step, the stages are those of a Taylor series to second order."""
    for tableau in TABLEAUX.values():
        z = 1e-3
        value, found = 1.0, []
        for b in tableau.b:
            found.append(value)
            value = 1.0 - b + b * (value + z * value)
        for (first, second), stage in zip(stage_times(tableau), found, strict=True):
            assert 1.0 + first * z + second * z * z == pytest.approx(stage, abs=z**3)


def test_updates_are_counted_as_they_are_done(basin):
    equal, local = (of(basin, FLAT, {"initial": HUMP, **solver}) for solver in ({}, LOCAL))
    equal.model.region.follow = lambda *_: None
    equal.run(0.5)
    assert equal.model.updates == len(equal.cells) * 3 * equal.clock.step
    local.model.region.follow = lambda *_: None
    local.model.max_dt(local.model.initial())
    inside = local.model.steps_inside
    assert inside > 2.0
    local.run(0.5)
    assert local.model.updates == pytest.approx(len(local.cells) * 3 * local.clock.step * inside, rel=0.3)
