"""Display of a status: lines, and a table that is drawn anew until all has ended."""

import dataclasses
import time
from pathlib import Path
from typing import Any

from jobs.campaign.status import Status, Step, status
from jobs.local.processes import on_terminal

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
    """A line a step, and a line of counts."""
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


def facts(found: Status) -> dict[str, Any]:
    """Contents of `lines`, for programs: the keys stand in docs/command_line.md, and stay."""
    steps = [dataclasses.asdict(step) for step in found.steps]
    for step in steps:
        step["left_s"] = step.pop("left")
    return {"title": found.title, "ended": found.ended, "slurm": found.slurm, "steps": steps}


def watch(folder: Path) -> Status:
    """Show how the campaign in ``folder`` goes, until nothing does: a live table, or a line for what has changed where there is no
    terminal."""
    if on_terminal():
        return _live(folder)
    found = status(folder)
    print("\n".join(lines(found)), flush=True)
    before = {step.name: _seen(step) for step in found.steps}
    silent = found.slurm
    while not found.ended:
        time.sleep(EVERY)
        found = status(folder)
        for step in found.steps:
            if before.get(step.name) != _seen(step):
                print(f"{time.strftime('%H:%M:%S')}  " + "  ".join(filter(None, _row(step))), flush=True)
                before[step.name] = _seen(step)
        if found.slurm != silent:
            silent = found.slurm
            print(silent or "SLURM answers again", flush=True)
        if found.ended:
            print(lines(found)[len(found.steps)], flush=True)
    return found


def _seen(step: Step) -> tuple[Any, ...]:
    """Parts of a step's state whose change is worth a line: progress by tenths, and no time left, which changes always."""
    return step.state, step.note, step.job, step.node, None if step.progress is None else int(10.0 * step.progress)


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
