"""Boundary edges of a rank's part: the condition of each, the wave that comes in, and the water that came in."""

from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.part import Part
from meshes.core.trimesh import TriMesh
from pipeline.core.errors import InputError
from pipeline.core.plugin import nearest
from solvers.tsunami import boundary, kernels
from solvers.tsunami.geometry import Geometry
from solvers.tsunami.params import Params

Array = np.ndarray[Any, np.dtype[Any]]


class BoundaryEdges:
    """The boundary edges (B) of a part, which stand after its ``first`` interior ones.

    Raises
    ------
    InputError
        A side of the mesh or a kind that does not exist, or a wave that can't be read.
    """

    def __init__(self, mesh: TriMesh, part: Part, geometry: Geometry, params: Params, folder: Path) -> None:
        names = mesh.boundary_names
        sides = []
        for name in params.boundary:
            if name not in names:
                raise InputError(
                    f"no side {name!r} of this mesh for 'solver.boundary'{nearest(name, names)}; there are: {', '.join(names)}"
                )
        self.waves = {}
        for number, name in enumerate(names):
            side = boundary.outside_of(params.boundary, name)
            sides.append(kernels.OPEN if side.is_open else kernels.WALL)
            if wave := side.incoming(folder, boundary.place(name)):
                self.waves[number] = wave
        self.names = names
        self.first = part.interior_edges
        self._side = mesh.boundary[part.edges[self.first :]].astype(np.int64)
        self.kind = np.array(sides, np.int64)[self._side]
        self.wave = np.zeros(len(self._side), np.dtype(params.precision))  # [m]
        self.own = geometry.left[self.first :] < part.owned
        self.own_face = geometry.left_face[self.first :][self.own]
        self.inflow = np.zeros(len(self._side))  # [m3] since t = 0
        self.forced = np.zeros(part.owned, bool)  # own cells by whose boundary edge a wave comes in
        self.forced[geometry.left[self.first :][self.own & np.isin(self._side, list(self.waves))]] = True

    def remarks(self, end: float) -> list[str]:
        """Lines to be said of the waves of a run to ``end`` [s]; `InputError` where nothing of a series enters."""
        return [f"side {self.names[number]}: {line}" for number, wave in self.waves.items() for line in wave.remarks(end)]

    def let_in(self, t: float) -> None:
        """Set the waves to time ``t`` [s]."""
        for number, wave in self.waves.items():
            self.wave[self._side == number] = wave(t)

    def note(self, edges: Array, share: float, flux: Array) -> None:
        """Add the inflow of the listed ``edges`` by ``flux`` (2 edges, 3) in ``share`` [s] of time."""
        if len(edges):
            kernels.note_inflow(flux, self.first, edges, flux.dtype.type(share), self.inflow)

    def saved(self, owned: int) -> Array:
        """The inflow (own cells, 3) [m3] by each edge of a cell."""
        inflow = np.zeros(3 * owned)
        inflow[self.own_face] = self.inflow[self.own]
        return inflow.reshape(-1, 3)

    def load(self, inflow: Array) -> None:
        """Take the inflow of `saved`, of the own cells."""
        self.inflow[self.own] = inflow.ravel()[self.own_face]
