"""Campaigns on a SLURM with rules of its own: short arrays, few jobs, little memory on a node, two nodes, and no default of MPI."""

import os
import subprocess
from pathlib import Path

import daemons
import pytest
from conftest import HUMP, wavetrain
from daemons import told
from running import begun
from test_slurm import ENDS, ONE, logs, states, submitted
from waiting import until

NAMES = ("pipeline", "jobs", "queue", "meshes", "solvers")  # a user's own, in the working folder
SWEEP = """
title = "Many runs"
[run.m]
case = "hump.toml"
sweep = { "solver.manning" = [MANY] }
[stage.error]
kind = "decompose"
runs = ["m"]
reference = "m-001"
time = "00:07:00"
memory = "700M"
"""
FORGETS = 2  # [s]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """The environment in which SLURM's commands find the daemons."""
    if missing := daemons.missing():
        pytest.skip(f"missing: {missing}")
    folder = tmp_path_factory.mktemp("rules")
    try:
        yield daemons.start(folder, ("node1", "node2"), forgets=FORGETS, more=daemons.RULES)
    finally:
        daemons.stop(folder)


@pytest.fixture
def slurm(running, monkeypatch, tmp_path):
    """A folder with cases and a user's own modules in it, in which `wavetrain` finds SLURM; what is left in the queue is cancelled."""
    monkeypatch.setattr(os, "environ", running | {"PYTHONSAFEPATH": "1"})  # for the tests' own command, which stands for the installed one
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a user\\'s own module')\n")
    files = {"hump": HUMP, "one": ONE, "sweep60": SWEEP.replace("MANY", ", ".join(f"{0.001 * i:.3f}" for i in range(60)))}
    files["held"] = 'title = "waits for a word"\noptions = ["--hold"]\n'
    for name, text in files.items():
        (tmp_path / f"{name}.toml").write_text(text)
    yield tmp_path
    told(["scancel", "--me"], running)
    until(lambda: not told(["squeue", "-h"], running).strip(), 60.0)


def job(number: str) -> dict[str, str]:
    """SLURM's record of a job."""
    return dict(word.split("=", 1) for word in told(["scontrol", "show", "job", number], os.environ).split() if "=" in word)


@pytest.mark.slow
def test_a_users_own_modules_and_mpirun_s_terminal_are_nobodys(slurm):
    setup = 'setup = ["export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1"]'
    (slurm / "site.toml").write_text(
        f'title = "on one node"\nlauncher = "mpirun"\noptions = ["--nodes=1", "--comment=two words"]\n{setup}\n'
    )
    steps = submitted(slurm, "one.toml", "--on", "site.toml", "--ranks", "2")
    until(lambda: set(states(slurm).values()) <= {"done", "failed", "lost", "blocked"}, ENDS, every=1.0)
    assert set(states(slurm).values()) == {"done"}, logs(slurm)
    log = (slurm / "out" / "jobs" / steps["hump"]["log"]).read_text()
    assert "2 rank(s)" in log
    assert "\x1b" not in log


def test_a_sweep_is_cut_into_arrays_that_slurm_takes_and_what_is_cancelled_is_cancelled(slurm):
    steps = submitted(slurm, "sweep60.toml", "--on", "held.toml")
    places = [step["job"].split("_") for name, step in steps.items() if name.startswith("m-")]
    assert [int(place) for _, place in places] == [*range(51), *range(9)]
    arrays = list(dict.fromkeys(number for number, _ in places))
    assert steps["error"]["after"] == ",".join(arrays)
    stage = job(steps["error"]["job"])
    assert (stage["TimeLimit"], stage["MinMemoryNode"]) == ("00:07:00", "700M")
    refused = wavetrain("run", "sweep60.toml", "--out", "out", cwd=slurm)
    assert refused.returncode == 2
    assert "has jobs in SLURM's queue" in refused.stderr
    assert "cells" not in refused.stdout
    (slurm / "two.toml").write_text((slurm / "sweep60.toml").read_text().replace("0.002, ", "").split(", 0.013")[0] + "] }\n")
    more = begun("run", "two.toml", "--on", "held.toml", "--out", "more", cwd=slurm, before="prepared:looks_for_room_often")
    until(lambda: (slurm / "more" / "jobs" / "submitted.json").exists() or more.poll() is not None, 60.0)  # 12 runs and a page, room for 10
    assert "job" in wavetrain("cancel", "out", cwd=slurm).stdout
    assert set(states(slurm).values()) == {"cancelled"}
    assert more.wait(120.0) == 0, more.communicate()
    assert "SLURM takes no more jobs for now (it holds 80 jobs at most)" in more.communicate()[0]
    assert len(told(["squeue", "-h", "-r"], os.environ).splitlines()) == 13
    until(lambda: steps["page"]["job"] not in told(["squeue", "-h", "--states=all", "--format=%A"], os.environ).split(), ENDS)
    assert set(states(slurm).values()) == {"cancelled"}  # though SLURM has forgotten them


