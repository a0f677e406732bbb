import math

import numpy as np
import pytest

from pipeline.spectral.shells import energy_spectrum
from pipeline.spectral.statistics import distribution, kaplan_yorke, lyapunov


def test_a_spectrum_adds_up_to_the_mean_square():
    u = np.random.default_rng([0]).standard_normal((5, 30))
    _, energy = energy_spectrum(u, (22.0,))
    assert energy.sum() == pytest.approx((u**2).mean(), rel=1e-13)
    plane = np.random.default_rng([1]).standard_normal((3, 12, 20))
    _, energy = energy_spectrum(plane, (10.0, 6.0))
    assert energy.sum() == pytest.approx((plane**2).mean(), rel=1e-13)


def test_a_wave_stands_at_its_own_wavenumber():
    x = np.arange(64) * 22.0 / 64
    wavenumber, energy = energy_spectrum(3.0 * np.cos(2.0 * np.pi * 5 * x / 22.0)[None], (22.0,))
    assert np.argmax(energy) == 5
    assert wavenumber[5] == pytest.approx(2.0 * np.pi * 5 / 22.0, rel=1e-14)
    assert energy[5] == pytest.approx(4.5, rel=1e-13)
    slanted = np.cos(2.0 * np.pi * (3.0 * x[None, :] + 4.0 * x[:, None]) / 22.0)
    assert np.argmax(energy_spectrum(slanted[None], (22.0, 22.0))[1]) == 5


def test_the_distribution_of_normal_numbers_is_normal():
    value, density = distribution(2.0 + 3.0 * np.random.default_rng([0]).standard_normal(1_000_000), bins=20)
    assert (density * np.diff(value)[0]).sum() == pytest.approx(1.0, abs=1e-3)
    assert density == pytest.approx(np.exp(-0.5 * value**2) / math.sqrt(2.0 * math.pi), abs=0.01)  # bins half a deviation wide


def test_exponents_of_a_linear_flow_are_its_rates():
    rates = np.array([0.3, 0.0, -0.2, -1.0])
    random = np.random.default_rng([3])
    basis = np.linalg.qr(random.standard_normal((4, 4)))[0]
    flow = basis @ np.diag(np.exp(rates)) @ basis.T
    found = lyapunov(lambda states: states @ flow.T, np.zeros(4), 3, interval=1.0, rounds=200, warm=100)
    assert found.exponents == pytest.approx(rates[:3], abs=1e-6)
    assert found.errors.max() < 1e-6


@pytest.mark.parametrize(
    ("exponents", "dimension"),
    [([0.5, 0.0, -1.0], 2.5), ([-0.1, -1.0], 0.0), ([0.9056, 0.0, -14.5723], 2.0621), ([0.5, -0.5], 2.0), ([0.5, 0.1], math.nan)],
)
def test_kaplan_yorke(exponents, dimension):
    assert kaplan_yorke(np.array(exponents)) == pytest.approx(dimension, abs=1e-4, nan_ok=True)
