"""What stands outside the mesh: a wall, open water, or open water with a wave coming in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pipeline.data import locate_file
from pipeline.errors import InputError
from pipeline.params import Spec, choose, quantity, setting
from solvers.tsunami import exact

Array = np.ndarray[Any, np.dtype[Any]]


class Wave(Protocol):
    """Free surface [m] above the still level of a wave that enters, at time t [s]."""

    def __call__(self, t: float) -> float: ...


@dataclass(frozen=True, slots=True)
class Solitary:
    """A solitary wave."""

    height: float = quantity("m", "height of the crest", above=0.0)
    depth: float = quantity("m", "depth of the still water at the boundary", above=0.0)
    crest: float | None = quantity("s", "time at which the crest enters; unset: when the wave starts at 1 % of its height", default=None)
    gravity: float = quantity("m/s^2", "gravity", default=9.81, above=0.0)

    def __call__(self, t: float) -> float:
        crest = self.crest
        if crest is None:
            crest = exact.solitary_duration(g=self.gravity, depth=self.depth, height=self.height)
        return float(exact.solitary_wave(np.asarray(t - crest), g=self.gravity, depth=self.depth, height=self.height))


@dataclass(frozen=True, slots=True)
class Series:
    """A measured series, linear between its points and zero outside them."""

    file: str = setting("text file: one line a time, columns apart by white space or commas; lines that are no numbers are passed over")
    time: int = setting("column of the time [s], from 0", default=0)
    surface: int = setting("column of the free surface [m], from 0", default=1)
    scale: float = setting("factor from the file's unit to m", default=1.0)


@dataclass(frozen=True, slots=True)
class Tabulated:
    """A series in memory."""

    times: Array  # (samples,) [s]
    surface: Array  # (samples,) [m]

    def __call__(self, t: float) -> float:
        return float(np.interp(t, self.times, self.surface, left=0.0, right=0.0))


@dataclass(frozen=True, slots=True)
class Wall:
    """Water does not pass."""


@dataclass(frozen=True, slots=True)
class Outflow:
    """Waves leave and do not come back."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A wave comes in; what comes from inside leaves."""

    wave: Spec = setting('{ kind = "solitary", height = 0.032, depth = 0.32 } or { kind = "series", file = "..." }')


KINDS: Mapping[str, type] = {"wall": Wall, "outflow": Outflow, "incident": Incident}
WAVES: Mapping[str, type] = {"solitary": Solitary, "series": Series}


def incoming_wave(boundary: Any, folder: Path, where: str) -> Wave | None:
    """The wave that enters at ``boundary``; None for a wall and for an outflow.

    Raises
    ------
    InputError
        An unknown kind of wave, no such file, or a series with a value that is not finite or times that fall.
    """
    if not isinstance(boundary, Incident):
        return None
    wave = choose(WAVES, boundary.wave, f"{where}.wave")
    return read_series(wave, folder) if isinstance(wave, Series) else wave


def read_series(series: Series, folder: Path) -> Tabulated:
    """Read and check ``series`` (see `incoming_wave`)."""
    path = locate_file(series.file, folder)
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        try:
            row = [float(word) for word in line.replace(",", " ").split()]
        except ValueError:
            continue
        if not row:
            continue
        if len(row) <= max(series.time, series.surface):
            raise InputError(f"{path.name}, line {number}: {len(row)} columns; column {max(series.time, series.surface)} is asked for")
        if not np.isfinite([row[series.time], row[series.surface]]).all():
            raise InputError(f"{path.name}, line {number}: the incident wave has a value that is not finite")
        rows.append((row[series.time], row[series.surface] * series.scale))
    if len(rows) < 2:
        raise InputError(f"{path.name} holds no series: fewer than two lines of numbers")
    times, surface = np.array(rows).T
    if not (np.diff(times) > 0.0).all():
        first = int(np.argmin(np.diff(times) > 0.0))
        raise InputError(f"{path.name}: times do not rise after t = {times[first]} s")
    return Tabulated(times, surface)
