"""Series as they come: with gaps, uneven steps, values that are none, and too short ones."""

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.stages.decompose.gauges import Series, decompose_series, together

TIMES = np.arange(0.0, 20.0, 0.05)
RUN = Series(TIMES, np.sin(TIMES))


def test_series_at_the_same_even_times_are_taken_as_they_are():
    times, n, r, notes = together("g", RUN, Series(TIMES, 0.9 * RUN.values), None)
    assert notes == []
    assert np.array_equal(n, RUN.values)
    assert np.array_equal(r, 0.9 * RUN.values)
    assert times == pytest.approx(TIMES, rel=1e-12)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t, v: (np.delete(t, slice(100, 130)), np.delete(v, slice(100, 130))), "gaps of up to 1.55 s"),
        (lambda t, v: (np.concatenate([t[:1], t[1:-1] + 0.01 * np.sin(7.0 * t[1:-1]), t[-1:]]), None), "even times"),
        (lambda t, v: (t, np.where((t > 3.0) & (t < 3.2), np.nan, v)), "3 of 400 samples of the reference are not finite"),
    ],
    ids=["gap", "uneven", "nan"],
)
def test_what_is_done_to_a_reference_is_said_and_does_no_harm(spoil, said):
    times, values = spoil(TIMES, np.sin(TIMES))
    reference = Series(times, np.sin(times) if values is None else values)
    clock, n, r, notes = together("g", RUN, reference, None)
    assert any(said in note for note in notes), notes
    found, _ = decompose_series(clock, n, r, resamples=20, seed=0)
    assert found["mse"]["value"] < 1e-5  # the spline's error over the widest gap, a quarter of a period


def test_what_has_no_overlap_or_is_too_short_is_told_in_one_line():
    with pytest.raises(InputError, match=r"gauge 'g': no overlap in time: the run has 0 to 19\.95 s, the reference 100 to 119\.95 s"):
        together("g", RUN, Series(TIMES + 100.0, RUN.values), None)
    with pytest.raises(InputError, match="gauge 'g': 3 samples in the time that both have; at least 8 are needed"):
        together("g", RUN, RUN, (1.0, 1.1))
