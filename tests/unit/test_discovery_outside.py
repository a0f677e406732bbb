"""Truths whose term is not among the candidates: nothing can be said, without noise and with it; and the term where it is a candidate."""

import numpy as np
import pytest
from bench.kuramoto import TRUTH, observed
from bench.outside import LENGTH, TERMS, truth

from pipeline.discovery.explained import CHANCE, most, unexplained
from pipeline.discovery.library import default_library, library_of, rivals
from pipeline.discovery.loop import discover
from pipeline.discovery.model import Steps
from pipeline.discovery.pairs import Pairs
from pipeline.discovery.problem import Linear
from pipeline.discovery.trajectory import observe
from solvers.ks.model import Advance

LIBRARY = default_library()
ADVANCE = Advance((LENGTH,), "2/3")
FAST = ("u_x^2", "u u_x that varies")  # of the truths, all of which are among the slow tests


def of_pairs(name, library=LIBRARY):
    states = truth(name, [0.0, 0.02, 4.0, 4.02])
    view = Pairs(states[::2], states[1::2], 0.02, (LENGTH,), Steps(ADVANCE, 2.5e-3))
    return discover(view, TRUTH, library, resamples=0, rivals=rivals(library))


def of_noise(name, library=LIBRARY, states=40):
    """1 % of noise on every second point of states 0.2 apart."""
    times = 0.2 * np.arange(states)
    noisy, noise = observed(truth(name, times)[:, ::2], 0.01, 3)
    view = observe(times, noisy, LENGTH, noise, Steps(ADVANCE, 0.05), points=64, members=36 + len(library), candidates=len(library))
    return discover(view, TRUTH, library, resamples=0, rivals=rivals(library))


def says_nothing(result):
    assert not result.said
    assert result.says.startswith("nothing can be said: ")


@pytest.mark.parametrize("name", FAST)
def test_nothing_is_said_of_pairs_whose_term_is_no_candidate(name):
    says_nothing(of_pairs(name))


def test_nothing_is_said_of_noisy_states_whose_source_is_no_candidate():
    """Within the noise a constant is a sum of powers of u, which the search finds; the constant alone explains it better."""
    result = of_noise("constant source", library_of(["u", "u**2", "u**3", "u**4", "u_xx"]), states=25)
    assert {term.key for term in result.found} > {"u", "u**2"}
    assert result.misfit < most(result.problem.samples)
    says_nothing(result)
    assert "1, outside the library, would explain it better" in result.says


def test_a_constant_and_functions_of_x_and_u_are_found_where_they_are_candidates():
    for name, library, exact in (
        ("constant source", ["1", "u", "u_xx"], {"1": 0.1}),
        ("source cos(x)", ["1", "cos(2*pi*x/L)", "sin(2*pi*x/L)", "u"], {"cos(2*pi*x/L)": 0.3}),
        ("sin(u)", ["u", "sin(u)", "u_xx", "1"], {"sin(u)": 0.2}),
        ("u u_x that varies", ["u*u_x", "u*u_x*cos(2*pi*x/L)", "u_xx"], {"u*u_x*cos(2*pi*x/L)": -0.3}),
    ):
        result = of_pairs(name, library_of(library))
        assert result.said, name
        assert {t.key: t.coefficient for t in result.found} == pytest.approx(exact, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", TERMS)
def test_nothing_is_said_of_any_pairs_whose_term_is_no_candidate(name):
    says_nothing(of_pairs(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", TERMS)
def test_nothing_is_said_of_any_noisy_states_whose_term_is_no_candidate(name):
    says_nothing(of_noise(name))


def remains(target, n=10):
    return Linear(
        np.ones((len(target), 1)),
        target,
        np.repeat(np.arange(len(target) // n), n),
        1.0,
        True,
        float(np.mean(target**2)),
        (),
        lambda change, share: None,
        kinds=np.tile(np.arange(n), len(target) // n),
    )


def test_remains_that_are_noise_are_explained_and_those_with_a_structure_are_not():
    """400 draws of noise: the chance that any of them is taken for more is 400 CHANCE, 2e-4."""
    assert CHANCE < 1e-6
    for seed in range(400):
        noise = np.random.default_rng([seed]).normal(size=400)
        assert unexplained(remains(noise)) == ""
    rows = noise.reshape(40, 10)
    still, loud, slow = rows.copy(), rows.copy(), rows.copy()
    still[:, 3] += 1.1
    loud[:, 5] *= 2.2
    slow[:, 7] = np.sqrt(2.0) * np.sin(0.3 * np.arange(40))
    for some, said in ((still, "a mean that is not zero in wave 2"), (loud, "more than the noise in wave 3"), (slow, "a course in time")):
        assert np.mean(some**2) < most(400)
        assert said in unexplained(remains(some.ravel()))
    assert "what remains is 2" in unexplained(remains(2.0 * noise))
