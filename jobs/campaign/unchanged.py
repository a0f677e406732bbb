"""A campaign that is done, and whose files are as its command left them: the same command has nothing to do, and finds that out quickly.

The command notes at its end what all its answers came from, in ``jobs/unchanged.json``: what was asked for, the program with its
packages, the files that were read, and those that stand in the folder. Where any differs all steps are looked at one by one, and the page
is drawn.
"""

import contextlib
import hashlib
import json
import os
import platform
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

from jobs.campaign import catalogue
from jobs.local.processes import RANK_VARIABLES
from pipeline.core import campaign as campaigns
from pipeline.core.campaign import Campaign, Run
from pipeline.core.case import read_toml
from pipeline.core.data import find_here, own_file
from pipeline.core.errors import InputError
from pipeline.core.plugin import GROUPS
from pipeline.core.provenance import ROOT, digest, named

NOTE = Path("jobs", "unchanged.json")
PAGE = "WAVETRAIN_PAGE"  # set to "no" where no page shall be drawn; the same command without it draws the page of what is done
FLOORS = ("jobs", "solvers", "meshes", "pipeline")
PACKAGES = (
    *("wavetrain", "numpy", "numba", "scipy", "mpi4py", "mpi4py-fft", "petsc4py", "h5py", "hdf5plugin", "dask", "distributed", "pint"),
    *("matplotlib", "pillow", "jinja2", "torch", "constriction", "pywavelets", "xarray", "h5netcdf", "rioxarray", "rasterio"),
)
MOST_HASHED = 1 << 24  # [B] of a file whose contents are compared where its time differs
PASSING = (".lock", "log.txt", NOTE.name)  # files that say nothing of a result


def said(file: Path, ranks: int, overrides: Iterable[str], out: Path | None) -> list[str] | None:
    """The lines that ``wavetrain run`` says of a campaign that is done and unchanged; None where it must look closer.

    Arguments are those of `jobs.campaign.execute.execute`.
    """
    if os.environ.get(PAGE) == "no" or any(name in os.environ for name in RANK_VARIABLES):
        return None
    with contextlib.suppress(InputError, OSError, ValueError, KeyError, TypeError):  # the command says what is wrong
        path = catalogue.find(file)
        folder = out or Path("runs") / campaigns.name_of(path)
        noted = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        same = noted["asked"] == _asked(path, ranks, overrides, folder) and noted["named"] == _named(noted["named"])
        if (
            same
            and all(_is_same(Path(place), seen) for place, seen in noted["files"].items())
            and noted["program"] == _program() is not None
        ):
            return list(noted["lines"])
    return None


def note(path: Path, ranks: int, overrides: Iterable[str], folder: Path, campaign: Campaign, notes: Iterable[str]) -> None:
    """Note that ``campaign`` of the file at ``path`` is done in ``folder``; ``notes`` are lines that are said of it in any case."""
    from pipeline.store.writer import write_text

    found = _named(_places(campaign))
    read = [*_cases(path), *(Path(place) for *_, place in found if place)]
    done = [f"{run.name}: done before, unchanged ({folder / run.folder})" for run in campaign.runs]
    known = {
        "asked": _asked(path, ranks, overrides, folder),
        "program": _program(),
        "named": found,
        "files": {str(one.absolute()): _seen(one) for one in (*read, *_made(folder, campaign))},
        "lines": [*notes, *done, f"report: {folder / campaigns.REPORT}"],
    }
    write_text(folder / NOTE, json.dumps(known) + "\n")


def _asked(path: Path, ranks: int, overrides: Iterable[str], folder: Path) -> list[Any]:
    """The command, and what it takes from around it."""
    around = {name: value for name, value in sorted(os.environ.items()) if name.startswith("WAVETRAIN_")}
    return [str(path.resolve()), ranks, os.cpu_count(), list(overrides), str(folder), str(folder.resolve()), around]


def _program() -> str | None:
    """A hash of all that draws and computes, files and packages; None with other packages' plug-ins, whose files are anywhere."""
    if any(group.startswith(GROUPS) for group in entry_points().groups):
        return None
    found = hashlib.sha256(platform.python_version().encode())
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*")):
            if path.suffix != ".pyc" and path.is_file():
                found.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found.update(f"{package} {version(package)}\0".encode())
    return found.hexdigest()


def _places(campaign: Campaign) -> list[list[str]]:
    """Names of files in cases and stages, each with the folder where it is looked for, and how: beside cases or as a user's own."""
    cases = [step.case for step in campaign.steps if isinstance(step, Run)]
    folders = {str(case.folder) for case in cases} | {str(getattr(stage.params, "folder", ".")) for stage in campaign.stages}
    names = {name for case in cases for name in named(tomllib.loads(case.text))}
    own = {(str(stage.params.file), str(stage.params.folder)) for stage in campaign.stages if getattr(stage.params, "file", "")}
    return [["case", name, place] for name in sorted(names) for place in sorted(folders)] + [["own", *pair] for pair in sorted(own)]


def _named(places: Iterable[Sequence[str]]) -> list[list[str]]:
    """The ``places``, each with the file that is found there now; empty where there is none."""
    found = []
    for kind, name, folder, *_ in places:
        path = own_file(name, Path(folder)) if kind == "own" else find_here(name, Path(folder))
        found.append([kind, name, folder, str(path.absolute()) if path else ""])
    return found


def _cases(path: Path) -> list[Path]:
    """The campaign's own file, and those of its cases."""
    table = read_toml(path)
    named_cases = [entry.get("case") for entry in table.get("run", {}).values()] if "run" in table or "stage" in table else []
    return [path, *(path.parent / case for case in named_cases if isinstance(case, str))]


def _made(folder: Path, campaign: Campaign) -> Iterator[Path]:
    """The files of all steps and the page."""
    steps = {folder / (step.folder if isinstance(step, Run) else step.name) for step in campaign.steps}
    for place in sorted({folder, folder / NOTE.parent, *steps, *(step / "figures" for step in steps)}):
        if place.is_dir():
            yield from sorted(one for one in place.iterdir() if one.is_file() and one.name not in PASSING)


def _seen(path: Path) -> list[Any]:
    """Size, time, and of a file that is not too large a hash of its contents."""
    about = path.stat()
    return [about.st_size, about.st_mtime_ns, digest(path) if about.st_size <= MOST_HASHED else ""]


def _is_same(path: Path, seen: Sequence[Any]) -> bool:
    """Whether the file at ``path`` is as it was ``seen``: of the same time, or of the same contents."""
    about = path.stat()
    if about.st_size != seen[0]:
        return False
    return about.st_mtime_ns == seen[1] or (seen[2] != "" and digest(path) == seen[2])
