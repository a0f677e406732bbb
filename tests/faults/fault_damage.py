"""Files that were cut off or of which a bit was flipped: a run, a stage's result, an archive and a checkpoint.

The file is read as everybody reads it, array by array. A try has survived where every array is what was written or is refused by a message
that names the file, and where ``wavetrain check`` names the damage. Each kind is read in a process of its own, which has little memory: a
crash, an endless loop or a huge allocation is a try that did not survive.
"""

import contextlib
import json
import logging
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

if __name__ == "__main__":
    HERE = Path(__file__).resolve().parent
    sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent), str(HERE)]

from fault import Fault, Say, counted, generator

from pipeline.compression.make import Request, compress
from pipeline.compression.target import Target
from pipeline.core import case
from pipeline.core.errors import InputError
from pipeline.store import reader as store
from pipeline.store.check import validate
from pipeline.store.checksums import walk
from pipeline.store.writer import write_result
from solvers.core.comm import Serial
from solvers.core.run import run_case

LENGTHS, FLIPS, RESUMED, COMMANDS = 100, 200, 10, 3
MEMORY = 2**33  # [B] of addresses that a reader may use: Python with its libraries takes three quarters of a GB
SECONDS = 300.0  # that all tries of one kind may take
CASE = {
    "title": "a small run with everything in its file",
    "mesh": {"kind": "rectangle", "width": 4.0, "height": 3.0, "size": 0.2, "bathymetry": {"kind": "flat", "depth": 1.0}},
    "solver": {"kind": "tsunami", "initial": {"kind": "hump", "height": 0.1, "width": 0.5, "centre": [2.0, 1.5]}},
    "time": {"end": 0.5, "every": 0.0625},
    "output": {"chunk": 256},
    "gauges": {"middle": [2.0, 1.5], "corner": [0.1, 0.1]},
}
CUBE = {
    "mesh": {"kind": "box", "length": [6.283185307179586] * 3, "points": [16, 16, 16]},
    "solver": {"kind": "turbulence", "viscosity": 0.05, "initial": {"kind": "taylor_green"}},
    "time": {"end": 0.2, "every": 0.05},
}
Parts = dict[str, Callable[[], Any]]


def faults(folder: Path, say: Say) -> Iterator[Fault]:
    """All kinds of files, cut and flipped; then runs that find their checkpoint damaged."""
    made = make(folder)
    for kind, path in made.items():
        yield from damaged(kind, path, LENGTHS, FLIPS, say)
    yield counted(
        "command `check` on a damaged file: one line that names it, exit 2",
        [lambda path=path, i=i: named_by_the_command(path, i) for path in made.values() for i in range(COMMANDS)],
        say,
        at_once=2,
    )
    whole = numbers(made["run"])
    yield counted(
        "checkpoint damaged while a run was stopped: it begins anew, same bits",
        [lambda i=i: resumed(folder / "again" / str(i), i, whole) for i in range(RESUMED)],
        say,
    )


def make(folder: Path) -> dict[str, Path]:
    """A file of each kind in ``folder``."""
    folder.mkdir(exist_ok=True)
    run_case(case.parse(CASE, folder), folder, Serial())
    columns = {name: (np.linspace(0.0, i + 1.0, 500), "m", name) for i, name in enumerate(("time", "computed", "observed"))}
    write_result(folder / "result.h5", {"gauges/middle": columns, "runup": columns}, {"note": "a stage's result"})
    archived = folder / "archived"
    archived.mkdir()
    run_case(case.parse(CUBE, archived), archived, Serial())
    compress(archived / "run.h5", folder / "archive.h5", Request(Target("nrmse", 0.01), "zfp"))
    stopped(folder / "stopped")
    files = {"run": "run.h5", "stage result": "result.h5", "archive": "archive.h5", "checkpoint": "stopped/restart.h5"}
    return {kind: folder / name for kind, name in files.items()}


class _Stop(Exception):
    """The run is left in the middle, as by a killed process."""


def stopped(folder: Path) -> None:
    """Leave a run in ``folder`` in the middle, with its checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)

    def watch(progress: Any) -> None:
        if progress.step > 15:
            raise _Stop

    with contextlib.suppress(_Stop):
        run_case(case.parse(CASE | {"output": {"chunk": 256, "checkpoint": 0.0}}, folder), folder, Serial(), watch)


def resumed(folder: Path, i: int, whole: dict[str, bytes]) -> None:
    """A run whose checkpoint is damaged ends with the numbers of an undisturbed one."""
    stopped(folder)
    path = folder / "restart.h5"
    raw = path.read_bytes()
    path.write_bytes(flipped(raw, generator(f"resumed {i}")) if i % 2 else cut(raw, generator(f"resumed {i}")))
    run_case(case.parse(CASE | {"output": {"chunk": 256, "checkpoint": 0.0}}, folder), folder, Serial())
    found = numbers(folder / "run.h5")
    differ = [name for name in whole if found[name] != whole[name]]
    assert not differ, f"not the same bits: {differ}"


def flipped(raw: bytes, random: np.random.Generator) -> bytes:
    """Flip a bit of ``raw``."""
    found = bytearray(raw)
    found[random.integers(len(raw))] ^= 1 << int(random.integers(8))
    return bytes(found)


def cut(raw: bytes, random: np.random.Generator) -> bytes:
    """``raw`` up to a random length."""
    return raw[: random.integers(len(raw))]


def parts(path: Path) -> Parts:
    """All that a reader asks of the file at ``path``, by name; the file stays open until nothing is asked any more."""
    with store.open_file(path) as file:
        if "archive" not in file and "fields" not in file and "restart" not in file:
            return {"tables": lambda: store.read_result(path), "attributes": lambda: attributes(path)}
    run = store.open(path)
    found: Parts = {"attributes": lambda: run.attrs}
    if "fields" in run._file:
        found |= {"times": lambda: run.times, "mesh": lambda: (run.mesh_kind, run.mesh())}
        found["names"] = lambda: (run.fields, run.gauges, run.statistics)
        found |= {f"field {name}": lambda name=name: run.source(name)[...] for name in run.fields}
        found |= {f"maximum {name}": lambda name=name: now(run.maximum(name)) for name in run._file.get("maxima", {})}
        found |= {f"gauge {name}": lambda name=name: [now(part) for part in run.gauge(name)] for name in run.gauges}
        found |= {f"statistic {name}": lambda name=name: now(run.statistic(name)) for name in run.statistics}
    if "restart" in run._file:
        found["restart"] = run.restart
    return found


def now(lazy: Any) -> Any:
    """A lazy array, computed in this thread."""
    return lazy.compute(scheduler="synchronous")


def attributes(path: Path) -> dict[str, Any]:
    """The attributes of all groups and arrays, but for HDF5's own references."""
    with store.open_file(path) as file:
        return {"/": dict(file.attrs)} | {name: dict(item.attrs) for name, item in walk(file)}


