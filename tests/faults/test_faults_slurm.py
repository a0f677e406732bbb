"""The short version of `fault_slurm`; what takes less time is in tests/jobs/test_slurm.py."""

import daemons
import fault_slurm
import pytest
import shim


@pytest.mark.slow
def test_runs_survive_what_slurm_does_to_their_jobs(tmp_path):
    if missing := daemons.missing() or shim.missing():
        pytest.skip(f"missing: {missing}")
    rows = list(fault_slurm.faults(tmp_path, print, each=2))
    assert len(rows) == 5
    assert all(row.survived == row.tried for row in rows), rows
