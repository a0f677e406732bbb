"""Sparse Bayesian regression: the relevance vector machine, by fast maximisation of the marginal likelihood.

    target = columns w + noise,    noise ~ N(0, s^2),    w_j ~ N(0, 1 / a_j)

M. E. Tipping, J. Mach. Learn. Res. 1 (2001) 211-244: eqs. (11)-(12) the posterior, (15) the marginal likelihood, (18) the noise;
M. E. Tipping, A. C. Faul, Proc. 9th Int. Workshop Artif. Intell. Stat. (2003): eqs. (17)-(19) the gain of one column, (20)-(21) its
best a_j. Correlated noise is whitened by the caller or by `problem.whitened`.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg.lapack import dtrtri, dtrtrs
from scipy.special import ndtri

from pipeline.discovery.problem import Problem

Array = np.ndarray[Any, np.dtype[Any]]

MOST_ACTIONS = 1000  # columns taken in, taken out or re-weighted; tens are usual
LEAST_GAIN = 1e-6  # of log evidence, for which a column is taken in or out
SETTLED = 1e-3  # change of log a_j and of the noise's logarithm that ends the search: a posterior mean hardly depends on either
ROUND_OFF = 1e-15  # of the target's norm: no noise is smaller


@dataclass(frozen=True, slots=True)
class Fit:
    """Result of the regression; A columns are kept."""

    kept: tuple[int, ...]  # places of the columns, in their order
    mean: Array  # (A,), posterior means
    covariance: Array  # (A, A)
    precision: Array  # (A,), the a_j
    noise: float  # standard deviation s
    evidence: float  # log marginal likelihood

    @property
    def deviation(self) -> Array:
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    @property
    def signal(self) -> Array:
        """Posterior mean over its standard deviation (A,)."""
        return np.asarray(np.abs(self.mean) / self.deviation)


def threshold(candidates: int, chance: float) -> float:
    """Signal over deviation that none of ``candidates`` columns of pure noise exceeds, but with probability ``chance`` (Bonferroni)."""
    return float(-ndtri(0.5 * chance / candidates))


def fit(problem: Problem, *, noise: float | None, chance: float) -> Fit:
    """The sparse regression: the columns whose posterior stands out of its own deviation.

    The column whose signal is least is pruned and the search goes on from the a_j of the others, until every signal is large enough.

    Parameters
    ----------
    noise
        The noise's deviation s; None where it is not known: then it is estimated with the rest.
    chance
        Probability of taking in any column of pure noise, which sets the `threshold`.
    """
    search = _Search(problem, noise)
    least = threshold(len(problem.scales), chance)
    while True:
        search.run()
        found = search.fit()
        if not found.kept or found.signal.min() >= least:
            return found
        search.bar(found.kept[int(np.argmin(found.signal))])


def refit(problem: Problem, kept: list[int], noise: float) -> Fit:
    """The fit of just these columns, each with its best a_j."""
    search = _Search(problem, noise)
    search.hold(kept)
    return search.fit()


def log_evidence(problem: Problem, kept: tuple[int, ...], precision: Array, noise: float) -> float:
    """Log marginal likelihood (Tipping 2001, eq. 15) of the columns ``kept`` with ``precision`` a_j (of the columns as given)."""
    places = np.array(kept, int)
    return _Posterior(problem, places, precision / problem.scales[places] ** 2, noise).evidence()


def runner_up(problem: Problem, found: Fit) -> tuple[tuple[int, ...], float]:
    """The best set of columns that lacks a column found, with or without another in its place, and its log evidence.

    A set with one more column is not compared: its posterior judges that column, and the evidence of a column that may be weighted to
    nothing is never less.
    """
    best: tuple[tuple[int, ...], float] = ((), -math.inf)
    for gone in found.kept:
        rest = [j for j in found.kept if j != gone]
        search = _Search(problem, found.noise)
        search.hold(rest)
        for other in [None, *(j for j in range(len(problem.scales)) if j not in found.kept)]:
            trial = search.fit() if other is None else search.trial(other)
            if trial.evidence > best[1]:
                best = (trial.kept, trial.evidence)
    return best


class _Posterior:
    """The posterior of given columns and a_j, in the units of the triangle."""

    def __init__(self, problem: Problem, kept: Array, precision: Array, noise: float) -> None:
        self.problem, self.precision, self.noise = problem, precision, noise
        self._columns = problem.triangle[:, kept]
        tall = np.vstack([self._columns / noise, np.diag(np.sqrt(precision))])
        q, self._r = np.linalg.qr(tall)
        self._top = q[: len(problem.target)]
        self.mean = dtrtrs(self._r, self._top.T @ (problem.target / noise))[0] if len(kept) else np.zeros(0)

    def covariance(self) -> Array:
        inverse = self._inverse()
        return np.asarray(inverse @ inverse.T)

    def variance(self) -> Array:
        """Diagonal of the covariance."""
        return np.asarray((self._inverse() ** 2).sum(axis=1))

    def sums(self) -> tuple[Array, Array]:
        """S and Q (J,) of all columns (Tipping and Faul 2003, eq. 19's capitals): column' C^-1 column, column' C^-1 target."""
        triangle, target = self.problem.triangle, self.problem.target
        rest = triangle - self._top @ (self._top.T @ triangle)
        missed = target - self._top @ (self._top.T @ target)
        return (triangle * rest).sum(axis=0) / self.noise**2, triangle.T @ missed / self.noise**2

    def misfit(self) -> float:
        """Sum of squares of the target less the mean's prediction."""
        rest = self.problem.target - self._columns @ self.mean
        return float(rest @ rest) + self.problem.left**2

    def evidence(self) -> float:
        logdet = 2.0 * (self.problem.samples * math.log(self.noise) + np.log(np.abs(np.diag(self._r))).sum())
        logdet -= float(np.log(self.precision).sum())
        quadratic = self.misfit() / self.noise**2 + float(self.precision @ self.mean**2)
        return -0.5 * (self.problem.samples * math.log(2.0 * math.pi) + logdet + quadratic)

    def _inverse(self) -> Array:
        return np.asarray(dtrtri(self._r)[0]) if len(self.mean) else np.zeros((0, 0))


class _Search:
    """The columns taken in so far and their a_j: a step is the action that gains most."""

    def __init__(self, problem: Problem, noise: float | None) -> None:
        self.problem, self.known = problem, noise
        size = math.hypot(float(np.linalg.norm(problem.target)), problem.left)
        self._floor = max(ROUND_OFF * size, 1e-300)
        free = problem.samples - len(problem.scales)
        self.noise = noise if noise is not None else max(problem.left / math.sqrt(free), self._floor)
        self._precision = np.full(len(problem.scales), math.inf)  # a_j; infinite: out
        self._barred = np.zeros(len(problem.scales), bool)

    def run(self) -> None:
        """Take in, take out and re-weight columns, all but the barred, until the evidence gains no more."""
        for _ in range(MOST_ACTIONS):
            now = self._posterior()
            s, q = self._sparsity(now)
            gain, best = self._gains(s, q)
            gain[self._barred] = -math.inf
            j = int(np.argmax(gain))
            moved = 0.0 if self.known is not None else self._estimate_noise(now)
            if gain[j] <= LEAST_GAIN and moved <= SETTLED:
                return
            if gain[j] > LEAST_GAIN:
                self._precision[j] = best[j]

    def bar(self, j: int) -> None:
        """Take the column out for good."""
        self._barred[j] = True
        self._precision[j] = math.inf

    def hold(self, kept: list[int]) -> None:
        """Keep just these columns, each with its best a_j."""
        self._precision[:] = math.inf
        self._precision[kept] = 1e-12 / self.noise**2
        for _ in range(MOST_ACTIONS):
            s, q = (both[kept] for both in self._sparsity(self._posterior()))
            best = s**2 / np.maximum(q**2 - s, 1e-12 * s)
            moved = np.abs(np.log(best / self._precision[kept]))
            self._precision[kept] = best
            if (moved < SETTLED).all():
                return

    def trial(self, other: int) -> Fit:
        """The fit with one column more, where it has a best a_j at all."""
        s, q = self._sparsity(self._posterior())
        if q[other] ** 2 <= s[other]:
            return self.fit()
        search = _Search(self.problem, self.noise)
        search.hold([*self._kept().tolist(), other])
        return search.fit()

    def fit(self) -> Fit:
        now, kept = self._posterior(), self._kept()
        scale = self.problem.scales[kept]
        covariance = now.covariance() / np.outer(scale, scale)
        return Fit(tuple(kept.tolist()), now.mean / scale, covariance, now.precision * scale**2, self.noise, now.evidence())

    def _kept(self) -> Array:
        return np.flatnonzero(np.isfinite(self._precision))

    def _posterior(self) -> _Posterior:
        kept = self._kept()
        return _Posterior(self.problem, kept, self._precision[kept], self.noise)

    def _sparsity(self, now: _Posterior) -> tuple[Array, Array]:
        """The small s and q of all columns: S and Q with the column itself out (Tipping and Faul 2003, eq. 23).

        a S / (a - S) loses its digits where s is large beside a. There they come from the column's posterior, whose variance is
        1 / (a + s) and whose mean is q / (a + s).
        """
        s, q = now.sums()
        kept, a, v = self._kept(), now.precision, now.variance()
        strong = a * v < 0.5  # s > a
        out = a / np.where(strong, a, a - s[kept])
        q[kept] = np.where(strong, now.mean / v, out * q[kept])
        s[kept] = np.where(strong, 1.0 / v - a, out * s[kept])
        return np.maximum(s, 1e-300), q

    def _gains(self, s: Array, q: Array) -> tuple[Array, Array]:
        """Gain in log evidence by the best action with each column, and the a_j it would have (infinite: out)."""
        in_it = q**2 > s
        best = np.where(in_it, s**2 / np.where(in_it, q**2 - s, 1.0), math.inf)
        gain = _part(best, s, q)
        kept = self._kept()
        settled = np.abs(np.log(best[kept] / self._precision[kept])) < SETTLED
        gain[kept] = np.where(settled, 0.0, gain[kept] - _part(self._precision[kept], s[kept], q[kept]))
        return gain, best

    def _estimate_noise(self, now: _Posterior) -> float:
        """Tipping 2001, eq. (18); returns the change of its logarithm."""
        determined = float((1.0 - now.precision * now.variance()).sum())
        noise = max(math.sqrt(now.misfit() / (self.problem.samples - determined)), self._floor)
        change = abs(math.log(noise / self.noise))
        self.noise = noise
        return change


def _part(a: Array, s: Array, q: Array) -> Array:
    """The part of the log evidence that depends on one a_j (Tipping and Faul 2003, eq. 18)."""
    return np.asarray(0.5 * (q * q / (a + s) - np.log1p(s / a)))
