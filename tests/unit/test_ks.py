"""The Kuramoto-Sivashinsky integrator: what it keeps, what it is invariant under, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.errors import InputError
from pipeline.core.params import build
from pipeline.terms.parser import parse_terms
from pipeline.terms.terms import Term, canonical
from solvers import ks
from solvers.ks import initial
from solvers.ks.initial.random import Params as Random
from solvers.ks.schemes import SCHEMES
from solvers.ks.spectral import Integrator

KS = parse_terms(ks.KURAMOTO_SIVASHINSKY)
LENGTH, POINTS = 22.0, 64
SIZES = [8, 10, 12, 20, 32, 60, 64, 90, 100, 250, 1024]
orders = st.integers(0, 3)
nonlinear_terms = st.builds(
    Term,
    st.floats(-2.0, 2.0).filter(lambda c: abs(c) > 1e-3),
    st.lists(st.tuples(orders, st.integers(1, 3)), min_size=1, max_size=2).map(lambda some: canonical([((d, 0), p) for d, p in some])),
).filter(lambda term: not term.linear)


def places(points: int = POINTS, length: float = LENGTH) -> np.ndarray:
    return np.arange(points) * length / points


def states(members: int, points: int = POINTS) -> np.ndarray:
    return initial.states(Random(), (points,), 0, np.arange(members))


def derivative(u: np.ndarray, order: int, length: float) -> np.ndarray:
    """A derivative by numpy's transform."""
    k = 2.0 * np.pi / length * np.fft.rfftfreq(u.shape[-1], 1.0 / u.shape[-1])
    return np.fft.irfft((1j * k) ** order * np.fft.rfft(u), n=u.shape[-1])


@pytest.mark.parametrize("points", SIZES)
@pytest.mark.parametrize("members", [1, 8])
def test_spectra_are_numpys(points, members):
    u = np.random.default_rng([1]).standard_normal((members, points))
    integrator = Integrator(KS, LENGTH, points, 0.1, dealias="none")
    state = integrator.state_of(u)
    size = np.sqrt(points) * 1e-15 * 8.0  # of a sum of as many terms of size 1
    assert np.abs(state[:, 0] - np.fft.rfft(u)).max() < 8.0 * size
    assert np.abs(integrator.values(state) - u).max() < 1e-14


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("dealias", ["none", "2/3", "3/2"])
def test_a_member_alone_has_the_same_bits_as_beside_others(scheme, dealias):
    u = states(11)
    integrator = Integrator(parse_terms([*ks.KURAMOTO_SIVASHINSKY, "0.1*u**2*u_x"]), LENGTH, POINTS, 0.05, scheme=scheme, dealias=dealias)
    together = integrator.advance(u, 20)
    for chosen in ([0], [3], [10, 2], [5, 6, 7], list(range(9))):
        assert integrator.advance(u[chosen], 20).tobytes() == together[chosen].tobytes()
    assert integrator.advance(u[4], 20).tobytes() == together[4].tobytes()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_many_steps_are_as_many_single_ones(scheme):
    integrator = Integrator(KS, LENGTH, POINTS, 0.05, scheme=scheme)
    one, other = integrator.state_of(states(3)), integrator.state_of(states(3))
    integrator.run(one, 10)
    for _ in range(10):
        integrator.run(other, 1)
    assert one.tobytes() == other.tobytes()


@settings(deadline=None, max_examples=60)
@given(st.lists(nonlinear_terms, min_size=1, max_size=3, unique_by=lambda term: term.factors))
def test_products_are_those_of_the_points(terms):
    """Of two waves, so that no product of six reaches the highest wavenumber; CNAB2's first step is u + dt N(u)."""
    x = 2.0 * np.pi * np.arange(POINTS) / POINTS
    u = 0.6 * np.cos(x + 0.3) + 0.4 * np.sin(2.0 * x)
    integrator = Integrator(terms, 2.0 * np.pi, POINTS, 1.0, scheme="cnab2", dealias="none")
    found = integrator.step(u) - u
    expected = sum(term.evaluate({(d, 0): derivative(u, d, 2.0 * np.pi) for d in range(4)}) for term in terms)
    assert found == pytest.approx(expected, rel=1e-11, abs=1e-11 * max(np.abs(expected).max(), 1.0))  # u_xxx: 32^3 times round-off


