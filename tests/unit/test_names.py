"""Names are the field's standard terms, one meaning each: those of docs/glossary.md, and none of the words that stood in their place."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from syntax import files, syntax_of

OWN = {"Params"}  # each plug-in has one
# Words that were made at home, and the standard term of each. They may stand in a sentence, and name a variable, in a sense of their own.
HOMEMADE = {
    "wish": "request, or target",
    "wishes": "request, or target",
    "door": "summary",
    "doors": "summary",
    "drift": "conservation_error",
    "glued": "periodic",
    "nought": "zero",
    "noughts": "zeros",
}
WHOLE = {"beside": "comparison", "apart": "isolated", "longest_step": "dt_max", "most_ranks": "max_ranks"}  # ... as whole names alone


def words(name: str) -> set[str]:
    """The words of a name in either way of writing it."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_"))


def is_homemade(name: str) -> bool:
    return bool(words(name) & HOMEMADE.keys()) or name.lower() in WHOLE


def named(place: str, tree: ast.AST) -> Iterator[str]:
    """Names that a module gives to others: its own, those of its folders, classes, functions, their parameters, and fields."""
    yield from Path(place).with_suffix("").parts
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name
            case ast.arg():
                yield node.arg
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) if name[:1].isupper():  # a constant, or a type
                yield name


@pytest.fixture(scope="module")
def parsed() -> dict[str, ast.Module]:
    return {str(path.relative_to(ROOT)): syntax_of(path) for path in files()}


def test_no_name_is_made_of_words_made_at_home(parsed):
    found = {(place, name) for place, tree in parsed.items() for name in named(place, tree) if is_homemade(name)}
    assert found == set()


SUCH = ("class Wish: pass", "def doors(stages): pass", "def mass_drift(*, u=None): pass", "class A:\n    beside: int")


@pytest.mark.parametrize("text", SUCH)
def test_such_a_name_is_found(text):
    assert any(is_homemade(name) for name in named("pipeline/module.py", ast.parse(text)))


def test_ordinary_words_in_sentences_and_variables_are_no_names():
    text = '"""A file beside the run: one door of two."""\nbeside = 1\n'
    assert not any(is_homemade(name) for name in named("pipeline/module.py", ast.parse(text)))


def test_a_class_has_a_name_of_its_own(parsed):
    places: dict[str, list[str]] = {}
    for place, tree in parsed.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(place)
    assert {name: some for name, some in places.items() if len(some) > 1 and name not in OWN} == {}


def test_terms_of_the_glossary_that_are_code_stand_in_the_code(parsed):
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith("| ")]
    told = {name for _, code, *_ in rows for name in re.findall(r"`([A-Za-z_]\w*)`", code)}
    known = {name for place, tree in parsed.items() for name in named(place, tree)}
    assert told and told <= known
