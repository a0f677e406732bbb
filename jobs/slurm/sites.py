"""Sites: the settings of clusters for their jobs, a TOML file each, and the lines and words that they put into a job's script."""

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Literal

from jobs.local.processes import SAFE, python
from jobs.slurm import options
from jobs.slurm.limits import as_seconds, check_memory, check_time
from pipeline.core.case import read_toml
from pipeline.core.errors import InputError
from pipeline.core.params import build, setting
from pipeline.core.plugin import nearest

FOLDER = Path(__file__).resolve().parents[1] / "sites"
FOLDER_NAME = re.compile(r"(?:[\w./@%+:~-]|\$\w+|\$\{\w+\})*")  # with the shell's variables, and no command
KEYS = {  # options of sbatch that are keys of a site too
    "time": ("--time", "-t"),
    "partition": ("--partition", "-p"),
    "account": ("--account", "-A"),
    "memory": ("--mem",),
    "memory_per_cpu": ("--mem-per-cpu",),
}
WORD = re.compile(r"[^\s'\"\\]+")
CONTAINERS = ("apptainer", "singularity", "shifter", "ch-run", "podman", "podman-hpc", "sarus", "docker", "enroot")
STARTERS = ("srun", "mpirun", "mpiexec", "orterun", "prun", "prterun", "aprun", "jsrun", "ibrun")
OTHERS = re.compile(r"(?:^|[;&|({]\s*|\b(?:then|do|else)\s+)(?:source|\.|eval|module|ml|conda|mamba|micromamba|spack)\s")
TOLD = [  # the line of the script itself, for the last command may be one inside a function
    "setup_failed() {",
    '    local line="$3"',
    '    [ "$4" != "$0" ] || line=$(sed -n "$2p" "$0" 2>/dev/null)',
    """    echo "error: \\"$line\\" failed (exit $1): see modules and setup in the site's file" >&2""",
    "}",
    """trap 'setup_failed $? "$LINENO" "$BASH_COMMAND" "${BASH_SOURCE[0]:-$0}"' ERR""",
]


@dataclass(frozen=True, slots=True)
class Site:
    """A cluster's settings for its jobs."""

    title: str = setting("a line on the cluster")
    partition: str = setting("the queue; empty: SLURM's default", default="")
    account: str = setting("account that is charged; empty: the user's default", default="")
    time: str = setting("the longest limit of one job, as sbatch takes it; estimates never exceed it", default="01:00:00")
    memory: str = setting("memory of a job's node, or of each of its CPUs, such as 8G; empty: as estimated, or SLURM's default", default="")
    memory_per: Literal["node", "cpu"] = setting("unit by which the site counts memory", default="node")
    node_cores: int = setting("cores of a node, a rank each; 0: as many as sinfo says", default=0)
    python: str = setting("interpreter of jobs; empty: that of the command; the shell's variables count", default="")
    launcher: str = setting('command that starts the ranks, such as "srun --mpi=pmix"; empty: mpirun, on one node', default="")
    cores: int = setting("cores of a stage's job", default=2)
    workers: Literal["here", "inside", "jobs"] = setting(
        "a stage's Dask workers: here, in its job on one node; inside, spread over its job's nodes; jobs, each a job of its own",
        default="here",
    )
    most_workers: int = setting("most workers at a time, where they are jobs", default=8)
    interface: str = setting("the network between workers and scheduler, such as ib0; empty: the machine's default", default="")
    at_once: int = setting("runs of a sweep at a time; 0: as many as SLURM finds room for", default=0)
    retries: int = setting("how often a job that ran out of time is queued again; runs go on from their checkpoint", default=20)
    warning: int = setting("seconds before the time is up at which a job is asked to save and stop", default=60)
    scratch: str = setting("fast folder for data that Dask's workers put on disk; the shell's variables count", default="")
    modules: tuple[str, ...] = setting("modules to load", default=())
    options: tuple[str, ...] = setting("further options of sbatch", default=())
    setup: tuple[str, ...] = setting("lines of shell before the command", default=())
    speed: Mapping[str, float] = setting(
        "measured updates (cells x stages x steps) per core-second, by solver; by stage cells x frames that it reads", factory=dict
    )
    bytes: Mapping[str, tuple[float, ...]] = setting(
        "measured memory per cell, by solver or stage: shared by a node's ranks or workers, on each of them, and spread over all of them",
        factory=dict,
    )

    def __post_init__(self) -> None:
        one = {key: (getattr(self, key),) for key in ("title", "partition", "account", "interface", "launcher", "scratch", "python")}
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
        if "$" in self.python and not FOLDER_NAME.fullmatch(self.python):
            raise InputError(f"python = {self.python!r} is no name of a file; the shell's variables may stand in it, such as $HOME")
        for name in ("partition", "account", "interface"):
            if (value := getattr(self, name)) and not WORD.fullmatch(value):
                raise InputError(f"{name} = {value!r} is nothing that sbatch takes")
        for option in self.options:
            options.words(option)
        for name, least in (("cores", 1), ("node_cores", 0), ("most_workers", 1), ("at_once", 0), ("retries", 0), ("warning", 1)):
            if getattr(self, name) < least:
                raise InputError(f"{name} = {getattr(self, name)}; it must be at least {least}")
        check_time(self.time, "time", self.warning)
        for kind, sizes in self.bytes.items():
            if len(sizes) not in (2, 3):
                raise InputError(f"bytes.{kind} has {len(sizes)} numbers; it must have two (shared, on each), or a third (spread over all)")
        if self.memory:
            check_memory(self.memory, "memory")

    @property
    def longest(self) -> float:
        """The longest limit of one job [s]."""
        return as_seconds(self.time)

    @property
    def says_memory(self) -> bool:
        """Whether a job's memory is said, by a key or an option."""
        return bool(self.memory or options.value_of(self.options, "--mem-per-gpu"))

    @property
    def nodes(self) -> int:
        """Nodes of a job on several ranks, as the options say; 0 where they do not."""
        return _count(options.value_of(self.options, *options.NODES))

    @property
    def ranks_per_node(self) -> int:
        """Ranks on a node, as the options say; 0 where they do not."""
        return _count(options.value_of(self.options, *options.RANKS_PER_NODE))

    @property
    def option_lines(self) -> list[str]:
        """The options as lines behind #SBATCH."""
        return options.quoted(self.options)

    @property
    def option_lines_of_one_task(self) -> list[str]:
        """The options of a job of one task: without any that lays several ranks on nodes."""
        return options.quoted(options.on_one_node(self.options))

    @property
    def starts_ranks(self) -> bool:
        """Whether the launcher starts ranks, on several nodes too; else the command starts its own, on one."""
        return bool(_parts(self.launcher)[0])

    @property
    def container(self) -> str:
        """Words before the command of a stage or a page: the launcher's container, and a space; empty where it has none."""
        words = _parts(self.launcher)[1]
        return f"{shlex.join(words)} " if words else ""

    @property
    def interpreter(self) -> list[str]:
        """The Python of jobs, as words of a script: it never takes modules from the working folder."""
        words = python(interpreter=self.python or sys.executable)
        return [f'"{words[0]}"' if "$" in words[0] else shlex.quote(words[0]), *words[1:]]

    def before(self, ranks: int) -> str:
        """Words before the command of a run on ``ranks`` ranks: nothing, or words and a space.

        One rank needs nobody who starts ranks; a container without one has the command start them itself, inside.
        """
        start, container = _parts(self.launcher)
        alone = ranks == 1 and bool(start) and PurePath(start[0]).name in STARTERS
        words = [*([*start, "-n", str(ranks)] if start and not alone else []), *container]
        return f"{shlex.join(words)} " if words else ""

    def preparation(self, *, stop: bool = True) -> list[str]:
        """Lines of bash that load the modules and do the setup under ``set -euo pipefail``: a failure ends the job, in one line.

        Without ``stop`` they go on after a failure, so that all is told.

        A variable that is not set is refused in the site's own lines alone: systems of modules and environments read such variables.
        """
        lines = [f"module load {shlex.quote(module)}" for module in self.modules]
        if self.setup:
            lines += ["set -u", *map(_strict, self.setup), "set +u"]
        around = [*TOLD, f"set -{'e' if stop else ''}o pipefail", *lines, "trap - ERR", "set +e +o pipefail"] if lines else []
        return [*around, *(f"export {name}={value}" for name, value in SAFE.items())]


