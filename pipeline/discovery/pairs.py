"""Pairs of states a step D apart, taken as they are: for observations with little or no noise, in one or two dimensions.

The error samples (later - forecast) / D of R. Mojgani, A. Chattopadhyay, P. Hassanzadeh, Chaos 32 (2022) 061105,
DOI 10.1063/5.0091282. Their noise is the residual of the whole library, and at least the states' own round-off: a term whose
effect is smaller is not claimed. With noise on the states use `trajectory`.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.plugin import nearest
from pipeline.discovery.collinear import refuse_collinear, refuse_round_off, refuse_still, relative_error, shaken
from pipeline.discovery.derivatives import weak
from pipeline.discovery.library import FORMS, values
from pipeline.discovery.model import Forecast, forecasts, refuse_none_left, responses, whole
from pipeline.discovery.problem import Linear
from pipeline.terms.terms import Terms

Array = np.ndarray[Any, np.dtype[Any]]

ACCURACY = 1e-8  # of states from a converged run in double precision, relative to their deviation
COLUMNS = ("response", *FORMS)


@dataclass(frozen=True, slots=True)
class Pairs:
    """S pairs on one periodic grid; points of the later states that were not observed are nan.

    Raises
    ------
    InputError
        Shapes that differ, a step that is not positive, an earlier state that is not whole, unknown columns.
    """

    earlier: Array  # (S, *points)
    later: Array  # (S, *points)
    step: float  # D
    lengths: tuple[float, ...]
    forecast: Forecast = field(repr=False)
    columns: str = "response"  # or the terms themselves between both states: "spectral", "difference", "weak"
    accuracy: float = ACCURACY  # of the states, relative to their deviation

    def __post_init__(self) -> None:
        if self.earlier.shape != self.later.shape or self.earlier.ndim != 1 + len(self.lengths):
            raise InputError(
                f"earlier states {self.earlier.shape} and later ones {self.later.shape} are no pairs on a grid of {self.lengths}"
            )
        if not self.step > 0.0:
            raise InputError(f"the step is {self.step}; it must be above 0")
        if not np.isfinite(self.earlier).all():
            raise InputError("an earlier state is not whole: a forecast needs all its points (`trajectory` takes states with gaps)")
        if self.columns not in COLUMNS:
            raise InputError(f"no columns {self.columns!r}{nearest(self.columns, COLUMNS)}; there are: {', '.join(COLUMNS)}")

    def linearise(self, model: Terms, library: Terms) -> Linear:
        """Error samples and columns at every observed point of every state from which the model does not blow up."""
        along = [[term.key for term in library if any(d[axis] for d in term.needed)] for axis in range(len(self.lengths))]
        refuse_still(along, self.earlier, self.accuracy)
        if self.columns != "response":
            refuse_round_off([term.key for term in library], *self._twice(library, self.columns))
        after, columns = self._columns(model, library, self.earlier)
        error = (self.later - after) / self.step
        least = math.sqrt(2.0) * self.accuracy * float(self.earlier.std()) / self.step
        if self.columns == "weak":
            error = weak(error, self.lengths)
        good = whole(after, columns)
        if not good.any() and whole(after).any():  # terms that are next to nothing on these states were made very large
            self._refuse_small(library)
        refuse_none_left(good, self.step)
        seen = good.reshape(-1, *[1] * len(self.lengths)) & np.isfinite(error)
        groups = np.broadcast_to(np.arange(len(good)).reshape(-1, *[1] * len(self.lengths)), seen.shape)
        dropped = tuple(int(k) for k in np.flatnonzero(~good))
        misfit = float(np.mean(error[seen] ** 2)) / least**2

        def known() -> Array:
            again = self._columns(model, library, shaken(self.earlier))[1]
            return self.accuracy + relative_error(columns, again)  # no better than the states, nor than round-off

        return Linear(columns[seen], error[seen], groups[seen], least, False, misfit, dropped, lambda change, share: self, known)

    def _columns(self, model: Terms, library: Terms, states: Array) -> tuple[Array, Array]:
        """Forecasts of the states (S, *points), and the columns (S, *points, J)."""
        if self.columns != "response":
            return forecasts(self.forecast, model, states, self.step), self._terms(library, states)
        after, columns = responses(self.forecast, model, library, states, self.step, self.lengths)
        return after, columns / self.step

    def _refuse_small(self, library: Terms) -> None:
        """Refuse candidates that are round-off, or collinear by their values, on the states."""
        names = [term.key for term in library]
        there, again = self._twice(library, "spectral")
        known = self.accuracy + refuse_round_off(names, there, again)
        columns = there.reshape(-1, len(library))
        refuse_collinear(columns / np.linalg.norm(columns, axis=0), names, lambda: known)

    def _twice(self, library: Terms, form: str) -> tuple[Array, Array]:
        """The candidates' values on the earlier states, and on the same with round-off added."""
        return values(library, self.earlier, self.lengths, form), values(library, shaken(self.earlier), self.lengths, form)

    def _terms(self, library: Terms, earlier: Array) -> Array:
        """The candidates' values, mean of both states (the later one where it is whole)."""
        there = whole(self.later).reshape(-1, *[1] * len(self.lengths))
        later = np.where(there, self.later, earlier)
        return 0.5 * (values(library, earlier, self.lengths, self.columns) + values(library, later, self.lengths, self.columns))
