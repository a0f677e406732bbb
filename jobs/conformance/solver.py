"""Conformance of a solver."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from jobs.conformance.params import ParamsTests
from jobs.conformance.same import different, once, refused
from pipeline.core import case as cases
from pipeline.core.case import Case
from pipeline.core.errors import InputError
from pipeline.core.outline import frame_times
from pipeline.core.params import Spec, build
from pipeline.store.check import validate
from pipeline.store.layout import MESHES
from pipeline.store.reader import Store
from solvers.core.comm import Serial
from solvers.core.load import load_of
from solvers.core.run import mesh_of, run_case

Tables = Mapping[str, Any]


def ran(tables: Tables, folder: Path, **changed: Any) -> dict[str, Any]:
    """The summary of a run of the case in ``tables``, with ``changed`` keys such as ``time__end``, in ``folder``."""
    folder.mkdir(exist_ok=True)
    overrides = {key.replace("__", "."): value for key, value in changed.items()}
    return run_case(cases.parse(cases.with_overrides(tables, overrides), folder), folder, Serial())


class SolverTests(ParamsTests):
    """Tests of a solver, by a short case of it of three frames or more.

    Attributes
    ----------
    conservation_error
        The most by which the conserved quantity (`Model.mass`) may change in the case; None where it is not conserved there.
    """

    package: ClassVar[str] = "solvers"
    conservation_error: ClassVar[float | None] = 1e-12

    @pytest.fixture
    def tables(self) -> Tables:
        """A case: its tables ``mesh``, ``solver`` and ``time``."""
        raise NotImplementedError

    @pytest.fixture
    def asked(self, tables: Tables) -> Spec:
        """The solver and its parameters, as the case has them."""
        return Spec(tables["solver"]["kind"], {key: value for key, value in tables["solver"].items() if key != "kind"})

    @pytest.fixture
    def case(self, tables: Tables, tmp_path: Path) -> Case:
        """The case."""
        return cases.parse(tables, tmp_path)

    @pytest.fixture
    def model(self, asked: Spec, case: Case) -> Any:
        """The model on one rank."""
        return self.built(asked, case)

    def built(self, asked: Spec, case: Case, **changed: Any) -> Any:
        """The model on one rank, with the parameters ``changed``."""
        module, mesh = self.module(asked), mesh_of(case)
        params = build(module.Params, {**asked.table, **changed}, "solver")
        return module.build(mesh, mesh.share(Serial()), Serial(), params, gauges=case.gauges, folder=case.folder)

    @pytest.fixture
    def done(self, tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
        """The folder of a run of the case, and its summary; it is made once for all tests."""

        def made(tables: Tables) -> tuple[Path, dict[str, Any]]:
            folder = tmp_path_factory.mktemp("run")
            return folder, ran(tables, folder)

        found: tuple[Path, dict[str, Any]] = once(made, tables)
        return found

    def test_a_run_holds_what_the_solver_says_it_stores(self, asked: Spec, case: Case, done: Any) -> None:
        folder, summary = done
        validate(folder / "run.h5")
        assert json.dumps(summary, allow_nan=False)
        module = self.module(asked)
        with Store(folder / "run.h5") as store:
            stored = module.stored(build(module.Params, asked.table, "solver"), store.mesh_kind)
            assert set(store.fields) == set(stored.fields)
            assert np.array_equal(store.times, np.asarray(frame_times(case.time)))
            for name, field in store.fields.items():
                values = np.asarray(store.field(name))
                assert np.isfinite(values).all(), name
                assert field.unit and field.long_name, name
                if stored.members:
                    assert values.shape[1] == stored.members, name
            for name in stored.maxima:
                assert np.shape(store.maximum(name)) == values.shape[1:], name
            assert not (case.gauges and not stored.gauges)

    def test_the_same_case_gives_the_same_bits(self, tables: Tables, done: Any, tmp_path: Path) -> None:
        ran(tables, tmp_path)
        assert different(done[0] / "run.h5", tmp_path / "run.h5") == []

    def test_a_run_that_goes_on_has_the_same_bits_as_one_that_was_never_stopped(self, tables: Tables, done: Any, tmp_path: Path) -> None:
        every = float(tables["time"]["every"])
        summary = ran(tables, tmp_path, time__end=every)
        assert summary["t_end"] == pytest.approx(every, rel=1e-9)
        ran(tables, tmp_path)
        assert different(done[0] / "run.h5", tmp_path / "run.h5") == []

    def test_what_is_conserved_is_conserved(self, done: Any) -> None:
        if self.conservation_error is not None:
            assert abs(done[1]["mass_drift"]) <= self.conservation_error

    def test_a_value_that_is_not_finite_is_noticed_and_its_place_said(self, model: Any) -> None:
        u = model.initial()
        assert model.max_dt(u) > 0.0
        u.reshape(-1)[u.size // 3] = np.nan
        assert model.max_dt(u) < 0.0
        place, words, what = model.fault(u)
        assert 0 <= place <= u.size and words and what

    def test_writing_a_state_leaves_it_as_it_is(self, model: Any) -> None:
        u = model.initial()
        before = u.copy()
        written = {name: np.array(values) for name, values in model.output(u).items()}
        assert np.array_equal(u, before, equal_nan=True)
        assert set(written) == {field.name for field in model.fields}
        for name, values in model.output(u).items():
            assert np.array_equal(written[name], values), name

    def test_values_of_a_file_come_back(self, asked: Spec, case: Case) -> None:
        """A forecast of an ensemble begins with them, a member at a time."""
        model = self.built(asked, case, **({"members": 1} if "members" in asked.table else {}))
        if not hasattr(model, "from_values"):
            return
        values = model.to_values(model.initial())
        again = model.to_values(model.from_values(values))
        assert again == pytest.approx(values, rel=1e-12, abs=1e-12 * float(np.abs(values).max()))

    def test_meshes_of_other_kinds_are_refused_in_one_line(self, asked: Spec, case: Case) -> None:
        module = self.module(asked)
        params, own = build(module.Params, asked.table, "solver"), mesh_of(case).kind
        for kind in MESHES:
            try:
                assert module.stored(params, kind).fields
            except InputError as error:
                assert kind != own and len(str(error).splitlines()) == 1

    def test_a_gauge_off_the_mesh_is_refused(self, asked: Spec, case: Case, tables: Tables, tmp_path: Path) -> None:
        module = self.module(asked)
        stored = module.stored(build(module.Params, asked.table, "solver"), mesh_of(case).kind)
        if stored.gauges:
            with refused():
                ran({**tables, "gauges": {"far": [1e9, 1e9]}}, tmp_path)

    def test_its_load_is_that_of_the_run(self, case: Case, done: Any) -> None:
        load = load_of(case)
        with Store(done[0] / "run.h5") as store:
            assert load.cells == math.prod(np.shape(store.field(next(iter(store.fields)))[0]))
        assert load.stages == done[1]["stages"] and load.dt > 0.0

    def test_its_part_of_the_page_is_drawn_and_said(self, asked: Spec, done: Any) -> None:
        from matplotlib import pyplot as plt

        from solvers.core.figures import part_of

        part = part_of(asked.kind)
        with Store(done[0] / "run.h5") as store:
            pictures = part.draw(store, [0, len(store.times) - 1])
        assert pictures
        for name, picture in pictures.items():
            assert name and picture.means and picture.figure.axes
            plt.close(picture.figure)
        for name, value in part.facts(done[1]):
            assert name and value
