"""Status of a campaign where its files and SLURM do not agree."""

import json
import os
from pathlib import Path

import pytest

from jobs.campaign.log_errors import error_in
from jobs.campaign.status import cancel, logs, status
from jobs.commands.watch import lines
from jobs.local import record
from jobs.local.lock import locked
from jobs.slurm import queue
from jobs.slurm.answers import Word, compressed
from jobs.slurm.graph import jobs
from jobs.slurm.limits import as_seconds, as_time
from pipeline.core import campaign as campaigns
from pipeline.core.errors import RunError

CASE = {
    "mesh": {"kind": "rectangle", "width": 1.0, "height": 1.0, "size": 0.5, "bathymetry": {"kind": "flat", "depth": 1.0}},
    "solver": {"kind": "tsunami", "initial": {"kind": "still"}},
    "time": {"end": 1.0, "every": 1.0},
}
TABLE = {
    "run": {"a": {"case": CASE}, "b": {"case": CASE, "sweep": {"mesh.size": [0.5, 0.25, 0.2]}}},
    "stage": {"s": {"kind": "decompose", "runs": "b", "reference": "exact"}, "v": {"kind": "validate", "run": "a"}},
}


JOBS = {"a": "7", "b-000": "8_0", "b-001": "8_1", "b-002": "8_2", "s": "9", "v": "10"}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    campaign = campaigns.parse(TABLE, tmp_path)
    record.write(campaign, tmp_path)
    submitted(tmp_path, JOBS)
    monkeypatch.setattr(queue, "ask", lambda jobs: {})
    return tmp_path


def submitted(folder: Path, numbers: dict[str, str]) -> Path:
    """Note that these steps were given to SLURM, as the jobs of these numbers."""
    given = {name: {"job": job, "log": f"{name}.log", "after": ""} for name, job in numbers.items()}
    path = folder / "jobs" / "submitted.json"
    path.write_text(json.dumps({"steps": given}))
    return path


def says(monkeypatch, **words: Word | None) -> None:
    monkeypatch.setattr(queue, "ask", lambda jobs: {job[1:]: word for job, word in words.items()})


def finish(folder: Path, name: str) -> None:
    case = next(run.case for run in record.read(folder).runs if run.name == name)
    (folder / name).mkdir(exist_ok=True)
    for file, text in (("run.h5", ""), ("summary.json", "{}"), ("case.toml", case.text)):
        (folder / name / file).write_text(text)


def found(folder: Path, name: str):
    return next(step for step in status(folder).steps if step.name == name)


def test_a_whole_result_is_done_whatever_became_of_its_job(folder, monkeypatch):
    finish(folder, "a")
    for word in (Word("FAILED"), Word("CANCELLED"), Word("NODE_FAIL")):
        says(monkeypatch, j7=word)
        step = found(folder, "a")
        assert (step.state, word.state in step.note) == ("done", True)
    says(monkeypatch, j7=Word("COMPLETED"))
    assert found(folder, "a").note == ""


def test_a_job_that_ended_without_a_result_is_lost(folder, monkeypatch):
    says(monkeypatch, j7=Word("COMPLETED"))
    assert found(folder, "a").state == "lost"
    says(monkeypatch)
    assert found(folder, "a").state == "lost"
    assert "no longer knows" in found(folder, "a").note


def test_a_process_at_work_is_running_whatever_slurm_says(folder, monkeypatch):
    says(monkeypatch, j7=Word("FAILED"))
    with locked(folder / "a"):
        step = found(folder, "a")
    assert step.state == "running"
    assert str(os.getpid()) in step.note
    assert "FAILED" in step.note


def test_a_run_that_was_done_and_is_done_again_is_running(folder, monkeypatch):
    finish(folder, "a")
    says(monkeypatch, j7=Word("RUNNING", "n1"))
    assert (found(folder, "a").state, found(folder, "a").node) == ("running", "n1")


def test_files_of_another_case_are_no_result(folder, monkeypatch):
    finish(folder, "a")
    (folder / "a" / "case.toml").write_text("another")
    says(monkeypatch, j7=Word("PENDING", "", "Resources"))
    assert found(folder, "a").state == "waiting"


def test_slurms_silence_is_told(folder, monkeypatch):
    finish(folder, "a")
    monkeypatch.setattr(queue, "ask", lambda jobs: None)
    assert "SLURM does not answer" in lines(status(folder))[-1]
    assert found(folder, "v").state == "unknown"  # its job may wait, or be gone
    assert not status(folder).ended
    assert found(folder, "a").state == "done"


