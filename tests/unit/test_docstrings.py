"""Docstrings of all that is public: what the linter looks at, what it finds wrong, and that the examples give what they say."""

import ast
import doctest
import importlib
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from syntax import PACKAGES, files, syntax_of

sys.path.insert(0, str(ROOT / "docs"))
import docstrings

LINE = ["mesh.points=64", "mesh.length=22.0", "solver.members=2", "time.end=2.0", "time.every=1.0"]
WHOLE = '''
def run(a: Array, b: float) -> float:
    """Add numbers.

    Parameters
    ----------
    a
        The numbers (n,).
    b
        Another [m].

    Returns
    -------
    float
        Their sum [m].

    Raises
    ------
    InputError
        None is there.
    """
    if not len(a):
        raise InputError("none")
    return a.sum() + b
'''


def named(root: Path = ROOT) -> set[str]:
    known = docstrings.trees(root)
    return {f"{member.path.relative_to(root)}:{member.name}" for member in docstrings.members(known)}


def faults_of(text: str) -> list[str]:
    tree, path = ast.parse(text), Path("module.py")
    return list(docstrings.faults({path: tree}, [docstrings.Member(path, node.name, node) for node in tree.body]))


def test_public_are_the_names_of_wavetrain_with_their_methods_and_interfaces_and_plugins():
    import wavetrain
    from pipeline.core.plugin import kinds

    found = named()
    for module, name in wavetrain.PUBLIC.values():
        path = importlib.import_module(module).__file__
        assert f"{Path(path).relative_to(ROOT)}:{name}" in found
    assert {"pipeline/store/reader.py:Store.field", "meshes/core/trimesh.py:TriMesh.share", "solvers/core/model.py:Model.step"} <= found
    for package, function in (("pipeline.stages", "run"), ("solvers", "build"), ("solvers", "Params"), ("meshes", "build")):
        for kind in kinds(package):
            assert any(one.startswith(f"{package.replace('.', '/')}/{kind}") and one.endswith(f":{function}") for one in found), kind


def test_a_whole_docstring_has_no_fault():
    assert faults_of(WHOLE) == []


@pytest.mark.parametrize(
    ("part", "changed", "said"),
    [
        ("a: Array,", "a: Array, c: int,", "c: int"),  # an argument that is not described
        ("    b\n        Another [m].\n", "", "b: float"),
        ("(n,)", "all", "a has no shape"),
        ("Another [m]", "Another", "b has no unit"),
        ("Their sum [m]", "Their sum", "the returned value has no unit"),
        ("    float\n", "    int\n", "DOC203"),
        ("    Returns\n    -------\n    float\n        Their sum [m].\n", "", "DOC201"),
        ("    Raises\n    ------\n    InputError\n        None is there.\n", "", "DOC501"),
    ],
)
def test_what_lacks_in_a_docstring_is_named(part, changed, said):
    assert part in WHOLE
    found = faults_of(WHOLE.replace(part, changed))
    assert found
    assert any(said in one for one in found), found


def test_a_key_of_a_table_is_described_where_it_is_declared():
    keys = ('size: float = quantity("m", "edge length")', "kind: str = setting()", 'growth: float = setting("of the edge length")')
    text = 'class Params:\n    """A table."""\n\n' + "".join(f"    {key}\n" for key in keys)
    assert faults_of(text) == ["module.py:1: Params: kind is not described", "module.py:1: Params: growth has no unit"]


NO_BEGINNING = {  # of a docstring: pronouns, and words that want a sentence before them
    *("What", "Those", "One", "Ones", "Some", "It", "They", "That", "There", "Which", "Why", "How", "When", "Where", "While", "If", "Then"),
    *("Of", "As", "From", "By", "At", "In", "On", "For", "With", "Within", "Without", "Into", "To", "Is", "Also", "Not", "Since"),
}


def test_a_docstring_begins_with_a_noun_or_a_verb():
    found = []
    for path in files(*PACKAGES, "tests", "docs"):
        for node in ast.walk(syntax_of(path)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and not getattr(node, "name", "").startswith("test_"):
                first = (ast.get_docstring(node) or "-").split()[0].strip(".,:;")
                found += [f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}: {first} ..."] if first in NO_BEGINNING else []
    assert found == []


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the run of the examples, and one with shorter steps."""
    from wavetrain import execute

    folder = tmp_path_factory.mktemp("examples")
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("WAVETRAIN_PAGE", "no")
        for name, dt in (("ks", 0.05), ("fine", 0.025)):
            execute(Path("cases/ks"), overrides=[*LINE, f"time.dt={dt}"], out=folder / "runs" / name, quiet=True)
    return folder


def with_examples() -> list[str]:
    """Modules with an example."""
    marked = [path.relative_to(ROOT).with_suffix("") for path in files() if ">>> " in path.read_text(encoding="utf-8")]
    return [".".join(path.parts).removesuffix(".__init__") for path in marked]


@pytest.mark.parametrize("module", with_examples())
def test_examples_give_what_they_say(module, place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setenv("WAVETRAIN_PAGE", "no")
    done = doctest.testmod(importlib.import_module(module))
    assert done.attempted > 0
    assert done.failed == 0
