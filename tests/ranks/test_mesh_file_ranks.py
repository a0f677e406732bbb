"""A mesh of a file, on several ranks: the same bits."""

from pathlib import Path

import pytest
from conftest import ROOT, long
from test_same_bits import assert_same, run_on

from pipeline.core import case
from solvers.core.comm import Serial
from solvers.core.run import run_case

CASE = ROOT / "jobs" / "cases" / "harbour.toml"


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Path:
    """The run on one rank, from a case that names its file beside it."""
    folder = tmp_path_factory.mktemp("alone")
    text = CASE.read_text(encoding="utf-8").replace('"15 min"', "60.0").replace('"30 s"', "20.0")
    (folder / "harbour.toml").write_text(text, encoding="utf-8")
    (folder / "harbour.msh").write_bytes(CASE.with_suffix(".msh").read_bytes())
    summary = run_case(case.read(folder / "harbour.toml"), folder, Serial())
    assert summary["steps"] > 20
    return folder


@pytest.mark.parametrize("ranks", [2, long(3)])
def test_a_mesh_of_a_file_gives_the_same_bits(alone, tmp_path, ranks):
    run_on(ranks, alone / "harbour.toml", tmp_path / "run")
    assert_same(alone, tmp_path / "run")
