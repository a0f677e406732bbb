"""ABC: Arnold, Beltrami and Childress' flow."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.params import quantity

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """Arnold, Beltrami and Childress' flow, whose vorticity is its velocity: it decays by viscosity alone while it is stable (T. Dombre et
    al., J. Fluid Mech. 167 (1986) 353-391, DOI 10.1017/S0022112086002859, eq. 1.1)."""

    a: float = quantity("dimensionless", "of sin z and cos z", default=1.0)
    b: float = quantity("dimensionless", "of sin x and cos x", default=1.0)
    c: float = quantity("dimensionless", "of sin y and cos y", default=1.0)

    def velocity(self, x: Array, y: Array, z: Array) -> tuple[Array, Array, Array]:
        """The velocity at phases that broadcast to (nz, ny, nx)."""
        zero = 0.0 * (x + y + z)
        u = self.a * np.sin(z) + self.c * np.cos(y) + zero
        v = self.b * np.sin(x) + self.a * np.cos(z) + zero
        return u, v, self.c * np.sin(y) + self.b * np.cos(x) + zero
