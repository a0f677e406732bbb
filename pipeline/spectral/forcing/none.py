"""None: the flow decays."""

from dataclasses import dataclass

from pipeline.spectral.forcing.core import Force, Waves


@dataclass(frozen=True, slots=True)
class Params:
    """No forcing."""

    def on(self, waves: Waves, highest: tuple[int, ...], seed: int) -> Force:
        """This forcing on a cube."""
        return Force()
