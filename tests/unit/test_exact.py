import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.tsunami import exact
from solvers.tsunami.initial import PlaneWave

G, DEPTH, RADIUS = 9.81, 0.1, 1.0
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
