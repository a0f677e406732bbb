"""The rooms: no modules import each other in a circle, and a function fits a screen."""

import ast
import functools
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from syntax import PACKAGES, files, syntax_of

from pipeline.core import provenance

LINES = 60  # of a function, but for kernels, which numba makes one loop of


@functools.cache
def functions() -> list[tuple[str, int, int]]:
    """The place of every function that is no kernel, its lines, and those of its docstring."""
    found = []
    for path in files():
        for node in ast.walk(syntax_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "njit" not in "".join(map(ast.dump, node.decorator_list)):
                told = len(node.body[0].value.value.splitlines()) if ast.get_docstring(node) else 0
                found.append((f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1, told))
    return found


def test_a_function_fits_a_screen():
    assert [place for place, lines, told in functions() if lines - told > LINES] == []


ARGUMENTS = {
    "jobs/campaign/execute.py execute",
    "solvers/core/driver.py simulate",
}  # take eleven and ten, each with two lines in the docstring


def test_a_function_with_its_docstring_fits_a_screen_but_for_two_of_many_arguments():
    places = {re.sub(r":\d+", "", place) for place, lines, _ in functions() if lines > LINES}
    assert places == ARGUMENTS


@functools.cache
def imports() -> Any:
    """The graph of all imports, of libraries too, but for those for types alone."""
    grimp = pytest.importorskip("grimp")
    return grimp.build_graph(*PACKAGES, cache_dir=None, include_external_packages=True, exclude_type_checking_imports=True)


def test_no_modules_import_each_other_in_a_circle():
    """Imports inside functions count; those for types alone do not."""
    graph = imports()
    left = {module: (graph.find_modules_directly_imported_by(module) & graph.modules) - {module} for module in graph.modules}
    while free := [module for module, imported in left.items() if not imported & left.keys()]:  # import nothing that is left
        for module in free:
            del left[module]
    assert sorted(left) == []


NOT_ARRAYS = ("h5py", "dask", "distributed", "mpi4py", "mpi4py_fft", "petsc4py", "torch", "pipeline.core", "pipeline.store", "solvers.core")
SEEN = {"pipeline.core", "pipeline.core.errors", "pipeline.core.compiled"}  # the last is their decorator


def test_files_with_kernels_see_arrays_alone():
    """Nothing that they import, at any remove, knows files, processes or parameters; import-linter has a list of such files, this none."""
    graph = imports()
    compiled = [path for path in files() if "njit(" in path.read_text(encoding="utf-8")]
    assert len(compiled) > 10
    for path in compiled:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        seen = graph.find_upstream_modules(module) - SEEN
        assert [one for one in seen if one.startswith(NOT_ARRAYS)] == [], module


def test_what_stages_share_is_of_two_of_them_at_least():
    graph = imports()
    for module in graph.find_children("pipeline.stages.core"):
        users = {one.split(".")[2] for one in graph.find_downstream_modules(module) if one.startswith("pipeline.stages.")} - {"core"}
        assert len(users) > 1, f"{module} is of {users} alone: it belongs there"


BESIDE = {  # files that know terms, and are not on the path of one along pairs of states on a line
    "pipeline/discovery/trajectory.py": "states with noise, in place of pairs",
    "pipeline/discovery/measured.py": "laws, in place of terms in u",
    "pipeline/discovery/laws.py": "laws",
    "pipeline/stages/friction/__init__.py": "laws",
    "pipeline/stages/friction/trial.py": "laws",
    "solvers/tsunami/forecast.py": "laws",
    "solvers/tsunami/friction.py": "laws",
    "pipeline/discovery/modified.py": "a scheme's terms, from its steps",
    "pipeline/stages/discover/modified.py": "a scheme's terms, from a run",
    "pipeline/terms/expressions.py": "functions of x and u in a term",
    "solvers/ks/line.py": "functions of x and u in a term",
    "solvers/ks/plane.py": "a plane",
    "solvers/ks/differences.py": "differences, in place of Fourier modes",
}
TERM = {"Term", "Terms", "parse_terms"}


def knows_terms(path: Path) -> bool:
    """Whether the module at ``path`` imports terms, or has them as they are parsed."""
    imports = [node for node in ast.walk(syntax_of(path)) if isinstance(node, ast.ImportFrom)]
    return any((node.module or "").startswith("pipeline.terms") and TERM & {one.name for one in node.names} for node in imports)


def test_a_term_goes_through_the_files_that_the_benchmarks_list():
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8").partition("## Paths of a value")[2]
    listed = set(
        re.findall(r"`((?:pipeline|solvers)/[\w/]+\.py)`", next(line for line in text.splitlines() if line.startswith("| a term:")))
    )
    found = {str(path.relative_to(ROOT)) for path in files("pipeline", "solvers") if knows_terms(path)}
    given = {"pipeline/terms/terms.py", "solvers/ks/params.py", "solvers/ks/kernels.py"}  # where they are made, and where they end
    assert found - set(BESIDE) | given == listed
    assert set(BESIDE) <= found
    assert len(listed) <= 12


WAITING = {
    "tests/waiting.py": "the loop that all have in common",
    "tests/compiled_once.py": "tries a lock until it has it, or goes on without",
    "tests/faults/fault_clocks.py": "lets a clock be wrong for a second each",
}


def sleeps(loop: ast.AST) -> bool:
    return any(isinstance(node, ast.Call) and ast.unparse(node.func) == "time.sleep" for node in ast.walk(loop))


def test_tests_wait_in_one_loop():
    loops = set()
    for path in files("tests"):
        nodes = ast.walk(syntax_of(path)) if "time.sleep(" in path.read_text(encoding="utf-8") else ()
        loops |= {str(path.relative_to(ROOT)) for node in nodes if isinstance(node, ast.While | ast.For) and sleeps(node)}
    assert loops == set(WAITING)


def test_the_page_and_pictures_are_no_part_of_a_result_s_key(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setattr(provenance, "DRAWN", tuple(tmp_path / place.relative_to(ROOT) for place in provenance.DRAWN))
    keys = []
    for place in ("stages/error.py", "report/page.py", "stages/map_figures.py", "drawing/layout.py", "stages/reports.py"):
        (tmp_path / "pipeline" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pipeline" / place).write_text("x = 1\n")
        keys.append(provenance.code_of.__wrapped__("pipeline"))
    assert keys[0] == keys[1] == keys[2] == keys[3] != keys[4]
    assert all((ROOT / place).exists() for place in provenance.RUN_CODE)
