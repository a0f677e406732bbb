"""Write a mesh for other programs: Gmsh's MSH 2.2, or UGRID in NetCDF, with the names of its sides."""

from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.trimesh import TriMesh
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

INSIDE = "inside"  # Gmsh's physical surface of all triangles


def write(mesh: TriMesh, path: Path) -> None:
    """Write ``mesh`` into a file that ends in .msh (Gmsh) or .nc (UGRID).

    Raises
    ------
    InputError
        Another ending, a mesh that repeats itself, or a library that is not installed.
    """
    writers = {".msh": _write_gmsh, ".nc": _write_ugrid}
    if path.suffix not in writers:
        raise InputError(f"'--write' is {path.name!r}; it must end in .msh (Gmsh) or .nc (UGRID)")
    if any(mesh.period):
        raise InputError("a mesh that repeats itself has no form in these files")
    try:
        writers[path.suffix](mesh, path)
    except ImportError as error:
        raise InputError(f"{path.name} needs {error.name}, which is not installed: pip install 'wavetrain[mesh]'") from None
    except OSError as error:
        raise InputError(f"cannot write {str(path)!r}: {error.strerror or error}") from None


def _write_gmsh(mesh: TriMesh, path: Path) -> None:
    import meshio

    outer = mesh.boundary >= 0
    order = np.argsort(mesh.boundary[outer], kind="stable")
    ends, side = mesh.edges[outer][order], mesh.boundary[outer][order].astype(np.int32) + 1
    last = len(mesh.boundary_names) + 1
    tags = [side, np.full(len(mesh.triangles), last, np.int32)]
    names = {name: np.array([i + 1, 1]) for i, name in enumerate(mesh.boundary_names)} | {INSIDE: np.array([last, 2])}
    found = meshio.Mesh(
        np.column_stack([mesh.vertices, np.zeros(len(mesh.vertices))]),
        [("line", ends), ("triangle", mesh.triangles)],
        cell_data={"gmsh:physical": tags, "gmsh:geometrical": tags},
        field_data=names,
    )
    meshio.gmsh.write(path, found, fmt_version="2.2", binary=True)


def _write_ugrid(mesh: TriMesh, path: Path) -> None:
    import xarray

    outer = np.flatnonzero(mesh.boundary >= 0)
    about = {
        "cf_role": "mesh_topology",
        "topology_dimension": np.int32(2),
        "node_coordinates": "node_x node_y",
        "face_node_connectivity": "face_nodes",
        "boundary_node_connectivity": "boundary_nodes",
        "face_dimension": "face",
    }
    flags = {
        "mesh": "mesh",
        "location": "boundary",
        "flag_values": np.arange(len(mesh.boundary_names), dtype=np.int32),
        "flag_meanings": " ".join(name.replace(" ", "_") for name in mesh.boundary_names),
    }
    bed = {
        "units": "m",
        "positive": "up",
        "standard_name": "altitude",
        "long_name": "mean height of the bed",
        "mesh": "mesh",
        "location": "face",
    }
    start = {"start_index": np.int32(0)}
    data = xarray.Dataset(
        {
            "mesh": ((), np.int32(0), about),
            "node_x": ("node", mesh.vertices[:, 0], {"standard_name": "projection_x_coordinate", "units": "m"}),
            "node_y": ("node", mesh.vertices[:, 1], {"standard_name": "projection_y_coordinate", "units": "m"}),
            "face_nodes": (("face", "corner"), mesh.triangles, start | {"cf_role": "face_node_connectivity"}),
            "boundary_nodes": (("boundary_edge", "end"), mesh.edges[outer], start | {"cf_role": "boundary_node_connectivity"}),
            "boundary_side": ("boundary_edge", mesh.boundary[outer].astype(np.int32), flags),
            "bed": ("face", mesh.bed, bed),
        },
        attrs={"Conventions": "CF-1.11 UGRID-1.0"},
    )
    data.to_netcdf(path, engine="h5netcdf")
