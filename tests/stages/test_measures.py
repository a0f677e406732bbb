"""Signals whose error is known, and identities on any data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.stages.decompose.alignment import align, align_periodic
from pipeline.stages.decompose.moments import merge, moments, sums
from pipeline.stages.decompose.scheme import (
    from_waves,
    lax_wendroff,
    leading_orders,
    modified_lax_wendroff,
    modified_upwind,
    predicted,
    travel,
    upwind,
)
from pipeline.stages.decompose.spectra import banded, pieces, scales, spectrum

ONE = np.ones(1)
number = st.floats(-1e3, 1e3, allow_subnormal=False).map(lambda x: 0.0 if abs(x) < 1e-3 else x)  # so that squares don't underflow
series = hnp.arrays(float, 24, elements=number)
weights = st.floats(0.0, 10.0, allow_subnormal=False)  # areas by times; of the smallest doubles a share is no number


def parts(n, r, w=ONE):
    return moments(sums(n, r, w, -1))


@settings(max_examples=100, deadline=None)
@given(series, series, hnp.arrays(float, 24, elements=st.floats(0.1, 10.0)))
def test_dissipation_and_dispersion_sum_to_the_error(n, r, w):
    m = parts(n, r, w)
    mse = (w * (n - r) ** 2).sum() / w.sum()
    assert m.mse == pytest.approx(mse, rel=1e-12)
    assert m.bias + m.amplitude + m.phase == pytest.approx(mse, rel=1e-12)


@settings(max_examples=100, deadline=None)
@given(series, series, st.floats(1e-8, 1.0))
def test_parts_of_a_small_error_sum_as_exactly(r, change, size):
    n = r + size * change
    m = parts(n, r)
    assert m.bias + m.amplitude + m.phase == pytest.approx(np.mean((n - r) ** 2), rel=1e-12)


@settings(max_examples=100, deadline=None)
@given(series, series)
def test_amplitude_and_phase_parts_of_all_scales_sum_to_the_error(n, r):
    s = spectrum(n, r, 0.1)
    assert s.amplitude.sum() + s.phase.sum() == pytest.approx(np.mean((n - r) ** 2), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(series, series, hnp.arrays(float, 24, elements=weights), st.integers(0, 24))
def test_blocks_merge_to_the_whole(n, r, w, cut):
    whole, both = sums(n, r, w, -1), merge(sums(n[:cut], r[:cut], w[:cut], -1), sums(n[cut:], r[cut:], w[cut:], -1))
    for name in ("weight", "count", "mean_d", "mean_r", "dd", "rr", "dr"):
        scale = max(1.0, np.abs(n).max() + np.abs(r).max()) ** 2 * max(w.sum(), 1.0)
        assert getattr(both, name) == pytest.approx(getattr(whole, name), rel=1e-11, abs=1e-13 * scale)


def test_a_scaled_copy_is_dissipation_alone():
    r = np.sin(np.linspace(0.0, 7.0, 400)) + 0.3
    for factor in (0.5, 0.99, 1.3):
        m = parts(factor * r, r)
        assert m.dissipation == pytest.approx(m.mse, rel=1e-10)
        assert m.phase < 1e-10 * m.mse
        s = spectrum(factor * r, r, 1.0)
        assert s.phase.sum() < 1e-10 * m.mse
        assert s.ratio == pytest.approx(factor, rel=1e-10)


@pytest.mark.parametrize("field", [False, True], ids=["series", "field"])
def test_a_scaled_and_shifted_wave_has_the_parts_that_it_was_given(field):
    x = np.arange(64) / 64.0
    scale, shift = 0.8, 0.037
    wave = 2.0 * np.pi * 3.0
    number, reference = scale * np.sin(wave * (x - shift)), np.sin(wave * x)
    if field:
        across = np.ones((16, 1))
        number, reference = across * number, across * reference
    m = parts(number.ravel(), reference.ravel())
    assert m.dissipation == pytest.approx((1.0 - scale) ** 2 / 2.0, rel=1e-10)
    assert m.phase == pytest.approx(scale * (1.0 - np.cos(wave * shift)), rel=1e-10)
    s = spectrum(number, reference, 1.0 / 64.0)
    assert s.amplitude[..., 3] == pytest.approx((1.0 - scale) ** 2 / 2.0, rel=1e-10)
    assert s.phase[..., 3] == pytest.approx(scale * (1.0 - np.cos(wave * shift)), rel=1e-10)
    assert s.lag[..., 3] == pytest.approx(shift, rel=1e-10)
    found, before, after = align_periodic(number, reference)
    assert found[-1] / 64.0 == pytest.approx(shift, rel=1e-10)
    assert after == pytest.approx((1.0 - scale) ** 2 / 2.0, rel=1e-10)
    assert before == pytest.approx(m.mse, rel=1e-10)


@pytest.mark.parametrize("shift", [1.0 / 3.0, -1.0 / 3.0, 7.0 + 1.0 / 3.0, 0.0])
@pytest.mark.parametrize("scale", [1.0, 0.9])
def test_a_shift_of_a_third_of_a_sample_is_found(shift, scale):
    t = np.arange(300.0)

    def pulse(t):
        return np.exp(-(((t - 150.0) / 12.0) ** 2)) - 0.4 * np.exp(-(((t - 190.0) / 15.0) ** 2))

    def wave(t):
        return np.sin(2.0 * np.pi * t / 25.0)

    for signal in (pulse, wave):
        found = align(scale * signal(t - shift), signal(t), 1.0, largest=10.0)
        assert found.lag == pytest.approx(shift, abs=1e-3)
        if scale == 1.0 and shift:
            assert found.removed > 0.9999


def test_series_against_each_other_at_every_lag_have_the_lag_that_is_least_bad():
    rising = np.arange(20.0) + 0.1 * np.sin(np.arange(20.0))
    found = align(-rising, rising, 1.0)
    assert np.isfinite(found.lag) and np.isfinite(found.after)


def test_a_series_that_does_not_change_has_no_lag():
    found = align(np.ones(20), np.arange(20.0), 1.0)
    assert np.isnan(found.lag)
    m = parts(np.ones(20), np.arange(20.0))
    assert np.isnan(m.correlation)
    assert m.bias + m.amplitude + m.phase == pytest.approx(m.mse, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.floats(-8.0, 8.0), st.floats(-8.0, 8.0))
def test_a_field_that_moves_both_ways_is_followed(right, up):
    y, x = np.meshgrid(np.arange(48), np.arange(40), indexing="ij")

    def field(x, y):
        kx, ky = 2.0 * np.pi * x / 40.0, 2.0 * np.pi * y / 48.0
        return np.sin(kx) + 0.5 * np.cos(ky + 2.0 * kx) + 0.3 * np.sin(3.0 * ky)

    found, _, after = align_periodic(field(x - right, y - up), field(x, y))
    assert found == pytest.approx([up, right], abs=1e-7)
    assert after < 1e-14


def advect(u, courant, scheme):
    left, right = np.roll(u, 1), np.roll(u, -1)
    if scheme is upwind:
        return u - courant * (u - left)
    return u - 0.5 * courant * (right - left) + 0.5 * courant**2 * (right - 2.0 * u + left)


@pytest.mark.parametrize("scheme", [upwind, lax_wendroff])
@pytest.mark.parametrize("points", [8, 16, 32])
@pytest.mark.parametrize("courant", [0.3, 0.8])
def test_a_wave_packet_travels_as_the_schemes_symbol_says(scheme, points, courant):
    cells = 64 * points
    x = np.arange(cells) / points  # in wavelengths
    u = np.exp(-(((x - 32.0) / 6.0) ** 2)) * np.cos(2.0 * np.pi * x)
    steps = round(2.0 * points / courant)
    times = np.arange(steps + 1) * courant / points  # in periods
    amplitudes = []
    for _ in times:
        amplitudes.append((u * np.exp(-2j * np.pi * x)).sum())
        u = advect(u, courant, scheme)
    found = travel(times, np.array(amplitudes), 2.0 * np.pi)
    factor = scheme(np.array(2.0 * np.pi / points), courant)
    speed = -np.angle(factor) / (courant * 2.0 * np.pi / points)
    kept = np.abs(factor) ** (points / courant)
    assert found.speed == pytest.approx(speed, rel=1e-10)  # the bar is 1 %
    assert found.kept == pytest.approx(kept, rel=1e-10)
    assert found.speed_error < 1e-10


@pytest.mark.parametrize(("scheme", "modified"), [(upwind, modified_upwind), (lax_wendroff, modified_lax_wendroff)])
def test_the_modified_equation_is_the_symbols_beginning(scheme, modified):
    errors = []
    for phase in (0.2, 0.1):
        exact = np.log(scheme(np.array(phase), 0.6)) + 0.6j * phase
        errors.append(abs(exact - modified(np.array(phase), 0.6)))
    assert np.log2(errors[0] / errors[1]) > (3.7 if scheme is upwind else 4.7)


@pytest.mark.slow
def test_most_bands_of_a_smoothed_spectrum_hold_what_was_given():
    rng = np.random.default_rng([4])
    inside = {"ratio": 0, "angle": 0}
    for trial in range(200):
        r = rng.standard_normal(2000)
        n = 0.8 * np.roll(r, 1) + 0.4 * rng.standard_normal(2000)
        frequency, groups = pieces(n, r, 1.0)
        _, (low, high) = banded(groups, np.ones(len(groups)), resamples=200, seed=trial)
        true = {"ratio": np.sqrt(0.8), "angle": -2.0 * np.pi * frequency[10]}
        for name, value in true.items():
            inside[name] += getattr(low, name)[10] <= value <= getattr(high, name)[10]
    assert all(160 <= count <= 195 for count in inside.values()), inside  # nominally 180; the bootstrap of 31 pieces is a little narrow


def test_lines_of_pieces_sum_to_the_mean_square_difference():
    rng = np.random.default_rng([5])
    n, r = rng.standard_normal((2, 4000))
    _, groups = pieces(n, r, 0.1)
    both = groups.real.mean(axis=0)
    assert (both[0] + both[1]).sum() == pytest.approx(np.mean((n - r) ** 2), rel=0.05)
    assert both[3].sum() == pytest.approx(np.mean(r**2), rel=0.05)


def test_coherence_is_one_where_one_follows_the_other_and_low_where_not():
    rng = np.random.default_rng([3])
    a, b = rng.standard_normal((2, 4000))

    def coherence(n):
        return scales(pieces(n, a, 0.1)[1].sum(axis=0)).coherence[1:]

    assert coherence(0.5 * np.roll(a, 1)).min() > 0.95
    assert coherence(b).mean() < 0.3


@pytest.mark.parametrize("order", [1, 2])
def test_the_modified_equation_of_waves_says_again_what_they_did(order):
    points = np.array([16.0, 32.0, 64.0])
    x = 2.0 * np.pi / points
    a2, a3, a4 = (0.4, 0.1, 0.02) if order == 1 else (0.0, 0.1, -0.3)
    kept, speed = np.exp(2.0 * np.pi * (-a2 * x + a4 * x**3)), 1.0 + a3 * x**2
    found = from_waves(points, kept, speed)
    assert found["even"]["4"][0] == pytest.approx(a4, rel=1e-6)
    assert found["odd"]["3"][0] == pytest.approx(a3, rel=1e-6)
    for mine, given_ in zip(predicted(found, points), (kept, speed), strict=True):
        assert mine == pytest.approx(given_, rel=1e-9)
    assert leading_orders(order) == ((1, 2), (3, 2))[order - 1]
