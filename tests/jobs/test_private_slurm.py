"""`wavetrain slurm up` and `down`: a SLURM of the user's own on this machine."""

import os
import subprocess
import sys

import psutil
import pytest
from conftest import ROOT, wavetrain

from jobs.slurm import daemons, private
from pipeline.core.errors import InputError, RunError


def asked(*words):
    return wavetrain("slurm", *words, cwd=ROOT)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of the daemons' files; daemons started there are ended."""
    if why := daemons.missing():
        pytest.skip(f"missing: {why}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    place = tmp_path / "wavetrain" / "slurm"
    yield place
    daemons.stop(place)


def test_up_begins_once_says_how_to_use_it_and_down_leaves_nothing_of_it(folder, tmp_path):
    lines = asked("up", "--nodes", "2", "--cores", "3").stdout
    before = {process.pid for process in daemons.of(folder)}
    try:
        again = asked("up").stdout
        assert lines.replace("is up.", "is up already.") == again
        assert {process.pid for process in daemons.of(folder)} >= before
        told = subprocess.run(
            ["bash", "-c", f"{lines}\nsinfo -h -N -o '%N %c'; sbatch --parsable --wrap 'sleep 300'"],
            capture_output=True, text=True, check=True, cwd=tmp_path,
        )  # fmt: skip
        assert told.stdout.splitlines()[:2] == ["node1 3", "node2 3"]
        bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=daemons.environment(folder))
    finally:
        ended = asked("down")
    assert ended.stdout == f"ended, and removed: {folder}\n"
    assert not daemons.of(folder)
    assert not [pid for pid in before if psutil.pid_exists(pid)]
    assert not folder.exists()
    assert bystander.poll() is None  # a user's shell, in which SLURM_CONF is set
    bystander.communicate(b"\n")
    assert asked("down").stdout == f"no SLURM of your own in {folder}\n"


def test_up_begins_anew_where_a_machine_was_switched_off(folder):
    assert private.up(folder, cores=2)
    for process in daemons.of(folder):
        process.kill()
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    (folder / "slurmctld.pid").write_text(f"{stranger.pid}\n")  # numbers of processes are given again
    (folder / "own.txt").write_text("a user's\n")
    try:
        assert private.up(folder, cores=2)
        assert not private.up(folder, cores=2)
        assert stranger.poll() is None
    finally:
        stranger.communicate(b"\n")
        assert private.down(folder)
    assert [path.name for path in folder.iterdir()] == ["own.txt"]


def test_a_daemon_that_does_not_start_is_named_and_leaves_none_behind(folder, tmp_path, monkeypatch):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "slurmd").write_text("#!/bin/sh\necho 'slurmd: fatal: no such node' >&2\nexit 1\n")
    (programs / "slurmd").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    with pytest.raises(RunError, match="slurmd does not start: slurmd: fatal: no such node"):
        private.up(folder)
    assert not daemons.of(folder)
    assert not folder.exists()


def test_what_is_missing_or_in_the_way_is_said_in_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(daemons, "path", lambda: str(tmp_path))
    with pytest.raises(InputError, match=r"^no munged, slurmctld, slurmd, sbatch, squeue on this machine: apt-get install munge .*$"):
        private.up(tmp_path / "slurm")
    monkeypatch.setattr(private, "missing", lambda: "")
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match="holds something else"):
        private.up(tmp_path)
    with pytest.raises(InputError, match="--nodes 0; it must be 1 or more"):
        private.up(tmp_path, nodes=0)
    with pytest.raises(InputError, match="name a shorter one"):
        private.up(tmp_path / ("x" * 100))
    assert not private.down(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
