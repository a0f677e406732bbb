"""Globe: the whole sphere but a hole on land, by triangles of one size or by depth; neither poles nor the date line are edges."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core import points, sphere_points
from meshes.core.bathymetry import bed_means_in_degrees, bed_means_on_chart, is_even
from meshes.core.by_depth import ByDepth
from meshes.core.mercator import RADIUS, TURN, check_degrees
from meshes.core.stereographic import Stereographic
from meshes.core.trimesh import TriMesh, on_sphere, trimesh
from pipeline.core.errors import InputError
from pipeline.core.params import Spec, quantity, setting
from pipeline.core.remarks import remark

Array = np.ndarray[Any, np.dtype[Any]]

ON_THE_SPHERE = True
LEAST = 8  # edges round the hole
MARGIN = 0.6  # of an edge, by which other points keep away from the hole's rim


@dataclass(frozen=True, slots=True)
class Hole:
    """The disc that the mesh leaves out; its rim is side ``hole``. The default is inner Asia, as far from all seas as a place can be."""

    longitude: float = quantity("degree", "of its middle", default=86.7)
    latitude: float = quantity("degree", "of its middle", default=46.3)
    radius: float = quantity("m", "along the ground", default=1.0e6, above=0.0)

    def __post_init__(self) -> None:
        check_degrees(self.longitude, self.latitude)
        if self.radius > 0.25 * np.pi * RADIUS:
            raise InputError(f"hole.radius = {self.radius:g} m leaves out more than an eighth of a turn")


@dataclass(frozen=True, slots=True)
class Params:
    """The globe."""

    size: float = quantity("m", "edge length; with by_depth the longest", above=0.0)
    by_depth: ByDepth | None = setting("edges of as many to a wavelength, whatever the depth", default=None)
    hole: Hole = setting("the disc that is left out, on land", default=Hole())
    seed: int = setting("seed of the disturbance of a mesh by depth", default=0)
    bathymetry: Spec = setting("the bed: a raster in degrees, or flat", default=Spec("flat", {}), kinds="meshes.core.bathymetry")

    def __post_init__(self) -> None:
        if 2.0 * np.pi * self.hole.radius < LEAST * self.size:
            raise InputError(f"hole.radius = {self.hole.radius:g} m: round it there are fewer than {LEAST} edges of {self.size:g} m")

    @property
    def chart(self) -> Stereographic:
        """The map, whose middle is opposite the hole's."""
        return Stereographic((self.hole.longitude + 1.0 * TURN) % TURN - 0.5 * TURN, -self.hole.latitude)


def has_even_bed(params: Params) -> bool:
    """Whether the bed is known to be even without building the mesh."""
    return is_even(params.bathymetry)


def build(params: Params, *, folder: Path) -> TriMesh:
    """Make the globe's triangles.

    Parameters
    ----------
    params
        The case's table ``mesh``.
    folder
        Files of the bathymetry are looked for here first.

    Returns
    -------
    TriMesh
        The mesh on the stereographic map whose middle is opposite the hole's; its one side is ``hole``.

    Raises
    ------
    InputError
        A wrong bathymetry, or more cells than any machine holds.
    """
    chart = params.chart
    wanted = _wanted(params, folder)
    if params.by_depth:
        found, size = sphere_points.graded(lambda towards: wanted(_degrees(towards)), params.size, points.SPACING)
    else:
        found = sphere_points.even(params.size)
        size = np.full(len(found), params.size)
    east, north, middle = Stereographic(params.hole.longitude, params.hole.latitude).axes
    angle = params.hole.radius / RADIUS
    rim = float(wanted(_degrees(sphere_points.circle(middle, (east, north), angle, 360))).min())
    ring = sphere_points.circle(middle, (east, north), angle, round(2.0 * np.pi * np.sin(angle) * RADIUS / rim))
    kept = np.arccos(np.clip(found @ middle, -1.0, 1.0)) > angle + MARGIN * rim / RADIUS
    inside = np.arange(int(kept.sum()) + len(ring)) < kept.sum()
    places = chart.onto(np.concatenate([found[kept], ring]))

    def on_map(x: Array, y: Array) -> Array:
        at = np.stack([x, y], axis=-1)
        return wanted(chart.degrees(at)) * chart.stretch(at)

    if params.by_depth:
        size = np.concatenate([size[kept], np.full(len(ring), rim)]) * chart.stretch(places)
        places = points.shaken(places, inside, 0.6 * size, params.seed)
    places = points.relaxed(places, inside, on_map, points.ROUNDS)
    bed = bed_means_on_chart(params.bathymetry, folder, chart)
    mesh = on_sphere(trimesh(places, points.triangulate(places), bed=bed, boundary_names=("hole",)), (chart.longitude, chart.latitude))
    _remark_on_water(mesh, params)
    return mesh


def look_into_files(params: Params, case: Any) -> None:
    """Refuse a raster of the bed that can't be read, before anything is computed."""
    bed_means_in_degrees(params.bathymetry, case.folder)


def _wanted(params: Params, folder: Path) -> Callable[[Array], Array]:
    """The function from longitudes and latitudes (..., 2) [degrees] to edge lengths (...,) [m]."""
    if params.by_depth:
        return params.by_depth.wanted_on_globe(bed_means_in_degrees(params.bathymetry, folder), params.size)
    return lambda degrees: np.full(np.shape(degrees)[:-1], params.size)


def _degrees(towards: Array) -> Array:
    """Longitudes and latitudes (..., 2) [degrees] of unit vectors (..., 3)."""
    x, y, z = np.moveaxis(towards, -1, 0)
    return np.degrees(np.stack([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))], axis=-1))


def _remark_on_water(mesh: TriMesh, params: Params) -> None:
    """Say where the hole's rim is in water of a bed that is not even, and so a wall."""
    rim = mesh.edge_cells[mesh.boundary >= 0, 0]
    wet = int((mesh.bed[rim] < 0.0).sum())
    if wet and not has_even_bed(params):
        remark(f"the hole's rim lies below height 0 at {wet} of {len(rim)} edges: a wall stands there; lay the hole on land")