def test_one_step_of_a_campaign_is_submitted_alone(slurm):
    refused = wavetrain("run", "one.toml", "--on", "held.toml", "--only", "budget", "--out", "out", cwd=slurm)
    assert refused.returncode == 2
    assert "--only budget: it reads hump, not done yet" in refused.stderr
    assert list(submitted(slurm, "one.toml", "--on", "held.toml", "--only", "hump")) == ["hump"]
    assert states(slurm) == {"hump": "held", "budget": "waiting"}


@pytest.mark.parametrize(
    ("keys", "asked"),
    [
        ('options = ["--hold", "--nodes=2", "--ntasks-per-node=3"]', {"NumNodes": "2-2", "MinMemoryNode": "1117M"}),
        ('options = ["--hold"]', {"NumNodes": "2-2", "MinMemoryNode": "1117M"}),
        ('options = ["--hold"]\nmemory_per = "cpu"', {"NumNodes": "2-2", "MinMemoryCPU": "373M"}),
        ('options = ["--hold", "--mem-per-cpu=500M"]', {"NumNodes": "2-2", "MinMemoryCPU": "500M"}),
    ],
)
def test_memory_is_asked_as_the_site_counts_it_on_nodes_that_follow_from_the_ranks(slurm, keys, asked):
    (slurm / "site.toml").write_text(f'title = "two nodes"\nlauncher = "srun --mpi=pmix"\n{keys}\n')
    steps = submitted(slurm, "hump.toml", "--on", "site.toml", "--ranks", "6")
    found = job(steps["hump"]["job"])
    assert {key: found.get(key) for key in asked} == asked


def test_what_would_wait_for_ever_is_refused_or_said(slurm):
    for words, said in (
        (["--memory", "3G"], "--memory = '3G'"),
        (["--time", "1"], "--time = '1' is 60 s"),
        (["--memory", "8"], "--memory = '8' is 8 MiB"),
    ):
        refused = wavetrain("run", "one.toml", "--on", "local_slurm", *words, "--dry-run", cwd=slurm)
        assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr


def test_a_job_whose_modules_are_missing_fails_at_once_in_a_line(slurm):
    (slurm / "site.toml").write_text('title = "m"\nmodules = ["nosuchmodule"]\nsetup = ["source /no/such/activate"]\n')
    submitted(slurm, "hump.toml", "--on", "site.toml")
    until(lambda: states(slurm).get("hump") == "failed", ENDS, every=0.5)
    shown = wavetrain("status", "out", cwd=slurm).stdout
    assert '"module load nosuchmodule" failed (exit 127): see modules and setup in the site\'s file' in shown
    assert not (slurm / "out" / "run.h5").exists()


@pytest.mark.slow
def test_a_run_on_one_rank_and_a_stage_are_in_the_launchers_container(slurm, monkeypatch):
    fake = slurm / "bin" / "apptainer"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/bash\necho "$*" >> {slurm}/inside.txt\n[ "$1 $2" = "exec w.sif" ] && exec "${{@:3}}"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    (slurm / "site.toml").write_text('title = "c"\nlauncher = "srun --mpi=pmix apptainer exec w.sif"\n')
    submitted(slurm, "one.toml", "--on", "site.toml")
    until(lambda: set(states(slurm).values()) <= {"done", "failed", "lost", "blocked"}, ENDS, every=1.0)
    assert set(states(slurm).values()) == {"done"}, logs(slurm)
    lines = (slurm / "inside.txt").read_text().splitlines()
    assert len(lines) >= 2
    assert any("--only hump" in line for line in lines)
    assert any("--only budget" in line for line in lines)


def test_daemons_that_do_not_start_leave_none_behind(tmp_path):
    if missing := daemons.missing():
        pytest.skip(f"missing: {missing}")

    def fails(environment):
        subprocess.Popen(["slurmctld", "-D"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: len(daemons.of(tmp_path)) >= 2, 20.0)
        raise RuntimeError("no accounts")

    with pytest.raises(RuntimeError, match="no accounts"):
        daemons.start(tmp_path, before=fails)
    assert Path(tmp_path / "munge.log").exists()
    assert not daemons.of(tmp_path)
