"""What SLURM says of jobs: squeue for those that wait or run, sacct or scontrol for those that have ended."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

WAITS = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SUSPENDED", "SPECIAL_EXIT", "REQUEUE_FED", "RESV_DEL_HOLD")
HELD = ("REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD")
GOES = ("RUNNING", "COMPLETING", "STOPPED", "STAGE_OUT", "SIGNALING", "RESIZING")
PATIENCE = 20.0  # [s] for an answer
GRACE = 30.0  # [s] in which a job that is cancelled may save


@dataclass(frozen=True, slots=True)
class Word:
    """What SLURM says of one job."""

    state: str  # SLURM's word, such as RUNNING
    node: str = ""
    reason: str = ""

    @property
    def waits(self) -> bool:
        return self.state in WAITS

    @property
    def held(self) -> bool:
        """Whether it waits for somebody's word: held by its user, by the site, or by SLURM after a launch that failed."""
        return self.state in HELD or (self.waits and "held" in self.reason.lower())

    @property
    def goes(self) -> bool:
        return self.state in GOES


def ask(jobs: Iterable[str]) -> dict[str, Word] | None:
    """SLURM's word on each of ``jobs`` (numbers, or number_place of an array) that it knows; None where it does not answer."""
    wanted = set(jobs)
    if not wanted:
        return {}
    if not shutil.which("squeue"):
        return None
    arrays = sorted({job.partition("_")[0] for job in wanted})
    asked = _told(["squeue", "--noheader", "--array", "--states=all", f"--jobs={','.join(arrays)}", "--format=%i|%T|%N|%r"])
    if asked is None:
        return None
    found = dict(map(_word, asked.splitlines()))
    if gone := wanted - set(found):
        found |= _over({job.partition("_")[0] for job in gone})
    return {job: word for job, word in found.items() if job in wanted}


def _over(arrays: Iterable[str]) -> dict[str, Word]:
    """Of jobs that squeue no longer shows: from the accounts, where a site keeps them."""
    asked = ["sacct", "--noheader", "--allocations", "--parsable2", f"--jobs={','.join(sorted(arrays))}"]
    return dict(map(_word, (_told([*asked, "--format=JobID,State,NodeList,Reason"]) or "").splitlines()))


def _word(line: str) -> tuple[str, Word]:
    """A job's number, and SLURM's word on it, from a line of squeue or sacct."""
    job, state, node, reason = (*line.strip().split("|"), "", "", "")[:4]
    return job, Word(state, node if node != "None assigned" else "", reason if reason != "None" else "")


def _told(command: list[str]) -> str | None:
    """What ``command`` prints; empty where SLURM knows no such job, None where it does not answer."""
    if not shutil.which(command[0]):
        return None
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode and re.search(r"Invalid job id", done.stderr):
        return ""
    return None if done.returncode else done.stdout


def cancel(jobs: Iterable[str], words: Mapping[str, Word]) -> str:
    """Cancel ``jobs``, of which SLURM said ``words``; returns what it had against it, or nothing.

    Those that run are asked to save and stop first: their scripts hand the signal on, and ranks that SLURM itself ends can't save.
    """
    wanted = sorted(jobs)
    going = [job for job in wanted if job in words and words[job].goes]
    waiting = [job for job in wanted if job not in going]
    refused = _cancelled(waiting) if waiting else ""
    if going:
        _cancelled(["--batch", "--signal=TERM", *going])
        end = time.monotonic() + GRACE
        while going and time.monotonic() < end:
            time.sleep(0.5)
            now = ask(going) or {}
            going = [job for job in going if job in now and now[job].goes]
    return refused or (_cancelled(going) if going else "")


def _cancelled(words: Iterable[str]) -> str:
    if not shutil.which("scancel"):
        return "no scancel here: log in where SLURM's commands are"
    return " ".join(subprocess.run(["scancel", *words], capture_output=True, text=True, check=False).stderr.split())
