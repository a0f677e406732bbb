"""Rectangle: triangles in a structured-random, cross or right pattern, evenly sized or graded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from meshes.core import points
from meshes.core.bathymetry import bed_means, is_even
from meshes.core.trimesh import TriMesh, trimesh
from pipeline.core.errors import InputError
from pipeline.core.params import Spec, quantity, setting
from pipeline.core.sizes import Sizes

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Refinement:
    """Smaller triangles in a disc; outside it the size grows by ``growth`` m a metre."""

    centre: tuple[float, float] = setting("centre of the disc [m]")
    radius: float = quantity("m", "radius of the disc", low=0.0)
    size: float = quantity("m", "edge length inside it", above=0.0)
    growth: float = setting("growth of the edge length with the distance from the disc [m/m]", default=0.25)


@dataclass(frozen=True, slots=True)
class Params:
    """A rectangle with sides west, east, south and north."""

    width: float = quantity("m", "extent eastward", above=0.0)
    height: float = quantity("m", "extent northward", above=0.0)
    size: float = quantity("m", "edge length", above=0.0)
    origin: tuple[float, float] = setting("south-west corner [m]", default=(0.0, 0.0))
    pattern: Literal["delaunay", "cross", "right"] = setting("pattern of the triangles", default="delaunay")
    seed: int = setting("seed of the random pattern", default=0)
    periodic: tuple[Literal["x", "y"], ...] = setting("directions in which the domain is periodic", default=())
    refine: tuple[Refinement, ...] = setting("discs with smaller triangles (delaunay only)", default=())
    sizes: Sizes | None = setting("a map of edge lengths in place of size and refine, as a campaign makes it (delaunay only)", default=None)
    bathymetry: Spec = setting("the bed", default=Spec("flat", {}), kinds="meshes.core.bathymetry")

    def __post_init__(self) -> None:
        for key in ("refine", "sizes"):
            if getattr(self, key) and self.pattern != "delaunay":
                raise InputError(f'{key} needs pattern = "delaunay", not {self.pattern!r}')
            if getattr(self, key) and self.periodic:
                raise InputError(f"{key} and periodic do not go together")
        for extent, axis in ((self.width, "x"), (self.height, "y")):
            if axis in self.periodic and extent < 3.0 * self.size:
                raise InputError(f"periodic in {axis}: {extent:g} m is less than three edges of {self.size:g} m")


def has_even_bed(params: Params) -> bool:
    """Whether the bed is known to be even without building the mesh."""
    return is_even(params.bathymetry)


def build(params: Params, *, folder: Path) -> TriMesh:
    """Make the rectangle's triangles.

    Parameters
    ----------
    params
        The case's table ``mesh``.
    folder
        Files of the bathymetry are looked for here first.

    Returns
    -------
    TriMesh
        The mesh, with the sides west, east, south and north unless they are periodic.

    Raises
    ------
    InputError
        A wrong bathymetry, or more cells than any machine holds.
    """
    bed = bed_means(params.bathymetry, folder)
    vertices, triangles = {"delaunay": _delaunay, "cross": _cross, "right": _right}[params.pattern](params)
    period = (params.width if "x" in params.periodic else 0.0, params.height if "y" in params.periodic else 0.0)
    open_sides = tuple(i for i in range(4) if not period[i // 2])
    return trimesh(
        vertices + np.array(params.origin),
        triangles,
        bed=_repeated(bed, params, period),
        boundary_names=[points.SIDES[i] for i in open_sides],
        side=points.rectangle_side(params.origin, params.width, params.height, open_sides),
        same_as=points.periodic_images(vertices, period) if any(period) else None,
        period=period,
    )


def look_into_files(params: Params, case: Any) -> None:
    """Refuse a raster of the bed that can't be read, before anything is computed."""
    bed_means(params.bathymetry, case.folder)


def _repeated(bed: Callable[[Array], Array], p: Params, period: tuple[float, float]) -> Callable[[Array], Array]:
    """``bed`` of a mesh that repeats itself: triangles beyond a periodic side have the bed of where they come back in."""
    lengths = np.array([length or np.inf for length in period])

    def repeated(corners: Array) -> Array:
        away = np.floor((corners.mean(axis=1) - np.array(p.origin)) / lengths) * np.array(period)
        return bed(corners - away[:, None, :])

    return repeated if any(period) else bed


def _delaunay(p: Params) -> tuple[Array, Array]:
    if p.periodic:
        repeats = (p.width if "x" in p.periodic else 0.0, p.height if "y" in p.periodic else 0.0)
        return points.repeating(p.width, p.height, p.size, repeats, p.seed)
    if p.sizes:
        return _mapped(p, p.sizes)
    if p.refine:

        def wanted(x: Array, y: Array) -> Array:
            size = np.full_like(x, p.size)
            for disc in p.refine:
                away = np.maximum(np.hypot(x + p.origin[0] - disc.centre[0], y + p.origin[1] - disc.centre[1]) - disc.radius, 0.0)
                size = np.minimum(size, disc.size + disc.growth * away)
            return size

        places, inside, size = points.graded(p.width, p.height, lambda x, y: wanted(x, y) * np.sqrt(2.0), p.size * np.sqrt(2.0))
        vertices = points.shaken(places, inside, 0.6 * size, p.seed)
    else:
        places, inside = points.lattice(p.width, p.height, p.size)
        vertices = points.shaken(places, inside, p.size, p.seed)
    return vertices, points.triangulate(vertices)


def _mapped(p: Params, sizes: Sizes) -> tuple[Array, Array]:
    """Vertices and triangles whose edges follow a map of ``sizes``."""
    wanted = sizes.wanted(p.width, p.height)
    return points.following(p.width, p.height, wanted, float(sizes.values.max()), p.seed, spacing=float(np.sqrt(2.0)))


def _grid(p: Params, size: float) -> tuple[Array, Array]:
    """Vertices of a grid of squares, and the four corners of each square, counterclockwise."""
    columns, rows = max(round(p.width / size), 1), max(round(p.height / size), 1)
    if columns * rows * 4 > points.LARGEST:
        raise InputError(f"an edge length of {p.size:g} m makes more than {points.LARGEST:,} cells")
    x, y = np.linspace(0.0, p.width, columns + 1), np.linspace(0.0, p.height, rows + 1)
    vertices = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    number = np.arange(len(vertices)).reshape(columns + 1, rows + 1)
    return vertices, np.stack([number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]], axis=-1).reshape(-1, 4)


def _cross(p: Params) -> tuple[Array, Array]:
    """Triangles of squares, each cut in four by its diagonals."""
    vertices, squares = _grid(p, p.size)
    middles = vertices[squares].mean(axis=1)
    centre = len(vertices) + np.arange(len(squares))
    triangles = np.concatenate([np.stack([squares[:, i], squares[:, (i + 1) % 4], centre], axis=1) for i in range(4)])
    return np.concatenate([vertices, middles]), triangles


def _right(p: Params) -> tuple[Array, Array]:
    """Triangles of squares, each cut in two by one diagonal."""
    vertices, squares = _grid(p, p.size)
    return vertices, np.concatenate([squares[:, [0, 1, 2]], squares[:, [0, 2, 3]]])
