"""Passive: deviations from a mean with an even gradient, that diffuse, from random waves."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pipeline.core.params import quantity
from pipeline.store.layout import Field

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """The scalar's deviations s from a mean whose ``gradient`` is even, from random waves of the given ``variance``."""

    fields: ClassVar[tuple[Field, ...]] = (Field("s", "1", "deviation of the passive scalar from its mean"),)

    diffusivity: float = quantity("dimensionless", "kappa", low=0.0)
    gradient: tuple[float, float, float] = quantity("dimensionless", "of the mean along x, y, z", default=(0.0, 0.0, 0.0))
    variance: float = quantity("dimensionless", "half the mean square of s at the start", default=0.0, low=0.0)
    peak: float = quantity("dimensionless", "wavenumber of most of it, in units of the lowest", default=3.0, above=0.0)

    def start(self, cube: Any, waves: Any, seed: int) -> Array:
        """The waves (1, lz, ly, lx) of s at t = 0. Collective."""
        from solvers.turbulence import initial  # loads the kernels
        from solvers.turbulence.initial import random

        kind = random.Params(energy=max(self.variance, 1e-300), peak=self.peak)
        drawn = initial.noise(cube, waves, 1, seed, 1)
        return initial.shaped(drawn, kind.energies(waves.shells), cube, waves) * (self.variance > 0.0)
