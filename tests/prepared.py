"""The first thing that a command's process does (`running`): it is made another, or is killed in the midst of its work."""

import os
import signal
from typing import Any

HALF = 4  # blocks


def lines_often() -> None:
    """Progress is told in lines each fifth of a second."""
    import jobs.local.progress

    jobs.local.progress.EVERY_LINE = 0.2


def machine_is_fine() -> None:
    """The doctor finds nothing broken on this machine, and tries nothing."""
    from jobs.commands.doctor import machine

    machine._tried = lambda name, *words, **named: machine.Finding(name, "fine", "")


def looks_for_room_often() -> None:
    """A submission looks each fifth of a second whether SLURM takes more jobs."""
    from jobs.slurm import submission

    submission.WAIT = 0.2


def another_version() -> None:
    """All code is another."""
    from pipeline.core import provenance

    provenance.code_of = lambda *places: "another"


def killed_half_way() -> None:
    """A stage is killed when some of its blocks are done."""
    from pipeline.core import blocks

    blocks.WORTH = 0.0
    whole = blocks.KeptBlocks.submit

    def submit(self: Any, *arguments: Any, **named: Any) -> Any:
        task = whole(self, *arguments, **named)
        task.result()
        if len(list(self._folder.glob("*.npz"))) >= HALF:
            os.kill(os.getpid(), signal.SIGKILL)
        return task

    blocks.KeptBlocks.submit = submit