def _parts(launcher: str) -> tuple[list[str], list[str]]:
    """The words of ``launcher`` that start ranks, and the words of a container, which come last."""
    words = shlex.split(launcher)
    at = next((i for i, word in enumerate(words) if PurePath(word).name in CONTAINERS), len(words))
    return words[:at], words[at:]


def _strict(line: str) -> str:
    """``line`` as it is, or with others' code in it free to read variables that are not set."""
    return f"set +u; {line}; set -u" if OTHERS.search(line) and not line.rstrip().endswith(("\\", "then", "do", "else", "{", "(")) else line


def _count(value: str | None) -> int:
    """The least number in an option's ``value``, such as 2 or 2-4; 0 where it has none."""
    match = re.match(r"\d+", value or "")
    return int(match[0]) if match else 0


def known() -> dict[str, Path]:
    """The files of the sites that come with Wavetrain, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def find(name: str) -> Path:
    """The file of site ``name``: a path that ends in .toml, or a site that comes with Wavetrain; `InputError` where there is none."""
    there = known()
    path = Path(name) if name.endswith(".toml") else there.get(name)
    if path is None:
        raise InputError(f"no site {name!r}{nearest(name, there)}; there are: {', '.join(there)}, or name a file NAME.toml")
    return path


def read(name: str) -> Site:
    """The site ``name`` (see `find`); `InputError` where its file is wrong."""
    table = read_toml(find(name))
    site: Site = build(Site, table, f"site {name}")
    changed: dict[str, Any] = {}
    rest: Sequence[str] = site.options
    for key, names in KEYS.items():
        value, rest = options.taken(rest, names)
        if value is None:
            continue
        own = "memory" if key == "memory_per_cpu" else key
        if own in table or own in changed:
            raise InputError(f"site {name}: {own} is said twice, and in options by {names[0]}: leave one of them")
        changed |= {own: value} | ({"memory_per": "cpu"} if key == "memory_per_cpu" else {})
    try:
        return replace(site, options=tuple(rest), **changed) if changed else site
    except InputError as error:
        raise InputError(f"site {name}: in options: {error}") from None


def listed() -> list[tuple[str, Any]]:
    """Names and titles of the sites that come with Wavetrain."""
    return [(name, read(name).title) for name in known()]
