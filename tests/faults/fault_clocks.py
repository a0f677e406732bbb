"""Changes of a run's surroundings behind its back: the clock jumps, the host gets another name, the case is edited while its job waits.

The clock is a shim's (``shim.c``), since the machine's own is everybody's; the name is that of a namespace of its own.
"""

import contextlib
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import daemons
import shim
from conftest import HUMP, SOURCES, wait_for, wavetrain
from fault import Fault, Say, counted, generator
from killed import assert_same_bits
from waiting import until

LONG = HUMP.replace("size = 1.0", "size = 0.2").replace("end = 0.5", "end = 12.0") + "[output]\ncheckpoint = 0.2\n"
STAGE = """
[run.long]
case = "long.toml"
[stage.error]
kind = "decompose"
runs = "long"
reference = "exact"
"""
DAY = 86400.0  # [s]
LEFT = 3600.0  # [s] more than any of these runs has left
IMPATIENT = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "2s"}  # Dask takes a worker for lost by the clock of the wall
RENAMED = 'hostname before-the-run; (sleep 1.5; hostname in-the-midst) & exec "$@"'
EDITS: Mapping[str, Callable[[Path], object]] = {
    "the case": lambda place: (place / "hump.toml").write_text(HUMP.replace("height = 0.1", "height = 0.3")),
    "the campaign": lambda place: (place / "one.toml").write_text('[run.sea]\ncase = "hump.toml"\nset = { "time.end" = 0.25 }\n'),
    "no case any more": lambda place: (place / "hump.toml").unlink(),
}


def faults(folder: Path, say: Say) -> Iterator[Fault]:
    (folder / "long.toml").write_text(LONG)
    (folder / "stage.toml").write_text(STAGE)
    done = wavetrain("run", "stage.toml", "--out", "whole", cwd=folder)
    assert done.returncode == 0, done.stderr
    if missing := shim.missing():
        say(f"clock jumps: skipped, missing: {missing}")
    else:
        draw = generator("clocks")
        tries = [functools.partial(jump, folder, i, draw.uniform(-400.0, 400.0, 6) * DAY, 1 + i % 2) for i in range(4)]
        yield counted(
            "clock jumps", tries, say, at_once=2, notes="six jumps of up to 400 days in a run and a stage, by a shim before the C library"
        )
    if subprocess.run(["unshare", "--uts", "true"], check=False, capture_output=True).returncode:
        say("host renamed: skipped, missing: root, who has namespaces")
    else:
        tries = [functools.partial(renamed, folder, ranks) for ranks in (1, 2)]
        yield counted(
            "host renamed",
            tries,
            say,
            notes="before a run and in its midst, in a namespace of its own; asked to stop from there, gone on with",
        )
    if missing := daemons.missing():
        say(f"case edited while queued: skipped, missing: {missing}")
        return
    with slurm(folder / "slurm") as environment:
        tries = [functools.partial(edited, folder, what, environment) for what in EDITS]
        yield counted("case edited while queued", tries, say, notes=f"on a SLURM of its own: {', '.join(EDITS)}")


def jump(folder: Path, number: int, offsets: list[float], ranks: int) -> None:
    """The clock jumps while a campaign goes: the same bits, and what is left to do is told by a clock that does not."""
    file, place = folder / f"clock-{number}", folder / f"jumps-{number}"
    file.write_text("0")
    command = [sys.executable, "-m", "jobs.cli", "run", "stage.toml", "--out", place.name, "--ranks", str(ranks)]
    env = os.environ | SOURCES | shim.clock(file) | IMPATIENT
    with subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for(place / "long" / "run.h5.part")
        for offset in offsets:
            file.write_text(str(offset))
            time.sleep(1.0)
            with contextlib.suppress(OSError):
                noted = json.loads((place / "long" / "progress.json").read_text())
                assert noted["left"] is None or 0.0 <= noted["left"] < LEFT, noted
        _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said
    same(folder, place)


def same(folder: Path, place: Path) -> None:
    assert_same_bits(place / "long" / "run.h5", folder / "whole" / "long" / "run.h5")
    results = [json.loads((out / "error" / "result.json").read_text())["runs"]["long"]["fields"] for out in (place, folder / "whole")]
    assert results[0] == results[1]


def renamed(folder: Path, ranks: int) -> None:
    """The host's name changes in the midst of a run: `cancel` still finds its process, and the run goes on with the same bits."""
    out = f"renamed-{ranks}"
    command = [sys.executable, "-m", "jobs.cli"]
    run = ["unshare", "--uts", "sh", "-c", RENAMED, "sh", *command, "run", "stage.toml", "--out", out, "--ranks", str(ranks)]
    env = os.environ | SOURCES
    with subprocess.Popen(run, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for(folder / out / "long" / "restart.h5")
        told = wavetrain("cancel", out, cwd=folder).stdout
        _, said = process.communicate(timeout=600)
    assert "was asked to stop" in told, told
    assert "goes on from there" in said, said
    done = wavetrain("run", "stage.toml", "--out", out, cwd=folder)
    assert done.returncode == 0, done.stderr
    same(folder, folder / out)


@contextlib.contextmanager
def slurm(folder: Path) -> Iterator[dict[str, str]]:
    """Daemons in ``folder``, stopped at the end; the environment in which SLURM's commands find them."""
    folder.mkdir()
    try:
        yield daemons.start(folder)
    finally:
        daemons.stop(folder)


def edited(folder: Path, what: str, environment: Mapping[str, str]) -> None:
    """A job waits, and what it was made from is edited: it does what was submitted, and its log says so."""
    place = folder / what.replace(" ", "-")
    place.mkdir()
    (place / "hump.toml").write_text(HUMP)
    (place / "one.toml").write_text('[run.sea]\ncase = "hump.toml"\n')
    done = wavetrain("run", "one.toml", "--out", "here", cwd=place)
    assert done.returncode == 0, done.stderr
    before = subprocess.run(
        ["sbatch", "--parsable", "--exclusive", "--output=/dev/null", "--wrap=sleep 600"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    done = wavetrain("run", "one.toml", "--out", "out", "--on", "local_slurm", cwd=place, more=environment)
    assert done.returncode == 0, done.stderr
    EDITS[what](place)
    subprocess.run(["scancel", before.stdout.strip()], env=environment, check=True)
    until(lambda: not daemons.told(["squeue", "-h"], dict(environment)).strip(), 300.0)
    log = "\n".join(path.read_text() for path in (place / "out" / "jobs").glob("*.log"))
    assert "was changed after the campaign was submitted; this job does what was submitted" in log, log
    assert_same_bits(place / "out" / "sea" / "run.h5", place / "here" / "sea" / "run.h5")
