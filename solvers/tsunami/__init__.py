"""Tsunami: the nonlinear shallow-water equations on triangles, with dry land, bottom friction and incoming waves.

    h_t + (hu)_x + (hv)_y = 0
    (hu)_t + (hu^2 + g h^2 / 2)_x + (huv)_y = -g h b_x - (g n^2 / h^(1/3) + c) |u| u - r h u
    (hv)_t + (huv)_x + (hv^2 + g h^2 / 2)_y = -g h b_y - (g n^2 / h^(1/3) + c) |u| v - r h v

with depth h [m], velocity u, v [m/s], bed b [m] positive up, gravity g [m/s2], Manning's n [s/m^(1/3)],
a quadratic drag c (Chezy's g / C^2) and a linear one r [1/s].

Scheme: cell-centred finite volumes of first or second order (limited least-squares slopes, hydrostatic reconstruction; HLLC,
Roe's, Rusanov's or kinetic fluxes), strong-stability-preserving Runge-Kutta steps, semi-implicit friction; water at rest stays
at rest, depths stay >= 0, and no water is lost. References stand in ``kernels``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.errors import InputError
from pipeline.outline import Stored
from pipeline.params import Spec, quantity, setting


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters of the tsunami solver."""

    gravity: float = quantity("m/s^2", "gravity", default=9.81, above=0.0)
    manning: float = quantity("s/m^(1/3)", "Manning's roughness", default=0.0, low=0.0)
    linear_drag: float = quantity("1/s", "drag r of du/dt = -r u", default=0.0, low=0.0)
    quadratic_drag: float = quantity("dimensionless", "drag c of du/dt = -c |u| u / h", default=0.0, low=0.0)
    level: float = quantity("m", "still water level", default=0.0)
    deepest: float = quantity("m", "still water deeper than this is refused: no ocean is", default=12e3, above=0.0)
    dry_depth: float = quantity("m", "a cell no deeper than this does not move", default=1e-6, above=0.0)
    order: Literal[1, 2] = setting("order in space", default=2)
    limiter: Literal["none", "barth_jespersen", "michalak"] = setting("limiter of the slopes", default="michalak")
    limiter_tolerance: float = setting("Michalak and Ollivier-Gooch's K: larger lets more crests pass unlimited", default=1.0)
    riemann: Literal["hllc", "roe", "rusanov", "kinetic"] = setting("Riemann solver at the edges", default="hllc")
    stepping: Literal["euler", "ssprk2", "ssprk3"] = setting("Runge-Kutta method", default="ssprk2")
    precision: Literal["float64", "float32"] = setting("floating-point type of fluxes, slopes and stored fields", default="float64")
    arrival: float = quantity("m", "change of the free surface that counts as the wave's arrival", default=1e-3, above=0.0)
    initial: Spec = setting("initial state", default=Spec("rest", {}))
    boundary: Mapping[str, Spec] = setting("what stands outside each side of the mesh; a side not named is a wall", factory=dict)


def stored(params: Params, mesh: str) -> Stored:
    """Contents of the file of a run on a ``mesh`` of a given kind.

    Raises
    ------
    InputError
        The mesh is none of triangles.
    """
    if mesh != "triangles":
        raise InputError(f"solver 'tsunami' needs a mesh of triangles, such as kind \"rectangle\", not a {mesh}")
    return Stored(
        ("free_surface", "depth", "discharge_x", "discharge_y"), maxima=("free_surface", "speed", "depth", "arrival"), gauges=True
    )


def build(*arguments: Any, **named: Any) -> Any:
    """The discretised equations on one rank's part: see `solvers.tsunami.model.Tsunami`."""
    from solvers.tsunami.model import Tsunami  # the kernels load only when a run needs them

    return Tsunami(*arguments, **named)


def check_exact(params: Params, bed: Any) -> None:
    """`InputError` where a run has no exact solution; ``bed()`` gives the cells' beds [m], None where they are known to be even."""
    from solvers.tsunami.reference import check_exact as check

    check(params, bed)


def look_into_files(params: Params, case: Any) -> None:
    """Refuse a series of an incident wave that can't be read or does not enter, before anything is computed."""
    from solvers.tsunami.boundary import look_into_files as look

    look(params.boundary, case.folder, case.time.end)


def write_exact(run: Any, target: Any) -> Any:
    """The exact solution of a run as a file of its own: see `solvers.tsunami.reference.write_exact`."""
    from solvers.tsunami.reference import write_exact as write

    return write(run, target)


def forecaster(mesh: Any, params: Params, case: Any) -> Any:
    """The `pipeline.discovery.laws.Laws` that stage `discover` changes: see `solvers.tsunami.forecast`."""
    from solvers.tsunami.forecast import laws_of

    return laws_of(mesh, params, case)
