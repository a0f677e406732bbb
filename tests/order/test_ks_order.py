"""The schemes' orders in time, and Lyapunov exponents beside published ones."""

import numpy as np
import pytest

from pipeline.spectral.statistics import kaplan_yorke, lyapunov
from pipeline.terms.parser import parse_terms
from solvers.ks import KURAMOTO_SIVASHINSKY
from solvers.ks.differences import Differences
from solvers.ks.spectral import Integrator

KS = parse_terms(KURAMOTO_SIVASHINSKY)
LENGTH = 22.0
CVITANOVIC = np.array([0.048, 0.0, 0.0, -0.003, -0.189, -0.256, -0.290, -0.310, -1.963])  # of states without a mean


@pytest.mark.parametrize(
    ("scheme", "order", "steps"), [("etdrk4", 4, (128, 256, 512)), ("ars443", 3, (128, 256, 512)), ("cnab2", 2, (64, 128, 256))]
)
def test_order_in_time(scheme, order, steps):
    """From waves ten times as high as the attractor's, on 32 points: their fastest decay, 58 a unit of time, is resolved by all steps."""
    x = np.arange(32) * LENGTH / 32
    u = 10.0 * (np.cos(2.0 * np.pi * x / LENGTH) + 0.5 * np.sin(4.0 * np.pi * x / LENGTH + 1.0))
    exact = Integrator(KS, LENGTH, 32, 0.5 / 4096).advance(u, 4096)
    errors = [np.abs(Integrator(KS, LENGTH, 32, 0.5 / (n // 2), scheme=scheme).advance(u, n // 2) - exact).max() for n in steps]
    found = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert found == pytest.approx(order, abs=0.1)


def test_two_discretisations_agree_to_the_order_of_the_differences():
    x = np.arange(128) * LENGTH / 128
    u = np.cos(2.0 * np.pi * x / LENGTH) + 0.5 * np.sin(4.0 * np.pi * x / LENGTH + 1.0)
    terms = parse_terms([*KURAMOTO_SIVASHINSKY, "0.2*u_xxx", "0.1*u**2*u_x"])
    exact = Integrator(terms, LENGTH, 128, 0.005).advance(u, 400)
    errors = []
    for points in (32, 64, 128):
        differences = Differences(terms, LENGTH, points, 0.01)
        state = differences.state_of(u[None, :: 128 // points])
        differences.run(state, 200)
        errors.append(np.abs(differences.values(state)[0] - exact[:: 128 // points]).max())
    assert errors[-1] < 1e-4
    assert np.log2(errors[1] / errors[2]) == pytest.approx(4.0, abs=0.2)


def exponents(time: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    integrator = Integrator(KS, LENGTH, 64, 0.1)
    x = np.arange(64) * LENGTH / 64
    u = integrator.advance(np.cos(2.0 * np.pi * x / LENGTH) + 0.1 * np.sin(4.0 * np.pi * x / LENGTH), 5000)
    found = lyapunov(lambda states: integrator.advance(states, 20), u, count, interval=2.0, rounds=int(time / 2.0), warm=100)
    return found.exponents, found.errors


def test_lyapunov_exponents_are_near_the_published_ones():
    found, errors = exponents(2000.0, 7)
    published = np.concatenate([CVITANOVIC[:3], [0.0], CVITANOVIC[3:6]])  # the mean is a direction that neither grows nor decays
    assert errors.max() < 0.01
    assert (np.abs(found - published) < 4.0 * errors + 0.003).all()


@pytest.mark.slow
def test_lyapunov_spectrum_is_the_published_one():
    found, errors = exponents(100_000.0, 10)
    published = np.concatenate([CVITANOVIC[:3], [0.0], CVITANOVIC[3:]])
    assert errors.max() < 0.0015
    assert (np.abs(found - published) < 0.0015 + 2.0 * errors).all()  # published to three digits, without an error
    assert kaplan_yorke(found) == pytest.approx(5.24, abs=0.02)
