"""Box on the globe between two meridians and two parallels: triangles on Mercator's map, of even size on the sphere, or by depth."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core import points
from meshes.core.bathymetry import bed_means_on_chart, is_even
from meshes.core.by_depth import ByDepth
from meshes.core.mercator import FARTHEST, RADIUS, TURN, Mercator
from meshes.core.trimesh import TriMesh, on_sphere, trimesh
from pipeline.core.errors import InputError
from pipeline.core.params import Spec, quantity, setting

Array = np.ndarray[Any, np.dtype[Any]]

ON_THE_SPHERE = True


@dataclass(frozen=True, slots=True)
class Params:
    """A box on the globe with sides west, east, south and north; all longitudes, where they reach round it."""

    west: float = quantity("degree", "westernmost longitude")
    east: float = quantity("degree", "easternmost longitude")
    south: float = quantity("degree", "southernmost latitude")
    north: float = quantity("degree", "northernmost latitude")
    size: float = quantity("m", "edge length; round the globe that at the equator, less by the cosine of the latitude elsewhere", above=0.0)
    by_depth: ByDepth | None = setting("edges of as many to a wavelength, whatever the depth; size is the longest", default=None)
    seed: int = setting("seed of the random pattern", default=0)
    bathymetry: Spec = setting("the bed: a raster in degrees, or flat", default=Spec("flat", {}), kinds="meshes.core.bathymetry")

    def __post_init__(self) -> None:
        for name, value, farthest in (
            ("west", self.west, TURN),
            ("east", self.east, TURN),
            ("south", self.south, FARTHEST),
            ("north", self.north, FARTHEST),
        ):
            if not abs(value) <= farthest:
                raise InputError(f"{name} = {value:g} is beyond {farthest:g} degrees")
        if self.south >= self.north:
            raise InputError(f"south = {self.south:g} is not south of north = {self.north:g} degrees")
        if self.west == self.east:
            raise InputError(f"west and east are both {self.west:g} degrees: say -180 and 180 for all longitudes")
        if self.by_depth and self.extent == TURN:
            raise InputError('by_depth and all longitudes do not go together: take a mesh of kind "globe"')

    @property
    def extent(self) -> float:
        """Degrees of longitude from west to east, in (0, 360]."""
        return (self.east - self.west) % TURN or TURN

    @property
    def central(self) -> float:
        """Longitude of the middle [degrees], in [-180, 180)."""
        return (self.west + 0.5 * self.extent + 180.0) % TURN - 180.0


def has_even_bed(params: Params) -> bool:
    """Whether the bed is known to be even without building the mesh."""
    return is_even(params.bathymetry)


def build(params: Params, *, folder: Path) -> TriMesh:
    """Make the box's triangles.

    Parameters
    ----------
    params
        The case's table ``mesh``.
    folder
        Files of the bathymetry are looked for here first.

    Returns
    -------
    TriMesh
        The mesh on Mercator's map about its middle, with the sides west, east, south and north, or the last two round the globe.

    Raises
    ------
    InputError
        A wrong bathymetry, or more cells than any machine holds.
    """
    chart = Mercator(params.central)
    bed = bed_means_on_chart(params.bathymetry, folder, chart)
    low, high = chart.plane(np.array([[params.central, params.south], [params.central, params.north]]))[:, 1]
    width, height = RADIUS * np.radians(params.extent), float(high - low)
    origin = (-0.5 * width, float(low))
    around = params.extent == TURN
    period = (width if around else 0.0, 0.0)
    if params.by_depth:
        vertices, triangles = _by_depth(params, params.by_depth, chart, (width, height), bed)
    elif around:
        vertices, triangles = points.repeating(width, height, params.size, period, params.seed)
    else:
        vertices, triangles = _even_on_the_sphere(params, chart, float(low))
    sides = (2, 3) if around else (0, 1, 2, 3)
    plane = trimesh(
        vertices + np.array(origin),
        triangles,
        bed=bed,
        boundary_names=[points.SIDES[i] for i in sides],
        side=points.rectangle_side(origin, width, height, sides),
        same_as=points.periodic_images(vertices, period) if around else None,
        period=period,
    )
    return on_sphere(plane, params.central)


def look_into_files(params: Params, case: Any) -> None:
    """Refuse a raster of the bed that can't be read, before anything is computed."""
    bed_means_on_chart(params.bathymetry, case.folder, Mercator(params.central))


def _by_depth(
    p: Params, depths: ByDepth, chart: Mercator, extent: tuple[float, float], bed: Callable[[Array], Array]
) -> tuple[Array, Array]:
    """Vertices and triangles whose edges follow the depth; ``extent`` [m] of the map."""
    width, height = extent
    origin = np.array([-0.5 * width, chart.plane(np.array([p.central, p.south]))[1]])
    wanted = depths.wanted(width, height, lambda corners: bed(corners + origin), lambda places: chart.stretch(places + origin), p.size)
    coarsest = p.size * float(chart.stretch(origin + np.array([[0.0, 0.0], [0.0, height]])).max())
    return points.following(width, height, wanted, coarsest, p.seed, spacing=points.SPACING, halves=True)


def _even_on_the_sphere(p: Params, chart: Mercator, low: float) -> tuple[Array, Array]:
    """Vertices and triangles whose edges have ``size`` on the sphere; ``low`` [m] is the southern side on the map.

    The points stand in rows along parallels that are evenly spaced in latitude, as many in each as the parallel is long.
    """
    span = np.radians(p.north - p.south) * RADIUS
    count = max(round(span / (p.size * np.sqrt(0.75))), 1)
    cells = 2.0 * span * np.radians(p.extent) * RADIUS / (p.size**2 * np.sqrt(0.75))
    if cells > points.LARGEST:
        raise InputError(f"an edge length of {p.size:g} m makes up to {cells:,.0f} cells, more than {points.LARGEST:,}")
    latitudes = np.linspace(p.south, p.north, count + 1)
    heights = chart.plane(np.stack([np.full(count + 1, p.central), latitudes], axis=1))[:, 1] - low
    heights[0] = 0.0
    width = RADIUS * np.radians(p.extent)
    rows, inside, sizes = [], [], []
    for number, (latitude, y) in enumerate(zip(latitudes, heights, strict=True)):
        columns = max(round(width * np.cos(np.radians(latitude)) / p.size), 1)
        x = points.row(columns, shifted=number % 2 == 1) * (width / columns)
        rows.append(np.stack([x, np.full_like(x, y)], axis=1))
        inside.append((x > 0.0) & (x < x[-1]) & (0 < number < count))
        sizes.append(np.full_like(x, width / columns))
    vertices = points.shaken(np.concatenate(rows), np.concatenate(inside), np.concatenate(sizes), p.seed)
    return vertices, points.triangulate(vertices)
