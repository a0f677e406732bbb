"""UGRID in NetCDF: a boundary's flags are the sides; values at nodes may be the bed.

The format: UGRID conventions 1.0, https://ugrid-conventions.github.io/ugrid-conventions.
"""

from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.file_mesh import FileMesh, VertexField, refuse_cells
from meshes.core.relief import Axis, broken_blamed, is_degrees, text_of
from pipeline.core.errors import InputError
from pipeline.reading.text_table import bytes_of

Array = np.ndarray[Any, np.dtype[Any]]

HDF5 = b"\x89HDF\r\n\x1a\n"
CLASSIC = (b"CDF\1", b"CDF\2")


def is_one(head: bytes, name: str) -> bool:
    """Whether the file is NetCDF's."""
    return head.startswith((HDF5, *CLASSIC))


def read(path: Path) -> FileMesh:
    """The only two-dimensional mesh of the file.

    Raises
    ------
    InputError
        No such mesh, or several; cells that are no triangles; a node that there is not; or xarray is not installed.
    """
    try:
        import xarray
    except ImportError:
        raise InputError(f"{path.name} needs xarray, which is not installed: pip install 'wavetrain[mesh]'") from None
    engine = "h5netcdf" if bytes_of(path, 8) == HDF5 else "scipy"
    with broken_blamed(path), xarray.open_dataset(path, engine=engine, decode_cf=False) as data:
        meshes = [name for name, v in data.variables.items() if text_of(v.attrs, "cf_role") == "mesh_topology"]
        flat = [name for name in meshes if int(np.ravel(data[name].attrs.get("topology_dimension", 0))[0]) == 2]
        if len(flat) != 1:
            raise InputError(f"{path.name} has {len(flat)} two-dimensional UGRID meshes; it must have one ({', '.join(map(str, meshes))})")
        return _mesh(path, data, str(flat[0]))


def _mesh(path: Path, data: Any, name: str) -> FileMesh:
    about = data[name].attrs
    places = [_named(path, data, name, word) for word in text_of(about, "node_coordinates").split()]
    if len(places) != 2:
        raise InputError(f"{path.name}: {name} must name two node_coordinates, x and y")
    nodes = places[0].dims[0]
    units = [_units(one) for one in places]
    if units[0] != units[1]:
        raise InputError(f"{path.name}: {places[0].name} is in {units[0]!r} and {places[1].name} in {units[1]!r}")
    points = np.stack([np.asarray(one.values, float) for one in places], axis=1)
    faces = _named(path, data, name, text_of(about, "face_node_connectivity"))
    corners, gaps = _indices(faces, text_of(about, "face_dimension"), len(points))
    sizes = (~gaps).sum(axis=1)
    other = sizes != 3
    if other.any():
        first = int(np.argmax(other))
        raise refuse_cells(path, "face of other than three nodes", int(other.sum()), f"face {first} of {sizes[first]}, counted from 0")
    triangles = corners[:, :3] if not gaps[:, :3].any() else corners[~gaps].reshape(-1, 3)
    _check_nodes(path, triangles, len(points), faces.name)
    fields = {
        str(one.name): VertexField(np.asarray(one.values), dict(one.attrs), said=bool(text_of(one.attrs, "standard_name")))
        for one in data.data_vars.values()
        if one.dims == (nodes,) and one.dtype.kind in "fiu" and one.name not in [place.name for place in places]
    }
    return FileMesh(points, triangles, _sides(path, data, name, len(points)), fields, units=units[0])


def _named(path: Path, data: Any, mesh: str, name: str) -> Any:
    if name not in data.variables:
        raise InputError(f"{path.name}: {mesh} names the variable {name!r}, which there is not")
    return data[name]


def _units(coordinate: Any) -> str:
    axis = Axis(str(coordinate.name), np.zeros(0), coordinate.attrs)
    return "degrees" if is_degrees(axis) else text_of(coordinate.attrs, "units")


def _indices(variable: Any, rows: str, count: int) -> tuple[Array, Array]:
    """Indices from 0 (N, K) of a connectivity, whichever way it lies, and where it has none."""
    values = np.asarray(variable.values)
    if variable.dims[0] != rows and (variable.dims[-1] == rows or (not rows and values.shape[0] < values.shape[1])):
        values = values.T
    start = int(np.ravel(variable.attrs.get("start_index", 0))[0])
    gaps = ~np.isfinite(values) if values.dtype.kind == "f" else values < 0
    for key in ("_FillValue", "missing_value"):
        if key in variable.attrs:
            gaps |= values == np.ravel(variable.attrs[key])[0]
    return np.where(gaps, -1, np.where(gaps, 0, values).astype(np.int64) - start), gaps


def _check_nodes(path: Path, indices: Array, count: int, what: Any) -> None:
    bad = ((indices < 0) | (indices >= count)).any(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(f"{path.name}: row {row} of {what} names nodes {', '.join(map(str, indices[row]))}, from 0; there are {count}")


def _sides(path: Path, data: Any, mesh: str, count: int) -> list[tuple[str, Array]]:
    """Edges of each flag of the boundary's, else of the edges' variable with flags."""
    found = []
    for location in ("boundary", "edge"):
        key = f"{location}_node_connectivity"
        flags = [
            v
            for v in data.data_vars.values()
            if text_of(v.attrs, "location") == location and text_of(v.attrs, "mesh") == mesh and "flag_meanings" in v.attrs
        ]
        if not text_of(data[mesh].attrs, key) or len(flags) != 1:
            continue
        edges, _ = _indices(_named(path, data, mesh, text_of(data[mesh].attrs, key)), str(flags[0].dims[0]), count)
        _check_nodes(path, edges, count, key)
        names = text_of(flags[0].attrs, "flag_meanings").split()
        values = np.ravel(flags[0].attrs.get("flag_values", np.arange(len(names))))
        if len(values) != len(names):
            raise InputError(f"{path.name}: {flags[0].name} has {len(values)} flag_values and {len(names)} flag_meanings")
        found += [(name, edges[np.asarray(flags[0].values) == value]) for value, name in zip(values, names, strict=True)]
        break
    return found
