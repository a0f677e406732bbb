"""What was observed, as the table ``[observed]`` of a case says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline import series as readers
from pipeline.data import find
from pipeline.errors import InputError
from pipeline.params import quantity, setting
from pipeline.series import SeriesFile, check_columns

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Series(SeriesFile):
    """Measured series at the gauges, in one text file."""

    columns: Mapping[str, int] = setting("column of each gauge, from 0", factory=dict)

    def __post_init__(self) -> None:
        check_columns(self.time, self.columns, "columns")


@dataclass(frozen=True, slots=True)
class RunUp:
    """Highest elevation that the water reached, by direction from a centre."""

    centre: tuple[float, float] = setting("where the directions start [m]")
    angles: tuple[float, ...] = quantity("degree", "counterclockwise from south")
    heights: tuple[float, ...] = quantity("m", "height above the still level, for each angle")
    half_width: float = quantity("degree", "half the sector that counts for an angle", default=2.5, above=0.0)

    def __post_init__(self) -> None:
        if len(self.angles) != len(self.heights):
            raise InputError(f"{len(self.angles)} angles and {len(self.heights)} heights")


@dataclass(frozen=True, slots=True)
class RunUpAt:
    """Highest elevation that the water reached inside a box."""

    box: tuple[float, float, float, float] = setting("west, south, east, north [m]")
    height: float = quantity("m", "height above the still level")


@dataclass(frozen=True, slots=True)
class Observed:
    """The whole table. Numbers in the case serve where the file of the series can't be had."""

    source: str = setting("who measured it")
    comparison: Literal["analytic", "laboratory", "breaking", "field"] = setting("what NTHMP's acceptance is taken from")
    align: tuple[str, ...] = setting("gauges at whose mean arrival the clocks are set equal; none: they run alike", default=())
    judge: tuple[str, ...] = setting("gauges that count; none named: all that have observations", default=())
    window: tuple[float, float] | None = setting("the run's times [s] that are compared; unset: all", default=None)
    series: Series | None = setting("measured series", default=None)
    first_crest: Mapping[str, float] = quantity("m", "height of the first crest, by gauge", factory=dict)
    runup: RunUp | None = setting("run-up by direction", default=None)
    runup_at: Mapping[str, RunUpAt] = setting("run-up in boxes, by name", factory=dict)


def read_series(series: Series, folder: Path | None) -> tuple[Array, dict[str, Array]] | None:
    """Times (S,) [s] of the file's own clock and the free surface (S,) [m] at each gauge, nan in gaps; None where there is no file.

    Raises
    ------
    InputError
        The file is there and wrong.
    """
    path = find(series.file, folder)
    if path is None:
        return None
    found = readers.read_series(path, series, series.columns)
    return found.times, dict(zip(series.columns, found.values.T, strict=True))
