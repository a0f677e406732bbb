"""Syntax trees of the project's files, for tests that look at the code: each file is read and parsed once a process."""

from collections.abc import Iterator
from pathlib import Path

from rooms import syntax_of

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("pipeline", "meshes", "solvers", "jobs")


__all__ = ["files", "syntax_of"]


def files(*folders: str) -> Iterator[Path]:
    """Files below ``folders``, those of the packages where none is named, in their order."""
    for folder in folders or PACKAGES:
        yield from sorted((ROOT / folder).rglob("*.py"))
