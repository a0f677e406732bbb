"""A triangle mesh as a file has it, before it is checked: the result of every reader of mesh files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class VertexField:
    """Values at the vertices, such as heights of the bed."""

    values: Array  # (V,) as stored
    attributes: Mapping[str, Any] = field(default_factory=dict)  # CF's: units, positive, _FillValue, ...
    said: bool = True  # whether the format says that this is the bed


@dataclass(frozen=True, slots=True, eq=False)
class FileMesh:
    """Vertices, triangles and named edges of a file."""

    points: Array  # (V, 2) in the file's unit
    triangles: Array  # (T, 3) places in ``points``, either way round
    sides: Sequence[tuple[str, Array]] = ()  # a name and its edges (N, 2), places in ``points``
    fields: Mapping[str, VertexField] = field(default_factory=dict)
    third: Array | None = None  # (V,) the third coordinate, where the file has one
    units: str = ""  # of the coordinates, as the file says them
    point_ids: Array | None = None  # (V,) numbers that the file gives them; None: from 1
    cell_ids: Array | None = None  # (T,)
    notes: Sequence[str] = ()

    def point_name(self, point: int) -> str:
        """The words that name a vertex, and its place in the file's unit."""
        number = point + 1 if self.point_ids is None else self.point_ids[point]
        x, y = self.points[point]
        return f"vertex {number} at ({x:.9g}, {y:.9g})"

    def cell_name(self, cell: int) -> str:
        """The words that name a triangle, and the places of its corners in the file's unit."""
        number = cell + 1 if self.cell_ids is None else self.cell_ids[cell]
        return f"triangle {number} with corners at {', '.join(f'({x:.9g}, {y:.9g})' for x, y in self.points[self.triangles[cell]])}"

    def edge_name(self, ends: Array) -> str:
        """The words that name an edge by the places of its two ends."""
        (a, b), (c, d) = self.points[ends]
        return f"edge from ({a:.9g}, {b:.9g}) to ({c:.9g}, {d:.9g})"


def edges_along(nodes: Array, *, closed: bool = False) -> Array:
    """Edges (N, 2) of a line through ``nodes``."""
    edges = np.stack([nodes[:-1], nodes[1:]], axis=1)
    return np.concatenate([edges, [[nodes[-1], nodes[0]]]]) if closed and len(nodes) > 2 and nodes[0] != nodes[-1] else edges


def refuse_cells(path: Path, kind: str, count: int, first: str) -> InputError:
    """The error of cells that are no triangles."""
    return InputError(
        f"{path.name} has {count} {kind}(s), the first {first}: a mesh is of triangles with three corners alone; "
        "write it again with these cut into triangles"
    )
