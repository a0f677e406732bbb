"""The growth that an equation allows a state: a run that grows more has too large a step.

With E the mean of u^2 over the period, dE/dt is 2 <u L u> for the linear terms L, and 2 <u N> for the others. Terms of N that give no
energy are known by their form: u^p u_x times u is a derivative, and terms that times u are never positive take energy away. Where all
are of these forms, sqrt(E) grows at most at the rate <u L u> / E, and at most as fast as a constant drives it. Over a step that rate is
taken to be the larger of its values at the two ends: exact for linear equations, whose rate never falls, and second order in the step
for others.
"""

# M members

import math
from typing import Any

import numpy as np

from solvers.ks import kernels

Array = np.ndarray[Any, np.dtype[Any]]

MARGIN = 1.25  # on sqrt(E): crude but bounded runs went up to 1.18 times what is allowed, runs without bound beyond 1e6 within steps
FUNCTION = 1e3  # that a function such as cos(x) may be
ANYWAY = 1e6  # where there are terms of which nothing is known


class Growth:
    """Follows sqrt(E) of each member, and the part of its growth that the equation explains.

    Parameters
    ----------
    feeds : whether a term that is not linear may give energy, by its form (`pipeline.terms.terms.Term.feeds`).
    constant : sum of the terms that are one.
    functions : sum of the coefficients' sizes of terms with a function.
    """

    def __init__(self, *, feeds: bool, constant: float, functions: float) -> None:
        self._margin = ANYWAY if feeds else MARGIN
        self._constant = abs(constant) + FUNCTION * functions
        self._allowed = self._rates = self._sizes = np.zeros(0)

    def begin(self, sums: Array) -> None:
        """Start from a state: ``sums`` (M, 2), E and <u L u>."""
        self._allowed, self._rates, self._sizes = np.sqrt(sums[:, 0]), np.full(len(sums), -np.inf), np.empty(len(sums))

    def holds(self, sums: Array, since: float) -> bool:
        """Whether all members are as small as the terms allow, ``since`` [time] after the last call; false where any is not finite."""
        return bool(kernels.grown(sums, since, self._constant, self._margin, self._allowed, self._rates, self._sizes))

    def first(self) -> tuple[int, float] | None:
        """The first member that grew too much, and its size over the allowed; None where there is none."""
        bad = np.flatnonzero(~(self._sizes <= self._margin * self._allowed))
        if not len(bad):
            return None
        size, allowed = float(self._sizes[bad[0]]), float(self._allowed[bad[0]])
        return int(bad[0]), size / allowed if allowed > 0.0 else math.inf
