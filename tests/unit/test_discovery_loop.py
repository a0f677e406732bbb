"""The closed loop on the Kuramoto-Sivashinsky equation and on the heat equation of a plane."""

import re

import numpy as np
import pytest
from bench.kuramoto import LENGTH, TRUTH, cases, lacking, observed, truth
from conftest import long
from scipy.stats import norm

from pipeline.core.errors import InputError
from pipeline.discovery.library import default_library, library_of
from pipeline.discovery.loop import discover
from pipeline.discovery.model import Steps
from pipeline.discovery.pairs import Pairs
from pipeline.discovery.problem import Foreseen, Linear
from pipeline.discovery.trajectory import observe
from pipeline.terms.parser import parse_terms
from solvers.ks.model import Advance

STEP = 0.02
SHORT = 32.0  # period of the small trajectories
SPIN_UP = 60.0  # waves have grown, and interact
LIBRARY = default_library()
FEW = library_of(["u", "u*u_x", "u_xx", "u_xxx"])
LOST = parse_terms(["-u_xx", "-u_xxxx"])  # lacks -u*u_x


@pytest.fixture(scope="module")
def states():
    return truth(1, [0.0, STEP, 1.0, 1.0 + STEP], points=512, longest=1e-3, spin_up=SPIN_UP)


TIMES = 0.2 * np.arange(40)


@pytest.fixture(scope="module")
def exact():
    """40 states on a short period."""
    return truth(2, TIMES, points=128, length=SHORT, longest=4e-3, spin_up=SPIN_UP)


@pytest.fixture(scope="module")
def window(exact):
    """The states as observed, with 1 % noise."""
    return TIMES, *observed(exact, 0.01, 2)


@pytest.fixture(scope="module")
def of_noisy(window):
    """Result of the loop in the window."""
    return discover(small(window), LOST, LIBRARY)


def forecaster(longest, length=LENGTH):
    """Forecasts by the solver, in time steps of at most ``longest``; the truths are by another scheme at a shorter step."""
    return Steps(Advance((length,), "2/3"), longest)


def pairs(states, columns="response", forecast=None):
    return Pairs(states[::2], states[1::2], STEP, (LENGTH,), forecast or forecaster(2e-3), columns)


def small(window, forecast=None, members=60, candidates=24):
    times, states, noise = window
    return observe(times, states, SHORT, noise, forecast or forecaster(0.05, SHORT), points=64, members=members, candidates=candidates)


def found(result):
    return {t.key: t.coefficient for t in result.found}


@pytest.mark.parametrize("columns", ["spectral", "difference", "weak"])
def test_the_loop_finds_a_term_that_one_pass_gets_wrong(states, columns):
    result = discover(pairs(states, columns), LOST, LIBRARY)
    first = result.passes[0].found
    assert set(first) != {"u*u_x"} or abs(first["u*u_x"] + 1.0) > 1e-3
    assert result.settled
    assert found(result) == pytest.approx({"u*u_x": -1.0}, rel=1e-6)
    assert result.stability.min() > 0.9
    assert result.lead > 10.0


def test_nothing_is_said_where_the_model_is_the_truth(states, window):
    for view in (pairs(states), small(window)):
        result = discover(view, TRUTH, LIBRARY)
        assert result.found == ()
        assert result.corrected == TRUTH
        assert result.says.startswith("nothing can be said: none of the 24 candidates")


def test_an_extra_term_is_cancelled(states):
    result = discover(pairs(states), (*TRUTH, *parse_terms(["-0.5*u_xxx"])), LIBRARY)
    assert found(result) == pytest.approx({"u_xxx": 0.5}, rel=1e-6)
    assert {t.key for t in result.corrected} == {t.key for t in TRUTH}


def test_points_that_were_not_observed_are_left_out(states):
    states = states.copy()
    states[1, 100:400] = np.nan
    view = pairs(states)
    result = discover(view, LOST, LIBRARY, resamples=0)
    assert found(result) == pytest.approx({"u*u_x": -1.0}, rel=1e-6)
    assert len(view.linearise(LOST, LIBRARY).target) == 2 * 512 - 300


def test_every_fourth_point_is_enough_without_noise(states):
    view = Pairs(states[:1, ::2], states[1:2, ::2], STEP, (LENGTH,), forecaster(2e-3))  # of 512: every fourth of 1024
    assert found(discover(view, LOST, LIBRARY, resamples=0)) == pytest.approx({"u*u_x": -1.0}, rel=1e-4)


