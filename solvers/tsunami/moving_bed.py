"""A bed that sources move: the heights of a part's cells over time. The water on it is lifted as it is.

A step sees the bed of each of its stages' times, so that it keeps its order. Depths don't change by it: no water is made or lost.
Heights and displacements are whole multiples of a quantum far below any wave, 2^-48 of the largest of them, in which sums are exact: water
that is lifted evenly stays at rest to the last bit, and so does still water over a bed that has moved.
"""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.locate import locate
from meshes.core.part import Part
from meshes.core.trimesh import TriMesh
from pipeline.core.errors import InputError
from pipeline.core.remarks import remark
from solvers.core.comm import Comm
from solvers.tsunami import source
from solvers.tsunami.geometry import Geometry, edge_changes
from solvers.tsunami.params import Params
from solvers.tsunami.source.core import kernels
from solvers.tsunami.source.core.ground import Ground
from solvers.tsunami.source.core.motion import Motion

Array = np.ndarray[Any, np.dtype[Any]]

BITS = 48  # of the largest height: sums of 32 such numbers are exact in a double
AT_SEA = 1e-2  # of the largest displacement, that a source at sea moves the sea's bed by at least


class MovingBed:
    """The bed of a part.

    Attributes
    ----------
    params
        The case's, with the still level as a whole multiple of the quantum.
    start
        Height of the bed (local cells,) [m] before any source.
    uplift
        Height of the bed (local cells,) [m] above that.
    breaks
        Times at which the bed begins or ends to move, or moves at once [s].
    moved
        Own cells (own cells,) that any source moves, or that lie beside such cells; once the bed is `attach`ed.

    Raises
    ------
    InputError
        A source that can't be, lies outside the mesh, or wholly on land.
    """

    def __init__(self, mesh: TriMesh, part: Part, comm: Comm, params: Params, folder: Path) -> None:
        self._motions = source.motions(params.source, folder, mesh.chart)
        self._part = part
        ground = Ground(mesh, params.level, comm)
        wet = mesh.bed[part.cells[: part.owned]] < params.level - params.dry_depth
        shapes = []
        for number, motion in enumerate(self._motions):
            _refuse_outside(source.place(number), motion, mesh, comm)
            shapes.append(motion.over(ground, part.cells))
            _refuse_on_land(source.place(number), shapes[-1][:, : part.owned], wet, comm)
        self._shapes = np.concatenate(shapes)
        self.breaks = tuple(t for motion in self._motions for t in motion.breaks)
        self._end = max(motion.end for motion in self._motions)
        lifted = comm.max(np.array([np.abs(self._shapes).sum(axis=0).max(initial=0.0)]))[0]
        largest = max(float(np.abs(mesh.bed).max()), abs(params.level), float(np.abs(mesh.bed - params.level).max())) + float(lifted)
        self._quantum = 2.0 ** (math.ceil(math.log2(largest)) + 1 - BITS)
        self.params = replace(params, level=float(self._whole(np.array(params.level))))
        self.start = self._whole(mesh.bed[part.cells])
        self.uplift = np.zeros(len(part.cells))

    def _whole(self, heights: Array) -> Array:
        """The whole multiples of the quantum next to ``heights`` [m]."""
        found: Array = np.rint(heights / self._quantum) * self._quantum
        return found

    def attach(self, geometry: Geometry, heights: Array) -> None:
        """Let ``geometry``'s bed, and its ``heights`` (local cells,) [m] above the still level, follow this one."""
        changes = np.stack([edge_changes(shape, geometry.weights, self._part) for shape in self._shapes])
        cells = np.flatnonzero(np.any(self._shapes, axis=0))
        beside = np.flatnonzero(np.any(changes, axis=(0, 2)))
        geometry.bed[:] = self.start
        heights[:] = self.start - self.params.level
        geometry.bed_change[:] = self._whole(geometry.bed_change.astype(float))
        self._lift = (cells, np.ascontiguousarray(self._shapes[:, cells]))
        self._tilt = (beside, np.ascontiguousarray(changes[:, beside]))
        self._before = heights[cells], geometry.bed_change[beside].astype(float)
        self._after = geometry.bed, heights, geometry.bed_change
        self.moved = np.zeros(self._part.owned, bool)
        self.moved[cells[cells < self._part.owned]] = True
        self.moved[beside[beside < self._part.owned]] = True
        self._weights = np.full(len(self._shapes), np.nan)
        del self._shapes
        self.set(0.0)

    def set(self, t: float) -> None:
        """Move the bed to where it is at time ``t`` [s]."""
        weights = np.concatenate([motion.weights(t) for motion in self._motions])
        if np.array_equal(weights, self._weights):
            return
        self._weights = weights
        bed, heights, changes = self._after
        kernels.lift(*self._lift, weights, self._quantum, self._before[0], self.params.level, bed, heights, self.uplift)
        kernels.tilt(*self._tilt, weights, self._quantum, self._before[1], changes)

    def still_moves(self, t: float) -> bool:
        """Whether the bed moves at time ``t`` [s] or later."""
        return t < self._end


def _refuse_outside(name: str, motion: Motion, mesh: TriMesh, comm: Comm) -> None:
    """Refuse a source no part of which lies in the mesh; say it where only a part does. Collective."""
    places = motion.places
    inside = comm.broadcast(locate(mesh, places)[0] >= 0 if comm.rank == 0 else None)
    if not inside.any():
        low, high = (mesh.said(place) for place in (mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)))
        raise InputError(f"{name} at {mesh.said(places.mean(axis=0))} lies outside the mesh, which spans {low} to {high}")
    if not inside.all():
        remark(f"{name}: a part of it, such as {mesh.said(places[int(np.argmin(inside))])}, lies outside the mesh")


def _refuse_on_land(name: str, shapes: Array, wet: Array, comm: Comm) -> None:
    """Refuse a source that moves no bed of the sea; ``shapes`` (K, own cells) [m]. Collective."""
    moved = np.abs(shapes).max(axis=0, initial=0.0)
    most, at_sea = comm.max(np.array([moved.max(initial=0.0), moved[wet].max(initial=0.0)])).tolist()
    if most == 0.0:
        raise InputError(f"{name} moves no cell: all displacements are zero, or taken for it by 'negligible'")
    if at_sea <= AT_SEA * most:
        raise InputError(f"{name} lies wholly on land: it moves the sea's bed by {at_sea:.3g} m at most, and land by {most:.3g} m")
