"""64 ranks, many more than there are cores, give the same bits as one, or the same to round-off where transforms are cut across ranks."""

import subprocess
import sys
from pathlib import Path

import pytest
import test_ks_ranks
import test_turbulence_ranks
from test_same_bits import assert_same, environment, run_on, write_case

from jobs.local.launch import mpirun
from pipeline.store.check import validate

RANKS = 64

pytestmark = pytest.mark.slow  # starting 64 processes on two cores takes half a minute


def run_on_many(path: Path, folder: Path) -> None:
    folder.mkdir()
    command = [*mpirun(RANKS), sys.executable, "-m", "jobs.local.rank", str(path), str(path.parent), str(folder)]
    env = environment() | {"OMPI_MCA_mpi_yield_when_idle": "1"}  # a rank that waits leaves its core to the others
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=600)
    assert done.returncode == 0 and '"event": "error"' not in done.stdout, done.stdout[-500:] + done.stderr
    validate(folder / "run.h5")


def test_a_flood_has_the_same_bits_on_64_ranks(tmp_path):
    changes = {"time.end": 0.5, "time.every": 0.25, "output.checkpoint": 600.0}  # 64 ranks on two cores take long for a step
    path = write_case(tmp_path, **{"solver.initial": {"kind": "hump", "height": 0.2, "width": 1.5, "centre": [3.0, 3.0]}} | changes)
    run_on(1, path, tmp_path / "1")
    run_on_many(path, tmp_path / "many")
    assert_same(tmp_path / "1", tmp_path / "many")


def test_an_ensemble_has_the_same_bits_on_64_ranks(tmp_path):
    path = test_ks_ranks.write_case(tmp_path, **{"solver.members": 70})
    run_on(1, path, tmp_path / "1")
    run_on_many(path, tmp_path / "many")
    assert_same(tmp_path / "1", tmp_path / "many")


def test_a_plane_in_64_slabs_is_that_of_one_rank_to_round_off(tmp_path):
    plane = test_ks_ranks.PLANE | {"mesh": {"kind": "box", "length": [60.0, 40.0], "points": [128, 96]}, "solver.members": 1}
    path = test_ks_ranks.write_case(tmp_path, **plane)
    run_on(1, path, tmp_path / "1")
    run_on_many(path, tmp_path / "many")
    test_ks_ranks.assert_close(tmp_path / "1", tmp_path / "many")


def test_a_cube_in_64_pencils_is_that_of_one_rank_to_round_off(tmp_path):
    path = test_turbulence_ranks.write_case(tmp_path, **{"solver.cut": "pencils", "mesh.points": [24, 20, 28]})  # 8 x 8 pencils
    run_on(1, path, tmp_path / "1")
    run_on_many(path, tmp_path / "many")
    test_turbulence_ranks.assert_close(tmp_path / "1", tmp_path / "many")