def test_a_member_that_blows_up_is_dropped_and_counted(states, window):
    def fragile(inner, sick):
        def forecast(terms, members, step):
            after = inner(terms, members, step)
            after[np.abs(members).max(axis=1) == sick] = np.nan
            return after

        return forecast

    result = discover(pairs(states, forecast=fragile(forecaster(2e-3), np.abs(states[2]).max())), LOST, LIBRARY)
    assert result.dropped == (1,)
    assert found(result) == pytest.approx({"u*u_x": -1.0}, rel=1e-6)

    first = np.sort(window[1][:, 0])
    place = 28 + int(np.argmax(np.diff(first[28:37])))  # the widest gap among the higher values: no state crosses it
    high = first[place : place + 2].mean()

    def from_calm(terms, members, step):
        after = forecaster(0.05, SHORT)(terms, members, step)
        after[members[:, 0] > high] = np.nan
        return after

    result = discover(small(window, from_calm, members=40, candidates=len(FEW)), LOST, FEW)
    assert 0 < len(result.dropped) < 20
    assert f"{len(result.dropped)} states were dropped" in result.warnings[-1]
    assert set(found(result)) == {"u*u_x"}


def test_a_model_that_blows_up_everywhere_is_refused(states):
    with pytest.raises(InputError, match=r"blows up from all 2 states within the step 0\.02"):
        discover(pairs(states, forecast=lambda terms, members, step: members * np.nan), LOST, LIBRARY)


def test_a_noisy_trajectory_gives_the_term_and_the_states(window, exact, of_noisy):
    """Within five deviations of the posterior; the smoothed states are several times better than the observations."""
    result, noise = of_noisy, window[2]
    (term,) = result.found
    assert term.key == "u*u_x"
    assert abs(term.coefficient + 1.0) < 5.0 * result.deviation[0]
    assert result.deviation[0] < 1e-3
    assert result.misfit == pytest.approx(1.0, abs=5.0 * np.sqrt(2.0 / result.problem.samples))
    assert np.sqrt(np.mean((result.view.guess - exact[:, ::2]) ** 2)) < 0.25 * noise


def test_gaps_in_a_noisy_trajectory_cost_precision_alone(window, of_noisy):
    times, states, noise = window
    states = np.where(np.random.default_rng([3]).random(states.shape) < 0.3, np.nan, states)
    whole, gaps = of_noisy, discover(small((times, states, noise)), LOST, LIBRARY, resamples=0)
    assert set(found(gaps)) == {"u*u_x"}
    assert whole.deviation[0] < gaps.deviation[0] < 2.0 * whole.deviation[0]


def test_uneven_steps_and_several_trajectories_are_one_problem(window):
    times, states, noise = window
    some = [*range(0, 12), *range(13, 30, 2), *range(31, 40)]
    clock = times[some] - np.where(np.arange(len(some)) >= 21, 4.0, 0.0)  # the clock goes back: another trajectory begins
    view = small((clock, states[some], noise), members=40, candidates=len(FEW))
    assert set(np.sign(view.steps)) == {-1.0, 1.0}
    assert len(np.unique(view.steps[view.steps > 0.0])) == 2
    assert set(found(discover(view, LOST, FEW))) == {"u*u_x"}


@pytest.mark.parametrize(("library", "members", "resamples"), [(FEW, 40, 0), long(LIBRARY, 60, 50)], ids=["few", "all"])
def test_a_wrong_noise_level_shows_in_the_misfit(window, library, members, resamples):
    times, states, noise = window
    sizes = {"members": members, "candidates": len(library)}
    result = discover(small((times, states, 0.5 * noise), **sizes), LOST, library, resamples=resamples)
    assert set(found(result)) == {"u*u_x"}
    assert result.misfit == pytest.approx(4.0, rel=0.15)
    assert re.match(r"what remains is (1\.9|2)\S* times the noise that was given: there is more noise", result.warnings[0])
    result = discover(small((times, states, 2.0 * noise), **sizes), LOST, library, resamples=0)
    assert set(found(result)) == {"u*u_x"}
    assert re.match(r"what remains is 0\.(49|50)\S* times the noise that was given: there is less noise", result.warnings[0])
    assert discover(small(window, **sizes), LOST, library, resamples=resamples).warnings == ()


def test_a_loop_without_a_fixed_point_says_nothing(states):
    """A forecast that is another at every call has none."""
    rng = np.random.default_rng([5])

    def restless(terms, members, step):
        return forecaster(2e-3)(terms, members, step) + step * rng.normal() * states[::2]

    result = discover(pairs(states, "spectral", restless), LOST, library_of(["u*u_x", "u_x", "u"]), resamples=0)
    assert not result.settled
    assert result.says.startswith("nothing can be said: the loop came to no fixed point in 20 passes")


class Bent:
    """Errors like arctan(c - 3): from 0 Gauss-Newton steps overshoot more and more. With ``sign`` -1 its responses lead away from 3."""

    def __init__(self, sign: float = 1.0) -> None:
        rng = np.random.default_rng([6])
        self.size, self.rest, self.sign, self.count = rng.normal(size=50), 1e-3 * rng.normal(size=50), sign, 0

    def errors(self, model):
        away = sum(t.coefficient for t in model) - 3.0
        target = self.rest - self.size * np.arctan(away)
        return away, target, float(np.mean(target**2)) / 1e-6

    def linearise(self, model, library):
        self.count += 1
        away, target, misfit = self.errors(model)
        column = (self.sign * self.size / (1.0 + away**2))[:, None]
        return Linear(column, target, np.arange(50), 1e-3, True, misfit, (), lambda change, share: self)


