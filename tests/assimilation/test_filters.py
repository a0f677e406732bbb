"""Filters beside the Kalman filter, beside each other, and beside themselves on other paths."""

import numpy as np
import pytest
from distributed import Client, LocalCluster

from pipeline.assimilation import letkf
from pipeline.assimilation.analysis import Method, analyse
from pipeline.assimilation.cycle import assimilate
from pipeline.assimilation.filters import rotation
from pipeline.assimilation.localisation import Localisation, ring
from pipeline.assimilation.observe import Fourier, Matrix, Observation, Subset, every
from pipeline.core.errors import InputError


def method(kind, dofs, radius=np.inf, **named):
    return Method(kind, ring(dofs, radius) if kind == "letkf" else None, **named)


def kalman(mean, covariance, h, values, noise):
    """The analysis' mean and covariance of a Gaussian."""
    gain = covariance @ h.T @ np.linalg.inv(h @ covariance @ h.T + noise**2 * np.eye(len(h)))
    return mean + gain @ (values - h @ mean), covariance - gain @ h @ covariance


def problem(members, dofs, count, seed=0):
    rng = np.random.default_rng([seed, members, dofs, count])
    ensemble = rng.standard_normal((members, dofs)) @ rng.standard_normal((dofs, dofs)) + 3.0
    matrix = rng.standard_normal((count, dofs))
    return ensemble, Observation(Matrix(matrix, np.arange(float(count))), rng.standard_normal(count), 0.7)


@pytest.mark.parametrize("kind", ["etkf", "letkf"])
@pytest.mark.parametrize(("members", "dofs", "count"), [(5, 12, 9), (30, 6, 4), (8, 8, 8), (2, 3, 1)])
def test_square_root_filters_give_kalmans_analysis_for_the_ensembles_covariance(kind, members, dofs, count):
    ensemble, observation = problem(members, dofs, count)
    analysis = analyse(ensemble, observation, method(kind, dofs))
    mean, covariance = kalman(ensemble.mean(axis=0), np.cov(ensemble.T), observation.operator.matrix, observation.values, 0.7)
    scale = np.abs(np.cov(ensemble.T)).max()
    assert analysis.mean(axis=0) == pytest.approx(mean, abs=1e-11 * scale)
    assert np.cov(analysis.T) == pytest.approx(covariance, abs=1e-11 * scale)


@pytest.mark.parametrize(("members", "count"), [(5, 9), (30, 4)])
def test_the_stochastic_filters_mean_is_kalmans_for_the_ensembles_covariance(members, count):
    ensemble, observation = problem(members, 6, count)
    analysis = analyse(ensemble, observation, Method("enkf", seed=2))
    mean, _ = kalman(ensemble.mean(axis=0), np.cov(ensemble.T), observation.operator.matrix, observation.values, 0.7)
    assert analysis.mean(axis=0) == pytest.approx(mean, abs=1e-10)


def linear_run(kind, members, seed):
    """Errors of mean and covariance, in the final standard deviation, after six cycles of a noisy linear model."""
    dofs, noise = 4, 0.8
    rng = np.random.default_rng([11])
    matrix = 0.95 * np.linalg.qr(rng.standard_normal((dofs, dofs)))[0]
    h = rng.standard_normal((2, dofs))
    data = [(float(k), Observation(Matrix(h, np.zeros(2)), rng.standard_normal(2), noise)) for k in range(1, 7)]
    draw = np.random.default_rng([seed, members])

    def forecast(states, t, dt):
        return states @ matrix.T + 0.3 * draw.standard_normal(states.shape)

    ensemble = draw.standard_normal((members, dofs))
    *_, last = assimilate(forecast, ensemble, data, method(kind, dofs, seed=seed))
    mean, covariance = np.zeros(dofs), np.eye(dofs)
    for _, observation in data:
        mean, covariance = matrix @ mean, matrix @ covariance @ matrix.T + 0.09 * np.eye(dofs)
        mean, covariance = kalman(mean, covariance, h, observation.values, noise)
    deviation = np.sqrt(np.diag(covariance))
    of_mean = (last.analysis.mean(axis=0) - mean) / deviation
    of_covariance = (np.cov(last.analysis.T) - covariance) / np.outer(deviation, deviation)
    return np.sqrt(np.mean(of_mean**2)), np.sqrt(np.mean(of_covariance**2))


