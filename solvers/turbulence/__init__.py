"""Incompressible turbulence in a cube that repeats itself: the Navier-Stokes equations, pseudo-spectral, with a passive scalar on demand.

    u_t = u x omega - grad(p + |u|^2 / 2) + nu lap u + f,    div u = 0,    omega = curl u
    s_t = -div(u s) - G . u + kappa lap s

The nonlinear term is in rotation form, dealiased by the 2/3 or the 3/2 rule (C. Canuto, M. Y. Hussaini, A. Quarteroni, T. A. Zang, Spectral
Methods in Fluid Dynamics, Springer 1988, DOI 10.1007/978-3-642-84108-8, sections 3.2 and 7.2); pressure and |u|^2 / 2 are what a
projection takes away. Viscosity is exact, by an integrating factor; see `solvers.turbulence.schemes` for the steps,
`solvers.turbulence.forcing` for f, `solvers.turbulence.initial` for the first states. Mean velocity stays what it is.

All is without dimension: lengths are those of the case's box.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pipeline.errors import InputError
from pipeline.outline import Stored
from pipeline.params import Spec, quantity, setting


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters of the turbulence solver."""

    viscosity: float = quantity("dimensionless", "kinematic viscosity nu", low=0.0)
    scheme: Literal["rk4", "ssprk3"] = setting("Runge-Kutta method, in an integrating factor", default="rk4")
    dealias: Literal["2/3", "3/2"] = setting(
        "2/3 of the waves of the mesh's points, or all with products on half as many more", default="2/3"
    )
    truncation: Literal["cube", "sphere"] = setting(
        "which of these waves: up to the highest along each axis, or |k| up to it in any direction", default="cube"
    )
    precision: Literal["double", "single"] = setting("of all that is computed and stored", default="double")
    cut: Literal["slabs", "pencils"] = setting("how ranks share the cube", default="slabs")
    initial: Spec = setting("initial velocity", default=Spec("taylor_green", {}))
    forcing: Spec = setting("what keeps the flow moving", default=Spec("none", {}))
    scalar: Spec = setting("a passive scalar", default=Spec("none", {}))
    seed: int = setting("seed of random initial states and forcing", default=0)
    statistics_every: int = setting("steps between samples of the statistics; every frame has one too", default=10)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError(f"seed = {self.seed}; it must not be negative")
        if self.statistics_every < 1:
            raise InputError(f"statistics_every = {self.statistics_every}; it must be 1 or more steps")


def stored(params: Params, mesh: str) -> Stored:
    """Contents of the file of a run on a ``mesh`` of a given kind.

    Raises
    ------
    InputError
        The mesh is no cube.
    """
    if mesh != "cube":
        raise InputError(f"solver 'turbulence' needs a mesh of kind \"box\" with three lengths, not {mesh}")
    return Stored(("u", "v", "w") if params.scalar.kind == "none" else ("u", "v", "w", "s"))


def build(*arguments: Any, **named: Any) -> Any:
    """The flow on one rank: see `solvers.turbulence.model.Flow`."""
    from solvers.turbulence.model import Flow  # the kernels load only when a run needs them

    return Flow(*arguments, **named)


def load(mesh: Any, params: Params, case: Any) -> Any:
    """The `solvers.core.load.Load` of a case: from a box of fewer points, for the whole one may not fit where a run is submitted."""
    from solvers import turbulence
    from solvers.core.load import tried_on_fewer

    return tried_on_fewer(turbulence, mesh, params, case)
