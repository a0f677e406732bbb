"""The jobs of a campaign given to sbatch one after the other, no faster than SLURM takes them, and noted as they are."""

import json
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import sleep
from typing import Any

from jobs.local import record
from jobs.slurm import queue
from jobs.slurm.answers import compressed
from jobs.slurm.controller import Allowed, room
from jobs.slurm.graph import PAGE, Job
from jobs.slurm.sbatch import FullError, sbatch
from pipeline.core.errors import InputError, RunError
from pipeline.core.provenance import packages
from pipeline.store.writer import write_text

WAIT = 5.0  # [s] between looks for room


class Submission:
    """The jobs of one submission into ``folder``: ``facts`` are noted with them; ``before`` has steps that an earlier one was given."""

    def __init__(
        self,
        folder: Path,
        facts: Mapping[str, Any],
        allowed: Allowed,
        at_once: int,
        say: Callable[[str], Any],
        before: Mapping[str, Any] | None = None,
    ) -> None:
        self._place = (folder / record.PLACE).resolve()
        self._allowed, self._at_once, self._say = allowed, at_once, say
        self._most = allowed.array or 1  # jobs in one call of sbatch
        self._room: int | None = None
        self._waited = False
        self._numbers: dict[str, str] = {}  # step to its job
        self._last: dict[str, str] = {}  # sweep to the array that was submitted last
        steps: dict[str, dict[str, str]] = dict(before or {})
        self.noted = {**facts, "submitted": time.strftime("%Y-%m-%d %H:%M:%S"), "packages": packages(), "steps": steps}

    def submit(self, some: Sequence[Job], rendered: Mapping[str, str]) -> dict[str, Any]:
        """Write the ``rendered`` scripts, submit them, and note it all in ``submitted.json``, which is returned.

        Where SLURM holds as many jobs as it takes, wait until there is room.

        Raises
        ------
        InputError
            There is no SLURM here.
        RunError
            SLURM refused a script: its own words. Jobs submitted before it are cancelled.
        """
        if not shutil.which("sbatch"):
            raise InputError("no sbatch here: log in where SLURM's commands are, or run without --on")
        self._place.mkdir(parents=True, exist_ok=True)
        for job in some:
            write_text(self._place / f"{job.name}.sbatch", rendered[job.name])
        total = sum(len(job.todo) or 1 for job in some)
        for job in some:
            left: Sequence[int] = job.todo or (0,)
            while left:
                left = left[self._part(job, left, total) :]
        return self.noted

    def _part(self, job: Job, left: Sequence[int], total: int) -> int:
        """Submit as much of ``left`` of ``job`` as SLURM takes in one call; returns how many."""
        count = min(len(left), self._most, self._free(len(left), total))
        path = self._place / f"{job.name}.sbatch"
        try:
            number = self._given(job, left[:count], path)
        except FullError as error:
            if count > 1:
                self._most = count // 2
            else:
                self._wait(total, str(error))
            return 0
        except RunError as error:
            started = {one.partition("_")[0] for one in self._numbers.values()}
            if started:
                subprocess.run(["scancel", *started], capture_output=True, check=False)
            raise RunError(f"SLURM refused {path}: {error}") from None
        self._most = min(2 * self._most, max(self._allowed.array, 1))
        if self._room is not None:
            self._room -= count
        if job.todo:
            self._last[job.sweep] = number
        return count

    def _given(self, job: Job, places: Sequence[int], path: Path) -> str:
        """Submit the ``places`` of ``job``, and note them; returns the number of the job."""
        waits = self._waits(job)
        rule = "afterany" if job.template == PAGE or not job.needs else "afterok"
        words = ["sbatch", "--kill-on-invalid-dep=yes"]
        log = f"{job.name}-%3a.log" if job.todo else f"{job.name}.log"
        words += [f"--output={str(self._place).replace('%', '%%')}/{log}"]
        words += [f"--array={compressed(places)}" + (f"%{self._at_once}" if self._at_once else "")] if job.todo else []
        words += [f"--dependency={rule}:{':'.join(waits)}"] if waits else []
        number = sbatch([*words, str(path)], f"{job.name}.{secrets.token_hex(4)}")
        for i in places:
            name = job.steps[i] if job.steps else PAGE
            self._numbers[name] = f"{number}_{i}" if job.todo else number
            self.noted["steps"][name] = {"job": self._numbers[name], "log": log.replace("%3a", f"{i:03d}"), "after": ",".join(waits)}
        write_text(self._place / record.SUBMITTED, json.dumps(self.noted, indent=1) + "\n")
        return number

    def _waits(self, job: Job) -> list[str]:
        """The jobs that ``job`` waits for: its inputs; and where so many runs of a sweep go at once, the array before it."""
        found = {self._numbers[name].partition("_")[0] for name in job.needs if name in self._numbers}
        if job.todo and self._at_once and job.sweep in self._last:
            found.add(self._last[job.sweep])
        if found and self._waited:  # SLURM may have forgotten some meanwhile, and would wait for them for ever
            known = queue.ask([one for one in self._numbers.values() if one.partition("_")[0] in found])
            found &= {one.partition("_")[0] for one in known} if known is not None else found
        return sorted(found, key=int)

    def _free(self, wanted: int, total: int) -> int:
        """The number of jobs that SLURM still takes, at least one; waits for room."""
        if self._room is None or self._room < wanted:
            self._room = room(self._allowed.jobs)
        while self._room == 0:
            self._wait(total, f"it holds {self._allowed.jobs} jobs at most")
            self._room = room(self._allowed.jobs)
        return wanted if self._room is None else self._room

    def _wait(self, total: int, why: str) -> None:
        """Wait for room among the jobs that SLURM holds.

        Raises
        ------
        RunError
            No job of this user is there that could make room.
        """
        if not self._waited:
            self._say(
                f"SLURM takes no more jobs for now ({why}): {len(self._numbers)} of {total} are submitted, the others when there is room"
            )
        self._waited = True
        own = queue.told(["squeue", "--noheader", "--me", "--states=all", "--format=%A"])
        if own is not None and not own.strip() and room(self._allowed.jobs) != 0:
            raise RunError(f"SLURM takes no job of yours at all: {why}")
        sleep(WAIT)