@pytest.mark.parametrize("kind", ["enkf", "etkf", "letkf"])
def test_with_many_members_all_filters_converge_to_the_kalman_filter(kind):
    few, many = (np.mean([linear_run(kind, members, seed) for seed in range(4)], axis=0) for members in (40, 1000))
    assert np.all(many < 0.06)  # sampling errors of mean and covariance are 1 to 2 / sqrt(1000)
    assert np.all(few / many > 2.5)  # sqrt(25) but for the scatter of four runs


@pytest.mark.parametrize("named", [{}, {"inflation": 1.1, "rotation": True, "relax_spread": 0.3}], ids=["plain", "with all"])
def test_the_letkf_that_sees_everything_is_the_etkf(named):
    rng = np.random.default_rng([1])
    ensemble = rng.standard_normal((9, 20))
    for observation in (Observation(every(2, 20), rng.standard_normal(10), 0.5), Observation(every(3, 20), rng.standard_normal(7), 0.5)):
        both = [analyse(ensemble, observation, method(kind, 20, **named)) for kind in ("etkf", "letkf")]
        assert both[0] == pytest.approx(both[1], abs=1e-13)  # round-off of sums of 20


def test_what_is_far_from_all_observations_stays_as_it_was():
    ensemble = np.random.default_rng([4]).standard_normal((6, 30))
    analysis = analyse(ensemble, Observation(Subset(np.array([5]), 30), np.ones(1), 0.1), method("letkf", 30, radius=2.0))
    assert np.array_equal(analysis[:, 10:], ensemble[:, 10:])
    assert np.array_equal(analysis[:, :2], ensemble[:, :2])
    assert np.all(analysis[:, 2:9] != ensemble[:, 2:9])


def test_variables_of_one_cell_share_its_domain():
    rng = np.random.default_rng([8])
    places = rng.random((12, 2))
    ensemble = rng.standard_normal((7, 36))
    observation = Observation(Subset(np.arange(0, 36, 3), 36, np.repeat(places, 3, axis=0)), rng.standard_normal(12), 0.3)
    cells = analyse(ensemble, observation, Method("letkf", Localisation(places, 0.2)))
    dofs = analyse(ensemble, observation, Method("letkf", Localisation(np.repeat(places, 3, axis=0), 0.2)))
    assert cells == pytest.approx(dofs, abs=1e-13)


@pytest.mark.parametrize("kind", ["enkf", "etkf", "letkf"])
def test_a_value_that_is_nan_is_as_one_that_is_absent(kind):
    rng = np.random.default_rng([6])
    ensemble = rng.standard_normal((8, 24))
    values = rng.standard_normal(24)
    noise = 0.2 + rng.random(24)
    absent = rng.random(24) < 0.5
    with_nan = Observation(every(1, 24), np.where(absent, np.nan, values), noise)
    without = Observation(Subset(np.flatnonzero(~absent), 24), values[~absent], noise[~absent])
    one = method(kind, 24, radius=3.0, seed=1)
    assert np.array_equal(analyse(ensemble, with_nan, one), analyse(ensemble, without, one))


def test_where_nothing_was_observed_the_forecast_stays():
    ensemble = np.random.default_rng([6]).standard_normal((8, 24))
    blank = Observation(every(1, 24), np.full(24, np.nan), 1.0)
    for kind in ("enkf", "etkf", "letkf"):
        assert np.array_equal(analyse(ensemble, blank, method(kind, 24, inflation=1.2, rotation=True)), ensemble)


