"""Order of accuracy: errors against exact solutions as the mesh is refined."""

import math
from itertools import pairwise

import numpy as np
import pytest
from conftest import long

from meshes.core.bathymetry import shape_means
from solvers.core.steppers import TABLEAUX
from solvers.tsunami import exact

G = 9.81
FLAT = {"kind": "flat", "depth": 1.0}


def simple_wave(x, t):
    """A wave that travels east on water 1 m deep without breaking yet: u = 2 (c - c0), constant along dx/dt = u + c.

    Method of characteristics; J. J. Stoker, Water Waves, Interscience 1957, section 10.2. Returns depth and velocity.
    """
    c0 = math.sqrt(G)

    def start(x):
        return np.sqrt(G * (1.0 + 0.05 * np.exp(-((x / 1.5) ** 2))))

    origin = x - c0 * t
    for _ in range(100):  # a contraction: the wave does not break before t = 8 s
        origin = x - (3.0 * start(origin) - 2.0 * c0) * t
    c = start(origin)
    return c * c / G, 2.0 * (c - c0)


def wave_error(basin, pattern, size, limiter, end=1.0):
    """Area-weighted L1 error of the depth [m] of the simple wave, means over the cells taken with seven points."""
    sea = basin(
        {
            "width": 16.0,
            "height": 0.5,
            "size": size,
            "origin": [-8.0, -0.25],
            "pattern": pattern,
            "bathymetry": {"kind": "flat", "depth": 1.0},
        },
        {"limiter": limiter, "stepping": "ssprk2"},
    )
    corners = sea.mesh.vertices[sea.mesh.triangles[sea.cells]]

    def means(t):
        depth = shape_means(lambda x, y: simple_wave(x, t)[0], corners)
        discharge = shape_means(lambda x, y: np.prod(simple_wave(x, t), axis=0), corners)
        return np.stack([depth, discharge, np.zeros_like(depth)], axis=1)

    sea.model.initial = lambda: means(0.0)
    u = sea.run(end)
    return float((sea.area * np.abs(u[:, 0] - means(end)[:, 0])).sum() / sea.area.sum())


@pytest.mark.parametrize(
    ("pattern", "limiter"), [("delaunay", "none"), ("delaunay", "michalak"), ("cross", "michalak"), long("cross", "none")]
)
def test_a_smooth_wave_converges_with_second_order(basin, pattern, limiter):
    coarse, fine = (wave_error(basin, pattern, size, limiter) for size in (0.1, 0.05))
    assert math.log2(coarse / fine) >= 1.9


def test_a_limiter_that_never_fades_still_converges(basin):
    coarse, fine = (wave_error(basin, "delaunay", size, "barth_jespersen") for size in (0.1, 0.05))
    assert math.log2(coarse / fine) >= 1.7  # it clips the crest


def thacker_error(basin, size, shape, periods):
    """L1 error of the depth over the water's volume, after ``periods``; the bowl has the radius 1 m and the depth 0.1 m."""
    initial = {"kind": "thacker", "depth": 0.1, "radius": 1.0, "shape": shape} | ({"shift": 0.5} if shape == "planar" else {"swing": 0.4})
    bowl = {"kind": "bowl", "depth": 0.1, "radius": 1.0}
    lake = basin({"width": 3.6, "height": 3.6, "size": size, "origin": [-1.8, -1.8], "bathymetry": bowl}, {"initial": initial})
    frequency = math.sqrt((2.0 if shape == "planar" else 8.0) * G * 0.1)
    end = periods * 2.0 * math.pi / frequency
    u = lake.run(end)
    if shape == "planar":
        surface, _, _ = exact.thacker_planar(lake.x, lake.y, end, g=G, depth=0.1, radius=1.0, shift=0.5)
    else:
        surface, _, _ = exact.thacker_curved(lake.x, lake.y, end, g=G, depth=0.1, radius=1.0, swing=0.4)
    depth = np.maximum(surface - lake.bed, 0.0)
    return float((lake.area * np.abs(u[:, 0] - depth)).sum() / (lake.area * depth).sum())


