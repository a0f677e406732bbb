"""Further maxima: extremes of all steps beside the greatest free surface, speed and depth."""

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.core.params import build
from solvers import tsunami
from solvers.tsunami.further_maxima import FURTHER

BASIN = {"width": 8.0, "height": 4.0, "size": 0.4, "origin": [-4.0, -2.0], "bathymetry": {"kind": "flat", "depth": 1.0}}
ALL = [field.name for field in FURTHER]


@pytest.mark.parametrize("height", [0.2, -0.2])
def test_maxima_asked_for_are_those_of_the_history(basin, height):
    sea = basin(BASIN, {"initial": {"kind": "hump", "height": height, "width": 1.0}, "maxima": ALL, "level": 0.1})
    u, t, g = sea.model.initial(), 0.0, 9.81
    seen = []
    for step in range(10):
        if step:
            dt = 0.8 * sea.model.max_dt(u)
            sea.model.step(t, u, dt)
            t += dt
        sea.model.observe(t, u)
        seen.append(u.copy())
    h, qx, qy = np.moveaxis(np.array(seen), -1, 0)
    above, squared = h + sea.bed - 0.1, (qx**2 + qy**2) / h**2
    lowest, momentum, energy, froude, sign = sea.model.maxima[:, 4:].T
    assert np.array_equal(lowest, (h + sea.bed).min(axis=0))
    assert momentum == pytest.approx((h * squared).max(axis=0), rel=1e-12)
    assert energy == pytest.approx((h * np.sqrt(squared) * np.abs(squared / 2.0 + g * above)).max(axis=0), rel=1e-12)
    assert froude == pytest.approx(np.sqrt(squared / (g * h)).max(axis=0), rel=1e-12)
    moved = np.abs(above) > 1e-3
    first = np.where(moved.any(axis=0), np.sign(above[moved.argmax(axis=0), np.arange(len(u))]), np.nan)
    assert np.array_equal(sign, first, equal_nan=True)
    assert np.isnan(sign).any()
    assert np.unique(sign[np.hypot(sea.x, sea.y) < 1.5]).tolist() == [np.sign(height)]  # a trough comes first where the sea fell


def test_a_run_that_asks_for_no_more_keeps_no_more(basin):
    sea = basin(BASIN, {})
    assert sea.model.maxima.shape[1] == len(sea.model.maxima_fields) == 4


def test_a_maximum_that_there_is_not_is_refused():
    with pytest.raises(InputError, match="did you mean"):
        build(tsunami.Params, {"maxima": ["froud"]}, "solver")
