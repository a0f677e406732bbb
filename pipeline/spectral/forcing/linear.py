"""Linear: f = A u.

T. S. Lundgren, CTR Annual Research Briefs (2003) 461-473; C. Rosales, C. Meneveau, Phys. Fluids 17 (2005) 095106,
DOI 10.1063/1.2047568.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.core.params import quantity
from pipeline.spectral.forcing.core import Amplifying, Force, Waves, refuse_but_one


@dataclass(frozen=True, slots=True)
class Params:
    """f = A u: A is ``rate``, or such that the power per mass is ``power``."""

    rate: float = quantity("dimensionless", "A", default=0.0, low=0.0)
    power: float = quantity("dimensionless", "power per mass instead", default=0.0, low=0.0)

    def __post_init__(self) -> None:
        refuse_but_one(("rate", self.rate), ("power", self.power))

    def on(self, waves: Waves, highest: tuple[int, ...], seed: int) -> Force:
        """This forcing on a cube."""
        return Amplifying(waves, self.rate, self.power, (0.5, np.inf), by_square=False)
