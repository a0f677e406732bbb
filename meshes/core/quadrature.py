"""Means over triangles from seven points each, exact for polynomials of degree five: the same bits whatever stands beside a triangle.

Reference: J. Radon, Monatsh. Math. Phys. 52 (1948) 286-300, DOI 10.1007/BF01525334.
"""

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

ROOT = math.sqrt(15.0)
INNER, OUTER = (6.0 + ROOT) / 21.0, (6.0 - ROOT) / 21.0  # barycentric coordinates, two of three, of points near edges and near corners
POINTS = (
    (1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0),
    *(tuple(1.0 - 2.0 * near if i == corner else near for i in range(3)) for near in (OUTER, INNER) for corner in range(3)),
)
WEIGHTS = (0.225, *[(155.0 - ROOT) / 1200.0] * 3, *[(155.0 + ROOT) / 1200.0] * 3)


def places(corners: Array) -> tuple[Array, Array]:
    """The points of triangles.

    Parameters
    ----------
    corners
        Corners of the triangles (triangles, 3, 2) [m].

    Returns
    -------
    tuple[Array, Array]
        x and y of the points (triangles, 7) [m].
    """
    found = np.stack([a * corners[:, 0] + b * corners[:, 1] + c * corners[:, 2] for a, b, c in POINTS], axis=1)
    return found[..., 0], found[..., 1]


def means(values: Array) -> Array:
    """Means of a function over triangles.

    Parameters
    ----------
    values
        The function at the `places` (triangles, 7).

    Returns
    -------
    Array
        Its means (triangles,); where all values of a triangle are equal, that very value.
    """
    first = values[:, 0]
    change = np.zeros(len(values))
    for point in range(1, len(WEIGHTS)):
        change += WEIGHTS[point] * (values[:, point] - first)
    found: Array = first + change
    return found
