"""Every verb of the command is run as a command by some test, and those that no other test runs, by these."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from conftest import ROOT, done, wavetrain

from jobs.cli import app

COMMANDS = {"wavetrain", "started", "begun", "ended", "on_ranks"}  # of conftest and running: each makes a process of the command
CUBE = """
[mesh]
kind = "box"
length = [6.283185307179586, 6.283185307179586, 6.283185307179586]
points = [16, 16, 16]
[solver]
kind = "turbulence"
viscosity = 0.05
[time]
end = 0.2
every = 0.1
"""


def verbs(group: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of each verb, such as ("run",) and ("slurm", "up")."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from verbs(command, (*before, name))
        else:
            yield (*before, name)


VERBS = list(verbs(typer.main.get_command(app)))


def commands(tree: ast.AST) -> Iterator[tuple[str, ...]]:
    """Words that the functions of `COMMANDS` are called with, or functions of the file that hand their own ``*words`` on to these."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    before = dict.fromkeys(COMMANDS, ())
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.args.vararg):
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in COMMANDS and any(isinstance(one, ast.Starred) for one in call.args):
                before[function.name] = tuple(texts(call))
    for call in calls:
        if call.func.id in before:
            yield (*before[call.func.id], *texts(call))


def texts(call: ast.Call) -> Iterator[str]:
    return (one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str))


@pytest.fixture(scope="module")
def given() -> set[tuple[str, ...]]:
    """The first two words of all commands in tests."""
    return {words[:2] for path in (ROOT / "tests").rglob("test_*.py") for words in commands(ast.parse(path.read_text(encoding="utf-8")))}


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_it_is_run_as_a_command_by_some_test(verb, given):
    assert [words for words in given if words[: len(verb)] == verb]


def test_the_command_line_registers_verbs_and_has_none_of_its_own():
    groups = [app, *(group.typer_instance for group in app.registered_groups)]
    modules = {command.callback.__module__ for group in groups for command in group.registered_commands}
    assert modules == {f"jobs.commands.verbs.{name}" for name in ("archives", "campaigns", "files", "machine", "slurm")}


def test_words_of_commands_are_found_through_a_test_s_own_functions():
    text = 'def asked(*words):\n    return wavetrain("slurm", *words)\nasked("up", "--nodes")\nstarted("run", name)\nother("show")\n'
    assert set(commands(ast.parse(text))) == {("slurm", "up", "--nodes"), ("slurm",), ("run",)}


@pytest.fixture(scope="module")
def cube(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("cube") / "cube.toml"
    file.write_text(CUBE)
    return done(file)


def test_judge_rates_a_run_and_report_writes_its_page(cube):
    judged = wavetrain("judge", cube / "run.h5", cwd=cube)
    assert judged.returncode == 0 and "divergence" in judged.stdout, judged
    assert not (cube / "report.html").exists()
    told = wavetrain("report", cube, cwd=cube)
    assert told.returncode == 0 and told.stdout == f"report: {cube / 'report.html'}\n", told
    assert "<html" in (cube / "report.html").read_text(encoding="utf-8")


def test_sites_lists_those_that_come_along(tmp_path):
    listed = wavetrain("sites", cwd=tmp_path).stdout
    for path in (ROOT / "jobs" / "sites").glob("*.toml"):
        assert path.stem in listed


def test_slurm_down_says_where_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    ended = wavetrain("slurm", "down", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (0, f"no SLURM of your own in {tmp_path / 'wavetrain' / 'slurm'}\n")
