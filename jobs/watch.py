"""How a status is shown: lines, and a table that is drawn anew until all has ended."""

import sys
import time
from pathlib import Path
from typing import Any

from jobs.status import Status, Step, status

EVERY = 2.0  # [s] between two looks
MARKS = {
    "done": "green",
    "running": "cyan",
    "failed": "red",
    "lost": "red",
    "blocked": "yellow",
    "held": "yellow",
    "cancelled": "yellow",
    "stopped": "yellow",
}


def lines(found: Status) -> list[str]:
    """A line a step, and one that counts."""
    rows = [_row(step) for step in found.steps]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(5)]
    told = ["  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip() for row in rows]
    counts = {state: sum(step.state == state for step in found.steps) for state in dict.fromkeys(step.state for step in found.steps)}
    return [*told, ", ".join(f"{count} {state}" for state, count in counts.items()), *([found.slurm] if found.slurm else [])]


def _row(step: Step) -> tuple[str, str, str, str, str, str]:
    where = " ".join(filter(None, [f"job {step.job}" if step.job else "", step.node]))
    gone = "" if step.progress is None else f"{step.progress:.0%}"
    left = "" if step.left is None or step.state != "running" else f"{_time(step.left)} left"
    return step.name, step.state, gone, left, where, step.note


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def watch(folder: Path) -> Status:
    """Show how the campaign in ``folder`` goes, until nothing does: a live table, or plain lines where there is no terminal."""
    if sys.stdout.isatty():
        return _live(folder)
    before: list[str] = []
    while True:
        found = status(folder)
        now = lines(found)
        if now != before:
            print("\n".join(now), flush=True)
        before = now
        if found.ended:
            return found
        time.sleep(EVERY)


def _live(folder: Path) -> Status:
    from rich.live import Live

    found = status(folder)
    with Live(_table(found), auto_refresh=False) as live:
        while not found.ended:
            time.sleep(EVERY)
            found = status(folder)
            live.update(_table(found), refresh=True)
    return found


def _table(found: Status) -> Any:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(found.title) or None, caption=found.slurm or None)
    for heading in ("step", "state", "done", "left", "where", "note"):
        table.add_column(heading)
    for step in found.steps:
        name, state, *rest = _row(step)
        colour = MARKS.get(step.state)
        table.add_row(escape(name), f"[{colour}]{state}[/]" if colour else state, *map(escape, rest))
    return table
