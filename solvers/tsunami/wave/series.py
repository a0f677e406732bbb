"""Series: a measured series from a file, linear between its points and zero outside them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.data import locate_file
from pipeline.core.errors import InputError
from pipeline.core.params import quantity, setting
from pipeline.core.remarks import remark
from pipeline.reading import series as readers
from pipeline.reading.series import SeriesFile, check_columns
from solvers.tsunami.wave import Wave

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params(SeriesFile):
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
        """The columns of the free surface, by their names in messages."""
        if isinstance(self.surface, int):
            return {"surface": self.surface}
        return {f"surface[{i}]": column for i, column in enumerate(self.surface)}

    def read(self, folder: Path) -> Wave:
        """Read and check the file.

        Raises
        ------
        InputError
            There is no such file, or it can't be read or lacks a value.
        """
        path = locate_file(self.file, folder)
        try:
            found = readers.read_series(path, self, self.columns, average=True)
            if found.times[-1] < self.begin:
                raise InputError(f"{path.name} ends at t = {found.times[-1]:g} s, before begin = {self.begin:g} s: no wave enters")
            last = np.inf if self.until is None else self.until
            first, end = (
                max(int(np.searchsorted(found.times, self.begin, "right")) - 1, 0),
                int(np.searchsorted(found.times, last, "right")),
            )
            if first >= end:
                raise InputError(f"{path.name} has no sample from begin = {self.begin:g} s to until = {last:g} s")
            readers.refuse_missing(found.part(first, end), ["surface"])
        except InputError as error:
            raise InputError(f"the incident wave: {error}") from None
        for note in found.notes:
            remark(f"the incident wave: {note}")
        return Tabulated(found.times[:end] - self.begin, found.values[:end, 0], path.name)


@dataclass(frozen=True, slots=True)
class Tabulated(Wave):
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
