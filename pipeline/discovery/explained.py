"""Whether the residual at the loop's fixed point is noise: its own distribution decides, and no limit set by hand.

Of noise that is known, the whitened remains are independent numbers of deviation 1. Their mean square is then 1 to within its own
scatter; and so are, wave by wave, their mean (0) and mean square, and the products of one state's with the next one's: a term that the
library lacks, such as a source that stands still, is seen there long before it is seen in the sum. Without noise what remains must be no
more than the states' own accuracy.
"""

import math
from typing import Any

import numpy as np
from scipy.special import chdtrc, ndtr, stdtr

from pipeline.discovery.problem import Linear

Array = np.ndarray[Any, np.dtype[Any]]

UNLIKELY = 5.0  # deviations that are no chance
FEWEST = 10  # numbers that show a course in time
CHANCE = float(2.0 * ndtr(-UNLIKELY))  # of all the tests of a result together


def most(samples: int) -> float:
    """The mean square of as many normal numbers of deviation 1 that chance does not exceed."""
    return 1.0 + UNLIKELY * math.sqrt(2.0 / samples)


def unexplained(linear: Linear) -> str:
    """The reason why the residual can't be noise, in words; empty where it can."""
    if linear.misfit > most(len(linear.target)):
        return f"what remains is {math.sqrt(linear.misfit):.3g} times {_noise(linear)}"
    return _structure(linear.target, linear.kinds) if linear.noise_known and linear.kinds is not None else ""


def _noise(linear: Linear) -> str:
    return "the noise that was given" if linear.noise_known else "the states' own accuracy"


def _structure(target: Array, kinds: Array) -> str:
    """Structure of the residuals (N,) that independent numbers lack, kind by kind, in words; empty where there is none."""
    numbers = [target[kinds == kind] for kind in np.unique(kinds)]
    tests = {
        "a mean that is not zero": [2.0 * ndtr(-abs(float(n.sum())) / math.sqrt(len(n))) for n in numbers],
        "more than the noise": [chdtrc(len(n), float(n @ n)) for n in numbers],
        "a course in time": [_by_chance(n[:-1], n[1:]) for n in numbers],
    }
    many = sum(map(len, tests.values()))
    for what, chances in tests.items():
        if min(chances) * many < CHANCE:
            return f"what remains has {what} in wave {(int(np.argmin(chances)) + 1) // 2}, where noise has none"
    return ""


def _by_chance(one: Array, other: Array) -> float:
    """The chance that normal numbers (n,) about 0 are as much correlated (Student's distribution)."""
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    if len(one) < FEWEST or not size:
        return 1.0
    correlation = min(abs(float(one @ other)) / size, 1.0 - 1e-12)
    return float(2.0 * stdtr(len(one) - 1, -correlation * math.sqrt((len(one) - 1) / (1.0 - correlation**2))))
