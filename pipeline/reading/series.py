"""Measured series from text files: rising times, values with nan where they are missing, and the steps to get there.

A forcing needs every value, and refuses a series with gaps (`refuse_missing`); an observation keeps its gaps as nan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.params import is_unit, quantity, setting, size_of
from pipeline.reading.missing import find_missing, first_place, listed_constants
from pipeline.reading.text_table import TextTable, moment, named_columns, read_table

Array = np.ndarray[Any, np.dtype[Any]]

HIGHEST = 12e3  # [m] of water or land: more than there is on earth
Repeated = Literal["refuse", "mean", "first", "last"]


@dataclass(frozen=True, slots=True)
class SeriesFile:
    """A text file of series, as cases ask for it."""

    file: str = setting("text file: a line a time, columns apart by white space, commas or semicolons; headings come first")
    time: int = setting("column of the time [s], or of ISO dates, from 0", default=0)
    scale: float | None = setting(
        "factor from the file's unit to m [1]; unset: by the unit in the heading, such as surface(cm)", default=None
    )
    baseline: tuple[float, float] | None = setting(
        "the file's times [s] between which the water was still: their mean is subtracted", default=None
    )
    origin: str | None = setting("date and time (ISO) from which dates in the file count; unset: the first", default=None)
    missing: tuple[float, ...] | None = setting(
        "values that stand for missing, and no others; unset: the usual ones, such as 9999, that stand apart from all others", default=None
    )
    repeated: Repeated = setting("what becomes of values that differ at the same time", default="refuse")
    highest: float = quantity("m", "a height or depth beyond it is refused", default=HIGHEST, above=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class TextSeries:
    """Samples at rising times."""

    name: str
    times: Array  # (S,) [s]
    values: Array  # (S, columns) nan where missing
    lines: Array  # (S,) line of each sample in the file
    notes: tuple[str, ...] = ()

    def part(self, begin: int, end: int) -> "TextSeries":
        """The samples from number ``begin`` up to, not with, number ``end``."""
        return replace(self, times=self.times[begin:end], values=self.values[begin:end], lines=self.lines[begin:end])


def check_columns(time: int, columns: Mapping[str, int], key: str) -> None:
    """Refuse ``columns`` (use of each, to its number) that no file has: none at all, negative ones, or the time's own.

    ``key`` is where a case says them.
    """
    if not columns:
        raise InputError(f"{key} names no column; the columns of a file count from 0")
    if time < 0:
        raise InputError(f"time = {time}; the columns of a file count from 0")
    for name, column in columns.items():
        if column < 0:
            raise InputError(f"{name} = {column}; the columns of a file count from 0")
        if column == time:
            raise InputError(f"{name} = {column} is the column of the time")


def read_series(path: Path, asked: SeriesFile, columns: Mapping[str, int], *, average: bool = False) -> TextSeries:
    """The ``columns`` (name to number) of the series in the file at ``path``, scaled, its baseline subtracted.

    ``average`` makes a single column of them: their mean, missing where any of them is.

    Raises
    ------
    InputError
        The file is no such table, times repeat with other values, a value is doubtful or can't be: says which line.
    """
    used = [asked.time, *columns.values()]
    table = read_table(path, max(used) + 1, _origin(asked.origin))
    times, values, lines, notes = table.values[:, asked.time], table.values[:, used[1:]], table.lines, list(table.notes)
    if asked.origin and table.origin is None:
        notes.append(f"{path.name} has no dates: origin = {asked.origin!r} means nothing")
    minutes, scale, found = _units(path, table, asked, columns)
    times, notes = (times if minutes == 1.0 or table.origin else times * minutes), notes + found
    values, found = _with_gaps(path, values, lines, times, asked, list(columns))
    notes += found
    times, values, lines, dropped = _with_times(path, times, values, lines)
    times, values, lines, found = _rising(path, times, values, lines, asked.repeated)
    if len(times) < 2:
        raise InputError(f"{path.name} holds no series: fewer than two lines of numbers")
    if average:
        values = values.mean(axis=1)
    values = values * scale
    if asked.baseline:
        values = above_baseline(times, values, asked.baseline, path.name)
    series = TextSeries(path.name, times, values.reshape(len(times), -1), lines, (*notes, *dropped, *found))
    _refuse_beyond(series, list(columns), asked.highest)
    return series


def refuse_missing(series: TextSeries, columns: Sequence[str]) -> None:
    """Refuse a series with missing values in any of ``columns``, by their count and the first place."""
    count, place = first_place(np.isnan(series.values))
    if count:
        i, j = place
        raise InputError(
            f"{series.name}: {count} value(s) are missing, the first in line {series.lines[i]}, t = {series.times[i]:g} s"
            f" ({columns[j]}); fill the gap, or say missing = [] where what stands there is a true value"
        )


def above_baseline(times: Array, values: Array, still: tuple[float, float], name: str) -> Array:
    """``values`` (S,) or (S, columns) less their means over the times from ``still[0]`` to ``still[1]`` [s]; ``name`` says whose.

    A column of which all samples there are missing has no baseline, and so no sample at all.

    Raises
    ------
    InputError
        There is no sample between these times.
    """
    inside = (times >= still[0]) & (times <= still[1])
    there = np.isfinite(values[inside])
    if not there.any():
        raise InputError(f"{name} has no sample between the times of baseline, {still[0]:g} to {still[1]:g} s")
    if there.all():
        return np.asarray(values - values[inside].mean(axis=0))
    with np.errstate(invalid="ignore"):
        return np.asarray(values - np.where(there, values[inside], 0.0).sum(axis=0) / there.sum(axis=0))


def _units(path: Path, table: TextTable, asked: SeriesFile, columns: Mapping[str, int]) -> tuple[float, float, list[str]]:
    """Factors of times to s and of values to m, by the heading and the case, and remarks on them.

    Raises
    ------
    InputError
        The columns have several units, a unit of no length, or a unit other than the case's scale says.
    """
    if asked.scale == 0.0:
        raise InputError("scale = 0 makes every value 0")
    units = named_columns(table)[1]
    notes = []
    clock = size_of(units[asked.time], "s") if units[asked.time] else None
    if clock not in (None, 1.0):
        notes.append(f"{path.name}: times are in {units[asked.time]}, as its heading says")
    sizes = {units[column]: size_of(units[column], "m") for column in columns.values() if units[column]}
    for unit, size in sizes.items():
        if size is None and asked.scale is None and is_unit(unit):
            raise InputError(f"{path.name}: its heading gives values in {unit!r}, which is no length: say scale = ..., in m")
    lengths = {size for size in sizes.values() if size is not None}
    if len(lengths) > 1:
        raise InputError(f"{path.name}: its heading gives values in {', '.join(sizes)}: name columns of one unit")
    size = next(iter(lengths), 1.0)
    if asked.scale is None:
        return (
            clock or 1.0,
            size,
            [*notes, *([f"{path.name}: values are in {next(iter(sizes))}, as its heading says"] if size != 1.0 else [])],
        )
    if asked.scale == -1.0:  # turns values round
        return clock or 1.0, -size, notes
    if size != 1.0 and abs(abs(asked.scale) - size) > 1e-9 * size:
        raise InputError(
            f"{path.name}: its heading gives values in {next(iter(sizes))}, {size:g} m, and the case says scale = {asked.scale:g}: "
            "leave scale out, or mend the heading"
        )
    return clock or 1.0, asked.scale, notes


def refuse_unlikely(heights: Mapping[str, float]) -> None:
    """Refuse ``heights`` [m] of a case, by name, that stand for missing or that there are not."""
    values = np.array(list(heights.values()), float)
    bad = find_missing(values).missing | (np.abs(values) > HIGHEST)
    if bad.any():
        name = list(heights)[int(np.argmax(bad))]
        raise InputError(f"{int(bad.sum())} height(s) can't be, the first is {name} = {heights[name]:g} m; leave out what was not observed")


def _origin(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return moment(text)
    except ValueError:
        raise InputError(f"origin = {text!r} is no date and time, such as '2010-02-27T06:34:00'") from None


def _with_gaps(path: Path, values: Array, lines: Array, times: Array, asked: SeriesFile, names: list[str]) -> tuple[Array, list[str]]:
    """``values`` (L, columns) with nan where they are missing, and remarks on that."""
    notes, gaps = [], np.zeros(values.shape, bool)
    for j, name in enumerate(names):
        found = find_missing(values[:, j], own=asked.missing or (), undeclared=asked.missing is None)
        doubtful, place = first_place(found.doubtful)
        if doubtful:
            line, time, value = lines[place[0]], times[place[0]], values[place[0], j]
            raise InputError(
                f"{path.name}: {doubtful} value(s) of {name} may stand for missing, the first in line {line}, t = {time:g} s: {value:g}; "
                f"say missing = [{listed_constants(found.constants)}] where it does, and missing = [] where it is true"
            )
        gaps[:, j] = found.missing
        count, place = first_place(found.missing)
        if count:
            stands = f" ({listed_constants(found.constants)} stands for it)" if found.constants else ""
            notes.append(f"{path.name}: {count} of {len(values)} values of {name} are missing{stands}, the first in line {lines[place[0]]}")
    return np.where(gaps, np.nan, values), notes


def _with_times(path: Path, times: Array, values: Array, lines: Array) -> tuple[Array, Array, Array, list[str]]:
    """The samples that have a time; a sample without a time may have no value either."""
    lost = np.isnan(times)
    if not lost.any():
        return times, values, lines, []
    told = lost & np.isfinite(values).any(axis=1)
    if told.any():
        raise InputError(f"{path.name}, line {lines[np.argmax(told)]}: a value without a time")
    return times[~lost], values[~lost], lines[~lost], [f"{path.name}: {lost.sum()} line(s) without time and value are passed over"]


def _rising(path: Path, times: Array, values: Array, lines: Array, repeated: Repeated) -> tuple[Array, Array, Array, list[str]]:
    """The samples by rising times, one a time.

    Raises
    ------
    InputError
        Values differ at the same time, and nothing was said of which holds.
    """
    notes = []
    steps = np.diff(times)
    falls = np.flatnonzero(steps < 0.0) + 1
    if len(falls):
        notes.append(f"{path.name}: the time falls in {len(falls)} line(s), the first is line {lines[falls[0]]}: sorted")
        _refuse_mixed(path, times, lines, falls)
        order = np.argsort(times, kind="stable")
        times, values, lines = times[order], values[order], lines[order]
    same = np.diff(times) == 0.0
    if not same.any():
        return times, values, lines, notes
    begins = np.flatnonzero(np.concatenate([[True], ~same]))  # the first sample of each time
    whole = np.fmax.reduceat(values, begins, axis=0)
    differs = ~np.isnan(whole) & (whole != np.fmin.reduceat(values, begins, axis=0))  # a gap beside a value is no difference
    told = f"{path.name}: {int(same.sum())} line(s) repeat a time"
    bad = np.flatnonzero(differs.any(axis=1))
    if not len(bad):
        notes.append(f"{told}, the first is line {lines[int(np.argmax(same)) + 1]}: their values are equal, and one is kept")
        return times[begins], whole, lines[begins], notes
    if repeated == "refuse":
        at, column = int(begins[bad[0]]), int(np.argmax(differs[bad[0]]))
        here = values[times == times[at], column]
        raise InputError(
            f"{told}, and at {len(bad)} of these times the values differ, first at t = {times[at]:g} s "
            f"(line {lines[at]} and after: {np.nanmin(here):g} to {np.nanmax(here):g}); "
            'say repeated = "mean", "first" or "last", or mend the file'
        )
    notes.append(f"{told}, and at {len(bad)} of these times the values differ: the {repeated} is taken")
    for k, j in np.argwhere(differs):
        here = values[times == times[begins[k]], j]
        here = here[np.isfinite(here)]
        whole[k, j] = here.mean() if repeated == "mean" else here[0 if repeated == "first" else -1]
    return times[begins], whole, lines[begins], notes


def _refuse_mixed(path: Path, times: Array, lines: Array, falls: Array) -> None:
    """Refuse falls of the time, at the samples ``falls``, that sorting would only hide: a heading of numbers, or a second record."""
    if falls.tolist() == [1] and len(times) > 2:
        raise InputError(
            f"{path.name}, line {lines[0]}: its time {times[0]:g} is later than the next, {times[1]:g}: "
            "take the line out if it is a heading"
        )
    record = np.searchsorted(falls, np.arange(len(times)), "right")  # rising times in a row are one record
    _, kept = np.unique(times, return_index=True)
    changes = int(np.count_nonzero(np.diff(record[kept])))
    if changes > 4 * (len(falls) + 1):  # a few lines out of place make two or three for each fall
        raise InputError(
            f"{path.name}, line {lines[falls[0]]}: the clock begins anew at t = {times[falls[0]]:g}, within the times before: "
            "two records in one file, perhaps; keep one"
        )


def _refuse_beyond(series: TextSeries, columns: Sequence[str], highest: float) -> None:
    """Refuse heights that there are not."""
    count, place = first_place(np.abs(series.values) > highest)
    if count:
        i, j = place
        raise InputError(
            f"{series.name}: {count} value(s) beyond {highest:g} m, the first in line {series.lines[i]}, t = {series.times[i]:g} s: "
            f"{series.values[i, j]:g} m ({columns[j]}); mend the scale or the file, or raise 'highest'"
        )
