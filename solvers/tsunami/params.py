"""Parameters of the tsunami solver, and the contents of its files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pipeline.core.errors import InputError
from pipeline.core.outline import Stored
from pipeline.core.params import Spec, quantity, setting
from pipeline.store.layout import UPLIFT

EARTH = 7.292115e-5  # [rad/s]
MOST_LOADING = 0.2


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters of the tsunami solver."""

    gravity: float = quantity("m/s^2", "gravity", default=9.81, above=0.0)
    loading: float = quantity(
        "dimensionless",
        "share of a wave's pressure gradient that the yielding of the sea floor under its load, and its own attraction, take away",
        default=0.0,
        low=0.0,
    )
    manning: float = quantity("s/m^(1/3)", "Manning's roughness", default=0.0, low=0.0)
    linear_drag: float = quantity("1/s", "drag r of du/dt = -r u", default=0.0, low=0.0)
    quadratic_drag: float = quantity("dimensionless", "drag c of du/dt = -c |u| u / h", default=0.0, low=0.0)
    coriolis: float = quantity("1/s", "Coriolis parameter at y = 0, on a plane", default=0.0)
    beta: float = quantity("1/m/s", "its change northward, on a plane", default=0.0)
    rotation: float = quantity("rad/s", "angular velocity of the sphere, on a mesh in longitudes and latitudes", default=EARTH)
    level: float = quantity("m", "still water level", default=0.0)
    deepest: float = quantity("m", "still water deeper than this is refused: no ocean is", default=12e3, above=0.0)
    dry_depth: float = quantity("m", "a cell no deeper than this does not move", default=1e-6, above=0.0)
    order: Literal[1, 2] = setting("order in space", default=2)
    limiter: Literal["none", "barth_jespersen", "michalak"] = setting("limiter of the slopes", default="michalak")
    limiter_tolerance: float = setting("Michalak and Ollivier-Gooch's K [1]: larger lets more crests pass unlimited", default=1.5)
    riemann: Literal["hllc", "roe", "rusanov", "kinetic"] = setting("Riemann solver at the edges", default="hllc")
    stepping: Literal["euler", "ssprk2", "ssprk3"] = setting("Runge-Kutta method", default="ssprk3")
    time_steps: Literal["global", "local"] = setting("one step for all cells, or by cells 2^l times the shortest", default="global")
    precision: Literal["float64", "float32"] = setting("floating-point type of fluxes, slopes and stored fields", default="float64")
    arrival: float = quantity("m", "change of the free surface that counts as the wave's arrival", default=1e-3, above=0.0)
    maxima: tuple[Literal["lowest_surface", "momentum_flux", "energy_flux", "froude", "first_motion"], ...] = setting(
        "what else is kept of all steps, beside the greatest free surface, speed and depth, and the arrival", default=()
    )
    energy_every: float = quantity("s", "simulated time between samples of the energy of all water; 0: none", default=0.0, low=0.0)
    source: tuple[Spec, ...] = setting("what moves the bed; tables [[source]]", default=(), kinds="solvers.tsunami.source")
    initial: Spec = setting("initial state", default=Spec("rest", {}), kinds="solvers.tsunami.initial")
    boundary: Mapping[str, Spec] = setting(
        "boundary condition of each side of the mesh; a side not named is a wall", factory=dict, kinds="solvers.tsunami.boundary"
    )

    def __post_init__(self) -> None:
        if self.loading > MOST_LOADING:
            raise InputError(f"loading = {self.loading:g}; it must be at most {MOST_LOADING:g}: of tides it is 0.1, of tsunamis less")

    @property
    def wave_gravity(self) -> float:
        """Gravity [m/s2] in the pressure: (1 - loading) g (Inazu and Saito 2013, DOI 10.5047/eps.2013.03.010)."""
        return self.gravity * (1.0 - self.loading)


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
        Names of fields and maxima.

    Raises
    ------
    InputError
        The mesh is none of triangles.
    """
    if mesh != "triangles":
        raise InputError(f"solver 'tsunami' needs a mesh of triangles, such as kind \"rectangle\", not a {mesh}")
    fields = ("free_surface", "depth", "discharge_x", "discharge_y", *([UPLIFT] if params.source else []))
    maxima = ("free_surface", "speed", "depth", "arrival", *params.maxima)
    return Stored(fields, maxima=maxima, gauges=True, gauge_fields=("free_surface", "velocity_x", "velocity_y"))
