"""No module but a plug-in's own knows it by its name, so no table of kinds has to be told of a new one."""

import ast
from collections.abc import Iterator

import pytest
from conftest import ROOT
from syntax import files, syntax_of

from jobs.campaign.catalogue import groups
from pipeline.core import plugin

# Names that are words of other things too: they are looked for where the statement speaks of a kind.
WORDS = {"none", "shell", "series", "waves", "box", "linear", "file", "vertices"}
ALLOWED = {  # the module, the name, and why it can't be otherwise
    ("jobs.commands.verbs", "compress"): "a verb of the command line, which has a stage's name",
    ("pipeline.compression.blocks.coding", "compress"): "an extra of pyproject.toml, which pip knows by this name",
    ("pipeline.compression.blocks.coding", "zipgan"): "another",
    ("pipeline.compression.make", "file"): "a key of what an archive says of its source",
    ("pipeline.compression.frames_between", "turbulence"): "archives made before say their equations by their case alone",
    ("pipeline.stages.decompose.waves", "plane_wave"): "runs made before say by their case alone that they are a wave",
}


def named() -> dict[str, list[str]]:
    """Packages of the plug-ins of each name."""
    found: dict[str, list[str]] = {}
    for group in groups().values():
        for kind in plugin.kinds(group.package):
            found.setdefault(kind, []).append(group.package)
    return found


def is_own(module: str, package: str, kind: str) -> bool:
    """Whether ``module`` is of the plug-in ``kind``, or the package of all of them, which says what is meant where none is named."""
    return module == package or f"{module}.".startswith(f"{package}.{kind}.")


def asked_for(tree: ast.AST) -> set[int]:
    """Constants by which a kind is asked for as a case does, ``Spec("flat", {})``, and public names of a module."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rsplit(".", maxsplit=1)[-1] == "Spec" and node.args:
            found.add(id(node.args[0]))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            found |= {id(one) for one in ast.walk(node.value)}
    return found


def known_elsewhere(module: str, tree: ast.Module, names: dict[str, list[str]]) -> Iterator[tuple[str, int]]:
    """Kinds that ``module`` knows by name and does not own, and the lines where it does."""
    found = {
        id(node): node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value in names
        and not any(is_own(module, package, node.value) for package in names[node.value])
    }
    if not found:
        return
    around = {}  # the innermost statement around each
    for statement in (node for node in ast.walk(tree) if isinstance(node, ast.stmt)):  # the outer ones come first
        around |= {id(node): statement for node in ast.walk(statement) if id(node) in found}
    asked = asked_for(tree)
    for number, node in found.items():
        if number not in asked and (node.value not in WORDS or "kind" in ast.unparse(around[number]).splitlines()[0]):
            yield node.value, node.lineno


def test_no_module_but_a_plug_ins_own_knows_its_name():
    names = named()
    found = {}
    for path in files():
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for kind, line in known_elsewhere(module, syntax_of(path), names):
            found[module, kind] = line
    assert {place: line for place, line in found.items() if place not in ALLOWED} == {}
    assert set(ALLOWED) <= set(found), "what is allowed and no more there"


@pytest.mark.parametrize(
    "text",
    [
        'DRAW = {"tsunami": 1}',
        'if case.solver.kind == "ks":\n    pass',
        'if kind == "none":\n    pass',
        'match kind:\n    case "shell":\n        pass',
        'def f(x):\n    return x.get("kind") in ("beach", "bowl")',
    ],
)
def test_a_table_or_a_choice_by_name_is_found(text):
    assert list(known_elsewhere("jobs.somewhere", ast.parse(text), named()))


@pytest.mark.parametrize("text", ['bed = Spec("flat", {})', 'filter = "none"', '"""tsunami is a solver."""', '__all__ = ["compress"]'])
def test_asking_for_a_kind_as_a_case_does_and_other_words_are_no_knowledge_of_it(text):
    assert not list(known_elsewhere("jobs.somewhere", ast.parse(text), named()))


def test_words_of_other_things_are_names_of_kinds():
    assert set(named()) >= WORDS
