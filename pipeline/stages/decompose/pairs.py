"""Two runs on one mesh, triangles or a box, and the frames that both have: read in blocks of cells, wherever they are needed."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.outline import Outline, frame_times
from pipeline.core.plugin import nearest
from pipeline.reading.missing import find_missing, surely_all_there
from pipeline.stages.core.comparison import still_level
from pipeline.store.layout import MESHES
from pipeline.store.reader import Store, StoredArray

Array = np.ndarray[Any, np.dtype[Any]]

SAME_TIME = 1e-6  # of the time between frames
SURFACE = "free_surface"


def field_of(store: Store, asked: str) -> str:
    """The field that is compared: the one ``asked`` for, else the free surface, a velocity's first component, or the first there is."""
    names = list(store.fields)
    return asked or next((name for name in (SURFACE, "u") if name in names), names[0])


@dataclass(frozen=True, slots=True)
class FieldReader:
    """A field that is read by flat slices of its cells, or by whole frames."""

    source: StoredArray
    frames: slice | Array
    shape: tuple[int, ...]  # of a frame
    down: float = 0.0  # taken off

    def cells(self, frames: slice | Array, some: slice) -> Array:
        """Values (F, cells) of the file's ``frames``, nan where they are missing."""
        parts = [np.asarray(self.source[(frames, *box)]) for box in boxes(some.start, some.stop, self.shape)]
        flat = [part.reshape(len(part), -1) for part in parts]
        return self._lowered(flat[0] if len(flat) == 1 else np.concatenate(flat, axis=1))

    def whole(self, some: range, thin: tuple[slice, ...]) -> Iterator[Array]:
        """The values of each of ``some`` frames at ``thin`` of its points, nan where they are missing; read at once if in a row."""
        if isinstance(self.frames, slice):
            read = self.source[(slice(self.frames.start + some.start, self.frames.start + some.stop), *thin)]
            yield from (self._lowered(np.asarray(values)) for values in read)
        else:
            yield from (self._lowered(np.asarray(self.source[(int(self.frames[i]), *thin)])) for i in some)

    def _lowered(self, values: Array) -> Array:
        return there(values) - self.down if self.down else there(values)


def there(values: Array) -> Array:
    """``values`` with nan in place of constants that stand for missing values."""
    if surely_all_there(values):
        return values
    missing = find_missing(values).missing
    return np.where(missing, np.nan, values) if missing.any() else values


