"""The filter with sensitivities and its smoother, beside one dense solve of the whole linear problem."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from pipeline.discovery.filtering import Window, backward, forward

MANY, N, J = 7, 3, 2


def window(seed, linked):
    rng = np.random.default_rng([seed])

    def spd(*shape):
        a = rng.normal(size=(*shape, N, N))
        return a @ a.swapaxes(-1, -2) + 0.5 * np.eye(N)

    normal = rng.normal
    return Window(
        observed=normal(size=(MANY, N)),
        guess=normal(size=(MANY, N)),
        forecast=normal(size=(MANY - 1, N)),
        propagator=0.7 * normal(size=(MANY - 1, N, N)),
        response=normal(size=(MANY - 1, N, J)),
        linked=np.array(linked),
        noise=spd(MANY),
        centre=normal(size=(MANY, N)),
        prior=spd(),
        model_noise=0.1 * spd(),
    )


def dense(w, change):
    """Mean and covariance (M n) of the deviations before the observations, for the change."""
    mean, covariance = np.zeros((MANY, N)), np.zeros((MANY, N, MANY, N))
    mean[0], covariance[0, :, 0] = w.centre[0], w.prior
    for k in range(MANY - 1):
        if w.linked[k]:
            a = w.propagator[k]
            mean[k + 1] = a @ mean[k] + w.forecast[k] - w.guess[k + 1] + w.response[k] @ change
            cross = np.einsum("ij,jmn->imn", a, covariance[k, :, : k + 1])
            covariance[k + 1, :, : k + 1] = cross
            covariance[: k + 1, :, k + 1] = cross.transpose(1, 2, 0)
            covariance[k + 1, :, k + 1] = a @ covariance[k, :, k] @ a.T + w.model_noise
        else:
            mean[k + 1], covariance[k + 1, :, k + 1] = w.centre[k + 1], w.prior
    return mean.ravel(), covariance.reshape(MANY * N, MANY * N)


def noise(w):
    whole = np.zeros((MANY, N, MANY, N))
    for k in range(MANY):
        whole[k, :, k] = w.noise[k]
    return whole.reshape(MANY * N, MANY * N)


@pytest.mark.parametrize("linked", [[True] * 6, [True, True, False, True, False, False]], ids=["one", "several"])
@pytest.mark.parametrize("seed", [1, 2])
def test_innovations_have_the_likelihood_of_all_observations(linked, seed):
    w = window(seed, linked)
    found = forward(w)
    logdet = 2.0 * np.log(np.diagonal(found.factor, axis1=1, axis2=2)).sum()
    for change in (np.zeros(J), np.array([0.4, -1.3])):
        mean, covariance = dense(w, change)
        exact = multivariate_normal(mean, covariance + noise(w)).logpdf((w.observed - w.guess).ravel())
        rest = found.target - found.columns @ change
        assert -0.5 * ((rest**2).sum() + logdet + MANY * N * np.log(2.0 * np.pi)) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("linked", [[True] * 6, [True, True, False, True, False, False]], ids=["one", "several"])
def test_smoothed_deviations_are_the_posterior_mean(linked):
    w = window(3, linked)
    change = np.array([0.4, -1.3])
    mean, covariance = dense(w, change)
    misfit = (w.observed - w.guess).ravel() - mean
    exact = mean + covariance @ np.linalg.solve(covariance + noise(w), misfit)
    assert backward(w, forward(w), change).ravel() == pytest.approx(exact, rel=1e-8, abs=1e-9)
