"""Initial states of the tsunami solver: the free surface [m] and the velocity [m/s] at t = 0. A module a kind.

Each has a dataclass `Params`, called with the cells' centroids (x, y) [m], the still level [m] and gravity [m/s2], which returns the free
surface and the velocity eastward and northward. Where the later state is known, ``at`` gives it at any time, or ``spread``
at rising times.
"""

from typing import Any, Protocol

import numpy as np

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
