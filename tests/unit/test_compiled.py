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
