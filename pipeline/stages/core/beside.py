"""A run beside what its case says was observed: heights of both above the still level, times of both on the run's clock."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import InputError
from pipeline.params import build, quantity
from pipeline.plugin import nearest
from pipeline.stages.core.measures import arrival
from pipeline.stages.core.observations import Observed, above_still, by_gauge, offset, read_noted
from pipeline.stages.core.samples import Series
from pipeline.store import Store

NO_ARRIVAL = "the clocks can't be set equal: no gauge of 'align' has an arrival in both"


@dataclass(frozen=True, slots=True)
class Beside:
    """Heights [m] are above the still level of the run, times [s] on its clock."""

    observed: Observed
    level: float  # [m] the still level in the case's own heights
    computed: Mapping[str, Series]  # by gauge
    measured: Mapping[str, Series]  # by gauge; none where the file is not to be had
    absent: tuple[str, ...]  # files that are not to be had
    unset: str  # why the clocks could not be set equal; empty where they were
    notes: tuple[str, ...]  # what was done to read the file


@dataclass(frozen=True, slots=True)
class _Still:
    level: float = quantity("m", "still water level", default=0.0)


def still_level(case: str) -> float:
    """The still level [m] that the ``case`` (TOML) of a run sets; 0 where it sets none."""
    solver = tomllib.loads(case).get("solver", {})
    return float(build(_Still, {key: solver[key] for key in ("level",) if key in solver}, "solver").level)


def observed_table(case: str, gauges: Mapping[str, Any], name: str) -> Observed:
    """The table ``[observed]`` of the ``case`` (TOML) of the run ``name``, which has ``gauges``.

    Raises
    ------
    InputError
        There is none, something in it is wrong, or it names a gauge that the run does not have.
    """
    table = tomllib.loads(case).get("observed")
    if not table:
        raise InputError(f"the case of {name} observes nothing: it has no [observed]")
    observed: Observed = build(Observed, table, "observed")
    columns = list(observed.series.columns) if observed.series else []
    for gauge in (*observed.align, *observed.judge, *observed.first_crest, *columns):
        if gauge not in gauges:
            there = ", ".join(gauges) or "none"
            raise InputError(f"'observed' names the gauge {gauge!r}{nearest(gauge, gauges)}; the case has: {there}")
    return observed


def beside(store: Store, folder: Path) -> Beside:
    """The run in ``store`` and its observations, whose files are looked for in ``folder`` first.

    Raises
    ------
    InputError
        As `observed_table`, or the file of the series is wrong.
    """
    case = str(store.attrs["case"])
    asked, level = observed_table(case, store.gauges, str(store.path)), still_level(case)
    refuse_window(asked.window, float(store.times[-1]), "observed.window")
    computed = {name: above(store, name, level) for name in store.gauges}
    found = read_noted(asked.series, folder) if asked.series else None
    measured, unset = {}, ""
    if asked.series and found:
        up = 0.0 if asked.series.baseline else offset(asked.datum, level)
        measured = {name: Series(found.times, values + up) for name, values in by_gauge(asked.series, found).items()}
        shift = clock_shift(asked, computed, measured)
        unset = NO_ARRIVAL if shift is None else ""
        measured = {name: Series(one.times - (shift or 0.0), one.values) for name, one in measured.items()}
    absent = (asked.series.file,) if asked.series and not found else ()
    return Beside(above_still(asked, level), level, computed, measured, absent, unset, found.notes if found else ())


def above(store: Store, name: str, level: float) -> Series:
    """What the run in ``store`` has at the gauge ``name``, above the still ``level`` [m]."""
    times, values = store.gauge(name)
    return Series(np.asarray(times.compute()), np.asarray(values.compute(), float) - level)


def refuse_window(window: tuple[float, float] | None, end: float, key: str) -> None:
    """`InputError` where the times ``window`` [s] that ``key`` sets are none of a run from 0 to ``end`` [s]."""
    if window and not (window[0] < window[1] and window[0] < end and window[1] > 0.0):
        raise InputError(f"'{key}' is {list(window)} s: no overlap in time with the run, which has 0 to {end:g} s")


def clock_shift(observed: Observed, computed: Mapping[str, Series], measured: Mapping[str, Series]) -> float | None:
    """What is added to the run's time [s] to have the observers'; None where no gauge of ``align`` has an arrival in both."""
    if not observed.align:
        return 0.0
    arrivals = [(_arrival(measured.get(name)), _arrival(computed[name])) for name in observed.align]
    shifts = [theirs - mine for theirs, mine in arrivals if theirs is not None and mine is not None]
    return float(np.mean(shifts)) if shifts else None


def _arrival(series: Series | None) -> float | None:
    there = series.finite if series else None
    return arrival(there.times, there.values) if there and len(there.times) else None
