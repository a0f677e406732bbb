"""How a run is shown as it goes: a live line in a terminal, plain lines elsewhere, events for a parent process.

A run on several ranks is started by a parent, which reads the events (one JSON object a line) of rank 0 and shows them.
"""

import json
import os
import sys
import time
from typing import Any, Protocol

from solvers.core.run import Progress

EVENTS = "WAVETRAIN_EVENTS"  # set by the parent in the environment of the ranks
LINE = "%(asctime)s %(levelname)s %(message)s"  # of a log
EVERY_EVENT = 0.2  # [s] between two events
EVERY_LINE = 5.0  # [s] between two plain lines


class Show(Protocol):
    """Shows progress; a context manager."""

    def __call__(self, p: Progress) -> None: ...
    def __enter__(self) -> "Show": ...
    def __exit__(self, *exception: object) -> None: ...


class Silent:
    """Shows nothing."""

    def __call__(self, p: Progress) -> None:
        pass

    def __enter__(self) -> "Silent":
        return self

    def __exit__(self, *exception: object) -> None:
        pass


class Events(Silent):
    """One JSON line an event, for a parent process."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, p: Progress) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + EVERY_EVENT
            emit("progress", t=p.t, end=p.end, dt=p.dt, step=p.step, mass_drift=p.mass_drift, wall=p.wall)


class Lines(Silent):
    """A plain line every few seconds."""

    def __init__(self, name: str) -> None:
        self._name, self._next = name, time.monotonic() + EVERY_LINE

    def __call__(self, p: Progress) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + EVERY_LINE
            print(f"{self._name}: {describe(p)}", flush=True)


class Live(Silent):
    """A bar that is drawn in place."""

    def __init__(self, name: str) -> None:
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("[bold]{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[facts]}"), transient=True
        )
        self._task = self._bar.add_task(name, total=1.0, facts="")
        self._next = 0.0

    def __enter__(self) -> "Live":
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def __call__(self, p: Progress) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + EVERY_EVENT
            self._bar.update(self._task, completed=p.t / p.end, facts=describe(p))


def describe(p: Progress) -> str:
    """One line: simulated time, wall time left, step, mass drift."""
    left = p.wall * (p.end - p.t) / p.t if p.t > 0.0 else float("nan")
    return f"t = {p.t:.4g} of {p.end:.4g} s, {left:.0f} s left, dt = {p.dt:.3g} s, step {p.step}, mass drift {p.mass_drift:+.1e}"


def emit(event: str, **facts: Any) -> None:
    """Send an event to the parent process."""
    print(json.dumps({"event": event, **facts}), flush=True)


def has_parent() -> bool:
    """Whether a parent process reads this one's events."""
    return EVENTS in os.environ


def show(name: str, *, quiet: bool, lead: bool) -> Show:
    """The way of showing that fits where the output goes."""
    if not lead or quiet:
        return Silent()
    if has_parent():
        return Events()
    return Live(name) if sys.stdout.isatty() else Lines(name)
