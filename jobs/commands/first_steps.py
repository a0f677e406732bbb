"""Kernels compiled ahead of the runs that need them: the first step of each case, in a process for each solver."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from pipeline.core import case as cases
from pipeline.core.data import FETCHABLE, find_here
from pipeline.core.errors import InputError, RunError

INSTANT = 1e-9  # of a run's time, which a single step covers where the case has no time step

Outcome = tuple[str, float, str]  # a case, seconds of compilation, and why it could not begin


def shipped() -> list[Path]:
    """Find the cases that come along, but for those whose data are not here."""
    from jobs.campaign.catalogue import HERE

    files = sorted((HERE / "cases").glob("*.toml"))
    return [file for file in files if all(find_here(name) for name in FETCHABLE if name in file.read_text(encoding="utf-8"))]


def compile_kernels(files: Sequence[Path], ready: Callable[[str, float, str], None]) -> None:
    """Compile the kernels that the cases in ``files`` need.

    Parameters
    ----------
    files
        The cases.
    ready
        Called when a case's kernels are there: with its name, the seconds of compilation, and the reason where it can't begin.
    """
    groups: dict[str, list[Path]] = {}
    for file in files:
        groups.setdefault(cases.read(file).solver.kind, []).append(file)
    processes = max(1, min(len(groups), len(os.sched_getaffinity(0))))
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        waiting = [pool.submit(_compiled, some) for some in sorted(groups.values(), key=len, reverse=True)]
        for done in as_completed(waiting):
            for outcome in done.result():
                ready(*outcome)


def _compiled(files: Sequence[Path]) -> list[Outcome]:
    return list(_first_steps(files))


def _first_steps(files: Sequence[Path]) -> Iterator[Outcome]:
    """Do the first step of each case, and forget it."""
    from pipeline.core.compiling import watched
    from solvers.core.comm import Serial
    from solvers.core.run import run_case

    for file in files:
        with watched() as compiled, tempfile.TemporaryDirectory() as folder:
            why = ""
            try:
                time = cases.read(file).time
                step = time.dt or time.end * INSTANT
                run_case(cases.read(file, [f"time.end={step!r}", f"time.every={step!r}"]), Path(folder), Serial())
            except (InputError, RunError) as error:
                why = str(error)
            yield file.stem, compiled.seconds, why
