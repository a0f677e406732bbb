"""Status of a campaign: by its files, by SLURM, and which of the two is right where they disagree.

A whole result is a result, whatever became of its job; a held lock is a process at work, whatever SLURM has forgotten; a job that SLURM
runs or keeps waiting is not lost, though its files stand still.
"""

import json
import os
import re
import signal
import time
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jobs import lock, queue, record, slurm
from jobs.answers import Word
from jobs.progress import PROGRESS
from jobs.record import Listed
from pipeline.campaign import REPORT
from pipeline.data import text_of
from pipeline.errors import RunError
from pipeline.provenance import hash_of

ENDED = ("done", "failed", "cancelled", "lost", "blocked")
STANDS = (*ENDED, "stopped", "held")  # until somebody does something
STOPPED = ": stopped at t ="  # of a run that was asked to
NEVER = "DependencyNeverSatisfied"
GOES_ON = "the same command goes on from its checkpoint"
NEVER_THERE = ("failed", "blocked", "lost", "cancelled", "stopped")  # what reads a result of these waits in vain
FEW = 3  # names in a note
ATTEMPT = "=== attempt "
ASKED = re.compile(r"CANCELLED AT [^ ]+ \*\*\*")  # by somebody; else SLURM says DUE TO what
ERROR = re.compile(
    r"^(error: .*|.* ERROR .*|(slurmstepd|srun|sbatch)[^:]*: error: .*|\w*(Error|Exception)\b.*"
    r"|.*: (command )?not found.*|.*: line \d+: .*)$"
)
BEGINS = re.compile(r"^(error: |[\d\- :,]+ ERROR )")


@dataclass(frozen=True, slots=True)
class Step:
    """The state of a run, a stage or the page."""

    name: str
    kind: str  # run, stage, or page
    state: str  # waiting, running, unknown, or one of STANDS
    note: str = ""  # why, in a line
    job: str = ""
    node: str = ""
    progress: float | None = None  # of the simulated time
    left: float | None = None  # [s] of wall time


@dataclass(frozen=True, slots=True)
class Status:
    """All steps of a campaign, in its order; last the page, where a job of its own writes it."""

    title: str
    steps: list[Step]
    slurm: str  # what is to be said of SLURM itself; empty where nothing

    @property
    def ended(self) -> bool:
        """Whether nothing is at work, nor waits for what will come by itself."""
        return all(step.state in STANDS for step in self.steps)


def status(folder: Path) -> Status:
    """The status of the campaign in ``folder``.

    Raises
    ------
    InputError
        None was begun there.
    """
    title, steps = record.listed(folder)
    given = record.submitted(folder).get("steps", {})
    ended = record.cancelled(folder)
    words = queue.ask(step["job"] for step in given.values())
    found: dict[str, Step] = {}
    held: set[str] = set()  # what SLURM keeps all that depends on it waiting for, though it may be done
    for step in steps:
        job = given.get(step.name, {}).get("job", "")
        word = (words or {}).get(job)
        own = _step(step, folder, job, word, _logs(folder, given.get(step.name), step.folder), cancelled=job in ended)
        found[step.name] = _behind(own, step.needs, found, held, known=word is not None)
        if found[step.name].state == "held" or (word and word.held):
            held.add(step.name)
    if slurm.PAGE in given:
        job = given[slurm.PAGE]["job"]
        own = _page(folder, job, (words or {}).get(job), _logs(folder, given[slurm.PAGE], slurm.PAGE), cancelled=job in ended)
        found[slurm.PAGE] = _behind(own, tuple(found), found, held, known=True)
    silent = "SLURM does not answer: this is what the files say" if given and words is None else ""
    return Status(title, [_unsure(step) if silent else step for step in found.values()], silent)


def _unsure(step: Step) -> Step:
    """Mark a lost ``step`` as unknown where SLURM does not answer: that its job is gone can't be known."""
    return replace(step, state="unknown", note="no sign of it in the files, and SLURM does not answer") if step.state == "lost" else step


