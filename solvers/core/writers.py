"""Ranks that write a run's files, and the way of the others' parts of an array to them.

Neighbouring ranks, on a cluster a node's, are a group; their parts go to the first among them, and the first of each group alone open
the file: collective calls of HDF5, and the locks of a parallel file system, are a matter of the writers and not of all ranks.
The file is the same, whoever writes it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from solvers.core.blocks import group_of
from solvers.core.comm import Comm

Array = np.ndarray[Any, np.dtype[Any]]

A_GROUP = 8  # ranks, where the case does not say how many write


@dataclass(frozen=True, slots=True)
class Rows:
    """A rank's part of a stored array: the places ``own``, in any order, of the ``count`` along dimension ``axis``."""

    own: Array
    count: int
    axis: int = 0


@dataclass(frozen=True, slots=True)
class Hyperslab:
    """A rank's part of a stored array of ``shape``: the box ``place``."""

    place: tuple[slice, ...]
    shape: tuple[int, ...]

    @property
    def bounds(self) -> tuple[slice, ...]:
        """``place`` with a first and a last index along every axis."""
        return tuple(slice(*one.indices(count)[:2]) for one, count in zip(self.place, self.shape, strict=True))


class Writers:
    """The ranks that write. Collective.

    Parameters
    ----------
    comm
        All ranks.
    asked
        The number that write; 0: one in 8 where there are more than 8, else all.
    parts
        The ranks' parts of the arrays; all ranks write where the boxes of a group's ranks do not make a box.

    Attributes
    ----------
    comm
        The ranks that write; None on a rank that does not.
    count
        The number of ranks that write.
    """

    def __init__(self, comm: Comm, asked: int, parts: Iterable[Rows | Hyperslab] = ()) -> None:
        self._all = comm
        count = min(asked, comm.size) if asked else comm.size if comm.size <= A_GROUP else -(-comm.size // A_GROUP)
        if comm.file_options() is None:
            count = 1
        self._divide(count)
        boxes = [_box(self._group.gather(part.bounds)) is not None for part in parts if isinstance(part, Hyperslab)]
        if not comm.min(np.array([all(boxes)], np.int64))[0]:
            self._divide(comm.size)

    def _divide(self, count: int) -> None:
        self.count = count
        group, first = group_of(self._all.rank, self._all.size, count)
        self._group = self._all.split(group)
        alike = self._all.split(int(first))
        self.comm = alike if first else None

    def mover(self, part: Rows | Hyperslab) -> "RowMover | BoxMover":
        """The function that moves the ranks' parts of an array to the writers. Collective."""
        return RowMover(part, self._all, self.count) if isinstance(part, Rows) else BoxMover(part, self._group)


class RowMover:
    """Moves the ranks' parts of an array to contiguous blocks of its rows, one on each writer."""

    def __init__(self, rows: Rows, comm: Comm, writers: int) -> None:
        self._blocks = comm.blocks(rows.own, rows.count, writers)
        self._axis, self._count = rows.axis, rows.count
        self.place = (*[slice(None)] * rows.axis, slice(self._blocks.start, self._blocks.stop))

    def __call__(self, own: Array) -> Array:
        """This rank's block, which may be ``own`` itself. Collective."""
        if self._blocks.in_place:
            return own
        return np.moveaxis(self._blocks(np.ascontiguousarray(np.moveaxis(own, self._axis, 0))), 0, self._axis)

    def whole(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of an array of which a rank has a block of ``shape``."""
        return (*shape[: self._axis], self._count, *shape[self._axis + 1 :])


class BoxMover:
    """Joins the boxes of a group's ranks on its writer."""

    def __init__(self, block: Hyperslab, group: Comm) -> None:
        self._group, self._shape = group, block.shape
        self._places: list[tuple[slice, ...]] = group.gather(block.bounds)
        box = _box(self._places)
        assert box is not None, "the parts make a box, or each rank is a group"
        self.place = box

    def __call__(self, own: Array) -> Array:
        """The box of the group on its writer; elsewhere ``own``. Collective."""
        parts = self._group.collect(own) if self._group.size > 1 else []
        if not parts:
            return own
        found = np.empty([one.stop - one.start for one in self.place], own.dtype)
        for place, part in zip(self._places, parts, strict=True):
            found[tuple(slice(one.start - all_.start, one.stop - all_.start) for one, all_ in zip(place, self.place, strict=True))] = part
        return found

    def whole(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the array."""
        return self._shape


def _box(places: Sequence[tuple[slice, ...]]) -> tuple[slice, ...] | None:
    """The box that boxes without common points make together; None where they leave a hole in it."""
    box = tuple(slice(min(one.start for one in along), max(one.stop for one in along)) for along in zip(*places, strict=True))
    volume = sum(math.prod(one.stop - one.start for one in place) for place in places)
    return box if volume == math.prod(one.stop - one.start for one in box) else None
