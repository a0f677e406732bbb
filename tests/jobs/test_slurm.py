"""Campaigns on a real SLURM, whose daemons run on this machine for the time of the tests."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import daemons
import pytest
from conftest import HUMP, long, wait_for, wavetrain
from daemons import told
from running import ended, interpreter
from test_summary import Page, reduced
from waiting import until

from jobs.slurm import sites
from pipeline.store.reader import Store

LONG = HUMP.replace("size = 1.0", "size = 0.2").replace("end = 0.5", "end = 6.0") + "[output]\ncheckpoint = 0.0\n"
SWEEP = """
title = "A sweep; it's $(touch hacked) `touch hacked`"
[run.hump]
case = "hump.toml"
sweep = { "mesh.size" = [2.0, 1.5] }
[run.bad]
case = "ks.toml"
set = { "solver.terms" = ["u*u", "u_xx"], "time.end" = 200.0 }
[stage.budget]
kind = "decompose"
runs = "hump"
reference = "exact"
[stage.never]
kind = "compress"
run = "bad"
bound = "1%"
"""
KS = """
[mesh]
kind = "box"
length = 22.0
points = 32
[solver]
kind = "ks"
[time]
end = 0.2
every = 0.1
dt = 0.05
"""
ONE = """
title = "One run and its error"
[run.hump]
case = "hump.toml"
[stage.budget]
kind = "decompose"
runs = "hump"
reference = "exact"
"""
ENDS = 300.0  # [s] in which jobs end, on a busy machine too


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """The environment in which SLURM's commands find the daemons."""
    if missing := daemons.missing():
        pytest.skip(f"missing: {missing}")
    folder = tmp_path_factory.mktemp("slurm")
    try:
        yield daemons.start(folder)
    finally:
        daemons.stop(folder)


@pytest.fixture
def slurm(running, monkeypatch, tmp_path) -> Iterator[Path]:
    """A folder with cases, whose name has a space, in which `wavetrain` finds SLURM; jobs that nobody waits for are cancelled."""
    monkeypatch.setattr(os, "environ", running)
    place = tmp_path / "with space"
    place.mkdir()
    for name, text in (("hump", HUMP), ("long", LONG), ("sweep", SWEEP), ("one", ONE), ("ks", KS)):
        (place / f"{name}.toml").write_text(text)
    yield place
    told(["scancel", "--me"], running)


def submitted(place: Path, *words: str) -> dict[str, dict[str, str]]:
    done = wavetrain("run", *words, "--out", "out", cwd=place)
    assert done.returncode == 0, done.stderr
    return dict(json.loads((place / "out" / "jobs" / "submitted.json").read_text())["steps"])


def states(place: Path) -> dict[str, str]:
    lines = wavetrain("status", "out", cwd=place).stdout.splitlines()[:-1]
    return {line.split()[0]: line.split()[1] for line in lines}


def fields(path: Path) -> dict[str, bytes]:
    with Store(path) as store:
        assert store.complete
        return {name: store.field(name).compute().tobytes() for name in store.fields} | {"time": store.times.tobytes()}


def logs(place: Path) -> str:
    return "\n".join(f"{path.name}: {path.read_text()}" for path in sorted((place / "out" / "jobs").glob("*.log")))