@pytest.mark.parametrize("members", [2, 3, 24])
def test_a_rotation_keeps_the_mean_and_the_covariance(members):
    turn = rotation(members, 3, 14)
    assert turn @ turn.T == pytest.approx(np.eye(members), abs=1e-14)
    assert turn @ np.ones(members) == pytest.approx(np.ones(members), abs=1e-14)
    assert turn.T @ np.ones(members) == pytest.approx(np.ones(members), abs=1e-14)
    assert np.abs(rotation(members, 3, 15) - turn).max() > 1e-3 or members == 2  # two members can only stay or swap
    ensemble, observation = problem(6, 5, 4)
    plain, turned = (analyse(ensemble, observation, Method("etkf", rotation=on)) for on in (False, True))
    assert turned.mean(axis=0) == pytest.approx(plain.mean(axis=0), abs=1e-12)
    assert np.cov(turned.T) == pytest.approx(np.cov(plain.T), abs=1e-12)


@pytest.mark.parametrize("kind", ["enkf", "etkf", "letkf"])
def test_a_seed_gives_the_same_bits_again_and_another_gives_others(kind):
    ensemble, observation = problem(6, 5, 4)
    one, again, other = (analyse(ensemble, observation, method(kind, 5, seed=s, rotation=True), 7) for s in (1, 1, 2))
    assert np.array_equal(one, again)
    assert np.abs(one - other).max() > 1e-3


def test_spread_is_given_back_as_asked():
    ensemble, observation = problem(20, 5, 4)
    analysis = analyse(ensemble, observation, Method())

    def perturbations(**named):
        found = analyse(ensemble, observation, Method(**named))
        assert found.mean(axis=0) == pytest.approx(analysis.mean(axis=0), abs=1e-12)
        return found - found.mean(axis=0)

    before, after = ensemble - ensemble.mean(axis=0), perturbations()
    assert perturbations(inflation=1.3) == pytest.approx(1.3 * after, abs=1e-12)
    assert perturbations(relax_perturbations=1.0) == pytest.approx(before, abs=1e-12)
    assert perturbations(relax_perturbations=0.25) == pytest.approx(0.75 * after + 0.25 * before, abs=1e-12)
    for share in (0.3, 1.0):
        spread = perturbations(relax_spread=share).std(axis=0)
        assert spread == pytest.approx((1.0 - share) * after.std(axis=0) + share * before.std(axis=0), abs=1e-12)


def many_places(period):
    rng = np.random.default_rng([21])
    places = rng.random((400, 2)) * [6.0, 3.0]
    ensemble = rng.standard_normal((10, 800))
    observation = Observation(Subset(np.arange(0, 800, 4), 800, np.repeat(places, 2, axis=0)), rng.standard_normal(200), 0.4)
    one = Method("letkf", Localisation(places, 0.35, period))
    return ensemble, observation, one


@pytest.mark.parametrize("period", [None, (6.0, 0.0)], ids=["open", "channel"])
def test_blocks_of_local_domains_give_the_same_bits_as_the_whole(period, monkeypatch):
    asked = many_places(period)
    whole = analyse(*asked)
    monkeypatch.setattr(letkf, "BLOCK_BYTES", 8 * 10 * 2 * 33)
    assert np.array_equal(analyse(*asked), whole)


def test_blocks_of_local_domains_give_the_same_bits_with_dask(monkeypatch):
    asked = many_places((6.0, 0.0))
    whole = analyse(*asked)
    monkeypatch.setattr(letkf, "BLOCK_BYTES", 8 * 10 * 2 * 33)
    sent = {"processes": False, "protocol": "tcp"}  # blocks are copied to the workers as to processes
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, **sent) as cluster, Client(cluster) as dask:
        assert np.array_equal(analyse(*asked, client=dask), whole)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Method("enkg"), "no filter 'enkg'"),
        (lambda: Method("letkf"), "needs a localisation"),
        (lambda: Method("etkf", ring(5, 1.0)), "has no localisation"),
        (lambda: Method(inflation=0.0), "inflation 0"),
        (lambda: Method(relax_spread=1.5), "relax_spread 1.5"),
        (lambda: Method(seed=-1), "seed -1"),
        (lambda: analyse(np.zeros((3, 8)), Observation(Fourier(np.array([1]), 8), np.zeros(2), 1.0), method("letkf", 8, 2.0)), "no places"),
    ],
)
def test_a_bad_method_is_refused_in_one_line(make, words):
    with pytest.raises(InputError, match=words) as error:
        make()
    assert "\n" not in str(error.value)
