"""The active region on several ranks: the same bits, with water that rests on ranks of its own."""

import json
from pathlib import Path

import h5py
import pytest
from conftest import long
from test_same_bits import assert_same, run_on, write_case

from pipeline.core import case
from solvers.core.comm import Serial
from solvers.core.run import run_case
from solvers.tsunami.region import Region

QUIET = {
    "mesh.width": 30.0,
    "mesh.height": 3.0,
    "mesh.bathymetry.centre": [8.0, 1.0],
    "solver.initial": {"kind": "hump", "height": 0.2, "width": 0.8, "centre": [3.0, 1.0]},
    "gauges": {"near": [4.0, 1.0], "far": [27.0, 2.0]},
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The run of all cells on one rank."""
    folder = tmp_path_factory.mktemp("whole")
    path = write_case(folder, **QUIET)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Region, "follow", lambda *_: None)
        run_case(case.read(path), folder, Serial())
    with h5py.File(folder / "run.h5") as file:
        assert (file["maxima/speed"][...] == 0.0).mean() > 0.2  # water that never moves
    return folder


@pytest.mark.parametrize("ranks", [long(2), 3, long(4)])
def test_water_at_rest_is_left_out_on_each_rank(whole, tmp_path, ranks):
    run_on(ranks, whole / "flood.toml", tmp_path / "run")
    assert_same(whole, tmp_path / "run")
    one, other = (json.loads((folder / "summary.json").read_text()) for folder in (whole, tmp_path / "run"))
    assert one["mass_drift"] == other["mass_drift"]
