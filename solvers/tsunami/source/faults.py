"""Faults: rectangles from a file slip, each at its own time (Okada 1985)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from meshes.core.chart import Chart
from pipeline.core.data import locate_file
from pipeline.core.errors import InputError
from pipeline.core.params import quantity, setting
from solvers.tsunami.source import Source
from solvers.tsunami.source.core.fault_table import read_faults
from solvers.tsunami.source.core.motion import Motion, Ramp
from solvers.tsunami.source.core.rectangles import Slip, SlipInTurn, check_all
from solvers.tsunami.source.core.rupture import rupture_times

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Source):
    """Rectangular faults in an elastic half-space that slip, from a file."""

    file: str = setting(
        "text with a line a fault, and a heading: x, y, depth, length, width, strike, dip, rake, slip; time, rise."
        " Or a finite-fault model in degrees: the USGS's basic_inversion.param, SRCMOD's FSP"
    )
    reference: Literal["top", "centre", "bottom"] = setting("what x, y and depth are of: the middle of an edge, or of the rectangle")
    poisson: float = quantity("dimensionless", "Poisson's ratio", default=0.25, above=0.0)
    time: float = quantity("s", "time of the run to which the file's times, or those of the rupture, are added", default=0.0, low=0.0)
    rise: float | None = quantity("s", "rise time of faults, where the file has no column for it; unset: 0", default=None, low=0.0)
    rupture_velocity: float | None = quantity("m/s", "speed at which the rupture spreads from the hypocentre", default=None, above=0.0)
    hypocentre: tuple[float, float, float] | None = quantity(
        "m", "x, y and depth where the rupture begins; x and y in degrees on the globe", default=None
    )
    ramp: Literal["linear", "cosine"] = setting("the share of the slip over the rise time", default="linear")
    moments: int = setting("times at which the displacement of faults that slip in turn is computed; even between them", default=60)
    slopes: bool = setting("whether the horizontal displacement of sloping ground lifts the bed too", default=False)
    negligible: float = quantity("m", "a cell that never moves by more than this does not move", default=0.0, low=0.0)
    unusual: bool = setting("whether values that no earthquake has are let pass", default=False)

    def __post_init__(self) -> None:
        if self.poisson > 0.5:
            raise InputError(f"poisson = {self.poisson:g}; it must be at most 0.5")
        if (self.rupture_velocity is None) != (self.hypocentre is None):
            raise InputError("rupture_velocity and hypocentre want each other")
        if self.moments < 2:
            raise InputError(f"moments = {self.moments}; it must be 2 or more")

    def motion(self, folder: Path, chart: Chart | None = None) -> Motion:
        """The motion of the bed above the faults.

        Raises
        ------
        InputError
            There is no such file, or it can't be read, or it and the case both say when the faults slip, or its places are in other
            coordinates than the mesh's.
        """
        path = locate_file(self.file, folder)
        table = read_faults(path, self.reference)
        if table.degrees and not chart:
            raise InputError(f'{path.name} has its places in degrees, and the mesh is in metres: take a mesh of kind "lonlat"')
        faults, times = table.rectangles, table.times
        check_all(faults, unusual=self.unusual)
        for name, given in (("time", self.rupture_velocity), ("rise", self.rise)):
            if name in times and given is not None:
                key = {"time": "rupture_velocity"}.get(name, name)
                raise InputError(f"{path.name} has a column {name!r}, and the case has {key}: leave one out")
        rises = times.get("rise", np.full(len(faults), self.rise or 0.0))
        _refuse_negative(path, "rise", rises)
        begins = times.get("time", np.zeros(len(faults)))
        if self.rupture_velocity is not None and self.hypocentre is not None:
            begins = rupture_times(faults, self.hypocentre, self.rupture_velocity, chart)
        begins = begins + self.time
        _refuse_negative(path, "time", begins)
        ramps = [Ramp(float(begin), float(rise), self.ramp) for begin, rise in zip(begins, rises, strict=True)]
        if len(set(ramps)) == 1:
            return Slip(faults, self.poisson, ramps[0], negligible=self.negligible, slopes=self.slopes, chart=chart)
        return SlipInTurn(faults, self.poisson, ramps, moments=self.moments, negligible=self.negligible, slopes=self.slopes, chart=chart)


def _refuse_negative(path: Path, name: str, times: Array) -> None:
    if times.min() < 0.0:
        raise InputError(f"{path.name}: rectangle {int(np.argmin(times)) + 1} has a {name} of {times.min():g} s; it must be 0 or more")
