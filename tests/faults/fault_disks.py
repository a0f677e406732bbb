"""A disk that is full, can't be written to, has a quota, or is slow: for runs, stages and archives.

A disk is a file system in memory of its own size, mounted for real. Root heeds no permissions, so a folder that can't be written to is
a file system that is mounted so. This kernel may know no quotas, and disks in memory are never slow: there a shim before the C library
stands in (``shim.c``).
"""

import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shim
from conftest import HUMP, wavetrain
from fault import Fault, Say, counted, generator
from killed import WAVES, whole

from pipeline.core.provenance import digest
from pipeline.store.reader import Store, read_result

TRIES = 2  # fractions of the space that is needed
SEA = (
    HUMP.replace("size = 1.0", "size = 0.3").replace("every = 0.25", "every = 0.05")
    + """
[output]
checkpoint = 0.0
[gauges]
front = [8.0, 5.0]
[observed]
source = "by hand"
comparison = "laboratory"
first_crest = { front = 0.05 }
"""
)
BEGIN = """
[run.sea]
case = "sea.toml"
[stage.error]
kind = "decompose"
runs = "sea"
reference = "exact"
"""
REST = """
[run.truth]
case = "waves.toml"
[run.model]
case = "waves.toml"
set = { "solver.terms" = ["-u_xx", "-u_xxxx"], "time.end" = 0.02 }
[stage.beside]
kind = "validate"
run = "sea"
[stage.terms]
kind = "discover"
observed = "truth"
forecast = "model"
after = 6.0
starts = 2
resamples = 5
library = ["u", "u*u_x", "u_xxx"]
[stage.small]
kind = "compress"
run = "sea"
bound = "1%"
"""
SWEEP = '[run.sea]\ncase = "sea.toml"\n[sweep]\n"solver.initial.height" = [0.1, 0.12, 0.14]\n'
FILES = {"sea.toml": SEA, "waves.toml": WAVES, "all.toml": BEGIN + REST, "sweep.toml": SWEEP}
SPEEDS = ("encode_mb_s", "decode_mb_s")  # of a stage's result: never the same twice
SPACE = "64m"


@dataclass(frozen=True)
class Work:
    """A command that writes to a disk, what must stand there before it, and what it leaves."""

    name: str
    words: tuple[str, ...]  # DISK stands for the disk
    before: tuple[str, ...] = ()  # files and folders of the whole campaign
    leaves: tuple[str, ...] = ()  # HDF5 files, beneath the disk


RUNS = ("all/sea", "all/truth", "all/model", "all/jobs")
WORKS = (
    Work("run", ("run", "sea.toml", "--out", "DISK/sea", "--only", "sea"), leaves=("sea/run.h5",)),
    Work("run on 2 ranks", ("run", "sea.toml", "--out", "DISK/sea", "--only", "sea", "--ranks", "2"), leaves=("sea/run.h5",)),
    Work("sweep", ("run", "sweep.toml", "--out", "DISK/sweep"), leaves=tuple(f"sweep/sea-{i:03d}/run.h5" for i in range(3))),
    *(
        Work(f"stage {kind}", ("run", "all.toml", "--out", "DISK/all", "--only", name), RUNS, tuple(f"all/{name}/{file}" for file in files))
        for kind, name, files in (
            ("validate", "beside", ["result.h5"]),
            ("decompose", "error", ["result.h5"]),
            ("discover", "terms", ["result.h5"]),
            ("compress", "small", ["result.h5", "archive.h5"]),
        )
    ),
    Work("compress", ("compress", "all/sea/run.h5", "--bound", "1%", "--out", "DISK/one.archive.h5"), leaves=("one.archive.h5",)),
    Work("decompress", ("decompress", "one.archive.h5", "--out", "DISK/two.h5"), leaves=("two.h5",)),
)


def faults(folder: Path, say: Say) -> Iterator[Fault]:
    if missing := ("" if os.getuid() == 0 else "root, who can mount") or shim.missing():
        say(f"skipped, missing: {missing}")
        return
    prepare(folder, say)
    draw = generator("disks")
    for work in WORKS:
        tries = [functools.partial(full, folder, work, float(share)) for share in draw.uniform(0.05, 0.9, TRIES)]
        yield counted(f"disk full: {work.name}", tries, say, at_once=2, notes="a file system in memory, of a random part of what is needed")
    some = [functools.partial(read_only, folder, work) for work in WORKS]
    yield counted("read-only folder", some, say, at_once=2, notes=f"mounted so: {', '.join(work.name for work in WORKS)}")
    some = [functools.partial(out_of_quota, folder, work, float(share)) for work in WORKS for share in draw.uniform(0.05, 0.5, 1)]
    yield counted("quota", some, say, at_once=2, notes="EDQUOT by a shim before the C library")
    some = [functools.partial(slow, folder, work) for work in WORKS]
    yield counted("slow disk", some, say, at_once=2, notes="each write takes 3 ms more, by a shim before the C library")


