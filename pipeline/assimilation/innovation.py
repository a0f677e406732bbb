"""Innovation statistics: do the stated noise and the ensemble's spread agree with the observations?

With o observed, b forecast and a analysed, all as the observations see them and over the stated noise's standard deviation:

    mean((o - a) (o - b))  estimates the true over the stated variance of the noise,
    mean((a - b) (o - b))  estimates the forecast's variance;

G. Desroziers, L. Berre, B. Chapnik, P. Poli, Q. J. R. Meteorol. Soc. 131 (2005) 3385-3396, DOI 10.1256/qj.05.108, eqs. (2)-(3). Both hold
where the filter's weights are right; of a wrong noise level they show the direction, and less than its size. The reduced chi-square
is mean((o - b)^2 / (spread^2 + 1)), 1 where noise and spread are right together: A. Talagrand's check of consistency (ECMWF Workshop
on diagnosis of data assimilation systems, 1999), value by value, so that few members and many observations do no harm.
"""

# C cycles, Q observed values of a cycle

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.assimilation.observe import Observation, see

Array = np.ndarray[Any, np.dtype[Any]]

CERTAIN = 4.0  # standard errors: a right noise level is called wrong once in 16,000 times, were the means normally distributed
MATTERS = 0.2  # of the variance: ensembles of ten or twenty members are off by as much themselves

log = logging.getLogger("wavetrain")


@dataclass(frozen=True, slots=True)
class Innovation:
    """The statistics of one analysis; nan where nothing was observed."""

    count: int  # Q
    noise: float  # true over stated variance of the noise, as estimated
    forecast: float  # variance of the forecast over that of the stated noise, as estimated
    spread: float  # the same, as the ensemble has it
    chi_square: float


def innovation(forecast: Array, analysis: Array, observation: Observation) -> Innovation:
    """`Innovation` of one cycle from the ensembles (M, dofs) before and after its analysis."""
    if not observation.present.any():
        return Innovation(0, np.nan, np.nan, np.nan, np.nan)
    before = see(forecast, observation)
    ob = before.innovation
    seen = observation.operator(analysis.mean(axis=0, keepdims=True))[0]
    oa = ((observation.values - seen) / observation.noise)[observation.present]
    variance = (before.perturbations**2).sum(axis=0) / (len(forecast) - 1.0)
    return Innovation(
        len(ob), float(np.mean(oa * ob)), float(np.mean((ob - oa) * ob)), float(variance.mean()), float(np.mean(ob**2 / (variance + 1.0)))
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Verdict of many cycles on the noise; standard errors come from the scatter from cycle to cycle."""

    noise: float  # estimated over stated standard deviation of the noise
    noise_error: float
    chi_square: float
    chi_square_error: float
    wrong: bool  # the stated noise level does not fit: it is wrong, or the filter has lost the truth

    def __str__(self) -> str:
        said = f"estimated / stated noise {self.noise:.3g} +- {self.noise_error:.2g}, reduced chi-square {self.chi_square:.3g}"
        return f"{said} +- {self.chi_square_error:.2g}"


def judge(cycles: Iterable[Innovation], skip: int = 0) -> Verdict:
    """`Verdict` on the cycles after the first ``skip``; warns in the log where the innovations do not fit the stated noise level.

    It is wrong where the variance is off by more than `MATTERS` and by more than `CERTAIN` standard errors. With fewer than two cycles
    that observed anything there is no error to compare with, and nothing is refuted.
    """
    seen = [c for c in list(cycles)[skip:] if c.count]
    weights = np.array([c.count for c in seen], float)
    variance, error = _mean(np.array([c.noise for c in seen]), weights)
    chi, chi_error = _mean(np.array([c.chi_square for c in seen]), weights)
    off = abs(variance - 1.0)
    wrong = bool(off > MATTERS and off > CERTAIN * error)  # false where there is no error to compare with
    deviation = float(np.sqrt(max(variance, 0.0)))
    verdict = Verdict(deviation, 0.5 * error / deviation if deviation > 0.0 else np.nan, chi, chi_error, wrong)
    if wrong:
        log.warning("the stated noise is wrong, or the filter has lost the truth: %s over %d cycles", verdict, len(seen))
    return verdict


def _mean(values: Array, weights: Array) -> tuple[float, float]:
    """Weighted mean and its standard error; nan where there is too little of either."""
    if not len(values):
        return np.nan, np.nan
    share = weights / weights.sum()
    mean = float(share @ values)
    if len(values) < 2:
        return mean, np.nan
    return mean, float(np.sqrt(np.sum((share * (values - mean)) ** 2) * len(values) / (len(values) - 1.0)))
