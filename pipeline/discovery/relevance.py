"""Sparse Bayesian regression: the relevance vector machine, by fast maximisation of the marginal likelihood.

    target = columns w + noise,    noise ~ N(0, s^2),    w_j ~ N(0, 1 / a_j)

M. E. Tipping, J. Mach. Learn. Res. 1 (2001) 211-244: eqs. (11)-(12) the posterior, (15) the marginal likelihood, (18) the noise;
M. E. Tipping, A. C. Faul, Proc. 9th Int. Workshop Artif. Intell. Stat. (2003): eqs. (17)-(19) the gain of one column, (20)-(21) its
best a_j. Correlated noise is whitened by the caller or by `whitened`.

All works on the triangle R of a QR factorisation of the scaled columns, never on products of them: what is left of a fit to 12 digits
keeps its own digits. Columns are divided by their norms, so that their units do not matter.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cholesky, qr, solve_triangular
from scipy.special import ndtri

from pipeline.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

MOST_ACTIONS = 1000  # columns taken in, taken out or re-weighted; tens are usual
LEAST_GAIN = 1e-6  # of log evidence, for which a column is taken in or out
SETTLED = 1e-3  # change of log a_j and of the noise's logarithm that ends the search: a posterior mean hardly depends on either
ROUND_OFF = 1e-15  # of the target's norm: no noise is smaller


@dataclass(frozen=True, slots=True)
class Problem:
    """A regression reduced to its triangle; N samples, J columns."""

    triangle: Array  # (J, J), upper; its columns have norm 1
    target: Array  # (J,), the target's part in the space of the columns
    left: float  # norm of the target's part outside
    samples: int
    scales: Array  # (J,), norms of the columns


@dataclass(frozen=True, slots=True)
class Fit:
    """What the regression found; A columns are kept."""

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


def whitened(columns: Array, target: Array, covariance: Array) -> tuple[Array, Array]:
    """Columns (N, J) and target (N,) whose noise has the covariance (N, N), as ones whose noise is independent, of deviation 1."""
    factor = cholesky(covariance, lower=True)
    both = solve_triangular(factor, np.column_stack([columns, target]), lower=True)
    return both[:, :-1], both[:, -1]


def reduce(columns: Array, target: Array, names: tuple[str, ...]) -> Problem:
    """The `Problem` of columns (N, J) and target (N,).

    Raises
    ------
    InputError
        Fewer samples than columns and one more, a column that is zero everywhere, or collinear ones: says which.
    """
    samples, many = columns.shape
    if samples < many + 1:
        raise InputError(f"{samples} samples are too few for {many} candidates: {many + 1 - samples} more are needed")
    scales = np.linalg.norm(columns, axis=0)
    if not scales.all():
        raise InputError(f"the candidate {names[int(np.argmin(scales))]} is zero in every sample: leave it out")
    factor = np.asarray(qr(np.column_stack([columns / scales, target]), mode="r", check_finite=False)[0])[: many + 1]
    _refuse_collinear(factor[:many, :many], names)
    return Problem(factor[:many, :many], factor[:many, many], abs(float(factor[many, many])), samples, scales)


def _refuse_collinear(triangle: Array, names: tuple[str, ...]) -> None:
    """Refuse columns of which one is a sum of others to round-off: those of the smallest singular vector."""
    _, singular, rows = np.linalg.svd(triangle)
    if singular[-1] > len(triangle) * np.finfo(float).eps * singular[0] * 100.0:
        return
    share = np.abs(rows[-1])
    involved = [names[j] for j in np.argsort(-share) if share[j] > 0.05 * share.max()]
    raise InputError(
        f"the candidates {', '.join(involved)} are collinear on these data (condition {singular[0] / max(singular[-1], 1e-300):.1e}): "
        "leave one out, or bring states that tell them apart"
    )


def threshold(candidates: int, chance: float) -> float:
    """Signal over deviation that none of ``candidates`` columns of pure noise exceeds, but with probability ``chance`` (Bonferroni)."""
    return float(-ndtri(0.5 * chance / candidates))


def fit(problem: Problem, *, noise: float | None, chance: float) -> Fit:
    """The sparse regression: the columns whose posterior stands out of its own deviation.

    Parameters
    ----------
    noise : the noise's deviation s; None where it is not known: then it is estimated with the rest.
    chance : probability of taking in any column of pure noise, which sets the `threshold`.
    """
    search = _Search(problem, noise)
    search.run(frozenset())
    least = threshold(len(problem.scales), chance)
    pruned: frozenset[int] = frozenset()
    while True:
        found = search.fit()
        if not found.kept or found.signal.min() >= least:
            return found
        pruned |= {found.kept[int(np.argmin(found.signal))]}
        search = _Search(problem, noise)
        search.run(pruned)


def refit(problem: Problem, kept: list[int], noise: float) -> Fit:
    """The fit of just these columns, each with its best a_j."""
    search = _Search(problem, noise)
    search.hold(kept)
    return search.fit()


def cramer_rao(problem: Problem, kept: list[int], noise: float) -> Array:
    """The least standard deviation (A,) that an unbiased estimate of the coefficients ``kept``, and no others, can have."""
    columns = problem.triangle[:, kept] * problem.scales[kept]
    inverse = np.linalg.inv(np.linalg.qr(columns, mode="r"))
    return np.asarray(noise * np.linalg.norm(inverse, axis=1))


def log_evidence(problem: Problem, kept: tuple[int, ...], precision: Array, noise: float) -> float:
    """Log marginal likelihood (Tipping 2001, eq. 15) of the columns ``kept`` with ``precision`` a_j (of the columns as given)."""
    return _Posterior(problem, list(kept), precision / problem.scales[list(kept)] ** 2, noise).evidence()


def runner_up(problem: Problem, found: Fit) -> tuple[tuple[int, ...], float]:
    """The best set of columns that lacks one of those found, with or without another in its place, and its log evidence.

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
    """The posterior of some columns with given a_j, in the units of the triangle."""

    def __init__(self, problem: Problem, kept: list[int], precision: Array, noise: float) -> None:
        self.problem, self.kept, self.precision, self.noise = problem, kept, precision, noise
        self._columns = problem.triangle[:, kept]
        tall = np.vstack([self._columns / noise, np.diag(np.sqrt(precision))])
        self._q, self._r = np.linalg.qr(tall)
        self._top = self._q[: len(problem.target)]
        self.mean = solve_triangular(self._r, self._top.T @ (problem.target / noise)) if kept else np.zeros(0)

    def covariance(self) -> Array:
        inverse = solve_triangular(self._r, np.eye(len(self.kept))) if self.kept else np.zeros((0, 0))
        return np.asarray(inverse @ inverse.T)

    def sums(self) -> tuple[Array, Array]:
        """S and Q (J,) of all columns (Tipping and Faul 2003, eq. 19's capitals): column' C^-1 column, column' C^-1 target."""
        triangle, target = self.problem.triangle, self.problem.target
        rest = triangle - self._top @ (self._top.T @ triangle)
        missed = target - self._top @ (self._top.T @ target)
        return np.einsum("ij,ij->j", triangle, rest) / self.noise**2, triangle.T @ missed / self.noise**2

    def misfit(self) -> float:
        """Square of what the mean leaves of the target."""
        rest = self.problem.target - self._columns @ self.mean
        return float(rest @ rest) + self.problem.left**2

    def evidence(self) -> float:
        logdet = 2.0 * (self.problem.samples * math.log(self.noise) + np.log(np.abs(np.diag(self._r))).sum())
        logdet -= float(np.log(self.precision).sum())
        quadratic = self.misfit() / self.noise**2 + float(self.precision @ self.mean**2)
        return -0.5 * (self.problem.samples * math.log(2.0 * math.pi) + logdet + quadratic)


