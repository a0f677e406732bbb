from pathlib import Path

import numpy as np
import pytest
from conftest import Basin

from meshes import rectangle
from meshes.core.bathymetry import bed_means
from meshes.core.trimesh import trimesh
from pipeline.core.errors import InputError, RunError
from pipeline.core.params import Spec, build
from solvers.core.comm import Serial
from solvers.core.driver import Clock, simulate

ISLANDS = {"kind": "bump", "depth": 1.0, "height": 1.6, "width": 1.1, "centre": [0.4, -0.2]}
LAKE = {"width": 6.0, "height": 5.0, "size": 0.3, "origin": [-3.0, -2.5], "bathymetry": ISLANDS}


@pytest.mark.parametrize("stepping", ["ssprk2", "ssprk3"])
@pytest.mark.parametrize("pattern", ["delaunay", "cross"])
def test_still_water_about_a_dry_island_stays_still(basin, pattern, stepping):
    lake = basin({**LAKE, "pattern": pattern}, {"stepping": stepping, "manning": 0.02})
    start = lake.model.initial()
    dt = 0.9 * lake.model.max_dt(start)
    end = lake.run(1000 * dt)
    assert lake.clock.step >= 1000
    wet = start[:, 0] > 0.0
    assert (~wet).any()
    assert np.abs(end[:, 0] - start[:, 0]).max() < 1e-12
    assert np.abs(end[wet, 1:] / end[wet, :1]).max() < 1e-12


def test_water_sloshing_over_an_island_is_not_lost(basin):
    hump = {"kind": "hump", "height": 0.7, "width": 0.9, "centre": [-2.0, 0.0]}
    lake = basin(LAKE, {"initial": hump, "manning": 0.01})
    start = lake.model.initial()
    end = lake.run(1400 * 0.7 * lake.model.max_dt(start))
    assert lake.clock.step >= 1000
    assert (end[:, 0] >= 0.0).all()
    assert (end[start[:, 0] == 0.0, 0] > 0.0).any()  # the island was flooded
    before, after = (np.float64(np.sum(lake.area.astype(np.longdouble) * u[:, 0])) for u in (start, end))
    assert abs(after / before - 1.0) < 1e-13  # round-off of 1,000 steps' sums
    volume, came_in = lake.model.mass(end)
    assert volume == pytest.approx(after, rel=1e-14)
    assert came_in == 0.0


def test_what_comes_in_and_goes_out_is_accounted_for(basin):
    solver = {
        "boundary": {"west": {"kind": "incident", "wave": {"kind": "solitary", "height": 0.1, "depth": 1.0}}, "east": {"kind": "outflow"}}
    }
    sea = basin({"width": 20.0, "height": 1.0, "size": 0.3, "bathymetry": {"kind": "flat", "depth": 1.0}}, solver)
    start = sea.model.mass(sea.model.initial())[0]
    end = sea.run(4.0)
    volume, came_in = sea.model.mass(end)
    assert came_in > 0.1
    assert volume - start == pytest.approx(came_in, abs=1e-13 * start)


def test_a_wave_leaves_by_an_outflow_and_does_not_come_back(basin):
    wave = {"kind": "hump", "height": 0.01, "width": 1.5}
    mesh = {"width": 20.0, "height": 0.5, "size": 0.2, "origin": [-10.0, -0.25], "bathymetry": {"kind": "flat", "depth": 1.0}}
    sea = basin(mesh, {"initial": wave, "boundary": {"west": {"kind": "outflow"}, "east": {"kind": "outflow"}}})
    end = sea.run(12.0)  # the crest passes the ends after 3.2 s
    assert np.abs(end[:, 0] - 1.0).max() < 0.02 * 0.005


def test_a_solitary_wave_enters_with_its_height(basin):
    solver = {"boundary": {"west": {"kind": "incident", "wave": {"kind": "solitary", "height": 0.05, "depth": 1.0}}}}
    mesh = {"width": 30.0, "height": 1.0, "size": 0.25, "bathymetry": {"kind": "flat", "depth": 1.0}}
    sea = basin(mesh, solver, gauges={"west": (0.6, 0.5)})
    sea.run(8.0)
    times, samples = sea.model.gauges.take()
    assert samples[:, 0, 0].max() == pytest.approx(0.05, rel=0.02)
    assert (np.diff(times) > 0.0).all()


