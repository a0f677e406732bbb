"""Kuramoto-Sivashinsky and its kin: u_t = a sum of products of u and of its derivatives, in a box.

    u_t = -u u_x - u_xx - u_xxxx        by default (Y. Kuramoto, Prog. Theor. Phys. Suppl. 64 (1978) 346-367, DOI 10.1143/PTPS.64.346;
                                        G. I. Sivashinsky, Acta Astronaut. 4 (1977) 1177-1206, DOI 10.1016/0094-5765(77)90096-0)

The terms are the case's: ``terms = ["-u*u_x", "-u_xx", "-u_xxxx", "0.1*u_xxx"]`` (`pipeline.terms.terms`), on a periodic line or plane
(`solvers.ks.plane` has the equation there). All is without dimension.

Schemes: Fourier pseudo-spectral, with exponential time differencing (ETDRK4), an IMEX Runge-Kutta method or Crank-Nicolson and
Adams-Bashforth; and, to check them by, finite differences with PETSc's additive Runge-Kutta method (``arkimex``). An ensemble's members
do not know of each other; each rank has some of them. References stand in ``kernels``.
"""

from typing import Any

from solvers.ks.params import KURAMOTO_SIVASHINSKY, Params, stored

__all__ = ["KURAMOTO_SIVASHINSKY", "MEMORY", "Params", "build", "facts", "forecaster", "load", "stored"]

MEMORY = (0.0, 0.0, 100.0)  # [B] a cell of a member: shared on a node, on each rank, spread over all


def build(*arguments: Any, **named: Any) -> Any:
    """The ensemble on one rank: see `solvers.ks.model.Ensemble`."""
    from solvers.ks.model import Ensemble  # the kernels load only when a run needs them

    return Ensemble(*arguments, **named)


def facts(summary: Any) -> list[tuple[str, str]]:
    """The largest value at the end, in words."""
    return [("largest value", f"{summary['largest_value']:.4g}")] if "largest_value" in summary else []


def forecaster(mesh: Any, params: Params, case: Any) -> Any:
    """The `pipeline.discovery.model.Model` that stage `discover` changes: see `solvers.ks.forecast`."""
    from solvers.ks.forecast import model_of

    return model_of(mesh, params)


def load(mesh: Any, params: Params, case: Any) -> Any:
    """The `solvers.core.load.Load` of a case: from a box of fewer points, for the whole one may not fit where a run is submitted."""
    from solvers import ks
    from solvers.core.load import tried_on_fewer

    return tried_on_fewer(ks, mesh, params, case)
