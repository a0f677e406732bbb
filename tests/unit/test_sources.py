"""Sources: the bed moves, and the water on it follows."""

import math
from pathlib import Path

import numpy as np
import pytest

from pipeline.core.case import parse
from pipeline.core.errors import InputError
from pipeline.stages.validate.runup import places
from solvers.core.comm import Serial
from solvers.core.driver import Clock, simulate
from solvers.core.run import run_case
from solvers.tsunami import source
from solvers.tsunami.region import Region
from solvers.tsunami.source.core.motion import Motion, Ramp

OCEAN = {"width": 600e3, "height": 400e3, "size": 18e3, "origin": [-300e3, -200e3], "bathymetry": {"kind": "flat", "depth": 4000.0}}
HILLS = {**OCEAN, "bathymetry": {"kind": "bump", "depth": 3000.0, "height": 3400.0, "width": 60e3, "centre": [90e3, 20e3]}}  # an island
THRUST = {
    "kind": "okada",
    "x": -60e3,
    "y": 0.0,
    "depth": 8e3,
    "reference": "top",
    "length": 90e3,
    "width": 45e3,
    "strike": 10.0,
    "dip": 15.0,
}
THRUST |= {"rake": 90.0, "slip": 5.0}
SLOW = {**THRUST, "time": 130.0, "rise": 200.0}


class Even(Motion):
    """All of the bed moves by as much."""

    def __init__(self, height, ramp):
        self._height, self._ramp = height, ramp
        self.end, self.breaks = ramp.end, ramp.breaks

    @property
    def places(self):
        return np.zeros((1, 2))

    def shapes(self, x, y):
        return np.full((1, len(x)), self._height)

    def weights(self, t):
        return np.array([self._ramp(t)])


@pytest.fixture
def lifted(basin, monkeypatch):
    """A sea all of whose bed is moved evenly."""

    def make(mesh, height, ramp, **solver):
        monkeypatch.setattr(source, "motions", lambda *_: [Even(height, ramp)])
        return basin(mesh, {"source": [THRUST], **solver})

    return make


@pytest.mark.parametrize("solver", [{}, {"precision": "float32"}, {"level": 0.37}, {"time_steps": "local"}])
@pytest.mark.parametrize("height", [1.7342, -math.pi])
def test_water_that_is_lifted_evenly_stays_at_rest_to_the_last_bit(lifted, solver, height):
    sea = lifted(HILLS, height, Ramp(50.0, 130.0), **solver)
    start = sea.model.initial()
    assert (start[:, 0] == 0.0).any()  # the island
    end = sea.run(500.0)
    assert end.tobytes() == start.tobytes()
    assert (sea.model.maxima[:, 1] == 0.0).all()
    surface = sea.model.output(end)["free_surface"]
    assert surface[start[:, 0] > 0.0] == pytest.approx(solver.get("level", 0.0) + height, abs=1e-11)  # twice the quantum, of 1.2e-11 m


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_still_water_over_a_bed_that_has_moved_stays_at_rest(basin, precision):
    sea = basin(HILLS, {"source": [THRUST, {**THRUST, "x": 120e3, "rise": 40.0}], "precision": precision})
    model = sea.model
    sea.run(60.0)
    u = model.initial()
    u[:, 0] = np.maximum(-model.scheme.bed, 0.0)
    still = u.copy()
    for step in range(20):
        model.t = 60.0 + 10.0 * step
        model.max_dt(u)
        model.step(model.t, u, 10.0)
    assert np.ptp(model.moving.uplift) > 1.0
    assert u.tobytes() == still.tobytes()


def test_depths_stay_where_the_bed_moves_and_no_water_is_lost(basin):
    sea, calm = basin(HILLS, {"source": [THRUST]}), basin(HILLS)
    assert sea.model.initial() == pytest.approx(calm.model.initial(), abs=1e-10)  # the quantum is 1.5e-11 m
    output = sea.model.output(sea.model.initial())
    assert output["free_surface"] == pytest.approx(output["uplift"] + np.maximum(sea.bed, 0.0), abs=1e-10)
    assert output["uplift"].max() > 1.0
    assert output["uplift"].min() < -0.1
    slow = basin(HILLS, {"source": [SLOW, {**THRUST, "time": 250.0}]})
    start = slow.model.mass(slow.model.initial())[0]
    for frame in simulate(slow.model, Serial(), end=900.0, output_interval=90.0, cfl=0.9):
        assert slow.model.mass(frame.u)[0] / start == pytest.approx(1.0, abs=2e-15)  # round-off of the fluxes' sums


