"""A SLURM of one user's own on this machine, for trying: begun and ended by `wavetrain slurm`, in a folder of its own."""

import contextlib
import os
import shutil
from pathlib import Path

import psutil

from jobs.slurm.daemons import FIRST, answers, missing, start, stop
from pipeline.core.errors import InputError

FILES = ("slurm.conf", "cgroup.conf", "state", "spool-*", "tmp-*", "munge.*", "slurmctld.*", "slurmd-*")  # what there may be in a folder


def default_folder() -> Path:
    """The folder of daemons whose user names none: below ``XDG_STATE_HOME``."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "wavetrain" / "slurm"


def up(folder: Path, nodes: int = 1, cores: int = 0) -> bool:
    """Start ``nodes`` nodes of ``cores`` cores (0: as many as this machine has), whose files stand in ``folder``.

    Returns whether they had to be started: where they answer already, nothing is done.

    Raises
    ------
    InputError
        SLURM is not installed, or ``folder`` holds something else.
    RunError
        A daemon does not start; none is left then.
    """
    for name, value, least in (("--nodes", nodes, 1), ("--cores", cores, 0)):
        if value < least:
            raise InputError(f"{name} {value}; it must be {least} or more")
    if why := missing():
        raise InputError(why)
    if _ours(folder) and answers(folder):
        return False
    if not _ours(folder) and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} holds something else: name a folder that is empty, or not there yet")
    down(folder)  # what a machine that was switched off left
    names = [f"node{i + 1}" for i in range(nodes)] if nodes > 1 else ["localhost"]
    memory = max(psutil.virtual_memory().total // 2**20 // nodes, 1)
    try:
        start(folder, names, cores=cores or max(os.cpu_count() or 1, 2), memory=memory)
    except BaseException:
        down(folder)
        raise
    return True


def down(folder: Path) -> bool:
    """Cancel the jobs of the SLURM in ``folder``, end its daemons, and remove its files; returns whether there was one."""
    if not _ours(folder):
        return False
    stop(folder)
    for pattern in FILES:
        for file in folder.glob(pattern):
            if file.is_dir():
                shutil.rmtree(file, ignore_errors=True)
            else:
                file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # something of the user's own is in it
        folder.rmdir()
    return True


def _ours(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return (folder / "slurm.conf").read_text(encoding="utf-8").startswith(FIRST)
    return False
