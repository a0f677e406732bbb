"""Bathymetry: the height of the bed [m], positive up, and its means over triangles. A module a kind.

A case says ``[mesh.bathymetry] kind = "beach"``; the module ``beach`` has a dataclass `Params`, which is called with x and y [m] and
returns heights, or has ``means(folder)``, which returns a function from triangles (T, 3, 2) [m] to mean heights (T,).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from meshes.core import quadrature
from meshes.core.chart import Chart
from pipeline.core.errors import InputError
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


def asked_shape(asked: Spec) -> Any:
    """The shape of the bed that a case asks for; `InputError` as of `bed_means`."""
    return choose(__name__, asked, "mesh.bathymetry")


def bed_means(asked: Spec, folder: Path, crs: str | None = None) -> Callable[[Array], Array]:
    """The function from triangles (T, 3, 2) [m] to mean bed heights (T,) [m] that a case asks for.

    Rasters are brought to the mesh's coordinate reference system ``crs``, where it says one; other shapes have their places in it.

    Raises
    ------
    InputError
        An unknown kind, a wrong parameter, or a raster that is not there, has holes or does not cover the mesh.
    """
    shape = asked_shape(asked)
    if crs and hasattr(shape, "means_in"):
        means_in: Callable[[Array], Array] = shape.means_in(folder, crs)
        return means_in
    if hasattr(shape, "means"):
        means: Callable[[Array], Array] = shape.means(folder)
        return means
    return lambda corners: shape_means(shape, corners)


def bed_means_on_chart(asked: Spec, folder: Path, chart: Chart) -> Callable[[Array], Array]:
    """`bed_means` of triangles on a map of the sphere: from a raster in degrees, or of a shape without a place.

    Raises
    ------
    InputError
        Also a shape with places in metres, which a globe does not have.
    """
    means = bed_means_in_degrees(asked, folder)
    return lambda corners: chart.means(means, corners)


def bed_means_in_degrees(asked: Spec, folder: Path) -> Callable[[Array], Array]:
    """`bed_means` of triangles (T, 3, 2) in longitudes and latitudes [degrees]; `InputError` as of `bed_means_on_chart`."""
    shape = asked_shape(asked)
    if hasattr(shape, "means_in_degrees"):
        means: Callable[[Array], Array] = shape.means_in_degrees(folder)
        return means
    if not getattr(shape, "even", False):
        raise InputError(
            f"bathymetry {asked.kind!r} has its places in metres; a mesh in longitudes and latitudes takes: raster, rasters, flat"
        )
    return lambda corners: shape_means(shape, corners)


def is_even(asked: Spec) -> bool:
    """Whether the bed that a case asks for is known to be even: its `Params` says so by ``even = True``."""
    return bool(getattr(asked_shape(asked), "even", False))


def shape_means(shape: Bathymetry, corners: Array) -> Array:
    """Means (T,) of ``shape`` over triangles (T, 3, 2) [m], exact for polynomials of degree 5."""
    x, y = quadrature.places(corners)
    return quadrature.means(np.broadcast_to(shape(x.ravel(), y.ravel()), x.size).reshape(x.shape))
