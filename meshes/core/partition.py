"""Partition of the cells among ranks: PT-Scotch, by itself or through PETSc, or coordinate bisection where PETSc is not there."""

import contextlib
import logging
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from meshes.core import scotch
from pipeline.core.errors import InputError

if TYPE_CHECKING:
    from meshes.core.trimesh import TriMesh

Array = np.ndarray[Any, np.dtype[Any]]

log = logging.getLogger("wavetrain")


def start(cells: int, size: int) -> None:
    """Make ready to cut a mesh of ``cells`` among ``size`` ranks: PETSc starts on all ranks or none. Collective.

    Raises
    ------
    InputError
        There are more ranks than cells.
    """
    if size > cells:
        raise InputError(f"too many ranks for the cells: {size} ranks, {cells} cells")
    if size > 1:
        with contextlib.suppress(ImportError):
            petsc()


@cache
def petsc() -> Any:
    """PETSc, started without signal handlers of its own. Collective on all ranks of the world.

    Its handler of SIGPIPE takes Python's place, which ignores that signal: the first write to a pipe that nobody reads any more would end
    the process, where a `BrokenPipeError` is due.

    Raises
    ------
    ImportError
        petsc4py is not there.
    """
    import petsc4py

    petsc4py.init(["wavetrain", "-no_signal_handler"])
    from petsc4py import PETSc

    return PETSc


def owners(mesh: "TriMesh", size: int, groups: Array | None = None) -> Array:
    """The owning rank (T,) of each cell, for ``size`` ranks, as this process finds it: PT-Scotch may answer another differently.

    Where there are ``groups`` (T,) of cells, each is shared out evenly, by coordinate bisection.
    """
    cells = len(mesh.triangles)
    if size == 1:
        return np.zeros(cells, np.int32)
    if groups is not None:
        return bisect(mesh.centroids, size, groups)
    try:
        owner = _scotch(mesh, size)
    except ImportError:
        warn_once("petsc4py is not there: the mesh is cut by coordinate bisection")
        return bisect(mesh.centroids, size)
    if len(np.unique(owner)) < size:  # on a handful of cells a partitioner may leave a rank without any
        return bisect(mesh.centroids, size)
    return owner


@cache
def warn_once(text: str) -> None:
    """Log ``text`` the first time that it is said."""
    log.warning(text)


def _scotch(mesh: "TriMesh", size: int) -> Array:
    """PT-Scotch on this process alone: called directly where it can be, else by PETSc."""
    PETSc = petsc()
    inside = mesh.neighbours >= 0
    first = np.concatenate([[0], np.cumsum(inside.sum(axis=1))]).astype(PETSc.IntType)
    near = np.sort(np.where(inside, mesh.neighbours, np.iinfo(np.int32).max), axis=1)
    columns = near[near < np.iinfo(np.int32).max].astype(PETSc.IntType)
    if (owner := scotch.partition(first, columns, size)) is not None:
        return owner
    cells = len(mesh.triangles)
    adjacency = PETSc.Mat().create(comm=PETSc.COMM_SELF)
    adjacency.createAIJ(size=(cells, cells), csr=(first, columns, np.ones(len(columns), PETSc.ScalarType)), comm=PETSc.COMM_SELF)
    partitioning = PETSc.MatPartitioning().create(comm=PETSc.COMM_SELF)
    partitioning.setAdjacency(adjacency)
    partitioning.setType("ptscotch")
    options = PETSc.Options()
    options["mat_partitioning_nparts"] = size
    options["mat_partitioning_ptscotch_strategy"] = "QUALITY"
    partitioning.setFromOptions()
    result = PETSc.IS().create(comm=PETSc.COMM_SELF)
    partitioning.apply(result)
    found = np.array(result.getIndices(), np.int32)
    partitioning.destroy()
    adjacency.destroy()
    return found


def bisect(places: Array, size: int, groups: Array | None = None) -> Array:
    """Cut ``places`` (T, 2) into ``size`` parts of nearly equal count, along the longer side each time; each of ``groups`` (T,) too."""
    owner = np.zeros(len(places), np.int32)
    _, group = np.unique(np.zeros(len(places)) if groups is None else groups, return_inverse=True)

    def split(cells: Array, first: int, count: int) -> None:
        if count == 1:
            owner[cells] = first
            return
        here = places[cells]
        axis = int(np.argmax(np.ptp(here, axis=0)))
        order = cells[np.lexsort((cells, here[:, axis], group[cells]))]
        half = count // 2
        sizes = np.bincount(group[cells])
        place = np.arange(len(cells)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        lower = place < np.repeat(sizes * half // count, sizes)
        split(order[lower], first, half)
        split(order[~lower], first + half, count - half)

    split(np.arange(len(places)), 0, size)
    return owner
