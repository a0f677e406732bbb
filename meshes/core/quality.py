"""Quality of triangles: their angles, edges, heights, and how fast their sizes change."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from meshes.core.trimesh import TriMesh

Array = np.ndarray[Any, np.dtype[Any]]

GOOD = 25.0  # [degrees] of the least angle of a good triangle


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """Measures of a mesh's triangles."""

    angles: Array  # (T,) [degrees] the least angle of each
    heights: Array  # (T,) [m] the least height of each
    growth: Array  # (T,) the largest ratio of the areas of it and a neighbour, 1 or more


def quality_of(mesh: TriMesh) -> Quality:
    """The quality of the triangles of ``mesh``."""
    sides = np.sort(mesh.lengths[mesh.cell_edges], axis=1)
    doubled = 2.0 * mesh.areas
    sine = doubled / (sides[:, 1] * sides[:, 2])
    cosine = (sides[:, 1] ** 2 + sides[:, 2] ** 2 - sides[:, 0] ** 2) / (2.0 * sides[:, 1] * sides[:, 2])
    beyond = np.where(mesh.neighbours < 0, np.arange(len(mesh.areas))[:, None], mesh.neighbours)
    ratio = mesh.areas[beyond] / mesh.areas[:, None]
    return Quality(np.degrees(np.arctan2(sine, cosine)), doubled / sides[:, 2], np.maximum(ratio, 1.0 / ratio).max(axis=1))
