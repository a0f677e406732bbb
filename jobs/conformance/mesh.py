"""Conformance of a mesh."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from jobs.conformance.params import ParamsTests
from jobs.conformance.same import once
from pipeline.core.params import Spec, build
from pipeline.store.layout import MESHES
from solvers.core.comm import Serial

ROUND_OFF = 1e-12  # of a sum over cells, over the sum of sizes
SIZES = (1, 2, 3, 7)  # numbers of ranks


class MeshTests(ParamsTests):
    """Tests of a mesh; `ParamsTests.asked` says which."""

    package: ClassVar[str] = "meshes"
    folder: ClassVar[Path] = Path()  # where files that the table names are looked for

    def build(self, asked: Spec) -> Any:
        """The mesh, built anew."""
        module = self.module(asked)
        return module.build(build(module.Params, asked.table, "mesh"), folder=self.folder)

    @pytest.fixture
    def mesh(self, asked: Spec) -> Any:
        """The mesh, built once for all tests."""
        return once(self.build, asked)

    def test_the_same_parameters_give_the_same_bits(self, asked: Spec, mesh: Any) -> None:
        again = self.build(asked)
        assert again.hash == mesh.hash
        for name, array in again.arrays().items():
            assert np.asarray(array).tobytes() == np.asarray(mesh.arrays()[name]).tobytes(), name

    def test_its_arrays_are_those_of_its_kind_in_a_file(self, asked: Spec, mesh: Any) -> None:
        module, layout = self.module(asked), MESHES[mesh.kind]
        kind_of = getattr(module, "kind_of", lambda params: "triangles")
        assert kind_of(build(module.Params, asked.table, "mesh")) == mesh.kind
        sizes: dict[str, int] = {}
        assert set(mesh.arrays()) | layout.optional == set(layout.dimensions)
        for name, array in mesh.arrays().items():
            assert np.isfinite(array).all(), name
            for dimension, size in zip(layout.dimensions[name], np.shape(array), strict=True):
                assert sizes.setdefault(dimension, size) == size, f"{name} along {dimension}"
        for name in layout.positive:
            assert (np.asarray(mesh.arrays()[name]) > 0.0).all(), name
        for name, (target, least) in layout.indices.items():
            array = np.asarray(mesh.arrays()[name])
            assert array.min() >= least and array.max() < sizes[target], name
        assert mesh.dofs == tuple(sizes[dimension] for dimension in layout.field_dimensions if dimension != "member")

    def test_its_cells_or_points_fill_the_domain(self, mesh: Any) -> None:
        if mesh.kind != "triangles":
            for axis, length in zip("xyz", mesh.arrays()["length"], strict=False):
                places = mesh.arrays()[axis]
                assert places == pytest.approx(np.arange(len(places)) * (length / len(places)), rel=1e-12, abs=0.0)
            return
        corners = mesh.vertices[mesh.triangles]
        one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        flat = 0.5 * (one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])
        if mesh.chart:  # areas are on the sphere
            stretch = mesh.chart.stretch(corners)
            least = np.where(np.ptp(np.sign(corners[..., 1]), axis=1) > 0.0, 1.0, stretch.min(axis=1))  # at the equator there is none
            assert (flat / stretch.max(axis=1) ** 2 < mesh.areas).all() and (mesh.areas < flat / least**2 * (1.0 + ROUND_OFF)).all()
        else:
            assert mesh.areas == pytest.approx(flat, rel=1e-9)
        assert flat.sum() == pytest.approx(self._enclosed(mesh), rel=ROUND_OFF)

    def _enclosed(self, mesh: Any) -> float:
        """The area within the boundary, by Gauss' theorem along an axis that the mesh does not repeat itself along."""
        axis = next((axis for axis in (0, 1) if not mesh.period[axis]), None)
        if axis is None:
            return float(np.prod(mesh.period))
        outer = mesh.boundary >= 0
        return float((mesh.midpoints[outer, axis] * mesh.normals[outer, axis] * _straight(mesh)[outer]).sum())

    def test_the_edges_of_every_cell_close(self, mesh: Any) -> None:
        if mesh.kind != "triangles":
            return
        cells = np.arange(len(mesh.triangles))[:, None]
        outward = np.where(mesh.edge_cells[mesh.cell_edges, 0] == cells, 1.0, -1.0)
        lengths = _straight(mesh)[mesh.cell_edges]
        gap = (outward[..., None] * mesh.normals[mesh.cell_edges] * lengths[..., None]).sum(axis=1)
        assert np.hypot(*gap.T) == pytest.approx(0.0, abs=ROUND_OFF * float(lengths.max()))
        assert set(mesh.boundary[mesh.edge_cells[:, 1] < 0]) == set(range(len(mesh.boundary_names)))

    def test_any_share_of_the_cells_has_each_once_and_ranks_send_what_others_receive(self, mesh: Any) -> None:
        if mesh.kind != "triangles":
            assert mesh.share(Serial()) is None  # how ranks share a box is the solver's matter
            return
        count = len(mesh.triangles)
        assert sorted(mesh.share(Serial()).cells) == list(range(count))
        for size in (size for size in SIZES if size <= count):
            owner = np.random.default_rng([size]).permutation(np.arange(count) % size).astype(np.int32)  # scattered: the worst there is
            parts = [mesh.part(rank, size, owner) for rank in range(size)]
            assert sorted(cell for part in parts for cell in part.cells[: part.owned]) == list(range(count))
            sent = {(rank, to): part.cells[cells] for rank, part in enumerate(parts) for to, cells in part.halo.send}
            received = {(source, rank): part.cells[cells] for rank, part in enumerate(parts) for source, cells in part.halo.recv}
            assert sent.keys() == received.keys()
            for pair, cells in sent.items():
                assert np.array_equal(cells, received[pair]), pair
                assert (owner[cells] == pair[0]).all()
            for part in parts:
                ghosts = [cell for _, cells in part.halo.recv for cell in cells]
                assert sorted(ghosts) == list(range(part.owned, len(part.cells)))


def _straight(mesh: Any) -> Any:
    """Lengths of the edges (E,) [m] between their vertices; on the sphere those on its map."""
    return np.hypot(*(mesh.vertices[mesh.edges[:, 1]] - mesh.vertices[mesh.edges[:, 0]]).T)
