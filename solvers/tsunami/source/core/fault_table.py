"""Rectangles from a text file: a line each, with a heading that names the columns, or an agency's finite-fault model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.params import size_of
from pipeline.core.remarks import remark
from pipeline.reading.text_table import named_columns, read_table
from solvers.tsunami.source.core.finite_fault import read_finite_fault
from solvers.tsunami.source.core.rectangles import Rectangle, Reference

Array = np.ndarray[Any, np.dtype[Any]]

UNITS = dict.fromkeys(("x", "y", "depth", "length", "width", "slip"), "m") | dict.fromkeys(("strike", "dip", "rake"), "degree")
TIMES = {"time": "s", "rise": "s"}  # of which a file may have none
ROUNDED = 100.0  # [m]: depths of finite-fault models have a digit or two of a kilometre


@dataclass(frozen=True, slots=True)
class FaultTable:
    """Rectangles that slip.

    Attributes
    ----------
    rectangles
        At least one.
    times
        Times (rectangles,) [s] by the names of `TIMES` that the file has.
    degrees
        Whether ``x`` and ``y`` must be longitudes and latitudes; else they are in the mesh's coordinates.
    """

    rectangles: list[Rectangle]
    times: dict[str, Array]
    degrees: bool


def read_faults(path: Path, reference: Reference) -> FaultTable:
    """The rectangles that slip in the file at ``path``.

    Raises
    ------
    InputError
        A column that is missing or stands twice, a unit that is none, a line without a number: says which. Places of a finite-fault model
        are those of another ``reference``. Nothing slips.
    """
    model = read_finite_fault(path)
    if model and model.reference not in (None, reference):
        raise InputError(f'{path.name} gives places of the {model.reference} of its rectangles: reference = "{model.reference}"')
    columns = model.columns if model else _columns(path)
    slips = np.flatnonzero(columns["slip"] != 0.0)
    if not len(slips):
        raise InputError(f"{path.name}: none of its {len(columns['slip'])} rectangles slips")
    rows = [{name: float(columns[name][i]) for name in UNITS} for i in slips]
    faults = [Rectangle(reference=reference, **row) for row in rows]
    if model:
        faults = _to_the_ground(path, faults)
    return FaultTable(faults, {name: columns[name][slips] for name in TIMES if name in columns}, degrees=model is not None)


def _to_the_ground(path: Path, faults: Sequence[Rectangle]) -> list[Rectangle]:
    """``faults`` whose upper edges reach the ground but for the rounding of depths in kilometres, brought to it."""
    found = [replace(one, depth=one.depth - one.top) if abs(one.top) <= ROUNDED and one.top != 0.0 else one for one in faults]
    moved = sum(one is not other for one, other in zip(found, faults, strict=True))
    if moved:
        remark(f"{path.name}: the upper edges of {moved} rectangles, within {ROUNDED:g} m of the ground, reach it")
    return found


def _columns(path: Path) -> dict[str, Array]:
    """Columns (rectangles,) by name of a table with a heading, in metres, degrees and seconds."""
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
    return columns


def _scale(path: Path, name: str, unit: str, base: str) -> float:
    size = size_of(unit, base) if unit else 1.0
    if size is None:
        raise InputError(f"{path.name}: column {name!r} is in [{unit}], which is no unit of [{base}]")
    return size


def _unread(path: Path, names: Sequence[str]) -> list[str]:
    return [f"{path.name}: columns that are not read: {', '.join(names)}"] if names else []