def test_a_wall_mirrors(basin):
    """Half a basin with a wall is the half of a whole one."""
    hump = {"kind": "hump", "height": 0.2, "width": 1.0}
    flat = {"kind": "flat", "depth": 1.0}
    whole = basin(
        {"width": 8.0, "height": 4.0, "size": 0.2, "origin": [-4.0, -2.0], "pattern": "cross", "bathymetry": flat}, {"initial": hump}
    )
    half = basin(
        {"width": 4.0, "height": 4.0, "size": 0.2, "origin": [0.0, -2.0], "pattern": "cross", "bathymetry": flat}, {"initial": hump}
    )
    u, w = whole.run(0.8), half.run(0.8)
    mean = [(b.area * v[:, 0] * (b.x > 0.0)).sum() for b, v in ((whole, u), (half, w))]
    assert mean[0] == pytest.approx(mean[1], rel=1e-4)
    assert u[:, 0].max() == pytest.approx(w[:, 0].max(), rel=1e-3)


def test_friction_slows_the_water_and_never_turns_it(basin):
    flow = {"kind": "plane_wave", "amplitude": 0.02, "wavelength": 4.0, "depth": 0.1}
    mesh = {"width": 4.0, "height": 0.4, "size": 0.1, "bathymetry": {"kind": "flat", "depth": 0.1}}
    speeds = [np.abs(basin(mesh, {"initial": flow, "manning": n}).run(1.0)[:, 1]).mean() for n in (0.0, 0.02, 0.05, 0.2, 1.0)]
    assert speeds == sorted(speeds, reverse=True)
    assert speeds[-1] < 0.5 * speeds[0]


def test_single_precision_agrees_with_double(basin):
    hump = {"kind": "hump", "height": 0.2, "width": 1.0}
    mesh = {"width": 8.0, "height": 8.0, "size": 0.4, "origin": [-4.0, -4.0], "bathymetry": {"kind": "flat", "depth": 1.0}}
    single, double = (basin(mesh, {"initial": hump, "precision": p}).run(1.0) for p in ("float32", "float64"))
    assert 0.0 < np.abs(single - double).max() < 1e-4  # 30 steps of 1e-7 on terms of order 10


@pytest.mark.parametrize("level", [0.0, 4000.0])
def test_single_precision_carries_two_centimetres_over_deep_water(basin, level):
    """A deep sea's depth in single precision is a multiple of 0.24 mm, and a step changes it by less."""
    ocean = {"width": 8e4, "height": 8e4, "size": 4000.0, "origin": [-4e4, -4e4], "bathymetry": {"kind": "flat", "depth": 4000.0 - level}}
    solver = {
        "initial": {"kind": "hump", "height": 0.02, "width": 1e4},
        "level": level,
        "boundary": {side: {"kind": "outflow"} for side in ("west", "east", "south", "north")},
    }
    seas = {p: basin(ocean, {**solver, "precision": p}, gauges={"mid": (1.2e4, 0.0)}) for p in ("float32", "float64")}
    frames = {p: simulate(sea.model, Serial(), end=400.0, output_interval=100.0, cfl=0.9) for p, sea in seas.items()}
    for single, double in zip(frames["float32"], frames["float64"], strict=True):
        a, b = (seas[p].model.output(frame.u)["free_surface"] for p, frame in (("float32", single), ("float64", double)))
        assert np.sqrt(np.mean((a - b) ** 2)) < 1e-5 * np.sqrt(np.mean((b - level) ** 2))  # 10^2 steps of 6e-8
    assert seas["float32"].model.maxima == pytest.approx(seas["float64"].model.maxima, rel=1e-5, nan_ok=True)
    (_, a), (_, b) = (sea.model.gauges.take() for sea in seas.values())
    assert np.abs(a[:, 0, 0] - b[:, 0, 0]).max() < 1e-6 * 0.02
    assert seas["float32"].model.fields[0].double == (level > 0.0)  # so large a number's file would lose what the state has


@pytest.mark.parametrize("level", [0.0, 0.3, 1000.1])
def test_still_water_in_single_precision_does_not_move_at_all(basin, level):
    lake = basin(
        {**LAKE, "bathymetry": {**ISLANDS, "depth": 1.0 - level, "height": 1.6}}, {"precision": "float32", "level": level, "manning": 0.02}
    )
    start = lake.model.initial()
    end = lake.run(300 * 0.9 * lake.model.max_dt(start))
    assert (start[:, 0] == 0.0).any()
    assert np.array_equal(end, start)


def test_no_water_is_lost_in_single_precision(basin):
    hump = {"kind": "hump", "height": 0.7, "width": 0.9, "centre": [-2.0, 0.0]}
    lake = basin(LAKE, {"initial": hump, "manning": 0.01, "precision": "float32"})
    start = lake.model.initial()
    end = lake.run(300 * 0.7 * lake.model.max_dt(start))
    assert (end[:, 0] >= 0.0).all()
    assert (end[start[:, 0] == 0.0, 0] > 0.0).any()  # the island was flooded
    assert lake.model.mass(end)[0] == pytest.approx(lake.model.mass(start)[0], rel=1e-13)