def test_jobs_follow_the_graph_and_do_what_was_submitted(slurm):
    (slurm / "site.toml").write_text(f'title = "jobs by forks"\npython = "{interpreter(slurm.parent / "python")}"\n')
    steps = submitted(slurm, "sweep.toml", "--on", "site.toml")
    (slurm / "hump.toml").write_text(HUMP.replace("height = 0.1", "height = 0.3"))  # at once: the stage begins some seconds later
    number = {name: step["job"].partition("_")[0] for name, step in steps.items()}
    assert steps["hump-001"]["job"] == f"{number['hump-000']}_1"
    assert steps["budget"]["after"] == number["hump-000"]
    assert steps["never"]["after"] == number["bad"]
    assert set(steps["page"]["after"].split(",")) == {number[name] for name in ("hump-000", "bad", "budget", "never")}
    shown = wavetrain("watch", "out", cwd=slurm)
    assert shown.returncode == 1
    assert states(slurm) == {
        "hump-000": "done",
        "hump-001": "done",
        "bad": "failed",
        "budget": "done",
        "never": "blocked",
        "page": "done",
    }, logs(slurm)
    assert (slurm / "out" / "report.html").exists()
    assert "the run became unstable" in shown.stdout
    text = wavetrain("logs", "out", "budget", cwd=slurm).stdout
    assert "hump.toml was changed after the campaign was submitted; this job does what was submitted" in text
    assert "height = 0.1" in (slurm / "out" / "hump-000" / "case.toml").read_text()
    assert not list(slurm.parent.rglob("hacked"))
    (slurm / "hump.toml").write_text(HUMP)
    until(lambda: not told(["squeue", "-h"], os.environ).strip(), ENDS)
    again = wavetrain("run", "sweep.toml", "--on", "site.toml", "--out", "out", cwd=slurm)  # does what is not done, and no more
    assert again.stdout.count("done before, unchanged") == 3, again.stdout + again.stderr
    assert "page: job" in wavetrain("cancel", "out", cwd=slurm).stdout


def test_watch_ends_where_slurm_holds_the_jobs_and_says_how_they_are_let_go(slurm):
    (slurm / "site.toml").write_text('title = "waits for a word"\noptions = ["--hold"]\n')
    steps = submitted(slurm, "hump.toml", "--on", "site.toml")
    assert "has jobs in SLURM's queue" in wavetrain("run", "hump.toml", "--on", "site.toml", "--out", "out", cwd=slurm).stderr
    shown = wavetrain("watch", "out", cwd=slurm)
    assert shown.returncode == 1
    assert states(slurm) == dict.fromkeys(("hump", "page"), "held")
    released = [f"scontrol release {step['job']}" for step in steps.values()]
    assert all(f"`{words}` lets it go" in shown.stdout for words in released), shown.stdout
    for words in released:
        subprocess.run(words.split(), check=True, env=os.environ)
    shown = wavetrain("watch", "out", cwd=slurm)
    assert shown.returncode == 0, shown.stdout + shown.stderr + logs(slurm)
    assert (slurm / "out" / "report.html").exists()