MAKING = (
    ("run", "all.toml", "--out", "all"),
    ("run", "sweep.toml", "--out", "sweep"),
    ("compress", "all/sea/run.h5", "--bound", "1%", "--out", "one.archive.h5"),
    ("decompress", "one.archive.h5", "--out", "two.h5"),
)


def prepare(folder: Path, say: Say, making: Sequence[Sequence[str]] = MAKING, files: Mapping[str, str] = FILES) -> None:
    """The cases, and all that the works leave where nothing is wrong."""
    for name, text in files.items():
        (folder / name).write_text(text)
    for words in making:
        done = wavetrain(*words, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr
    (folder / "sea").symlink_to("all/sea")
    say("made what is to be compared with")


@contextmanager
def disk(folder: Path, size: str = SPACE) -> Iterator[Path]:
    """A disk in memory of ``size``, unmounted at the end."""
    place = Path(tempfile.mkdtemp(prefix="disk-", dir=folder))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)
        place.rmdir()


def remount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", place], check=True)


def full(folder: Path, work: Work, share: float) -> None:
    """``share`` of the space that ``work`` needs is there: it fails in one line, and goes on where there is more."""
    needed = sum(one.stat().st_size for path in work.leaves for one in [folder / path])
    with disk(folder) as place:
        before = filled(folder, work, place)
        used = shutil.disk_usage(place).used
        remount(place, f"size={used + int(share * needed)}")
        done = command(folder, work, place)
        refused(done, "No space left on device", work)
        intact(place, before)
        whole(place)
        remount(place, f"size={SPACE}")
        as_undisturbed(folder, work, place)
        intact(place, before)


def read_only(folder: Path, work: Work) -> None:
    with disk(folder) as place:
        before = filled(folder, work, place)
        remount(place, "ro")
        refused(command(folder, work, place), "Read-only file system", work)
        remount(place, "rw")
        intact(place, before)
        as_undisturbed(folder, work, place)


def out_of_quota(folder: Path, work: Work, share: float) -> None:
    needed = sum((folder / path).stat().st_size for path in work.leaves)
    with disk(folder) as place:
        before = filled(folder, work, place)
        refused(command(folder, work, place, shim.quota(place, int(share * needed))), "Disk quota exceeded", work)
        intact(place, before)
        whole(place)
        as_undisturbed(folder, work, place)


def slow(folder: Path, work: Work) -> None:
    with disk(folder) as place:
        before = filled(folder, work, place)
        as_undisturbed(folder, work, place, shim.slow(place, 3000))
        intact(place, before)


def filled(folder: Path, work: Work, place: Path) -> dict[Path, str]:
    """Copy to ``place`` what ``work`` reads there; the hashes of these results."""
    for name in work.before:
        if (folder / name).exists():
            shutil.copytree(folder / name, place / name)
    return {path.relative_to(place): digest(path) for path in place.rglob("*.h5")}


def command(folder: Path, work: Work, place: Path, environment: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    words = [word.replace("DISK", str(place)) for word in work.words]
    return wavetrain(*words, cwd=folder, more=environment or {})


def refused(done: "subprocess.CompletedProcess[str]", said: str, work: Work) -> None:
    """Assert a single line that says why, and status 1."""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    told = f"{work.name}: status {done.returncode}, {done.stderr.strip()[-2000:] or done.stdout[-300:]!r}"
    assert done.returncode == 1, told
    assert len(lines) == 1, told
    assert lines[0].startswith("error: ") and said in lines[0], told


def intact(place: Path, before: Mapping[Path, str]) -> None:
    for path, hashed in before.items():
        assert digest(place / path) == hashed, f"{path} was changed"


def as_undisturbed(folder: Path, work: Work, place: Path, environment: Mapping[str, str] | None = None) -> None:
    """The same command ends well, and leaves the same numbers as where nothing was wrong."""
    done = command(folder, work, place, environment)
    assert done.returncode == 0, f"{work.name}: {done.stderr[-2000:]}"
    for path in work.leaves:
        assert values(place / path) == values(folder / path), f"{path} has other numbers"


def values(path: Path) -> dict[str, bytes]:
    """All numbers of a run, an archive or a stage's result."""
    if path.name == "result.h5":
        tables = read_result(path)
        return {
            f"{group}/{name}": np.asarray(column).tobytes()
            for group, columns in tables.items()
            for name, column in columns.items()
            if name not in SPEEDS
        }
    with Store(path) as store:
        assert store.complete
        return {name: store.field(name).compute().tobytes() for name in store.fields} | {"time": store.times.tobytes()}
