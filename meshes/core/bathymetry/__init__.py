"""Bathymetry: the height of the bed [m], positive up, and its means over triangles. A module a kind.

A case says ``[mesh.bathymetry] kind = "beach"``; the module ``beach`` has a dataclass `Params`, which is called with x and y [m] and
returns heights, or has ``means(folder)``, which returns a function from triangles (T, 3, 2) [m] to mean heights (T,).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pipeline.core.params import Spec, choose

Array = np.ndarray[Any, np.dtype[Any]]


class Bathymetry(Protocol):
    """A shape of the bed, with its parameters; a shape that knows its means over triangles has ``means(folder)`` in place of the call."""

    def __call__(self, x: Array, y: Array) -> Array:
        """Give heights of the bed.

        Parameters
        ----------
        x
            Places eastward (N,) [m].
        y
            Places northward (N,) [m].

        Returns
        -------
        Array
            Heights (N,) [m], positive up.
        """


def bed_means(asked: Spec, folder: Path) -> Callable[[Array], Array]:
    """The function from triangles (T, 3, 2) [m] to mean bed heights (T,) [m] that a case asks for.

    Raises
    ------
    InputError
        An unknown kind, a wrong parameter, or a raster that is not there, has holes or does not cover the mesh.
    """
    shape = choose(__name__, asked, "mesh.bathymetry")
    if hasattr(shape, "means"):
        means: Callable[[Array], Array] = shape.means(folder)
        return means
    return lambda corners: shape_means(shape, corners)


def is_even(asked: Spec) -> bool:
    """Whether the bed that a case asks for is known to be even: its `Params` says so by ``even = True``."""
    return bool(getattr(choose(__name__, asked, "mesh.bathymetry"), "even", False))


def shape_means(shape: Bathymetry, corners: Array) -> Array:
    """Means (T,) of ``shape`` over triangles (T, 3, 2), exact for polynomials of degree 5.

    J. Radon, Monatsh. Math. Phys. 52 (1948) 286-300, DOI 10.1007/BF01525334: seven points.
    """
    root = np.sqrt(15.0)
    total = 0.225 * _at(shape, corners, (1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0))
    for near, weight in (((6.0 - root) / 21.0, (155.0 - root) / 1200.0), ((6.0 + root) / 21.0, (155.0 + root) / 1200.0)):
        far = 1.0 - 2.0 * near
        for place in ((far, near, near), (near, far, near), (near, near, far)):
            total = total + weight * _at(shape, corners, place)
    return total


def _at(shape: Bathymetry, corners: Array, place: tuple[float, float, float]) -> Array:
    point = corners[:, 0] * place[0] + corners[:, 1] * place[1] + corners[:, 2] * place[2]
    return shape(point[:, 0], point[:, 1])
