"""A model whose terms are laws known by their names, such as laws of friction, on any mesh: seen in fields, at gauges, or in both.

A solver makes a `Laws` of a case; stage `discover` needs nothing else of it. Where a case's right-hand side is a sum of terms in u, it
makes a `pipeline.discovery.model.Model` instead.
"""

# C cells, V variables of a state, G gauges, F frames

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from pipeline.discovery.library import Terms
from pipeline.discovery.measured import Measured

Array = np.ndarray[Any, np.dtype[Any]]


class Laws(Protocol):
    """Times are multiples of ``every`` [s], the time between a run's frames, at which its time steps end."""

    @property
    def terms(self) -> Terms:
        """The laws that the case has."""

    @property
    def library(self) -> Terms:
        """All laws that the solver has, each with the coefficient 1."""

    @property
    def mesh_hash(self) -> str:
        """The mesh, as a run's file has it."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Stored fields (V,) that make a state."""

    @property
    def gauge_fields(self) -> tuple[str, ...]:
        """Names of the fields measured at a gauge (V,)."""

    @property
    def places(self) -> Mapping[str, tuple[float, ...]]:
        """The gauges [m]."""

    def start(self) -> Array:
        """The case's initial state (C, V)."""

    def noisy(self, states: Array, share: float, seed: int) -> tuple[Array, Array]:
        """States (F, C, V) with noise of a share of their deviations, and its deviations (V,)."""

    def noisy_series(self, series: Array, share: float, seed: int) -> tuple[Array, Array]:
        """Series (G, F, V) with noise of a share of their deviations, and its deviations (V,)."""

    def see_fields(self, states: Array, step: float, every: float, first: float, noise: Array, seed: int) -> Measured:
        """States (F, C, V) ``step`` [s] apart, the first at ``first`` [s], each forecast to the next."""

    def see_gauges(self, series: Array, every: float, noise: Array) -> Measured:
        """Series (G, F, V) at every multiple of ``every`` [s] from 0, in one run from the start."""

    def course(self, terms: Terms, state: Array, begin: float, end: float, every: float) -> tuple[dict[str, Array], Array]:
        """Stored fields (F, C) and series (G, F, V) from ``begin`` to ``end`` [s], of a run with these laws; nan where it blew up."""

    def settings(self, terms: Terms) -> dict[str, float]:
        """Values of the case's keys for these laws; `InputError` where no case can have them."""

    def equation(self, terms: Terms) -> str:
        """The laws as text."""

    def latex(self, terms: Terms) -> str:
        """The laws in LaTeX's mathematics."""
