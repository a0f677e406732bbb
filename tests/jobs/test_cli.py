"""The command line: what it does, what it refuses, and what it leaves behind."""

import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import long, wait_for, wavetrain
from running import begun, ended, on_ranks
from waiting import until

from pipeline.core import case
from pipeline.store.check import validate

BUMP = {"kind": "bump", "depth": 0.5, "height": 0.7, "width": 1.0, "centre": [2.0, 1.5]}
SMALL: dict[str, Any] = {
    "title": "A small hump",
    "mesh": {"kind": "rectangle", "width": 4.0, "height": 3.0, "size": 0.4, "bathymetry": BUMP},
    "solver": {"kind": "tsunami", "initial": {"kind": "hump", "height": 0.1, "width": 0.5, "centre": [0.5, 1.5]}},
    "time": {"end": 1.0, "every": 0.25},
    "gauges": {"front": [0.8, 1.5]},
}


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "small.toml").write_text(case.to_toml(SMALL))
    return tmp_path


@pytest.fixture(scope="module")
def once(tmp_path_factory) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    """A folder with a finished run, and how its command ended."""
    folder = tmp_path_factory.mktemp("once")
    (folder / "small.toml").write_text(case.to_toml(SMALL))
    return folder, wavetrain("run", "small.toml", cwd=folder, page=True)


@pytest.fixture
def finished(once, folder) -> Path:
    """A copy of it for one test."""
    shutil.copytree(once[0] / "runs", folder / "runs")
    return folder


def change(folder: Path, **changes: Any) -> Path:
    (folder / "small.toml").write_text(case.to_toml(case.with_overrides(SMALL, changes)))
    return folder


def refused(done: subprocess.CompletedProcess[str], said: str, code: int = 2) -> None:
    """Assert a single clear line, and the exit code."""
    assert done.returncode == code, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    assert said in lines[0]


def test_a_run_leaves_what_it_promises(once):
    folder, done = once
    assert done.returncode == 0, done.stderr
    place = folder / "runs" / "small"
    assert {p.name for p in place.iterdir()} >= {"run.h5", "run.xdmf", "case.toml", "log.txt", "summary.json", "report.html"}
    summary = json.loads((place / "summary.json").read_text())
    wanted = {"status", "wall_s", "steps", "cells", "ranks", "updates_per_core_s", "mass_drift", "t_end", "dt_min", "versions"}
    assert set(summary) >= wanted
    assert summary["status"] == "done"
    assert abs(summary["mass_drift"]) < 1e-13
    validate(place / "run.h5")
    page = (place / "report.html").read_text()
    assert "A small hump" in page
    assert "http" not in page.replace("http-equiv", "")  # it needs no network
    assert not list(place.glob("*.part"))


def test_what_is_done_is_not_done_again_unless_forced(finished):
    folder = finished
    path = folder / "runs" / "small" / "run.h5"
    before = path.stat().st_mtime_ns
    again = wavetrain("run", "small.toml", cwd=folder)
    assert "done before, unchanged" in again.stdout
    assert path.stat().st_mtime_ns == before
    wavetrain("run", "small.toml", "--force", cwd=folder)
    assert path.stat().st_mtime_ns > before


def test_another_runs_folder_is_never_overwritten_without_force(finished):
    folder, place = finished, finished / "runs" / "small"
    before = (place / "run.h5").read_bytes()
    other = ("run", "small.toml", "--out", place, "--set", "solver.manning=0.05")
    refused(wavetrain(*other, cwd=folder), "holds another run")
    assert (place / "run.h5").read_bytes() == before
    assert wavetrain(*other, "--force", cwd=folder).returncode == 0
    assert "manning = 0.05" in (place / "case.toml").read_text()


def test_a_dry_run_checks_and_writes_nothing(folder):
    done = wavetrain("run", "small.toml", "--dry-run", cwd=folder)
    assert done.returncode == 0
    assert "to t = 1 s, 1 rank(s) -> runs/small (to do)" in done.stdout
    assert not (folder / "runs").exists()


def test_quiet_says_nothing(folder):
    done = wavetrain("run", "small.toml", "--quiet", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_inside_mpirun_its_ranks_are_used(folder):
    done = on_ranks(2, "run", "small.toml", "--out", "inside", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "inside" / "summary.json").read_text())["ranks"] == 2


def test_a_case_that_observes_is_validated_and_the_page_shows_it(folder):
    observed = {"source": "by hand", "comparison": "laboratory", "first_crest": {"front": 0.05}}
    change(folder, observed=observed)
    done = wavetrain("run", "small.toml", cwd=folder, page=True)
    assert "validate: front" in done.stdout, done.stderr
    place = folder / "runs" / "small"
    result = json.loads((place / "validate" / "result.json").read_text())
    assert result["gauges"]["front"]["first_crest_observed"] == 0.05
    assert (place / "validate" / "result.h5").exists()
    assert (place / "validate" / "figures" / "gauges.png").exists()
    assert "by hand" in (place / "report.html").read_text()
    assert "validate:" not in wavetrain("run", "small.toml", cwd=folder).stdout  # done and unchanged


