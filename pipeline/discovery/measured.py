"""Measurements of any kind, beside a model's prediction of them: fields on any mesh, series at gauges.

`pairs` and `trajectory` know grids and terms in u. Here the model is a function from its terms to the numbers that were measured, and
the candidates may be any terms that it knows, by name too (`pipeline.terms.terms.named`): it is only needed that a prediction
changes with its coefficient.

A wrong model is most wrong where its responses are least linear (a shore that it puts elsewhere), and these few numbers would
send a pass astray. So an error beyond OUTLYING times the typical one counts as P. J. Huber's estimate has it (Ann. Math. Stat. 35 (1964)
73-101, DOI 10.1214/aoms/1177703732). And where a pass asks for coefficients that no model can have, the prediction is that of the
possible model nearest to them, as the last pass's responses measure it, and is linear about it. At the fixed point neither does anything,
but to one in 400 numbers of normal noise.

Noise that a forecast carries along from its first state is correlated, and neighbours do not average it out. Given draws of it, its
deviation is taken where it matters: the largest that it has along any sum of the responses.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.optimize import nnls

from pipeline.core.errors import InputError
from pipeline.discovery.library import with_changes
from pipeline.discovery.model import refuse_none_left, whole
from pipeline.discovery.problem import RESPONSE, Foreseen, Linear
from pipeline.terms.terms import Term, Terms

Array = np.ndarray[Any, np.dtype[Any]]


OUTLYING = 3.0  # deviations
NORMAL = 1.4826  # deviation over the median of the absolute error, of normal errors


@dataclass(frozen=True, slots=True)
class Measured:
    """S groups of measured numbers (states, gauges): a group is drawn as a whole in the stability check, and dropped as a whole.

    Raises
    ------
    InputError
        No number that was measured, or a deviation that is not positive.
    """

    observed: Array  # (S, ...), nan where nothing was measured
    deviation: Array  # of the same shape, or one that broadcasts to it: standard deviation of observed less predicted at the truth
    span: float  # [s], over which the model predicts
    typical: Mapping[str, float]  # key of a candidate to the coefficient that would change the prediction by about its own size
    predict: Callable[[Terms], Array] = field(repr=False)  # terms of the model to (S, ...); nan in a group from which it blew up
    least: float = -math.inf  # total coefficient that a model can have of any candidate
    draws: Array | None = field(default=None, repr=False)  # (L, S, ...) of observed less predicted at the truth, where not independent
    noise_known: bool = True  # False: the deviation is only the least that the numbers' own accuracy leaves
    triangle: Array | None = field(default=None, repr=False)  # (J, J), of the last pass's responses

    def __post_init__(self) -> None:
        seen = np.isfinite(self.observed)
        if not seen.any():
            raise InputError("nothing was measured: all numbers are nan")
        if not (np.broadcast_to(self.deviation, self.observed.shape)[seen] > 0.0).all():
            raise InputError("a measured number has a deviation that is not above 0")

    def linearise(self, model: Terms, library: Terms) -> Linear:
        """Errors of the prediction over their deviation, and its responses to the candidates."""
        raised, possible = self._possible(model, library)
        before = self.predict(possible)
        columns = []
        for candidate in library:
            h = RESPONSE * self.typical[candidate.key]
            columns.append((self.predict(with_changes(possible, {candidate: h})) - before) / h)
        answers = np.stack(columns, axis=-1)
        good = whole(before, answers)
        seen, deviation, error = self._errors(before, good)
        weight = _weights(error)
        rows = answers[seen] / deviation[:, None] * weight[:, None]
        target = weight * error + rows @ raised
        along, usual = self._drawn(seen, deviation, weight, rows), self._usual(seen, deviation)
        dropped = tuple(int(k) for k in np.flatnonzero(~good))

        def advanced(change: Array, share: float) -> "Measured":
            return replace(self, triangle=np.asarray(np.linalg.qr(rows, mode="r")))

        misfit = float(np.mean(error**2)) / usual
        return Linear(rows / along, target / along, np.nonzero(seen)[0], 1.0, self.noise_known, misfit, dropped, advanced)

    def foresee(self, model: Terms, library: Terms) -> Foreseen:
        """Judge the model by its prediction alone, without the responses to the candidates, which take most of the time.

        No more groups are dropped than by `linearise`; where it drops as many, they are the same, and so is the misfit.

        Raises
        ------
        InputError
            The model blows up from every state.
        """
        before = self.predict(self._possible(model, library)[1])
        good = whole(before)
        seen, deviation, error = self._errors(before, good)
        misfit = float(np.mean(error**2)) / self._usual(seen, deviation)
        return Foreseen(int(np.count_nonzero(~good)), misfit, len(error))

    def _possible(self, model: Terms, library: Terms) -> tuple[Array, Terms]:
        """The model that can be and is nearest to ``model``, and the amounts (J,) by which it differs."""
        unknown = [candidate.key for candidate in library if candidate.key not in self.typical]
        if unknown:
            raise InputError(f"the model knows no term {unknown[0]!r}; there are: {', '.join(self.typical)}")
        raised = self._raised(np.array([_of(model, candidate) for candidate in library]))
        return raised, with_changes(model, dict(zip(library, raised.tolist(), strict=True)))

    def _errors(self, predicted: Array, good: Array) -> tuple[Array, Array, Array]:
        """The mask of the N numbers that were measured in ``good`` groups, their deviations (N,), and errors (N,) over these."""
        refuse_none_left(good, self.span)
        seen = np.isfinite(self.observed) & good.reshape(-1, *[1] * (self.observed.ndim - 1))
        deviation = np.broadcast_to(self.deviation, seen.shape)[seen]
        return seen, deviation, (self.observed - predicted)[seen] / deviation

    def _usual(self, seen: Array, deviation: Array) -> float:
        """Mean square of the noise over its deviation."""
        return 1.0 if self.draws is None else float(np.mean((self.draws[:, seen] / deviation) ** 2))

    def _drawn(self, seen: Array, deviation: Array, weight: Array, rows: Array) -> float:
        """Largest deviation along the rows of the noise over its deviation."""
        if self.draws is None:
            return 1.0
        noise = self.draws[:, seen] / deviation
        across, _ = np.linalg.qr(rows)
        sums = (noise * weight) @ across
        return float(np.sqrt(np.linalg.eigvalsh(sums.T @ sums / len(sums))[-1]))

    def _raised(self, total: Array) -> Array:
        """The amounts (J,) to add to coefficients (J,) so that a model can have them."""
        if (total >= self.least).all():
            return np.zeros_like(total)
        if self.triangle is None:
            return np.maximum(self.least - total, 0.0)
        scale = np.linalg.norm(self.triangle, axis=0)
        above, _ = nnls(self.triangle / scale, self.triangle @ (total - self.least))
        return np.asarray(self.least + above / scale - total)


@dataclass(frozen=True, slots=True)
class Together:
    """Several things that were measured of one model, such as fields and gauges: their numbers stand side by side, each over its noise."""

    views: tuple[Measured, ...]

    def linearise(self, model: Terms, library: Terms) -> Linear:
        """Linearise all views; groups and dropped groups are numbered on from view to view."""
        parts = [view.linearise(model, library) for view in self.views]
        first = np.cumsum([0, *(len(view.observed) for view in self.views)]).tolist()

        def advanced(change: Array, share: float) -> "Together":
            return Together(tuple(part.advanced(change, share) for part in parts))

        return Linear(
            np.concatenate([part.columns for part in parts]),
            np.concatenate([part.target for part in parts]),
            np.concatenate([part.groups + n for part, n in zip(parts, first, strict=False)]),
            1.0,
            all(view.noise_known for view in self.views),
            float(np.average([part.misfit for part in parts], weights=[len(part.target) for part in parts])),
            tuple(n + k for part, n in zip(parts, first, strict=False) for k in part.dropped),
            advanced,
        )

    def foresee(self, model: Terms, library: Terms) -> Foreseen:
        """Sum up what all views foresee, each with the weight of its numbers, as `linearise` does."""
        parts = [view.foresee(model, library) for view in self.views]
        samples = [part.samples for part in parts]
        return Foreseen(
            sum(part.dropped for part in parts), float(np.average([part.misfit for part in parts], weights=samples)), sum(samples)
        )


def _of(model: Terms, candidate: Term) -> float:
    """The coefficient that the model has of the candidate."""
    return sum(term.coefficient for term in model if term.factors == candidate.factors)


def _weights(error: Array) -> Array:
    """Root of Huber's weights of errors over their deviations: 1 up to OUTLYING times the typical deviation."""
    most = OUTLYING * max(1.0, NORMAL * float(np.median(np.abs(error))))
    return np.asarray(np.sqrt(most / np.maximum(np.abs(error), most)))
