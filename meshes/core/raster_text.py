"""Rasters in text: points x y z in any order of lines, ESRI's ASCII grids, and rows of numbers whose axes stand in files of their own.

GDAL is not asked for ESRI's: it reads a word that is no number, and values missing at a file's end, as zero without a word.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.relief import Axis, Relief
from pipeline.core.data import PROJECTION
from pipeline.core.errors import InputError
from pipeline.reading.text_table import NUMBER, TextTable, named_columns, read_table

Array = np.ndarray[Any, np.dtype[Any]]

SAME = 0.01  # of the widest step, within which coordinates of points are the same but for rounding
HEADER = re.compile(r"\s*(ncols|nrows|[xy]ll(?:corner|center|centre)|cellsize|d[xy]|nodata(?:_value)?)\s+(\S+)\s*", re.IGNORECASE)


def is_ascii_grid(lines: list[str]) -> bool:
    """Whether ``lines`` begin as ESRI's ASCII grids do."""
    return any(re.match(r"\s*(ncols|nrows)\s", line, re.IGNORECASE) for line in lines[:2])


def read_ascii_grid(path: Path, lines: list[str]) -> Relief:
    """The relief of ESRI's ASCII grid: values of cells, the northern row first.

    Raises
    ------
    InputError
        A key is missing or wrong, a word is no number, or there are fewer or more values than the head says.
    """
    head: dict[str, float] = {}
    begin = 0
    for begin, line in enumerate(lines):
        found = HEADER.fullmatch(line)
        if not found:
            break
        word = found[2].replace(",", ".")
        if not (NUMBER.fullmatch(word) or word.lower() == "nan"):
            raise InputError(f"{path.name}, line {begin + 1}: {found[1]} is {found[2]!r}, which is no number")
        head[found[1].lower().replace("centre", "center")] = float(word)
    steps = (head.get("dx", head.get("cellsize")), head.get("dy", head.get("cellsize")))
    corners = [next(((head[key], key) for key in (f"{a}llcorner", f"{a}llcenter") if key in head), None) for a in "xy"]
    missing = [key for key in ("ncols", "nrows") if not head.get(key, 0.0) >= 1.0 or head[key] % 1.0]
    missing += [name for name, value in (("cellsize", steps[0]), ("cellsize", steps[1])) if not (value or 0.0) > 0.0][:1]
    missing += [f"{a}llcorner or {a}llcenter" for a, value in zip("xy", corners, strict=True) if value is None]
    if missing:
        raise InputError(f"{path.name}: the head of this ESRI ASCII grid lacks, or has no sense for: {', '.join(missing)}")
    columns, rows = int(head["ncols"]), int(head["nrows"])
    axes = []
    for name, count, step, corner in zip("xy", (columns, rows), steps, corners, strict=True):
        assert step is not None and corner is not None
        first = corner[0] + (0.5 * step if corner[1].endswith("corner") else 0.0)
        axes.append(Axis(name, first + step * np.arange(count), _projection(path)))
    values, notes = _values(path, lines, begin, columns * rows)
    nodata = head.get("nodata_value", head.get("nodata"))
    attributes = {} if nodata is None else {"_FillValue": nodata}
    heights = values.reshape(rows, columns)[::-1].T
    return Relief(axes[0], axes[1], heights, "", attributes, cells=True, notes=notes, crs=_system(path))


def _values(path: Path, lines: list[str], begin: int, wanted: int) -> tuple[Array, tuple[str, ...]]:
    """The values after the head, and remarks on them."""
    text, notes = "\n".join(lines[begin:]), []
    if "," in text:
        if "." in text:
            raise InputError(f"{path.name}: commas and points both stand in its numbers")
        text, notes = text.replace(",", "."), [f"{path.name} has decimal commas, read as points"]
    words = text.split()
    try:
        values = np.array(words, float) if words else np.empty(0)
    except ValueError:
        for number, line in enumerate(text.split("\n"), begin + 1):
            for word in line.split():
                if not NUMBER.fullmatch(word) and word.lower() != "nan":
                    raise InputError(f"{path.name}, line {number}: {word[:30]!r} is no number") from None
        raise
    if len(values) != wanted:
        raise InputError(f"{path.name} has {len(values)} values where its head says {wanted}")
    return values, tuple(notes)


