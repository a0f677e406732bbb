"""A rank is killed by SIGKILL: at random moments of the time loop, and in the middle of random writes."""

import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import h5py
import numpy as np
from conftest import HUMP
from fault import Fault, Say, counted, generator
from killed import assert_same_bits, kill, run, start, such, whole
from waiting import until

from pipeline.store.check import validate

CASE = (
    HUMP.replace("size = 1.0", "size = 0.4").replace("end = 0.5", "end = 2.0").replace("every = 0.25", "every = 0.1")
    + """
[gauges]
middle = [5.0, 5.0]
beside = [2.0, 7.0]
[output]
checkpoint = 0.0
"""
)
RANKS = ((2, 2), (2, 1), (2, 3), (1, 2))  # of the run that is killed, and of the one that goes on
FRAMES = 20
TRIES = 20
ANEW = "begins anew"


def faults(folder: Path, say: Say, tries: int = TRIES) -> Iterator[Fault]:
    """``tries`` moments of each kind; the whole run is done once for all of them."""
    (folder / "case.toml").write_text(CASE)
    run("run", "case.toml", "--out", "whole", "--ranks", 2, "--only", "case", cwd=folder)
    library = built(folder)
    random, ends = generator("ranks"), Counter[str]()
    one = partial(_mid_step, folder, random, ends)
    yield counted("rank killed mid-step", [partial(one, i) for i in range(tries)], say, ends=ends)
    calls: dict[tuple[int, str], int] = {}
    one = partial(mid_write, folder, random, ends, library, calls)
    yield counted("rank killed mid-write", [partial(one, i) for i in range(tries)], say, ends=ends)


def built(folder: Path) -> Path:
    """The library of ``kill_in_write.c``, built in ``folder``."""
    library = folder / "kill_in_write.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, Path(__file__).with_name("kill_in_write.c"), "-ldl"], check=True)
    return library


def _mid_step(folder: Path, random: np.random.Generator, ends: Counter[str], number: int) -> None:
    """Kill one rank, or in every fourth try the command with all its ranks, some time after a random frame."""
    ranks, after = RANKS[number % len(RANKS)]
    place = _cleared(folder / "killed")
    process = start("run", folder / "case.toml", "--out", "out", "--ranks", ranks, "--only", "case", cwd=place)
    out = place / "out"
    frames, begun = int(random.integers(1, FRAMES)), time.monotonic()
    until(lambda: _frames(out) >= frames or process.poll() is not None, every=0.005)
    moment = random.uniform(0.0, (time.monotonic() - begun) / 20)
    victims = such(process.pid, "jobs.local.rank") or such(process.pid, "jobs.cli")
    victim = victims[random.integers(len(victims))]
    time.sleep(moment)
    everything = number % 4 == 2
    kill(such(process.pid, "") if everything else [victim])
    _after(process, place, after, folder / "whole", ends, spoken=ranks > 1 and not everything)


def _frames(out: Path) -> int:
    """The number of frames in the last checkpoint of the run in ``out``, which makes one of each."""
    try:
        with h5py.File(out / "restart.h5", "r") as file:
            return int(file["restart"].attrs["frames"])
    except FileNotFoundError:
        return 0


def mid_write(
    folder: Path, random: np.random.Generator, ends: Counter[str], library: Path, calls: dict[tuple[int, str], int], number: int
) -> None:
    """Let a rank be killed in one of its writes to an unfinished file, when half of the bytes are written."""
    ranks, after = RANKS[number % len(RANKS)]
    rank = str(random.integers(ranks)) if ranks > 1 else "none"
    if (ranks, rank) not in calls:
        place = _cleared(folder / "counted")
        words = _words(place, library, rank, 0)
        run("run", folder / "case.toml", "--out", "out", "--ranks", ranks, "--only", "case", cwd=place, environment=words)
        calls[ranks, rank] = int((place / "note.txt").read_text().split()[0])
    call = int(random.integers(1, calls[ranks, rank] + 1))
    place = _cleared(folder / "killed")
    words = _words(place, library, rank, call)
    process = start("run", folder / "case.toml", "--out", "out", "--ranks", ranks, "--only", "case", cwd=place, environment=words)
    until(lambda: process.poll() is not None)
    note = (place / "note.txt").read_text().split()
    assert int(note[0]) == call and "calls" not in note, f"not killed in call {call}: {note}"
    ends[f"in {note[1].removesuffix('64')} of {Path(note[2]).name}"] += 1
    _after(process, place, after, folder / "whole", ends, spoken=ranks > 1)


def _words(place: Path, library: Path, rank: str, call: int) -> Mapping[str, str]:
    """Variables of the environment for `kill_in_write.c`."""
    out, note = str((place / "out").resolve()), str(place / "note.txt")
    return {"LD_PRELOAD": str(library), "KILL_FOLDER": out, "KILL_RANK": rank, "KILL_CALL": str(call), "KILL_NOTE": note}


def _after(process: "subprocess.Popen[str]", place: Path, ranks: int, undisturbed: Path, ends: Counter[str], *, spoken: bool) -> None:
    """Assert after a rank was killed: clear words, no file that only looks whole, and the same bits in the end."""
    process.wait(60.0)
    said, out = (place / "output.txt").read_text(), place / "out"
    late = (out / "summary.json").exists()  # the run was over before
    if spoken and not late:
        assert process.returncode == 1 and "a rank died" in said and "Traceback" not in said, said[-1000:]
    there = whole(out)
    saved = "restart.h5" in there and "run.h5" not in there
    log = out / "log.txt"
    before = log.stat().st_size
    again = run("run", out.parent.parent / "case.toml", "--out", "out", "--ranks", ranks, "--only", "case", cwd=place)
    told = log.read_text()[before:]
    assert not (saved and ANEW in told), told[:600]
    ends["over before" if "done before" in again else "went on" if saved else "begun anew, for there was no checkpoint"] += 1
    validate(out / "run.h5")
    assert_same_bits(undisturbed / "run.h5", out / "run.h5")
    assert not list(out.glob("restart.h5*")) and not list(out.glob("*.part")), sorted(path.name for path in out.iterdir())


def _cleared(place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    return place
