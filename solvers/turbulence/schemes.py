"""Runge-Kutta methods in an integrating factor, as data.

With v = exp(-L t) u, L the viscous decay, a method is applied to v, so that viscosity is exact (Canuto et al. 1988, as in the package's
docstring, section 4.4). ``rk4`` is the classical method; ``ssprk3`` is eSSPRK+(3,3), whose abscissas never fall: no factor grows;
L. Isherwood, Z. J. Grant, S. Gottlieb, SIAM J. Numer. Anal. 56 (2018) 3276-3307, DOI 10.1137/17M1143290.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation N of the rate. With e the decay over a unit of time, dt the step:

    next stage = kept[1] e^kept[0] u + mixed stage + new[1] dt e^new[0] N;  the step's result grows by added[1] dt e^added[0] N.
    """

    added: tuple[int, float]
    kept: tuple[int, float] = (0, 0.0)
    mixed: float = 0.0
    new: tuple[int, float] = (0, 0.0)


@dataclass(frozen=True, slots=True)
class IntegratingFactor:
    """``units`` of decay make a step; ``reach`` is how far its stability reaches along the imaginary axis."""

    order: int
    units: int
    reach: float
    stages: tuple[Evaluation, ...]


SCHEMES = {
    "rk4": IntegratingFactor(
        order=4,
        units=2,
        reach=2.0 * 2.0**0.5,
        stages=(
            Evaluation(added=(2, 1 / 6), kept=(1, 1.0), new=(1, 1 / 2)),
            Evaluation(added=(1, 1 / 3), kept=(1, 1.0), new=(0, 1 / 2)),
            Evaluation(added=(1, 1 / 3), kept=(2, 1.0), new=(1, 1.0)),
            Evaluation(added=(0, 1 / 6)),
        ),
    ),
    "ssprk3": IntegratingFactor(
        order=3,
        units=3,
        reach=3.0**0.5,
        stages=(
            Evaluation(added=(3, 1 / 4), kept=(2, 1.0), new=(2, 2 / 3)),
            Evaluation(added=(1, 3 / 16), kept=(2, 2 / 3), mixed=1 / 3, new=(0, 4 / 9)),
            Evaluation(added=(1, 9 / 16)),
        ),
    ),
}
