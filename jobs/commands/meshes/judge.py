"""Judge the mesh of a case: its sizes, its angles, its sides, its bed."""

from typing import Any

import numpy as np

from meshes.core.quality import GOOD, quality_of
from meshes.core.trimesh import TriMesh

Array = np.ndarray[Any, np.dtype[Any]]


def facts(mesh: TriMesh) -> dict[str, Any]:
    """Measures of ``mesh`` for programs: lengths in m, angles in degrees; the keys stand in docs/command_line.md."""
    quality = quality_of(mesh)
    return {
        "triangles": len(mesh.triangles),
        "vertices": len(mesh.vertices),
        "edges": len(mesh.edges),
        "area": float(mesh.areas.sum()),
        "extent": [*mesh.vertices.min(axis=0).tolist(), *mesh.vertices.max(axis=0).tolist()],
        "bed": [float(mesh.bed.min()), float(mesh.bed.max())],
        "edge_length": _range(mesh.lengths, mesh.midpoints),
        "least_height": _least(quality.heights, mesh.centroids),
        "least_angle": _least(quality.angles, mesh.centroids),
        "share_of_good_angles": float((quality.angles >= GOOD).mean()),
        "growth": {"most": float(quality.growth.max()), "at": mesh.centroids[int(np.argmax(quality.growth))].tolist()},
        "sides": {
            name: {"edges": int((mesh.boundary == i).sum()), "length": float(mesh.lengths[mesh.boundary == i].sum())}
            for i, name in enumerate(mesh.boundary_names)
        },
        "hash": mesh.hash,
    }


def _least(values: Array, places: Array) -> dict[str, Any]:
    first = int(np.argmin(values))
    return {"least": float(values[first]), "median": float(np.median(values)), "at": places[first].tolist()}


def _range(values: Array, places: Array) -> dict[str, Any]:
    return _least(values, places) | {"most": float(values.max())}


def in_words(found: dict[str, Any]) -> list[str]:
    """Lines on `facts` for the terminal."""
    west, south, east, north = found["extent"]
    edge, height, angle, growth = (found[key] for key in ("edge_length", "least_height", "least_angle", "growth"))
    lines = [
        f"{found['triangles']:,} triangles, {found['vertices']:,} vertices, {found['edges']:,} edges",
        f"({west:.6g}, {south:.6g}) to ({east:.6g}, {north:.6g}) m, {found['area']:.6g} m2; "
        f"bed from {found['bed'][0]:.4g} to {found['bed'][1]:.4g} m",
        f"edges {edge['least']:.4g} to {edge['most']:.4g} m, half of them below {edge['median']:.4g} m; the shortest at {_at(edge)}",
        f"least angle {angle['least']:.3g} degrees, at {_at(angle)}; {100.0 * found['share_of_good_angles']:.4g} % of the triangles have "
        f"{GOOD:g} degrees or more",
        f"least height {height['least']:.4g} m, at {_at(height)}, {height['median'] / height['least']:.3g} times less than half of the "
        "triangles have: it sets the time step in water of one depth",
        f"neighbours' areas differ by {growth['most']:.3g} times at most, at {_at(growth)}",
    ]
    return lines + [f"side {name}: {side['edges']} edges, {side['length']:.6g} m" for name, side in found["sides"].items()]


def _at(found: dict[str, Any]) -> str:
    return f"({found['at'][0]:.6g}, {found['at'][1]:.6g})"