def test_maxima_and_arrival_are_those_of_the_history(basin):
    hump = {"kind": "hump", "height": 0.2, "width": 1.0}
    sea = basin(
        {"width": 8.0, "height": 4.0, "size": 0.4, "origin": [-4.0, -2.0], "bathymetry": {"kind": "flat", "depth": 1.0}}, {"initial": hump}
    )
    u = sea.model.initial()
    highest, fastest, arrived = np.full(len(u), -np.inf), np.zeros(len(u)), np.full(len(u), np.nan)
    t = 0.0
    for step in range(40):
        if step:
            dt = 0.8 * sea.model.max_dt(u)
            sea.model.step(t, u, dt)
            t += dt
        sea.model.observe(t, u)
        eta = u[:, 0] + sea.bed
        highest = np.maximum(highest, eta)
        fastest = np.maximum(fastest, np.hypot(u[:, 1], u[:, 2]) / u[:, 0])
        arrived[np.isnan(arrived) & (np.abs(eta) > 1e-3)] = t
    assert (sea.model.maxima[:, 0] == highest).all()
    assert sea.model.maxima[:, 1] == pytest.approx(fastest, rel=1e-12)
    assert np.array_equal(sea.model.maxima[:, 3], arrived, equal_nan=True)


def test_the_tsunami_runs_at_any_still_level(basin):
    """Raising bed and water together changes nothing but the heights."""
    hump = {"kind": "hump", "height": 0.2, "width": 1.0}
    mesh = {"width": 4.0, "height": 4.0, "size": 0.3, "origin": [-2.0, -2.0]}
    low = basin({**mesh, "bathymetry": {"kind": "flat", "depth": 1.0}}, {"initial": hump}).run(0.5)
    high = basin({**mesh, "bathymetry": {"kind": "flat", "depth": -3.0}}, {"initial": hump, "level": 4.0}).run(0.5)
    assert low == pytest.approx(high, abs=1e-12)


def test_a_turned_basin_gives_the_turned_flow():

    shape = Spec("bump", {"depth": 1.0, "height": 1.3, "width": 1.0})
    table = {"width": 6.0, "height": 6.0, "size": 0.4, "origin": [-3.0, -3.0]}
    mesh = rectangle.build(build(rectangle.Params, table, "mesh"), folder=Path())
    bed = bed_means(shape, Path())
    turned = mesh.vertices @ np.array([[0.0, 1.0], [-1.0, 0.0]])  # x, y -> -y, x
    solver = {"initial": {"kind": "hump", "height": 0.3, "width": 0.8, "centre": [2.0, 0.0]}}
    solver_turned = {"initial": {"kind": "hump", "height": 0.3, "width": 0.8, "centre": [0.0, 2.0]}}
    one = Basin(trimesh(mesh.vertices, mesh.triangles, bed=bed), solver)
    other = Basin(trimesh(turned, mesh.triangles, bed=bed), solver_turned)
    u, w = one.run(1.0), other.run(1.0)
    back = np.stack([w[:, 0], w[:, 2], -w[:, 1]], axis=1)
    assert u[np.argsort(one.cells)] == pytest.approx(back[np.argsort(other.cells)], abs=1e-10)  # round-off, grown over 60 steps


def test_an_unstable_run_stops_at_the_first_value_that_is_not_finite(basin):
    sea = basin({"width": 4.0, "height": 4.0, "size": 0.3, "origin": [-2.0, -2.0], "bathymetry": {"kind": "flat", "depth": 1.0}})
    u = sea.model.initial()
    u[5, 1] = np.nan

    with pytest.raises(RunError) as error:
        list(simulate(sea.model, Serial(), end=1.0, output_interval=1.0, cfl=0.9, u=u, clock=Clock(t=0.25, step=7, frame=1)))
    cell = sea.cells[5]
    assert f"t = 0.25 s (step 7), in cell {cell} at ({sea.x[5]:.6g}, {sea.y[5]:.6g}) m" in str(error.value)


@pytest.mark.parametrize(
    ("solver", "gauges", "said"),
    [
        ({"boundary": {"weast": {"kind": "outflow"}}}, {}, "no side 'weast'"),
        ({"boundary": {"west": {"kind": "outflw"}}}, {}, "did you mean 'outflow'?"),
        (
            {"boundary": {"west": {"kind": "incident", "wave": {"kind": "solitary", "height": 0.1}}}},
            {},
            "solver.boundary.west.wave.depth' is missing",
        ),
        ({"initial": {"kind": "humb", "height": 0.1}}, {}, "did you mean 'hump'?"),
        ({}, {"g1": (9.0, 9.0)}, "gauge 'g1' at (9, 9) m lies outside the mesh, which spans (0, 0) to (1, 1) m"),
    ],
)
def test_a_wrong_solver_table_is_refused_by_name(basin, solver, gauges, said):
    with pytest.raises(InputError) as error:
        basin({"width": 1.0, "height": 1.0, "size": 0.3}, solver, gauges=gauges)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 0\n1 nan\n2 0\n", "the first in line 2, t = 1 s"),
        ("0 0\n1 1\n1 0\n", "first at t = 1 s"),
        ("time surface\n", "no line of numbers"),
        ("0\n1\n", "line 1: 1 columns; column 1 is asked for"),
    ],
)
def test_a_wrong_incident_series_is_refused_and_the_line_named(basin, tmp_path, text, said):
    (tmp_path / "wave.txt").write_text(text)
    solver = {"boundary": {"west": {"kind": "incident", "wave": {"kind": "series", "file": "wave.txt"}}}}
    with pytest.raises(InputError) as error:
        basin({"width": 1.0, "height": 1.0, "size": 0.3}, solver, folder=tmp_path)
    assert said in str(error.value)


