"""Points on the whole sphere: an icosahedron, evenly subdivided, or squares on a cube's faces that are halved where points shall be nearer.

Places are unit vectors from the sphere's centre. The icosahedral grid: R. Sadourny, A. Arakawa, Y. Mintz, Mon. Weather Rev. 96 (1968)
351-356, DOI 10.1175/1520-0493(1968)096<0351:IOTNBV>2.0.CO;2. The cube's faces in equal angles: C. Ronchi, R. Iacono, P. S. Paolucci,
J. Comput. Phys. 124 (1996) 93-114, DOI 10.1006/jcph.1996.0047.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from meshes.core import points
from meshes.core.mercator import RADIUS
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

EDGE = float(np.sqrt(16.0 * np.pi / (20.0 * np.sqrt(3.0))))  # of even triangles, as many as an icosahedron has faces, over the radius
QUARTER = 0.25 * np.pi  # from the middle of a cube's face to its edge
SAME = 1e-9  # of the radius: places nearer to each other are one
FACES = (  # of a cube: outward, and the two axes of each
    ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    ((-1, 0, 0), (0, -1, 0), (0, 0, 1)),
    ((0, 1, 0), (-1, 0, 0), (0, 0, 1)),
    ((0, -1, 0), (1, 0, 0), (0, 0, 1)),
    ((0, 0, 1), (0, 1, 0), (-1, 0, 0)),
    ((0, 0, -1), (0, 1, 0), (1, 0, 0)),
)


def even(size: float) -> Array:
    """Unit vectors (P, 3) of an icosahedron's vertices, subdivided into edges of about ``size`` [m].

    Raises
    ------
    InputError
        More triangles than any machine holds.
    """
    parts = max(round(EDGE * RADIUS / size), 1)
    if 20 * parts**2 > points.LARGEST:
        raise InputError(f"an edge length of {size:g} m makes {20 * parts**2:,} cells, more than {points.LARGEST:,}")
    vertices = icosahedron()
    joined = np.abs(vertices @ vertices.T - vertices[0] @ vertices[1]) < SAME
    edges = [(i, j) for i in range(12) for j in range(i) if joined[i, j]]
    faces = [(i, j, k) for i, j in edges for k in range(j) if joined[i, k] and joined[j, k]]
    along = np.arange(1, parts) / parts
    found = [vertices]
    found += [vertices[i] + along[:, None] * (vertices[j] - vertices[i]) for i, j in edges]
    steps = np.stack(np.meshgrid(np.arange(1, parts), np.arange(1, parts), indexing="ij"), axis=-1).reshape(-1, 2)
    a, b = (steps[steps.sum(axis=1) < parts] / parts).T[..., None]
    found += [vertices[i] + a * (vertices[j] - vertices[i]) + b * (vertices[k] - vertices[i]) for i, j, k in faces]
    return unit(np.concatenate(found))


def icosahedron() -> Array:
    """Unit vectors (12, 3) of an icosahedron's vertices, two of them at the poles."""
    height, turns = 1.0 / np.sqrt(5.0), 2.0 * np.pi / 5.0 * np.arange(5)
    ring = 2.0 * height * np.stack([np.cos(turns), np.sin(turns), np.full(5, 0.5)], axis=1)
    pole = np.array([[0.0, 0.0, 1.0]])
    return np.concatenate([pole, ring, -ring, -pole])


def graded(wanted: Callable[[Array], Array], coarsest: float, spacing: float) -> tuple[Array, Array]:
    """Unit vectors (P, 3) of points whose spacing follows ``wanted`` [m] at unit vectors (..., 3), and the spacing [m] at each.

    ``coarsest`` [m] is the largest of ``wanted``, and ``spacing`` the side over it of the squares, which have points at their middles or
    none.
    """
    side = 2.0 * QUARTER * RADIUS
    found, sizes = [], []
    for face in FACES:

        def on_face(x: Array, y: Array, face: Any = face) -> Array:
            place, shrink = _on_cube(face, x, y)
            return np.asarray(wanted(place) * spacing / shrink)

        places, _, size = points.graded(side, side, on_face, coarsest * spacing, halves=True)
        found.append(_on_cube(face, *places.T)[0])
        sizes.append(size)
    places, size = np.concatenate(found), np.concatenate(sizes)
    _, first = np.unique(np.round(places / SAME).astype(np.int64), axis=0, return_index=True)  # the edges of faces are of two of them
    first.sort()
    return places[first], size[first]


def _on_cube(face: Any, x: Array, y: Array) -> tuple[Array, Array]:
    """Unit vectors (N, 3) of places (N,) [m] on a cube's face in equal angles, and lengths on the sphere over those there (N,), by area."""
    out, right, up = (np.array(axis, float) for axis in face)
    a, b = np.tan(x / RADIUS - QUARTER)[..., None], np.tan(y / RADIUS - QUARTER)[..., None]
    away = np.sqrt(1.0 + a * a + b * b)
    return (out + a * right + b * up) / away, np.sqrt((1.0 + a * a) * (1.0 + b * b) / away**3)[..., 0]


def circle(middle: Array, axes: tuple[Array, Array], angle: float, count: int) -> Array:
    """Unit vectors (count, 3) on the circle at ``angle`` [radian] from ``middle`` (3,), whose ``axes`` are two unit vectors across."""
    turns = 2.0 * np.pi / count * np.arange(count)[:, None]
    return np.asarray(np.cos(angle) * middle + np.sin(angle) * (np.cos(turns) * axes[0] + np.sin(turns) * axes[1]))


def unit(vectors: Array) -> Array:
    """``vectors`` (N, 3) of length one."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1)[:, None])
