"""Tests on several ranks: those of one file and one number of ranks share one mpirun, which costs a start of Python on every rank."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from jobs.launch import environment, mpirun

INSIDE = "WAVETRAIN_TEST_RANKS"  # set in the environment of the ranks that re-run tests
ENDED = "WAVETRAIN_TEST_ENDED"  # the folder where each rank notes the tests that it has passed
PLAIN = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # of plugins, each of which every rank would load
LIMIT = 300.0  # [s] for one mpirun
ROOT = Path(__file__).resolve().parent.parent


def rerun(item: pytest.Function, held: set[tuple[str, int]]) -> None:
    """Re-run ``item`` on its ranks, unless it is among ``held``, the tests that held on all ranks; adds all that held with it.

    The first of a file takes along those with the same number of ranks. A test that did not hold among others is run alone.

    Raises
    ------
    AssertionError
        It fails on some rank; with the ranks' output.
    """
    ranks = item.callspec.params["mpi_ranks"]
    if (item.nodeid, ranks) in held:
        return
    others = [other.nodeid for other in item.session.items if _on(other, ranks) and other.path == item.path]
    if len(others) > 1 and (str(item.path), ranks) not in held:
        held.add((str(item.path), ranks))  # so they are tried together once
        with contextlib.suppress(subprocess.TimeoutExpired):
            _, names = _mpirun(others, ranks)
            held |= {(name, ranks) for name in names}
        if (item.nodeid, ranks) in held:
            return
    done, _ = _mpirun([item.nodeid], ranks)
    assert done.returncode == 0, f"on {ranks} ranks:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"


def note(report: pytest.TestReport) -> None:
    """Note, on a rank, that it has come through a test."""
    if ENDED in os.environ and ((report.when == "call" and report.passed) or report.skipped):
        with (Path(os.environ[ENDED]) / str(os.getpid())).open("a", encoding="utf-8") as file:
            file.write(report.nodeid + "\n")


def _on(item: pytest.Item, ranks: int) -> bool:
    return item.get_closest_marker("ranks") is not None and isinstance(item, pytest.Function) and item.callspec.params["mpi_ranks"] == ranks


def _mpirun(names: Sequence[str], ranks: int) -> "tuple[subprocess.CompletedProcess[str], set[str]]":
    """Run the tests ``names`` on ``ranks`` ranks; returns how it ended, and which of them held on every rank."""
    quiet = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:terminalreporter"]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*mpirun(ranks), sys.executable, "-m", "pytest", *quiet, *names],
            capture_output=True,
            text=True,
            env=environment() | PLAIN | {INSIDE: str(ranks), ENDED: folder},
            cwd=ROOT,
            check=False,
            timeout=LIMIT,
        )
        noted = [set(path.read_text(encoding="utf-8").splitlines()) for path in Path(folder).iterdir()]
    return done, set.intersection(*noted) if len(noted) == ranks else set()
