"""Okada: a rectangular fault slips (Okada 1985)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from meshes.core.chart import Chart
from pipeline.core.errors import InputError
from pipeline.core.params import quantity, setting
from solvers.tsunami.source import Source
from solvers.tsunami.source.core.motion import Motion, Ramp
from solvers.tsunami.source.core.rectangles import Rectangle, Slip, check_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Source):
    """A rectangular fault in an elastic half-space that slips."""

    x: float = quantity("m", "place of the reference, eastward; its longitude [degree] on a mesh in longitudes and latitudes")
    y: float = quantity("m", "place of the reference, northward; its latitude [degree] there")
    depth: float = quantity("m", "depth of the reference below the bed", low=0.0)
    reference: Literal["top", "centre", "bottom"] = setting("what x, y and depth are of: the middle of an edge, or of the rectangle")
    length: float = quantity("m", "length along the strike", above=0.0)
    width: float = quantity("m", "width down the dip", above=0.0)
    strike: float = quantity("degree", "strike, clockwise from north; the fault dips to its right")
    dip: float = quantity("degree", "dip, from the horizontal")
    rake: float = quantity("degree", "direction in which the upper side slips, from the strike counterclockwise")
    slip: float = quantity("m", "slip", above=0.0)
    poisson: float = quantity("dimensionless", "Poisson's ratio", default=0.25, above=0.0)
    time: float = quantity("s", "time at which it begins to slip", default=0.0, low=0.0)
    rise: float = quantity("s", "rise time: how long it slips; 0: at once", default=0.0, low=0.0)
    ramp: Literal["linear", "cosine"] = setting("the share of the slip over the rise time", default="linear")
    slopes: bool = setting("whether the horizontal displacement of sloping ground lifts the bed too", default=False)
    negligible: float = quantity("m", "a cell that never moves by more than this does not move", default=0.0, low=0.0)
    unusual: bool = setting("whether values that no earthquake has are let pass", default=False)

    def __post_init__(self) -> None:
        if self.poisson > 0.5:
            raise InputError(f"poisson = {self.poisson:g}; it must be at most 0.5")
        check_all([self.rectangle], unusual=self.unusual)

    @property
    def rectangle(self) -> Rectangle:
        """The fault."""
        angles = (self.strike, self.dip, self.rake)
        return Rectangle(self.x, self.y, self.depth, self.reference, self.length, self.width, *angles, slip=self.slip)

    def motion(self, folder: Path, chart: Chart | None = None) -> Motion:
        """The motion of the bed above the fault."""
        ramp = Ramp(self.time, self.rise, self.ramp)
        return Slip([self.rectangle], self.poisson, ramp, negligible=self.negligible, slopes=self.slopes, chart=chart)
