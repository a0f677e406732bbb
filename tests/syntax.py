"""Syntax trees of the project's files, for tests that look at the code: each file is read and parsed once a process."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("pipeline", "meshes", "solvers", "jobs")


@functools.cache
def syntax_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def files(*folders: str) -> Iterator[Path]:
    """Files below ``folders``, those of the packages where none is named, in their order."""
    for folder in folders or PACKAGES:
        yield from sorted((ROOT / folder).rglob("*.py"))