@pytest.mark.parametrize(("dealias", "waves"), [("2/3", 21), ("3/2", 31)])
def test_products_of_two_have_no_aliases(dealias, waves):
    """Random waves up to the highest that is kept: the product is what it is on four times as many points."""
    random = np.random.default_rng([2])
    coarse = np.zeros(POINTS // 2 + 1, complex)
    coarse[1 : waves + 1] = random.standard_normal(waves) + 1j * random.standard_normal(waves)
    fine = np.concatenate([coarse, np.zeros(3 * POINTS // 2)])
    u, u_fine = np.fft.irfft(coarse), np.fft.irfft(fine) * 4.0
    terms = parse_terms(["-u*u_x", "0.5*u_x**2"])
    found = Integrator(terms, LENGTH, POINTS, 1.0, scheme="cnab2", dealias=dealias).step(u) - u
    exact = Integrator(terms, LENGTH, 4 * POINTS, 1.0, scheme="cnab2", dealias="none").step(u_fine) - u_fine
    whole = np.fft.rfft(exact)[: POINTS // 2 + 1] / 4.0
    kept = np.where(np.arange(len(whole)) <= waves, whole, 0.0)
    assert np.abs(np.fft.rfft(found) - kept).max() < 1e-13 * np.abs(kept).max() * POINTS
    aliased = Integrator(terms, LENGTH, POINTS, 1.0, scheme="cnab2", dealias="none").step(u) - u
    assert np.abs(np.fft.rfft(aliased) - whole).max() > 0.01 * np.abs(whole).max()


def test_linear_terms_are_exact():
    """ETDRK4 multiplies by exp(L dt): dispersion and growth are right to round-off after any number of steps."""
    terms = parse_terms(["0.7*u_x", "-u_xx", "-u_xxxx", "0.3*u_xxx", "-0.1*u"])
    u, steps, dt = states(1)[0], 100, 0.03
    integrator = Integrator(terms, LENGTH, POINTS, dt, dealias="none")
    k = 2.0 * np.pi / LENGTH * np.arange(POINTS // 2 + 1)
    growth = 0.7j * k + k**2 - k**4 - 0.3j * k**3 - 0.1
    exact = np.fft.irfft(np.exp(growth * steps * dt) * np.fft.rfft(u))
    assert np.abs(integrator.advance(u, steps) - exact).max() < 1e-13 * np.abs(exact).max()  # 100 products


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_mean_stays_to_the_last_bit(scheme):
    terms = parse_terms([*ks.KURAMOTO_SIVASHINSKY, "0.1*u_xxx", "1.5*u**2*u_x"])
    integrator = Integrator(terms, LENGTH, POINTS, 0.01, scheme=scheme)
    state = integrator.state_of(states(3) + 0.7)
    before = state[:, 0, 0].copy()
    integrator.run(state, 200)
    assert (state[:, 0, 0] == before).all()


def test_what_moves_with_a_steady_speed_sees_the_same():
    """Galileo: u(x - c t) + c solves the equation where u does."""
    u, c, dt, steps = states(2), 22.0 / 64.0 * 8.0, 1e-3, 500  # in 0.5 it moves by 4 points
    integrator = Integrator(KS, LENGTH, POINTS, dt)
    moved = np.roll(integrator.advance(u, steps), 4, axis=1) + c
    assert np.abs(integrator.advance(u + c, steps) - moved).max() < 1e-9  # dt^4 k^4 c^4 is 1e-8 at the highest wave, of size 1e-3


@pytest.mark.parametrize("scheme", SCHEMES)
def test_translation_and_reflection_change_nothing_else(scheme):
    u = states(2)
    integrator = Integrator(KS, LENGTH, POINTS, 0.05, scheme=scheme)
    later = integrator.advance(u, 100)
    assert np.abs(integrator.advance(np.roll(u, 5, axis=1), 100) - np.roll(later, 5, axis=1)).max() < 1e-12  # round-off, little grown
    mirror = -np.roll(u[:, ::-1], 1, axis=1)
    assert np.abs(integrator.advance(mirror, 100) + np.roll(later[:, ::-1], 1, axis=1)).max() < 1e-12


def test_a_constant_term_is_a_steady_push():
    found = Integrator(parse_terms(["0.25", "-u_xxxx"]), LENGTH, POINTS, 0.1).advance(states(1), 40)
    assert found.mean() == pytest.approx(states(1).mean() + 0.25 * 4.0, abs=1e-13)


def test_members_are_drawn_by_their_number():
    start = Random(amplitude=2.0, modes=3)
    whole = initial.states(start, (POINTS,), 5, np.arange(6))
    assert initial.states(start, (POINTS,), 5, np.array([4])).tobytes() == whole[4].tobytes()
    assert len({row.tobytes() for row in whole}) == 6
    assert np.abs(initial.states(start, (POINTS,), 6, np.arange(6)) - whole).max() > 0.1
    many = initial.states(start, (POINTS,), 1, np.arange(2000))
    assert many.std() == pytest.approx(2.0, rel=0.03)  # 6 random numbers in each of 2,000
    assert np.abs(many.mean(axis=1)).max() < 1e-14


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"points": 63}, "points = 63; it must be a multiple of 2 without prime factors above 5, such as 64"),
        ({"points": 14}, "such as 16"),
        ({"points": 90, "dealias": "3/2"}, "points = 90; it must be a multiple of 4"),
        ({"points": 4}, "points = 4"),
        ({"length": -1.0}, "length = -1.0"),
        ({"dt": float("nan")}, "dt = nan"),
        ({"scheme": "etdrk5"}, "no scheme 'etdrk5'; did you mean 'etdrk4'?"),
        ({"dealias": "1/3"}, "no dealias '1/3'"),
        ({"terms": parse_terms(["u_xy"], dimensions=2)}, "the term u_xy is for two dimensions"),
    ],
)
def test_what_it_cannot_do_is_refused_by_name(named, said):
    arguments = {"terms": KS, "length": LENGTH, "points": POINTS, "dt": 0.1} | named
    with pytest.raises(InputError) as error:
        Integrator(**arguments)
    assert said in str(error.value)


def test_a_state_of_another_shape_is_refused():
    with pytest.raises(InputError, match=r"shape \(3, 32\); its last dimension must be the 64 points"):
        Integrator(KS, LENGTH, POINTS, 0.1).step(np.zeros((3, 32)))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"terms": ["-u*u_z"]}, "unknown symbol 'u_z'; did you mean 'u_"),
        ({"terms": ["gamma(u)"]}, "there is no function 'gamma'"),
        ({"terms": ["u", "-u"]}, "nothing in it that does not cancel"),
        ({"terms": "u"}, "must be a list"),
        ({"members": 0}, "members = 0; there must be at least 1"),
        ({"seed": -1}, "seed = -1"),
        ({"scheme": "rk4"}, "it can be: etdrk4, ars443, cnab2, arkimex"),
        ({"term": ["u"]}, "unknown key 'solver.term'; did you mean 'terms'?"),
    ],
)
def test_a_wrong_case_is_refused_by_name(table, said):
    with pytest.raises(InputError) as error:
        build(ks.Params, table, "solver")
    assert said in str(error.value)
