"""Incompressible turbulence in a cube that repeats itself: the Navier-Stokes equations, pseudo-spectral, with a passive scalar on demand.

    u_t = u x omega - grad(p + |u|^2 / 2) + nu lap u + f,    div u = 0,    omega = curl u
    s_t = -div(u s) - G . u + kappa lap s

The nonlinear term is in rotation form, dealiased by the 2/3 or the 3/2 rule (C. Canuto, M. Y. Hussaini, A. Quarteroni, T. A. Zang, Spectral
Methods in Fluid Dynamics, Springer 1988, DOI 10.1007/978-3-642-84108-8, sections 3.2 and 7.2); pressure and |u|^2 / 2 go by a
projection. Viscosity is exact, by an integrating factor; see `solvers.turbulence.schemes` for the steps,
`pipeline.spectral.forcing` for f, `solvers.turbulence.initial` for the first states. The mean velocity stays the same.

All is without dimension: lengths are in units of the case's box.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.core.compiling import load_numba
from solvers.turbulence.params import Params, stored

if TYPE_CHECKING:
    from meshes.core.box import Box
    from solvers.core.comm import Comm
    from solvers.turbulence.model import Flow

__all__ = ["MEMORY", "Params", "build", "draw", "facts", "load", "stored"]

MEMORY = (0.0, 0.0, 200.0)  # [B] a cell: shared on a node, on each rank, spread over all


def build(mesh: "Box", part: None, comm: "Comm", params: Params, *, gauges: Mapping[str, tuple[float, ...]], folder: Path) -> "Flow":
    """Discretise the Navier-Stokes equations for one rank's share of a cube's waves.

    Parameters
    ----------
    mesh
        A cube, its sides of any lengths.
    part
        None: the ranks share waves, not points.
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
    'Flow'
        The model; its state is the waves (3 or 4, lz, ly, lx) of the velocity and the scalar.

    Raises
    ------
    InputError
        The mesh is no cube, its points can't be transformed quickly, there are gauges, or more ranks than planes.
    """
    load_numba()
    from solvers.turbulence.model import Flow  # the kernels load only when a run needs them

    return Flow(mesh, part, comm, params, gauges=gauges, folder=folder)


def draw(store: Any, frames: Any) -> Any:
    """Pictures of a run for a page: see `solvers.turbulence.figures.draw`."""
    from solvers.turbulence.figures import draw as pictures

    return pictures(store, frames)


def facts(summary: Any) -> Any:
    """Facts of a run for a page: see `solvers.turbulence.figures.facts`."""
    from solvers.turbulence.figures import facts as words

    return words(summary)


def load(mesh: Any, params: Params, case: Any) -> Any:
    """The `solvers.core.load.Load` of a case: from a box of fewer points, for the whole one may not fit where a run is submitted."""
    from solvers import turbulence
    from solvers.core.load import tried_on_fewer

    return tried_on_fewer(turbulence, mesh, params, case)
