"""How a campaign goes: what the files say, what SLURM says, and which of the two is true where they disagree.

A whole result is a result, whatever became of its job; a held lock is a process at work, whatever SLURM has forgotten; a job that SLURM
runs or keeps waiting is not lost, though its files stand still.
"""

import json
import os
import re
import signal
import time
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jobs import lock, queue, record, slurm
from jobs.progress import PROGRESS
from jobs.queue import Word
from pipeline.campaign import REPORT, Run, Stage
from pipeline.data import text_of
from pipeline.errors import RunError

ENDED = ("done", "failed", "cancelled", "lost", "blocked")
STANDS = (*ENDED, "stopped", "held")  # until somebody does something
STOPPED = ": stopped at t ="  # of a run that was asked to
ATTEMPT = "=== attempt "
ERROR = re.compile(
    r"^(error: .*|.* ERROR .*|(slurmstepd|srun|sbatch)[^:]*: error: .*|\w*(Error|Exception)\b.*|.*: (command )?not found.*)$"
)
BEGINS = re.compile(r"^(error: |[\d\- :,]+ ERROR )")


@dataclass(frozen=True, slots=True)
class Step:
    """Where one run or stage stands."""

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
    """How the campaign in ``folder`` goes.

    Raises
    ------
    InputError
        None was begun there.
    """
    campaign = record.read(folder)
    given = record.submitted(folder).get("steps", {})
    words = queue.ask(step["job"] for step in given.values())
    found: dict[str, Step] = {}
    held: set[str] = set()  # what SLURM keeps all that depends on it waiting for, though it may be done
    for step in campaign.steps:
        job = given.get(step.name, {}).get("job", "")
        word = (words or {}).get(job)
        found[step.name] = _behind(_step(step, folder, job, word), slurm.needs(step), found, held)
        if found[step.name].state == "held" or (word and word.held):
            held.add(step.name)
    if slurm.PAGE in given:
        job = given[slurm.PAGE]["job"]
        found[slurm.PAGE] = _behind(_page(folder, job, (words or {}).get(job)), tuple(found), found, held)
    silent = "SLURM does not answer: this is what the files say" if given and words is None else ""
    return Status(campaign.title, [_unsure(step) if silent else step for step in found.values()], silent)


def _unsure(step: Step) -> Step:
    """What is said of ``step`` where SLURM does not answer: that its job is gone can't be known."""
    return replace(step, state="unknown", note="no sign of it in the files, and SLURM does not answer") if step.state == "lost" else step


def _step(step: Run | Stage, folder: Path, job: str, word: Word | None) -> Step:
    place = folder / (step.folder if isinstance(step, Run) else step.name)
    kind = "run" if isinstance(step, Run) else "stage"
    where: dict[str, Any] = {"job": job, "node": word.node if word else ""}
    holder = lock.holder(place)
    if holder or (word and word.goes):
        return Step(step.name, kind, "running", _told(place, holder, word), **_going(place, holder, word) | where | _node(holder, word))
    if record.has_result(step, folder) and _of_this(step, place):
        return Step(step.name, kind, "done", _though(word, job), progress=1.0, **where)
    part = _going(place, None, None)
    if word and word.waits:
        return _waits(Step(step.name, kind, "waiting", **part | where), word, checkpoint=(place / "restart.h5").exists())
    error = first_error(folder, step.name)
    if word and word.state == "COMPLETED":
        return Step(step.name, kind, "lost", error or "SLURM says COMPLETED, but there is no whole result", **where)
    if word:
        if error and STOPPED in error and (place / "restart.h5").exists():
            return Step(step.name, kind, "stopped", error, **part | where)
        state = "cancelled" if word.state.startswith("CANCELLED") else "failed"
        if state == "cancelled" and word.reason.startswith("Dependency"):
            return Step(step.name, kind, "blocked", "what it reads failed", **where)
        if state == "cancelled":
            return Step(step.name, kind, state, _never(place), **part | where)
        return Step(step.name, kind, state, error or _slurms(word), **part | where)
    if error:
        return Step(step.name, kind, "failed", error, **part | where)
    if (place / "restart.h5").exists():
        return Step(step.name, kind, "stopped", "the same command goes on from its checkpoint", **part | where)
    if job:
        return Step(step.name, kind, "lost", "SLURM no longer knows its job, and there is no result", **where)
    return Step(step.name, kind, "waiting", "", **where)


