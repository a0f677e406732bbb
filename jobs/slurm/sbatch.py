"""sbatch, with patience: a site may print more than the number, a controller be busy, or take a job and not say so."""

import re
import subprocess
from collections.abc import Sequence
from time import sleep

from jobs.slurm.answers import number
from jobs.slurm.queue import told
from pipeline.core.errors import RunError

PATIENCE = 60.0  # [s] for one answer
PAUSES = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0)  # [s] between tries
MOMENT = re.compile(  # what SLURM says where it may take the same job a little later
    r"timed? ?out|temporarily|unable to contact|connect(ion)? (failure|refused|reset|timed)|communication|zero bytes|standby|try again"
    r"|transport endpoint|broken pipe|invalid authentication credential",
    re.IGNORECASE,
)
FULL = re.compile(r"(Assoc|QOS)\w*Submit\w*Limit|MaxJobCount|unable to accept job|Resource temporarily unavailable", re.IGNORECASE)


class FullError(RunError):
    """SLURM takes no more jobs now."""


def sbatch(words: Sequence[str], name: str, pauses: Sequence[float] = PAUSES) -> str:
    """Submit the job of ``words`` under the ``name``, which no other has; returns its number.

    A job is never submitted twice: before each further try its name is looked for among SLURM's jobs.

    Raises
    ------
    FullError
        SLURM has as many jobs, or this user has, as it takes.
    RunError
        SLURM refuses it, in its own words, or never answers.
    """
    said = ""
    for pause in (*pauses, None):
        answer, refused = _asked([*words[:1], "--parsable", f"--job-name={name}", *words[1:]])
        if not refused and (found := number(answer)):
            return found
        if not refused:
            return _twin(name) or _unnamed(answer)
        said = refused
        full = FULL.search(said)
        if not full and not MOMENT.search(said):
            raise RunError(said)
        if pause is not None and not full:
            sleep(pause)
        if twin := _twin(name):
            return twin
        if full:
            raise FullError(said)
    raise RunError(f"{said} (tried {len(pauses) + 1} times)")


def _unnamed(answer: str) -> str:
    raise RunError(f"sbatch printed no number of a job: {' '.join(answer.split())!r}")


def _asked(command: Sequence[str]) -> tuple[str, str]:
    """Output of ``command``, and why it refused, if it did."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired as error:
        said = (error.stderr or b"").decode(errors="replace") if isinstance(error.stderr, bytes) else error.stderr or ""
        return "", " ".join([f"sbatch timed out after {PATIENCE:.0f} s", *said.split()])
    return done.stdout, (" ".join(done.stderr.split()) or f"sbatch ended with {done.returncode}") if done.returncode else ""


def _twin(name: str) -> str | None:
    """The job of the ``name`` that SLURM took though it did not say so; waits for an answer, for without one nothing may be tried again."""
    for pause in (*PAUSES, None):
        answer = told(["squeue", "--noheader", "--states=all", f"--name={name}", "--format=%F"])
        if answer is not None:
            return number(answer)
        if pause is not None:
            sleep(pause)
    raise RunError(f"SLURM does not answer; whether it took the job {name} is not known: squeue --name={name}")
