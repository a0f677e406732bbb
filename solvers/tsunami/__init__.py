"""Tsunami: the nonlinear shallow-water equations on triangles, with dry land, bottom friction and incoming waves.

    h_t + (hu)_x + (hv)_y = 0
    (hu)_t + (hu^2 + g h^2 / 2)_x + (huv)_y = -g h b_x - (g n^2 / h^(1/3) + c) |u| u - r h u
    (hv)_t + (huv)_x + (hv^2 + g h^2 / 2)_y = -g h b_y - (g n^2 / h^(1/3) + c) |u| v - r h v

with depth h [m], velocity u, v [m/s], bed b [m] positive up, gravity g [m/s2], Manning's n [s/m^(1/3)],
a quadratic drag c (Chezy's g / C^2) and a linear one r [1/s]. Sources move the bed, b(x, y, t); the water on it follows.

FiniteVolumes: cell-centred finite volumes of first or second order (limited least-squares slopes, hydrostatic reconstruction; HLLC,
Roe's, Rusanov's or kinetic fluxes), strong-stability-preserving Runge-Kutta steps, semi-implicit friction; water at rest stays
at rest, depths stay >= 0, and no water is lost. References stand in ``kernels``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.core import plugin
from pipeline.core.compiling import load_numba
from solvers.tsunami.params import Params, stored

if TYPE_CHECKING:
    from meshes.core.part import Part
    from meshes.core.trimesh import TriMesh
    from solvers.core.comm import Comm
    from solvers.tsunami.model import Tsunami

__all__ = ["MEMORY", "Params", "build", "check_exact", "draw", "facts", "groups", "laws", "look_into_files", "stored", "write_exact"]

MEMORY = (710.0, 275.0, 0.0)  # [B] a cell: shared on a node, on each rank, spread over all


def build(
    mesh: "TriMesh", part: "Part", comm: "Comm", params: Params, *, gauges: Mapping[str, tuple[float, ...]], folder: Path
) -> "Tsunami":
    """Discretise the shallow-water equations on one rank's part of a mesh.

    Parameters
    ----------
    mesh
        The whole mesh.
    part
        This rank's part of it, as the mesh's ``share`` cuts it.
    comm
        All ranks.
    params
        The case's table ``solver``.
    gauges
        Places of the gauges by name, x and y [m].
    folder
        Files of incoming waves and of sources are looked for here first.

    Returns
    -------
    'Tsunami'
        The model.

    Raises
    ------
    InputError
        A side of the mesh or a kind that does not exist, a gauge or a source outside the mesh, a source wholly on land, water deeper than
        ``deepest``, or a file that can't be read.
    """
    load_numba()
    from solvers.tsunami.model import Tsunami  # the kernels load only when a run needs them

    return Tsunami(mesh, part, comm, params, gauges=gauges, folder=folder)


def groups(mesh: "TriMesh", params: Params) -> Any:
    """Groups of cells that the ranks are to share evenly: see `solvers.tsunami.balance.groups`."""
    load_numba()
    from solvers.tsunami.balance import groups as found

    return found(mesh, params)


def check_exact(params: Params, bed: Any) -> None:
    """`InputError` where a run has no exact solution; ``bed()`` gives the cells' beds [m], None where they are known to be even."""
    from solvers.tsunami.reference import check_exact as check

    check(params, bed)


def look_into_files(params: Params, case: Any) -> None:
    """Refuse a series of an incident wave that can't be read or does not enter, and a source that can't be, before anything is computed."""
    from meshes.core.mercator import Mercator
    from solvers.tsunami.boundary import look_into_files as look
    from solvers.tsunami.source import motions

    look(params.boundary, case.folder, case.time.end)
    globe = getattr(plugin.load("meshes", case.mesh.kind), "ON_THE_SPHERE", False)
    motions(params.source, case.folder, Mercator(0.0) if globe else None)


def write_exact(run: Any, target: Any) -> Any:
    """The exact solution of a run as a file of its own: see `solvers.tsunami.reference.write_exact`."""
    from solvers.tsunami.reference import write_exact as write

    return write(run, target)


def draw(store: Any, frames: Any) -> Any:
    """Pictures of a run for a page: see `solvers.tsunami.figures.draw`."""
    from solvers.tsunami.figures import draw as pictures

    return pictures(store, frames)


def facts(summary: Any) -> Any:
    """Facts of a run for a page: see `solvers.tsunami.figures.facts`."""
    from solvers.tsunami.figures import facts as words

    return words(summary)


def laws(mesh: Any, params: Params, case: Any) -> Any:
    """The `pipeline.discovery.laws.Laws` of a case, which a stage changes: see `solvers.tsunami.forecast`."""
    from solvers.tsunami.forecast import laws_of

    return laws_of(mesh, params, case)
