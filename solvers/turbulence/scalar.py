"""A passive scalar by kind: none, or one that is carried and diffuses."""

from dataclasses import dataclass

from pipeline.params import quantity


@dataclass(frozen=True, slots=True)
class Nothing:
    """No scalar."""


@dataclass(frozen=True, slots=True)
class Passive:
    """The scalar's deviations s from a mean whose ``gradient`` is even, from random waves of the given ``variance``."""

    diffusivity: float = quantity("dimensionless", "kappa", low=0.0)
    gradient: tuple[float, float, float] = quantity("dimensionless", "of the mean along x, y, z", default=(0.0, 0.0, 0.0))
    variance: float = quantity("dimensionless", "half the mean square of s at the start", default=0.0, low=0.0)
    peak: float = quantity("dimensionless", "wavenumber of most of it, in units of the lowest", default=3.0, above=0.0)


KINDS = {"none": Nothing, "passive": Passive}
