"""Start of Python processes, and the readers of their output."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from jobs.local import launch, processes
from jobs.local.lock import NAME, locked
from jobs.local.processes import on_terminal, python, python_path


def test_the_working_folder_is_on_no_module_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", "/somewhere"]))
    (tmp_path / "queue.py").write_text("raise SystemExit('a user\\'s own')\n")
    assert python_path().split(os.pathsep)[1:] == ["/somewhere"]
    code = "import queue, jobs, sys; print(queue.__file__, sys.path)"
    env = os.environ | {"PYTHONPATH": python_path()}
    done = subprocess.run(python("-c", code), cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) not in done.stdout


@pytest.mark.parametrize("variable", ["OMPI_COMM_WORLD_RANK", "PMIX_RANK"])
def test_the_terminal_of_a_launcher_is_nobodys(monkeypatch, variable):
    for name in processes.RANK_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert on_terminal()
    monkeypatch.setenv(variable, "0")
    assert not on_terminal()


def test_a_lock_may_be_written_by_whom_the_umask_lets(tmp_path):
    before = os.umask(0o002)
    try:
        with locked(tmp_path):
            assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o664
    finally:
        os.umask(before)


def test_open_mpi_is_known_by_its_own_word(monkeypatch):
    """Not bound to cores, which two runs at once would share, and through memory alone; on loopback where there is no other network."""
    told = "mpirun (Open MPI) 4.1.4\n\nReport bugs to http://www.open-mpi.org/community/help/\n"
    monkeypatch.setattr(launch.shutil, "which", lambda name: "mpirun")
    monkeypatch.setattr(launch.subprocess, "run", lambda *words, **named: SimpleNamespace(stdout=told))
    monkeypatch.setattr(launch.socket, "if_nameindex", lambda: [(1, "lo"), (2, "eth0")])
    command = launch.mpirun(3)
    assert command[command.index("--bind-to") + 1] == "none"
    assert command[command.index("btl") + 1] == "self,vader"
    assert "OMPI_MCA_oob_tcp_if_include" not in launch.environment()
    monkeypatch.setattr(launch.socket, "if_nameindex", lambda: [(1, "lo")])
    assert launch.environment()["OMPI_MCA_oob_tcp_if_include"] == "127.0.0.0/8"
    told = "HYDRA build details:\n    Version: 4.1\n"
    assert launch.mpirun(3) == ["mpirun", "-n", "3"]
