"""A mesh that the ranks of a node have in common: built by the first rank, seen by all in memory that MPI shares.

T. Hoefler et al., "MPI + MPI: a new hybrid approach to parallel programming with MPI plus shared memory", Computing 95 (2013) 1121-1136,
DOI 10.1007/s00607-013-0324-2.
"""

import dataclasses
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError, RunError

Array = np.ndarray[Any, np.dtype[Any]]

MEMORY = Path("/dev/shm")  # where MPI puts what is shared, on Linux
ALIGNED = 64  # [B] an array begins at a multiple of it

log = logging.getLogger("wavetrain")


def once_a_node(mpi: Any, comm: Any, make: Callable[[], Any]) -> Any:
    """Call ``make`` on the first rank of each node; return its dataclass on all ranks of ``comm``, its arrays shared by the node's ranks.

    Nobody may write to the arrays; they stay as long as the process. Where there is no room to share them, every rank makes its own.

    Raises
    ------
    InputError, RunError
        ``make`` raised it, on any node.
    """
    node = comm.Split_type(mpi.COMM_TYPE_SHARED)
    made, error = None, None
    if node.rank == 0:
        try:
            made = make()
        except (InputError, RunError) as raised:
            error = raised
    if raised_first := next(filter(None, comm.allgather(error)), None):
        raise raised_first
    if node.size == 1:
        return made
    arrays, plain = _split(made) if made is not None else ({}, {})
    kind, plain, placement = node.bcast((type(made), plain, _placement(arrays)))
    memory = _shared(mpi, node, placement) if placement else None
    if placement and memory is None:
        return made if made is not None else make()
    return kind(**plain, **(_filled(memory, placement, arrays, node) if memory is not None else {}))


Placement = dict[str, tuple[tuple[int, ...], str, int]]  # shape, type and first byte of each array


def _split(made: Any) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays of a dataclass, and its other fields."""
    values = {field.name: getattr(made, field.name) for field in dataclasses.fields(made)}
    arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    return arrays, {name: value for name, value in values.items() if name not in arrays}


def _placement(arrays: dict[str, Array]) -> Placement:
    placement, place = {}, 0
    for name, array in arrays.items():
        placement[name] = (array.shape, array.dtype.str, place)
        place += -(-array.nbytes // ALIGNED) * ALIGNED
    return placement


def _size(placement: Placement) -> int:
    """The number of bytes for all arrays."""
    return max(place + int(np.prod(shape)) * np.dtype(kind).itemsize for shape, kind, place in placement.values())


def _shared(mpi: Any, node: Any, placement: Placement) -> tuple[Any, Array] | None:
    """A window and its memory, seen by all ranks of ``node``; None where there is no room."""
    wanted = _size(placement)
    room = shutil.disk_usage(MEMORY).free if MEMORY.exists() else wanted
    if not node.bcast(room >= wanted):  # what is touched beyond it kills the process
        if node.rank == 0:
            log.warning("%s has no room for the mesh, %.0f MB: every rank has its own", MEMORY, wanted / 1e6)
        return None
    window = mpi.Win.Allocate_shared(wanted if node.rank == 0 else 0, 1, comm=node)
    buffer, _ = window.Shared_query(0)
    return window, np.frombuffer(buffer, np.uint8, wanted)


def _filled(memory: tuple[Any, Array], placement: Placement, arrays: dict[str, Array], node: Any) -> dict[str, Array]:
    """The arrays of ``placement`` in shared memory, with their values on the node's first rank."""
    window, whole = memory
    seen = {
        name: whole[place : place + int(np.prod(shape)) * np.dtype(kind).itemsize].view(kind).reshape(shape)
        for name, (shape, kind, place) in placement.items()
    }
    window.Fence()
    for name, array in arrays.items():
        seen[name][...] = array
    window.Fence()
    return seen
