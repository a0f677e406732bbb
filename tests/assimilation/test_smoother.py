"""Smoothers beside the Kalman smoother of Rauch, Tung and Striebel."""

import numpy as np
import pytest
from chaos import forecast_by, lorenz_step

from pipeline.assimilation.analysis import Method
from pipeline.assimilation.cycle import assimilate
from pipeline.assimilation.localisation import ring
from pipeline.assimilation.observe import Matrix, Observation, every
from pipeline.assimilation.smoother import fit, smooth
from pipeline.core.errors import InputError, RunError

DOFS, NOISE = 4, 0.6
RNG = np.random.default_rng([17])
MODEL = np.linalg.qr(RNG.standard_normal((DOFS, DOFS)))[0]
H = RNG.standard_normal((2, DOFS))
DATA = [(float(k), Observation(Matrix(H, np.zeros(2)), RNG.standard_normal(2), NOISE)) for k in range(1, 7)]


def propagate(states, t, dt):
    return states @ MODEL.T


def rts(mean, covariance, model_noise=0.0):
    """Means (7, DOFS) and covariances (7, DOFS, DOFS) from all data, by H. E. Rauch, F. Tung, C. T. Striebel (1965), DOI 10.2514/3.3166."""
    means, covariances, forecasts = [mean], [covariance], []
    for _, observation in DATA:
        mean, covariance = MODEL @ mean, MODEL @ covariance @ MODEL.T + model_noise**2 * np.eye(DOFS)
        forecasts.append((mean, covariance))
        gain = covariance @ H.T @ np.linalg.inv(H @ covariance @ H.T + NOISE**2 * np.eye(2))
        mean, covariance = mean + gain @ (observation.values - H @ mean), covariance - gain @ H @ covariance
        means.append(mean)
        covariances.append(covariance)
    for k in reversed(range(len(DATA))):
        ahead, its = forecasts[k]
        gain = covariances[k] @ MODEL.T @ np.linalg.inv(its)
        means[k] = means[k] + gain @ (means[k + 1] - ahead)
        covariances[k] = covariances[k] + gain @ (covariances[k + 1] - its) @ gain.T
    return np.array(means), np.array(covariances)


@pytest.mark.parametrize(
    "named", [{}, {"rotation": True}, {"kind": "letkf", "localisation": ring(DOFS, np.inf)}], ids=["etkf", "turned", "letkf"]
)
def test_the_smoother_is_kalmans_for_linear_models(named):
    ensemble = RNG.standard_normal((9, DOFS))
    found = smooth(propagate, ensemble, DATA, Method(**named))
    means, covariances = rts(ensemble.mean(axis=0), np.cov(ensemble.T))
    assert found.times.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert found.states.mean(axis=1) == pytest.approx(means, abs=1e-11)
    for states, covariance in zip(found.states, covariances, strict=True):
        assert np.cov(states.T) == pytest.approx(covariance, abs=1e-11)


@pytest.mark.parametrize("kind", ["enkf", "etkf"])
def test_with_model_noise_and_many_members_the_smoother_comes_near_to_kalmans(kind):
    draw = np.random.default_rng([2])

    def forecast(states, t, dt):
        return propagate(states, t, dt) + 0.3 * draw.standard_normal(states.shape)

    found = smooth(forecast, draw.standard_normal((2000, DOFS)), DATA, Method(kind))
    means, covariances = rts(np.zeros(DOFS), np.eye(DOFS), 0.3)
    deviation = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
    assert np.abs((found.states.mean(axis=1) - means) / deviation).max() < 0.15  # largest of 28 errors of 1 to 2 / sqrt(2000)
    assert found.states.std(axis=1) == pytest.approx(deviation, rel=0.1)


def test_the_iterative_smoother_is_kalmans_for_linear_models_and_needs_two_steps():
    ensemble = RNG.standard_normal((9, DOFS))
    found = fit(propagate, ensemble, DATA)
    means, covariances = rts(ensemble.mean(axis=0), np.cov(ensemble.T))
    assert found.ensemble.mean(axis=0) == pytest.approx(means[0], abs=1e-11)
    assert np.cov(found.ensemble.T) == pytest.approx(covariances[0], abs=1e-11)
    assert found.steps == 2


