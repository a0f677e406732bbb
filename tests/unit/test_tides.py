"""Tides taken off a measured series: what is left is the wave."""

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.core.params import build
from pipeline.reading.tides import M2, without_tide
from pipeline.stages.core.observations import ObservedSeries, read_noted

DAY = 86400.0


def record(days: float, step: float):
    """Times, tide and wave: M2, S2 and K1, and a packet of 25 minutes and 20 cm in the middle."""
    t = np.arange(0.0, days * DAY, step)
    tide = (
        2.0
        + 0.8 * np.cos(2.0 * np.pi * t / M2 + 1.0)
        + 0.25 * np.cos(2.0 * np.pi * t / (DAY / 2.0))
        + 0.3 * np.cos(2.0 * np.pi * t / 86164.1)
    )
    middle = t - days * DAY / 2.0
    return t, tide, 0.2 * np.exp(-((middle / 2500.0) ** 2)) * np.cos(2.0 * np.pi * middle / 1500.0)


@pytest.mark.parametrize(("how", "days", "share"), [("polynomial", 1.0, 0.1), ("highpass", 2.0, 0.05), ("utide", 20.0, 0.05)])
def test_the_wave_is_left_where_the_tide_is_taken_off(how, days, share):
    t, tide, wave = record(days, 300.0)
    values = tide + wave
    values[7:30] = np.nan
    found, span = without_tide(t, values, how, "record")
    assert np.array_equal(np.isnan(found), np.isnan(values))
    inside = (np.abs(t - days * DAY / 2.0) < 0.3 * days * DAY) & np.isfinite(found)
    assert np.abs(found - wave)[inside].max() < share * 0.2
    assert span == pytest.approx(np.ptp(tide), rel=0.1)


@pytest.mark.parametrize(
    ("how", "days", "message"), [("utide", 0.9, "lunar day"), ("highpass", 0.2, 'take "polynomial"'), ("polynomial", 0.1, "needs 40")]
)
def test_a_record_that_is_too_short_is_refused(how, days, message):
    t, tide, wave = record(days, 300.0)
    with pytest.raises(InputError, match=f'record: detide = "{how}".*{message}'):
        without_tide(t, tide + wave, how, "record")


def test_an_observation_asks_for_it(tmp_path):
    t, tide, wave = record(2.0, 300.0)
    np.savetxt(tmp_path / "buoy.txt", np.stack([t, tide + wave], axis=1))
    asked = {"file": "buoy.txt", "columns": {"buoy": 1}}
    with pytest.raises(InputError, match=r"detide.*it can be: polynomial, highpass, utide"):
        build(ObservedSeries, {**asked, "detide": "tide"}, "observed.series")
    with_tide, without = (
        read_noted(build(ObservedSeries, asked | more, "observed.series"), tmp_path) for more in ({}, {"detide": "highpass"})
    )
    assert np.ptp(with_tide.values) > 2.0
    assert np.ptp(without.values[100:-100]) < 0.5
    assert "a tide with a range of 2." in without.notes[-1]
