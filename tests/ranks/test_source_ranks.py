"""A bed that moves, on several ranks, and gone on with in the middle of the rise: the same bits."""

import json
from pathlib import Path

import h5py
import pytest
from conftest import long
from test_same_bits import assert_same, run_on, write_case

from pipeline.core import case
from solvers.core.comm import Serial
from solvers.core.run import run_case

FAULT = {"kind": "okada", "depth": 6e3, "reference": "top", "length": 6e4, "width": 3e4, "dip": 20.0, "rake": 90.0, "slip": 4.0}
RISES = {
    "mesh.width": 400e3,
    "mesh.height": 200e3,
    "mesh.size": 12e3,
    "mesh.bathymetry": {"kind": "bump", "depth": 2000.0, "height": 2300.0, "width": 40e3, "centre": [150e3, 100e3]},
    "solver.boundary": {},
    "source": [
        {**FAULT, "x": 80e3, "y": 90e3, "strike": 0.0, "time": 50.0, "rise": 300.0, "negligible": 0.01},
        {**FAULT, "x": 120e3, "y": 150e3, "strike": 200.0, "negligible": 0.01},
    ],
    "time": {"end": 400.0, "every": 50.0},
    "gauges": {"near": [70e3, 90e3], "far": [380e3, 30e3]},
}


@pytest.fixture(scope="module", params=["global", "local"])
def alone(tmp_path_factory, request) -> Path:
    """The run on one rank."""
    folder = tmp_path_factory.mktemp("alone")
    summary = run_case(case.read(write_case(folder, **RISES, **{"solver.time_steps": request.param})), folder, Serial())
    assert abs(summary["mass_drift"]) < 1e-14
    with h5py.File(folder / "run.h5") as file:
        assert (file["maxima/speed"][...] == 0.0).any()  # water that is never computed
    return folder


@pytest.mark.parametrize("ranks", [long(2), 3])
def test_a_bed_that_moves_gives_the_same_bits(alone, tmp_path, ranks):
    run_on(ranks, alone / "flood.toml", tmp_path / "run")
    assert_same(alone, tmp_path / "run")
    one, other = (json.loads((folder / "summary.json").read_text()) for folder in (alone, tmp_path / "run"))
    for key in ("steps", "mass_drift", "dt_min", "runup", "highest_surface", "greatest_speed"):
        assert one[key] == other[key]


def test_it_goes_on_in_the_middle_of_the_rise_with_the_same_bits(alone, tmp_path):
    folder = tmp_path / "run"
    run_on(3, alone / "flood.toml", folder, "run_until", 8)
    run_on(1, alone / "flood.toml", folder)
    assert_same(alone, folder)
