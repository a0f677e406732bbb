"""Campaigns on a real SLURM, whose daemons run on this machine for the time of the tests."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from conftest import wavetrain

from pipeline.store import Store

HUMP = """
[mesh]
kind = "rectangle"
width = 10.0
height = 10.0
size = 1.0
bathymetry = { kind = "flat", depth = 1.0 }
[solver]
kind = "tsunami"
initial = { kind = "hump", height = 0.1, width = 3.0, centre = [5.0, 5.0] }
[time]
end = 0.5
every = 0.25
"""
SWEEP = """
title = "A sweep; it's $(touch hacked) `touch hacked`"
[sweep]
"mesh.size" = [2.0, 1.5, 1.0]
[run.hump]
case = "hump.toml"
[stage.error]
kind = "decompose"
runs = "hump"
reference = "exact"
"""
CONFIGURATION = """
ClusterName=wavetrain
SlurmctldHost=localhost
SlurmUser=root
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
MpiDefault=none
ReturnToService=2
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName=localhost CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes=localhost Default=YES MaxTime=INFINITE State=UP
"""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def stop(pid_file: Path) -> None:
    """End the daemon that wrote ``pid_file``, and wait until it has."""
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + 20.0
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)


@pytest.fixture(scope="module")
def slurm(tmp_path_factory) -> dict[str, str]:
    """The environment in which SLURM's commands find the daemons."""
    daemons = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")
    missing = [name for name in daemons if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")]
    if missing or os.getuid() != 0:
        pytest.skip(f"missing: {', '.join(missing) or 'root, as whom the daemons run'}")
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o600)
    (folder / "slurm.conf").write_text(CONFIGURATION.format(folder=folder, controller=free_port(), node=free_port()))
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": os.environ["PATH"] + ":/usr/sbin"}
    if int(told(["sbatch", "--version"], environment).split()[1].split(".")[0]) >= 23:  # before it knows no such plugin, and needs none
        (folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n")
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed", "log-file": "log"}
    try:
        for command in (
            ["munged", "--force", *(f"--{option}={folder}/munge.{name}" for option, name in files.items())],
            ["slurmctld"],
            ["slurmd", "-N", "localhost"],
        ):
            subprocess.run(command, env=environment, check=True, capture_output=True, timeout=30)
        until(lambda: "idle" in told(["sinfo", "-h", "-o", "%T"], environment), 30.0)
        yield environment
    finally:
        for name in ("slurmd", "slurmctld", "munge"):
            stop(folder / f"{name}.pid")


def told(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30).stdout


def until(condition, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_a_sweep_runs_as_an_array_and_its_stage_waits_for_all(slurm, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", slurm)
    place = tmp_path / "with space"
    place.mkdir()
    (place / "hump.toml").write_text(HUMP)
    (place / "sweep.toml").write_text(SWEEP)
    done = wavetrain("run", "sweep.toml", "--on", "local_slurm", "--out", "out", cwd=place)
    assert done.returncode == 0, done.stderr
    numbers = json.loads((place / "out" / "jobs" / "submitted.json").read_text())
    assert f"submitted 3 run(s) as job {numbers['runs']}" in done.stdout
    until(lambda: not told(["squeue", "-h", "-j", ",".join(map(str, numbers.values()))], slurm).strip(), 240.0)
    logs = {path.name: path.read_text() for path in (place / "out" / "jobs").glob("*.log")}
    assert set(logs) == {"runs-0.log", "runs-1.log", "runs-2.log", "stages.log"}, logs
    for i in range(3):
        with Store(place / "out" / f"hump-{i:03d}" / "run.h5") as store:
            assert store.complete
    assert len(json.loads((place / "out" / "error" / "result.json").read_text())["runs"]) == 3, logs
    assert "done before" in logs["stages.log"]  # the stages' job ran nothing again
    assert (place / "out" / "report.html").exists()
    assert not list(tmp_path.rglob("hacked"))


def test_a_run_that_fails_keeps_its_stage_from_starting(slurm, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", slurm)
    (tmp_path / "hump.toml").write_text(HUMP)
    (tmp_path / "sweep.toml").write_text(SWEEP)
    (tmp_path / "site.toml").write_text('title = "one that fails"\nsetup = ["exit 3"]\n')
    done = wavetrain("run", "sweep.toml", "--on", "site.toml", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    numbers = json.loads((tmp_path / "out" / "jobs" / "submitted.json").read_text())
    until(lambda: not told(["squeue", "-h", "-j", ",".join(map(str, numbers.values()))], slurm).strip(), 60.0)
    assert not (tmp_path / "out" / "error").exists()


def test_scripts_are_shown_and_what_is_wrong_is_told(tmp_path):
    (tmp_path / "hump.toml").write_text(HUMP)
    (tmp_path / "sweep.toml").write_text(SWEEP)
    shown = wavetrain("run", "sweep.toml", "--on", "local_slurm", "--ranks", "4", "--set", "title=it's", "--dry-run", cwd=tmp_path)
    assert "#SBATCH --array=0-2" in shown.stdout
    assert "#SBATCH --ntasks=4" in shown.stdout
    assert "runs=(hump-000 hump-001 hump-002)" in shown.stdout
    assert """--set 'title=it'"'"'s'""" in shown.stdout
    assert not (tmp_path / "runs").exists()
    for words, said in (
        (["--on", "local_slrum"], "did you mean 'local_slurm'"),
        (["--on", "nothing.toml"], "no file 'nothing.toml'"),
        (["--only", "hump-003"], "no run 'hump-003'"),
    ):
        refused = wavetrain("run", "sweep.toml", *words, cwd=tmp_path)
        assert refused.returncode == 2
        assert said in refused.stderr
