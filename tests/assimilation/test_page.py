"""The page's example does what the page says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SOURCES

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
def test_the_example_of_the_page_makes_its_picture_and_warns_of_the_filter_that_is_lost(tmp_path):
    example = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "assimilation.md").read_text(), re.DOTALL)[1]
    (tmp_path / "example.py").write_text(example)
    env = {"MPLBACKEND": "Agg", "PATH": "", **SOURCES}
    done = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "assimilation.png").stat().st_size > 10_000
    lines = done.stdout.splitlines()
    assert lines[1].startswith("LETKF, 7 members estimated / stated noise 1 ")
    assert done.stderr.count("has lost the truth") == 1
