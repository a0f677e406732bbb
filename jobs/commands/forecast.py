"""The verb ``forecast``: an ensemble file and a case to an ensemble file at a later time, here or on ranks of their own."""

import subprocess
import sys
from pathlib import Path

from jobs.local.launch import check_ranks, environment, mpirun
from jobs.local.processes import python, python_path
from jobs.local.progress import aloud, say_compiling, silent
from pipeline.core import case as cases
from pipeline.core.compiling import watched
from pipeline.core.errors import InputError, RunError
from solvers.core.comm import abort_on_error, world
from solvers.core.forecast import forecast


def forecast_file(source: Path, case: Path, until: float, ranks: int, out: Path) -> None:
    """Integrate ``source`` by ``case`` to ``until`` [s] into ``out``, on ``ranks`` ranks (0: the launcher's, or one).

    Raises
    ------
    InputError
        The input is wrong.
    RunError
        A rank died.
    """
    check_ranks(ranks)
    comm = world()
    if comm.size > 1 and ranks not in (0, comm.size):
        raise InputError(f"--ranks {ranks} inside a launcher with {comm.size} ranks")
    if ranks > 1 and comm.size == 1:
        _on_ranks(source, case, until, ranks, out)
        return
    with abort_on_error(comm), say_compiling("the forecast", aloud if comm.rank == 0 else silent) as tell, watched(tell):
        unstable = forecast(source, cases.read(case), until, out, comm)
    if comm.rank == 0:
        print(f"{out}: the ensemble at t = {until:g} s" + (f"; {unstable} member(s) became unstable, and are nan" if unstable else ""))


def _on_ranks(source: Path, case: Path, until: float, ranks: int, out: Path) -> None:
    """The same command under mpirun; its one line of error becomes ours."""
    words = ["forecast", str(source), "--case", str(case), "--time", repr(until), "--out", str(out)]
    command = [*mpirun(ranks), *python("-m", "jobs.cli", *words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment() | {"PYTHONPATH": python_path()})
    if done.returncode == 0:
        print(done.stdout, end="")
        sys.stderr.write("".join(line + "\n" for line in done.stderr.splitlines() if line.startswith("member ")))
        return
    told = [line.removeprefix("error: ") for line in done.stderr.splitlines() if line.startswith("error: ")]
    kind = InputError if done.returncode == 2 else RunError
    raise kind(told[0] if told else f"a rank died: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'without a word'}")