class _Search:
    """The columns taken in so far and their a_j: one action a step, the one that gains most."""

    def __init__(self, problem: Problem, noise: float | None) -> None:
        self.problem, self.known = problem, noise
        size = math.hypot(float(np.linalg.norm(problem.target)), problem.left)
        self._floor = max(ROUND_OFF * size, 1e-300)
        free = problem.samples - len(problem.scales)
        self.noise = noise if noise is not None else max(problem.left / math.sqrt(free), self._floor)
        self._precision: dict[int, float] = {}

    def run(self, barred: frozenset[int]) -> None:
        """Take in, take out and re-weight columns, those ``barred`` left aside, until the evidence gains no more."""
        for _ in range(MOST_ACTIONS):
            now = self._posterior()
            s, q = self._sparsity(now)
            gain, best = self._gains(s, q)
            gain[list(barred)] = -math.inf
            j = int(np.argmax(gain))
            moved = 0.0 if self.known is not None else self._estimate_noise(now)
            if gain[j] <= LEAST_GAIN and moved <= SETTLED:
                return
            if gain[j] > LEAST_GAIN:
                if math.isinf(best[j]):
                    del self._precision[j]
                else:
                    self._precision[j] = float(best[j])

    def hold(self, kept: list[int]) -> None:
        """Keep just these columns, each with its best a_j."""
        self._precision = dict.fromkeys(kept, 1e-12 / self.noise**2)
        for _ in range(MOST_ACTIONS):
            s, q = self._sparsity(self._posterior())
            before = dict(self._precision)
            for j in kept:
                self._precision[j] = float(s[j] ** 2 / max(q[j] ** 2 - s[j], 1e-12 * s[j]))
            if all(abs(math.log(self._precision[j] / before[j])) < SETTLED for j in kept):
                return

    def trial(self, other: int) -> Fit:
        """The fit with one column more, where it has a best a_j at all."""
        s, q = self._sparsity(self._posterior())
        if q[other] ** 2 <= s[other]:
            return self.fit()
        search = _Search(self.problem, self.noise)
        search.hold([*self._precision, other])
        return search.fit()

    def fit(self) -> Fit:
        now, kept = self._posterior(), sorted(self._precision)
        scale = self.problem.scales[kept]
        covariance = now.covariance() / np.outer(scale, scale)
        return Fit(tuple(kept), now.mean / scale, covariance, now.precision * scale**2, self.noise, now.evidence())

    def _posterior(self) -> _Posterior:
        kept = sorted(self._precision)
        return _Posterior(self.problem, kept, np.array([self._precision[j] for j in kept]), self.noise)

    def _sparsity(self, now: _Posterior) -> tuple[Array, Array]:
        """The small s and q of all columns: S and Q with the column itself out (Tipping and Faul 2003, eq. 23).

        Those of a strong column that is in come from a posterior without it: a S / (a - S) would lose its digits.
        """
        s, q = now.sums()
        for j, a in self._precision.items():
            if a * self.noise**2 > 1e-8 and a - s[j] > 1e-6 * a:
                s[j], q[j] = a * s[j] / (a - s[j]), a * q[j] / (a - s[j])
                continue
            others = [i for i in now.kept if i != j]
            precision = np.array([self._precision[i] for i in others])
            alone_s, alone_q = _Posterior(self.problem, others, precision, self.noise).sums()
            s[j], q[j] = alone_s[j], alone_q[j]
        return np.maximum(s, 1e-300), q

    def _gains(self, s: Array, q: Array) -> tuple[Array, Array]:
        """What the best action with each column gains in log evidence, and the a_j it would have (infinite: out)."""
        in_it = q**2 > s
        best = np.where(in_it, s**2 / np.where(in_it, q**2 - s, 1.0), math.inf)
        gain = np.array([_part(a, s[j], q[j]) for j, a in enumerate(best)])
        for j, a in self._precision.items():
            settled = abs(math.log(best[j] / a)) < SETTLED
            gain[j] = 0.0 if settled else gain[j] - _part(a, s[j], q[j])
        return gain, best

    def _estimate_noise(self, now: _Posterior) -> float:
        """Tipping 2001, eq. (18); returns the change of its logarithm."""
        determined = sum(1.0 - a * v for a, v in zip(now.precision, np.diag(now.covariance()), strict=True))
        noise = max(math.sqrt(now.misfit() / (self.problem.samples - determined)), self._floor)
        change = abs(math.log(noise / self.noise))
        self.noise = noise
        return change


def _part(a: float, s: float, q: float) -> float:
    """The part of the log evidence that depends on one a_j (Tipping and Faul 2003, eq. 18)."""
    return 0.0 if math.isinf(a) else 0.5 * (math.log(a) - math.log(a + s) + q * q / (a + s))