def _step(step: Listed, folder: Path, job: str, word: Word | None, logs: Sequence[Path], *, cancelled: bool) -> Step:
    """The state of ``step``: ``word`` is SLURM's on its ``job``, which ``wavetrain cancel`` has ``cancelled`` or not."""
    place = folder / step.folder
    where: dict[str, Any] = {"job": job, "node": word.node if word else ""}
    holder = lock.holder(place)
    if holder or (word and word.goes):
        return Step(
            step.name, step.kind, "running", _told(place, holder, word), **_going(place, holder, word) | where | _node(holder, word)
        )
    if _has_result(step, place):
        return Step(step.name, step.kind, "done", _though(word, job), progress=1.0, **where)
    part = _going(place, None, None)
    if word and word.waits:
        return _waits(Step(step.name, step.kind, "waiting", **part | where), word, checkpoint=_may_go_on(place))
    state, note = _ended(place, job, word, error_in(logs), cancelled=cancelled)
    return Step(step.name, step.kind, state, note, **(part if state in ("stopped", "cancelled", "failed") else {}) | where)


def _ended(place: Path, job: str, word: Word | None, error: str, *, cancelled: bool) -> tuple[str, str]:
    """State and note of a step that is not at work, does not wait in SLURM's queue, and has no result; ``error`` is its log's."""
    if _may_go_on(place) and (cancelled or STOPPED in error or not (word or error)):
        return "stopped", error or GOES_ON
    if word and word.state == "COMPLETED":
        return "lost", error or "SLURM says COMPLETED, but there is no whole result"
    if word and word.reason == NEVER and not cancelled:
        return "blocked", "what it reads failed"
    if cancelled or (word and word.cancelled) or (not word and ASKED.search(error)):
        return "cancelled", GOES_ON if _may_go_on(place) else ""
    if word or error:
        return "failed", error or _slurms(word)
    return ("lost", "SLURM no longer knows its job, and there is no result") if job else ("waiting", "")


def _may_go_on(place: Path) -> bool:
    return (place / "restart.h5").exists()


def _has_result(step: Listed, place: Path) -> bool:
    """Whether there is a whole result, and a run's is of the case as it is in the campaign now."""
    if step.kind == "stage":
        return (place / "result.json").exists()
    if not ((place / "run.h5").exists() and (place / "summary.json").exists()):
        return False
    return hash_of(text_of(place / "case.toml") or "") == step.case


def _page(folder: Path, job: str, word: Word | None, logs: Sequence[Path], *, cancelled: bool) -> Step:
    """The state of the page, which ``job`` writes after all others."""
    where: dict[str, Any] = {"job": job, "node": word.node if word else ""}
    if word and word.goes:
        return Step(slurm.PAGE, "page", "running", **where)
    if word and word.waits:
        return _waits(Step(slurm.PAGE, "page", "waiting", **where), word)
    page, given = folder / REPORT, folder / record.PLACE / record.SUBMITTED
    if page.exists() and page.stat().st_mtime >= given.stat().st_mtime:
        return Step(slurm.PAGE, "page", "done", **where)
    if cancelled or (word and word.cancelled):
        return Step(slurm.PAGE, "page", "cancelled", **where)
    told = error_in(logs) or (_slurms(word) if word and word.state != "COMPLETED" else "")
    if told:
        return Step(slurm.PAGE, "page", "failed", told, **where)
    return Step(slurm.PAGE, "page", "lost", f"there is no page: `wavetrain report {folder}` writes it", **where)


def _waits(step: Step, word: Word, *, checkpoint: bool = False) -> Step:
    """A ``step`` whose job waits in SLURM's queue, or is held there until somebody lets it go."""
    note = f"{'goes on from its checkpoint; ' if checkpoint else ''}{word.reason or word.state}"
    return replace(step, state="held", note=f"{note}: {_released(step.job)}") if word.held else replace(step, note=note)


def _released(job: str) -> str:
    return f"`scontrol release {job}` lets it go"


def _though(word: Word | None, job: str) -> str:
    """A note on a whole result where SLURM sees it otherwise; else empty."""
    if word and word.held:
        return f"though {_slurms(word)}: {_released(job)}"
    return f"though SLURM says {word.state}" if word and not (word.waits or word.state == "COMPLETED") else ""


def _slurms(word: Word | None) -> str:
    if word is None:
        return ""
    return f"SLURM says {word.state}" + (f", {word.reason}" if word.reason else "")


def _told(place: Path, holder: Mapping[str, Any] | None, word: Word | None) -> str:
    """A note on a step at work: its process, and where files and SLURM disagree."""
    if holder and word and not word.goes:
        return f"process {holder.get('pid')} is at work, though {_slurms(word)}"
    if holder and word is None:
        return f"process {holder.get('pid')}"
    return "" if holder else f"no process is at work in its folder: starting, ending, or lost with its node{_last_sign(place)}"


