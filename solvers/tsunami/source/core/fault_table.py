"""Rectangles from a text file: a line each, with a heading that names the columns."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.params import size_of
from pipeline.core.remarks import remark
from pipeline.reading.text_table import named_columns, read_table
from solvers.tsunami.source.core.rectangles import Rectangle, Reference

Array = np.ndarray[Any, np.dtype[Any]]

UNITS = dict.fromkeys(("x", "y", "depth", "length", "width", "slip"), "m") | dict.fromkeys(("strike", "dip", "rake"), "degree")
TIMES = {"time": "s", "rise": "s"}  # of which a file may have none


def read_faults(path: Path, reference: Reference) -> tuple[list[Rectangle], dict[str, Array]]:
    """The rectangles that slip in the file at ``path``, and their times (rectangles,) [s] by the names of `TIMES` that it has.

    Raises
    ------
    InputError
        A column that is missing or stands twice, a unit that is none, a line without a number: says which.
    """
    table = read_table(path, 1)
    table = read_table(path, table.width)
    names, units = named_columns(table)
    names = [name.lower() for name in names]
    if not any(names):
        raise InputError(f"{path.name} has no heading that names its {table.width} columns; it needs {', '.join(UNITS)}")
    columns = {}
    for name, base in (UNITS | TIMES).items():
        if names.count(name) > 1:
            raise InputError(f"{path.name} has two columns {name!r}")
        if name in names:
            column = names.index(name)
            columns[name] = table.values[:, column] * _scale(path, name, units[column], base)
        elif name in UNITS:
            raise InputError(f"{path.name} has no column {name!r}; it has {', '.join(filter(None, names))}")
    for name, values in columns.items():
        if np.isnan(values).any():
            raise InputError(f"{path.name}, line {table.lines[int(np.argmax(np.isnan(values)))]}: there is no {name}")
    for note in (*table.notes, *_unread(path, [name for name in names if name not in columns])):
        remark(note)
    slips = np.flatnonzero(columns["slip"] != 0.0)
    if not len(slips):
        raise InputError(f"{path.name}: none of its {len(table.lines)} rectangles slips")
    rows = [{name: float(columns[name][i]) for name in UNITS} for i in slips]
    faults = [Rectangle(reference=reference, **row) for row in rows]
    return faults, {name: columns[name][slips] for name in TIMES if name in columns}


def _scale(path: Path, name: str, unit: str, base: str) -> float:
    size = size_of(unit, base) if unit else 1.0
    if size is None:
        raise InputError(f"{path.name}: column {name!r} is in [{unit}], which is no unit of [{base}]")
    return size


def _unread(path: Path, names: Sequence[str]) -> list[str]:
    return [f"{path.name}: columns that are not read: {', '.join(names)}"] if names else []


def rupture_times(faults: Sequence[Rectangle], hypocentre: Sequence[float], velocity: float) -> Array:
    """Times (faults,) [s] at which a rupture reaches their middles, at ``velocity`` [m/s] from ``hypocentre``, x, y and depth [m]."""
    x0, y0, z0 = hypocentre
    times = []
    for one in faults:
        x, y = one.at(0.5, 0.5)
        depth = one.top + 0.5 * one.width * math.sin(math.radians(one.dip))
        times.append(math.sqrt((x - x0) ** 2 + (y - y0) ** 2 + (depth - z0) ** 2) / velocity)
    return np.array(times)
