"""Initial states of the tsunami solver: the free surface [m] and the velocity [m/s] at t = 0. A module a kind.

Each has a dataclass `Params`, called with the cells' centroids (x, y) [m], the still level [m] and gravity [m/s2], which returns the free
surface and the velocity eastward and northward. Where the later state is known, ``at`` gives it at any time, or ``spread``
at rising times.
"""

import dataclasses
from typing import Any, Protocol

import numpy as np

from meshes.core.chart import Chart
from meshes.core.mercator import away
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]


class InitialSea(Protocol):
    """A kind of initial state, with its parameters."""

    def __call__(self, x: Array, y: Array, level: float, g: float) -> tuple[Array, Array, Array]:
        """Give the state at places, any of them at a time.

        Parameters
        ----------
        x
            Places eastward (C,) [m].
        y
            Places northward (C,) [m].
        level
            The still level [m].
        g
            Gravity [m/s2].

        Returns
        -------
        tuple[Array, Array, Array]
            Free surface (C,) [m], and velocity eastward and northward (C,) [m/s].
        """


def on_sphere(kind: str, start: InitialSea, chart: Chart) -> InitialSea:
    """The state ``start`` of a ``kind`` about its centre in longitude and latitude, for places on a map of the sphere.

    Raises
    ------
    InputError
        The kind has places in metres.
    """
    centre = getattr(start, "centre", None)
    if centre is None and dataclasses.fields(start):  # type: ignore[arg-type]  # kinds are dataclasses
        raise InputError(
            f"initial state {kind!r} has its places in metres: a mesh in longitudes and latitudes takes rest, and kinds with a centre"
        )

    def state(x: Array, y: Array, level: float, g: float) -> tuple[Array, Array, Array]:
        if centre is None:
            return start(x, y, level, g)
        places = np.stack([x, y], axis=-1)
        east, north = away(centre, chart.degrees(places)).T
        surface, u, v = start(centre[0] + east, centre[1] + north, level, g)
        eastward = chart.eastward(places)
        if eastward is None:
            return surface, u, v
        return surface, *(eastward * u[:, None] + eastward[:, ::-1] * [-1.0, 1.0] * v[:, None]).T

    return state
