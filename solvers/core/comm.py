"""Communication between ranks: the only module that imports mpi4py.

Only `min`, `max` (exact) and sums of integers (exact too) may steer or judge a run; so the numbers are the same bits on
any number of ranks.
"""

import contextlib
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np

from meshes.core.part import Halo
from pipeline.core.errors import InputError, RunError, WriteError
from solvers.core.blocks import Blocks, MpiBlocks, SerialBlocks
from solvers.core.node import once_a_node

Array = np.ndarray[Any, np.dtype[Any]]


class Comm(Protocol):
    """Interface of a solver to the other ranks.

    Attributes
    ----------
    rank
        This rank, from 0.
    size
        The number of ranks.
    handle
        The communicator for libraries that speak MPI themselves; None on one rank.
    """

    rank: int
    size: int
    handle: Any  # the communicator for libraries that speak MPI themselves; None on one rank

    def begin(self, u: Array, halo: Halo) -> None:
        """Start filling the ghost rows of ``u``; own rows that are sent must not change until `end`. Collective.

        Parameters
        ----------
        u
            The state (cells, variables), own rows first.
        halo
            Rows that are sent to and received from each neighbour.
        """

    def end(self) -> None:
        """Wait until the ghost rows are filled."""

    def min(self, x: Array) -> Array:
        """Take the elementwise minimum over ranks. Collective.

        Parameters
        ----------
        x
            Own numbers (...), of the same shape on all ranks.

        Returns
        -------
        Array
            The least of each (...), on every rank.
        """

    def max(self, x: Array) -> Array:
        """Take the elementwise maximum over ranks. Collective.

        Parameters
        ----------
        x
            Own numbers (...), of the same shape on all ranks.

        Returns
        -------
        Array
            The greatest of each (...), on every rank.
        """

    def sum(self, x: Array) -> Array:
        """Add integers over ranks: exact, whatever the order. Collective.

        Parameters
        ----------
        x
            Own integers (...), of the same shape on all ranks.

        Returns
        -------
        Array
            The sum of each (...), on every rank.
        """

    def gather(self, x: Any) -> list[Any]:
        """Hand the object of every rank to every rank. Collective.

        Parameters
        ----------
        x
            The own object, which can be pickled.

        Returns
        -------
        list[Any]
            All objects in rank order.
        """

    def broadcast(self, x: Any) -> Any:
        """Hand rank 0's object to every rank. Collective.

        Parameters
        ----------
        x
            The object; only rank 0's counts.

        Returns
        -------
        Any
            Rank 0's object.
        """

    def collect(self, x: Array) -> list[Array]:
        """Bring the arrays of all ranks to rank 0. Collective.

        Parameters
        ----------
        x
            The own array (...), of any shape.

        Returns
        -------
        list[Array]
            All arrays (...) in rank order on rank 0; nothing elsewhere.
        """

    def barrier(self) -> None:
        """Wait for all ranks."""

    def split(self, group: int) -> "Comm":
        """Part the ranks into groups. Collective.

        Parameters
        ----------
        group
            The own group's number.

        Returns
        -------
        'Comm'
            The ranks that name the same group, in their order.
        """

    def once_a_node(self, make: Callable[[], Any]) -> Any:
        """Make a dataclass on one rank of each node, its arrays in memory that the node's ranks share. Collective.

        Parameters
        ----------
        make
            Function that makes it.

        Returns
        -------
        Any
            The dataclass; nobody may write to its arrays.
        """

    def blocks(self, own: Array, rows: int, writers: int) -> Blocks:
        """Plan how own rows move into contiguous blocks of mesh order. Collective.

        Parameters
        ----------
        own
            Numbers (own,) of the own rows among all.
        rows
            The number of all rows.
        writers
            The number of groups of neighbouring ranks; each has a block, on the first rank of the group, and the others' are empty.

        Returns
        -------
        Blocks
            The plan.
        """

    def file_options(self) -> dict[str, Any] | None:
        """Say how h5py writes in parallel.

        Returns
        -------
        dict[str, Any] | None
            Keywords of `h5py.File`; None where this h5py has no MPI.
        """


class Serial:
    """A single rank; nothing to exchange."""

    rank = 0
    size = 1
    handle = None

    def begin(self, u: Array, halo: Halo) -> None:
        pass

    def end(self) -> None:
        pass

    def min(self, x: Array) -> Array:
        return x

    def max(self, x: Array) -> Array:
        return x

    def sum(self, x: Array) -> Array:
        return x

    def gather(self, x: Any) -> list[Any]:
        return [x]

    def broadcast(self, x: Any) -> Any:
        return x

    def collect(self, x: Array) -> list[Array]:
        return [x]

    def barrier(self) -> None:
        pass

    def split(self, group: int) -> "Comm":
        return self

    def once_a_node(self, make: Callable[[], Any]) -> Any:
        return make()

    def blocks(self, own: Array, rows: int, writers: int) -> SerialBlocks:
        return SerialBlocks(own, rows)

    def file_options(self) -> dict[str, Any] | None:
        return {}


