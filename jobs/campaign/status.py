"""Status of a campaign: by its files, by SLURM, and which of the two is right where they disagree (`jobs.campaign.states`)."""

import os
import signal
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from jobs.campaign import states
from jobs.campaign.states import Signs, part_of, state_of
from jobs.local import lock, record
from jobs.local.record import Listed
from jobs.slurm import graph, queue
from jobs.slurm.answers import Word
from pipeline.core.campaign import REPORT
from pipeline.core.data import text_of
from pipeline.core.errors import RunError
from pipeline.core.provenance import hash_of

ENDED = ("done", "failed", "cancelled", "lost", "blocked")
STANDS = (*ENDED, "stopped", "held")  # until somebody does something
NEVER_THERE = ("failed", "blocked", "lost", "cancelled", "stopped")  # what reads a result of these waits in vain
FEW = 3  # names in a note


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
        """Whether nothing is at work, or waits for an event that will come by itself."""
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
        own = _step(step, folder, job, word, _logs(folder, given.get(step.name), step.folder), by_us=job in ended)
        found[step.name] = _behind(own, step.needs, found, held, known=word is not None)
        if found[step.name].state == "held" or (word and word.held):
            held.add(step.name)
    if graph.PAGE in given:
        job = given[graph.PAGE]["job"]
        own = _page(folder, job, (words or {}).get(job), _logs(folder, given[graph.PAGE], graph.PAGE), by_us=job in ended)
        found[graph.PAGE] = _behind(own, tuple(found), found, held, known=True)
    silent = "SLURM does not answer: this is what the files say" if given and words is None else ""
    return Status(title, [_unsure(step) if silent else step for step in found.values()], silent)


def _unsure(step: Step) -> Step:
    """Mark a lost ``step`` as unknown where SLURM does not answer: that its job is gone can't be known."""
    return replace(step, state="unknown", note="no sign of it in the files, and SLURM does not answer") if step.state == "lost" else step


def _step(step: Listed, folder: Path, job: str, word: Word | None, logs: Sequence[Path], *, by_us: bool) -> Step:
    """The state of ``step``: ``word`` is SLURM's on its ``job``, which ``wavetrain cancel`` has cancelled, or not."""
    place = folder / step.folder
    holder = lock.holder(place)
    signs = Signs(place, job, word, by_us, logs, lambda: _has_result(step, place), holder)
    state = state_of(signs, states.STEP)
    node = (word.node if word else "") or (str(holder.get("host", "")) if holder else "")
    part = part_of(place, at_work=state.name == "running") if state.is_part else {"progress": 1.0} if state.name == "done" else {}
    return Step(step.name, step.kind, state.name, state.note(signs), job, node, **part)


def _has_result(step: Listed, place: Path) -> bool:
    """Whether there is a whole result, and a run's is of the case as it is in the campaign now."""
    if step.kind == "stage":
        return (place / "result.json").exists()
    if not ((place / "run.h5").exists() and (place / "summary.json").exists()):
        return False
    return step.case in ("", hash_of(text_of(place / "case.toml") or ""))


def _page(folder: Path, job: str, word: Word | None, logs: Sequence[Path], *, by_us: bool) -> Step:
    """The state of the page, which ``job`` writes after all others."""
    signs = Signs(folder, job, word, by_us, logs, lambda: _has_page(folder))
    state = state_of(signs, states.PAGE)
    return Step(graph.PAGE, "page", state.name, state.note(signs), job, word.node if word else "")


def _has_page(folder: Path) -> bool:
    """Whether there is a page since the campaign was handed to SLURM."""
    page, given = folder / REPORT, folder / record.PLACE / record.SUBMITTED
    return page.exists() and page.stat().st_mtime >= given.stat().st_mtime


def _behind(own: Step, needs: Sequence[str], before: Mapping[str, Step], held: Set[str], *, known: bool) -> Step:
    """A step that waits for ``needs``: whether they will ever be there. SLURM blocks steps that it knows; it waits for ``held``."""
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
