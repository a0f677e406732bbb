"""The command ``wavetrain bench all``: every bench, briefly, a process each, within a time; what was measured is kept as it comes.

The next call goes on where one was interrupted, or ran out of time, or where a bench failed, as long as program and machine are the same.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jobs.campaign.catalogue import benches
from jobs.commands import bench_record
from jobs.commands.bench import Figure, show
from jobs.local.processes import python, python_path
from pipeline.core.errors import InputError, RunError

ALL = "all"
OUT = Path("build", "bench", "all.json")
MINUTES = 20.0
OUT_OF_TIME = "out of time"
GRACE = 5.0  # [s]


def run_all(*, as_json: bool, out: Path = OUT, minutes: float = MINUTES) -> None:
    """Run every bench within ``minutes``, and print the medians of all figures, named ``BENCH.FIGURE``; ``out`` keeps all values.

    Raises
    ------
    InputError
        There are no benches here.
    RunError
        Benches failed, or the time was too short for them: those that are done were printed, and are kept.
    """
    known = benches()
    if not known:
        raise InputError("no benches here: they come with the sources")
    end = time.monotonic() + 60.0 * minutes
    done, failed = _begun(out, known), dict[str, str]()
    if done:
        _say(f"bench all goes on: {len(done)} of {len(known)} were measured before ({out})")
    for name in known:
        if name in done:
            continue
        _say(f"bench all: {name}, {len(done) + len(failed) + 1} of {len(known)}, {(end - time.monotonic()) / 60.0:.1f} minutes left")
        try:
            done[name] = measured(name, end - time.monotonic())
        except RunError as error:
            failed[name] = str(error)
            _say(f"bench all: {name} failed: {error}")
        bench_record.write(out, done, failed)
    show(flat(done), as_json=as_json)
    if failed:
        raise RunError(f"not measured: {'; '.join(f'{name}: {why}' for name, why in failed.items())}; the same command goes on with these")


def flat(done: Mapping[str, Any]) -> dict[str, Figure]:
    """The figures of all benches, named ``BENCH.FIGURE``."""
    return {f"{name}.{key}": figure for name, bench in done.items() for key, figure in bench["figures"].items()}


def _begun(out: Path, known: Mapping[str, Path]) -> dict[str, Any]:
    """The benches that a call before measured; none where it measured all, or with another program or on another machine."""
    if not out.exists():
        return {}
    before = bench_record.read(out)
    same = before["program"] == bench_record.program() and before["machine"] == bench_record.machine()
    return before["benches"] if same and before["benches"].keys() < known.keys() else {}


def measured(name: str, seconds: float) -> dict[str, Any]:
    """The record of the bench ``name``, run briefly in a process of its own.

    Raises
    ------
    RunError
        It failed, with its last line; or it was not done within ``seconds``, and was ended with all that it started.
    """
    if seconds <= 0.0:
        raise RunError(OUT_OF_TIME)
    with tempfile.TemporaryDirectory() as folder, _ended_by_signals():
        file = Path(folder) / "bench.json"
        command = python("-m", "jobs.cli", "bench", name, "--brief", "--out", str(file))
        env = os.environ | {"PYTHONPATH": python_path()}
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env, start_new_session=True
        ) as process:
            late = threading.Event()

            def stop() -> None:
                late.set()
                _end(process)

            timer = threading.Timer(seconds, stop)
            timer.start()
            try:
                last = _followed(process)
            finally:
                timer.cancel()
                if process.poll() is None:  # Ctrl-C or a signal, which its session does not hear
                    _end(process)
        if process.returncode != 0 or not file.exists():
            raise RunError(OUT_OF_TIME if late.is_set() else last.removeprefix("error: ") or f"it ended with code {process.returncode}")
        return dict(bench_record.read(file)["benches"][name])


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end this process as Ctrl-C does, by an exception: else a bench, in a session of its own, went on alone."""

    def stop(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _followed(process: "subprocess.Popen[str]") -> str:
    """Hand on what ``process`` says until it ends; returns its last line."""
    assert process.stderr is not None
    last = ""
    for line in process.stderr:
        _say(line.rstrip("\n"))
        last = line.strip() or last
    process.wait()
    return last


def _end(process: "subprocess.Popen[str]") -> None:
    """End ``process`` and all that it started: kindly first, so that mpirun ends its ranks."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, kind)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
