"""A mesh that one rank of a node builds is seen by all of them; several nodes are groups of this machine's ranks."""

from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from meshes import box, rectangle
from meshes.core.trimesh import TriMesh
from pipeline.core.errors import InputError
from solvers.core import node
from solvers.core.comm import world

A_NODE = 2  # ranks


class Nodes:
    """A communicator whose ranks stand on nodes of `A_NODE` ranks each."""

    def __init__(self, comm):
        self._comm = comm
        self.allgather = comm.allgather

    def Split_type(self, kind):  # as mpi4py names it
        return self._comm.Split(self._comm.rank // A_NODE, self._comm.rank)


def built() -> TriMesh:
    return rectangle.build(rectangle.Params(4.0, 3.0, 0.3), folder=Path())


def on_nodes(comm, make):
    from mpi4py import MPI

    return node.once_a_node(MPI, Nodes(comm.handle), make)


@pytest.mark.ranks(2, 3)
def test_one_rank_builds_and_all_see_the_same_memory(mpi_ranks):
    comm, calls = world(), []
    mesh = comm.once_a_node(lambda: calls.append(0) or built())
    assert comm.gather(len(calls)) == [1] + [0] * (comm.size - 1)
    alone = built()
    for field in fields(TriMesh):
        ours, theirs = getattr(mesh, field.name), getattr(alone, field.name)
        assert type(ours) is type(theirs)
        assert np.array_equal(ours, theirs)
        assert not isinstance(ours, np.ndarray) or (ours.dtype == theirs.dtype and ours.flags.c_contiguous)
    comm.barrier()
    if comm.rank == comm.size - 1:
        mesh.bed[7] = 123.0  # nobody does this but to see whose memory it is
    comm.barrier()
    assert mesh.bed[7] == 123.0


@pytest.mark.ranks(5)
def test_each_node_builds_its_own(mpi_ranks):
    comm, calls = world(), []
    mesh = on_nodes(comm, lambda: calls.append(0) or built())
    assert comm.gather(len(calls)) == [1, 0, 1, 0, 1]
    mesh.bed[comm.rank % A_NODE] = comm.rank
    comm.barrier()
    first = comm.rank - comm.rank % A_NODE
    assert mesh.bed[:2].tolist() == ([first, first + 1] if first + 1 < comm.size else [first, built().bed[1]])


@pytest.mark.ranks(4)
def test_what_is_wrong_on_one_node_is_told_on_all(mpi_ranks):
    comm = world()

    def make():
        if comm.rank == A_NODE:
            raise InputError("no such bed")
        return built()

    with pytest.raises(InputError, match="no such bed"):
        on_nodes(comm, make)


@pytest.mark.ranks(2)
def test_without_room_every_rank_has_its_own(mpi_ranks, monkeypatch, caplog):
    comm = world()
    monkeypatch.setattr(node.shutil, "disk_usage", lambda place: SimpleNamespace(free=1000))
    mesh = comm.once_a_node(built)
    mesh.bed[0] = comm.rank
    comm.barrier()
    assert mesh.bed[0] == comm.rank
    assert ("has no room for the mesh" in caplog.text) == (comm.rank == 0)


@pytest.mark.ranks(2)
def test_a_mesh_without_arrays_is_handed_on(mpi_ranks):
    mesh = world().once_a_node(lambda: box.build(box.Params(length=(2.0, 1.0), points=(16, 8)), folder=Path()))
    assert mesh.points == (16, 8)
