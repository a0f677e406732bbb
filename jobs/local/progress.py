"""Display of a run as it goes: a live line in a terminal, plain lines elsewhere, events for a parent process.

A run on several ranks is started by a parent, which reads the events (one JSON object a line) of rank 0 and shows them.
"""

import contextlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from jobs.local.processes import on_terminal
from pipeline.core.compiling import Tell
from pipeline.store.layout import part_name
from solvers.core.run import Progress

EVENTS = "WAVETRAIN_EVENTS"  # set by the parent in the environment of the ranks
LINE = "%(asctime)s %(levelname)s %(message)s"  # of a log
EVERY_EVENT = 0.2  # [s] between two events
EVERY_LINE = 5.0  # [s] between two plain lines
EVERY_NOTE = 2.0  # [s] between two notes
PROGRESS = "progress.json"


class Show(Protocol):
    """Display of a run's progress; a context manager, called with it after every step."""

    def __call__(self, p: Progress) -> None:
        """Show progress.

        Parameters
        ----------
        p
            Where the run stands.
        """

    def compiling(self, kernel: str | None) -> None:
        """Show which kernel is being compiled.

        Parameters
        ----------
        kernel
            Its name; None: none any more.
        """

    def __enter__(self) -> "Show": ...
    def __exit__(self, *exception: object) -> None: ...


class Silent:
    """Shows nothing."""

    def __call__(self, p: Progress) -> None:
        pass

    def compiling(self, kernel: str | None) -> None:
        pass

    def __enter__(self) -> "Silent":
        return self

    def __exit__(self, *exception: object) -> None:
        pass


class Events(Silent):
    """Events for a parent process, each a line of JSON."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, p: Progress) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + EVERY_EVENT
            emit("progress", t=p.t, end=p.end, dt=p.dt, step=p.step, conservation_error=p.conservation_error, wall=p.wall)

    def compiling(self, kernel: str | None) -> None:
        emit("compiling", kernel=kernel)


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

    def compiling(self, kernel: str | None) -> None:
        self._shown.compiling(kernel)

    def __call__(self, p: Progress) -> None:
        self._shown(p)
        self._first = self._first or p
        now = time.monotonic()
        if now >= self._next:
            self._next = now + EVERY_NOTE
            left = left_after(self._first, p)
            facts = {"t": p.t, "end": p.end, "step": p.step, "left": left, "host": socket.gethostname(), "noted": time.time()}
            part = part_name(self._path)
            with contextlib.suppress(OSError):  # a full disk stops the run elsewhere, with better words
                part.write_text(json.dumps(facts), encoding="utf-8")
                part.replace(self._path)


COMPILING = "compiling kernels"
ONCE = "once on this machine: what runs later loads them"


def aloud(text: str) -> None:
    """Print a line now."""
    print(text, flush=True)


def silent(text: str) -> None:
    """Print nothing."""


class Lines(Silent):
    """A plain line every few seconds."""

    def __init__(self, name: str, say: Callable[[str], Any] = aloud) -> None:
        self._name, self._say, self._next = name, say, time.monotonic() + EVERY_LINE
        self._first: Progress | None = None
        self._told = False

    def __call__(self, p: Progress) -> None:
        self._first = self._first or p
        now = time.monotonic()
        if now >= self._next:
            self._next = now + EVERY_LINE
            self._say(f"{self._name}: {describe(p, left_after(self._first, p))}")

    def compiling(self, kernel: str | None) -> None:
        if kernel and not self._told:
            self._told = True
            self._say(f"{self._name}: {COMPILING} ({ONCE})")


class Live(Silent):
    """A bar that is drawn in place; while kernels are compiled, a bar that only moves."""

    def __init__(self, name: str) -> None:
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("[bold]{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[facts]}"), transient=True
        )
        self._name = name
        self._task = self._bar.add_task(name, total=1.0, facts="")
        self._next = 0.0
        self._first: Progress | None = None

    def __enter__(self) -> "Live":
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def __call__(self, p: Progress) -> None:
        self._first = self._first or p
        now = time.monotonic()
        if now >= self._next:
            self._next = now + EVERY_EVENT
            self._bar.update(self._task, completed=p.t / p.end, facts=describe(p, left_after(self._first, p)))

    def compiling(self, kernel: str | None) -> None:
        if kernel:
            self._bar.update(self._task, description=f"{self._name}: {COMPILING}", total=None, facts=f"{kernel} ({ONCE})")
        else:
            self._bar.update(self._task, description=self._name, total=1.0, facts="")


class LiveCompiling(Silent):
    """A bar for work that has none of its own, while kernels are compiled."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._live: Live | None = None

    def compiling(self, kernel: str | None) -> None:
        if kernel and self._live is None:
            self._live = Live(self._name).__enter__()
        if kernel and self._live:
            self._live.compiling(kernel)
        elif self._live:
            self._live.__exit__()
            self._live = None

    def __exit__(self, *exception: object) -> None:
        self.compiling(None)


def left_after(first: Progress, p: Progress) -> float | None:
    """Wall time left [s] at ``p``, by the pace since ``first``: the first step loads kernels, and stands for none; None at first."""
    gone = p.t - first.t
    return (p.wall - first.wall) * (p.end - p.t) / gone if gone > 0.0 else None


def describe(p: Progress, left: float | None) -> str:
    """A line on a run: simulated time, wall time ``left`` [s] where it is known, step, conservation error."""
    words = "" if left is None else f"{left:.0f} s left, "
    return f"t = {p.t:.4g} of {p.end:.4g} s, {words}dt = {p.dt:.3g} s, step {p.step}, conservation error {p.conservation_error:+.1e}"


def emit(event: str, **facts: Any) -> None:
    """Send an event to the parent process."""
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")  # at once: a thread tells what is being compiled
    sys.stdout.flush()


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
        shown = Live(name) if on_terminal() else Lines(name)
    return Noted(folder, shown) if folder else shown


@contextlib.contextmanager
def say_compiling(name: str, say: Callable[[str], Any]) -> Iterator[Tell]:
    """Tell of kernels that several processes without progress of their own compile: a bar in a terminal, elsewhere a line to ``say``."""
    lock = threading.Lock()
    going = 0
    shown = LiveCompiling(name) if on_terminal() and say is not silent else Lines(name, say)

    def tell(kernel: str | None) -> None:
        nonlocal going
        with lock:
            going = max(going + (1 if kernel else -1), 0)
            if kernel or not going:
                shown.compiling(kernel)

    with shown:
        yield tell
