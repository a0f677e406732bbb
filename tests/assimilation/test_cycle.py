"""The cycle on Lorenz-96: scores, reproducibility, what is dropped, and what the innovations say."""

import logging

import numpy as np
import pytest
from chaos import forecast_by, lorenz_step

from pipeline.assimilation.analysis import Method
from pipeline.assimilation.cycle import assimilate
from pipeline.assimilation.innovation import judge
from pipeline.assimilation.localisation import ring
from pipeline.assimilation.observe import Observation, every
from pipeline.core.errors import InputError, RunError

DT = 0.05
FORECAST = forecast_by(lorenz_step, DT)


def twin(cycles, stated=1.0, seed=3):
    """Truth (cycles, 40), observations with noise 1 that is said to be ``stated``, and a function that draws a first ensemble."""
    rng = np.random.default_rng([seed])
    x = 8.0 + rng.standard_normal(40)
    for _ in range(200):
        x = lorenz_step(x, 0.0, DT)
    start, truth, observations = x, [], []
    for k in range(cycles):
        x = lorenz_step(x, 0.0, DT)
        truth.append(x)
        observations.append(((k + 1) * DT, Observation(every(1, 40), x + rng.standard_normal(40), stated)))
    return np.array(truth), observations, lambda members: start + 0.1 * rng.standard_normal((members, 40))


METHODS = {
    "enkf": (40, Method("enkf", inflation=1.06)),
    "etkf": (24, Method("etkf", inflation=1.013, rotation=True)),
    "letkf": (7, Method("letkf", ring(40, 7.3), inflation=1.04, rotation=True)),
}


@pytest.mark.parametrize(("kind", "published"), [("enkf", 0.22), ("etkf", 0.18), ("letkf", 0.22)])
def test_lorenz_96_is_followed_as_closely_as_published(kind, published):
    """The scores that DAPPER 1.7.1 lists after Sakov and Oke 2008; for the LETKF after Bocquet 2011 (DOI 10.5194/npg-18-735-2011)."""
    truth, observations, draw = twin(800)
    members, method = METHODS[kind]
    errors = [
        np.sqrt(np.mean((c.analysis.mean(axis=0) - x) ** 2))
        for c, x in zip(assimilate(FORECAST, draw(members), observations, method), truth, strict=True)
    ]
    assert np.mean(errors[300:]) == pytest.approx(published, abs=0.02)  # means of 500 cycles scatter by 0.01


def test_a_seed_gives_the_same_bits_for_a_whole_run():
    _, observations, draw = twin(20)
    ensemble = draw(12)
    method = Method("enkf", rotation=True, seed=9)
    one, again = ([c.analysis for c in assimilate(FORECAST, ensemble, observations, method)] for _ in range(2))
    assert np.array_equal(one, again)


@pytest.mark.parametrize(("stated", "wrong"), [(0.5, True), (0.8, True), (1.0, False), (1.25, True), (2.0, True)])
def test_a_wrong_noise_level_is_warned_of(stated, wrong, caplog):
    _, observations, draw = twin(200, stated)
    members, method = METHODS["etkf"]
    statistics = [c.innovation for c in assimilate(FORECAST, draw(members), observations, method)]
    with caplog.at_level(logging.WARNING, logger="wavetrain"):
        verdict = judge(statistics, skip=80)
    assert verdict.wrong == wrong
    assert len(caplog.records) == wrong
    if wrong:
        assert (verdict.noise > 1.0) == (stated < 1.0)
    else:
        assert verdict.noise == pytest.approx(1.0, abs=0.05)
        assert verdict.chi_square == pytest.approx(1.0, abs=0.1)


def test_one_cycle_refutes_nothing(caplog):
    _, observations, draw = twin(1, 0.1)
    verdict = judge(c.innovation for c in assimilate(FORECAST, draw(24), observations, Method()))
    assert not verdict.wrong
    assert not caplog.records


def test_a_member_that_blows_up_is_dropped_and_counted(caplog):
    _, observations, draw = twin(4)
    ensemble = draw(6)
    ensemble[2] *= 1e40

    def forecast(states, t, dt):
        with np.errstate(over="ignore", invalid="ignore"):
            return FORECAST(states, t, dt)

    first, *_, last = assimilate(forecast, ensemble, observations, Method())
    assert first.kept.tolist() == [0, 1, 3, 4, 5]
    assert last.kept.tolist() == [0, 1, 2, 3, 4]
    assert last.analysis.shape == (5, 40)
    assert [r.getMessage() for r in caplog.records] == ["1 of 6 members blew up between 0 and 0.05, and are dropped"]


def test_a_model_that_always_blows_up_ends_the_run():
    _, observations, draw = twin(2)
    with pytest.raises(RunError, match="0 member"):
        next(assimilate(lambda states, t, dt: states * np.nan, draw(4), observations, Method()))


def test_a_bad_run_is_refused_in_one_line():
    _, observations, draw = twin(2)
    for data, members, forecast, words in (
        ([], 4, FORECAST, "no observations"),
        (observations[::-1], 4, FORECAST, "backwards"),
        (observations, 1, FORECAST, "1 member"),
        (observations, 4, lambda states, t, dt: states[:, :3], r"has shape \(4, 3\)"),
    ):
        with pytest.raises(InputError, match=words) as error:
            list(assimilate(forecast, draw(members), data, Method()))
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["f4", "f2", ">f8", "i4"])
@pytest.mark.parametrize("name", METHODS)
def test_an_ensemble_of_any_real_type_gives_what_its_double_gives(name, kind):
    ensemble = np.asfortranarray(4.0 * np.random.default_rng(0).standard_normal((20, 40))).astype(kind)
    observations = [(1.0, Observation(every(1, 40), np.zeros(40, "f4"), 1.0))]

    def analysis(states):
        return next(iter(assimilate(lambda x, t, dt: x.astype(kind), states, observations, METHODS[name][1]))).analysis

    found = analysis(ensemble)
    assert found.dtype == np.float64
    assert np.array_equal(found, analysis(ensemble.astype(float)))


@pytest.mark.parametrize("name", METHODS)
def test_an_ensemble_of_complex_numbers_is_refused(name):
    with pytest.raises(InputError, match="complex128; it must be of real numbers"):
        next(iter(assimilate(FORECAST, np.ones((4, 40), complex), twin(1)[1], METHODS[name][1])))
