"""None: the flow decays."""

from dataclasses import dataclass

from solvers.turbulence.forcing.core import Force
from solvers.turbulence.waves import Waves


@dataclass(frozen=True, slots=True)
class Params:
    """No forcing."""

    def on(self, waves: Waves, highest: tuple[int, ...], seed: int) -> Force:
        """This forcing on a cube."""
        return Force()