@pytest.mark.slow
def test_preempted_cancelled_and_out_of_time_on_other_ranks_a_run_has_the_same_bits(slurm):
    (slurm / "site.toml").write_text('title = "on this machine"\noptions = ["--exclusive"]\n')
    assert wavetrain("run", "long.toml", "--out", "whole", cwd=slurm).returncode == 0
    place, log = slurm / "out", slurm / "out" / "jobs" / "long.log"

    def begun(times: int) -> bool:
        return (place / "log.txt").exists() and (place / "log.txt").read_text().count(" rank(s), mesh") == times

    steps = submitted(slurm, "long.toml", "--on", "site.toml", "--ranks", "2")
    wait_for(place / "restart.h5", ENDS)
    subprocess.run(["sbatch", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=true"], check=True, env=os.environ)
    until(lambda: begun(2), ENDS)
    assert "DUE TO PREEMPTION" in log.read_text()
    assert f"job {steps['long']['job']} cancelled" in wavetrain("cancel", "out", cwd=slurm).stdout
    assert states(slurm) == {"long": "stopped", "page": "cancelled"}, logs(slurm)
    steps = submitted(slurm, "long.toml", "--on", "site.toml", "--ranks", "1")
    until(lambda: begun(3), ENDS)
    subprocess.run(["scancel", "--batch", "--signal=USR1", steps["long"]["job"]], check=True, env=os.environ)  # as when the time is up
    until(lambda: states(slurm)["long"] == "done", ENDS, every=1.0)
    assert "out of time: queued again" in log.read_text()
    assert begun(4)
    assert fields(place / "run.h5") == fields(slurm / "whole" / "run.h5")


@pytest.mark.slow
def test_a_run_that_meets_its_time_limit_goes_on(slurm):
    (slurm / "site.toml").write_text('title = "short of time"\ntime = "1"\nwarning = 55\n')
    (slurm / "long.toml").write_text(LONG.replace("end = 6.0", "end = 1600.0"))
    submitted(slurm, "long.toml", "--on", "site.toml")
    until(lambda: "=== attempt 2" in logs(slurm), ENDS, every=1.0)
    assert "out of time: queued again" in logs(slurm)
    wavetrain("cancel", "out", cwd=slurm)


BROKEN = """setup = ['[ "$SLURM_JOB_NAME" != dask-worker ] || WORD || { touch "$HOME/once"; exit 1; }']"""  # before a worker comes
INSIDE = 'launcher = "srun --mpi=pmix --overcommit"\nworkers = "inside"'
JOBS = 'workers = "jobs"\nmost_workers = 2\n'


@pytest.mark.parametrize("site", [long(INSIDE), long(JOBS + BROKEN.replace("WORD", '[ -e "$HOME/once" ]'))])
def test_a_stage_has_the_same_result_on_workers_in_its_job_and_on_workers_that_are_jobs(slurm, site, monkeypatch):
    pytest.importorskip("dask_jobqueue")
    monkeypatch.setitem(os.environ, "HOME", str(slurm))
    (slurm / "site.toml").write_text(f'title = "on this machine"\ninterface = "lo"\n{site}\n')
    submitted(slurm, "one.toml", "--on", "site.toml", "--ranks", "2")
    until(lambda: set(states(slurm).values()) <= {"done", "failed", "lost", "blocked"}, ENDS, every=1.0)
    assert states(slurm) == {"hump": "done", "budget": "done", "page": "done"}, logs(slurm)
    assert wavetrain("run", "one.toml", "--out", "here", cwd=slurm).returncode == 0
    results = [json.loads((slurm / out / "budget" / "result.json").read_text())["runs"]["hump"]["fields"] for out in ("out", "here")]
    assert results[0] == results[1]
    assert fields(slurm / "out" / "hump" / "run.h5") == fields(slurm / "here" / "hump" / "run.h5")
    assert "dashboard: http" in logs(slurm)
    assert (slurm / "once").exists() == (BROKEN[:30] in site)  # the first worker's job ended before it came


@pytest.mark.slow
def test_a_stage_whose_workers_jobs_all_end_fails(slurm):
    pytest.importorskip("dask_jobqueue")
    (slurm / "site.toml").write_text(f'title = "on this machine"\ninterface = "lo"\nretries = 1\n{JOBS}{BROKEN.replace("WORD", "false")}\n')
    submitted(slurm, "one.toml", "--on", "site.toml")
    until(lambda: states(slurm).get("budget") == "failed", ENDS, every=1.0)
    assert "error: 2 jobs for workers have ended, and none has come" in (slurm / "out" / "jobs" / "budget.log").read_text()


@pytest.mark.slow
def test_a_stage_that_fails_among_workers_in_its_job_says_why_once(slurm):
    pytest.importorskip("dask_jobqueue")
    (slurm / "site.toml").write_text('title = "on this machine"\ninterface = "lo"\nworkers = "inside"\noptions = ["--overcommit"]\n')
    compress = 'kind = "compress"\nrun = "hump"\nbound = "1%"\ncodec = "solenoidal"\n'  # which takes velocities in a cube
    (slurm / "failing.toml").write_text(ONE.partition("kind =")[0] + compress)
    submitted(slurm, "failing.toml", "--on", "site.toml")
    until(lambda: states(slurm).get("budget") == "failed", ENDS, every=1.0)
    log = (slurm / "out" / "jobs" / "budget.log").read_text()
    assert log.count("error: stage budget failed: codec 'solenoidal' does not take depth") == 1, log
    assert "codec 'solenoidal' does not take depth" in wavetrain("status", "out", cwd=slurm).stdout


@pytest.mark.slow
def test_the_demo_reduced_gives_the_same_answers_on_slurm_and_here(slurm):
    pytest.importorskip("torch")
    path = reduced(slurm)
    number = {
        name: step["job"].partition("_")[0] for name, step in submitted(slurm, path.name, "--on", "local_slurm", "--ranks", "2").items()
    }
    after = json.loads((slurm / "out" / "jobs" / "submitted.json").read_text())["steps"]
    assert after["laboratory"]["after"] == number["island-002"]
    assert set(after["terms"]["after"].split(",")) == {number["truth"], number["model"]}
    assert "--ntasks=1\n" in (slurm / "out" / "jobs" / "truth.sbatch").read_text()  # two ranks were asked for; it can use one
    until(lambda: set(states(slurm).values()) <= {"done", "failed", "lost", "blocked"}, 3 * ENDS, every=2.0)
    assert set(states(slurm).values()) == {"done"}, logs(slurm)
    assert wavetrain("run", path.name, "--out", "here", "--ranks", "2", cwd=slurm, page=True).returncode == 0
    answers = [Page((slurm / out / "report.html").read_text()).of("answer") for out in ("out", "here")]
    assert len(answers[0]) == 3
    assert answers[0] == answers[1]


def test_the_doctor_finds_nothing_broken_here(slurm):
    done = wavetrain("doctor", "--on", "local_slurm", cwd=slurm)
    assert done.returncode == 0, done.stdout
    for name in ("MPI", "parallel HDF5", "PETSc", "filters", "Dask", "scratch space", "SLURM", "launcher", "test job"):
        assert f"fine     {name}" in done.stdout
    (slurm / "site.toml").write_text('title = "elsewhere"\npartition = "nowhere"\nlauncher = "srun --mpi=none_such"\nscratch = "/none"\n')
    done = ended("doctor", "--on", "site.toml", cwd=slurm, before="prepared:machine_is_fine")
    assert done.returncode == 1
    assert "broken: scratch space, partition, launcher, test job" in done.stderr
    assert "to fix: sinfo lists them" in done.stdout


def test_scripts_are_as_they_were(tmp_path):
    """The golden scripts stand in ``golden``; where they change, look at each difference and write them anew."""
    place = tmp_path / "case's"
    place.mkdir()
    (place / "hump.toml").write_text(HUMP)
    (place / "sweep.toml").write_text(SWEEP)
    (place / "ks.toml").write_text(KS)
    (place / "cluster.toml").write_text(sites.find("cpu_cluster").read_text())
    for site in ("local_slurm", "cluster.toml"):
        shown = wavetrain("run", "sweep.toml", "--on", site, "--ranks", "4", "--set", "time.end=0.75", "--dry-run", cwd=place)
        assert shown.returncode == 0, shown.stderr
        text = shown.stdout.replace(str(place).replace("'", "'\"'\"'"), "PLACE").replace(sys.executable, "PYTHON")
        golden = Path(__file__).parent / "golden" / f"{Path(site).stem}.txt"
        if os.environ.get("WAVETRAIN_GOLDEN"):
            golden.write_text(text)
        assert text == golden.read_text()
    assert not (place / "runs").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--on", "local_slrum"], "did you mean 'local_slurm'"),
        (["--on", "nothing.toml"], "no file 'nothing.toml'"),
        (["--only", "hump-003"], "no run or stage 'hump-003'"),
        (["--on", "bad.toml"], "partition = 'a b'"),
        (["--on", "local_slurm", "--time", "soon"], "time = 'soon'"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, words, said):
    (tmp_path / "hump.toml").write_text(HUMP)
    (tmp_path / "sweep.toml").write_text(SWEEP)
    (tmp_path / "ks.toml").write_text(KS)
    (tmp_path / "bad.toml").write_text('title = "bad"\npartition = "a b"\n')
    refused = wavetrain("run", "sweep.toml", *words, cwd=tmp_path)
    assert refused.returncode == 2
    assert said in refused.stderr
