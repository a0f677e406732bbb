from pathlib import Path

import numpy as np
import pytest

from meshes import rectangle
from meshes.core.partition import bisect
from solvers.core.comm import Serial, world


def mesh_and_part(comm):
    mesh = rectangle.build(rectangle.Params(4.0, 3.0, 0.3), folder=Path())
    return mesh, mesh.part(comm.rank, comm.size, bisect(mesh.centroids, comm.size))


@pytest.mark.ranks(1, 2, 3, 4)
def test_an_exchange_fills_every_ghost_with_its_owners_value(mpi_ranks):
    comm = world()
    assert comm.size == mpi_ranks
    mesh, part = mesh_and_part(comm)
    u = np.full((len(part.cells), 2), np.nan)
    for turn in (1.0, 2.0):  # the second time with the same plan
        u[: part.owned] = turn * mesh.centroids[part.cells[: part.owned]]
        u[part.owned :] = np.nan
        comm.begin(u, part.halo)
        comm.end()
        assert (u == turn * mesh.centroids[part.cells]).all()


@pytest.mark.ranks(1, 2, 3)
def test_blocks_are_in_mesh_order_and_cover_it_once(mpi_ranks):
    comm = world()
    mesh, part = mesh_and_part(comm)
    blocks = comm.blocks(part.cells[: part.owned], len(mesh.triangles))
    block = blocks(mesh.centroids[part.cells[: part.owned]])
    assert (block == mesh.centroids[blocks.start : blocks.stop]).all()
    whole = np.concatenate(comm.gather(block))
    assert (whole == mesh.centroids).all()


@pytest.mark.ranks(1, 2, 3)
def test_reductions_are_exact(mpi_ranks):
    comm = world()
    mine = np.array([float(comm.rank), -float(comm.rank)])
    assert comm.min(mine).tolist() == [0.0, 1.0 - comm.size]
    assert comm.max(mine).tolist() == [comm.size - 1.0, 0.0]
    assert comm.sum(np.array([comm.rank + 1])).tolist() == [comm.size * (comm.size + 1) // 2]
    assert comm.gather(comm.rank) == list(range(comm.size))
    assert comm.broadcast(f"from {comm.rank}") == "from 0"


def test_one_rank_needs_no_mpi(monkeypatch):
    for name in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)
    assert isinstance(world(), Serial)
