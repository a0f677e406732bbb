"""Valid time of forecasts: a model beside the corrected model, on states that neither was fitted to.

At the valid-prediction time the root mean square error first exceeds 0.4 of the states' deviation: J. Pathak, A. Wikner,
R. Fussell, S. Chandra, B. R. Hunt, M. Girvan, E. Ott, Chaos 28 (2018) 041101, DOI 10.1063/1.5028373.
"""

# B starts, T leads

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

LOST = 0.4  # of the states' deviation
SOURCE = "Pathak et al. 2018, DOI 10.1063/1.5028373"


@dataclass(frozen=True, slots=True)
class Course:
    """Forecasts from several states beside the later states."""

    states: Array  # (T, B, *points)
    error: Array  # (T, B), root mean square over the observed points, over the states' deviation; infinite where it blew up
    valid: Array  # (B,), valid-prediction times
    lost: Array  # (B,), whether the error exceeded LOST at all


def course(forecast: Callable[[Array, float], Array], begin: Array, leads: Array, exact: Array, deviation: float) -> Course:
    """Forecasts of ``begin`` (B, *points) at ``leads`` (T,), the first 0, beside ``exact`` (T, B, *points), nan where not observed."""
    found = [begin]
    axes = tuple(range(2, exact.ndim))
    with np.errstate(all="ignore"):
        for gap in np.diff(leads):
            found.append(forecast(found[-1], float(gap)))
        states = np.stack(found)
        states[~np.isfinite(states)] = np.inf
        error = np.sqrt(np.nanmean((states - exact) ** 2, axis=axes)) / deviation
    over = error > LOST
    lost = over.any(axis=0)
    return Course(states, error, np.where(lost, leads[np.argmax(over, axis=0)], leads[-1]), lost)
