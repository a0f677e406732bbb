"""A trial of the doctor: a command, and the finding."""

import subprocess
from dataclasses import dataclass

from jobs.local.launch import environment

PATIENCE = 120.0  # [s] for one trial
RANKS = """
from mpi4py import MPI
c = MPI.COMM_WORLD
n = c.allreduce(1)
if c.rank == 0:  # two at once may mix their words
    print(f"{n} ranks, {MPI.Get_library_version().split(',')[0].strip()}")
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a trial."""

    name: str
    state: str  # fine, missing (can be done without), or broken
    said: str
    fix: str = ""

    @property
    def line(self) -> str:
        """The finding, and its remedy."""
        return f"{self.state:<8} {self.name:<14} {self.said}" + (f"\n{'':<24}to fix: {self.fix}" if self.fix else "")


def ran(command: list[str]) -> tuple[bool, str]:
    """Whether ``command`` ended well, and the last line that it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment(), timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error).splitlines()[0]
    lines = [line for line in (done.stdout if done.returncode == 0 else done.stderr).splitlines() if line.strip()]
    told = [line.strip() for line in lines if done.returncode == 0 or "Error" in line or "error" in line] or [
        line.strip() for line in lines
    ]
    return done.returncode == 0, told[-1] if told else f"ended with {done.returncode}"
