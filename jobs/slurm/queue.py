"""States of jobs in SLURM: by squeue for jobs that wait or run, by sacct for jobs that squeue has forgotten; and their cancellation."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Collection, Iterable, Mapping

from jobs.slurm.answers import NEVER, Word, grouped, words

PATIENCE = 20.0  # [s] for an answer
GRACE = 30.0  # [s] in which a job that is cancelled may save
OVER = "already completing or completed"  # what scancel has against a job that ended meanwhile
BY_SLURM = re.compile(r"^([^|]+\|CANCELLED\|[^|]*\|)Dependency$", re.MULTILINE)  # by somebody it is CANCELLED by 1000
WHOLE = {"SLURM_BITSTR_LEN": "0"}  # the tasks of an array are not cut short


def ask(jobs: Iterable[str]) -> dict[str, Word] | None:
    """SLURM's word on each of ``jobs`` (numbers, or number_place of an array) that it knows; None where it does not answer."""
    wanted = set(jobs)
    if not wanted:
        return {}
    asked = told(["squeue", "--noheader", "--array", "--states=all", f"--jobs={_arrays(wanted)}", "--format=%i|%T|%N|%r"])
    if asked is None:
        return None
    found = words(asked, wanted)
    gone = wanted - set(found)
    return found | words(_over(gone), gone) if gone else found


def _over(gone: Collection[str]) -> str:
    """Records of the accounts, where a site keeps them, on jobs that squeue no longer shows.

    Of a job that SLURM has cancelled they keep the reason for which it waited, in place of that for which it never began.
    """
    asked = ["sacct", "--noheader", "--allocations", "--parsable2", f"--jobs={_arrays(gone)}", "--format=JobID,State,NodeList,Reason"]
    return BY_SLURM.sub(rf"\1{NEVER}", told(asked) or "")


def _arrays(jobs: Collection[str]) -> str:
    return ",".join(sorted({job.partition("_")[0] for job in jobs}))


def told(command: list[str]) -> str | None:
    """The output of ``command``; empty where SLURM knows no such job, None where it does not answer."""
    if not shutil.which(command[0]):
        return None
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE, env=os.environ | WHOLE)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode and re.search(r"Invalid job id", done.stderr):
        return ""
    return None if done.returncode else done.stdout


def cancel(jobs: Iterable[str], said: Mapping[str, Word]) -> str:
    """Cancel ``jobs``, of which SLURM ``said`` words; returns its objection, or nothing.

    Running jobs are asked to save and stop first: their scripts hand the signal on, and ranks that SLURM itself ends can't save.
    """
    wanted = sorted(jobs)
    going = [job for job in wanted if job in said and said[job].goes]
    waiting = [job for job in wanted if job not in going]
    refused = _cancelled(grouped(waiting)) if waiting else ""
    if going:
        _cancelled(["--batch", "--signal=TERM", *grouped(going)])
        end = time.monotonic() + GRACE
        while going and time.monotonic() < end:
            time.sleep(0.5)
            now = ask(going) or {}
            going = [job for job in going if job in now and now[job].goes]
    return refused or (_cancelled(grouped(going)) if going else "")


def _cancelled(named: Iterable[str]) -> str:
    if not shutil.which("scancel"):
        return "no scancel here: log in where SLURM's commands are"
    lines = subprocess.run(["scancel", *named], capture_output=True, text=True, check=False).stderr.splitlines()
    return " ".join(" ".join(line for line in lines if OVER not in line).split())
