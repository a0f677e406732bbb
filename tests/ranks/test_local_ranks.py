"""Local time stepping on several ranks, and gone on with: the same bits."""

import json
from pathlib import Path

import pytest
from conftest import long
from test_same_bits import assert_same, run_on, write_case

from pipeline.core import case
from solvers.core.comm import Serial
from solvers.core.run import run_case

FINER = {"solver.time_steps": "local", "mesh.refine": [{"centre": [4.5, 3.0], "radius": 0.3, "size": 0.06, "growth": 0.3}], "time.end": 2.0}


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Path:
    """The run on one rank."""
    folder = tmp_path_factory.mktemp("alone")
    summary = run_case(case.read(write_case(folder, **FINER)), folder, Serial())
    assert abs(summary["mass_drift"]) < 1e-13
    return folder


@pytest.mark.parametrize("ranks", [long(2), 3])
def test_cells_with_steps_of_their_own_give_the_same_bits(alone, tmp_path, ranks):
    run_on(ranks, alone / "flood.toml", tmp_path / "run")
    assert_same(alone, tmp_path / "run")
    one, other = (json.loads((folder / "summary.json").read_text()) for folder in (alone, tmp_path / "run"))
    for key in ("steps", "mass_drift", "dt_min", "runup", "highest_surface", "greatest_speed"):
        assert one[key] == other[key]


def test_they_go_on_from_a_frame_with_the_same_bits(alone, tmp_path):
    folder = tmp_path / "run"
    path = write_case(tmp_path, **FINER)
    run_on(3, path, folder, "run_until", 10)
    run_on(1, path, folder)
    assert_same(alone, folder)
