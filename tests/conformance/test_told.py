"""Plug-ins that do not conform fail the tests of conformance."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from jobs.conformance.codec import CodecTests
from jobs.conformance.initial import KsInitialTests, TsunamiInitialTests
from jobs.conformance.mesh import MeshTests
from jobs.conformance.params import ParamsTests
from jobs.conformance.solver import SolverTests
from meshes.core.box import Box
from pipeline.compression.codecs import zfp
from pipeline.core import case as cases
from pipeline.core import plugin
from pipeline.core.params import Spec, quantity, setting
from solvers.ks.model import Ensemble

POND = {"kind": "rectangle", "width": 4.0, "height": 3.0, "size": 0.5}
LINE = {
    "mesh": {"kind": "box", "length": 20.0, "points": 32},
    "solver": {"kind": "ks", "initial": {"kind": "random", "amplitude": 0.1}},
    "time": {"end": 0.3, "every": 0.1, "dt": 0.05},
}


@dataclass
class Loose:
    """Parameters that can be changed, one without a word, one with a unit that is none."""

    length: float = quantity("lenghts", "a length", default=1.0)
    points: int = setting(default=1)


def test_parameters_without_a_word_or_a_unit_or_that_can_be_changed(monkeypatch):
    tests, asked = ParamsTests(), Spec("loose", {})
    monkeypatch.setattr(tests, "module", lambda asked: SimpleNamespace(Params=Loose))
    with pytest.raises(AssertionError, match="no unit 'lenghts'"):
        tests.test_every_parameter_says_what_it_is_and_in_which_unit(asked)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        tests.test_parameters_are_frozen_and_the_same_of_the_same_table(asked)


def test_a_mesh_that_is_drawn_anew_each_time():
    class Drawn(MeshTests):
        def build(self, asked: Spec) -> Any:
            return Box((float(np.random.default_rng().uniform(1.0, 2.0)),), (16,))

    tests, asked = Drawn(), Spec("box", {"length": 1.0, "points": 16})
    with pytest.raises(AssertionError):
        tests.test_the_same_parameters_give_the_same_bits(asked, tests.build(asked))


def test_a_mesh_with_a_wrong_area_a_wrong_normal_and_a_part_that_lacks_a_cell():
    tests = MeshTests()
    mesh = tests.build(Spec("rectangle", {key: value for key, value in POND.items() if key != "kind"}))
    with pytest.raises(AssertionError):
        tests.test_its_cells_or_points_fill_the_domain(replace(mesh, areas=mesh.areas * (1.0 + 1e-6)))
    with pytest.raises(AssertionError):
        tests.test_the_edges_of_every_cell_close(replace(mesh, normals=-mesh.normals * (np.arange(len(mesh.edges)) == 7)[:, None]))
    owned = type("Less", (), {"__getattr__": lambda self, name: getattr(mesh, name), "share": lambda self, comm: mesh.share(comm)})()
    owned.part = lambda rank, size, owner: replace(part := mesh.part(rank, size, owner), owned=part.owned - 1)
    with pytest.raises(AssertionError):
        tests.test_any_share_of_the_cells_has_each_once_and_ranks_send_what_others_receive(owned)


def test_an_initial_state_that_depends_on_the_share_or_on_the_time_of_day(tmp_path):
    case = cases.parse({"mesh": POND, "solver": {"kind": "tsunami"}, "time": {"end": 1.0, "every": 0.5}}, tmp_path)
    with pytest.raises(AssertionError):
        TsunamiInitialTests().test_any_split_gives_the_same_values(lambda x, y, level, g: (x - x.mean(), 0.0 * x, 0.0 * x), case)
    line = cases.parse(LINE, tmp_path)
    with pytest.raises(AssertionError):
        KsInitialTests().test_any_split_gives_the_same_values(lambda phases, drawn: np.random.default_rng().normal(size=32), line)


def test_a_model_that_saves_less_than_it_needs(tmp_path, monkeypatch):
    tests = SolverTests()
    found = (tmp_path / "done", tests)
    from jobs.conformance.solver import ran

    forgetful = Ensemble.step

    def step(self: Ensemble, t: float, u: Any, dt: float) -> None:
        self.count = getattr(self, "count", 0) + 1  # is not saved
        forgetful(self, t, u, dt)
        u *= 1.0 + 1e-9 * self.count

    monkeypatch.setattr(Ensemble, "step", step)
    ran(LINE, found[0])
    (tmp_path / "again").mkdir()
    with pytest.raises(AssertionError):
        tests.test_a_run_that_goes_on_has_the_same_bits_as_one_that_was_never_stopped(LINE, found, tmp_path / "again")


def test_a_model_that_does_not_notice_what_is_not_finite(tmp_path, monkeypatch):
    tests = SolverTests()
    case = cases.parse(LINE, tmp_path)
    monkeypatch.setattr(Ensemble, "max_dt", lambda self, u: np.inf)
    with pytest.raises(AssertionError):
        tests.test_a_value_that_is_not_finite_is_noticed_and_its_place_said(tests.built(Spec("ks", {}), case))


@pytest.mark.parametrize("fault", ["shape", "drawn"])
def test_a_codec_that_loses_a_point_or_draws_lots(monkeypatch, fault):
    tests, codec = CodecTests(), plugin.load(CodecTests.package, "zfp")
    honest = zfp.decode
    if fault == "shape":
        monkeypatch.setattr(codec, "decode", lambda data: honest(data)[..., 1:])
    else:
        monkeypatch.setattr(codec, "decode", lambda data: honest(data) + np.random.default_rng().normal() * 1e-9)
    with pytest.raises(AssertionError):
        if fault == "shape":
            tests.test_what_it_takes_it_keeps_to_the_target("zfp", codec, "plane")
            tests.test_it_takes_something("zfp", codec)
        else:
            tests.test_the_same_values_give_the_same_bytes_which_decode_to_the_same_bits("zfp", codec)
