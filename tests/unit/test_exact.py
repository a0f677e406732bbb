from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline

from solvers.tsunami import exact, slope
from solvers.tsunami.initial.plane_wave import Params as PlaneWave
from solvers.tsunami.radial import RadialWave
from solvers.tsunami.slope import SlopeWave

G, DEPTH, RADIUS = 9.81, 0.1, 1.0
FEWER = 700  # samples of a slope's solution, where it is asked to far less than all of them give: the time goes with their square
STEP = 1e-4  # [m] and [s] of the differences; their error is its square over the scales of the flow, which are of order 1


def residuals(solution, x, y, t):
    """Residuals of the three shallow-water equations in the bowl, by central differences."""

    def fields(x, y, t):
        eta, u, v = solution(np.array([x]), np.array([y]), t)
        bed = -DEPTH * (1.0 - (x * x + y * y) / RADIUS**2)
        h = eta[0] - bed
        return np.array([h, u[0], v[0], eta[0]])

    def d(axis):
        up, down = [[x, y, t] for _ in range(2)]
        up[axis] += STEP
        down[axis] -= STEP
        return (fields(*up) - fields(*down)) / (2.0 * STEP)

    h, u, v, _ = fields(x, y, t)
    dx, dy, dt = d(0), d(1), d(2)
    mass = dt[0] + h * dx[1] + u * dx[0] + h * dy[2] + v * dy[0]
    return np.array([mass, dt[1] + u * dx[1] + v * dy[1] + G * dx[3], dt[2] + u * dx[2] + v * dy[2] + G * dy[3]])


place = st.floats(-0.3, 0.3)


def flat_residuals(solution, x, t, step):
    """Residuals in one dimension on an even bed, of (depth, velocity) = solution(x, t)."""

    def both(x, t):
        return np.array([float(v[0]) for v in solution(np.array([x]), t)])

    h, u = both(x, t)
    dx = (both(x + step, t) - both(x - step, t)) / (2.0 * step)
    dt = (both(x, t + step) - both(x, t - step)) / (2.0 * step)
    return np.array([dt[0] + u * dx[0] + h * dx[1], dt[1] + u * dx[1] + G * dx[0]])


@pytest.mark.parametrize("wave", [exact.plane_wave, exact.standing_wave])
@given(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0), st.floats(0.0, 3.0))
def test_small_waves_satisfy_the_linear_equations(wave, x, y, t):
    asked = {"g": G, "depth": 0.8, "amplitude": 1.0, "wavelength": 2.5, "angle": 0.7}

    def at(x, y, t):
        return np.array([float(v[0]) for v in wave(np.array([x]), np.array([y]), t, **asked)])

    e = 1e-4
    dx, dy = (at(x + e, y, t) - at(x - e, y, t)) / (2 * e), (at(x, y + e, t) - at(x, y - e, t)) / (2 * e)
    dt = (at(x, y, t + e) - at(x, y, t - e)) / (2 * e)
    assert abs(dt[0] + 0.8 * (dx[1] + dy[2])) < 1e-5  # e^2 times third derivatives of order 500
    assert abs(dt[1] + G * dx[0]) < 1e-5
    assert abs(dt[2] + G * dy[0]) < 1e-5


def test_a_broken_dam_satisfies_the_equations_between_its_waves():
    for x in np.linspace(-2.9, 1.6, 19):
        for solution in (lambda x, t: exact.stoker(x, t, g=G, high=1.0, low=0.2), lambda x, t: exact.ritter(x, t, g=G, high=1.0)):
            assert np.abs(flat_residuals(solution, x, 1.0, 1e-5)).max() < 1e-6, x


def test_stokers_bore_keeps_water_and_momentum():
    x = np.array([1.0, 50.0])
    (h, low), (u, _) = exact.stoker(x, 1.0, g=G, high=1.0, low=0.2)
    bore = h * u / (h - low)
    assert h * u * u + 0.5 * G * (h * h - low * low) == pytest.approx(bore * h * u, rel=1e-13)
    near = exact.stoker(np.array([bore - 1e-9, bore + 1e-9]), 1.0, g=G, high=1.0, low=0.2)[0]
    assert near == pytest.approx([h, 0.2], rel=1e-12)


def test_a_solitary_wave_keeps_its_form_and_its_water():
    def solution(x, t):
        surface, u = exact.solitary(x, t, g=G, depth=0.5, height=0.1, crest=-2.0)
        return 0.5 + surface, u

    e = 1e-4
    for x in (-2.5, -1.0, 0.3):
        flux = [float(np.prod(solution(np.array([x + d]), 0.4), axis=0)[0]) for d in (-e, e)]
        depth = [float(solution(np.array([x]), 0.4 + d)[0][0]) for d in (-e, e)]
        assert abs((depth[1] - depth[0] + flux[1] - flux[0]) / (2 * e)) < 1e-7
    assert solution(np.array([1.0]), 0.0)[0] == pytest.approx(solution(np.array([1.0 + 2.0 * np.sqrt(G * 0.6)]), 2.0)[0], rel=1e-12)


