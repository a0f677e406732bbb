"""The interface of a solver's model, whole, with a default for all that most models do not need."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from pipeline.store.layout import Field
from solvers.core.writers import Hyperslab, Rows

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
    shape
        The shape of a stored field; its first dimension is that of `rows`.
    fields
        Stored fields, with units.
    gauge_fields
        Fields that gauges sample.
    maxima_fields
        Fields whose running maxima are kept.
    real
        The type of stored fields.
    stages
        Stages of a step, for the count of updates.
    gauges
        `NoGauges`, or an object with ``names``, ``index`` (places of the own gauges among all) and ``take()``: times (S,) [s] and samples
        (S, own gauges, fields) since the last call.
    statistics
        None, or an object with ``series``, ``wavenumbers`` (None where no series is by shells) and ``take()``.
    conservation_is_relative
        Whether the error of conservation is told as a share of `mass` at the start.
    updates
        Updates of own cells by stages so far; None where each step updates all cells by each stage.
    steps_inside
        Steps of a cell in one of the model's, on average, since `max_dt` was asked last.
    cfl
        Courant number of the run's steps, at most 1, for models whose steps have shorter ones inside.
    t
        The time of the state that `max_dt` is asked about [s], for models that change with time.
    breaks
        Times at which the model, or how it changes, changes at once [s]: steps end there, but for even ones.
    """

    shape: tuple[int, ...]
    fields: Sequence[Field]
    gauge_fields: Sequence[Field] = ()
    maxima_fields: Sequence[Field] = ()
    real: "np.dtype[Any]" = np.dtype(np.float64)
    stages = 1
    gauges: Any = NoGauges()
    statistics: Any = None
    conservation_is_relative = False
    updates: int | None = None
    steps_inside = 1.0
    cfl = 1.0
    t = 0.0
    breaks: Sequence[float] = ()

    @property
    def on_one_rank(self) -> bool:
        """Whether the model knows of no other rank: it has not said which `rows` are its own."""
        return "rows" not in vars(self) and type(self).rows is Model.rows

    @cached_property
    def rows(self) -> Rows | Hyperslab:
        """The part of a stored field that this rank has: all of it by default."""
        return Rows(np.arange(self.shape[0]), self.shape[0])

    @cached_property
    def saved_rows(self) -> Rows | Hyperslab:
        """The part of a restart's arrays that this rank has: that of a field by default."""
        return self.rows

    @cached_property
    def maxima(self) -> Array:
        """Running maxima (own rows, `maxima_fields`)."""
        return np.zeros((self.shape[0], len(self.maxima_fields)))

    @abstractmethod
    def initial(self) -> Array:
        """Make the state at t = 0.

        Returns
        -------
        Array
            The own part of the state (...), in a shape that the model alone knows.
        """

    @abstractmethod
    def step(self, t: float, u: Array, dt: float) -> None:
        """Advance the state in place by one step. Collective.

        Parameters
        ----------
        t
            The time at its beginning [s].
        u
            The own state (...).
        dt
            Its length [s].
        """

    @abstractmethod
    def output(self, u: Array) -> Mapping[str, Array]:
        """Convert the state to stored fields.

        Parameters
        ----------
        u
            The own state (...).

        Returns
        -------
        Mapping[str, Array]
            Values of the `fields` by name, (own rows, ...).
        """

    def max_dt(self, u: Array) -> float:
        """Compute the largest stable step of the own part at Courant number 1.

        Parameters
        ----------
        u
            The own state (...).

        Returns
        -------
        float
            The step [s]: infinite where there is no limit, negative where the state is not finite, or can't be (see `fault`).
        """
        return np.inf if np.isfinite(u).all() else -1.0

    def fault(self, u: Array) -> tuple[int, str, str]:
        """Find the first own row whose state can't be.

        Parameters
        ----------
        u
            The own state (...).

        Returns
        -------
        tuple[int, str, str]
            Its global index (a huge one where all can be), its place, and its fault, such as `NOT_FINITE`.
        """
        bad = np.flatnonzero(~np.isfinite(u.reshape(len(u), -1)).all(axis=1))
        return (int(bad[0]), f"in row {bad[0]}", NOT_FINITE) if len(bad) else (np.iinfo(np.int64).max, "nowhere", NOT_FINITE)

    def observe(self, t: float, u: Array) -> None:  # noqa: B027 (most models note nothing)
        """Take note of the state after a step: gauges, running maxima.

        Parameters
        ----------
        t
            The time [s].
        u
            The own state (...).
        """

    def finish(self, t: float, u: Array) -> None:  # noqa: B027 (most models note nothing)
        """Take note of the last state.

        Parameters
        ----------
        t
            The time [s].
        u
            The own state (...).
        """

    def save(self, u: Array) -> dict[str, Array]:
        """Convert the state to arrays of a restart: the state itself by default.

        Parameters
        ----------
        u
            The own state (...).

        Returns
        -------
        dict[str, Array]
            Arrays (own saved rows, ...) of real numbers, by name.
        """
        return {"state": u}

    def load(self, saved: Mapping[str, Array], dt: float) -> Array:
        """Make the state from the arrays of `save`.

        Parameters
        ----------
        saved
            Whole arrays (rows, ...) of all ranks, by name.
        dt
            The step before [s].

        Returns
        -------
        Array
            The own state (...).
        """
        return np.array(saved["state"])

    def common(self) -> dict[str, Array]:
        """Collect further arrays of a restart, which are the same on all ranks.

        Returns
        -------
        dict[str, Array]
            Arrays (...) by name; none by default.
        """
        return {}

    def mass(self, u: Array) -> tuple[float, float]:
        """Add up a quantity that the equation conserves. Collective.

        Parameters
        ----------
        u
            The own state (...).

        Returns
        -------
        tuple[float, float]
            The quantity in the whole domain, and how much of it has come in through boundaries, in its own unit.
        """
        return 0.0, 0.0

    def extremes(self) -> dict[str, float | None]:
        """Collect further numbers of the summary, at the end. Collective.

        Returns
        -------
        dict[str, float | None]
            Numbers by the summary's keys.
        """
        return {}

    def remarks(self, end: float) -> Sequence[str]:
        """Give notes on a run before it starts, for its user.

        Parameters
        ----------
        end
            The simulated time at its end [s].

        Returns
        -------
        Sequence[str]
            Lines for the log and the summary.
        """
        return ()
