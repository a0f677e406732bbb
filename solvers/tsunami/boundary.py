"""Boundary conditions of the mesh: a wall, open water, or open water with a wave coming in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pipeline import series as readers
from pipeline.data import locate_file
from pipeline.errors import InputError
from pipeline.params import Spec, choose, quantity, setting
from pipeline.remarks import remark
from pipeline.series import SeriesFile, check_columns
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
class Series(SeriesFile):
    """A measured series, linear between its points and zero outside them. The run begins at the file's time ``begin``."""

    surface: int | tuple[int, ...] = setting("column of the free surface, from 0; of several columns, the mean", default=1)
    begin: float = quantity("s", "the file's time at the start of the run", default=0.0)
    until: float | None = quantity("s", "the file's time after which no wave enters; unset: its last", default=None)

    def __post_init__(self) -> None:
        check_columns(self.time, self.columns, "surface")
        if self.until is not None and self.until <= self.begin:
            raise InputError(f"until = {self.until:g} s is not after begin = {self.begin:g} s: no wave enters")

    @property
    def columns(self) -> dict[str, int]:
        """The columns of the free surface, by what messages call them."""
        if isinstance(self.surface, int):
            return {"surface": self.surface}
        return {f"surface[{i}]": column for i, column in enumerate(self.surface)}


@dataclass(frozen=True, slots=True)
class Tabulated:
    """A series in memory."""

    times: Array  # (samples,) [s]
    surface: Array  # (samples,) [m]
    name: str = "the series"

    def remarks(self, end: float) -> list[str]:
        """Lines to be said where the series does not cover a run to ``end`` [s].

        Raises
        ------
        InputError
            No sample lies within the run.
        """
        first, last = self.times[0], self.times[-1]
        if first > end or last < 0.0:
            raise InputError(
                f"{self.name} goes from t = {first:g} to {last:g} s of the run, which ends at {end:g} s: no wave enters; set its begin"
            )
        said = [f"{self.name} begins at t = {first:g} s of the run: no wave enters before"] if first > 0.0 else []
        if last < end:
            value = f", where it is {self.surface[-1]:g} m" if self.surface[-1] else ""
            said.append(f"{self.name} ends at t = {last:g} s of the run{value}; no wave enters from then to {end:g} s")
        return said

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
        An unknown kind of wave, no such file, or a series that can't be read or lacks a value.
    """
    if not isinstance(boundary, Incident):
        return None
    wave = choose(WAVES, boundary.wave, f"{where}.wave")
    return read_series(wave, folder) if isinstance(wave, Series) else wave


def look_into_files(sides: Mapping[str, Spec], folder: Path, end: float) -> None:
    """Refuse a series that can't be read, or of which nothing enters in a run to ``end`` [s]."""
    for name, asked in sides.items():
        where = f"solver.boundary.{name}"
        wave = incoming_wave(choose(KINDS, asked, where), folder, where)
        if isinstance(wave, Tabulated):
            wave.remarks(end)


def read_series(series: Series, folder: Path) -> Tabulated:
    """Read and check ``series`` (see `incoming_wave`)."""
    path = locate_file(series.file, folder)
    try:
        found = readers.read_series(path, series, series.columns, average=True)
        if found.times[-1] < series.begin:
            raise InputError(f"{path.name} ends at t = {found.times[-1]:g} s, before begin = {series.begin:g} s: no wave enters")
        last = np.inf if series.until is None else series.until
        first, end = max(int(np.searchsorted(found.times, series.begin, "right")) - 1, 0), int(np.searchsorted(found.times, last, "right"))
        if first >= end:
            raise InputError(f"{path.name} has no sample from begin = {series.begin:g} s to until = {last:g} s")
        readers.refuse_missing(found.part(first, end), ["surface"])
    except InputError as error:
        raise InputError(f"the incident wave: {error}") from None
    for note in found.notes:
        remark(f"the incident wave: {note}")
    return Tabulated(found.times[:end] - series.begin, found.values[:end, 0], path.name)
