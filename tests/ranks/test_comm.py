import tomllib
from pathlib import Path

import numpy as np
import pytest
from conftest import HUMP

from meshes import rectangle
from meshes.core.partition import bisect
from pipeline.core import case
from solvers.core.comm import Serial, world
from solvers.core.run import run_case
from solvers.core.writers import Hyperslab, Writers


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


@pytest.mark.ranks(1, 2, 3, 5)
def test_blocks_are_in_mesh_order_and_cover_it_once(mpi_ranks):
    comm = world()
    mesh, part = mesh_and_part(comm)
    for writers in range(1, comm.size + 1):
        blocks = comm.blocks(part.cells[: part.owned], len(mesh.triangles), writers)
        block = blocks(mesh.centroids[part.cells[: part.owned]])
        assert (block == mesh.centroids[blocks.start : blocks.stop]).all()
        whole = comm.gather(block)
        assert sum(len(one) > 0 for one in whole) == writers
        assert (np.concatenate(whole) == mesh.centroids).all()


@pytest.mark.ranks(1, 3)
def test_arrays_of_any_shape_come_to_rank_0(mpi_ranks):
    comm = world()
    found = comm.collect(np.full((comm.rank, 2), comm.rank + 0.5j).T)  # not contiguous, and none of rank 0
    assert [one.shape for one in found] == ([(2, rank) for rank in range(comm.size)] if comm.rank == 0 else [])
    assert all((one == rank + 0.5j).all() for rank, one in enumerate(found))


@pytest.mark.ranks(6)
def test_boxes_are_joined_on_the_first_rank_of_each_group(mpi_ranks):
    """Pencils, 3 x 2: two ranks make a slab, and so do whole rows; three make none, and then every rank writes."""
    comm = world()
    u = np.random.default_rng([3]).standard_normal((6, 4, 5))
    row, column = divmod(comm.rank, 2)
    block = Hyperslab((slice(2 * row, 2 * row + 2), slice(2 * column, 2 * column + 2), slice(0, 5)), u.shape)
    for asked, count in ((1, 1), (2, 6), (3, 3), (6, 6), (9, 6)):
        writers = Writers(comm, asked, [block])
        joined = writers.mover(block)
        found = joined(u[block.place])
        assert writers.count == count
        assert comm.gather(writers.comm is not None).count(True) == count
        assert writers.comm is None or (found.shape == u[joined.place].shape and (found == u[joined.place]).all())


@pytest.mark.ranks(1, 2, 3)
def test_reductions_are_exact(mpi_ranks):
    comm = world()
    mine = np.array([float(comm.rank), -float(comm.rank)])
    assert comm.min(mine).tolist() == [0.0, 1.0 - comm.size]
    assert comm.max(mine).tolist() == [comm.size - 1.0, 0.0]
    assert comm.sum(np.array([comm.rank + 1])).tolist() == [comm.size * (comm.size + 1) // 2]
    assert comm.gather(comm.rank) == list(range(comm.size))
    assert comm.broadcast(f"from {comm.rank}") == "from 0"


@pytest.mark.ranks(2)
def test_a_rank_on_whose_clock_no_time_goes_by_ends_with_the_others(mpi_ranks, tmp_path, monkeypatch):
    """All time of a rank may be that of kernels that it compiles, or waits for."""
    comm = world()
    if comm.rank == 0:
        monkeypatch.setattr("solvers.core.run._clock", lambda compiled: 0.0)
    folder = Path(comm.broadcast(str(tmp_path)))
    summary = run_case(case.parse(tomllib.loads(HUMP), folder), folder, comm)
    assert (summary["status"], summary["wall_s"] == 0.0) == ("done", comm.rank == 0)


def test_one_rank_needs_no_mpi(monkeypatch):
    for name in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)
    assert isinstance(world(), Serial)
