"""The law of friction that a model of a sloshing channel lacks, from fields and from gauges of the truth."""

import beach
import numpy as np
import pytest
from conftest import long

from pipeline.core.errors import InputError
from pipeline.discovery.loop import discover
from pipeline.discovery.measured import Measured, Together
from pipeline.discovery.problem import Foreseen
from pipeline.terms.terms import named
from solvers.tsunami.friction import LIBRARY, WET, Sea, fields, gauges, laws, with_laws

STEP, END, EVERY, WINDOW = 1.0, 12.0, 0.1, 10.0  # [s]
HALF = 6.0  # [s]
TRUE = 0.03**2
STARTS = (0.0, 0.015, 0.05)  # Manning's n of the model


@pytest.fixture(scope="module")
def truth():
    return beach.sea(manning=0.03)


@pytest.fixture(scope="module")
def states(truth):
    return beach.states(truth, STEP, END)


@pytest.fixture(scope="module")
def series(truth):
    return truth.series(laws(truth.params), truth.start(), WINDOW, EVERY)


def found(result):
    return {term.key: term.coefficient for term in result.found}


def lacking(sea, view):
    return discover(view, laws(sea.params), LIBRARY)


@pytest.mark.parametrize("n", [STARTS[0], *map(long, STARTS[1:])])
def test_fields_name_mannings_law_and_no_other(states, n):
    """The truth's own solver: what is left at the fixed point is round-off, and the coefficient is as exact."""
    model = beach.sea(manning=n)
    result = lacking(model, fields(model, states, STEP))
    assert result.settled
    assert found(result) == pytest.approx({"manning**2": TRUE - n**2}, rel=1e-6)
    assert with_laws(model.params, result.corrected).manning == pytest.approx(0.03, rel=1e-6)


@pytest.mark.parametrize("n", [STARTS[-1], *map(long, STARTS[:-1])])
def test_gauges_alone_name_mannings_law_and_no_other(truth, series, n):
    model = beach.sea(manning=n)
    result = lacking(model, gauges(model, truth.start(), series, EVERY))
    assert result.settled
    assert found(result) == pytest.approx({"manning**2": TRUE - n**2}, rel=1e-6)


@pytest.mark.parametrize(
    ("true", "lost"),
    [
        ({"linear_drag": 0.01}, {"linear_drag": 0.01}),
        ({"quadratic_drag": 0.02}, {"quadratic_drag": 0.02}),
        ({"linear_drag": 0.01, "quadratic_drag": 0.02, "manning": 0.02}, {"linear_drag": 0.01, "quadratic_drag": 0.02, "manning**2": 4e-4}),
    ],
    ids=["linear", "quadratic", "all"],
)
def test_each_law_is_told_from_the_others(true, lost):
    rough, smooth = beach.sea(**true), beach.sea()
    assert found(lacking(smooth, fields(smooth, beach.states(rough, STEP, HALF), STEP))) == pytest.approx(lost, rel=1e-5)


def test_one_law_in_place_of_another_is_exchanged(states):
    """The model has a quadratic drag, the truth Manning's: the one goes, the other comes."""
    model = beach.sea(quadratic_drag=0.012)
    result = lacking(model, fields(model, states, STEP))
    assert found(result) == pytest.approx({"quadratic_drag": -0.012, "manning**2": TRUE}, rel=1e-6)
    assert [term.key for term in result.corrected] == ["manning**2"]


def test_nothing_is_lacking_where_the_model_is_the_truth(truth, states, series):
    for view in (fields(truth, states, STEP), gauges(truth, truth.start(), series, EVERY)):
        result = lacking(truth, view)
        assert result.found == ()
        assert result.says.startswith("nothing can be said")


def test_noisy_fields_and_gauges_give_the_law_within_its_deviation(truth, states, series):
    """1 % of noise on every value, earlier ones too: within four of the posterior's deviations, which are a few percent at most."""
    model = beach.sea(manning=0.015)
    noisy, deviation = beach.noisy(states, 0.01, 1)
    heard, least = beach.noisy_series(series, 0.01, 1)
    views = fields(model, noisy, STEP, noise=deviation), gauges(model, truth.start(), heard, EVERY, noise=least)
    for view in views:
        result = lacking(model, view)
        assert list(found(result)) == ["manning**2"]
        assert abs(found(result)["manning**2"] - (TRUE - 0.015**2)) < 4.0 * result.deviation[0]
        assert result.deviation[0] < 0.04 * (TRUE - 0.015**2)
        assert result.misfit == pytest.approx(1.0, abs=0.1)
        assert result.warnings == ()
    both = Together(views)
    linear = both.linearise(laws(model.params), LIBRARY)
    assert both.foresee(laws(model.params), LIBRARY) == Foreseen(0, linear.misfit, len(linear.target))  # by the prediction alone


