"""Gauges: time series of the free surface and the velocity at named places, sampled at every step."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from meshes.core.chart import along_east
from meshes.core.locate import locate
from meshes.core.part import Part
from meshes.core.trimesh import TriMesh
from pipeline.core.errors import InputError
from pipeline.store.layout import Field
from solvers.core.comm import Comm
from solvers.tsunami import kernels

Array = np.ndarray[Any, np.dtype[Any]]

GAUGES = (
    Field("free_surface", "m", "height of the free surface; of the bed where it is dry"),
    Field("velocity_x", "m s-1", "velocity, eastward"),
    Field("velocity_y", "m s-1", "velocity, northward"),
)


class Gauges:
    """The gauges of a run; this rank samples the gauges in its own cells.

    Raises
    ------
    InputError
        A gauge lies outside the mesh.
    """

    def __init__(self, mesh: TriMesh, part: Part, comm: Comm, gauges: Mapping[str, tuple[float, ...]]) -> None:
        self.names = tuple(gauges)
        places = np.array([gauges[name] for name in gauges], float).reshape(-1, 2)
        if mesh.chart:
            places = mesh.chart.plane(places)
        cells, places = comm.broadcast(locate(mesh, places) if comm.rank == 0 else None)
        for name, cell in zip(gauges, cells, strict=True):
            if cell < 0:
                if mesh.middle:
                    raise InputError(f"gauge {name!r} at ({gauges[name][0]:g}, {gauges[name][1]:g}) degrees lies in the mesh's hole")
                span, unit = np.stack([mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)]), "m"
                if mesh.chart:
                    span, unit = mesh.chart.degrees(span), "degrees"
                (west, south), (east, north) = span
                raise InputError(
                    f"gauge {name!r} at ({gauges[name][0]:g}, {gauges[name][1]:g}) {unit} lies outside the mesh, "
                    f"which spans ({west:g}, {south:g}) to ({east:g}, {north:g}) {unit}"
                )
        local = np.full(len(mesh.triangles), -1, np.int64)
        local[part.cells[: part.owned]] = np.arange(part.owned)
        mine = local[cells] >= 0
        self.index = np.flatnonzero(mine)  # which of the gauges are sampled here
        self.cells = local[cells[mine]]
        self._eastward = mesh.chart.eastward(places[mine]) if mesh.chart else None  # (own gauges, 2) on the map; None: along x
        self._places = barycentric(places[mine], mesh.vertices[mesh.triangles[cells[mine]]]) - 1.0 / 3.0
        self._times: list[float] = []  # [s] of the samples since they were last taken
        self._values = np.empty((len(GAUGES), 1, len(self.cells)))  # (fields, samples and room for more, own gauges)

    def sample(self, t: float, q: Array, corner_values: Array, corners: Array, datum: float) -> None:
        """Note the state at time ``t`` [s]; the arrays are as in `kernels.sample`, their free surface from ``datum`` [m]."""
        values = np.empty((len(self.cells), len(GAUGES)))
        if len(self.cells):
            kernels.sample(q, corner_values, corners, self.cells, self._places, values)
            values[:, 0] += datum
            if self._eastward is not None:
                values[:, 1:] = along_east(values[:, 1:], self._eastward)
        number = len(self._times)
        if number == self._values.shape[1]:
            self._values = np.concatenate([self._values, np.empty_like(self._values)], axis=1)
        self._values[:, number] = values.T
        self._times.append(t)

    @property
    def count(self) -> int:
        """Samples since they were last taken."""
        return len(self._times)

    def drop(self, count: int) -> None:
        """Forget the samples after the first ``count``."""
        del self._times[count:]

    def take(self) -> tuple[Array, Array]:
        """Times (S,) [s] and values (S, own gauges, fields) sampled since this was last asked; the next sample writes over them."""
        times, self._times = np.array(self._times), []
        return times, np.moveaxis(self._values[:, : len(times)], 0, -1)


def barycentric(places: Array, corners: Array) -> Array:
    """Barycentric coordinates (P, 3) of ``places`` (P, 2) in the triangles with ``corners`` (P, 3, 2)."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    d = places - corners[:, 0]
    twice_area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    second = (d[:, 0] * b[:, 1] - d[:, 1] * b[:, 0]) / twice_area
    third = (a[:, 0] * d[:, 1] - a[:, 1] * d[:, 0]) / twice_area
    return np.stack([1.0 - second - third, second, third], axis=1)
