"""Lines of `status` on jobs that SLURM's controller has forgotten, from the accounts of a real slurmdbd."""

import json
import os
import shutil

import accounts
import pytest
from conftest import HUMP, wavetrain
from daemons import told
from test_slurm import ENDS, KS, SWEEP, states
from waiting import until

FORGETS = 2  # [s]


@pytest.fixture
def slurm(monkeypatch, tmp_path):
    """A folder with a campaign, in which `wavetrain` finds a SLURM with accounts."""
    if missing := accounts.missing():
        pytest.skip(f"missing: {missing}")
    try:
        monkeypatch.setattr(os, "environ", accounts.start(tmp_path / "slurm", FORGETS))
        for name, text in (("hump.toml", HUMP), ("sweep.toml", SWEEP), ("ks.toml", KS)):
            (tmp_path / name).write_text(text)
        yield tmp_path
    finally:
        accounts.stop(tmp_path / "slurm")


@pytest.mark.slow
def test_jobs_that_squeue_no_longer_shows_are_told_from_the_accounts(slurm):
    done = wavetrain("run", "sweep.toml", "--on", "local_slurm", "--out", "out", cwd=slurm)
    assert done.returncode == 0, done.stderr
    until(lambda: not told(["squeue", "-h", "--states=all"], os.environ).strip(), ENDS, every=1.0)
    steps = json.loads((slurm / "out" / "jobs" / "submitted.json").read_text())["steps"]
    ended = {"hump-000": "done", "hump-001": "done", "bad": "failed", "budget": "done", "never": "blocked", "page": "done"}
    assert states(slurm) == ended
    shown = wavetrain("status", "out", cwd=slurm).stdout
    assert f"job {steps['hump-001']['job']} localhost" in shown, shown  # the node is known too
    assert "SLURM does not answer" not in shown
    shutil.rmtree(slurm / "out" / "hump-000")
    assert "SLURM says COMPLETED, but there is no whole result" in wavetrain("status", "out", cwd=slurm).stdout
