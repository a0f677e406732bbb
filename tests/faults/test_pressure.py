"""Short versions of the faults of disks, of names and of many runs."""

import os
import subprocess
import sys
from pathlib import Path

import fault_disks as disks
import psutil
import pytest
import shim
from conftest import HUMP, SOURCES, wait_for, wavetrain
from running import begun

WORKS = {work.name: work for work in disks.WORKS}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A folder with a run, a stage's result and an archive, made where nothing was wrong."""
    if os.getuid() != 0:
        pytest.skip("missing: root, who can mount a file system")
    folder = tmp_path_factory.mktemp("whole")
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True, check=False).returncode:
        pytest.skip("missing: leave to mount a file system")
    subprocess.run(["umount", "-l", folder], check=True)
    files = {**disks.FILES, "all.toml": disks.BEGIN}
    disks.prepare(folder, print, (disks.MAKING[0], disks.MAKING[2]), files)
    return folder


def test_an_archive_for_which_the_disk_is_too_small_is_told_in_one_line_and_made_when_there_is_space(whole):
    disks.full(whole, WORKS["compress"], 0.5)


def test_a_stage_that_may_not_write_is_told_in_one_line_and_done_when_it_may(whole):
    disks.read_only(whole, WORKS["stage decompose"])


def test_a_run_that_has_used_up_its_quota_is_told_in_one_line_and_goes_on(whole):
    if shim.missing():
        pytest.skip(f"missing: {shim.missing()}")
    disks.out_of_quota(whole, WORKS["run"], 0.4)


def test_a_process_that_dies_takes_down_its_own_run_of_a_sweep_alone(tmp_path):
    (tmp_path / "hump.toml").write_text(HUMP.replace("size = 1.0", "size = 0.15").replace("end = 0.5", "end = 2.0"))
    (tmp_path / "sweep.toml").write_text('[run.sea]\ncase = "hump.toml"\n[sweep]\n"solver.initial.height" = [0.1, 0.11, 0.12, 0.13]\n')
    with begun("run", "sweep.toml", "--out", "out", cwd=tmp_path) as process:
        wait_for(tmp_path / "out" / "sea-001" / "progress.json")
        workers = psutil.Process(process.pid).children()
        assert len(workers) == min(os.cpu_count() or 1, 4)
        workers[0].kill()
        told, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    assert told.count("FAILED: ") == 1
    assert errors.count("its process died") == 1
    assert sum((tmp_path / "out" / f"sea-{i:03d}" / "run.h5").exists() for i in range(4)) == 3
    again = wavetrain("run", "sweep.toml", "--out", "out", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("done before, unchanged") == 3


def test_a_machine_is_known_by_another_name():
    code = "import subprocess; from jobs.local.lock import machine; a = machine(); subprocess.run(['hostname', 'renamed'], check=True); "
    code += "assert machine() == a"
    command = ["unshare", "--uts", sys.executable, "-c", code]
    if subprocess.run(["unshare", "--uts", "true"], capture_output=True, check=False).returncode:
        pytest.skip("missing: root, who has namespaces")
    subprocess.run(command, env=os.environ | SOURCES, check=True)
