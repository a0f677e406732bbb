"""Kuramoto-Sivashinsky and its kin: u_t = a sum of products of u and of its derivatives, in a box.

    u_t = -u u_x - u_xx - u_xxxx        by default (Y. Kuramoto, Prog. Theor. Phys. Suppl. 64 (1978) 346-367, DOI 10.1143/PTPS.64.346;
                                        G. I. Sivashinsky, Acta Astronaut. 4 (1977) 1177-1206, DOI 10.1016/0094-5765(77)90096-0)

The terms are the case's: ``terms = ["-u*u_x", "-u_xx", "-u_xxxx", "0.1*u_xxx"]`` (see `pipeline.terms`), on a line or a plane that repeats
itself (`solvers.ks.plane` has the equation there). All is without dimension.

Schemes: Fourier pseudo-spectral, with exponential time differencing (ETDRK4), an IMEX Runge-Kutta method or Crank-Nicolson and
Adams-Bashforth; and, to check them by, finite differences with PETSc's additive Runge-Kutta method (``arkimex``). An ensemble's members
do not know of each other; each rank has some of them. References stand in ``kernels``.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pipeline.errors import InputError
from pipeline.outline import Stored
from pipeline.params import Spec, setting
from pipeline.terms import parse_terms

KURAMOTO_SIVASHINSKY = ("-u*u_x", "-u_xx", "-u_xxxx")


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters of the Kuramoto-Sivashinsky solver."""

    terms: tuple[str, ...] = setting("the right-hand side of u_t = ..., as symbols", default=KURAMOTO_SIVASHINSKY)
    scheme: Literal["etdrk4", "ars443", "cnab2", "arkimex"] = setting("spectral; arkimex: finite differences, PETSc", default="etdrk4")
    dealias: Literal["none", "2/3", "3/2"] = setting("what is done about aliases of products", default="2/3")
    members: int = setting("members of the ensemble", default=1)
    seed: int = setting("seed of random initial states; member m draws from [seed, m]", default=0)
    initial: Spec = setting("initial state", default=Spec("random", {}))

    def __post_init__(self) -> None:
        if not parse_terms(self.terms, dimensions=2):
            raise InputError("terms has nothing in it that does not cancel")
        if self.members < 1:
            raise InputError(f"members = {self.members}; there must be at least 1")
        if self.seed < 0:
            raise InputError(f"seed = {self.seed}; it must not be negative")


def stored(params: Params, mesh: str) -> Stored:
    """Contents of the file of a run on a ``mesh`` of a given kind.

    Raises
    ------
    InputError
        No ensemble stands on such a mesh.
    """
    if mesh == "cube":
        raise InputError("solver 'ks' needs a line or a plane: its mesh has three lengths, a cube")
    if mesh not in ("line", "plane"):
        raise InputError(f"solver 'ks' needs a mesh of kind \"box\", not {mesh}")
    return Stored(("u",), members=params.members)


def build(*arguments: Any, **named: Any) -> Any:
    """The ensemble on one rank: see `solvers.ks.model.Ensemble`."""
    from solvers.ks.model import Ensemble  # the kernels load only when a run needs them

    return Ensemble(*arguments, **named)


def forecaster(mesh: Any, params: Params, case: Any) -> Any:
    """The `pipeline.discovery.model.Model` that stage `discover` changes: see `solvers.ks.forecast`."""
    from solvers.ks.forecast import model_of

    return model_of(mesh, params)


def load(mesh: Any, params: Params, case: Any) -> Any:
    """The `solvers.core.load.Load` of a case: from a box of fewer points, for the whole one may not fit where a run is submitted."""
    from solvers import ks
    from solvers.core.load import tried_on_fewer

    return tried_on_fewer(ks, mesh, params, case)
