"""Rows that ranks have in any order, moved to contiguous blocks of mesh order: one for each rank that writes or works on members."""

from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Blocks(Protocol):
    """A plan that moves own rows, in any order, to this rank's contiguous block ``start:stop`` of the mesh order.

    Attributes
    ----------
    start
        The first row of the block.
    stop
        The row behind the last.
    in_place
        Whether own rows are the block, in its order: nothing is to be moved.
    """

    start: int
    stop: int
    in_place: bool  # own rows are the block, in its order: nothing is to be moved

    def __call__(self, own: Array) -> Array:
        """Move own rows to their blocks. Collective.

        Parameters
        ----------
        own
            Own rows (own, ...).

        Returns
        -------
        Array
            The rows of this rank's block (stop - start, ...).
        """


def group_of(rank: int, size: int, groups: int) -> tuple[int, bool]:
    """The group that ``rank`` is in, of ``groups`` of neighbours among ``size`` ranks, and whether it is the first there."""
    group = rank * groups // size
    return group, rank == 0 or (rank - 1) * groups // size < group


def block_bounds(rank: int, size: int, rows: int) -> tuple[int, int]:
    """First and one-past-last row of the block of mesh order that ``rank`` writes."""
    return rank * rows // size, (rank + 1) * rows // size


class SerialBlocks:
    """The whole mesh is one block."""

    def __init__(self, own: Array, rows: int) -> None:
        self.start, self.stop = 0, rows
        self.in_place = bool(np.array_equal(own, np.arange(rows)))
        self._own = own

    def __call__(self, own: Array) -> Array:
        out = np.empty_like(own)
        out[self._own] = own
        return out


class MpiBlocks:
    """Own rows to blocks of mesh order with one Alltoallv."""

    in_place = False

    def __init__(self, comm: Any, own: Array, rows: int, writers: int) -> None:
        self._comm = comm
        bounds = [_written_by(rank, comm.size, rows, writers) for rank in range(comm.size)]
        self.start, self.stop = bounds[comm.rank]
        own = np.asarray(own, dtype=np.int64)
        self._order = np.argsort(own, kind="stable")
        starts = np.array([first for first, _ in bounds] + [rows])
        self._send = np.diff(np.searchsorted(own[self._order], starts)).astype(np.int64)
        self._receive = np.empty_like(self._send)
        comm.Alltoall(self._send, self._receive)
        places = np.empty(self.stop - self.start, np.int64)
        comm.Alltoallv([own[self._order], self._send], [places, self._receive])
        self._places = places - self.start

    def __call__(self, own: Array) -> Array:
        columns = int(np.prod(own.shape[1:], dtype=int))
        moved = np.empty((self.stop - self.start, *own.shape[1:]), own.dtype)
        self._comm.Alltoallv([np.ascontiguousarray(own[self._order]), self._send * columns], [moved, self._receive * columns])
        out = np.empty_like(moved)
        out[self._places] = moved
        return out


def _written_by(rank: int, size: int, rows: int, writers: int) -> tuple[int, int]:
    """First and one-past-last row of the part that ``rank`` writes: the first rank of a group writes for all of it."""
    group, first = group_of(rank, size, writers)
    start, stop = block_bounds(group, writers, rows)
    return (start, stop) if first else (stop, stop)
