"""A kernel is compiled anew where a file changes that it is made of."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT

from pipeline.core.compiled import sources

MODULES = {
    "sea/__init__.py": "",
    "sea/numbers.py": "FACTOR = 1.0\n",
    "sea/laws.py": (
        "from pipeline.core.compiled import njit\nfrom sea import numbers\n\n@njit\ndef law(x):\n    return numbers.FACTOR * x\n"
    ),
    "sea/kernels.py": (
        "from pipeline.core.compiled import njit\nfrom sea.laws import (\n    law,\n)\n\n"
        "@njit(cache=True)\ndef kernel(x):\n    return law(x) + 1.0\n"
    ),
    "sea/other.py": "",
}
RUN = "from sea.kernels import kernel; print(kernel(2.0))"


@pytest.fixture
def folder(tmp_path):
    for name, text in MODULES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def result(folder) -> str:
    """Result of the kernel in a process of its own."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=False, env=env, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_number_that_changes_in_another_file_changes_the_result(folder):
    assert result(folder) == "3.0"
    (folder / "sea" / "numbers.py").write_text("FACTOR = 5.0\n")
    assert result(folder) == "11.0"


def test_sources_are_followed_from_file_to_file_and_end_at_libraries(folder):
    found = {path.relative_to(folder).as_posix() for path in sources(folder / "sea" / "kernels.py") if path.is_relative_to(folder)}
    assert found == {"sea/__init__.py", "sea/kernels.py", "sea/laws.py", "sea/numbers.py"}
    tsunami = {path.relative_to(ROOT).as_posix() for path in sources(ROOT / "solvers" / "tsunami" / "local" / "kernels.py")}
    assert tsunami == {"solvers/tsunami/local/kernels.py", "solvers/tsunami/kernels.py", "pipeline/core/compiled.py"}


ADD = "from pipeline.core.compiled import njit\n\n@njit(cache=True)\ndef add(x):\n    return x + {number}\n"
HITS = "from solvers.tried import add; print(add(1.0), sum(add.stats.cache_hits.values()))"


def checkout(folder, number: float) -> str:
    """Result of a kernel of a checkout of this project, and how often it was found in the cache."""
    (folder / "pipeline" / "core").mkdir(parents=True, exist_ok=True)
    (folder / "solvers").mkdir(exist_ok=True)
    for name in ("pipeline/__init__.py", "pipeline/core/__init__.py", "solvers/__init__.py"):
        (folder / name).touch()
    (folder / "pipeline/core/compiled.py").write_text((ROOT / "pipeline/core/compiled.py").read_text())
    (folder / "solvers/tried.py").write_text(ADD.format(number=number))
    env = os.environ | {"PYTHONPATH": str(folder), "XDG_CACHE_HOME": str(folder.parent / "cache")}
    done = subprocess.run([sys.executable, "-c", HITS], capture_output=True, text=True, check=False, env=env, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_checkouts_of_the_same_sources_share_their_kernels_and_others_do_not(tmp_path):
    assert checkout(tmp_path / "first", 1.0) == "2.0 0"
    assert checkout(tmp_path / "second", 1.0) == "2.0 1"
    assert checkout(tmp_path / "second", 2.0) == "3.0 0"
    assert checkout(tmp_path / "first", 1.0) == "2.0 1"


def test_kernels_that_were_not_used_for_long_go_as_others_come(tmp_path):
    kept = tmp_path / "cache" / "wavetrain" / "kernels"
    checkout(tmp_path / "first", 1.0)
    (old,) = kept.iterdir()
    os.utime(old, (0, 0))
    assert checkout(tmp_path / "first", 1.0) == "2.0 1"  # its use counts
    os.utime(old, (0, 0))
    checkout(tmp_path / "first", 2.0)
    assert not old.exists()
    assert len(list(kept.iterdir())) == 1
