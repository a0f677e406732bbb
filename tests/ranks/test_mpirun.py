"""A run as it is started for real, ``mpirun python -m jobs.local.rank``: the same bits as on the ranks that tests have in common."""

import subprocess
import sys
from pathlib import Path

import pytest
import test_ks_ranks
import test_same_bits
import test_turbulence_ranks
from test_same_bits import assert_same, environment, run_on

from jobs.local.launch import mpirun

RANKS = 2


def start(path: Path, folder: Path) -> None:
    folder.mkdir()
    command = [*mpirun(RANKS), sys.executable, "-m", "jobs.local.rank", str(path), str(path.parent), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False, timeout=300)
    assert done.returncode == 0 and '"event": "error"' not in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", [test_same_bits, test_ks_ranks, test_turbulence_ranks], ids=["tsunami", "ks", "turbulence"])
def test_a_run_that_mpirun_starts_has_the_same_bits(tmp_path, kind):
    path = kind.write_case(tmp_path)
    start(path, tmp_path / "started")
    run_on(RANKS, path, tmp_path / "here")
    assert_same(tmp_path / "started", tmp_path / "here")