def test_a_campaign_runs_all_its_runs(folder):
    text = '[run.smooth]\ncase = "small.toml"\n[run.rough]\ncase = "small.toml"\nset = { "solver.manning" = 0.05 }\n'
    (folder / "both.toml").write_text(text)
    assert wavetrain("run", "both.toml", cwd=folder).returncode == 0
    assert not (folder / "runs" / "both" / "report.html").exists()
    assert wavetrain("run", "both.toml", cwd=folder, page=True).returncode == 0  # all is done but the page
    for name in ("smooth", "rough"):
        validate(folder / "runs" / "both" / name / "run.h5")
    assert (folder / "runs" / "both" / "report.html").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"solver.maning": 0.1}, "unknown key 'solver.maning'; did you mean 'manning'?"),
        ({"solver.kind": "tsunmai"}, "no solver 'tsunmai'; did you mean 'tsunami'?"),
        ({"mesh.kind": "rectangel"}, "no mesh 'rectangel'; did you mean 'rectangle'?"),
        ({"mesh.width": "4 parsecx"}, "unknown unit 'parsecx'"),
        ({"time.every": 2.0}, "every = 2.0 s"),
        ({"gauges.lost": [99.0, 0.0]}, "gauge 'lost' at (99, 0) m lies outside the mesh"),
        ({"mesh.bathymetry": {"kind": "raster", "file": "no.txt"}}, "no file 'no.txt'"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_whole_looking_file(folder, changes, said):
    change(folder, **changes)
    refused(wavetrain("run", "small.toml", cwd=folder), said)
    assert not list(folder.glob("runs/*/run.h5"))
    assert not list(folder.glob("runs/*/*.xdmf"))


@pytest.mark.parametrize("ranks", [1, long(2)])
def test_an_error_found_on_all_ranks_is_told_once(folder, ranks):
    change(folder, **{"gauges.lost": [99.0, 0.0]})
    refused(wavetrain("run", "small.toml", "--ranks", ranks, cwd=folder), "gauge 'lost'")


@pytest.mark.parametrize(("changes", "said"), [({"gauges.lost": [99.0, 0.0]}, "gauge 'lost'"), long({"solver.maning": 0.1}, "unknown key")])
def test_an_error_inside_mpirun_is_told_once(folder, changes, said):
    change(folder, **changes)
    done = on_ranks(2, "run", "small.toml", cwd=folder)
    assert done.returncode == 2
    assert done.stderr.count(f"error: {said}") == 1
    assert "Traceback" not in done.stderr


def test_too_many_ranks_for_the_cells_are_refused(folder):
    change(folder, **{"mesh.size": 3.0, "mesh.pattern": "right"})
    refused(ended("run", "small.toml", "--ranks", "3", cwd=folder), "3 ranks, 2 cells")


def test_other_wrong_commands_are_refused(folder):
    refused(wavetrain("run", "smal.toml", cwd=folder), "no file 'smal.toml'")
    refused(wavetrain("run", "conical_iland", cwd=folder), "did you mean 'conical_island'?")
    refused(wavetrain("run", "small.toml", "--set", "solver", cwd=folder), "write key.path=value")
    refused(wavetrain("check", "none.h5", cwd=folder), "no file 'none.h5'")
    refused(wavetrain("show", "small.toml", cwd=folder), "no HDF5 file")
    refused(wavetrain("bench", "tsunmai", cwd=folder), "did you mean 'tsunami'?")
    (folder / "broken.toml").write_text("[mesh\n")
    refused(wavetrain("run", "broken.toml", cwd=folder), "is not TOML")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small file system")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("ranks", [1, long(2)])
def test_a_disk_that_fills_is_told_in_one_line_and_the_run_goes_on_when_there_is_space(folder, small_disk, ranks):
    change(folder, **{"mesh.size": 0.1, "time.every": 0.05})
    command = ("run", "small.toml", "--ranks", ranks, "--out", small_disk / "full")
    refused(wavetrain(*command, cwd=folder), "No space left on device", code=1)
    assert not (small_disk / "full" / "run.h5").exists()
    assert not (small_disk / "full" / "run.xdmf").exists()
    subprocess.run(["mount", "-o", "remount,size=200m", small_disk], check=True)
    after = wavetrain(*command, cwd=folder)
    assert after.returncode == 0, after.stderr
    validate(small_disk / "full" / "run.h5")


def test_a_folder_that_cannot_be_made_is_told_in_one_line(folder):
    (folder / "file").write_text("in the way")
    refused(wavetrain("run", "small.toml", "--out", "file/run", cwd=folder), "file/run", code=1)


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found += [int(stat.parent.name), *children(int(stat.parent.name))]
    return found


def test_ranks_are_started_and_one_that_dies_is_told_in_one_line_and_the_run_goes_on_from_its_checkpoint(folder):
    change(folder, **{"mesh.size": 0.15, "time.end": 2.0, "output.checkpoint": 0.1})
    with begun("run", "small.toml", "--ranks", "2", cwd=folder) as process:
        place = folder / "runs" / "small"
        wait_for(place / "restart.h5")
        ranks = [pid for pid in children(process.pid) if b"jobs.local.rank" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        workers = [pid for pid in ranks if b"mpirun" not in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(workers[-1], signal.SIGKILL)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.startswith("error: a rank died")
    assert errors.count("\n") == 1
    assert not (place / "run.h5").exists()
    again = ended("run", "small.toml", "--ranks", "2", cwd=folder)
    assert again.returncode == 0, again.stderr
    validate(place / "run.h5")
    assert json.loads((place / "summary.json").read_text())["ranks"] == 2


def test_a_run_that_is_asked_to_stop_saves_and_goes_on(folder):
    change(folder, **{"mesh.size": 0.08, "time.end": 5.0})
    with begun("run", "small.toml", cwd=folder) as process:
        place = folder / "runs" / "small"
        wait_for(place / "progress.json")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the same command goes on from there" in errors
    assert (place / "restart.h5").exists()
    assert wavetrain("run", "small.toml", cwd=folder).returncode == 0
    assert not (place / "restart.h5").exists()


def test_an_unstable_run_says_where_and_when_and_keeps_the_last_good_restart(folder):
    (folder / "wave.txt").write_text("0 0\n0.9 0\n0.95 1e200\n2 1e200\n")
    wave = {"kind": "incident", "wave": {"kind": "series", "file": "wave.txt", "highest": 1e201}}
    change(folder, **{"solver.boundary": {"west": wave}, "output.checkpoint": 0.0, "time.end": 2.0})
    done = wavetrain("run", "small.toml", cwd=folder)
    refused(done, "the run became unstable: first value that is not finite at t = 0.9", code=1)
    assert "in cell" in done.stderr
    place = folder / "runs" / "small"
    assert not (place / "run.h5").exists()
    from pipeline.store.reader import Store

    with Store(place / "restart.h5") as saved:
        assert saved.restart()[1]["t"] == 0.75


def test_help_lists_the_verbs_and_list_says_what_there_is(folder):
    text = wavetrain("--help", cwd=folder).stdout
    for verb in ("list", "check", "run", "show", "bench"):
        assert verb in text
    listed = wavetrain("list", cwd=folder).stdout
    for name in (
        "dam_break",
        "hump",
        "thacker",
        "lake_at_rest",
        "conical_island",
        "monai",
        "simple_beach",
        "demo",
        "island",
        "validate",
        "tsunami",
    ):
        line = next(line for line in listed.splitlines() if line.split()[:1] == [name])
        assert len(line.split()) > 4, line  # and a line on what it shows


def test_show_and_check_tell_what_is_in_a_file(folder):
    wavetrain("run", "small.toml", "--set", "output.filter=gzip", cwd=folder)
    shown = wavetrain("show", "runs/small/run.h5", cwd=folder).stdout
    for word in ("whole", "5 frames, t = 0 to 1 s", "gauges: front (0.8, 1.5) m", "discharge_x", "[m2 s-1]", "packed"):
        assert word in shown
    assert "whole and to the schema wavetrain-2" in wavetrain("check", "runs/small/run.h5", cwd=folder).stdout


def test_progress_is_plain_lines_where_there_is_no_terminal(folder):
    change(folder, **{"mesh.size": 0.05, "time.end": 20.0})
    with begun("run", "small.toml", cwd=folder, before="prepared:lines_often") as process:
        until(lambda: process.said().count("\n") >= 2, every=0.01)
        process.terminate()
        said, _ = process.communicate(timeout=60)
    lines = said.splitlines()
    line = next(line for line in lines if "s left" in line)
    assert "step 1," not in line  # after a single step nothing is known of the time left
    for word in ("small: t =", "of 20 s", "s left", "dt =", "conservation error"):
        assert word in line
    assert "\x1b" not in line


def test_progress_is_live_in_a_terminal(folder):
    change(folder, **{"mesh.size": 0.1, "time.end": 4.0})
    try:
        ours, theirs = pty.openpty()
    except OSError:
        pytest.skip("this machine has no pseudo-terminals")
    with begun("run", "small.toml", cwd=folder, files={1: theirs, 2: theirs}, more={"TERM": "xterm", "COLUMNS": "200"}) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # the other end is closed
            while part := os.read(ours, 4096):
                shown += part
        process.wait(timeout=60)
    os.close(ours)
    for word in (b"of 4 s", b"s left", b"dt =", b"conservation error", b"\x1b["):
        assert word in shown