def _beside(path: Path) -> str:
    """The projection in a file of the same name that ends in ``.prj``; nothing where there is none."""
    beside = path.with_suffix(PROJECTION)
    return beside.read_text(encoding="utf-8", errors="replace") if beside.exists() else ""


def _projection(path: Path) -> dict[str, str]:
    """The unit of the coordinates by that projection."""
    return {"units": "degrees"} if re.match(r"\s*(GEOGC|Projection\s+GEOGRAPHIC)", _beside(path), re.IGNORECASE) else {}


def _system(path: Path) -> str:
    """The coordinate reference system by that projection, where it is written as WKT."""
    text = _beside(path).strip()
    return text if re.match(r"(PROJC|GEOGC)\w*\s*\[", text, re.IGNORECASE) else ""


def read_points(path: Path) -> Relief:
    """The relief of points x y z.

    Raises
    ------
    InputError
        The file is no table of three columns, its points make no regular grid, or two values stand at one point.
    """
    table = read_table(path, 3)
    if table.width != 3:
        raise InputError(f"{path.name} is no table of three columns x y z: it has {table.width}")
    place, z = table.values[:, :2], table.values[:, 2]
    if np.isnan(place).any():
        raise InputError(f"{path.name}, line {table.lines[np.argmax(np.isnan(place).any(axis=1))]}: a point without a place")
    (x, column), (y, row) = (_distinct(place[:, axis]) for axis in (0, 1))
    names, units = named_columns(table)
    names = [name or usual for name, usual in zip(names, ("x", "y", ""), strict=True)]
    notes = [*table.notes, *_repeated(path, table, column * len(y) + row)]
    values = np.full((len(x), len(y)), np.nan)
    values[column, row] = z
    given = [{"units": unit} if unit else {} for unit in units]
    return Relief(Axis(names[0], x, given[0]), Axis(names[1], y, given[1]), values, names[2], given[2], notes=tuple(notes))


def read_rows(path: Path, x: Path, y: Path) -> Relief:
    """The relief of rows of values, a row for each number in the file ``y`` and a column for each in ``x``.

    Raises
    ------
    InputError
        A file is no table of numbers, or there are other rows or columns than coordinates.
    """
    axes = []
    for name, place in (("x", x), ("y", y)):
        table = read_table(place, 1)
        if np.isnan(table.values).any():
            raise InputError(f"{place.name}, line {table.lines[np.argmax(np.isnan(table.values[:, 0]))]}: there is no number")
        axes.append(Axis(name, table.values[:, 0], {}))
    table = read_table(path, len(axes[0].values))
    shape = (len(table.values), table.width)
    if shape != (len(axes[1].values), len(axes[0].values)):
        raise InputError(
            f"{path.name} has {shape[0]} rows of {shape[1]} values; "
            f"{y.name} has {len(axes[1].values)} numbers, and {x.name} {len(axes[0].values)}"
        )
    return Relief(axes[0], axes[1], table.values.T, "", {}, notes=table.notes)


def _distinct(values: Array) -> tuple[Array, Array]:
    """Rising distinct coordinates, and the number among them of each of ``values``; rounding tells none apart."""
    found, number = np.unique(values, return_inverse=True)
    if len(found) < 3:
        return found, number
    steps = np.diff(found)
    fresh = np.concatenate([[True], steps > SAME * steps.max()])
    return found[fresh], (np.cumsum(fresh) - 1)[number]


def _repeated(path: Path, table: TextTable, point: Array) -> list[str]:
    """Remarks on lines that repeat a point; `InputError` where their values differ."""
    order = np.argsort(point, kind="stable")
    twice = np.flatnonzero(np.diff(point[order]) == 0)
    if not len(twice):
        return []
    first, second = order[twice], order[twice + 1]
    values = table.values
    differ = (values[first, 2] != values[second, 2]) & ~(np.isnan(values[first, 2]) & np.isnan(values[second, 2]))
    if differ.any():
        k = int(np.flatnonzero(differ)[np.argmin(second[differ])])
        i, j = int(first[k]), int(second[k])
        raise InputError(
            f"{path.name}: {int(differ.sum())} point(s) have two values, the first at ({values[j, 0]:g}, {values[j, 1]:g}): "
            f"{values[i, 2]:g} in line {table.lines[i]}, {values[j, 2]:g} in line {table.lines[j]}"
        )
    return [f"{path.name}: {len(twice)} line(s) repeat a point and its value, the first is line {table.lines[second.min()]}"]
