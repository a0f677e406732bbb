"""Further maxima of a run, which are kept where the case asks for them: ``solver.maxima``.

With depth h, speed u, free surface z above the still level, all of a cell's means, and gravity g:

    momentum_flux  h u^2, by which the drag on an obstacle goes (H. Yeh, J. Disaster Res. 2 (2007) 531-536, DOI 10.20965/jdr.2007.p0531)
    energy_flux    h u |u^2 / 2 + g z|, whose linear part is g h u |z| (Z. Kowalik et al., J. Geophys. Res. 113 (2008) C01020,
                   DOI 10.1029/2007JC004402)
    froude         u / sqrt(g h)

Fluxes are over the water's density: with it, in N/m and W/m.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.store.layout import FIRST_MOTION, LOWEST_SURFACE, Field

Array = np.ndarray[Any, np.dtype[Any]]

DEEP_ENOUGH = 1e-3  # [m] of water that has a Froude number: that of a film says nothing
FURTHER = (
    Field(LOWEST_SURFACE, "m", "least height of the free surface while there was water; nan where there never was"),
    Field("momentum_flux", "m3 s-2", "greatest flux of momentum over the density: depth times squared speed"),
    Field("energy_flux", "m4 s-3", "greatest flux of energy over the density, heights from the still level"),
    Field("froude", "1", "greatest Froude number of water deeper than 1 mm"),
    Field(FIRST_MOTION, "1", "sign of the first motion: 1 where the free surface first rose, -1 where it first fell; nan where neither"),
)


def greatest(name: str, depth: Array, squared: Array, surface: Array, g: float) -> Array:
    """Give what is kept the greatest of.

    Parameters
    ----------
    name
        One of the names above.
    depth
        Depths, above 0 (C,) [m].
    squared
        Squared speeds (C,) [m2/s2].
    surface
        Heights of the free surface above the still level (C,) [m].
    g
        Gravity [m/s2].

    Returns
    -------
    Array
        Values (C,) in the unit of the field.
    """
    if name == "momentum_flux":
        return depth * squared
    if name == "energy_flux":
        return np.asarray(depth * np.sqrt(squared) * np.abs(0.5 * squared + g * surface))
    return np.where(depth > DEEP_ENOUGH, np.sqrt(squared / (g * depth)), 0.0)


class FurtherMaxima:
    """Running extremes in the columns of ``values`` (own cells, asked), which are set to those of no water at all.

    ``asked`` are names of `FURTHER`, and ``fields`` its fields in the order of the columns.
    """

    def __init__(self, asked: Sequence[str], values: Array) -> None:
        self.fields = fields_of(asked)
        self._columns = {field.name: values[:, i] for i, field in enumerate(self.fields)}
        for name, column in self._columns.items():
            column[:] = np.nan if name in (LOWEST_SURFACE, FIRST_MOTION) else 0.0

    def note(self, cells: Array, u: Array, bed: Array, level: float, g: float, dry: float, came: Array) -> None:
        """Note the state ``u`` (local cells, 3) over the ``bed`` (local cells,) [m] in own ``cells`` (C,).

        ``level`` [m] is that of still water; water no deeper than ``dry`` [m] does not count. ``came`` are cells that the wave has come to
        with this state.
        """
        seen = cells[u[cells, 0] > dry]
        depth = u[seen, 0]
        height = depth + bed[seen]
        squared = (u[seen, 1] ** 2 + u[seen, 2] ** 2) / depth**2
        for name, column in self._columns.items():
            if name == FIRST_MOTION:
                column[came] = np.sign(u[came, 0] + bed[came] - level)
            elif name == LOWEST_SURFACE:
                column[seen] = np.fmin(column[seen], height)
            else:
                column[seen] = np.maximum(column[seen], greatest(name, depth, squared, height - level, g))


def fields_of(asked: Sequence[str]) -> tuple[Field, ...]:
    """The fields of `FURTHER` with the names ``asked``, in the order of that list."""
    return tuple(field for field in FURTHER if field.name in asked)
