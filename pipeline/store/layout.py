"""The layout of the HDF5 files: names, dimensions and attributes (docs/file_format.md). Nothing else knows them.

``store`` reads by it, ``writer`` writes by it, ``check`` judges by it and ``xdmf`` describes it to ParaView.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

SCHEMA = "wavetrain-2"
RESULT_SCHEMA = "wavetrain-result-1"
ENSEMBLE_SCHEMA = "wavetrain-ensemble-1"
ARCHIVE_SCHEMA = "wavetrain-archive-2"
RUN_SCHEMAS = (SCHEMA, "wavetrain-1")  # that are read
ARCHIVE_SCHEMAS = (ARCHIVE_SCHEMA, "wavetrain-archive-1")
ARCHIVE = "archive"  # the group of an archive's blocks
LOWEST_SURFACE, FIRST_MOTION = "lowest_surface", "first_motion"
NO_MAXIMA = ("arrival", LOWEST_SURFACE, FIRST_MOTION)  # in /maxima beside the greatest values
UPLIFT = "uplift"  # the field of a bed that is moved: its height above that of the mesh
OWN_GAUGES = "own"  # attribute of /gauges: fields of the gauges with samples at times of their own, by name (JSON)
FILL = -1  # in index arrays: there is none
GAUGE_CHUNK = 1024  # samples
LARGEST_CHUNK = 2**20  # values in a chunk of the gauges' samples
AT_ONCE = 2**20  # [B] of small frames that a run writes together
BLOCK = 2**23  # [B] that a task reads, where there is as much
NO_SERIES = ("place", "wavenumber", "sample", "gauge", "shell", "letter", "component", "name", "x", "y")  # beside what grows with time
FACE_COORDINATES = {"x": "face_x", "y": "face_y"}  # of fields on triangles: the same arrays as in /mesh
FACE_COORDINATES_ON_THE_SPHERE = {"x": "face_longitude", "y": "face_latitude"}
DIMENSIONS = {  # of the arrays under /mesh; see UGRID 1.0
    "node_x": ("node",),
    "node_y": ("node",),
    "face_node_connectivity": ("face", "corner"),
    "edge_node_connectivity": ("edge", "end"),
    "edge_face_connectivity": ("edge", "end"),
    "face_x": ("face",),
    "face_y": ("face",),
    "face_area": ("face",),
    "bed": ("face",),
}
ON_THE_SPHERE = {  # arrays under /mesh of a mesh on the sphere alone: x and y are on Mercator's map, of a whole globe on the stereographic
    "node_longitude": ("node",),
    "node_latitude": ("node",),
    "face_longitude": ("face",),
    "face_latitude": ("face",),
}
MESH_ATTRS: dict[str, dict[str, Any]] = {
    "node_x": {"units": "m", "standard_name": "projection_x_coordinate", "long_name": "x of the nodes"},
    "node_y": {"units": "m", "standard_name": "projection_y_coordinate", "long_name": "y of the nodes"},
    "face_node_connectivity": {
        "cf_role": "face_node_connectivity",
        "start_index": np.int32(0),
        "long_name": "nodes of each face, counterclockwise",
    },
    "edge_node_connectivity": {"cf_role": "edge_node_connectivity", "start_index": np.int32(0), "long_name": "nodes of each edge"},
    "edge_face_connectivity": {
        "cf_role": "edge_face_connectivity",
        "start_index": np.int32(0),
        "long_name": "faces left and right of each edge; -1 outside",
    },
    "face_x": {"units": "m", "standard_name": "projection_x_coordinate", "long_name": "x of the faces' centroids"},
    "face_y": {"units": "m", "standard_name": "projection_y_coordinate", "long_name": "y of the faces' centroids"},
    **{
        f"{where}_{name}": {"units": f"degrees_{way}", "standard_name": name, "long_name": f"{name} of the {where}s"}
        for where in ("node", "face")
        for name, way in (("longitude", "east"), ("latitude", "north"))
    },
    "face_area": {"units": "m2", "standard_name": "cell_area", "long_name": "area"},
    "bed": {"units": "m", "standard_name": "height", "positive": "up", "long_name": "height of the bed, positive up, mean over the face"},
}
TOPOLOGY: dict[str, Any] = {
    "cf_role": "mesh_topology",
    "topology_dimension": np.int32(2),
    "long_name": "triangles",
    "node_coordinates": "node_x node_y",
    "face_coordinates": "face_x face_y",
    "face_node_connectivity": "face_node_connectivity",
    "edge_node_connectivity": "edge_node_connectivity",
    "edge_face_connectivity": "edge_face_connectivity",
    "face_dimension": "face",
    "edge_dimension": "edge",
}
INDICES = {  # arrays that point at something: at what, and the lowest number that may stand there
    "face_node_connectivity": ("node", 0),
    "edge_node_connectivity": ("node", 0),
    "edge_face_connectivity": ("face", FILL),
}


@dataclass(frozen=True, slots=True)
class MeshLayout:
    """Contents of ``/mesh`` for one kind of mesh, and the layout of fields on it."""

    kind: str  # the long_name of /mesh/mesh
    dimensions: Mapping[str, tuple[str, ...]]  # of its arrays
    attrs: Mapping[str, Mapping[str, Any]]  # of its arrays
    topology: Mapping[str, Any]  # attributes of /mesh/mesh
    field_dimensions: tuple[str, ...]  # after time
    field_attrs: Mapping[str, str]
    positive: tuple[str, ...]  # arrays that must be above zero
    indices: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()  # arrays that not every mesh of the kind has


def _box(kind: str, axes: tuple[str, ...], *, members: bool = True) -> MeshLayout:
    """A box that repeats itself: evenly spaced points along each axis, of an ensemble where there are ``members``. Its lengths may be
    without dimension."""
    coordinates = {axis: {"units": "1", "long_name": f"{axis} of the points"} for axis in axes}
    return MeshLayout(
        kind=kind,
        dimensions={**{axis: (axis,) for axis in axes}, "length": ("axis",)},
        attrs={**coordinates, "length": {"units": "1", "long_name": "period along each axis, x first"}},
        topology={"long_name": kind, "topology_dimension": np.int32(len(axes))},
        field_dimensions=(*(("member",) if members else ()), *reversed(axes)),
        field_attrs={"centre": "point"},
        positive=("length",),
    )


TRIANGLES = MeshLayout(
    kind="triangles",
    dimensions=DIMENSIONS | ON_THE_SPHERE,
    attrs=MESH_ATTRS,
    topology=TOPOLOGY,
    field_dimensions=("face",),
    field_attrs={"centre": "cell", "mesh": "mesh", "location": "face"},
    positive=("face_area",),
    indices=INDICES,
    optional=frozenset(ON_THE_SPHERE),
)
LINE, PLANE, CUBE = _box("line", ("x",)), _box("plane", ("x", "y")), _box("cube", ("x", "y", "z"), members=False)
MESHES = {layout.kind: layout for layout in (TRIANGLES, LINE, PLANE, CUBE)}


def mesh_layout(file: Any) -> MeshLayout | None:
    """The layout of the mesh in an open file; None where it is of no known kind."""
    return MESHES.get(str(file["mesh/mesh"].attrs.get("long_name")))


@dataclass(frozen=True, slots=True)
class Field:
    """Name, unit and meaning of a stored quantity."""

    name: str
    unit: str
    long_name: str
    double: bool = False  # stored so whatever the precision of the run: its values are small differences of large numbers


@dataclass(frozen=True, slots=True)
class StoredSeries:
    """A stored quantity that has one value, or one a shell of wavenumbers, at every sample of ``/statistics``."""

    field: Field
    by_shell: bool = False


def part_name(path: Path) -> Path:
    """The name that ``path`` has until it is whole."""
    return path.with_name(path.name + ".part")


def field_names(file: Any) -> list[str]:
    """Names of the fields of a run's open file: what else stands in ``/fields`` are the coordinates of its triangles."""
    return [name for name, data in file.get("fields", {}).items() if not (name in FACE_COORDINATES and data.ndim == 1)]


def series_names(group: Any) -> list[str]:
    """Names of the arrays that grow with time in ``/gauges`` or ``/statistics``."""
    return [name for name in group if name not in NO_SERIES]


def unit_of(data: Any) -> str:
    """The unit of a stored quantity; files of schema wavetrain-1 have it by two names."""
    return str(data.attrs["units"] if "units" in data.attrs else data.attrs["unit"])
