"""The active region: the same bits as with all cells, whatever the water does."""

import numpy as np
import pytest

from solvers.core.comm import Serial
from solvers.core.driver import simulate
from solvers.tsunami.region import Region

LONG = {"width": 24.0, "height": 3.0, "size": 0.25, "origin": [0.0, -1.5]}
ISLAND = {"kind": "bump", "depth": 0.5, "height": 0.8, "width": 1.2, "centre": [9.0, 0.2]}
RIPPLED = {"kind": "bump", "depth": 1.0, "height": 0.4, "width": 2.0, "centre": [12.0, 0.0]}
HUMP = {"kind": "hump", "height": 0.2, "width": 0.8, "centre": [2.0, 0.3]}
COMES_IN = {"west": {"kind": "incident", "wave": {"kind": "solitary", "height": 0.15, "depth": 0.5}}, "east": {"kind": "outflow"}}
WATERS = {
    "a hump over a hill": (RIPPLED, {"initial": HUMP, "level": 0.3}),
    "a wave that floods an island": (ISLAND, {"boundary": COMES_IN, "manning": 0.02}),
    "a dam that breaks on dry land": (
        {"kind": "flat", "depth": 0.0},
        {"initial": {"kind": "dam_break", "high": 1.0, "low": 0.0, "radius": 2.0}, "stepping": "ssprk2"},
    ),
    "single precision": (RIPPLED, {"initial": HUMP, "precision": "float32"}),
}


def course(basin, bed, solver, every=0.25):
    """States at frames, gauges, maxima and steps of a run, and the shares of cells that were computed."""
    sea = basin({**LONG, "bathymetry": bed}, solver, gauges={"near": (3.0, 0.0), "far": (20.0, 0.5)})
    states, shares = [], []
    for frame in simulate(sea.model, Serial(), end=2.0, output_interval=every, cfl=0.9):
        states.append(frame.u.copy())
        shares.append(len(sea.model.region.lists.cells) / len(sea.mesh.triangles))
    sea.model.finish(2.0, frame.u)
    return states, sea.model.gauges.take(), sea.model.maxima, frame.clock.step, shares


@pytest.mark.parametrize("water", WATERS)
def test_quiet_water_and_dry_land_may_be_left_out(basin, monkeypatch, water):
    states, (times, samples), maxima, steps, shares = course(basin, *WATERS[water])
    assert min(shares[1:]) < 0.8
    monkeypatch.setattr(Region, "follow", lambda *_: None)
    all_states, (all_times, all_samples), all_maxima, all_steps, all_shares = course(basin, *WATERS[water])
    assert min(all_shares) == 1.0
    assert steps == all_steps
    assert [u.tobytes() for u in states] == [u.tobytes() for u in all_states]
    assert times.tobytes() == all_times.tobytes()
    assert samples.tobytes() == all_samples.tobytes()
    assert maxima.tobytes() == all_maxima.tobytes()


def test_nothing_is_computed_where_all_water_rests(basin):
    for level in (0.0, 0.37):
        *_, shares = course(basin, ISLAND, {"level": level})
        assert shares[1:] == [0.0] * 8


@pytest.mark.parametrize("where", [3.0, 6.0, 6.5, 7.0, 7.5, 20.0])
def test_a_state_that_others_have_changed_is_followed_too(basin, where):
    """As an analysis or a user does: in the region, at its edge, or outside."""
    seas = [basin({**LONG, "bathymetry": RIPPLED}, {"initial": HUMP}) for _ in range(2)]
    states = [sea.model.initial() for sea in seas]
    for step in range(30):
        for sea, u in zip(seas, states, strict=True):
            if step == 11:
                u[np.hypot(sea.x - where, sea.y) < 0.5, 0] += 0.1
            if sea is seas[1]:
                sea.model.region.reset()
            sea.model.max_dt(u)
            sea.model.step(0.01 * step, u, 0.01)
    assert states[0].tobytes() == states[1].tobytes()


def test_two_seas_of_one_model_do_not_mix(basin):
    sea, other = (basin({**LONG, "bathymetry": RIPPLED}, {"initial": HUMP}) for _ in range(2))
    near, far = sea.model.initial(), sea.model.initial()
    far[:] = far[np.lexsort((sea.y, -sea.x))][np.argsort(np.lexsort((sea.y, sea.x)))]  # waves elsewhere
    far[:, 0] = np.maximum(far[:, 0], 0.0)
    alone = far.copy()
    for step in range(12):
        for model, u in ((sea.model, near), (sea.model, far), (other.model, alone)):
            model.max_dt(u)
            if u is far:
                model.max_dt(near)
                model.max_dt(far)
            model.step(0.01 * step, u, 0.01)
    assert far.tobytes() == alone.tobytes()
