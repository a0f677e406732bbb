"""Parameters of the turbulence solver, and the contents of its files."""

from dataclasses import dataclass
from typing import Literal

from pipeline.core.errors import InputError
from pipeline.core.outline import Stored
from pipeline.core.params import Spec, choose, quantity, setting
from pipeline.spectral.wavenumbers import DEALIAS
from solvers.turbulence import scalar


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters of the turbulence solver."""

    viscosity: float = quantity("dimensionless", "kinematic viscosity nu", low=0.0)
    scheme: Literal["rk4", "ssprk3"] = setting("Runge-Kutta method, in an integrating factor", default="rk4")
    dealias: Literal["2/3", "3/2"] = setting(
        "2/3 of the waves of the mesh's points, or all with products on half as many more", default=DEALIAS
    )
    truncation: Literal["cube", "sphere"] = setting(
        "which of these waves: up to the highest along each axis, or |k| up to it in any direction", default="cube"
    )
    precision: Literal["double", "single"] = setting("precision of all that is computed and stored", default="double")
    cut: Literal["slabs", "pencils"] = setting("how ranks share the cube", default="slabs")
    initial: Spec = setting("initial velocity", default=Spec("taylor_green", {}), kinds="solvers.turbulence.initial")
    forcing: Spec = setting("force that keeps the flow moving", default=Spec("none", {}), kinds="pipeline.spectral.forcing")
    scalar: Spec = setting("a passive scalar", default=Spec("none", {}), kinds=scalar.__name__)
    seed: int = setting("seed of random initial states and forcing, 0 or more", default=0)
    statistics_every: int = setting("steps between samples of the statistics, 1 or more; every frame has a sample too", default=10)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError(f"seed = {self.seed}; it must not be negative")
        if self.statistics_every < 1:
            raise InputError(f"statistics_every = {self.statistics_every}; it must be 1 or more steps")


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
        Names of fields, with that of the scalar.

    Raises
    ------
    InputError
        The mesh is no cube, or there is no such scalar.
    """
    if mesh != "cube":
        raise InputError(f"solver 'turbulence' needs a mesh of kind \"box\" with three lengths, not {mesh}")
    carried = choose(scalar.__name__, params.scalar, "solver.scalar")
    return Stored(("u", "v", "w", *(field.name for field in carried.fields)))