def test_an_n_wave_on_a_slope_satisfies_the_equations(monkeypatch):
    fall = 0.1

    def start(x):
        return 0.2 * np.exp(-(((x - 400.0) / 80.0) ** 2)) - 0.1 * np.exp(-(((x - 550.0) / 80.0) ** 2))

    wave = SlopeWave(start, g=G, slope=fall, reach=1000.0, finest=80.0)
    x, surface, u = wave.profile(0.0)
    assert np.abs(surface - start(x)).max() < 1e-8  # the integrals' steps
    assert np.abs(u).max() == 0.0
    monkeypatch.setattr(slope, "SAMPLES", FEWER)
    wave = SlopeWave(start, g=G, slope=fall, reach=1000.0, finest=80.0)
    for t in (12.0, 40.0):
        profiles = [wave.profile(t + k * 0.01) for k in (-1, 0, 1)]
        x, surface, u = profiles[1]
        assert surface[0] + fall * x[0] == pytest.approx(0.0, abs=1e-12)  # no depth at the shoreline
        inner = np.linspace(80.0, 800.0, 200)
        (e0, u0), (e2, u2) = ([CubicSpline(p[0], p[i])(inner) for i in (1, 2)] for p in (profiles[0], profiles[2]))
        flux = CubicSpline(x, u * (fall * x + surface))(inner, 1)
        push = CubicSpline(x, 0.5 * u * u + G * surface)(inner, 1)
        assert np.abs((e2 - e0) / 0.02 + flux).max() < 1e-3 * np.abs(flux).max()
        assert np.abs((u2 - u0) / 0.02 + push).max() < 1e-3 * np.abs(push).max()


def test_a_wave_that_breaks_on_the_slope_is_refused(monkeypatch):
    monkeypatch.setattr(slope, "SAMPLES", FEWER)
    wave = SlopeWave(lambda x: 2.0 * np.exp(-(((x - 400.0) / 80.0) ** 2)), g=G, slope=0.1, reach=1000.0, finest=80.0)
    wave.profile(20.0)
    with pytest.raises(ValueError, match="breaks"):
        wave.profile(35.0)


def test_a_spreading_hump_keeps_its_water_and_converges_with_second_order():
    found = []
    for rings in (250, 500, 1000):
        wave = RadialWave(lambda r: 1.0 + 0.2 * np.exp(-((r / 4.0) ** 2)), g=9.8, reach=30.0, rings=rings)
        water = (wave.u[0] * wave.r).sum()
        r, h, _ = wave.advance(4.0)
        assert (h * r).sum() == pytest.approx(water, rel=1e-12)
        found.append(CubicSpline(r, h)(np.linspace(0.5, 25.0, 100)))
    coarse, fine = (np.abs(a - b).max() for a, b in pairwise(found))
    assert np.log2(coarse / fine) > 1.8


@settings(max_examples=60, deadline=None)
@given(place, place, st.floats(0.0, 5.0))
def test_thackers_planar_surface_satisfies_the_equations(x, y, t):
    def solution(x, y, t):
        return exact.thacker_planar(x, y, t, g=G, depth=DEPTH, radius=RADIUS, shift=0.4)

    assert np.abs(residuals(solution, x, y, t)).max() < 1e-5  # STEP^2 times third derivatives of order 100


@settings(max_examples=60, deadline=None)
@given(place, place, st.floats(0.0, 5.0))
def test_thackers_curved_surface_satisfies_the_equations(x, y, t):
    def solution(x, y, t):
        return exact.thacker_curved(x, y, t, g=G, depth=DEPTH, radius=RADIUS, swing=0.3)

    assert np.abs(residuals(solution, x, y, t)).max() < 1e-5


def test_a_solitary_wave_has_its_height_and_starts_at_the_asked_share():
    asked = {"g": G, "depth": 0.32, "height": 0.058}
    assert exact.solitary_wave(np.array([0.0]), **asked)[0] == 0.058
    start = exact.solitary_duration(**asked)
    assert exact.solitary_wave(np.array([-start]), **asked)[0] == pytest.approx(0.01 * 0.058, rel=1e-12)


def test_a_plane_wave_travels_the_way_it_is_sent():
    wave = PlaneWave(amplitude=0.01, wavelength=2.0, depth=1.0, angle=np.pi / 2.0)
    x, y = np.array([0.3, 0.9]), np.array([0.5, 0.5])
    surface, u, v = wave(x, y, 0.0, G)
    assert surface == pytest.approx([0.01, 0.01])
    assert np.abs(u).max() < 1e-17
    assert v == pytest.approx([0.01 * np.sqrt(G)] * 2)
