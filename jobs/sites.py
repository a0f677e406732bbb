"""Sites: what a cluster asks of its jobs, one TOML file each."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.case import read_toml
from pipeline.errors import InputError
from pipeline.params import build, setting
from pipeline.plugin import nearest

FOLDER = Path(__file__).resolve().parent / "sites"
TIME = re.compile(r"(\d+-)?\d+(:\d+){0,2}")  # as sbatch takes it: minutes, hours:minutes:seconds, days-hours, ...
MEMORY = re.compile(r"\d+[KMGT]?")
FOLDER_NAME = re.compile(r"(?:[\w./@%+:~-]|\$\w+|\$\{\w+\})*")  # with the shell's variables, and no command
WORD = re.compile(r"[^\s'\"\\]+")


@dataclass(frozen=True, slots=True)
class Site:
    """What a cluster asks of its jobs."""

    title: str = setting("one line on what it is")
    partition: str = setting("the queue; empty: SLURM's default", default="")
    account: str = setting("what is charged; empty: the user's default", default="")
    time: str = setting("the longest limit of one job, as sbatch takes it; estimates never exceed it", default="01:00:00")
    memory: str = setting("of one job, such as 8G; empty: as estimated, or SLURM's default", default="")
    launcher: str = setting('what starts the ranks, such as "srun --mpi=pmix"; empty: mpirun, on one node', default="")
    cores: int = setting("of a stage's job", default=2)
    workers: Literal["here", "inside", "jobs"] = setting(
        "a stage's Dask workers: here, in its job on one node; inside, spread over its job's nodes; jobs, each a job of its own",
        default="here",
    )
    most_workers: int = setting("where workers are jobs", default=8)
    interface: str = setting("the network between workers and scheduler, such as ib0; empty: the machine's default", default="")
    at_once: int = setting("runs of a sweep at a time; 0: as many as SLURM finds room for", default=0)
    retries: int = setting("how often a job that ran out of time is queued again; runs go on from their checkpoint", default=20)
    warning: int = setting("seconds before the time is up at which a job is asked to save and stop", default=60)
    scratch: str = setting("a fast folder for what Dask's workers put on disk; the shell's variables count", default="")
    modules: tuple[str, ...] = setting("to load", default=())
    options: tuple[str, ...] = setting("more of sbatch's options", default=())
    setup: tuple[str, ...] = setting("lines of shell before the command", default=())
    speed: Mapping[str, float] = setting("measured updates (cells x stages x steps) per core-second, by solver", factory=dict)
    bytes: Mapping[str, tuple[float, float]] = setting(
        "measured memory of a run per cell, by solver: shared by all ranks, and on each of them", factory=dict
    )

    def __post_init__(self) -> None:
        one = {key: (getattr(self, key),) for key in ("title", "partition", "account", "interface", "launcher", "scratch")}
        many = {key: getattr(self, key) for key in ("options", "setup", "modules")}
        for key, lines in (one | many).items():
            for line in lines:
                if not line.isprintable():
                    raise InputError(f"{key}: {line!r} is not one line of text")
        try:
            shlex.split(self.launcher)
        except ValueError as error:
            raise InputError(f"launcher = {self.launcher!r} is no command: {error}") from None
        if not FOLDER_NAME.fullmatch(self.scratch):
            raise InputError(f"scratch = {self.scratch!r} is no name of a folder; the shell's variables may stand in it, such as $USER")
        for name, value, form in (
            ("partition", self.partition, WORD),
            ("account", self.account, WORD),
            ("interface", self.interface, WORD),
            ("time", self.time, TIME),
            ("memory", self.memory, MEMORY),
        ):
            if (value or name == "time") and not form.fullmatch(value):
                raise InputError(f"{name} = {value!r} is nothing that sbatch takes")
        for name, least in (("cores", 1), ("most_workers", 1), ("at_once", 0), ("retries", 0), ("warning", 1)):
            if getattr(self, name) < least:
                raise InputError(f"{name} = {getattr(self, name)}; it must be at least {least}")


def check_limits(limits: Mapping[str, str]) -> None:
    """`InputError` where a ``time`` or a ``memory`` in ``limits`` is nothing that sbatch takes."""
    for name, form in (("time", TIME), ("memory", MEMORY)):
        if name in limits and not form.fullmatch(limits[name]):
            raise InputError(f"{name} = {limits[name]!r} is nothing that sbatch takes")


def known() -> dict[str, Path]:
    """The files of the sites that come with Wavetrain, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def find(name: str) -> Path:
    """The file of site ``name``: a path that ends in .toml, or one that comes with Wavetrain; `InputError` where there is none."""
    there = known()
    path = Path(name) if name.endswith(".toml") else there.get(name)
    if path is None:
        raise InputError(f"no site {name!r}{nearest(name, there)}; there are: {', '.join(there)}, or name a file NAME.toml")
    return path


def read(name: str) -> Site:
    """The site ``name`` (see `find`); `InputError` where its file is wrong."""
    found: Site = build(Site, read_toml(find(name)), f"site {name}")
    return found


def listed() -> list[tuple[str, Any]]:
    """Names and titles of the sites that come with Wavetrain."""
    return [(name, read(name).title) for name in known()]