@pytest.mark.slow
def test_noise_that_forecasts_carry_along_widens_the_deviation(states):
    """Taken as independent, the same errors would seem to say more than they do."""
    model = beach.sea(manning=0.015)
    noisy, deviation = beach.noisy(states, 0.01, 1)
    view = fields(model, noisy, STEP, noise=deviation)
    careless = Measured(view.observed, view.deviation, view.span, view.typical, view.predict, view.least)
    manning = LIBRARY[2:]
    wide, narrow = (discover(v, laws(model.params), manning, resamples=0).deviation[0] for v in (view, careless))
    assert wide > 1.5 * narrow


def test_dry_and_nearly_dry_cells_do_not_count(states):
    model = beach.sea()
    view = fields(model, states, STEP)
    wet = (states[1:, :, 0] > WET) & (states[:-1, :, 0] > WET)
    assert (~wet).any()
    assert (np.isfinite(view.observed).all(axis=2) == wet).all()
    assert np.isfinite(view.predict(laws(model.params))).all()  # forecasts know the dry cells too


def test_larger_cells_weigh_more(states):
    model = beach.sea()
    deviation = fields(model, states, STEP).deviation
    areas = model.mesh.areas
    assert deviation[:, 0] ** 2 * areas == pytest.approx(deviation[0, 0] ** 2 * areas[0])
    assert np.ptp(areas) > 0.0


def test_a_forecast_is_the_run_from_that_state(truth, states):
    """As the frames of one long run, each of which begins its steps anew: their lengths differ by the clock's round-off."""
    assert truth.forecast(laws(truth.params), states[:-1], STEP) == pytest.approx(states[1:], abs=1e-12)


def test_laws_of_a_case_and_back():
    params = beach.sea(linear_drag=0.1, manning=0.02).params
    assert {t.key: t.coefficient for t in laws(params)} == pytest.approx({"linear_drag": 0.1, "manning**2": 4e-4})
    assert with_laws(params, laws(params)).manning == pytest.approx(0.02)
    with pytest.raises(InputError, match=r"quadratic_drag = -0.1 would drive the water"):
        with_laws(params, (named("quadratic_drag", coefficient=-0.1),))


def test_what_can_not_be_used_is_refused(truth, states, series):
    def incident():
        wave = {"kind": "solitary", "height": 0.01, "depth": 0.3}
        return beach.sea(boundary={"west": {"kind": "incident", "wave": wave}})

    still = np.zeros_like(states)
    still[..., 0] = np.maximum(-truth.mesh.bed, 0.0)
    cases = [
        (lambda: fields(truth, states[:, 1:], STEP), "it must be (2 or more, 243 cells, 3)"),
        (lambda: fields(truth, np.full_like(states, np.nan), STEP), "a state is not whole"),
        (lambda: fields(incident(), states, STEP), "a wave comes in at side 'west'"),
        (lambda: fields(truth, still, STEP), "there is no flow in the states"),
        (lambda: gauges(truth, truth.start(), series[:, :1], EVERY), "it must be (gauges, times, 3), with two times at least"),
        (lambda: gauges(truth, truth.start(), 0.0 * series, EVERY), "there is no flow at the gauges"),
        (lambda: truth.forecast((named("maning", 2),), states, STEP), "no law 'maning**2'; did you mean 'manning**2'?"),
        (lambda: fields(truth, states, STEP).linearise((), (named("wind"),)), "the model knows no term 'wind'"),
        (lambda: Measured(np.full(3, np.nan), np.ones(1), 1.0, {}, lambda terms: np.zeros(3)), "nothing was measured"),
        (lambda: Measured(np.zeros(3), np.zeros(1), 1.0, {}, lambda terms: np.zeros(3)), "a deviation that is not above 0"),
    ]
    for call, said in cases:
        with pytest.raises(InputError) as error:
            call()
        assert said in str(error.value)


def test_an_unstable_member_is_dropped(states):
    class Fragile(Sea):
        def run(self, terms, state, end, every, begin=0.0):
            after = super().run(terms, state, end, every, begin)
            return after * np.nan if np.array_equal(state, states[3]) else after

    base = beach.sea()
    model = Fragile(base.mesh, base.params)
    view = fields(model, states, STEP)
    result = lacking(model, view)
    assert result.dropped == (3,)
    assert view.foresee(laws(model.params), LIBRARY).dropped == 1
    assert found(result) == pytest.approx({"manning**2": TRUE}, rel=1e-6)
