"""A run whose mesh is that of other runs, refined where their error is: ``refine = { run = "coarse", error = "2%" }`` in a campaign.

Its case is theirs, with a map of edge lengths (`pipeline.core.sizes`) that is found when they are done.
"""

import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.core import case as cases
from pipeline.core import params, plugin
from pipeline.core.case import Case
from pipeline.core.errors import InputError

KEYS = ("refine", "ranks", "time", "memory")  # of a run in a campaign that is refined: all else is of the runs that it names
MAP = "sizes"  # the mesh's key


@dataclass(frozen=True, slots=True)
class Refine:
    """The runs from which a mesh is refined, and the error that it shall have."""

    runs: tuple[str, ...]  # names, with those of the runs that these are refined from
    error: float  # root mean square error of the free surface over that of the free surface about its mean, as stage `decompose` has it


def asked(entry: Mapping[str, Any], where: str) -> tuple[list[str], float]:
    """The names and the error in the ``refine`` of a campaign's ``entry``, which stands at ``where``.

    Raises
    ------
    InputError
        Another key than `KEYS`, or a wrong value.
    """
    for key in entry:
        if key not in KEYS:
            known = ", ".join(KEYS)
            raise InputError(f"'{where}.{key}' beside '{where}.refine': its case is that of the runs it names; it can have: {known}")
    table = params.table_of(entry["refine"], f"{where}.refine")
    for key in table:
        if key not in ("run", "error"):
            raise InputError(f"unknown key '{where}.refine.{key}'{plugin.nearest(key, ('run', 'error'))}; there are: run, error")
    for key in ("run", "error"):
        if key not in table:
            raise InputError(f'key \'{where}.refine.{key}\' is missing, as in refine = {{ run = "coarse", error = "2%" }}')
    names = table["run"] if isinstance(table["run"], list) else [table["run"]]
    if not names or not all(isinstance(name, str) for name in names):
        raise InputError(f"'{where}.refine.run' is {table['run']!r}; it must be the name of a run or a sweep, or a list of them")
    return names, _fraction(table["error"], f"{where}.refine.error")


def _fraction(value: Any, where: str) -> float:
    """A ``value`` such as "2%" or 0.02 as a fraction."""
    number: Any = value
    if isinstance(value, str) and value.rstrip().endswith("%"):
        try:
            number = float(value.rstrip()[:-1]) / 100.0
        except ValueError:
            number = None
    if not params.is_number(number) or not 0.0 < number < 1.0:
        raise InputError(f"'{where}' is {value!r}; it must be a fraction between 0 and 1, or a percentage such as \"2%\"")
    return float(number)


def common_case(runs: Sequence[tuple[str, Case]], where: str) -> Case:
    """The case of the coarse ``runs`` (names and cases), without any map of sizes.

    Raises
    ------
    InputError
        They differ in more than edge lengths, or their mesh can't be refined.
    """
    name, first = runs[0]
    mesh = plugin.load("meshes", first.mesh.kind)
    if MAP not in {field.name for field in dataclasses.fields(mesh.Params)}:
        raise InputError(f"'{where}.refine' names {name!r}, whose mesh {first.mesh.kind!r} takes no map of edge lengths")
    params.build(mesh.Params, {**first.mesh.table, MAP: {"finest": 1.0, "rows": ["a"]}}, "mesh")  # one that goes with no map is refused now
    free = {MAP, *getattr(mesh, "SIZES", ("size",))}
    for other, case in runs[1:]:
        if _bare(case, free) != _bare(first, free):
            raise InputError(f"'{where}.refine' names {name!r} and {other!r}, which differ in more than the size of their meshes")
    return with_sizes(first, None)


def _bare(case: Case, free: set[str]) -> dict[str, Any]:
    """The case's table without the mesh's keys ``free``, and without what changes no state."""
    table = {key: value for key, value in tomllib.loads(case.text).items() if key not in ("title", "output", "observed", "gauges")}
    return table | {"mesh": {key: value for key, value in table["mesh"].items() if key not in free}}


def with_sizes(case: Case, sizes: Mapping[str, Any] | None) -> Case:
    """``case`` with the map ``sizes`` in its mesh's table, or without any."""
    table = tomllib.loads(case.text)
    table["mesh"].pop(MAP, None)
    if sizes is not None:
        table["mesh"][MAP] = dict(sizes)
    return cases.parse(table, case.folder)


def is_same_but_sizes(before: str, text: str) -> bool:
    """Whether the cases with the TOML texts ``before`` and ``text`` differ in their maps of sizes alone."""
    tables = []
    for one in (before, text):
        try:
            table = tomllib.loads(one)
        except ValueError:
            return False
        table.get("mesh", {}).pop(MAP, None)
        tables.append(table)
    return bool(tables[0] == tables[1])