class Mpi:
    """All ranks of an MPI communicator (default: the world)."""

    def __init__(self, communicator: Any = None) -> None:
        from mpi4py import MPI

        if not MPI.Is_initialized():  # a library was loaded before without it
            MPI.Init()
        self._mpi = MPI
        self._comm = self.handle = MPI.COMM_WORLD if communicator is None else communicator
        self.rank: int = self._comm.rank
        self.size: int = self._comm.size
        self._plans: dict[tuple[int, int, int, str], _Exchange] = {}
        self._active: _Exchange | None = None

    def begin(self, u: Array, halo: Halo) -> None:
        key = (id(halo), u.ctypes.data, u.shape[1], u.dtype.str)
        if key not in self._plans:
            self._plans[key] = _Exchange(self._comm, u, halo)
        self._active = self._plans[key]
        self._active.begin()

    def end(self) -> None:
        assert self._active is not None, "end() without begin()"
        self._active.end()
        self._active = None

    def min(self, x: Array) -> Array:
        out = np.empty_like(x)
        self._comm.Allreduce(x, out, op=self._mpi.MIN)
        return out

    def max(self, x: Array) -> Array:
        out = np.empty_like(x)
        self._comm.Allreduce(x, out, op=self._mpi.MAX)
        return out

    def sum(self, x: Array) -> Array:
        assert x.dtype.kind == "i", "only integers add up to the same bits in any order"
        out = np.empty_like(x)
        self._comm.Allreduce(x, out, op=self._mpi.SUM)
        return out

    def gather(self, x: Any) -> list[Any]:
        return list(self._comm.allgather(x))

    def broadcast(self, x: Any) -> Any:
        return self._comm.bcast(x)

    def collect(self, x: Array) -> list[Array]:
        x = np.ascontiguousarray(x)
        shapes = self._comm.gather(x.shape)
        if shapes is None:
            self._comm.Gatherv(x, None)
            return []
        counts = [math.prod(shape) for shape in shapes]
        whole = np.empty(sum(counts), x.dtype)
        self._comm.Gatherv(x, [whole, counts])
        return [part.reshape(shape) for part, shape in zip(np.split(whole, np.cumsum(counts)[:-1]), shapes, strict=True)]

    def barrier(self) -> None:
        self._comm.Barrier()

    def split(self, group: int) -> Comm:
        part = self._comm.Split(group, self.rank)
        return Mpi(part) if part.size > 1 else Serial()

    def once_a_node(self, make: Callable[[], Any]) -> Any:
        return once_a_node(self._mpi, self._comm, make)

    def blocks(self, own: Array, rows: int, writers: int) -> MpiBlocks:
        return MpiBlocks(self._comm, own, rows, writers)

    def file_options(self) -> dict[str, Any] | None:
        import h5py

        if not h5py.get_config().mpi:
            return None
        return {"driver": "mpio", "comm": self._comm}


class _Exchange:
    """Persistent sends and receives of one state array with one halo."""

    def __init__(self, comm: Any, u: Array, halo: Halo) -> None:
        self._u = u
        columns = u.shape[1]
        self._send = [(cells, np.empty((len(cells), columns), u.dtype)) for _, cells in halo.send]
        self._receive = [(cells, np.empty((len(cells), columns), u.dtype)) for _, cells in halo.recv]
        receives = [comm.Recv_init(buffer, source=rank) for (rank, _), (_, buffer) in zip(halo.recv, self._receive, strict=True)]
        sends = [comm.Send_init(buffer, dest=rank) for (rank, _), (_, buffer) in zip(halo.send, self._send, strict=True)]
        self._requests = receives + sends

    def begin(self) -> None:
        for cells, buffer in self._send:
            np.take(self._u, cells, axis=0, out=buffer, mode="clip")
        for request in self._requests:
            request.Start()

    def end(self) -> None:
        for request in self._requests:
            request.Wait()
        for cells, buffer in self._receive:
            self._u[cells] = buffer


def _launched() -> bool:
    """Whether mpirun or srun started this process, by its environment."""
    sizes = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS")
    return any(name in os.environ for name in sizes)


def start_mpi_under_a_launcher_only() -> None:
    """Let libraries that import mpi4py not start MPI in a process of its own: it has no use for it, and could not start mpirun then."""
    if not _launched():
        import mpi4py

        mpi4py.rc.initialize = False


def world() -> Comm:
    """`Mpi` under mpirun or srun, `Serial` elsewhere."""
    if not _launched():
        return Serial()
    comm = Mpi()
    return comm if comm.size > 1 else Serial()


@contextlib.contextmanager
def abort_on_error(comm: Comm) -> Iterator[None]:
    """A rank that fails alone takes the others down instead of leaving them waiting in a collective call.

    A wrong input and an unstable run are found on all ranks at once: such errors pass.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, InputError | RunError) and not isinstance(error, WriteError):
            raise
        if comm.size > 1:
            print(f"error: {error}", file=sys.stderr) if isinstance(error, WriteError) else traceback.print_exc()
            sys.stderr.flush()
            from mpi4py import MPI

            MPI.COMM_WORLD.Abort(1)
        raise
