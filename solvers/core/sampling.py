"""Samples at gauges that are kept, where a case gives gauges their own intervals, fields or times (`pipeline.core.gauge_table`)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.core.gauge_table import GaugeSampling, check_fields
from pipeline.store.layout import Field

Array = np.ndarray[Any, np.dtype[Any]]

ROUND_OFF = 1e-9  # of an interval


class KeptSamples:
    """Choice of the samples that are kept: for each gauge those of the first step at or after each multiple of its interval.

    Parameters
    ----------
    names
        The gauges.
    settings
        Those of gauges that have any.
    fields
        Fields that the model samples.

    Raises
    ------
    InputError
        A gauge names a field that is not sampled.
    """

    def __init__(self, names: Sequence[str], settings: Mapping[str, GaugeSampling], fields: Sequence[Field]) -> None:
        known = [field.name for field in fields]
        check_fields(settings, known)
        all_fields = GaugeSampling(place=())
        asked = [settings.get(name, all_fields) for name in names]
        self._chosen = np.array([[not one.fields or field in one.fields for field in known] for one in asked], bool).reshape(
            len(asked), len(known)
        )
        stored = self._chosen.any(axis=0) if settings else np.ones(len(known), bool)
        self._columns = np.flatnonzero(stored)
        self.fields = [fields[i] for i in self._columns.tolist()]
        self.own = {name: [f for f in known if not one.fields or f in one.fields] for name, one in settings.items()}
        self._every = np.array([one.every for one in asked])
        windows = [one.window or (-np.inf, np.inf) for one in asked]
        self._begin, self._end = np.array(windows).reshape(-1, 2).T
        self._seen: list[float] = []  # [s] times of the model's last two samples

    def last_before(self, t: float) -> float:
        """The time of the last sample before ``t`` [s]; -inf where there is none."""
        return max((one for one in self._seen if one < t), default=-math.inf)

    def go_on(self, last: float) -> None:
        """Go on behind a sample at time ``last`` [s]."""
        self._seen = [last] if math.isfinite(last) else []

    def of(self, times: Array, own: Array, index: Array) -> tuple[Array, Array]:
        """Choose what is kept.

        Parameters
        ----------
        times
            Times of the samples (S,) [s].
        own
            Samples of the own gauges (S, own gauges, fields).
        index
            Which of all gauges are the own ones (own gauges,).

        Returns
        -------
        tuple[Array, Array]
            Times (K,) at which any gauge is kept, and the samples (K, own gauges, stored fields), nan where they are not.
        """
        if not self.own or not len(times):
            return times, own
        wanted = self._due(times) & (times[:, None] >= self._begin) & (times[:, None] <= self._end)
        self._seen = [*self._seen, *times.tolist()][-2:]
        rows = wanted.any(axis=1)
        kept = wanted[rows][:, index, None] & self._chosen[index]
        return times[rows], np.where(kept, own[rows], np.nan)[:, :, self._columns]

    def _due(self, times: Array) -> Array:
        """Whether each gauge has a sample due (S, gauges)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            before = np.array([self._seen[-1] if self._seen else -np.inf])
            counts = np.floor(np.concatenate([before, times])[:, None] / self._every + ROUND_OFF)
        return (self._every == 0.0) | (counts[1:] > counts[:-1])
