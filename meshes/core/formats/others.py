"""Formats that meshio reads: VTK and VTU, XDMF, SU2, Medit, Abaqus, OFF, PLY. Tags of lines are the sides; z may be the bed."""

from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.file_mesh import FileMesh, VertexField, refuse_cells
from meshes.core.relief import broken_blamed
from pipeline.core.errors import InputError
from pipeline.reading.text_table import bytes_of

Array = np.ndarray[Any, np.dtype[Any]]

SIGNS = {  # how files begin, after white space, in capitals, and meshio's name of the format
    b"# VTK DATAFILE": "vtk",
    b"<VTKFILE": "vtu",
    b"<?XML": "vtu",
    b"<XDMF": "xdmf",
    b"NDIME": "su2",
    b"% ": "su2",
    b"MESHVERSIONFORMATTED": "medit",
    b"*HEADING": "abaqus",
    b"*NODE": "abaqus",
    b"OFF": "off",
    b"PLY": "ply",
}
TAGS = ("su2:tag", "medit:ref", "gmsh:physical", "cell_tags")
POINTS, LINES, TRIANGLES = ("vertex",), ("line",), ("triangle",)


def is_one(head: bytes, name: str) -> bool:
    """Whether the file begins as one of these."""
    return _format(head) is not None


def _format(head: bytes) -> str | None:
    start = head.lstrip().upper()
    found = next((kind for sign, kind in SIGNS.items() if start.startswith(sign)), None)
    return "xdmf" if found == "vtu" and b"<XDMF" in start else found


def read(path: Path) -> FileMesh:
    """The mesh as meshio reads it.

    Raises
    ------
    InputError
        meshio is not installed, or can't read the file; or cells that are no triangles.
    """
    try:
        import meshio
    except ImportError:
        raise InputError(f"{path.name} needs meshio, which is not installed: pip install 'wavetrain[mesh]'") from None
    kind = _format(bytes_of(path, 4096))
    if kind is None:
        raise InputError(f"{path.name} begins as none of {', '.join(sorted(set(SIGNS.values())))}")
    with broken_blamed(path):
        try:
            mesh = getattr(meshio, kind).read(path)
        except SystemExit:
            raise InputError(f"{path.name} can't be read as {kind}") from None
    points = np.asarray(mesh.points, float)
    blocks = [(block.type, np.asarray(block.data, np.int64)) for block in mesh.cells]
    for name, cells in blocks:
        if name not in (*POINTS, *LINES, *TRIANGLES):
            raise refuse_cells(path, f"cell of kind {name}", len(cells), f"with its first corner at {points[cells[0, 0]].tolist()}")
    triangles = [cells for name, cells in blocks if name in TRIANGLES]
    if not triangles:
        raise InputError(f"{path.name} has no triangle")
    cells = np.concatenate(triangles)
    if cells.min(initial=0) < 0 or cells.max(initial=0) >= len(points):
        raise InputError(f"{path.name}: a triangle names point {cells.max() if cells.min() >= 0 else cells.min()} of {len(points)}")
    third = points[:, 2] if points.shape[1] > 2 else None
    fields = {"z": VertexField(third)} if third is not None and len(third) and np.ptp(third) > 0.0 else {}
    fields |= {name: VertexField(np.asarray(one), said=False) for name, one in mesh.point_data.items() if np.ndim(one) == 1}
    return FileMesh(points[:, :2], cells, _sides(mesh, blocks), fields, third=third)


def _sides(mesh: Any, blocks: list[tuple[str, Array]]) -> list[tuple[str, Array]]:
    """Lines by the sets that they are of, else by their tags."""
    lines = [i for i, (name, _) in enumerate(blocks) if name in LINES]
    found = []
    for name, chosen in mesh.cell_sets.items():
        parts = [blocks[i][1][np.asarray(chosen[i], np.int64)] for i in lines if chosen[i] is not None and len(chosen[i])]
        found += [(name, np.concatenate(parts))] if parts and ":" not in name else []
    tags = next((mesh.cell_data[key] for key in TAGS if key in mesh.cell_data), None)
    if found or tags is None or not lines:
        return found
    ends, values = np.concatenate([blocks[i][1] for i in lines]), np.concatenate([np.asarray(tags[i]) for i in lines])
    return [(f"tag_{int(tag)}", ends[values == tag]) for tag in np.unique(values) if tag]
