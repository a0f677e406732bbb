"""Trials of each rank of the doctor's job on its node: ``python -m jobs.commands.doctor.rank FOLDER SCRATCH MEMORY``, MEMORY in bytes."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from jobs.local.launch import environment, mpirun
from jobs.local.processes import RANK_VARIABLES, python

START = "start"  # before the other words: start two ranks of this machine, as runs without a launcher are
STEP = 2**20  # [B]


def main(words: list[str]) -> int:
    """Try all, and note each trial in ``FOLDER/rank-N.json`` before it begins and when it has ended."""
    if words[0] == START:
        return subprocess.run(
            [*mpirun(2), *python("-m", "jobs.commands.doctor.rank", *words[1:])], env=environment(), check=False
        ).returncode
    folder, scratch, memory = Path(words[0]), words[1], int(words[2])
    rank = next((os.environ[name] for name in RANK_VARIABLES if name in os.environ), "0")
    trials: dict[str, Callable[[], str]] = {
        "data": lambda: _data(folder, rank),
        "scratch": lambda: _scratch(scratch),
        "memory": lambda: _memory(memory),
        "launcher": lambda: _together(folder),
    }
    noted: dict[str, list[str]] = {}
    host = socket.gethostname()
    for name, trial in trials.items():
        noted[name] = ["broken", f"{host}: its process ended without a word"]
        _note(folder, rank, noted)
        try:
            noted[name] = ["fine", trial()]
        except Exception as error:  # whatever a library raises is what was to be found
            noted[name] = ["broken", f"{host}: {type(error).__name__}: {error}"]
        _note(folder, rank, noted)
    return 0


def _note(folder: Path, rank: str, noted: dict[str, list[str]]) -> None:
    (folder / f"rank-{rank}.json").write_text(json.dumps(noted), encoding="utf-8")


def _data(folder: Path, rank: str) -> str:
    (folder / f"seen-{rank}").write_text("here\n", encoding="ascii")
    own = os.environ.get("WAVETRAIN_DATA", "")
    if own and not os.access(own, os.R_OK | os.X_OK):
        raise OSError(f"WAVETRAIN_DATA = {own} can't be read there")
    return f"{folder.parent}{f', and {own}' if own else ''}: seen from the nodes"


def _scratch(scratch: str) -> str:
    from jobs.commands.doctor.machine import check_space, expanded

    found = check_space("scratch", Path(expanded(scratch) if scratch else os.environ.get("TMPDIR", "/tmp")))
    if found.state == "broken":
        raise OSError(found.said)
    return found.said


def _memory(size: int) -> str:
    taken = bytearray(size)
    for i in range(0, size, 4096):  # a page that nobody writes to takes none
        taken[i] = 1
    return f"{size // STEP} MiB of each rank"


def _together(folder: Path) -> str:
    """All ranks in one world, on the nodes there are, which see each other's files."""
    from solvers.core.comm import world

    comm = world()
    expected = int(os.environ.get("WAVETRAIN_DOCTOR_RANKS", "1"))
    if comm.size != expected:
        raise OSError(f"{comm.size} rank(s) in a world, not {expected}: the launcher and mpi4py are of two MPIs, or it did not start them")
    hosts = comm.gather(os.environ.get("SLURMD_NODENAME") or socket.gethostname())
    comm.barrier()
    seen = len(list(folder.glob("seen-*")))
    if seen < comm.size:
        raise OSError(f"{folder} is not one folder for all nodes: {seen} of {comm.size} ranks' files are seen")
    return f"{comm.size} ranks on {', '.join(dict.fromkeys(hosts))}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
