"""Observations, as the table ``[observed]`` of a case says it, and its heights from the datum they are counted from."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline.core.case import Case
from pipeline.core.data import locate_file
from pipeline.core.errors import InputError
from pipeline.core.params import build, quantity, setting
from pipeline.core.plugin import nearest
from pipeline.reading import series as readers
from pipeline.reading.series import SeriesFile, check_columns, refuse_unlikely
from pipeline.reading.tides import Detide, without_tide
from pipeline.store.reader import Store

Array = np.ndarray[Any, np.dtype[Any]]
Datum = Literal["still", "zero"] | float


@dataclass(frozen=True, slots=True)
class ObservedSeries(SeriesFile):
    """Measured series at the gauges, in one text file."""

    columns: Mapping[str, int] = setting("column of each gauge, from 0", factory=dict)
    detide: Detide | None = setting("way to take the tide, and the mean, off the whole record; unset: there is none in it", default=None)

    def __post_init__(self) -> None:
        check_columns(self.time, self.columns, "columns")


@dataclass(frozen=True, slots=True)
class RunUp:
    """Highest elevation that the water reached, by direction from a centre."""

    centre: tuple[float, float] = setting("where the directions start [m]")
    angles: tuple[float, ...] = quantity("degree", "counterclockwise from south")
    heights: tuple[float, ...] = quantity("m", "height above the datum, for each angle")
    half_width: float = quantity("degree", "half the sector that counts for an angle", default=2.5, above=0.0)

    def __post_init__(self) -> None:
        if len(self.angles) != len(self.heights):
            raise InputError(f"{len(self.angles)} angles and {len(self.heights)} heights")
        refuse_unlikely({f"heights[{i}]": height for i, height in enumerate(self.heights)})


@dataclass(frozen=True, slots=True)
class RunUpAt:
    """Highest elevation that the water reached inside a box."""

    box: tuple[float, float, float, float] = setting("west, south, east, north [m]")
    height: float = quantity("m", "height above the datum")

    def __post_init__(self) -> None:
        refuse_unlikely({"height": self.height})


@dataclass(frozen=True, slots=True)
class Observed:
    """The whole table. Numbers in the case serve for gauges that the series does not have."""

    source: str = setting("who measured it")
    comparison: Literal["analytic", "laboratory", "breaking", "field"] = setting("what NTHMP's acceptance is taken from")
    datum: Datum = quantity(
        "m",
        "what observed heights are counted from: still, the run's still level; zero, height 0 of the case; or its height there",
        default="still",
    )
    align: tuple[str, ...] = setting("gauges at whose mean arrival the clocks are set equal; none: they run alike", default=())
    judge: tuple[str, ...] = setting("gauges that count; none named: all that have observations", default=())
    window: tuple[float, float] | None = setting("the run's times [s] that are compared; unset: all", default=None)
    series: ObservedSeries | None = setting("measured series", default=None)
    first_crest: Mapping[str, float] = quantity("m", "height of the first crest, by gauge", factory=dict)
    runup: RunUp | None = setting("run-up by direction", default=None)
    runup_at: Mapping[str, RunUpAt] = setting("run-up in boxes, by name", factory=dict)

    def __post_init__(self) -> None:
        refuse_unlikely({f"first_crest.{name}": height for name, height in self.first_crest.items()})


def above_still(observed: Observed, level: float) -> Observed:
    """``observed`` with its heights counted from the still ``level`` [m] of the run; heights in the series' file are left to `offset`."""
    up = offset(observed.datum, level)
    runup = observed.runup
    return replace(
        observed,
        first_crest={name: height + up for name, height in observed.first_crest.items()},
        runup=runup and replace(runup, heights=tuple(height + up for height in runup.heights)),
        runup_at={name: replace(box, height=box.height + up) for name, box in observed.runup_at.items()},
    )


def offset(datum: Datum, level: float) -> float:
    """Height [m] to be added to heights above ``datum`` to have them above the still ``level`` [m]."""
    return 0.0 if datum == "still" else (0.0 if isinstance(datum, str) else datum) - level


def observed_by(table: Mapping[str, Any], gauges: Iterable[str], whose: str) -> Observed:
    """The table ``[observed]`` of a case with ``gauges``; ``whose`` says where it stands.

    Raises
    ------
    InputError
        There is none, it is wrong, or it names a gauge that the case does not have.
    """
    if not table:
        raise InputError(f"{whose} observes nothing: it has no [observed]")
    observed: Observed = build(Observed, table, "observed")
    columns = list(observed.series.columns) if observed.series else []
    known = list(gauges)
    for name in (*observed.align, *observed.judge, *observed.first_crest, *columns):
        if name not in known:
            raise InputError(f"'observed' names the gauge {name!r}{nearest(name, known)}; the case has: {', '.join(known)}")
    return observed


def look_for_series(case: Case, folder: Path, *, needed: bool) -> None:
    """Refuse, before anything is computed, the faults for which a stage would refuse the ``[observed]`` of ``case``.

    ``folder`` is where the stage looks for files first; ``needed`` says whether it can do without a series.
    """
    observed = observed_by(case.observed, case.gauges, "the case")
    if observed.series:
        read_series(observed.series, folder, case.folder)
    elif needed:
        raise InputError("the case has no observed series: [observed] series")


def places_of(store: Store, folder: str) -> tuple[Path, ...]:
    """Folders in which a case's files are looked for: a stage's own ``folder``, and the case's."""
    made_from = json.loads(str(store.attrs.get("provenance", "{}")))
    return (Path(folder), *([Path(made_from["folder"])] if "folder" in made_from else []))


def read_series(series: ObservedSeries, *folders: Path | None) -> tuple[Array, dict[str, Array]]:
    """Times (S,) [s] of the file's own clock and the free surface (S,) [m] at each gauge, nan in gaps.

    Raises
    ------
    InputError
        There is no file, or it is wrong.
    """
    found = read_noted(series, *folders)
    return found.times, by_gauge(series, found)


def read_noted(series: ObservedSeries, *folders: Path | None) -> readers.TextSeries:
    """The whole file, with remarks on how it was read."""
    found = readers.read_series(locate_file(series.file, *folders), series, series.columns)
    if series.detide is None:
        return found
    names = [f"{found.name}, gauge {name!r}" for name in series.columns]
    taken = [without_tide(found.times, values, series.detide, name) for name, values in zip(names, found.values.T, strict=True)]
    values = np.stack([one for one, _ in taken], axis=-1)
    if series.baseline:
        values = readers.above_baseline(found.times, values, series.baseline, found.name)
    said = [
        f"{name}: a tide with a range of {span:.3g} m was taken off, by {series.detide}"
        for name, (_, span) in zip(names, taken, strict=True)
    ]
    return replace(found, values=values, notes=(*found.notes, *said))


def by_gauge(series: ObservedSeries, found: readers.TextSeries) -> dict[str, Array]:
    """The columns ``found`` in the file, by the names of their gauges."""
    return dict(zip(series.columns, found.values.T, strict=True))
