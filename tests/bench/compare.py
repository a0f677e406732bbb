"""A run of benches beside the figures that are kept: ``python tests/bench/compare.py [RUN.json [KEPT.json]]``.

Each figure that was measured several times, in runs that alternate, spans a range; it has changed where its range and the kept one do not
meet. An exact figure has changed where the digits that are shown differ. A figure that was measured once in both tells no noise, and is not
judged.

`wavetrain bench all` makes RUN.json (build/bench/all.json). ``python tests/bench/compare.py --keep RUN.json...`` keeps one, or several runs
of the same program together, which then tell the noise of what each measured once.
"""

import copy
import json
import math
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.commands import bench_record
from jobs.commands.bench import Figure
from jobs.commands.bench_all import OUT, flat
from pipeline.core.errors import InputError
from pipeline.store.writer import write_text

KEPT = Path(__file__).resolve().parent / "kept.json"
DIGITS = 3


@dataclass(frozen=True, slots=True)
class Change:
    """A figure's values of a run and the kept ones, of which neither are empty."""

    name: str
    kept: list[float]
    now: list[float]

    @property
    def ratio(self) -> float:
        """The median over the kept one; infinite where that is zero."""
        before, after = statistics.median(self.kept), statistics.median(self.now)
        return after / before if before else math.inf


def values(figure: Figure) -> list[float]:
    """All values of a figure; one that is exact has one, and an absent one none."""
    return [] if figure is None else list(figure) if isinstance(figure, list) else [figure]


def shown(value: float) -> str:
    return f"{value:.{DIGITS}g}"


def span(some: list[float]) -> str:
    """The median of ``some`` values, and their range."""
    return shown(statistics.median(some)) + (f" ({shown(min(some))} to {shown(max(some))})" if len(some) > 1 else "")


def judged(kept: Figure, now: Figure) -> bool:
    """Whether they are exact, or the noise is known from one at least."""
    return not isinstance(kept, list) or not isinstance(now, list) or max(len(kept), len(now)) > 1


def has_changed(kept: list[float], now: list[float]) -> bool:
    """Whether the ranges of two figures do not meet, and differ in the digits that are shown."""
    apart = min(now) > max(kept) or max(now) < min(kept)
    return apart and shown(statistics.median(now)) != shown(statistics.median(kept))


def compared(kept: dict[str, Figure], now: dict[str, Figure]) -> tuple[list[Change], dict[str, list[str]]]:
    """The figures that have changed, the largest change first; and names of all the others, by what is said of them."""
    changes, rest = [], {"within the noise": [], "measured once, and not judged": [], "absent now": [], "not kept": []}
    for name in sorted(kept.keys() | now.keys()):
        before, after = values(kept.get(name)), values(now.get(name))
        if not before and not after:
            continue
        if not after:
            rest["absent now"].append(name)
        elif not before:
            rest["not kept"].append(name)
        elif not judged(kept[name], now[name]):
            rest["measured once, and not judged"].append(name)
        elif has_changed(before, after):
            changes.append(Change(name, before, after))
        else:
            rest["within the noise"].append(name)
    return sorted(changes, key=lambda one: -_size(one.ratio)), rest


def _size(ratio: float) -> float:
    return abs(math.log(ratio)) if 0.0 < ratio < math.inf else math.inf


def where(run: dict[str, Any]) -> str:
    """The machine of ``run``, and its load at the ends of the benches: elapsed times grow with it."""
    loads = [bench["load"] for bench in run["benches"].values()] or [math.nan]
    return f"{run['machine']}, load {min(loads):.1f} to {max(loads):.1f}"


def report(kept: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The comparison of two runs of benches, line by line."""
    lengths = [{name: bench["brief"] for name, bench in run["benches"].items()} for run in (kept, now)]
    unlike = {name for name in lengths[0].keys() & lengths[1].keys() if lengths[0][name] != lengths[1][name]}
    both = [flat({name: bench for name, bench in run["benches"].items() if name not in unlike}) for run in (kept, now)]
    changes, rest = compared(*both)
    lines = [f"kept: {where(kept)}", f"now:  {where(now)}"]
    lines += [f"NOTE: {name} is brief in one of the two, and not compared" for name in sorted(unlike)]
    if kept["machine"] != now["machine"]:
        lines.append("NOTE: two machines: speeds differ with them")
    lines += [f"NOTE: {name} failed: {why}" for name, why in now["failed"].items()]
    lines += [f"{one.name:<44} {span(one.kept):>32} -> {span(one.now):<32} x {one.ratio:.3g}" for one in changes]
    lines.append(f"changed by more than the noise: {len(changes)}")
    lines += [f"{said}: {len(names)}" for said, names in rest.items()]
    lines += [f"  {said}: {', '.join(names)}" for said, names in rest.items() if names and said in ("absent now", "not kept")]
    return lines


def pooled(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The first of ``runs``, with all values that any of them measured."""
    found = copy.deepcopy(runs[0])
    for run in runs[1:]:
        for name, bench in run["benches"].items():
            figures = found["benches"].setdefault(name, copy.deepcopy(bench) | {"figures": {}})["figures"]
            for key, figure in bench["figures"].items():
                before = figures.get(key)
                exact = before == figure and not isinstance(figure, list)
                figures[key] = figure if exact or key not in figures else [*values(before), *values(figure)] or None
    return found


def main(words: list[str]) -> int:
    """Print the comparison, or keep runs; 2 where a file is none."""
    try:
        if words[:1] == ["--keep"]:
            write_text(KEPT, json.dumps(pooled([bench_record.read(Path(word)) for word in words[1:] or [OUT]]), indent=1) + "\n")
            return 0
        run, kept = [*map(Path, words), *(OUT, KEPT)[len(words) :]][:2]
        print("\n".join(report(bench_record.read(kept), bench_record.read(run))))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