def lorenz(cycles, gap, seed=5):
    rng = np.random.default_rng([seed])
    x = 8.0 + rng.standard_normal(40)
    for _ in range(200):
        x = lorenz_step(x, 0.0, 0.05)
    truth, data = [x], []
    for k in range(1, cycles + 1):
        for _ in range(gap):
            x = lorenz_step(x, 0.0, 0.05)
        truth.append(x)
        data.append((k * gap * 0.05, Observation(every(1, 40), x + rng.standard_normal(40), 1.0)))
    return np.array(truth), data, truth[0] + rng.standard_normal(40) + rng.standard_normal((60, 40))


FORECAST = forecast_by(lorenz_step, 0.05)


def test_what_comes_later_improves_what_was_known_before():
    truth, data, ensemble = lorenz(20, 1)
    method = Method("letkf", ring(40, 7.3))
    filtered = np.array([c.analysis.mean(axis=0) for c in assimilate(FORECAST, ensemble, data, method)])
    smoothed = smooth(FORECAST, ensemble, data, method).states.mean(axis=1)[1:]
    errors = [np.sqrt(np.mean((x - truth[1:]) ** 2, axis=1)) for x in (filtered, smoothed)]
    assert errors[1][-1] == pytest.approx(errors[0][-1], rel=1e-10)
    assert np.mean(errors[1][:-5]) < 0.8 * np.mean(errors[0][:-5])


def test_a_lag_that_reaches_the_start_is_none_and_a_lag_of_nothing_is_the_filter():
    _, data, ensemble = lorenz(6, 1)
    whole, long, short = (smooth(FORECAST, ensemble, data, Method(), lag=lag).states for lag in (None, 6, 0))
    assert np.array_equal(whole, long)
    filtered = [c.analysis for c in assimilate(FORECAST, ensemble, data, Method())]
    assert np.array_equal(short[1:], filtered)
    assert np.array_equal(short[0], ensemble)


def test_where_the_model_bends_the_iterative_smoother_is_nearer_than_one_pass():
    errors = []
    for seed in range(6):
        truth, data, ensemble = lorenz(2, 6, seed)
        once = smooth(FORECAST, ensemble, data, Method()).states[0].mean(axis=0)
        fitted = fit(FORECAST, ensemble, data)
        assert fitted.steps > 2
        errors.append([np.sqrt(np.mean((x - truth[0]) ** 2)) for x in (once, fitted.ensemble.mean(axis=0))])
    one_pass, iterated = np.mean(errors, axis=0)
    assert iterated < 0.96 * one_pass


def test_a_member_that_blows_up_is_gone_from_the_whole_trajectory():
    _, data, ensemble = lorenz(3, 1)

    def forecast(states, t, dt):
        after = FORECAST(states, t, dt)
        if 0.08 < t < 0.12:
            after[4] = np.nan
        return after

    assert smooth(forecast, ensemble, data, Method()).states.shape == (4, 59, 40)
    with pytest.raises(RunError, match="blew up before"):
        fit(forecast, ensemble, data)


def test_bad_windows_are_refused_in_one_line():
    _, data, ensemble = lorenz(2, 1)
    blank = [(0.05, Observation(every(1, 40), np.full(40, np.nan), 1.0))]
    for call, words in (
        (lambda: smooth(FORECAST, ensemble, [], Method()), "no observations"),
        (lambda: smooth(FORECAST, ensemble, data, Method(), lag=-1), "a lag of -1"),
        (lambda: fit(FORECAST, ensemble, []), "no observations"),
        (lambda: fit(FORECAST, ensemble, blank), "no observations"),
        (lambda: fit(FORECAST, ensemble[:1], data), "1 member"),
    ):
        with pytest.raises(InputError, match=words) as error:
            call()
        assert "\n" not in str(error.value)
    with pytest.raises(RunError, match="after 1 steps"):
        fit(FORECAST, ensemble, data, most=1)