def numbers(path: Path) -> dict[str, bytes]:
    """Numbers in the run at ``path``, without times of making."""
    return {name: as_bytes(read()) for name, read in parts(path).items() if name != "attributes"}


def as_bytes(value: Any) -> bytes:
    """Any result of a reader as bytes that differ where it does."""
    if isinstance(value, dict):
        return b"".join(str(key).encode() + as_bytes(one) for key, one in sorted(value.items()))
    if isinstance(value, list | tuple):
        return b"".join(map(as_bytes, value))
    if isinstance(value, np.ndarray) and value.dtype != object:
        return str((value.shape, value.dtype)).encode() + value.tobytes()
    return repr(value).encode()


def damaged(kind: str, path: Path, lengths: int, flips: int, say: Say) -> Iterator[Fault]:
    """The rows of one kind of file: ``lengths`` cuts and ``flips`` flips, read in another process."""
    for what, count in (("cut", lengths), ("flip", flips)):
        began = time.monotonic()
        command = [sys.executable, __file__, str(path), what, str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        outcomes = [json.loads(line) for line in done.stdout.splitlines()]
        bad = [one["bad"] for one in outcomes if one["bad"]]
        if len(outcomes) < count:
            bad.append(f"the reader ended with {done.returncode} at try {len(outcomes) + 1}: {done.stderr.strip()[-500:]}")
        for one in bad:
            say(f"{kind}, {what}: {one}")
        quiet = sum(not one["bad"] and not one["named"] for one in outcomes)
        title = f"{kind}: truncated at random lengths" if what == "cut" else f"{kind}: random bit flips"
        named = sum(one["named"] for one in outcomes)
        notes = [f"{named} named as it is read, {quiet} change nothing that is read; `check` names all", *bad[:3]]
        survived = sum(not one["bad"] for one in outcomes)
        yield Fault(title, count, survived, round(time.monotonic() - began, 2), "; ".join(notes))


def read_all(path: Path, what: str, count: int) -> Iterator[dict[str, Any]]:
    """Damage the file at ``path`` ``count`` times, and say of each: is it ``named`` as it is read, and what is ``bad``."""
    raw, random = path.read_bytes(), generator(f"{path.name} {what}")
    whole = {name: as_bytes(read()) for name, read in parts(path).items()}
    spoilt = path.with_name(f"spoilt.{what}.{path.name}")
    for _ in range(count):
        spoilt.write_bytes((flipped if what == "flip" else cut)(raw, random))
        named, bad = False, ""
        try:
            readers = parts(spoilt)
        except (InputError, OSError) as error:
            named, readers = True, {}
            bad = unnamed(error, spoilt)
        if readers and set(readers) != set(whole):
            bad = f"arrays appear or are gone in silence: {set(readers) ^ set(whole)}"
        for name, read in readers.items():
            try:
                if as_bytes(read()) != whole[name]:
                    bad = bad or f"{name} is another in silence"
            except InputError as error:
                named, bad = True, bad or unnamed(error, spoilt)
        try:
            validate(spoilt)
            bad = bad or "`check` says nothing"
        except InputError as error:
            bad = bad or unnamed(error, spoilt)
        yield {"named": named, "bad": bad}
    spoilt.unlink()


def unnamed(error: Exception, path: Path) -> str:
    """The fault of a message: none where it names the file in one line."""
    text = str(error)
    fine = isinstance(error, OSError) or (path.name in text and "\n" not in text)
    return "" if fine else f"a message without the file's name: {text}"


def named_by_the_command(path: Path, i: int) -> None:
    """``wavetrain check`` ends with 2 and one line."""
    from conftest import wavetrain

    spoilt = path.with_name(f"command{i}.{path.name}")
    spoilt.write_bytes((cut if i == 0 else flipped)(path.read_bytes(), generator(f"command {path.name} {i}")))
    done = wavetrain("check", spoilt, cwd=path.parent)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and spoilt.name in done.stderr, done.stderr
    spoilt.unlink()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    logging.disable()
    for outcome in read_all(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])):
        print(json.dumps(outcome), flush=True)
