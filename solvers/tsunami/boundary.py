"""What stands outside the mesh: a wall, open water, or open water with a wave coming in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pipeline.data import above_baseline, locate_file, read_columns
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
    """A measured series, linear between its points and zero outside them. The run begins at the file's time ``begin``."""

    file: str = setting("text file: one line a time, columns apart by white space or commas; lines that are no numbers are passed over")
    time: int = setting("column of the time [s], from 0", default=0)
    surface: int | tuple[int, ...] = setting("column of the free surface, from 0; of several columns, the mean", default=1)
    scale: float = setting("factor from the file's unit to m", default=1.0)
    begin: float = quantity("s", "the file's time at the start of the run", default=0.0)
    until: float | None = quantity("s", "the file's time after which no wave enters; unset: its last", default=None)
    baseline: tuple[float, float] | None = setting(
        "the file's times [s] between which the water was still: their mean is subtracted", default=None
    )


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
    columns = (series.surface,) if isinstance(series.surface, int) else series.surface
    try:
        table = read_columns(path, (series.time, *columns))
    except InputError as error:
        raise InputError(f"the incident wave: {error}") from None
    times, surface = table[:, 0], table[:, 1:].mean(axis=1) * series.scale
    if series.baseline:
        surface = above_baseline(times, surface, series.baseline, path.name)
    used = times <= (np.inf if series.until is None else series.until)
    if not used.any():
        raise InputError(f"{path.name} has no sample before until = {series.until:g} s")
    return Tabulated(times[used] - series.begin, surface[used])
