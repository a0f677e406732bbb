"""Candidate terms and their derivatives, on waves whose derivatives are known."""

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.discovery.derivatives import HALF_STENCIL, central_weights, difference, hump_transform, weak
from pipeline.discovery.library import default_library, library_of, values, with_changes
from pipeline.discovery.modes import modes
from pipeline.spectral.derivatives import derivative
from pipeline.terms.parser import parse_terms

LENGTH = 5.0
K = 2.0 * np.pi / LENGTH


def wave(points=64, q=0):
    """1.3 + sin(2 K x) and its q-th derivative, (1, points)."""
    x = LENGTH / points * np.arange(points)
    return (1.3 * (q == 0) + (2.0 * K) ** q * np.sin(2.0 * K * x + 0.5 * np.pi * q))[None]


def test_the_default_library_is_the_authors():
    keys = [t.key for t in default_library()]
    assert len(keys) == len(set(keys)) == 24
    assert {"u", "u**4", "u_x", "u*u_x", "u**4*u_xxxx"} <= set(keys)
    assert "1" not in keys
    plane = [t.key for t in default_library(dimensions=2)]
    assert len(plane) == len(set(plane)) == 47
    assert {"u**4*u_yyyy", "u_x**2", "u_y**2", "u_xxyy"} <= set(plane)


@pytest.mark.parametrize("form", ["spectral", "weak"])
def test_terms_are_exact_on_sines(form):
    library = default_library()
    found = values(library, wave(), (LENGTH,), form)
    for j, term in enumerate(library):
        exact = np.ones((1, 64))
        for (q, _), power in term.factors:
            exact = exact * wave(q=q) ** power
        if form == "weak":  # the integral with the hump of the exact term
            exact = np.fft.irfft(np.fft.rfft(exact) * hump_transform(64))
        assert found[..., j] == pytest.approx(exact, rel=1e-9, abs=1e-10 * np.abs(exact).max()), term.key


@pytest.mark.parametrize(("q", "order"), [(1, 8), (2, 8), (3, 6), (4, 6)])  # 9 points, symmetric
def test_differences_converge_at_their_order(q, order):
    errors = [np.abs(difference(wave(n), (LENGTH,), (q, 0)) - wave(n, q)).max() for n in (32, 64)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize("q", [1, 2, 3, 4])
def test_differences_are_exact_for_polynomials(q):
    x = np.arange(-HALF_STENCIL, HALF_STENCIL + 1.0)
    for degree in range(2 * HALF_STENCIL + 1):
        exact = float(np.polyval(np.polyder(np.eye(degree + 1)[0], q), 0.0)) if degree >= q else 0.0
        assert central_weights(q) @ x**degree == pytest.approx(exact, abs=1e-9 * max(1.0, np.abs(x**degree).max()))


@pytest.mark.parametrize("take", [derivative, difference])
def test_both_directions_of_a_plane_are_told_apart(take):
    x, y = np.meshgrid(LENGTH / 48 * np.arange(48), 3.0 / 40 * np.arange(40), indexing="ij")
    k = 2.0 * np.pi / 3.0
    state = (np.sin(K * x) * np.cos(k * y))[None]
    assert take(state, (LENGTH, 3.0), (2, 1))[0] == pytest.approx(K**2 * k * np.sin(K * x) * np.sin(k * y), abs=1e-6 * K**2 * k)


def test_the_weak_form_of_noise_is_far_less_noisy_than_the_derivative():
    noise = np.random.default_rng([1]).normal(size=(20, 256))
    assert weak(noise, (LENGTH,), (4, 0)).std() < 0.02 * derivative(noise, (LENGTH,), (4, 0)).std()


@pytest.mark.parametrize(
    ("lengths", "points"), [((LENGTH,), (40,)), ((LENGTH,), (41,)), ((6.0, 5.0), (12, 9)), ((2 * np.pi,) * 2, (9, 10))]
)
def test_numbers_of_modes_and_states_are_each_others_inverse(lengths, points):
    found = modes(lengths, points)
    assert found.count == np.prod([n - 1 + n % 2 for n in points])  # all but the highest waves of even numbers of points
    numbers = np.random.default_rng([2]).normal(size=(3, found.count))
    states = found.states(numbers, points)
    assert found.of(states) == pytest.approx(numbers, abs=1e-13)
    assert (states**2).reshape(3, -1).mean(axis=1) == pytest.approx((numbers**2).sum(axis=1), rel=1e-12)
    finer = found.states(numbers, tuple(2 * n for n in points))
    assert finer[(slice(None), *[slice(None, None, 2)] * len(points))] == pytest.approx(states, abs=1e-12)


def test_waves_of_one_wavenumber_are_taken_together():
    found = modes((7.0, 7.0), (16, 16))
    assert [len(found.lowest(most).waves) for most in (1, 2, 3, 4, 5, 6, 10)] == [0, 2, 2, 4, 4, 6, 10]
    assert np.abs(found.lowest(4).waves).tolist() == [[1, 0], [0, 1], [1, 1], [1, 1]]


def test_a_state_with_gaps_is_fitted_and_its_covariance_grows():
    some = modes((1.0,), (32,)).lowest(4)
    numbers = np.random.default_rng([3]).normal(size=(2, 9))
    states = some.states(numbers, (32,))
    states[1, 5:12] = np.nan
    found, covariance = some.fitted(states)
    assert found == pytest.approx(numbers, abs=1e-12)
    assert covariance[0] == pytest.approx(np.eye(9) / 32.0, abs=1e-12)
    assert np.trace(covariance[1]) > np.trace(covariance[0])
    states[1, 3:27] = np.nan
    with pytest.raises(InputError, match=r"state 1 is observed at 8 points, too few for 9 numbers: 1 more are needed"):
        some.fitted(states)


def test_changes_add_to_the_model_and_cancel():
    model = parse_terms(["-u*u_x", "0.1*u_xxx"])
    u_xxx, u_xx = library_of(["u_xxx", "3*u_xx"])
    assert with_changes(model, {u_xxx: -0.1, u_xx: -1.0}) == parse_terms(["-u*u_x", "-u_xx"])


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["u_xx + u"], "no single term"),
        (["3", "1"], "the candidate '1' is given twice"),
        (["u*u_x", "2*u_x*u"], "given twice"),
        ([], "no candidate"),
        (["v_x"], "unknown symbol 'v_x'"),
    ],
)
def test_a_bad_library_is_refused_in_a_line(texts, said):
    with pytest.raises(InputError, match=said):
        library_of(texts)


def test_unknown_derivatives_are_refused_with_what_there_is():
    with pytest.raises(InputError, match=r"no derivatives 'spectrl'; did you mean 'spectral'\?; there are: spectral, difference, weak"):
        values(default_library(), wave(), (LENGTH,), "spectrl")
