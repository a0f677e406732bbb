"""The layout of the HDF5 files: names, dimensions and attributes (docs/file_format.md). Nothing else knows them.

``store`` reads by it, ``writer`` writes by it, ``check`` judges by it and ``xdmf`` describes it to ParaView.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SCHEMA = "wavetrain-1"
RESULT_SCHEMA = "wavetrain-result-1"
ENSEMBLE_SCHEMA = "wavetrain-ensemble-1"
FILL = -1  # in index arrays: there is none
GAUGE_CHUNK = 1024  # samples
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
    "face_area": {"units": "m2", "standard_name": "cell_area", "long_name": "area"},
    "bed": {"units": "m", "standard_name": "height", "long_name": "height of the bed, positive up, mean over the face"},
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


@dataclass(frozen=True, slots=True)
class Field:
    """Name, unit and meaning of a stored quantity."""

    name: str
    unit: str
    long_name: str


def part_name(path: Path) -> Path:
    """The name that ``path`` has until it is whole."""
    return path.with_name(path.name + ".part")


def series_names(group: Any) -> list[str]:
    """Names of what grows with time in ``/gauges``."""
    return [name for name in group if name != "place"]
