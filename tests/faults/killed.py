"""The common part of faults: start the command, find its processes, and see that files are whole and the same bits; a case of waves."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from conftest import SOURCES
from waiting import PATIENCE, until

from jobs.conformance.same import bits
from pipeline.store.check import validate
from pipeline.store.reader import Store

WAVES = """
[mesh]
kind = "box"
length = 32.0
points = 128
[solver]
kind = "ks"
terms = ["-u*u_x", "-u_xx", "-u_xxxx"]
[time]
end = 8.0
every = 0.02
dt = 2e-3
"""


def start(*words: Any, cwd: Path, environment: Mapping[str, str] = {}) -> "subprocess.Popen[str]":
    """``wavetrain WORDS`` in ``cwd``; what it prints goes to a file beside, so that no pipe fills."""
    with (cwd / "output.txt").open("w") as output:
        command = [sys.executable, "-m", "jobs.cli", *map(str, words)]
        return subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, text=True, cwd=cwd, env=os.environ | SOURCES | environment
        )


def run(*words: Any, cwd: Path, status: int = 0, environment: Mapping[str, str] = {}) -> str:
    """``wavetrain WORDS``, which must end with ``status``; what it printed, in which no traceback may be."""
    process = start(*words, cwd=cwd, environment=environment)
    try:
        ended = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        kill(family(process.pid))
        raise
    text = (cwd / "output.txt").read_text()
    assert ended == status, f"ended with {ended}: {text[-1500:]}"
    assert "Traceback" not in text, text[-1500:]
    return text


def family(pid: int) -> list[psutil.Process]:
    """The process ``pid`` and all that descend from it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    return []


def such(pid: int, word: str) -> list[psutil.Process]:
    """Processes of the family of ``pid`` whose command has ``word`` in it."""
    found = []
    for one in family(pid):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if any(word in part for part in one.cmdline()):
                found.append(one)
    return found


def kill(some: list[psutil.Process]) -> None:
    """SIGKILL to all of ``some`` that are there, which are stopped first so that none sees another go; wait until they have ended."""
    for how in (psutil.Process.suspend, psutil.Process.kill):
        for one in some:
            with contextlib.suppress(psutil.NoSuchProcess):
                how(one)
    until(lambda: not any(map(alive, some)))


def alive(one: psutil.Process) -> bool:
    """Whether a process has not ended; one that nobody asks after any more has."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(one.is_running() and one.status() != psutil.STATUS_ZOMBIE)
    return False


def whole(folder: Path) -> list[str]:
    """Look at every file in ``folder`` that looks whole, in that it has its final name, and assert that it is; their names."""
    found = sorted(path for pattern in ("*.h5", "summary.json", "result.json") for path in folder.rglob(pattern))
    for path in found:
        if path.suffix == ".json":
            told = json.loads(path.read_text())
            done = path.name == "summary.json" and told["status"] == "done"
            assert not done or any(path.with_name(name).exists() for name in ("run.h5", "archive.h5")), f"{path} without a run"
        elif path.name == "restart.h5":
            with Store(path) as store:
                assert store.complete
                store.restart()
        elif path.stem.endswith("-reference"):  # where it knows nothing it is not finite
            with Store(path) as store:
                assert store.complete
        else:
            validate(path)
    return [path.name for path in found]


def assert_same_bits(path: Path, other: Path) -> None:
    """All arrays of two files are the same to the last bit."""
    left, right = bits(path), bits(other)
    names = [name for name in sorted(left.keys() | right.keys()) if left.get(name) != right.get(name)]
    assert not names, f"{path}: {', '.join(names)} differ from {other}"
