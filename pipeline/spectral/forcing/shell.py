"""Shell: a negative viscosity in a shell of low wavenumbers, f = -viscosity lap u.

J. Jimenez, A. A. Wray, P. G. Saffman, R. S. Rogallo, J. Fluid Mech. 255 (1993) 65-90, DOI 10.1017/S0022112093002393, section 2.
"""

from dataclasses import dataclass

from pipeline.core.errors import InputError
from pipeline.core.params import quantity
from pipeline.spectral.forcing.core import Amplifying, Force, Waves, refuse_but_one, refuse_what_is_not_kept


@dataclass(frozen=True, slots=True)
class Params:
    """f = -viscosity lap u where low <= k <= high (in units of the lowest), or such that the power per mass is ``power``."""

    low: float = quantity("dimensionless", "lowest wavenumber, in units of the lowest of all", default=1.0, above=0.0)
    high: float = quantity("dimensionless", "highest wavenumber, in the same units", default=2.5, above=0.0)
    viscosity: float = quantity("dimensionless", "size of the negative viscosity", default=0.0, low=0.0)
    power: float = quantity("dimensionless", "power per mass instead", default=0.0, low=0.0)

    def __post_init__(self) -> None:
        refuse_but_one(("viscosity", self.viscosity), ("power", self.power))
        if self.low > self.high:
            raise InputError(f"low = {self.low} is above high = {self.high}: there is no such shell")

    def on(self, waves: Waves, highest: tuple[int, ...], seed: int) -> Force:
        """This forcing on a cube."""
        refuse_what_is_not_kept(self.high, waves)
        return Amplifying(waves, self.viscosity, self.power, (self.low, self.high), by_square=True)
