"""The interface of a solver's model, whole, with a default for all that most models do not need."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from pipeline.store.layout import Field
from solvers.core.writers import Block, Rows

Array = np.ndarray[Any, np.dtype[Any]]

NOT_FINITE = "first value that is not finite"  # what is wrong in most unstable runs


class NoGauges:
    """A stand-in for the gauges of a solver that has none."""

    names: tuple[str, ...] = ()
    index = np.zeros(0, np.int64)

    def take(self) -> tuple[Array, Array]:
        """No samples."""
        return np.zeros(0), np.zeros((0, 0, 0))


class Model(ABC):
    """An equation, discretised on this rank's part of a mesh: what a solver's ``build`` returns.

    A model has at least ``shape``, ``fields``, `initial`, `step` and `output`. With these alone it runs on one rank, with even steps of at
    most the case's ``time.dt``, and writes frames, from which it goes on. The state is an array of any shape that the model alone knows.

    Attributes
    ----------
    shape : of a stored field; its first dimension is that of `rows`.
    fields : stored fields, with units.
    gauge_fields, maxima_fields : stored series of gauges, and running maxima.
    real : the type of stored fields.
    stages : of a step, for the count of updates.
    gauges : `NoGauges`, or an object with ``names``, ``index`` (places of the own gauges among all) and ``take()``: times (S,) and samples
        (S, own gauges, fields) since the last call.
    statistics : None, or an object with ``series``, ``wavenumbers`` and ``take()``.
    drift_is_relative : whether the drift of `mass` is told as a share of that at the start.
    """

    shape: tuple[int, ...]
    fields: Sequence[Field]
    gauge_fields: Sequence[Field] = ()
    maxima_fields: Sequence[Field] = ()
    real: "np.dtype[Any]" = np.dtype(np.float64)
    stages = 1
    gauges: Any = NoGauges()
    statistics: Any = None
    drift_is_relative = False

    @property
    def on_one_rank(self) -> bool:
        """Whether the model knows of no other rank: it has not said which `rows` are its own."""
        return "rows" not in vars(self) and type(self).rows is Model.rows

    @cached_property
    def rows(self) -> Rows | Block:
        """The part of a stored field that this rank has: all of it."""
        return Rows(np.arange(self.shape[0]), self.shape[0])

    @cached_property
    def saved_rows(self) -> Rows | Block:
        """The part of a restart's arrays that this rank has: that of a field."""
        return self.rows

    @cached_property
    def maxima(self) -> Array:
        """Running maxima (own rows, `maxima_fields`)."""
        return np.zeros((self.shape[0], len(self.maxima_fields)))

    @abstractmethod
    def initial(self) -> Array:
        """The state at t = 0."""

    @abstractmethod
    def step(self, t: float, u: Array, dt: float) -> None:
        """Advance ``u`` in place from ``t`` to ``t + dt`` [s]."""

    @abstractmethod
    def output(self, u: Array) -> Mapping[str, Array]:
        """Values of the `fields`, by name, on the own `rows`."""

    def max_dt(self, u: Array) -> float:
        """Largest stable step [s] of the own part at Courant number 1.

        Infinite where there is no limit; negative where the state is not finite, or can't be; see `fault`.
        """
        return np.inf if np.isfinite(u).all() else -1.0

    def fault(self, u: Array) -> tuple[int, str, str]:
        """Global index and place of the first own row whose state can't be, and what is wrong there, such as `NOT_FINITE`.

        A huge index where all can be.
        """
        bad = np.flatnonzero(~np.isfinite(u.reshape(len(u), -1)).all(axis=1))
        return (int(bad[0]), f"in row {bad[0]}", NOT_FINITE) if len(bad) else (np.iinfo(np.int64).max, "nowhere", NOT_FINITE)

    def observe(self, t: float, u: Array) -> None:  # noqa: B027 (most models note nothing)
        """Take note of the state after a step: gauges, running maxima."""

    def finish(self, t: float, u: Array) -> None:  # noqa: B027 (most models note nothing)
        """Take note of the last state."""

    def save(self, u: Array) -> dict[str, Array]:
        """Arrays of a restart, by name, of real numbers, on the own `saved_rows`: the state."""
        return {"state": u}

    def load(self, saved: Mapping[str, Array], dt: float) -> Array:
        """The state from the whole arrays of `save`; ``dt`` [s] is the step before."""
        return np.array(saved["state"])

    def common(self) -> dict[str, Array]:
        """Further arrays of a restart, which are the same on all ranks."""
        return {}

    def mass(self, u: Array) -> tuple[float, float]:
        """A quantity that the equation conserves, and how much of it has come in through boundaries. Collective."""
        return 0.0, 0.0

    def extremes(self) -> dict[str, float | None]:
        """Further numbers of the summary, at the end. Collective."""
        return {}

    def remarks(self, end: float) -> Sequence[str]:
        """Lines to be said of a run to the time ``end`` [s]."""
        return ()