@pytest.mark.parametrize("shape", ["planar", "curved"])
def test_thackers_bowl_converges_with_a_moving_shore(basin, shape):
    errors = [thacker_error(basin, size, shape, 0.75) for size in (0.2, 0.1, 0.05)]
    rates = [math.log2(a / b) for a, b in pairwise(errors)]
    assert min(rates) >= 1.0, (errors, rates)  # first order at the shore, which is a line
    assert errors[-1] < 0.03


@pytest.mark.parametrize(("stepping", "order"), [("euler", 1), ("ssprk2", 2), ("ssprk3", 3)])
def test_runge_kutta_methods_have_their_order(stepping, order):
    tableau = TABLEAUX[stepping]

    def end(steps):
        """u' = -u^2 + cos(t), u(0) = 1, at t = 1."""
        u, dt = 1.0, 1.0 / steps
        for n in range(steps):
            start = u
            for a, b, c in zip(tableau.a, tableau.b, tableau.c, strict=True):
                u = a * start + b * (u + dt * (-u * u + math.cos((n + c) * dt)))
        return u

    errors = [abs(end(steps) - _fine()) for steps in (64, 128)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.1)
    assert sum(tableau.weights) == pytest.approx(1.0, abs=1e-15)


def _fine():
    """The same by the classical method of fourth order."""
    u, dt = 1.0, 1.0 / 4096

    def rate(t, u):
        return -u * u + math.cos(t)

    for n in range(4096):
        t = n * dt
        k1 = rate(t, u)
        k2 = rate(t + dt / 2, u + dt / 2 * k1)
        k3 = rate(t + dt / 2, u + dt / 2 * k2)
        k4 = rate(t + dt, u + dt * k3)
        u += dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return u


def plane_wave(basin, points, periods=2, **solver):
    """Share of a plane wave's amplitude left after ``periods`` with ``points`` a wavelength, and the periods that it is ahead."""
    mesh = {
        "width": 1.0,
        "height": 4.0 / points,
        "size": 1.0 / points,
        "periodic": ["x", "y"],
        "bathymetry": {"kind": "flat", "depth": 1.0},
    }
    sea = basin(mesh, {"initial": {"kind": "plane_wave", "amplitude": 1e-6, "wavelength": 1.0, "depth": 1.0}, **solver})
    start = sea.model.initial()
    u = sea.run(periods / math.sqrt(G))
    before, after = (((state[:, 0] - 1.0) * sea.area * np.exp(-2j * np.pi * sea.x)).sum() for state in (start, u))
    return abs(after / before), -np.angle(after / before) / (2.0 * np.pi)


@pytest.mark.parametrize("riemann", ["hllc", "roe", "rusanov", "kinetic"])
def test_a_plane_wave_loses_amplitude_with_third_order_and_travels_with_its_speed(basin, riemann):
    (left, lag), (left_fine, lag_fine) = (plane_wave(basin, points, riemann=riemann) for points in (24, 48))
    assert math.log2((1.0 - left) / (1.0 - left_fine)) >= 2.8  # a limited-slope scheme's damping is of odd order
    assert (
        abs(lag) < 4e-4
    )  # of two periods, 2e-4 of its speed: the share of the neighbours' values all but cancels the second order's error
    assert abs(lag_fine) < 1e-4


def test_schemes_rank_by_what_they_lose(basin):
    kept = {riemann: plane_wave(basin, 16, riemann=riemann)[0] for riemann in ("hllc", "roe", "rusanov", "kinetic")}
    assert kept["hllc"] == pytest.approx(kept["roe"], rel=1e-4)  # the same linear scheme where waves are small
    assert kept["rusanov"] < kept["kinetic"] < kept["roe"]  # it smears the transverse momentum too
    assert plane_wave(basin, 16, order=1)[0] < 0.5 * kept["rusanov"]
