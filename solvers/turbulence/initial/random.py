"""Random: waves without divergence whose energy in every shell of wavenumbers is given."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.params import quantity

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """Random waves without divergence whose energy in every shell of wavenumbers is given: k^slope exp(-slope (k / peak)^2 / 2) scaled to
    ``energy``, or ``spectrum``, the energies of shells 1, 2, ... (in units of the lowest wavenumber)."""

    energy: float = quantity("dimensionless", "kinetic energy, half the mean square of the speed", default=0.5, above=0.0)
    peak: float = quantity("dimensionless", "wavenumber of most energy, in units of the lowest", default=3.0, above=0.0)
    slope: float = quantity("dimensionless", "power of the wavenumber below the peak", default=4.0, above=0.0)
    spectrum: tuple[float, ...] = quantity("dimensionless", "energies of the shells instead", default=(), low=0.0)

    def __post_init__(self) -> None:
        if self.spectrum and sum(self.spectrum) <= 0.0:
            raise InputError("spectrum has no energy in it")

    def energies(self, shells: int) -> Array:
        """Energies of the shells (shells,), zero in that of the mean."""
        k = np.arange(shells)
        if self.spectrum:
            if len(self.spectrum) >= shells:
                raise InputError(f"solver.initial: spectrum has {len(self.spectrum)} shells; the mesh's points hold {shells - 1}")
            return np.concatenate([[0.0], self.spectrum, np.zeros(shells - 1 - len(self.spectrum))])
        if self.peak > shells - 1:
            raise InputError(f"initial waves: peak = {self.peak:g}; the mesh's points hold wavenumbers up to {shells - 1}")
        shape = k**self.slope * np.exp(-0.5 * self.slope * (k / self.peak) ** 2)
        if not shape.sum() > 0.0:
            raise InputError(f"initial waves: peak = {self.peak:g} with slope = {self.slope:g} leaves no wave any energy")
        return np.asarray(shape * (self.energy / shape.sum()))
