"""Conformance of an initial state of a solver."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.conformance.params import ParamsTests
from pipeline.core import case as cases
from pipeline.core import plugin
from pipeline.core.case import Case
from pipeline.core.params import Spec, build
from solvers.core.comm import Serial
from solvers.core.run import mesh_of


class InitialTests(ParamsTests):
    """Tests of an initial state, by a case that it suits: `asked` says which, ``package`` of which solver, `tables` on which mesh."""

    @pytest.fixture
    def tables(self) -> Mapping[str, Any]:
        """The tables of a case; its ``solver.initial`` does not count."""
        raise NotImplementedError

    @pytest.fixture
    def case(self, asked: Spec, tables: Mapping[str, Any], tmp_path: Path) -> Case:
        """The case with this initial state."""
        return cases.parse({**tables, "solver": {**tables["solver"], "initial": {"kind": asked.kind, **asked.table}}}, tmp_path)

    @pytest.fixture
    def start(self, asked: Spec) -> Any:
        """The initial state's parameters, which make it."""
        return build(self.module(asked).Params, asked.table, "solver.initial")

    def model(self, case: Case) -> Any:
        """A model that begins with it, built anew."""
        solver, mesh = plugin.load("solvers", case.solver.kind), mesh_of(case)
        params = build(solver.Params, case.solver.table, "solver")
        return solver.build(mesh, mesh.share(Serial()), Serial(), params, gauges={}, folder=case.folder)

    def test_the_fields_are_finite_and_of_the_shape_that_is_stored(self, case: Case) -> None:
        model = self.model(case)
        output = model.output(model.initial())
        for field in model.fields:
            assert np.shape(output[field.name]) == tuple(model.shape), field.name
            assert np.isfinite(output[field.name]).all(), field.name
        assert model.max_dt(model.initial()) > 0.0

    def test_it_is_the_same_every_time(self, case: Case) -> None:
        one, other = self.model(case), self.model(case)
        u = one.initial()
        assert u.tobytes() == one.initial().tobytes() == other.initial().tobytes()

    def parts(self, start: Any, case: Case) -> tuple[Any, Any] | None:
        """The state that ``start`` makes at once, and the same put together from parts of the mesh; None where a state is not made so."""
        return None

    def test_any_split_gives_the_same_values(self, start: Any, case: Case) -> None:
        made = self.parts(start, case)
        if made is not None:
            whole, together = (np.asarray(one) for one in made)
            assert whole.size and whole.shape == together.shape
            assert whole.tobytes() == together.tobytes()


class TsunamiInitialTests(InitialTests):
    """Tests of an initial state of solver ``tsunami``: it is called with places, any of them at a time."""

    package = "solvers.tsunami.initial"

    def parts(self, start: Any, case: Case) -> tuple[Any, Any]:
        sea: Any = mesh_of(case)  # triangles
        x, y = sea.centroids.T
        cut = [np.arange(len(x)) % 3 == part for part in range(3)]
        together = np.empty((3, len(x)))
        for some in cut:
            together[:, some] = start(x[some], y[some], 0.0, 9.81)
        return np.stack(start(x, y, 0.0, 9.81)), together


class KsInitialTests(InitialTests):
    """Tests of an initial state of solver ``ks``: a member's is drawn by its own number, whoever computes it."""

    package = "solvers.ks.initial"

    def parts(self, start: Any, case: Case) -> tuple[Any, Any]:
        from solvers.ks.initial import states

        dofs = mesh_of(case).dofs
        each = [states(start, dofs, 5, np.array([member])) for member in (3, 1, 0, 2)]
        return states(start, dofs, 5, np.array([3, 1, 0, 2])), np.concatenate(each)


class TurbulenceInitialTests(InitialTests):
    """Tests of an initial state of solver ``turbulence``: velocities at any points, or energies of shells."""

    package = "solvers.turbulence.initial"

    def parts(self, start: Any, case: Case) -> tuple[Any, Any] | None:
        if hasattr(start, "energies"):
            return None
        z, y, x = (2.0 * np.pi * np.arange(count) / count for count in mesh_of(case).dofs)
        phases = x, y[:, None], z[:, None, None]
        each = [np.stack(start.velocity(*phases[:2], some)) for some in np.array_split(phases[2], 3)]
        return np.stack(start.velocity(*phases)), np.concatenate(each, axis=1)

    def test_energies_are_of_shells_and_none_is_of_the_mean(self, start: Any) -> None:
        if not hasattr(start, "energies"):
            return
        for shells in (5, 9):
            energies = start.energies(shells)
            assert energies.shape == (shells,)
            assert energies[0] == 0.0 and (energies >= 0.0).all() and energies.sum() > 0.0
