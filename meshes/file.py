"""File: the user's own triangles, with their named sides, from a file of Gmsh, UGRID, SMS, ADCIRC, Triangle and others."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core import formats
from meshes.core.bathymetry import asked_shape, bed_means, is_even
from meshes.core.connect import mates_of
from meshes.core.file_mesh import FileMesh
from meshes.core.relief import DEGREES
from meshes.core.sides import sides_of
from meshes.core.sound import Rim, check_sheet, turned
from meshes.core.trimesh import NamedEdges, TriMesh, trimesh
from pipeline.core.data import locate_file
from pipeline.core.errors import InputError
from pipeline.core.params import Spec, setting, size_of
from pipeline.core.remarks import remark

Array = np.ndarray[Any, np.dtype[Any]]

EAST, NORTH = 360.0, 90.0  # the largest longitude and latitude
LEVEL = 1e-9  # of the mesh's extent, within which its third coordinate is even


@dataclass(frozen=True, slots=True)
class Params:
    """The mesh in a file."""

    file: str = setting("a mesh file: Gmsh's, UGRID, SMS's .2dm, ADCIRC's .14 or .grd, Triangle's .ele, and others")
    format: str | None = setting("its format; unset: told by its contents", default=None)
    unit: str | None = setting('the unit of its coordinates, such as "m" or "km"; unset: what the file says, else m', default=None)
    bathymetry: Spec = setting(
        'the bed; { kind = "vertices" } is what the file carries', default=Spec("flat", {}), kinds="meshes.core.bathymetry"
    )


def has_even_bed(params: Params) -> bool:
    """Whether the bed is known to be even without building the mesh."""
    return is_even(params.bathymetry)


def build(params: Params, *, folder: Path) -> TriMesh:
    """Read, mend and check the triangles.

    Parameters
    ----------
    params
        The case's table ``mesh``.
    folder
        The mesh's file, and files of the bathymetry, are looked for here first.

    Returns
    -------
    TriMesh
        The mesh, with the sides that the file names.

    Raises
    ------
    InputError
        A file that is not there or can't be read, coordinates in degrees or out of a plane, triangles that do not make one sheet, or a bed
        that does not fit: the message says where.
    """
    sheet = _sheet(params, folder)
    bed = sheet.heights if sheet.heights is not None else bed_means(params.bathymetry, folder)
    return trimesh(sheet.vertices, sheet.triangles, bed=bed, boundary_names=sheet.names, side=sheet.sides, mates=sheet.mates)


def look_into_files(params: Params, case: Any) -> None:
    """Refuse a mesh that has faults, or a raster of the bed that can't be read, before anything is computed."""
    if _sheet(params, case.folder).heights is None:
        bed_means(params.bathymetry, case.folder)


@dataclass(frozen=True, slots=True, eq=False)
class _Sheet:
    """Triangles without faults, not yet ordered."""

    vertices: Array  # (V, 2) [m]
    triangles: Array  # (T, 3)
    mates: Array  # (3 T,)
    names: tuple[str, ...]
    sides: NamedEdges
    heights: Array | None  # (V,) [m] of the bed that the file carries; None where another is asked for


def _sheet(params: Params, folder: Path) -> _Sheet:
    """The triangles of the file, mended and judged; `InputError` as of `build`."""
    path = locate_file(params.file, folder)
    found = formats.read_mesh(path, params.format)
    for note in found.notes:
        remark(note)
    vertices = found.points * _unit(path, found, params.unit)
    shape: Any = asked_shape(params.bathymetry)
    carried = getattr(shape, "of_the_mesh", False)
    if not carried:
        _check_plane(path, found)
    triangles = turned(path, found)
    try:
        mates = mates_of(found.points, triangles)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from None
    rim = Rim.of(triangles, mates)
    check_sheet(path, found, triangles, rim)
    names, sides = sides_of(path, found, triangles, rim)
    return _Sheet(vertices, triangles, mates, names, sides, shape.heights(path, found) if carried else None)


def _unit(path: Path, mesh: FileMesh, asked: str | None) -> float:
    """The length [m] of the coordinates' unit.

    Raises
    ------
    InputError
        Coordinates in degrees, or that may be; no unit of a length; or the file says another.
    """
    unit = asked or mesh.units
    project = "this mesh is in m: project it first, with pyproj, QGIS or ogr2ogr"
    if DEGREES.match(unit):
        raise InputError(f"{path.name}: its coordinates are in degrees, and {project}")
    low, high = mesh.points.min(axis=0, initial=np.inf), mesh.points.max(axis=0, initial=-np.inf)
    if not unit and max(np.abs([low[0], high[0]])) <= EAST and max(np.abs([low[1], high[1]])) <= NORTH:
        raise InputError(
            f"{path.name}: its coordinates, ({low[0]:g}, {low[1]:g}) to ({high[0]:g}, {high[1]:g}), may be degrees: "
            f'where they are, {project}; where they are metres, say unit = "m"'
        )
    factor = size_of(unit, "m") if unit else 1.0
    if factor is None:
        raise InputError(f"{path.name}: {unit!r} is no unit of a length; such are m, km, feet")
    if asked and mesh.units and size_of(mesh.units, "m") != factor:
        raise InputError(f"{path.name} says that its coordinates are in {mesh.units!r}, the case says {asked!r}: leave unit out")
    return factor


def _check_plane(path: Path, mesh: FileMesh) -> None:
    """Refuse vertices out of a level plane, and remark on a bed that is not asked for."""
    if mesh.third is not None:
        span = float(np.ptp(mesh.points, axis=0).max(initial=0.0))
        away = ~(np.abs(mesh.third - mesh.third[0]) <= LEVEL * span) if len(mesh.third) else np.zeros(0, bool)
        if away.any():
            first = int(np.argmax(away))
            raise InputError(
                f"{path.name}: {int(away.sum())} vertices are not in the plane of the first, z = {mesh.third[0]:g}: the first "
                f'{mesh.point_name(first)}, z = {mesh.third[first]:g}; where z is the bed, say [mesh.bathymetry] kind = "vertices"'
            )
    carried = [name for name, one in mesh.fields.items() if one.said]
    if carried:
        remark(f'{path.name} carries the bed ({carried[0]}), which is not taken: [mesh.bathymetry] kind = "vertices" takes it')
