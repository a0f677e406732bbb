"""Malformed TOML: tables of real cases and campaigns with what does not belong there, and the judge of what comes of them.

Hypothesis makes what is structured, atheris mutates bytes guided by the coverage of the code that reads them.
"""

import contextlib
import copy
import io
import math
import traceback
from collections import Counter
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import tomli_w
from hypothesis import strategies as st

from jobs.campaign.catalogue import HERE
from jobs.campaign.execute import execute
from pipeline.core.case import read_toml
from pipeline.core.errors import InputError, RunError

SEEDS = sorted([*(HERE / "cases").glob("*.toml"), *(HERE / "campaigns").glob("*.toml")])
SITES = sorted((HERE / "sites").glob("*.toml"))
HOSTILE: list[Any] = [
    *(0, -1, 1, 3, 2**31, 2**63, -(2**63) - 1, 10**400, 0.0, -0.0, 1e-308, -1e308, 1e308, math.nan, math.inf, -math.inf),
    *("", " ", "x", "1e400 m", "-5 m", "nan m", "m", "1 m m", "1 / 0 m", "0x10", "é", "\0", "\n", "../..", "/", "~", "a" * 5000),
    *("; rm -rf x", "$(touch x)", "<script>", "%n", "{{ 7 * 7 }}", "1 " + "m" * 300, "9" * 5000, "2 ** 99999999 m", "(" * 300),
    *(True, False, date(2000, 1, 1), datetime(2000, 1, 1, 1), time(1, 1), [], [[]], [[], {}], {}, {"": {}}, {"kind": "x"}, {"kind": 1}),
    *([0], [1.0, 2.0], ["x"], [[1.0], [2.0]], [{}], [1.0, "x", []], list(range(50)), {"a": 1}, {"kind": "flat", "depth": "x"}),
]


def _nested(depth: int) -> Any:
    """A list in a list, so deep."""
    found: Any = 1
    for _ in range(depth):
        found = [found]
    return found


KEYS = st.sampled_from(["", "x", "kind", "mesh", "solver", "time", "run", "stage", "sweep", "title", "a.b", "é", "\n", "__class__", "seed"])
LEAVES = st.one_of(st.sampled_from(HOSTILE), st.integers(), st.floats(), st.text(max_size=20), st.builds(_nested, st.integers(1, 60)))
VALUES = st.recursive(LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)), max_leaves=6)
CHANGES = st.lists(
    st.tuples(st.integers(0, 10**6), st.sampled_from(["replace", "drop", "add", "rename", "hoist"]), KEYS, VALUES), min_size=1, max_size=4
)


def places(table: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to all values in ``table``."""
    found = []
    for key, value in table.items() if isinstance(table, dict) else enumerate(table):
        found.append((*before, key))
        if isinstance(value, dict | list):
            found += places(value, (*before, key))
    return found


def changed(table: dict[str, Any], changes: list[tuple[int, str, str, Any]]) -> dict[str, Any]:
    """``table`` with ``changes``, each at one of its places."""
    for number, what, key, drawn in changes:
        value = copy.deepcopy(drawn)  # or the next change would be one of what others draw
        known = places(table)
        if not known:
            break
        *parents, last = known[number % len(known)]
        place: Any = table
        for parent in parents:
            place = place[parent]
        if what == "drop":
            del place[last]
        elif what == "add" and isinstance(place, dict):
            place[key] = value
        elif what == "rename" and isinstance(place, dict):
            place[key] = place.pop(last)
        elif what == "hoist":
            table[key] = place[last]
        else:
            place[last] = value
    return table


def as_toml(table: dict[str, Any]) -> str | None:
    """TOML text; None where a table can't be written."""
    try:
        return tomli_w.dumps(table)
    except (TypeError, ValueError, RecursionError):
        return None


class Judge:
    """Counts what comes of inputs; an exception that the command does not tell in one line is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.counts, self.bad = folder, Counter[str](), {}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "case.toml").write_bytes(b"")

    def __call__(self, raw: bytes, suffix: str = "case.toml", **named: Any) -> str:
        """Give the file ``raw`` to what stands behind the command ``run``; says what came of it."""
        path = self.folder / suffix
        path.write_bytes(raw)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                execute(path, out=self.folder / "out", **({"dry_run": True, "quiet": True} | named))
            found = "taken"
        except InputError as error:
            found = "refused" if str(error).strip() else self._keep(raw, "an empty message")
        except RunError as error:
            found = "failed" if not named.get("dry_run", True) else self._keep(raw, f"RunError: {error}")
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)
            own = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in where if "site-packages" not in frame.filename]
            found = self._keep(raw, f"{type(error).__name__}: {str(error)[:150]} at {own[-1] if own else where[-1]}")
        self.counts[found] += 1
        return found

    def _keep(self, raw: bytes, why: str) -> str:
        key = why.rpartition(" at ")[2] or why
        self.bad.setdefault(key, (why, raw))
        return "bad"


def seed_tables() -> list[dict[str, Any]]:
    """The tables of all cases and campaigns that come with Wavetrain; a campaign has its cases in it."""
    found = []
    for path in SEEDS:
        table = read_toml(path)
        for entry in table.get("run", {}).values():
            if isinstance(entry.get("case"), str):  # a refined run has that of the runs that it is made from
                entry["case"] = read_toml(path.parent / entry["case"])
        found.append(table)
    return found
