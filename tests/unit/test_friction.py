"""The laws of bottom friction, alone and together, on a uniform flow whose slowing is known exactly."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

DEPTH, SPEED, END, GRAVITY = 0.5, 0.8, 2.0, 9.81
RING = {
    "width": 4.0,
    "height": 2.0,
    "size": 0.5,
    "periodic": ["x", "y"],
    "pattern": "cross",
    "bathymetry": {"kind": "flat", "depth": DEPTH},
}
LAWS = {"linear_drag": 0.2, "quadratic_drag": 0.1, "manning": 0.05}
RATE = {  # du/dt = -rate u
    "linear_drag": lambda r, u: r,
    "quadratic_drag": lambda c, u: c * u / DEPTH,
    "manning": lambda n, u: GRAVITY * n**2 * u / DEPTH ** (4.0 / 3.0),
}


def flowing(basin, laws, angle=0.5, **solver):
    """The basin, a state that flows evenly at SPEED, and its direction (2,)."""
    channel = basin(RING, {**laws, **solver})
    u = channel.model.initial()
    direction = np.array([np.cos(angle), np.sin(angle)])
    u[:, 1:] = DEPTH * SPEED * direction
    return channel, u, direction


def slowed(basin, laws, steps, **solver):
    channel, u, direction = flowing(basin, laws, **solver)
    for i in range(steps):
        channel.model.step(i * END / steps, u, END / steps)
    assert u[:, 0] == pytest.approx(DEPTH, rel=1e-13)
    assert np.abs(u[:, 1] * direction[1] - u[:, 2] * direction[0]).max() < 1e-13  # it does not turn
    speeds = (u[:, 1:] @ direction) / DEPTH
    assert np.ptp(speeds) < 1e-12
    return speeds.mean()


def exact(laws):
    def rate(t, u):
        return -sum(RATE[name](value, u) for name, value in laws.items()) * u

    return solve_ivp(rate, (0.0, END), [SPEED], rtol=1e-11, atol=1e-12).y[0, -1]


SETS = [{name: value} for name, value in LAWS.items()] + [LAWS]


@pytest.mark.parametrize("laws", SETS, ids="+".join)
def test_a_uniform_flow_slows_as_the_law_says(basin, laws):
    """Friction is taken at the new time, of first order: the error halves with the step, and is of size rate dt."""
    errors = [abs(slowed(basin, laws, steps) - exact(laws)) for steps in (100, 200)]
    assert errors[0] < 0.02 * sum(RATE[name](value, SPEED) for name, value in laws.items()) * SPEED  # dt = 0.02 s
    assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.1)


def test_single_laws_have_the_textbooks_solutions():
    assert exact({"linear_drag": 0.2}) == pytest.approx(SPEED * np.exp(-0.2 * END), rel=1e-9)
    assert exact({"quadratic_drag": 0.1}) == pytest.approx(SPEED / (1.0 + 0.1 * SPEED * END / DEPTH), rel=1e-9)
    pull = GRAVITY * 0.05**2 / DEPTH ** (4.0 / 3.0)
    assert exact({"manning": 0.05}) == pytest.approx(SPEED / (1.0 + pull * SPEED * END), rel=1e-9)


@pytest.mark.parametrize("stepping", ["euler", "ssprk2", "ssprk3"])
@pytest.mark.parametrize("name", LAWS)
def test_however_rough_the_bed_it_never_turns_the_water(basin, name, stepping):
    channel, u, direction = flowing(basin, {name: 1e3}, stepping=stepping)
    before = SPEED
    for i in range(5):
        channel.model.step(0.05 * i, u, 0.05)
        speeds = (u[:, 1:] @ direction) / DEPTH
        assert (speeds >= 0.0).all()
        assert speeds.max() < before
        before = speeds.max()


def test_the_sum_of_laws_slows_by_the_sum_of_their_drags(basin):
    """A quadratic drag of g n^2 / h^(1/3) is Manning's where the depth is even."""
    same = {"quadratic_drag": GRAVITY * 0.05**2 / DEPTH ** (1.0 / 3.0)}
    assert slowed(basin, same, 100) == pytest.approx(slowed(basin, {"manning": 0.05}, 100), rel=1e-12)
    both = {"quadratic_drag": 0.5 * same["quadratic_drag"], "manning": 0.05 / np.sqrt(2.0)}
    assert slowed(basin, both, 100) == pytest.approx(slowed(basin, same, 100), rel=1e-12)


@pytest.mark.parametrize("name", LAWS)
def test_a_shore_with_drag_stays_wet_and_dry_as_it_should(basin, name):
    """A hump runs up a beach: water is kept, no depth is below zero, dry cells do not move, and drag lowers what runs up."""
    hump = {"kind": "hump", "height": 0.15, "width": 1.0, "centre": [1.0, 0.5]}
    mesh = {"width": 8.0, "height": 1.0, "size": 0.25, "bathymetry": {"kind": "beach", "depth": 0.3, "slope": 0.15, "toe": 4.0}}
    wetted = []
    for size in (0.0, 5.0):
        beach = basin(mesh, {"initial": hump, name: size * LAWS[name]})
        start = beach.model.initial().copy()
        end = beach.run(5.0)
        assert (end[:, 0] >= 0.0).all()
        assert not end[end[:, 0] <= 1e-6, 1:].any()
        assert end[:, 0] @ beach.area == pytest.approx(start[:, 0] @ beach.area, rel=1e-13)
        wetted.append(beach.model.maxima[:, 2] @ beach.area)
        assert (start[:, 0] == 0.0).any()
    assert wetted[1] < wetted[0]