def _last_sign(place: Path) -> str:
    """When a run that is no longer at work noted where it stood."""
    try:
        noted = json.loads(text_of(place / PROGRESS) or "{}")["noted"]
    except (json.JSONDecodeError, KeyError):
        return ""
    return f"; its last sign is {max(0.0, time.time() - noted):.0f} s old"


def _node(holder: Mapping[str, Any] | None, word: Word | None) -> dict[str, str]:
    return {"node": (word.node if word else "") or str((holder or {}).get("host", ""))}


def _going(place: Path, holder: Mapping[str, Any] | None, word: Word | None) -> dict[str, Any]:
    """Progress of a run and its time left [s], from its own note; empty where there is none."""
    try:
        noted = json.loads(text_of(place / PROGRESS) or "{}")
        left = noted["left"] if holder or word else None
        return {"progress": noted["t"] / noted["end"], "left": left}
    except (json.JSONDecodeError, KeyError):
        return {}


def _behind(own: Step, needs: Sequence[str], before: Mapping[str, Step], held: Set[str], *, known: bool) -> Step:
    """A step that waits for ``needs``: whether they will ever be there. What SLURM knows it blocks itself; it waits for all ``held``."""
    if own.state == "waiting" and own.job and (kept := [name for name in needs if name in held]):
        return replace(own, state="held", note=f"waits for {_few(kept)}")
    if (own.state == "waiting" and not own.job) or (own.state == "lost" and not known):
        bad = [name for name in needs if before[name].state in NEVER_THERE]
        return replace(own, state="blocked", note=f"{_few(bad)}: {before[bad[0]].state}") if bad else own
    return own


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")


def logs(folder: Path, name: str) -> list[Path]:
    """The logs of the run or stage ``name`` that there are: SLURM's, then its own."""
    given = record.submitted(folder).get("steps", {}).get(name)
    return _logs(folder, given, next((step.folder for step in record.listed(folder)[1] if step.name == name), name))


def _logs(folder: Path, given: Mapping[str, str] | None, own: str) -> list[Path]:
    """The logs that there are of the jobs ``given`` to SLURM, and in the step's ``own`` folder."""
    paths = [folder / record.PLACE / given["log"]] if given else []
    return [path for path in (*paths, folder / own / "log.txt") if path.exists()]


def error_in(logs: Iterable[Path]) -> str:
    """The first line that tells an error of the last attempt in ``logs``; empty where none does."""
    for path in logs:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        if path.name == "log.txt":  # an attempt that failed ends with the error
            lines = lines[-1:]
        begun = max((i for i, line in enumerate(lines) if line.startswith(ATTEMPT)), default=0)
        told = [line for line in lines[begun:] if ERROR.match(line)]
        if told:
            return BEGINS.sub("", next((line for line in told if line.startswith("error: ")), told[0]))
    return ""


def cancel(folder: Path) -> list[str]:
    """Cancel the waiting and running steps of the campaign in ``folder``, in SLURM and on this machine; returns the effect, in words.

    Runs save their state first where they are given the time.

    Raises
    ------
    RunError
        SLURM refuses.
    """
    _, steps = record.listed(folder)
    given = {name: step["job"] for name, step in record.submitted(folder).get("steps", {}).items()}
    words = queue.ask(given.values())
    left = {name: job for name, job in given.items() if words is None or (job in words and (words[job].waits or words[job].goes))}
    if left and (refused := queue.cancel(left.values(), words or {})):
        raise RunError(f"SLURM does not cancel: {refused}")
    if left:
        record.note_cancelled(folder, left.values())
    told = [f"{name}: job {job} cancelled" for name, job in left.items()]
    for step in steps:
        holder = lock.holder(folder / step.folder)
        word = (words or {}).get(given.get(step.name, ""))
        if not holder or (word and word.goes):
            continue
        if holder.get("machine") != lock.machine():
            told.append(f"{step.name}: process {holder.get('pid')} on host {holder.get('host')} can only be stopped there")
            continue
        os.kill(holder["pid"], signal.SIGTERM)
        told.append(f"{step.name}: process {holder['pid']} was asked to stop")
    return told
