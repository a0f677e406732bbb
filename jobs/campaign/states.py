"""States of a step, as tables: of its signs, in its files and in SLURM's word on its job, the first that holds says the state.

A whole result is a result, whatever became of its job; a held lock is a process at work, whatever SLURM has forgotten; a job that SLURM
runs or keeps waiting is not lost, though its files stand still.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jobs.campaign.log_errors import error_in
from jobs.local.progress import PROGRESS
from jobs.slurm.answers import NEVER, Word
from pipeline.core.data import text_of

STOPPED = ": stopped at t ="  # of a run that was asked to
GOES_ON = "the same command goes on from its checkpoint"
ASKED = re.compile(r"CANCELLED AT [^ ]+ \*\*\*")  # by somebody; else SLURM says DUE TO what


@dataclass(frozen=True)
class Signs:
    """Signs of the state of a step; files are read when they are asked for."""

    place: Path  # the step's folder, or where there is none, the campaign's
    job: str  # in SLURM; empty where it has none
    word: Word | None  # SLURM's on the job
    by_us: bool  # whether `wavetrain cancel` has cancelled the job
    logs: Sequence[Path]
    result: Callable[[], bool]  # whether it is there, whole
    holder: Mapping[str, Any] | None = None  # the process that is at work in the folder

    @property
    def goes(self) -> bool:
        return self.word is not None and self.word.goes

    @property
    def held(self) -> bool:
        return self.word is not None and self.word.held

    @property
    def waits(self) -> bool:
        return self.word is not None and self.word.waits

    @property
    def completed(self) -> bool:
        return self.word is not None and self.word.state == "COMPLETED"

    @property
    def never(self) -> bool:
        return self.word is not None and self.word.reason == NEVER

    @property
    def cancelled(self) -> bool:
        """Whether its job was cancelled, by this command or by another."""
        return self.by_us or (self.word is not None and self.word.cancelled)

    @cached_property
    def error(self) -> str:
        """The error that its logs tell."""
        return error_in(self.logs)

    @cached_property
    def checkpoint(self) -> bool:
        """Whether it may go on from where it was."""
        return (self.place / "restart.h5").exists()

    @property
    def stopped(self) -> bool:
        """Whether it was asked to stop, and has saved its state."""
        return self.checkpoint and (self.by_us or STOPPED in self.error or not (self.word or self.error))


@dataclass(frozen=True, slots=True)
class State:
    """A line of the tables."""

    name: str
    holds: Callable[[Signs], Any]
    note: Callable[[Signs], str] = lambda signs: ""
    is_part: bool = False  # of the simulated time: how far it came is shown


def part_of(place: Path, *, at_work: bool) -> dict[str, Any]:
    """Progress of a run and, of one ``at_work``, its time left [s], from its own note; empty where there is none."""
    try:
        noted = json.loads(text_of(place / PROGRESS) or "{}")
        return {"progress": noted["t"] / noted["end"], "left": noted["left"] if at_work else None}
    except (json.JSONDecodeError, KeyError):
        return {}


def _released(job: str) -> str:
    """A hint on a ``job`` that is held."""
    return f"`scontrol release {job}` lets it go"


def _words(word: Word | None) -> str:
    """SLURM's ``word``, with its reason; empty where there is none."""
    if word is None:
        return ""
    return f"SLURM says {word.state}" + (f", {word.reason}" if word.reason else "")


def _queued(signs: Signs) -> str:
    """A note on a job that waits in SLURM's queue, or is held there until somebody lets it go."""
    assert signs.word is not None
    note = signs.word.reason or signs.word.state
    return f"{note}: {_released(signs.job)}" if signs.held else note


def _queued_again(signs: Signs) -> str:
    """The same of a step, which may have begun before."""
    return f"{'goes on from its checkpoint; ' if signs.checkpoint else ''}{_queued(signs)}"


def _though(signs: Signs) -> str:
    """A note on a whole result where SLURM sees it otherwise; else empty."""
    word = signs.word
    if signs.held:
        return f"though {_words(word)}: {_released(signs.job)}"
    return f"though SLURM says {word.state}" if word and not (word.waits or signs.completed) else ""


def _at_work(signs: Signs) -> str:
    """A note on a step at work: its process, and where files and SLURM disagree."""
    holder, word = signs.holder, signs.word
    if holder and word and not word.goes:
        return f"process {holder.get('pid')} is at work, though {_words(word)}"
    if holder and word is None:
        return f"process {holder.get('pid')}"
    return "" if holder else f"no process is at work in its folder: starting, ending, or lost with its node{_last_sign(signs.place)}"


def _last_sign(place: Path) -> str:
    """The time at which a run that is no longer at work noted where it stood."""
    try:
        noted = json.loads(text_of(place / PROGRESS) or "{}")["noted"]
    except (json.JSONDecodeError, KeyError):
        return ""
    return f"; its last sign is {max(0.0, time.time() - noted):.0f} s old"


STEP = (
    State("running", lambda s: s.holder or s.goes, _at_work, is_part=True),
    State("done", lambda s: s.result(), _though),
    State("held", lambda s: s.held, _queued_again, is_part=True),
    State("waiting", lambda s: s.waits, _queued_again, is_part=True),
    State("stopped", lambda s: s.stopped, lambda s: s.error or GOES_ON, is_part=True),
    State("lost", lambda s: s.completed, lambda s: s.error or "SLURM says COMPLETED, but there is no whole result"),
    State("blocked", lambda s: s.never and not s.by_us, lambda s: "what it reads failed"),
    State("cancelled", lambda s: s.cancelled, lambda s: GOES_ON if s.checkpoint else "", is_part=True),
    State("cancelled", lambda s: not s.word and ASKED.search(s.error), lambda s: GOES_ON if s.checkpoint else "", is_part=True),
    State("failed", lambda s: s.word or s.error, lambda s: s.error or _words(s.word), is_part=True),
    State("lost", lambda s: s.job, lambda s: "SLURM no longer knows its job, and there is no result"),
    State("waiting", lambda s: True),
)
PAGE = (  # which has a job, no process that holds its folder, and nothing to go on from
    State("running", lambda s: s.goes),
    State("held", lambda s: s.held, _queued),
    State("waiting", lambda s: s.waits, _queued),
    State("done", lambda s: s.result()),
    State("cancelled", lambda s: s.cancelled),
    State("failed", lambda s: s.error, lambda s: s.error),
    State("failed", lambda s: s.word and not s.completed, lambda s: _words(s.word)),
    State("lost", lambda s: True, lambda s: f"there is no page: `wavetrain report {s.place}` writes it"),
)


def state_of(signs: Signs, table: Sequence[State]) -> State:
    """The state in ``table`` that ``signs`` say: the first that holds, and the last always does."""
    return next(state for state in table if state.holds(signs))
