"""The networks of zipgan are trained by a real SLURM job, on two ranks, and go on from their checkpoint when it is submitted again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import daemons
import numpy as np
import pytest
from daemons import told
from waiting import until

pytest.importorskip("constriction")
pytest.importorskip("torch")

from steep import solenoidal

from pipeline.compression.codecs.zipgan import samples, weights

TEMPLATE = Path(__file__).resolve().parents[2] / "jobs" / "slurm" / "templates" / "train_zipgan.sbatch"


@pytest.fixture
def running(tmp_path):
    if missing := daemons.missing():
        pytest.skip(f"missing: {missing}")
    folder = tmp_path / "slurm"
    try:
        yield daemons.start(folder) | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin"}
    finally:
        daemons.stop(folder)


def trained(folder: Path, steps: int, environment: dict[str, str]) -> list[int]:
    """Steps whose losses the log has, after a job that trains up to ``steps``."""
    asked = f"ALL,SAMPLES={folder}/samples,OUT={folder}/stage,STEPS={steps},PROCESSES=2,SET=every=5"
    command = ["sbatch", "--wait", "--cpus-per-task=2", "--time=10", f"--output={folder}/job.log", f"--export={asked}", str(TEMPLATE)]
    subprocess.run(command, env=environment, cwd=folder, capture_output=True, timeout=400, check=False)
    until(lambda: not told(["squeue", "-h"], environment).strip(), 30.0)
    log = folder / "stage" / "log.jsonl"
    assert log.exists(), (folder / "job.log").read_text()
    return [json.loads(line)["step"] for line in log.read_text().splitlines()]


@pytest.mark.slow
def test_two_ranks_train_in_a_job_and_go_on_in_the_next(running, tmp_path):
    (tmp_path / "samples").mkdir()
    samples.save_sample(tmp_path / "samples" / "a.npz", samples.sample(solenoidal(24, 1, steep=3.0), 300.0))
    assert trained(tmp_path, 5, running) == [5]
    first = np.load(tmp_path / "stage" / "checkpoint.npz", allow_pickle=False)
    assert trained(tmp_path, 10, running) == [5, 10]
    last = np.load(tmp_path / "stage" / "checkpoint.npz", allow_pickle=False)
    assert first.files == last.files
    shipped = tmp_path / "weights.npz"
    command = [sys.executable, "-m", "jobs.train_zipgan", "weights", str(tmp_path / "stage" / "checkpoint.npz"), str(shipped)]
    subprocess.run(command, check=True, capture_output=True)
    assert weights.read(shipped).arrays