def test_a_series_enters_as_it_was_measured(basin, tmp_path):
    times = np.linspace(0.0, 30.0, 601)
    wave = 0.02 * np.exp(-((times - 16.0) ** 2))
    np.savetxt(tmp_path / "wave.txt", np.stack([times, 1e3 * (wave + 0.007), 1e3 * (wave + 0.005)], axis=1))
    series = {"kind": "series", "file": "wave.txt", "surface": [1, 2], "scale": 1e-3, "begin": 12.0, "baseline": [0.0, 5.0]}
    sea = basin(
        {"width": 30.0, "height": 1.0, "size": 0.25, "bathymetry": {"kind": "flat", "depth": 1.0}},
        {"boundary": {"west": {"kind": "incident", "wave": series}}},
        gauges={"west": (0.3, 0.5)},
        folder=tmp_path,
    )
    sea.run(8.0)
    t, samples = sea.model.gauges.take()
    crest = np.argmax(samples[:, 0, 0])
    assert samples[crest, 0, 0] == pytest.approx(0.02, rel=0.02)
    assert t[crest] == pytest.approx(4.0 + 0.3 / np.sqrt(9.81), abs=0.05)


@pytest.mark.parametrize("depth", [1e-3, 1e-2])
def test_a_film_thinner_than_the_steps_of_the_bed_slides_down_the_slope(basin, depth):
    """Cells of first order see the slope as steps of 0.1 m."""
    slope = {"kind": "beach", "depth": 0.0, "slope": 0.5}
    sea = basin({"width": 8.0, "height": 2.0, "size": 0.4, "bathymetry": slope}, {"order": 1})
    sea.model.initial = lambda: np.tile([depth, 0.0, 0.0], (len(sea.cells), 1))
    u = sea.run(0.05)
    inside = (np.abs(sea.x - 4.0) < 2.5) & (np.abs(sea.y - 1.0) < 0.6)
    speed = u[inside, 1].sum() / u[inside, 0].sum()
    assert speed == pytest.approx(-9.81 * 0.5 * 0.05, rel=0.1)


def test_still_water_that_is_nowhere_or_deeper_than_an_ocean_is_said_or_refused(basin):
    mesh = {"width": 1.0, "height": 1.0, "size": 0.3}
    dry = {"bathymetry": {"kind": "flat", "depth": -2.0}}
    assert "no cell lies below the still level" in basin(mesh | dry).model.remarks(1.0)[0]
    assert basin(mesh | dry, {"initial": {"kind": "dam_break", "high": 3.0, "low": 2.5}}).model.remarks(1.0) == []
    with pytest.raises(InputError, match=r"up to 13000 m deep.*more than solver\.deepest = 12000 m"):
        basin(mesh | {"bathymetry": {"kind": "flat", "depth": 13e3}})
    basin(mesh | {"bathymetry": {"kind": "flat", "depth": 13e3}}, {"deepest": "14 km"})


def test_loading_is_less_gravity_for_waves_and_none_for_friction(basin):
    hump = {"kind": "hump", "height": 0.1, "width": 0.9, "centre": [-2.0, 0.0]}
    loaded = basin(LAKE, {"initial": hump, "loading": 0.25 / 2, "gravity": 8.0}).run(2.0)
    assert np.array_equal(loaded, basin(LAKE, {"initial": hump, "gravity": 7.0}).run(2.0))
    rough = basin(LAKE, {"initial": hump, "loading": 0.125, "gravity": 8.0, "manning": 0.05}).run(2.0)
    same = basin(LAKE, {"initial": hump, "gravity": 7.0, "manning": 0.05 * np.sqrt(8.0 / 7.0)}).run(2.0)  # g n^2 is
    assert np.abs(rough - same).max() < 1e-12
    assert not np.array_equal(rough, loaded)
    with pytest.raises(InputError, match=r"loading = 0\.3; it must be at most 0\.2"):
        basin(LAKE, {"loading": 0.3})
