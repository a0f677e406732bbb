"""How a run is shown as it goes: a live line in a terminal, plain lines elsewhere, events for a parent process.

A run on several ranks is started by a parent, which reads the events (one JSON object a line) of rank 0 and shows them.
"""

import contextlib
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any, Protocol

from pipeline.layout import part_name
from solvers.core.run import Progress

EVENTS = "WAVETRAIN_EVENTS"  # set by the parent in the environment of the ranks
LINE = "%(asctime)s %(levelname)s %(message)s"  # of a log
EVERY_EVENT = 0.2  # [s] between two events
EVERY_LINE = 5.0  # [s] between two plain lines
EVERY_NOTE = 2.0  # [s] between two notes
PROGRESS = "progress.json"


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


class Noted(Silent):
    """Shows as another does, and notes in ``progress.json`` where the run stands, for `wavetrain status`."""

    def __init__(self, folder: Path, shown: Show) -> None:
        self._path, self._shown, self._next = folder / PROGRESS, shown, 0.0
        self._first: Progress | None = None

    def __enter__(self) -> "Noted":
        self._shown.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._shown.__exit__(*exception)

    def __call__(self, p: Progress) -> None:
        self._shown(p)
        self._first = self._first or p
        now = time.monotonic()
        if now >= self._next:
            self._next = now + EVERY_NOTE
            gone = p.t - self._first.t
            left = (p.wall - self._first.wall) * (p.end - p.t) / gone if gone > 0.0 else None
            facts = {"t": p.t, "end": p.end, "step": p.step, "left": left, "host": socket.gethostname(), "noted": time.time()}
            part = part_name(self._path)
            with contextlib.suppress(OSError):  # a full disk stops the run elsewhere, with better words
                part.write_text(json.dumps(facts), encoding="utf-8")
                part.replace(self._path)


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


def show(name: str, *, quiet: bool, lead: bool, folder: Path | None = None) -> Show:
    """The way of showing that fits where the output goes; noted in ``folder`` too, where it is given."""
    if not lead:
        return Silent()
    shown: Show
    if quiet:
        shown = Silent()
    elif has_parent():
        shown = Events()
    else:
        shown = Live(name) if sys.stdout.isatty() else Lines(name)
    return Noted(folder, shown) if folder else shown
