"""A folder whose jobs wait or run in SLURM is left to them."""

import os
from pathlib import Path

from jobs.local import record
from jobs.slurm import queue
from pipeline.core.errors import InputError

OURS = "WAVETRAIN_JOB"  # in the environment of a job of a campaign: the campaign's folder


def refuse_what_is_queued(folder: Path) -> None:
    """Refuse to do anything in ``folder`` beside jobs that wait or run there, which would fail; such a job itself may go on.

    Raises
    ------
    InputError
        SLURM has such jobs.
    """
    if os.environ.get(OURS) == str(folder.resolve()):
        return
    jobs = [step["job"] for step in record.submitted(folder).get("steps", {}).values()]
    words = queue.ask(jobs) or {}
    left = sorted(job for job, word in words.items() if word.waits or word.goes)
    if left:
        more = f" and {len(left) - 5} more" if len(left) > 5 else ""
        raise InputError(
            f"{folder} has jobs in SLURM's queue ({', '.join(left[:5])}{more}): wait for them (`wavetrain watch {folder}`), "
            f"or `wavetrain cancel {folder}`"
        )