class Foreseeing(Bent):
    def foresee(self, model, library):
        return Foreseen(0, self.errors(model)[2], 50)


def test_a_step_that_makes_matters_worse_is_halved():
    """A quarter of the first step does not overshoot."""
    result = discover(Bent(), (), library_of(["u_x"]))
    assert result.settled
    assert result.passes[0].share == 0.25
    assert found(result) == pytest.approx({"u_x": 3.0}, abs=5e-3)


@pytest.mark.parametrize("sign", [1.0, -1.0], ids=["some of it helps", "nothing helps"])
def test_what_a_view_foresees_to_be_worse_is_not_linearised_and_the_passes_are_the_same(sign):
    plain, knowing = Bent(sign), Foreseeing(sign)
    one, other = (discover(view, (), library_of(["u_x"]), resamples=0) for view in (plain, knowing))
    assert len(one.passes) > 1 and one.passes == other.passes
    assert one.says == other.says
    assert knowing.count == 1 + len(other.passes) < plain.count  # the model's own, and one a pass


def test_short_waves_that_a_wrong_model_amplifies_do_not_blow_it_up(window):
    """Without u_xxxx the model amplifies waves above the unknown ones thirty times in a step; 0.2 apart, as the window is."""
    turns = []
    result = discover(small(window), parse_terms(["-u*u_x", "-u_xx"]), LIBRARY, resamples=0, say=turns.append)
    assert set(found(result)) == {"u_xxxx"}
    assert abs(result.found[0].coefficient + 1.0) < 5.0 * result.deviation[0]
    assert [turn.dropped for turn in turns] == [0] * len(turns)


def test_too_few_members_say_how_many_are_needed(window):
    with pytest.raises(InputError, match="20 members are too few for 24 candidates: at least 28 are needed"):
        small(window, members=20)


def test_an_unknown_kind_of_columns_is_refused(states):
    with pytest.raises(InputError, match="no columns 'responce'; did you mean 'response'"):
        pairs(states, "responce")


@pytest.mark.parametrize("columns", ["response", "spectral", "difference", "weak"])
def test_a_plane_lacks_its_diffusion_across(columns):
    """Heat conducts by x and by y, the model by x alone; forecasts are exact in Fourier space."""
    shape, lengths = (32, 24), (6.0, 4.0)
    kx, ky = (2.0 * np.pi * np.fft.fftfreq(n, length / n) for n, length in zip(shape, lengths, strict=True))

    def forecast(terms, states, step):
        rate = sum(t.coefficient * (1j * kx[:, None]) ** t.factors[0][0][0] * (1j * ky) ** t.factors[0][0][1] for t in terms)
        return np.fft.ifft2(np.exp(step * rate) * np.fft.fft2(states)).real

    smooth = np.exp(-0.1 * (kx[:, None] ** 2 + ky**2))
    start = np.fft.ifft2(smooth * np.fft.fft2(np.random.default_rng([4]).normal(size=(3, *shape)))).real
    later = forecast(parse_terms(["u_xx", "0.3*u_yy"], dimensions=2), start, 0.05)
    library = library_of(["u_x", "u_y", "u_xx", "u_yy", "u_xy", "u_xxx"], dimensions=2)
    result = discover(Pairs(start, later, 0.05, lengths, forecast, columns), parse_terms(["u_xx"]), library)
    assert found(result) == pytest.approx({"u_yy": 0.3}, rel=1e-5)


def test_intervals_cover_the_coefficient_as_often_as_they_say(exact):
    """20 repeats of the noise; the count of 90 % intervals that cover is binomial, and within its 99.8 %."""
    times, states = TIMES[:12], exact[:12]
    model, library = parse_terms(["-0.9*u*u_x - u_xx - u_xxxx"]), library_of(["u", "u*u_x", "u_xx", "u_xxx"])
    covered = 0
    for seed in range(20):
        view = small((times, *observed(states, 0.01, seed)), members=40, candidates=4)
        result = discover(view, model, library, resamples=0)
        covered += abs(found(result)["u*u_x"] + 0.1) < norm.ppf(0.95) * result.deviation[0]
    assert 13 <= covered <= 20  # binom.ppf([0.001, 0.999], 20, 0.9)


@pytest.mark.slow
@pytest.mark.parametrize("name", cases())
def test_every_noise_free_case_is_right_from_one_pair_of_states(name):
    model, lack = cases()[name]
    states = truth(6, [0.0, STEP], longest=1e-3)
    result = discover(pairs(states), model, LIBRARY)
    assert found(result) == pytest.approx(lack, rel=1e-4)
    assert lack == lacking(model)