def boxes(start: int, stop: int, shape: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """The boxes of an array of ``shape`` that its flat places from ``start`` up to ``stop`` are, in their order."""
    if len(shape) == 1:
        return [(slice(start, stop),)]
    row = math.prod(shape[1:])
    first, last = start // row, stop // row
    if start % row == 0 and stop % row == 0:
        return [(slice(first, last), *(slice(0, size) for size in shape[1:]))]
    if first == last:
        return [(slice(first, first + 1), *rest) for rest in boxes(start - first * row, stop - first * row, shape[1:])]
    cut = (first + 1) * row if start % row else last * row
    return boxes(start, cut, shape) + boxes(cut, stop, shape)


@dataclass(frozen=True, slots=True)
class Pair:
    """The pair that is compared: two stores on one mesh, and the frames that they have in common."""

    field: str
    run: Store
    reference: Store
    frames: Array  # (F,) of the run
    reference_frames: Array  # (F,)
    shape: tuple[int, ...]  # of a frame: (cells,), or of an ensemble's members and points
    low: Array  # (cells,) a value counts above this
    weight: Array  # (cells,) areas, or all alike
    mesh: Mapping[str, Array]
    kind: str  # of the mesh
    raised: float  # [m] by which the reference's still level is above the run's: heights are compared above their own

    @property
    def cells(self) -> int:
        """Cells, or points of all members."""
        return math.prod(self.shape)

    @property
    def sources(self) -> tuple[FieldReader, FieldReader]:
        """Both fields and their frames that count, to be read where they are needed."""
        return (
            FieldReader(self.run.source(self.field), _in_a_row(self.frames), self.shape),
            FieldReader(self.reference.source(self.field), _in_a_row(self.reference_frames), self.shape, self.raised),
        )

    @property
    def axes(self) -> str:
        """Names of the axes of space, x first."""
        return "xy" if self.kind == "triangles" else "xyz"[: len(self.mesh["length"])]

    @property
    def length_unit(self) -> str:
        """Unit of lengths: a box's have none."""
        return "m" if self.kind == "triangles" else "1"

    @property
    def times(self) -> Array:
        """(F,) [s]."""
        return self.run.times[self.frames]

    @property
    def even(self) -> int:
        """The number of frames, from the first, that are evenly spaced: the last interval of a run may be shorter."""
        times = self.times
        if len(times) < 3:
            return len(times)
        gaps = np.diff(times)
        return len(times) if abs(gaps[-1] - gaps[0]) <= SAME_TIME * gaps[0] else len(times) - 1


def _in_a_row(frames: Array) -> slice | Array:
    """A slice where the frames follow each other, which HDF5 reads much faster."""
    return slice(int(frames[0]), int(frames[-1]) + 1) if np.all(np.diff(frames) == 1) else frames


def common_times(mine: Array, theirs: Array) -> tuple[Array, Array]:
    """Places of the rising times ``mine`` (F,) that are among ``theirs``, and their places there."""
    tolerance = SAME_TIME * (float(np.min(np.diff(mine))) if len(mine) > 1 else 1.0)
    near = np.clip(np.searchsorted(theirs, mine - tolerance), 0, len(theirs) - 1)
    both = np.abs(theirs[near] - mine) <= tolerance
    return np.flatnonzero(both), near[both]


def pair(field: str, run: Store, reference: Store, wet: float, raised: float = 0.0) -> Pair:
    """Two stores with the same mesh, compared at the times that both have.

    Raises
    ------
    InputError
        Other units, other numbers of members, or no time in common.
    """
    unit, other = run.fields[field].unit, reference.fields[field].unit
    if unit != other:
        raise InputError(f"{field} is in {unit!r} in {run.path} and in {other!r} in {reference.path}: different units")
    shape, its = (tuple(store.field(field).shape[1:]) for store in (run, reference))
    if shape != its:
        raise InputError(f"{run.path} and {reference.path} have different ensembles: {shape[0]} and {its[0]} members")
    mine, theirs = run.times, reference.times
    frames, others = common_times(mine, theirs)
    if not len(frames):
        raise InputError(
            f"no overlap in time: {run.path} has frames at {mine[0]:g} to {mine[-1]:g} s, "
            f"{reference.path} at {theirs[0]:g} to {theirs[-1]:g} s"
        )
    mesh, cells = run.mesh(), math.prod(shape)
    low = run.highest_bed() + wet if field == SURFACE else np.broadcast_to(-np.inf, cells)
    weight = mesh["face_area"] if "face_area" in mesh else np.broadcast_to(1.0, cells)
    return Pair(field, run, reference, frames, others, shape, low, weight, mesh, run.mesh_kind, raised)


def check_field(run: Outline, asked: str) -> None:
    """`InputError` where the file of ``run`` won't hold the field that is ``asked`` for."""
    if asked and run.stored.fields and asked not in run.stored.fields:
        raise InputError(
            f"{run.name!r} will have no field {asked!r}{nearest(asked, run.stored.fields)}; there are: {', '.join(run.stored.fields)}"
        )


def check_pair(run: Outline, reference: Outline) -> None:
    """`InputError` where ``run`` and ``reference`` won't be comparable: other meshes, other members, not two frames in common."""
    run.refuse_other_mesh(reference, "reference")
    mine, theirs = run.stored.members, reference.stored.members
    if mine != theirs:
        raise InputError(f"{run.name!r} has {mine} members, its reference {reference.name!r} {theirs}: give both as many")
    times, others = frame_times(run.case.time), frame_times(reference.case.time)
    if times is not None and others is not None and len(common_times(times, others)[0]) < 2:
        raise InputError(
            f"{run.name!r} and its reference {reference.name!r} have a single frame in common, at t = 0: give both the same time.every"
        )


def raised_level(run: Store, reference: Store, field: str) -> float:
    """Height [m] of the still level of ``reference`` above that of ``run``, where ``field`` is a height above it; else 0."""
    if field != SURFACE:
        return 0.0
    return still_level(str(reference.attrs["case"])) - still_level(str(run.attrs["case"]))


def is_box(store: Store) -> bool:
    """Whether a run stands on a line, a plane or a cube that repeats itself, not on triangles."""
    return "face_node_connectivity" not in MESHES[store.mesh_kind].dimensions


def spacing(store: Store) -> float:
    """Spacing of a run's cells: the edge [m] of even triangles of their mean area, or the distance of a box's points."""
    mesh = store.mesh()
    if "face_area" in mesh:
        return float(np.sqrt(mesh["face_area"].sum() / len(mesh["face_area"]) * 4.0 / np.sqrt(3.0)))
    lengths = mesh["length"]
    return float(np.prod([length / len(mesh[axis]) for axis, length in zip("xyz", lengths, strict=False)]) ** (1.0 / len(lengths)))
