"""The sides of a mesh beside an exact solution, which knows none.

It holds until its waves meet a wall, or a periodic side that it does not fit.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pipeline.core.case import Case
from pipeline.core.errors import InputError
from solvers.core.run import mesh_of
from solvers.tsunami.boundary import outside_of
from solvers.tsunami.params import Params

Array = np.ndarray[Any, np.dtype[Any]]
Exact = Callable[[Array, Array, float], tuple[Array, Array, Array]]  # free surface [m] and velocity [m/s] at places [m] and a time [s]

TOLERANCE = 1e-3  # of the largest discharge through a wall, and of the largest height above the still level between periodic sides


class Sides:
    """The walls of a mesh, and both sides of its periodic edges, where an exact solution is judged.

    Parameters
    ----------
    arrays
        The arrays of the mesh, by their UGRID names.
    is_open
        Edges (E,) through which water passes.
    level
        The still level [m].
    """

    def __init__(self, arrays: Mapping[str, Array], is_open: Array, level: float) -> None:
        nodes = np.stack([arrays["node_x"], arrays["node_y"]], axis=-1)
        ends, cells = nodes[arrays["edge_node_connectivity"]], arrays["edge_face_connectivity"]
        corners = nodes[arrays["face_node_connectivity"]]
        self._level, middles, along = level, ends.mean(axis=1), ends[:, 1] - ends[:, 0]
        walls = (cells[:, 1] < 0) & ~is_open
        self._walls, self._beds = middles[walls], arrays["bed"][cells[walls, 0]]
        self._normals = along[walls][:, ::-1] / np.hypot(*along[walls].T)[:, None] * (1.0, -1.0)
        inner = np.flatnonzero(cells[:, 1] >= 0)
        other = corners[cells[inner, 1]]
        there, back = (other + np.roll(other, -1, axis=1)) / 2.0, np.roll(other, -1, axis=1) - other
        turned = np.abs(back + along[inner][:, None]), np.abs(back - along[inner][:, None])  # the same edge, seen from its other cell
        same = np.minimum(*(one.sum(axis=2) for one in turned)).argmin(axis=1)
        images = there[np.arange(len(inner)), same]
        apart = np.abs(images - middles[inner]).sum(axis=1) > 0.5 * np.abs(along[inner]).sum(axis=1)
        self._mates = middles[inner[apart]], images[apart]

    def met(self, solution: Exact, t: float, depth: Array, surface: Array, speed: Array) -> str | None:
        """Say which side the waves of ``solution`` have met at the time ``t`` [s].

        Parameters
        ----------
        solution
            The exact solution.
        t
            The time [s].
        depth
            Depth [m] then, at any places of the mesh.
        surface
            Free surface [m] at the same places.
        speed
            Speed [m/s] there.

        Returns
        -------
        str | None
            The solution's motion at that side which the run has not; None where the solution holds.
        """
        if len(self._walls):
            level, ux, uy = solution(self._walls[:, 0], self._walls[:, 1], t)
            through = np.maximum(level - self._beds, 0.0) * (ux * self._normals[:, 0] + uy * self._normals[:, 1])
            if np.abs(through).max() > TOLERANCE * (depth * speed).max():
                return _at("its waves pass through the wall", self._walls, through)
        if len(self._mates[0]):
            here, there = (solution(places[:, 0], places[:, 1], t)[0] for places in self._mates)
            if np.abs(here - there).max() > TOLERANCE * np.abs(surface - self._level)[depth > 0.0].max(initial=0.0):
                return _at("its waves differ on the two sides of the periodic edge", self._mates[0], here - there)
        return None


def _at(said: str, places: Array, values: Array) -> str:
    x, y = places[np.argmax(np.abs(values))]
    return f"{said} at ({x:.6g}, {y:.6g}) m"


def open_edges(case: Case, params: Params, arrays: Mapping[str, Array]) -> Array:
    """Find the edges (E,) through which water passes; none where the mesh, whose sides have the names, can't be made again."""
    none = np.zeros(len(arrays["edge_face_connectivity"]), bool)
    if not any(outside_of(params.boundary, name).is_open for name in params.boundary):
        return none
    try:
        mesh: Any = mesh_of(case)
    except InputError:  # its file is not here
        return none
    passes: Array = np.array([*(outside_of(params.boundary, name).is_open for name in mesh.boundary_names), False])  # -1: inside
    return np.asarray(passes[mesh.boundary]) if len(mesh.boundary) == len(none) else none


def refuse_incident(params: Params) -> None:
    """Refuse a case with a wave that comes in through a side: no exact solution has it."""
    for name in params.boundary:
        if outside_of(params.boundary, name).changes:
            raise InputError(f"a wave comes in through side {name!r}, which no exact solution knows: take a finer run as the reference")
