"""A Fourier series at the points of other grids, and forecasts of states on grids that no integrator takes."""

import numpy as np
import pytest

from pipeline.spectral.grids import seen_at
from pipeline.terms.parser import parse_terms
from solvers.ks.grids import next_smooth, smooth
from solvers.ks.model import Advance

LENGTHS = (22.0, 16.0)  # periods


def series(points, waves=5, seed=1):
    """A series of some waves along each axis at ``points`` of a period of 1."""
    rng = np.random.default_rng([seed])
    axes = np.meshgrid(*[2.0 * np.pi * np.arange(n) / n for n in points], indexing="ij")
    found = 0.3
    for _ in range(12):
        m = rng.integers(-waves, waves + 1, len(points))
        found = found + rng.normal() * np.cos(sum(k * x for k, x in zip(m, axes, strict=True)) + rng.random())
    return found[None]


@pytest.mark.parametrize(("points", "others"), [((12,), (11,)), ((11,), (12,)), ((12,), (7,)), ((16, 11), (11, 20)), ((13, 12), (30, 5))])
def test_a_series_is_seen_at_the_points_of_any_grid_as_it_is(points, others):
    assert seen_at(series(points), others) == pytest.approx(series(others), abs=1e-13)  # also where its waves look like longer ones


def test_the_highest_wave_of_an_even_grid_is_a_cosine():
    states = np.tile([1.0, -1.0], 4)[None]
    assert seen_at(states, (24,)) == pytest.approx(np.cos(8.0 * np.pi * np.arange(24) / 24)[None], abs=1e-14)


def test_the_next_number_without_large_factors():
    assert [next_smooth(n, 4) for n in (1, 147, 148, 160)] == [4, 160, 160, 160]
    assert [n for n in range(1, 16) if not smooth(n)] == [7, 11, 13, 14]


@pytest.mark.parametrize("dealias", ["none", "2/3", "3/2"])
@pytest.mark.parametrize(("points", "fine"), [((49,), (100,)), ((70,), (100,)), ((47, 49), (96, 96))])
def test_a_forecast_is_the_same_on_a_grid_that_no_integrator_takes(points, fine, dealias):
    axes = len(points)
    terms = parse_terms(["-u_xx - u_xxxx - 0.5*u_x^2", "-u_yyyy"][:axes], dimensions=axes)
    ahead = Advance(LENGTHS[:axes], dealias)
    some, many = ahead(terms, series(points), 0.05, 4), ahead(terms, series(fine), 0.05, 4)
    assert some.shape == (1, *points)
    assert some == pytest.approx(seen_at(many, points), abs=1e-7)  # what both leave out of the spectrum after a short time
