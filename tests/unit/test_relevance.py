"""The relevance vector machine: against the analytic marginal likelihood, and on data whose truth is known."""

import numpy as np
import pytest
from scipy.stats import binom, multivariate_normal, norm

from pipeline.core.errors import InputError
from pipeline.discovery.problem import cramer_rao, reduce, whitened
from pipeline.discovery.relevance import fit, log_evidence, refit, runner_up, threshold

MANY = 12
NAMES = tuple(f"c{j}" for j in range(MANY))
TRUE = {2: 0.8, 5: -0.3}


def data(seed, samples=200, noise=0.5):
    rng = np.random.default_rng([seed])
    columns = rng.normal(size=(samples, MANY)) @ (np.eye(MANY) + 0.3 * rng.normal(size=(MANY, MANY)))
    weights = np.zeros(MANY)
    weights[list(TRUE)] = list(TRUE.values())
    return columns, columns @ weights + noise * rng.normal(size=samples)


@pytest.mark.parametrize("noise", [None, 0.5], ids=["noise unknown", "noise known"])
def test_a_sparse_truth_is_found_and_its_posterior_covers_it(noise):
    covered, extra, repeats = 0, 0, 80
    for seed in range(repeats):
        found = fit(reduce(*data(seed), NAMES), noise=noise, chance=0.01)
        assert set(TRUE) <= set(found.kept)
        extra += len(found.kept) > len(TRUE)
        inside = np.abs(found.mean - [TRUE.get(j, 0.0) for j in found.kept]) < norm.ppf(0.95) * found.deviation
        covered += sum(inside[found.kept.index(j)] for j in TRUE)
    low, high = binom.ppf([1e-3, 1.0 - 1e-3], 2 * repeats, 0.9)
    assert low <= covered <= high
    assert extra <= binom.ppf(0.999, repeats, 0.01)  # `chance` bounds how often a column of noise gets in


def test_the_evidence_is_the_analytic_log_marginal_likelihood():
    columns, target = data(1)
    problem = reduce(columns, target, NAMES)
    kept, precision, noise = (0, 2, 5), np.array([3.0, 0.7, 40.0]), 0.6
    some = columns[:, kept]
    covariance = noise**2 * np.eye(len(target)) + some @ np.diag(1.0 / precision) @ some.T
    exact = multivariate_normal(np.zeros(len(target)), covariance).logpdf(target)
    assert log_evidence(problem, kept, precision, noise) == pytest.approx(exact, rel=1e-10)


def test_no_other_weighting_of_a_column_has_more_evidence():
    problem = reduce(*data(2), NAMES)
    found = fit(problem, noise=0.5, chance=1e-3)
    assert log_evidence(problem, found.kept, found.precision, found.noise) == pytest.approx(found.evidence, rel=1e-12)
    for place in range(len(found.kept)):
        for factor in (0.5, 2.0):
            other = found.precision.copy()
            other[place] *= factor
            assert log_evidence(problem, found.kept, other, found.noise) < found.evidence


@pytest.mark.parametrize("seed", range(10, 20))
def test_a_search_that_went_on_after_pruning_is_where_one_of_the_kept_columns_alone_ends(seed):
    """Both end where no log a_j moves by more than 1e-3: the evidence, flat there, is the same to the square of that."""
    problem = reduce(*data(seed), NAMES)
    found = fit(problem, noise=0.5, chance=1e-3)
    alone = refit(problem, list(found.kept), 0.5)
    assert found.evidence == pytest.approx(alone.evidence, abs=1e-5)
    assert found.mean == pytest.approx(alone.mean, abs=1e-3 * found.deviation.min())


def test_the_posterior_is_that_of_the_normal_equations():
    columns, target = data(3)
    found = fit(reduce(columns, target, NAMES), noise=0.5, chance=1e-3)
    some = columns[:, found.kept]
    covariance = np.linalg.inv(some.T @ some / 0.25 + np.diag(found.precision))
    assert found.covariance == pytest.approx(covariance, rel=1e-9)
    assert found.mean == pytest.approx(covariance @ some.T @ target / 0.25, rel=1e-9)


@pytest.mark.parametrize("noise", [None, 0.5])
def test_the_units_of_a_column_do_not_matter(noise):
    columns, target = data(4)
    units = 10.0 ** np.linspace(-9.0, 9.0, MANY)
    one, other = (fit(reduce(c, target, NAMES), noise=noise, chance=1e-3) for c in (columns, columns * units))
    assert one.kept == other.kept
    assert other.mean * units[list(one.kept)] == pytest.approx(one.mean, rel=1e-9)
    assert other.evidence == pytest.approx(one.evidence, rel=1e-9)


def test_a_signal_of_twelve_digits_keeps_them():
    columns, target = data(5, noise=1e-12)
    found = fit(reduce(columns, target, NAMES), noise=None, chance=1e-3)
    assert dict(zip(found.kept, found.mean, strict=True)) == pytest.approx(TRUE, rel=1e-11)
    assert 0.5e-12 < found.noise < 2e-12


def test_correlated_noise_is_whitened():
    rng = np.random.default_rng([6])
    samples = 120
    covariance = 0.25 * 0.8 ** np.abs(np.subtract.outer(np.arange(samples), np.arange(samples)))
    columns, _ = data(6, samples)
    white, target = whitened(columns, np.linalg.cholesky(covariance) @ rng.normal(size=samples), covariance)
    best = np.linalg.inv(columns.T @ np.linalg.inv(covariance) @ columns)
    assert cramer_rao(reduce(white, target, NAMES), list(range(MANY)), 1.0) == pytest.approx(np.sqrt(np.diag(best)), rel=1e-9)
    assert np.mean(target**2) == pytest.approx(1.0, abs=5.0 * np.sqrt(2.0 / samples))  # five deviations of a mean square


def test_the_runner_up_lacks_a_true_column_and_is_behind():
    problem = reduce(*data(7), NAMES)
    found = fit(problem, noise=0.5, chance=1e-3)
    second, evidence = runner_up(problem, found)
    assert not set(TRUE) <= set(second)
    assert evidence < found.evidence - 5.0
    assert evidence >= refit(problem, [2], 0.5).evidence


def test_where_there_is_nothing_nothing_is_found():
    rng = np.random.default_rng([8])
    found = [fit(reduce(data(s)[0], rng.normal(size=200), NAMES), noise=None, chance=1e-3) for s in range(40)]
    assert sum(len(f.kept) > 0 for f in found) <= binom.ppf(0.999, 40, 1e-3)


def test_the_threshold_is_bonferronis():
    assert 12 * 2.0 * norm.sf(threshold(12, 1e-3)) == pytest.approx(1e-3)


def test_collinear_columns_are_named():
    columns, target = data(9)
    columns[:, 4] = 2.0 * columns[:, 1] - columns[:, 8]
    with pytest.raises(InputError, match=r"candidates (c1|c4|c8), (c1|c4|c8), (c1|c4|c8) are collinear"):
        reduce(columns, target, NAMES)


def test_too_few_samples_say_how_many_more():
    columns, target = data(10)
    with pytest.raises(InputError, match="9 samples are too few for 12 candidates: 4 more are needed"):
        reduce(columns[:9], target[:9], NAMES)


def test_a_column_of_zeros_is_named():
    columns, target = data(11)
    columns[:, 3] = 0.0
    with pytest.raises(InputError, match="the candidate c3 is zero in every sample"):
        reduce(columns, target, NAMES)
