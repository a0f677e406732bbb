"""Python processes: the start of others, and whether a launcher started this process."""

import os
import sys
from pathlib import Path

RANK_VARIABLES = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID")  # where launchers say which rank a process is
ALONE = "WAVETRAIN_ALONE"  # set where a launcher's process goes on alone, whatever its rank, and so tells what is wrong
SAFE = {"PYTHONSAFEPATH": "1"}  # no Python that is started takes modules from the working folder, where a user may have a queue.py


def python(*words: str, interpreter: str = sys.executable) -> list[str]:
    """The command that hands ``words`` to a Python that never takes modules from the working folder."""
    return [interpreter, "-P", *words]


def python_path() -> str:
    """The module path of ranks: the same packages as this process imports, installed or not.

    An empty entry, which would be the working folder, is left out.
    """
    root = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join([root, *(place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place not in ("", "."))])


def on_terminal() -> bool:
    """Whether a person sees the standard output: the terminal that mpirun gives its ranks is nobody's."""
    return sys.stdout.isatty() and not any(name in os.environ for name in RANK_VARIABLES if name != "SLURM_PROCID")  # srun --pty sets it
