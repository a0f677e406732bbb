"""Campaigns on one machine: what is kept, what is done again, what is refused, and where a result comes from."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import HUMP, ROOT, SOURCES, wait_for, wavetrain
from running import begun, ended

from jobs.campaign.status import status
from jobs.local import record
from jobs.local.lock import holder, locked
from pipeline.core import campaign as campaigns
from pipeline.core import case, provenance
from pipeline.core.campaign import Run
from pipeline.core.errors import InputError, InUseError
from pipeline.store.reader import Store

CAMPAIGN = """
title = "Two runs and two stages"
[run.good]
case = "hump.toml"
[run.other]
case = "hump.toml"
set = { "mesh.size" = 1.5 }
[stage.first]
kind = "decompose"
runs = "good"
reference = "exact"
resamples = 10
[stage.second]
kind = "decompose"
runs = "other"
reference = "exact"
resamples = 10
"""
BAD = CAMPAIGN.replace('"mesh.size" = 1.5', '"solver.boundary" = { nowhere = { kind = "wall" } }')


OFTEN = HUMP.replace("every = 0.25", "every = 0.0625")  # frames enough for some blocks


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "hump.toml").write_text(HUMP)
    (tmp_path / "campaign.toml").write_text(CAMPAIGN)
    return tmp_path


@pytest.fixture(scope="module")
def once(tmp_path_factory) -> Path:
    """A folder with a campaign and its results, in ``out``; whoever does them again or spoils a run leaves those of the stages."""
    folder = tmp_path_factory.mktemp("once")
    (folder / "hump.toml").write_text(OFTEN)
    (folder / "campaign.toml").write_text(CAMPAIGN)
    done = wavetrain("run", "campaign.toml", "--out", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def fields(path: Path) -> dict[str, bytes]:
    with Store(path) as store:
        return {name: store.field(name).compute().tobytes() for name in store.fields}


@pytest.mark.parametrize("path", sorted((ROOT / "jobs").glob("ca[sm][ep]*/*.toml")), ids=lambda path: path.stem)
def test_the_campaign_that_is_written_makes_the_same_graph(path, tmp_path):
    read = campaigns.read(path)
    record.write(read, tmp_path)
    again = record.read(tmp_path)
    for a, b in zip(read.steps, again.steps, strict=True):
        assert a.name == b.name
        if isinstance(a, Run):
            assert (a.case, a.folder) == (b.case, b.folder)
        else:
            assert a == b


def test_names_that_are_no_folders_are_refused(folder):
    for name in ("../up", "a b", "a;b", "$(x)", ".hidden", "-rf", "jobs", "a" * 101, "a/b", "a\\nb"):
        (folder / "campaign.toml").write_text(f'[run."{name}"]\ncase = "hump.toml"\n')
        with pytest.raises(InputError, match="can't be the name"):
            campaigns.read(folder / "campaign.toml")


def test_what_a_result_depends_on_changes_its_key(folder, monkeypatch):
    (folder / "bed.txt").write_text("0 0 -1\n")
    text = HUMP.replace('{ kind = "flat", depth = 1.0 }', '{ kind = "raster", file = "bed.txt" }')
    (folder / "hump.toml").write_text(text)
    keys = [provenance.of_run(case.read(folder / "hump.toml"))["key"]]
    (folder / "bed.txt").write_text("0 0 -2\n")
    keys.append(provenance.of_run(case.read(folder / "hump.toml"))["key"])
    keys.append(provenance.of_run(case.read(folder / "hump.toml", ["mesh.size=0.5"]))["key"])
    found = provenance.packages()
    monkeypatch.setattr(provenance, "packages", lambda: found | {"numpy": "0.1"})
    keys.append(provenance.of_run(case.read(folder / "hump.toml"))["key"])
    monkeypatch.setattr(provenance, "packages", lambda: found | {"dask": "0.1"})  # moves blocks, not bits
    assert provenance.of_run(case.read(folder / "hump.toml"))["key"] == keys[1]
    monkeypatch.setattr(provenance, "code_of", lambda *places: "another")
    keys.append(provenance.of_run(case.read(folder / "hump.toml"))["key"])
    assert len(set(keys)) == len(keys)


def test_a_second_process_is_refused_by_the_firsts_host_and_number(folder):
    (folder / "hump.toml").write_text(HUMP.replace("size = 1.0", "size = 0.2").replace("end = 0.5", "end = 500.0"))
    with begun("run", "hump.toml", "--out", "out", "--ranks", "2", cwd=folder) as first:
        wait_for(folder / "out" / "progress.json")  # its steps have begun, so that it can stop between two
        second = wavetrain("run", "hump.toml", "--out", "out", cwd=folder)
        assert second.returncode == 1
        assert f"in use: by process {first.pid} on host {os.uname().nodename}" in second.stderr
        assert [step.state for step in status(folder / "out").steps] == ["running"]
        told = wavetrain("cancel", "out", cwd=folder).stdout
        assert f"process {first.pid} was asked to stop" in told
        first.communicate(timeout=60)
    assert holder(folder / "out") is None
    assert [step.state for step in status(folder / "out").steps] == ["stopped"]


def test_a_lock_ends_with_its_owner(tmp_path):
    code = (
        "import sys, time, pathlib, jobs.local.lock as l\nwith l.locked(pathlib.Path(sys.argv[1])):\n print(1, flush=True); time.sleep(99)"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], env=os.environ | SOURCES, stdout=subprocess.PIPE) as owner:
        owner.stdout.readline()
        assert holder(tmp_path)["pid"] == owner.pid
        with pytest.raises(InUseError, match=str(owner.pid)), locked(tmp_path):
            pass
        owner.kill()
    with locked(tmp_path):
        assert holder(tmp_path)["pid"] == os.getpid()


def test_what_fails_stops_what_reads_it_and_leaves_the_rest_going(folder):
    (folder / "campaign.toml").write_text(BAD)
    done = wavetrain("run", "campaign.toml", "--out", "out", cwd=folder, page=True)
    assert done.returncode == 2
    assert "second: not done, for what it reads failed" in done.stdout
    assert (folder / "out" / "first" / "result.json").exists()
    assert (folder / "out" / "report.html").exists()
    found = {step.name: step for step in status(folder / "out").steps}
    assert {name: step.state for name, step in found.items()} == {"good": "done", "other": "failed", "first": "done", "second": "blocked"}
    assert found["other"].note.startswith("no side 'nowhere'")
    shown = wavetrain("watch", "out", cwd=folder)  # no terminal: lines, and an end
    assert shown.returncode == 1
    assert "2 done, 1 failed, 1 blocked" in shown.stdout
    assert "no side 'nowhere'" in wavetrain("logs", "out", "other", cwd=folder).stdout
    (folder / "campaign.toml").write_text(CAMPAIGN)  # the same command, after it was mended, does the rest
    done = wavetrain("run", "campaign.toml", "--out", "out", cwd=folder)
    assert done.returncode == 2
    assert "other holds another run" in done.stderr
    shutil.rmtree(folder / "out" / "other")
    done = wavetrain("run", "campaign.toml", "--out", "out", cwd=folder)
    assert "good: done before" in done.stdout
    assert "first:" not in done.stdout
    assert [step.state for step in status(folder / "out").steps] == ["done"] * 4


def test_from_does_a_step_again_and_what_reads_it_and_a_result_can_be_traced_and_made_again(once):
    folder = once
    before = {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("r*.h5")}
    assert len(before) == 4
    refused = wavetrain("run", "campaign.toml", "--out", "out", "--from", "godo", cwd=folder)
    assert refused.returncode == 2
    assert "did you mean 'good'" in refused.stderr
    assert wavetrain("run", "campaign.toml", "--out", "out", "--from", "good", cwd=folder).returncode == 0
    changed = {path.parent.name for path, time in before.items() if path.stat().st_mtime_ns != time}
    assert changed == {"good", "first"}

    told = wavetrain("provenance", "out/first/result.h5", "--write", "again.toml", cwd=folder)
    assert told.returncode == 0, told.stderr
    run = folder / "out" / "good" / "run.h5"
    for word in (provenance.digest(run), "1 rank(s)", "numpy", "case: sha256", "cores"):
        assert word in told.stdout
    assert wavetrain("run", "again.toml", "--out", "again", cwd=folder).returncode == 0
    assert not (folder / "again" / "other").exists()
    assert fields(folder / "again" / "good" / "run.h5") == fields(run)
    results = [json.loads((folder / out / "first" / "result.json").read_text())["runs"]["good"] for out in ("out", "again")]
    assert results[0]["fields"] == results[1]["fields"]
    with Store(run) as store:
        assert store.complete
    run.write_bytes(run.read_bytes()[:-1] + b"x")
    assert "CHANGED since" in wavetrain("provenance", "out/first/result.h5", cwd=folder).stdout


def test_a_checkpoint_of_another_version_is_not_gone_on_from(folder):
    (folder / "hump.toml").write_text(HUMP.replace("size = 1.0", "size = 0.15").replace("end = 0.5", "end = 2.0"))
    with begun("run", "hump.toml", "--out", "out", cwd=folder) as process:
        wait_for(folder / "out" / "run.h5.part")
        wait_for(folder / "out" / "progress.json")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    done = ended("run", "hump.toml", "--out", "out", cwd=folder, before="prepared:another_version")
    assert done.returncode == 0, done.stderr
    assert "made by another version" in (folder / "out" / "log.txt").read_text()


def test_a_stage_that_is_killed_computes_only_the_rest(folder, once):
    (folder / "hump.toml").write_text(OFTEN)
    (folder / "campaign.toml").write_text(
        CAMPAIGN[: CAMPAIGN.index("[run.other]")] + CAMPAIGN[CAMPAIGN.index("[stage.first]") : CAMPAIGN.index("[stage.second]")]
    )
    done = ended("run", "campaign.toml", "--out", "killed", cwd=folder, before="prepared:killed_half_way")
    assert done.returncode == -signal.SIGKILL
    assert not (folder / "killed" / "first" / "result.json").exists()
    assert status(folder / "killed").steps[1].state == "waiting"
    again = wavetrain("run", "campaign.toml", "--out", "killed", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert "first: 4 blocks were done before" in again.stdout
    places = (once / "out", folder / "killed")
    results = [json.loads((place / "first" / "result.json").read_text())["runs"]["good"]["fields"] for place in places]
    assert results[0] == results[1]
    assert not (folder / "killed" / "first" / "blocks").exists()
    assert np.isfinite(results[0]["relative"]["value"])
