"""A model whose terms are laws known by their names, such as laws of friction, on any mesh: seen in fields, at gauges, or in both.

A solver makes a `Laws` of a case; stage `friction` needs nothing else of it. Where a case's right-hand side is a sum of terms in u, it
makes a `pipeline.discovery.model.TermsModel` instead.
"""

# C cells, V variables of a state, G gauges, F frames

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from pipeline.discovery.measured import Measured
from pipeline.terms.terms import Terms

Array = np.ndarray[Any, np.dtype[Any]]


class Laws(Protocol):
    """Laws of a case's model, which can be changed, and what they predict.

    Times are multiples of ``output_interval`` [s], the time between a run's frames, at which its time steps end.
    """

    @property
    def terms(self) -> Terms:
        """The laws that the case has."""

    @property
    def library(self) -> Terms:
        """All laws that the solver has, each with the coefficient 1."""

    @property
    def mesh_hash(self) -> str:
        """The hash of the mesh, as a run's file has it."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Stored fields (V,) that make a state."""

    @property
    def gauge_fields(self) -> tuple[str, ...]:
        """Names of the fields measured at a gauge (V,)."""

    @property
    def places(self) -> Mapping[str, tuple[float, ...]]:
        """Places [m] of the gauges by name."""

    def start(self) -> Array:
        """Make the case's initial state.

        Returns
        -------
        Array
            The state (C, V), in the units of `fields`.
        """

    def noisy(self, states: Array, share: float, seed: int) -> tuple[Array, Array]:
        """Add noise to states.

        Parameters
        ----------
        states
            The states (F, C, V).
        share
            The noise's deviation over the states' own [1].
        seed
            Seed of the noise.

        Returns
        -------
        Array
            The noisy states (F, C, V).
        Array
            Deviations of the noise (V,).
        """

    def noisy_series(self, series: Array, share: float, seed: int) -> tuple[Array, Array]:
        """Add noise to gauges' series.

        Parameters
        ----------
        series
            The series (G, F, V).
        share
            The noise's deviation over the series' own [1].
        seed
            Seed of the noise.

        Returns
        -------
        Array
            The noisy series (G, F, V).
        Array
            Deviations of the noise (V,).
        """

    def see_fields(self, states: Array, step: float, output_interval: float, first: float, noise: Array, seed: int) -> Measured:
        """Set each state beside the forecast from the one before.

        Parameters
        ----------
        states
            The states (F, C, V).
        step
            The time between them [s].
        output_interval
            The time between the run's frames [s].
        first
            The time of the first [s].
        noise
            Deviations (V,) of the states' noise.
        seed
            Seed of the draws of noise that the forecasts carry along.

        Returns
        -------
        Measured
            Pairs of states, and the model's prediction of them.
        """

    def see_gauges(self, series: Array, output_interval: float, noise: Array) -> Measured:
        """Set gauges' series beside a run from the start.

        Parameters
        ----------
        series
            The series (G, F, V) at every multiple of ``output_interval`` from 0.
        output_interval
            The time between samples [s].
        noise
            Deviations (V,) of the series' noise.

        Returns
        -------
        Measured
            The series, and the model's prediction of them.
        """

    def course(self, terms: Terms, state: Array, begin: float, end: float, output_interval: float) -> tuple[dict[str, Array], Array]:
        """Run the model with given laws.

        Parameters
        ----------
        terms
            The laws.
        state
            The first state (C, V).
        begin
            Its time [s].
        end
            The time of the last state [s].
        output_interval
            The time between states [s].

        Returns
        -------
        dict[str, Array]
            Stored fields (F, C) by name; nan where the run blew up.
        Array
            Series (G, F, V) at the gauges; nan likewise.
        """

    def settings(self, terms: Terms) -> dict[str, float]:
        """Convert laws to a case's keys.

        Parameters
        ----------
        terms
            The laws.

        Returns
        -------
        dict[str, float]
            Values by key, in the keys' units.

        Raises
        ------
        InputError
            No case can have these laws.
        """

    def equation(self, terms: Terms) -> str:
        """Write laws as text.

        Parameters
        ----------
        terms
            The laws.

        Returns
        -------
        str
            An equation, such as ``u_t = ... - 9.81*n^2*|u|u/h^(4/3)``.
        """

    def latex(self, terms: Terms) -> str:
        """Write laws in LaTeX's mathematics.

        Parameters
        ----------
        terms
            The laws.

        Returns
        -------
        str
            An equation, without dollar signs.
        """
