"""`docs/architecture.md`: its picture shows the arrows that the code has, and what it names is there."""

import ast
import re

import pytest
import rooms
from conftest import ROOT
from syntax import syntax_of

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MODULES = rooms.modules()
NAMED = sorted(set(re.findall(rf"`((?:{'|'.join(rooms.FLOORS)})(?:\.\w+)+)`", PAGE)))


def test_the_picture_shows_the_arrows_of_the_code():
    assert rooms.shown() == set(rooms.arrows()), "the picture is of another state: run `python docs/rooms.py`"


def test_every_room_has_its_line():
    assert [room for room in rooms.rooms() if f"`{room}`" not in PAGE] == ["solvers"]  # an empty package


@pytest.mark.parametrize("name", NAMED)
def test_what_the_page_names_is_there(name):
    """A module, or a function or class that is defined in one."""
    module, _, defined = name.rpartition(".")
    if name not in MODULES:
        body = syntax_of(MODULES[module]).body
        assert defined in [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def test_the_page_follows_the_case_over_all_floors():
    assert len(NAMED) > 30
    assert {name.split(".")[0] for name in NAMED} == set(rooms.FLOORS)


def test_imports_are_counted_from_statements(tmp_path):
    """In functions too, once for each statement and module, not for types alone, and not inside a room."""
    files = {
        "jobs/__init__.py": "",
        "jobs/cli.py": "from pipeline import case, plugin\ndef f():\n    import solvers.core.run\n",
        "jobs/other.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import meshes\nimport jobs.cli, numpy\n",
        "solvers/__init__.py": "",
        "solvers/core/__init__.py": "",
        "solvers/core/run.py": "from pipeline.case import Case, parse\n",
        "meshes/__init__.py": "",
        "pipeline/__init__.py": "",
        "pipeline/case.py": "import pipeline.plugin\n",
        "pipeline/plugin.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert rooms.arrows(tmp_path) == {("jobs", "pipeline"): 2, ("jobs", "solvers.core"): 1, ("solvers.core", "pipeline"): 1}
    assert rooms.rows(rooms.arrows(tmp_path), rooms.rooms(tmp_path)) == [["jobs"], ["solvers", "solvers.core"], ["meshes"], ["pipeline"]]
    assert rooms.draw(tmp_path / "rooms.png", tmp_path).stat().st_size > 0
    assert rooms.shown(tmp_path / "rooms.png") == set(rooms.arrows(tmp_path))
