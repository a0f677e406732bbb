"""Parameters of the Kuramoto-Sivashinsky solver, and the contents of its files."""

from dataclasses import dataclass
from typing import Literal

from pipeline.core.errors import InputError
from pipeline.core.outline import Stored
from pipeline.core.params import Spec, setting
from pipeline.terms.expressions import refuse_jumps
from pipeline.terms.parser import parse_terms
from pipeline.terms.terms import Terms

KURAMOTO_SIVASHINSKY = ("-u*u_x", "-u_xx", "-u_xxxx")


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters of the Kuramoto-Sivashinsky solver."""

    terms: tuple[str, ...] = setting("the right-hand side of u_t = ..., as symbols", default=KURAMOTO_SIVASHINSKY)
    scheme: Literal["etdrk4", "ars443", "cnab2", "arkimex"] = setting("spectral; arkimex: finite differences, PETSc", default="etdrk4")
    dealias: Literal["none", "2/3", "3/2"] = setting("rule against aliases of products", default="2/3")
    members: int = setting("members of the ensemble, 1 or more", default=1)
    seed: int = setting("seed of random initial states, 0 or more; member m draws from [seed, m]", default=0)
    initial: Spec = setting("initial state", default=Spec("random", {}), kinds="solvers.ks.initial")

    def __post_init__(self) -> None:
        if not parse_terms(self.terms, dimensions=2):
            raise InputError("terms has nothing in it that does not cancel")
        if self.members < 1:
            raise InputError(f"members = {self.members}; there must be at least 1")
        if self.seed < 0:
            raise InputError(f"seed = {self.seed}; it must not be negative")

    def equation(self, lengths: tuple[float, ...]) -> Terms:
        """The terms on a box of these ``lengths``; `InputError` where a function of x or y does not repeat itself over it."""
        terms = parse_terms(self.terms, dimensions=len(lengths))
        refuse_jumps(terms, lengths)
        return terms


def stored(params: Params, mesh: str) -> Stored:
    """List the contents of a run's file.

    Parameters
    ----------
    params
        The case's table ``solver``.
    mesh
        The kind of mesh: triangles, line, plane or cube.

    Returns
    -------
    Stored
        Names of fields, and the number of members.

    Raises
    ------
    InputError
        The mesh is neither line nor plane.
    """
    if mesh == "cube":
        raise InputError("solver 'ks' needs a line or a plane: its mesh has three lengths, a cube")
    if mesh not in ("line", "plane"):
        raise InputError(f"solver 'ks' needs a mesh of kind \"box\", not {mesh}")
    return Stored(("u",), members=params.members)
