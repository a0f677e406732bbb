"""Preparation of a node before the command: modules, and the site's lines of shell. What fails there ends the job, in one line."""

import re
import shlex
import sys

from jobs.local.processes import SAFE, python
from jobs.slurm.sites import Site

OTHERS = re.compile(r"(?:^|[;&|({]\s*|\b(?:then|do|else)\s+)(?:source|\.|eval|module|ml|conda|mamba|micromamba|spack)\s")
TOLD = [  # the line of the script itself, for the last command may be one inside a function
    "setup_failed() {",
    '    local line="$3"',
    '    [ "$4" != "$0" ] || line=$(sed -n "$2p" "$0" 2>/dev/null)',
    """    echo "error: \\"$line\\" failed (exit $1): see modules and setup in the site's file" >&2""",
    "}",
    """trap 'setup_failed $? "$LINENO" "$BASH_COMMAND" "${BASH_SOURCE[0]:-$0}"' ERR""",
]


def preparation(site: Site, *, stop: bool = True) -> list[str]:
    """Lines of bash that load the modules and do the setup of ``site`` under ``set -euo pipefail``.

    Without ``stop`` they go on after a failure, so that all is told.

    A variable that is not set is refused in the site's own lines alone: systems of modules and environments read such variables.
    """
    lines = [f"module load {shlex.quote(module)}" for module in site.modules]
    if site.setup:
        lines += ["set -u", *map(_strict, site.setup), "set +u"]
    around = [*TOLD, f"set -{'e' if stop else ''}o pipefail", *lines, "trap - ERR", "set +e +o pipefail"] if lines else []
    return [*around, *(f"export {name}={value}" for name, value in SAFE.items())]


def _strict(line: str) -> str:
    """``line`` as it is, or with others' code in it free to read variables that are not set."""
    return f"set +u; {line}; set -u" if OTHERS.search(line) and not line.rstrip().endswith(("\\", "then", "do", "else", "{", "(")) else line


def interpreter(site: Site) -> list[str]:
    """The Python of jobs on ``site``, as words of a script: its modules are never those of the working folder."""
    words = python(interpreter=site.python or sys.executable)
    return [f'"{words[0]}"' if "$" in words[0] else shlex.quote(words[0]), *words[1:]]
