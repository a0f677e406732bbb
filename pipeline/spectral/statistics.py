"""Statistics of chaotic fields: distribution, Lyapunov exponents; spectra are in `pipeline.spectral.shells`. Arrays in, arrays out."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

BATCHES = 20  # whose means tell how uncertain a mean is
SHIFT = 1e-7  # size of the disturbances that stand for tangent vectors: their own growth bends them by about as much


def distribution(u: Array, bins: int = 80, reach: float = 5.0) -> tuple[Array, Array]:
    """Probability density (bins,) of ``u``, less its mean and over its standard deviation, at values (bins,) from -reach to reach."""
    scaled = (u - u.mean()) / u.std()
    counts, edges = np.histogram(scaled, bins, (-reach, reach))
    return 0.5 * (edges[1:] + edges[:-1]), counts / (scaled.size * np.diff(edges))


@dataclass(frozen=True, slots=True)
class Lyapunov:
    """The leading exponents, from the largest down, and their standard errors, both (count,) [1/time]."""

    exponents: Array
    errors: Array


def lyapunov(
    advance: Callable[[Array], Array], u: Array, count: int, *, interval: float, rounds: int, warm: int, seed: int = 0
) -> Lyapunov:
    """The ``count`` leading Lyapunov exponents of the flow ``advance`` from the state ``u`` (N,), by repeated QR factorisation.

    Disturbances of size `SHIFT` are carried along with the state and made orthonormal again after every ``interval`` of time, ``rounds``
    times after ``warm`` times that are not counted. Standard errors are from the means of `BATCHES` batches.

    Source: G. Benettin, L. Galgani, A. Giorgilli, J.-M. Strelcyn, Meccanica 15 (1980) 9-20, DOI 10.1007/BF02128236.

    Parameters
    ----------
    advance
        Takes states (1 + count, N) one ``interval`` on.
    """
    directions = np.linalg.qr(np.random.default_rng([seed]).standard_normal((u.size, count)))[0]
    growth = np.empty((rounds, count))
    for turn in range(-warm, rounds):
        states = advance(np.concatenate([u[None], u + SHIFT * directions.T]))
        u = states[0]
        directions, r = np.linalg.qr((states[1:] - u).T / SHIFT)
        if turn >= 0:
            growth[turn] = np.log(np.abs(np.diag(r))) / interval
    means = np.stack([batch.mean(axis=0) for batch in np.array_split(growth, BATCHES)])
    return Lyapunov(growth.mean(axis=0), means.std(axis=0, ddof=1) / math.sqrt(BATCHES))


def kaplan_yorke(exponents: Array) -> float:
    """The Kaplan-Yorke dimension of an attractor with these ``exponents`` (from the largest down): nan where their sum stays positive.

    Source: J. L. Kaplan, J. A. Yorke, Lect. Notes Math. 730 (1979) 204-227, DOI 10.1007/BFb0064319.
    """
    sums = np.cumsum(exponents)
    if sums[-1] > 0.0:
        return math.nan
    above = int(np.argmax(sums < 0.0)) if (sums < 0.0).any() else len(sums)
    if above == 0 or above == len(sums):
        return float(above)
    return above + float(sums[above - 1] / abs(exponents[above]))
