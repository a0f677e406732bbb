"""Changes of a case with which its run may go on from its state: its end, how often and how it writes, and further gauges.

Times of frames that are written stay. All else would be another run.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FREE = ("title", "output", "observed")  # sections that change no state
TIMES = ("time.end", "time.every")


@dataclass(frozen=True, slots=True)
class Changes:
    """Differences between two cases: key paths to the values before and after, None where there is none."""

    free: Mapping[str, tuple[Any, Any]]  # what may change as a run goes on
    other: Mapping[str, tuple[Any, Any]]  # what makes another run of it

    @property
    def gauges(self) -> list[str]:
        """Names of the gauges that were added."""
        return [key.removeprefix("gauges.") for key in self.free if key.startswith("gauges.")]

    @property
    def words(self) -> str:
        """The changes, such as "time.end 4.0 to 8.0"."""
        return ", ".join(f"{key} {_shown(before)} to {_shown(after)}" for key, (before, after) in self.free.items())


def changes(before: str, after: str) -> Changes:
    """Differences between the cases with the TOML texts ``before`` and ``after``.

    Raises
    ------
    ValueError
        Either text is not TOML.
    """
    free: dict[str, tuple[Any, Any]] = {}
    other: dict[str, tuple[Any, Any]] = {}
    for key, old, new in _differences(tomllib.loads(before), tomllib.loads(after)):
        added = key.startswith("gauges.") and old is None
        may = added or key in TIMES or key.partition(".")[0] in FREE
        (free if may else other)[key] = old, new
    return Changes(free, other)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Key paths of at most two keys, and the values there where they differ."""
    for section in dict.fromkeys([*before, *after]):
        old, new = before.get(section), after.get(section)
        if not all(isinstance(one, Mapping | None) for one in (old, new)):
            if old != new:
                yield section, old, new
            continue
        one, two = old or {}, new or {}
        for key in dict.fromkeys([*one, *two]):
            if one.get(key) != two.get(key):
                yield f"{section}.{key}", one.get(key), two.get(key)


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
