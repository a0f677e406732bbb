"""Taylor-Green: sin x cos y cos z and its like."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.params import quantity

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """G. I. Taylor, A. E. Green, Proc. R. Soc. Lond. A 158 (1937) 499-521, DOI 10.1098/rspa.1937.0036: sin x cos y cos z and its like."""

    speed: float = quantity("dimensionless", "greatest speed", default=1.0, above=0.0)

    def velocity(self, x: Array, y: Array, z: Array) -> tuple[Array, Array, Array]:
        """The velocity at phases that broadcast to (nz, ny, nx)."""
        u = self.speed * np.sin(x) * np.cos(y) * np.cos(z)
        v = -self.speed * np.cos(x) * np.sin(y) * np.cos(z)
        return u, v, np.zeros_like(u)
