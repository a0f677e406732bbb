"""A run and the observations of its case, to be compared: heights of both above the still level, times of both on the run's clock."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.params import build, quantity
from pipeline.stages.core.measures import arrival
from pipeline.stages.core.observations import Observed, above_still, by_gauge, observed_by, offset, places_of, read_noted
from pipeline.stages.core.samples import Series
from pipeline.store.reader import Store

NO_ARRIVAL = "the clocks can't be set equal: no gauge of 'align' has an arrival in both"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Heights [m] are above the still level of the run, times [s] on its clock."""

    observed: Observed
    level: float  # [m] the still level in the case's own heights
    computed: Mapping[str, Series]  # by gauge
    measured: Mapping[str, Series]  # by gauge; none where no series was observed
    unset: str  # why the clocks could not be set equal; empty where they were
    notes: tuple[str, ...]  # what was done to read the file


@dataclass(frozen=True, slots=True)
class _Still:
    """The part of a solver's table that sets the still water."""

    level: float = quantity("m", "still water level", default=0.0)


def still_level(case: str) -> float:
    """The still level [m] that the ``case`` (TOML) of a run sets; 0 where it sets none."""
    solver = tomllib.loads(case).get("solver", {})
    return float(build(_Still, {key: solver[key] for key in ("level",) if key in solver}, "solver").level)


def compare(store: Store, folder: str) -> Comparison:
    """The run in ``store`` and its observations, whose files are looked for in ``folder`` first.

    Raises
    ------
    InputError
        The case observes nothing, names a gauge that the run does not have, or the file of the series is missing or wrong.
    """
    case = str(store.attrs["case"])
    asked = observed_by(tomllib.loads(case).get("observed", {}), store.gauges, f"the case of {store.path}")
    refuse_window(asked.window, float(store.times[-1]), "observed.window")
    level = still_level(case)
    computed = {name: above(store, name, level) for name in store.gauges}
    if not asked.series:
        return Comparison(above_still(asked, level), level, computed, {}, "", ())
    found = read_noted(asked.series, *places_of(store, folder))
    up = 0.0 if asked.series.baseline or asked.series.detide else offset(asked.datum, level)
    measured = {name: Series(found.times, values + up) for name, values in by_gauge(asked.series, found).items()}
    shift = clock_shift(asked, computed, measured)
    measured = {name: Series(one.times - (shift or 0.0), one.values) for name, one in measured.items()}
    return Comparison(above_still(asked, level), level, computed, measured, NO_ARRIVAL if shift is None else "", found.notes)


def above(store: Store, name: str, level: float) -> Series:
    """Series of the run in ``store`` at the gauge ``name``, above the still ``level`` [m]."""
    times, values = store.gauge(name)
    return Series(np.asarray(times.compute()), np.asarray(values.compute(), float) - level)


def refuse_window(window: tuple[float, float] | None, end: float, key: str) -> None:
    """`InputError` where the times ``window`` [s] that ``key`` sets are none of a run from 0 to ``end`` [s]."""
    if window and not (window[0] < window[1] and window[0] < end and window[1] > 0.0):
        raise InputError(f"'{key}' is {list(window)} s: no overlap in time with the run, which has 0 to {end:g} s")


def clock_shift(observed: Observed, computed: Mapping[str, Series], measured: Mapping[str, Series]) -> float | None:
    """Shift of the run's time [s] to have the observers'; None where no gauge of ``align`` has an arrival in both."""
    if not observed.align:
        return 0.0
    arrivals = [(_arrival(measured.get(name)), _arrival(computed[name])) for name in observed.align]
    shifts = [theirs - mine for theirs, mine in arrivals if theirs is not None and mine is not None]
    return float(np.mean(shifts)) if shifts else None


def _arrival(series: Series | None) -> float | None:
    there = series.finite if series else None
    return arrival(there.times, there.values) if there and len(there.times) else None