@pytest.mark.parametrize("time_steps", ["global", "local"])
def test_cells_whose_bed_moves_are_computed(basin, monkeypatch, time_steps):
    """The active region: the same bits as with all cells."""
    moved = {**SLOW, "negligible": 0.05}
    solver = {"source": [moved, {**moved, "rise": 0.0, "time": 250.0, "x": 50e3}], "time_steps": time_steps}
    runs = []
    for computed in ("some", "all"):
        sea = basin({**HILLS, "width": 1500e3}, solver, gauges={"far": (250e3, 150e3), "above": (-40e3, 0.0)})
        shares = []
        for last in simulate(sea.model, Serial(), end=700.0, output_interval=100.0, cfl=0.9):  # noqa: B007 (and then finished)
            shares.append(len(sea.model.region.lists.cells) / len(sea.mesh.triangles))
        sea.model.finish(700.0, last.u)
        runs.append((last.u.tobytes(), sea.model.maxima.tobytes(), *(a.tobytes() for a in sea.model.gauges.take())))
        assert (min(shares[1:]) < 0.8) == (computed == "some")
        monkeypatch.setattr(Region, "follow", lambda *_: None)
    assert runs[0] == runs[1]


@pytest.mark.parametrize("time_steps", ["global", "local"])
def test_a_run_goes_on_in_the_middle_of_a_rise(basin, time_steps):
    solver = {"source": [SLOW], "time_steps": time_steps}
    whole, first, second = (basin(HILLS, solver) for _ in range(3))
    end = whole.run(400.0, every=50.0)
    frames = simulate(first.model, Serial(), end=400.0, output_interval=50.0, cfl=0.9)
    frame = next(frame for frame in frames if frame.clock.t == 250.0)
    saved = {name: np.empty_like(values) for name, values in first.model.save(frame.u).items()}
    for name, values in first.model.save(frame.u).items():
        saved[name][first.cells] = values  # in mesh order, as a file has it
    assert 0.0 < first.model.moving.uplift.max() < whole.model.moving.uplift.max()
    clock = Clock(t=frame.clock.t, step=frame.clock.step, frame=frame.clock.frame, dt=frame.clock.dt)
    u = second.model.load(saved, clock.dt)
    *_, last = simulate(second.model, Serial(), end=400.0, output_interval=50.0, cfl=0.9, u=u, clock=clock)
    assert last.u.tobytes() == end.tobytes()


def test_a_step_ends_where_the_bed_jumps(basin):
    sea = basin(OCEAN, {"source": [{**THRUST, "time": 123.4}]})
    times = [0.0]
    for frame in simulate(sea.model, Serial(), end=400.0, output_interval=200.0, cfl=0.9, progress=lambda clock: times.append(clock.t)):
        assert (sea.model.output(frame.u)["uplift"].max() > 0.0) == (frame.clock.t >= 123.4)
    assert 123.4 in times
    even = basin(OCEAN, {"source": [{**THRUST, "time": 123.4}]})
    *_, last = simulate(even.model, Serial(), end=400.0, output_interval=200.0, cfl=0.9, dt_max=20.0)
    assert last.clock.step == 20  # even steps stay even
    assert last.u == pytest.approx(frame.u, abs=40.0)


def test_sources_add_up_in_space_and_time(basin):
    """A rise is the limit of many small jumps."""
    rise = 240.0
    at_once = [{**THRUST, "slip": 0.5, "time": (i + 0.5) / 10 * rise} for i in range(10)]
    slow, jumps, one = (basin(OCEAN, {"source": sources}) for sources in ([{**THRUST, "rise": rise}], at_once, [THRUST]))
    surfaces = []
    for sea in (slow, jumps, one):
        *_, last = simulate(sea.model, Serial(), end=600.0, output_interval=600.0, cfl=0.9, dt_max=6.0)
        surfaces.append(sea.model.output(last.u)["free_surface"])
    size = np.abs(surfaces[0]).max()
    assert np.abs(surfaces[1] - surfaces[0]).max() < 0.02 * size  # 0.0125, of which half is the jumps' and half the steps'
    assert np.abs(surfaces[2] - surfaces[0]).max() > 0.2 * size
    assert slow.model.moving.uplift == pytest.approx(one.model.moving.uplift, abs=1e-10)