def _page(folder: Path, job: str, word: Word | None) -> Step:
    """Where the page stands that ``job`` writes, after all others."""
    where: dict[str, Any] = {"job": job, "node": word.node if word else ""}
    if word and word.goes:
        return Step(slurm.PAGE, "page", "running", **where)
    if word and word.waits:
        return _waits(Step(slurm.PAGE, "page", "waiting", **where), word)
    page, given = folder / REPORT, folder / record.PLACE / record.SUBMITTED
    if page.exists() and page.stat().st_mtime >= given.stat().st_mtime:
        return Step(slurm.PAGE, "page", "done", **where)
    if word and word.state.startswith("CANCELLED"):
        return Step(slurm.PAGE, "page", "cancelled", **where)
    told = first_error(folder, slurm.PAGE) or (_slurms(word) if word and word.state != "COMPLETED" else "")
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
    """What is to be said of a result that is whole, where SLURM sees it otherwise."""
    if word and word.held:
        return f"though {_slurms(word)}: {_released(job)}"
    return f"though SLURM says {word.state}" if word and not (word.waits or word.state == "COMPLETED") else ""


def _of_this(step: Run | Stage, place: Path) -> bool:
    """Whether a run's files are those of the case as it is in the campaign now."""
    return isinstance(step, Stage) or text_of(place / "case.toml") == step.case.text


def _never(place: Path) -> str:
    return "the same command goes on from its checkpoint" if (place / "restart.h5").exists() else ""


def _slurms(word: Word) -> str:
    return f"SLURM says {word.state}" + (f", {word.reason}" if word.reason else "")


def _told(place: Path, holder: Mapping[str, Any] | None, word: Word | None) -> str:
    """What is to be said where files and SLURM differ on what is at work."""
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
    """How far a run is, from its own note."""
    try:
        noted = json.loads(text_of(place / PROGRESS) or "{}")
        left = noted["left"] if holder or word else None
        return {"progress": noted["t"] / noted["end"], "left": left}
    except (json.JSONDecodeError, KeyError):
        return {}


def _behind(own: Step, needs: Iterable[str], before: Mapping[str, Step], held: Set[str]) -> Step:
    """A step that waits for ``needs``: whether they will ever be there. What SLURM has it blocks itself; it waits for all ``held``."""
    if own.state != "waiting":
        return own
    if own.job and (kept := [name for name in needs if name in held]):
        return replace(own, state="held", note=f"waits for {', '.join(kept)}")
    bad = [name for name in needs if before[name].state in ("failed", "blocked", "lost")]
    return replace(own, state="blocked", note=f"{', '.join(bad)} failed") if bad and not own.job else own


def logs(folder: Path, name: str) -> list[Path]:
    """The logs of the run or stage ``name`` that there are: SLURM's, then its own."""
    campaign = record.read(folder)
    given = record.submitted(folder).get("steps", {}).get(name, {})
    places = {step.name: step.folder if isinstance(step, Run) else step.name for step in campaign.steps}
    own = folder / places.get(name, name)
    paths = [folder / record.PLACE / given["log"]] if given else []
    return [path for path in (*paths, own / "log.txt") if path.exists()]


def first_error(folder: Path, name: str) -> str:
    """The first line of the last attempt of ``name`` that tells an error; empty where none does."""
    found = ""
    for path in logs(folder, name):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        if path.name == "log.txt":  # an attempt that failed ends with the error
            lines = lines[-1:]
        begun = max((i for i, line in enumerate(lines) if line.startswith(ATTEMPT)), default=0)
        told = [line for line in lines[begun:] if ERROR.match(line)]
        if told and not found:
            found = BEGINS.sub("", next((line for line in told if line.startswith("error: ")), told[0]))
    return found


def cancel(folder: Path) -> list[str]:
    """Cancel what waits or runs of the campaign in ``folder``, in SLURM and on this machine; returns what was done, in words.

    Runs save their state first where they are given the time.

    Raises
    ------
    RunError
        SLURM refuses.
    """
    campaign = record.read(folder)
    given = {name: step["job"] for name, step in record.submitted(folder).get("steps", {}).items()}
    words = queue.ask(given.values())
    left = {name: job for name, job in given.items() if words is None or (job in words and (words[job].waits or words[job].goes))}
    if left and (refused := queue.cancel(left.values(), words or {})):
        raise RunError(f"SLURM does not cancel: {refused}")
    told = [f"{name}: job {job} cancelled" for name, job in left.items()]
    for step in campaign.steps:
        holder = lock.holder(folder / (step.folder if isinstance(step, Run) else step.name))
        word = (words or {}).get(given.get(step.name, ""))
        if not holder or (word and word.goes):
            continue
        if holder.get("machine") != lock.machine():
            told.append(f"{step.name}: process {holder.get('pid')} on host {holder.get('host')} can only be stopped there")
            continue
        os.kill(holder["pid"], signal.SIGTERM)
        told.append(f"{step.name}: process {holder['pid']} was asked to stop")
    return told
