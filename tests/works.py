"""Work for the ranks of a `worlds.World`: runs as `jobs.local.rank` does them, undisturbed or not, and tests."""

import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from typing import Any
from unittest import mock

import pytest

from solvers.core.comm import Mpi, world
from solvers.core.run import Progress, run_case

QUIET = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:unraisableexception")  # its five collections of garbage took half of the time


def run(case_file: str, case_folder: str, folder: str) -> int:
    """The run of a case; returns the exit code."""
    from jobs.local.rank import main

    sys.argv = ["rank", case_file, case_folder, folder]
    return main()


def run_until(step: str, *words: str) -> int:
    """Do as `run`, where the last rank alone is asked to stop, after step number ``step``."""

    def stopping(case: Any, folder: Any, comm: Any, shown: Any) -> dict[str, Any]:
        def progress(p: Progress) -> None:
            shown(p)
            if p.step == int(step) and comm.rank == comm.size - 1:
                os.kill(os.getpid(), signal.SIGUSR1)

        return run_case(case, folder, comm, progress)

    with mock.patch("solvers.core.run.run_case", stopping):
        return run(*words)


def run_without_parallel_hdf5(*words: str) -> int:
    """Do as `run`, where h5py has no MPI."""
    with mock.patch.object(Mpi, "file_options", lambda self: None):
        return run(*words)


class Held:
    """A plugin of pytest that collects the tests that came through."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if (report.when == "call" and report.passed) or report.skipped:
            self.names.append(report.nodeid)


def tests(*names: str) -> Sequence[str]:
    """Run the tests ``names``; returns those that held on this rank."""
    held = Held()
    with tempfile.TemporaryDirectory(prefix=f"rank-{world().rank}-") as folder:
        pytest.main([*QUIET, "--basetemp", folder, *names], plugins=[held])
    return held.names
