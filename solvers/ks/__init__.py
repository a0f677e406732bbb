"""Kuramoto-Sivashinsky and its kin: u_t = a sum of products of u and of its derivatives, in a box.

    u_t = -u u_x - u_xx - u_xxxx        by default (Y. Kuramoto, Prog. Theor. Phys. Suppl. 64 (1978) 346-367, DOI 10.1143/PTPS.64.346;
                                        G. I. Sivashinsky, Acta Astronaut. 4 (1977) 1177-1206, DOI 10.1016/0094-5765(77)90096-0)

The terms are the case's: ``terms = ["-u*u_x", "-u_xx", "-u_xxxx", "0.1*u_xxx"]`` (`pipeline.terms.terms`), on a periodic line or plane
(`solvers.ks.plane` has the equation there). All is without dimension.

Schemes: Fourier pseudo-spectral, with exponential time differencing (ETDRK4), an IMEX Runge-Kutta method or Crank-Nicolson and
Adams-Bashforth; and, to check them by, finite differences with PETSc's additive Runge-Kutta method (``arkimex``). An ensemble's members
do not know of each other; each rank has its share of them. References stand in ``kernels``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.core.compiling import load_numba
from solvers.ks.params import KURAMOTO_SIVASHINSKY, Params, stored

if TYPE_CHECKING:
    from meshes.core.box import Box
    from solvers.core.comm import Comm
    from solvers.ks.model import Ensemble

__all__ = ["KURAMOTO_SIVASHINSKY", "MEMORY", "Params", "build", "facts", "forecaster", "load", "stored"]

MEMORY = (0.0, 0.0, 100.0)  # [B] a cell of a member: shared on a node, on each rank, spread over all


def build(mesh: "Box", part: None, comm: "Comm", params: Params, *, gauges: Mapping[str, tuple[float, ...]], folder: Path) -> "Ensemble":
    """Discretise the equation for one rank's members of the ensemble, or for its slabs of them.

    Parameters
    ----------
    mesh
        A line or a plane.
    part
        None: a box is not cut.
    comm
        All ranks.
    params
        The case's table ``solver``.
    gauges
        Must be empty: the fields hold every point.
    folder
        The case's folder; no file is read.

    Returns
    -------
    'Ensemble'
        The model; its state is in the integrator's own form.

    Raises
    ------
    InputError
        The mesh is no line or plane, its points don't suit the scheme, a term does not repeat itself over it, there are gauges, or more
        ranks than members of a line or lines of a plane.
    """
    load_numba()
    from solvers.ks.model import Ensemble  # the kernels load only when a run needs them

    return Ensemble(mesh, part, comm, params, gauges=gauges, folder=folder)


def facts(summary: Any) -> list[tuple[str, str]]:
    """The largest value at the end, in words."""
    return [("largest value", f"{summary['largest_value']:.4g}")] if "largest_value" in summary else []


def forecaster(mesh: Any, params: Params, case: Any) -> Any:
    """The `pipeline.discovery.model.TermsModel` of a case, whose terms a stage changes: see `solvers.ks.model`."""
    from solvers.ks.model import model_of

    return model_of(mesh, params)


def load(mesh: Any, params: Params, case: Any) -> Any:
    """The `solvers.core.load.Load` of a case: from a box of fewer points, for the whole one may not fit where a run is submitted."""
    from solvers import ks
    from solvers.core.load import tried_on_fewer

    return tried_on_fewer(ks, mesh, params, case)
