"""Strong-stability-preserving Runge-Kutta methods in Shu-Osher form: a method is a table, one step serves all.

Stage ``i``:  ``u_i = a_i u^n + b_i (u_{i-1} + dt L(u_{i-1}, t + c_i dt))`` with ``u_0 = u^n``.

References: C.-W. Shu, S. Osher, J. Comput. Phys. 77 (1988) 439-471, DOI 10.1016/0021-9991(88)90177-5, eqs. (2.16), (2.18);
S. Gottlieb, C.-W. Shu, E. Tadmor, SIAM Rev. 43 (2001) 89-112, DOI 10.1137/S003614450036757X.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tableau:
    """A method. ``weights`` are the shares of the stages' fluxes in the whole step (they sum to 1)."""

    order: int
    a: tuple[float, ...]
    b: tuple[float, ...]
    c: tuple[float, ...]

    @property
    def stages(self) -> int:
        return len(self.a)

    @property
    def weights(self) -> tuple[float, ...]:
        """Share of every stage's ``dt L`` in ``u^{n+1} - u^n``."""
        weights: list[float] = []
        for b in self.b:
            weights = [w * b for w in weights] + [b]
        return tuple(weights)


EULER = Tableau(order=1, a=(0.0,), b=(1.0,), c=(0.0,))
SSPRK2 = Tableau(order=2, a=(0.0, 0.5), b=(1.0, 0.5), c=(0.0, 1.0))
SSPRK3 = Tableau(order=3, a=(0.0, 0.75, 1.0 / 3.0), b=(1.0, 0.25, 2.0 / 3.0), c=(0.0, 1.0, 0.5))

TABLEAUX = {"euler": EULER, "ssprk2": SSPRK2, "ssprk3": SSPRK3}