def test_jobs_are_not_cancelled_where_slurm_is_not(folder, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(RunError, match="no scancel here"):
        cancel(folder)


def test_how_far_a_run_is_and_where(folder, monkeypatch):
    (folder / "a").mkdir()
    (folder / "a" / "progress.json").write_text(json.dumps({"t": 0.25, "end": 1.0, "left": 3723.0}))
    says(monkeypatch, j7=Word("RUNNING", "node17"))
    line = lines(status(folder))[0]
    for word in ("25%", "1:02:03 left", "node17", "job 7"):
        assert word in line
    (folder / "a" / "restart.h5").write_text("")
    says(monkeypatch, j7=Word("PENDING", "", "BeginTime"))
    assert "goes on from its checkpoint" in lines(status(folder))[0]


def test_the_first_error_line_is_of_the_last_attempt(folder, monkeypatch):
    log = folder / "jobs" / "a.log"
    log.write_text("=== attempt 1, job 7\nerror: old\n=== attempt 2, job 7\na line\nerror: new\nerror: later\n")
    assert error_in(logs(folder, "a")) == "new"
    says(monkeypatch, j7=Word("FAILED"))
    assert (found(folder, "a").state, found(folder, "a").note) == ("failed", "new")
    log.write_text("=== attempt 3, job 7\nslurmstepd-n1: error: *** JOB 7 ON n1 CANCELLED AT T DUE TO TIME LIMIT ***\n")
    assert "TIME LIMIT" in error_in(logs(folder, "a"))
    log.write_text("=== attempt 4, job 7\nall is well\n")
    assert error_in(logs(folder, "a")) == ""


def test_what_reads_a_failed_result_is_blocked(folder, monkeypatch):
    says(monkeypatch, j7=Word("FAILED"), j10=Word("CANCELLED", "", "DependencyNeverSatisfied"))
    assert found(folder, "v").state == "blocked"


@pytest.mark.parametrize("reason", ["JobHeldUser", "JobHeldAdmin", "launch failed requeued held", "job requeued in held state"])
def test_what_slurm_holds_does_not_go_on_by_itself(folder, monkeypatch, reason):
    submitted(folder, JOBS | {"page": "11"})
    for name in ("b-000", "b-001", "b-002"):
        finish(folder, name)
    waits = {"j10": Word("PENDING", "", "Dependency"), "j11": Word("PENDING", "", "Dependency")}
    says(monkeypatch, j7=Word("PENDING", "", reason), j9=Word("RUNNING", "n1"), **waits)
    assert not status(folder).ended  # stage s is at work
    (folder / "s").mkdir()
    (folder / "s" / "result.json").write_text("{}")
    says(monkeypatch, j7=Word("PENDING", "", reason), j9=Word("COMPLETED"), **waits)
    assert status(folder).ended
    assert (found(folder, "a").state, found(folder, "a").note) == ("held", f"{reason}: `scontrol release 7` lets it go")
    assert (found(folder, "v").state, found(folder, "v").note) == ("held", "waits for a")
    assert (found(folder, "page").state, found(folder, "page").note) == ("held", "waits for a, v")
    says(monkeypatch, j7=Word("PENDING", "", "Priority"), j9=Word("COMPLETED"), **waits)
    assert not status(folder).ended


def test_a_result_is_done_and_the_page_held_where_slurm_holds_the_job_of_what_is_done(folder, monkeypatch):
    submitted(folder, {"a": "7", "page": "11"})
    twice = Word("PENDING", "", "launch failed requeued held")  # after a controller that was lost before it had noted that the job began
    says(monkeypatch, j7=twice, j11=Word("PENDING", "", "Dependency"))
    with locked(folder / "a"):
        step = found(folder, "a")
        assert (step.state, found(folder, "page").state) == ("running", "held")
        assert step.note == f"process {os.getpid()} is at work, though SLURM says PENDING, launch failed requeued held"
    finish(folder, "a")
    step = found(folder, "a")
    assert (step.state, step.note) == ("done", "though SLURM says PENDING, launch failed requeued held: `scontrol release 7` lets it go")
    assert (found(folder, "page").state, found(folder, "page").note) == ("held", "waits for a")
    says(monkeypatch, j7=Word("COMPLETED"), j11=Word("PENDING", "", "Dependency"))
    assert found(folder, "page").state == "waiting"


def test_the_page_is_a_step_where_a_job_writes_it(folder, monkeypatch):
    given = submitted(folder, {"page": "11"})
    for word, state in (("PENDING", "waiting"), ("RUNNING", "running"), ("CANCELLED by 0", "cancelled"), ("FAILED", "failed")):
        says(monkeypatch, j11=Word(word))
        assert found(folder, "page").state == state
    says(monkeypatch, j11=Word("COMPLETED"))
    assert found(folder, "page").state == "lost"
    (folder / "jobs" / "page.log").write_text("=== attempt 1, job 11\nerror: cannot write in out: No space left on device\n")
    assert (found(folder, "page").state, found(folder, "page").note) == ("failed", "cannot write in out: No space left on device")
    (folder / "report.html").write_text("a page")
    assert found(folder, "page").state == "done"
    os.utime(folder / "report.html", (0, given.stat().st_mtime - 10))  # one of an earlier time
    assert found(folder, "page").state == "failed"


def test_a_sweep_is_an_array_of_what_is_to_do(folder):
    campaign = record.read(folder)
    live = campaigns.parse(TABLE, folder)
    assert [step.name for step in campaign.steps] == [step.name for step in live.steps]
    some = jobs(live, {"b-000", "b-002", "s", "v"})
    assert [(job.name, job.todo) for job in some] == [("b", (0, 2)), ("s", ()), ("v", ()), ("page", ())]
    assert some[1].needs == ("b-000", "b-001", "b-002")
    big = campaigns.parse({"run": {"b": {"case": CASE, "sweep": {"solver.manning": [i * 1e-5 for i in range(1500)]}}}}, folder)
    arrays = jobs(big, {run.name for run in big.runs})
    assert [(job.name, len(job.todo)) for job in arrays] == [("b", 1000), ("b+1000", 500), ("page", 0)]
    assert compressed((0, 1, 2, 5, 7, 8)) == "0-2,5,7-8"


@pytest.mark.parametrize(
    ("limit", "seconds"), [("90", 5400), ("1:30", 90), ("02:00:00", 7200), ("1-12", 129600), ("1-12:30", 131400), ("2-0:0:1", 172801)]
)
def test_limits_are_read_as_slurm_reads_them(limit, seconds):
    assert as_seconds(limit) == seconds
    assert as_seconds(as_time(seconds)) >= seconds


def test_what_was_cancelled_is_neither_lost_nor_failed_once_slurm_has_forgotten_it(folder, monkeypatch):
    submitted(folder, JOBS | {"page": "11"})
    monkeypatch.setattr(queue, "cancel", lambda jobs, said: "")
    waiting = dict.fromkeys(("j7", "j8_0", "j8_1", "j8_2", "j11"), Word("PENDING", "", "Resources"))
    says(monkeypatch, **waiting, j9=Word("PENDING", "", "Dependency"), j10=Word("RUNNING", "n1"))
    cancel(folder)
    names = ("a", "b-000", "b-001", "b-002", "s", "v", "page")
    says(monkeypatch, j7=Word("CANCELLED"), j9=Word("CANCELLED", "", "Dependency"), j10=Word("FAILED"))  # asked to stop, its script fails
    assert {name: found(folder, name).state for name in names} == dict.fromkeys(names, "cancelled")
    says(monkeypatch, j9=Word("CANCELLED", "", "DependencyNeverSatisfied"))  # its runs were cancelled a moment earlier
    assert {name: found(folder, name).state for name in names} == dict.fromkeys(names, "cancelled")
    (folder / "b-001").mkdir()
    (folder / "b-001" / "restart.h5").write_text("")
    says(monkeypatch)
    assert {name: found(folder, name).state for name in names} == dict.fromkeys(names, "cancelled") | {"b-001": "stopped"}


def test_what_somebody_else_cancelled_is_told_from_its_log(folder, monkeypatch):
    log = folder / "jobs" / "a.log"
    for end, state in (("***", "cancelled"), ("DUE TO TIME LIMIT ***", "failed")):
        log.write_text(f"=== attempt 1, job 7\nslurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-01T10:00:00 {end}\n")
        assert found(folder, "a").state == state


def test_what_read_a_result_that_never_came_is_blocked_once_slurm_has_forgotten_it(folder, monkeypatch):
    (folder / "jobs" / "a.log").write_text("=== attempt 1, job 7\nerror: the run became unstable\n")
    assert (found(folder, "v").state, found(folder, "v").note) == ("blocked", "a: failed")
    assert found(folder, "s").note == "b-000, b-001, b-002: lost"


def test_a_status_reads_no_case(folder, monkeypatch):
    says(monkeypatch, j7=Word("CANCELLED"))
    expected = status(folder)
    with monkeypatch.context() as inner:
        inner.setattr(record, "read", lambda folder: pytest.fail("a case is read"))
        assert status(folder) == expected
    for damaged in ("", "{}", json.dumps({"of": "another", "title": "x", "steps": []})):
        (folder / "jobs" / "steps.json").write_text(damaged)
        assert status(folder) == expected
