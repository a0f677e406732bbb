"""A case: one run, as TOML text, read into frozen dataclasses. An unknown key is refused by name.

Sections: ``mesh`` and ``solver`` (plug-ins, by ``kind``), ``source`` (a list, which is the solver's), ``time``, ``output``, ``gauges``
(named places) and ``observed`` (measurements of the same event; stage `validate` sets the run beside them).
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.core.errors import InputError
from pipeline.core.gauge_table import GaugeSampling, gauges_of
from pipeline.core.overrides import copied, with_overrides
from pipeline.core.params import Spec, build, label_of, quantity, setting, spec, table_of
from pipeline.core.plugin import nearest

__all__ = ["Case", "Output", "Spec", "Time", "build", "parse", "quantity", "read", "read_toml", "setting", "with_overrides"]

DEEPEST = 32  # tables and lists in each other: more are no case
SECTIONS = ("title", "mesh", "solver", "source", "time", "output", "gauges", "observed")


@dataclass(frozen=True, slots=True)
class Time:
    """The run's end and its intervals."""

    end: float = quantity("s", "simulated time at which the run ends", above=0.0)
    every: float = quantity("s", "simulated time between stored frames", above=0.0)
    cfl: float = quantity("dimensionless", "Courant number, at most 1", default=0.9, above=0.0)
    dt: float | None = quantity("s", "time step, for solvers that have no limit of their own", default=None, above=0.0)

    def __post_init__(self) -> None:
        if self.every > self.end:
            raise InputError(f"every = {self.every} s is larger than end = {self.end} s: nothing would be stored")
        if self.cfl > 1.0:
            raise InputError(f"cfl = {self.cfl}; it must be at most 1: with longer steps no solver here is sure to be stable")


@dataclass(frozen=True, slots=True)
class Output:
    """Settings of a run's output."""

    filter: Literal["none", "gzip", "zstd", "lz4", "blosc2"] = setting("lossless compression of the fields", default="none")
    chunk: int = setting("values in one chunk of a stored field, of one frame or of several small ones, 1 or more", default=16384)
    views: bool = setting("show each frame as a dataset of its own, for readers of XDMF without hyperslabs, such as meshio", default=False)
    maps: tuple[float, ...] = quantity("s", "times of the report's maps; none named: four, evenly spaced", default=())
    checkpoint: float = quantity("s", "wall time between restart files", default=60.0, low=0.0)
    writers: int = setting("ranks that write, for themselves and their neighbours; 0: all of up to 8, else one of each 8", default=0)

    def __post_init__(self) -> None:
        if self.chunk < 1:
            raise InputError(f"chunk = {self.chunk}; it must be 1 or more cells")
        if self.writers < 0:
            raise InputError(f"writers = {self.writers}; it must be 0 or more ranks")


@dataclass(frozen=True, slots=True)
class Case:
    """The case of a run.

    Attributes
    ----------
    text
        The case as TOML, overrides applied: it alone defines the run.
    title
        One line for the page; it may be empty.
    folder
        Files that the case names are looked for here first.
    mesh
        The mesh's kind and table.
    solver
        The solver's kind and table.
    time
        The run's end and its intervals.
    output
        Settings of the files.
    gauges
        The place of each gauge [m].
    sampling
        Settings of the gauges that have any: intervals, fields, times.
    observed
        Observations of the same event, as stage `validate` reads them.
    """

    text: str
    title: str
    folder: Path
    mesh: Spec
    solver: Spec
    time: Time
    output: Output
    gauges: Mapping[str, tuple[float, ...]]
    sampling: Mapping[str, GaugeSampling]
    observed: Mapping[str, Any]


def read(path: str | Path, overrides: Iterable[str] = ()) -> Case:
    """Read the case at ``path``.

    Parameters
    ----------
    path
        The file.
    overrides
        Texts ``key.path=value``, applied in their order.

    Returns
    -------
    Case
        The case. All keys and units are checked; the tables of mesh and solver are checked by these themselves.

    Raises
    ------
    InputError
        No such file, not TOML, or a section or key that is unknown, missing or wrong.

    Examples
    --------
    >>> case = read("runs/ks/case.toml", ["time.end=4.0"])
    >>> case.solver.kind, case.time.end
    ('ks', 4.0)
    """
    folder = Path(path).resolve().parent
    return parse(with_overrides(read_toml(path), overrides, folder), folder)


def read_toml(path: str | Path) -> dict[str, Any]:
    """The TOML file at ``path`` as nested dictionaries; `InputError` where it can't be read."""
    try:
        text = Path(path).read_bytes().decode()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise InputError(f"no file {str(path)!r}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}") from None
    except (OSError, ValueError) as error:  # may not be read, or a name that no file has
        raise InputError(f"cannot read {str(path)!r}: {getattr(error, 'strerror', None) or error}") from None
    return read_text(text, str(path))


def read_text(text: str, name: str = "the case") -> dict[str, Any]:
    """The TOML ``text`` called ``name`` as nested dictionaries; `InputError` where it is none."""
    try:
        table = tomllib.loads(text)
    except ValueError as error:  # also of a number that is too long
        raise InputError(f"{name} is not TOML: {error}") from None
    except RecursionError:
        table = None
    if table is None or _depth_exceeds(table, DEEPEST):
        raise InputError(f"{name}: more than {DEEPEST} tables and lists stand in each other")
    return table


def _depth_exceeds(value: Any, most: int) -> bool:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return most < 0 or any(_depth_exceeds(one, most - 1) for one in inner)


def parse(table: Mapping[str, Any], folder: Path) -> Case:
    """The case in ``table`` (see `read`)."""
    for key in table:
        if key not in SECTIONS:
            raise InputError(f"unknown section '{key}'{nearest(key, SECTIONS)}; there are: {', '.join(SECTIONS)}")
    for key in ("mesh", "solver", "time"):
        if key not in table:
            raise InputError(f"section [{key}] is missing")
    time = build(Time, table["time"], "time")
    places, sampling = gauges_of(table.get("gauges", {}), time.end)
    return Case(
        text=to_toml(table),
        title=label_of(table.get("title", ""), "title"),
        folder=folder,
        mesh=spec(table["mesh"], "mesh"),
        solver=spec(_with_sources(table), "solver"),
        time=time,
        output=build(Output, table.get("output", {}), "output"),
        gauges=places,
        sampling=sampling,
        observed=table_of(table.get("observed", {}), "observed"),
    )


def _with_sources(table: Mapping[str, Any]) -> Any:
    """The table of the solver, with ``[[source]]`` as its key ``source``."""
    if "source" not in table:
        return table["solver"]
    if not isinstance(table["source"], list):
        raise InputError("'source' is no list: write each source as a table of its own, [[source]]")
    solver = table_of(table["solver"], "solver")
    if "source" in solver:
        raise InputError("there are both [[source]] and 'solver.source': write all of them as [[source]]")
    return {**solver, "source": table["source"]}


def to_toml(table: Mapping[str, Any]) -> str:
    """``table`` as TOML text: the run's own record of its settings, overrides included."""
    import tomli_w

    return re.sub(r"\[\n((?:    [^\[\]{}\n]*,\n)+)\]", _one_line, tomli_w.dumps(copied(table)))


def _one_line(array: re.Match[str]) -> str:
    """A list of plain values on one line."""
    return "[" + ", ".join(line[4:-1] for line in array[1].split("\n")[:-1]) + "]"
