"""Solitary: a solitary wave."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.core.params import quantity
from solvers.tsunami import exact
from solvers.tsunami.wave import Wave


@dataclass(frozen=True, slots=True)
class Params(Wave):
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

    def read(self, folder: Path) -> Wave:
        """The wave itself: it needs no file."""
        return self
