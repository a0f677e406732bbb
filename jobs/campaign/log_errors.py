"""The error that a step's logs tell: SLURM's, a shell's, Python's or the command's own."""

import re
from collections.abc import Iterable
from pathlib import Path

ATTEMPT = "=== attempt "
ERROR = re.compile(
    r"^(error: .*|.* ERROR .*|(slurmstepd|srun|sbatch)[^:]*: error: .*|\w*(Error|Exception)\b.*"
    r"|.*: (command )?not found.*|.*: line \d+: .*)$"
)
BEGINS = re.compile(r"^(error: |[\d\- :,]+ ERROR )")


def error_in(logs: Iterable[Path]) -> str:
    """The first line that tells an error of the last attempt in ``logs``; empty where none does."""
    for path in logs:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        if path.name == "log.txt":  # an attempt that failed ends with the error
            lines = lines[-1:]
        begun = max((i for i, line in enumerate(lines) if line.startswith(ATTEMPT)), default=0)
        told = [line for line in lines[begun:] if ERROR.match(line)]
        if told:
            return BEGINS.sub("", next((line for line in told if line.startswith("error: ")), told[0]))
    return ""