def test_ramps_go_from_nothing_to_all():
    for form in ("linear", "cosine"):
        ramp = Ramp(10.0, 4.0, form)
        assert [ramp(t) for t in (0.0, 10.0, 12.0, 14.0, 99.0)] == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.0])
    assert [Ramp(10.0, 0.0)(t) for t in (9.9, 10.0, 11.0)] == [0.0, 1.0, 1.0]


def test_run_up_counts_land_that_was_dry_before_the_bed_moved(lifted):
    sea = lifted(HILLS, 30.0, Ramp(0.0, 0.0))
    sea.run(100.0)
    assert sea.model.extremes()["runup"] is None  # the sea's bed is above the still level nowhere, and the island stays dry


def test_a_bed_that_rises_out_of_the_sea_is_no_run_up():
    """Of stage `validate`: cells that were wet, or will be by themselves, are no land; others count as high as they are in the end."""
    bed, last = np.array([-1.0, 1.0, 2.0, 3.0]), np.array([0.5, 1.5, -0.5, 3.0])
    mesh = {"bed": bed, "face_x": np.arange(4.0), "face_y": np.zeros(4), "edge_face_connectivity": np.array([[0, 1], [1, 2], [2, 3]])}
    there = places(mesh, 0.0, last)
    assert there.land.tolist() == [False, True, False, True]
    assert there.height.tolist() == last.tolist()
    assert places(mesh, 0.0).land.tolist() == [False, True, True, True]


REFUSED = {
    r"source\[0\] at .* lies outside the mesh, which spans \(-300000, -200000\)": {"x": 900e3},
    r"source\[0\] moves no cell": {"negligible": 50.0},
    "poisson = 0.6": {"poisson": 0.6},
    "no kind 'okda' for 'source\\[0\\]'; did you mean 'okada'": {"kind": "okda"},
    "'source\\[0\\].reference' is 'middle'": {"reference": "middle"},
    "source\\[0\\]: .*look like radians": {"strike": 0.1, "dip": 0.3, "rake": 1.6},
}


@pytest.mark.parametrize("words", REFUSED)
def test_a_source_that_can_t_be_is_refused(basin, words):
    with pytest.raises(InputError, match=words):
        basin(HILLS, {"source": [{**THRUST, **REFUSED[words]}]})


CASE = {"mesh": {"kind": "rectangle", **OCEAN}, "solver": {"kind": "tsunami"}, "source": [THRUST], "time": {"end": 60.0, "every": 30.0}}


def test_a_case_has_its_sources_in_tables_of_their_own(tmp_path):
    from pipeline.store.check import validate
    from pipeline.store.reader import Store

    case = parse(CASE, tmp_path)
    assert case.solver.table["source"] == [THRUST]
    assert parse(CASE | {"source": [SLOW]}, tmp_path).text != case.text
    run_case(case, tmp_path, Serial())
    validate(tmp_path / "run.h5")
    with Store(tmp_path / "run.h5") as store:
        uplift = np.asarray(store.source("uplift")[(2,)])
        surface, depth = (np.asarray(store.source(name)[(2,)]) for name in ("free_surface", "depth"))
        assert surface == pytest.approx(store.last_bed() + depth, abs=1e-9)
        assert store.last_bed() == pytest.approx(store.mesh("bed")["bed"] + uplift)
        assert (store.highest_bed() == store.mesh("bed")["bed"] + np.maximum(uplift, 0.0)).all()


def test_sources_are_written_in_one_place():
    for wrong in (THRUST, 3):
        with pytest.raises(InputError, match=r"write each source as a table of its own, \[\[source\]\]"):
            parse({**CASE, "source": wrong}, Path())
    with pytest.raises(InputError, match="both"):
        parse({**CASE, "solver": {"kind": "tsunami", "source": [THRUST]}}, Path())
    with pytest.raises(InputError, match=r"unknown key 'solver\.source'"):
        from pipeline.core.params import build
        from solvers.ks import Params

        build(Params, parse({**CASE, "solver": {"kind": "ks"}}, Path()).solver.table, "solver")


def test_what_moves_the_bed_has_no_exact_solution_and_no_laws():
    from pipeline.core.params import build
    from solvers.tsunami import Params, check_exact
    from solvers.tsunami.forecast import laws_of

    params = build(Params, {"source": [THRUST]}, "solver")
    with pytest.raises(InputError, match="no exact solution"):
        check_exact(params, lambda: None)
    with pytest.raises(InputError, match="over a bed that moves"):
        laws_of(None, params, parse(CASE, Path()))
