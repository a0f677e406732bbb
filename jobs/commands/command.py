"""Parts that the verbs of the command line share: their class, ``--json``, and the names that the shell completes."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from pipeline.core.errors import InputError

USAGE_ERROR: Any = typer.BadParameter.__bases__[0]  # typer does not name it
FILES = ("file", "folder", "ensemble", "result")  # arguments that name what must be there
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else (docs/command_line.md).")]


class Command(TyperCommand):
    """A verb. A file that is not there is named before an option that is wrong."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        try:
            return super().parse_args(ctx, args)
        except USAGE_ERROR:
            self._look_for(first)
            raise

    def _look_for(self, first: str) -> None:
        """`InputError` where the verb's first argument is a file or a folder, and ``first``, which stands there, is none."""
        argument: Any = next((one for one in self.params if one.param_type_name == "argument"), None)
        if argument is None or not first or first.startswith("-"):
            return
        if self.name == "run":
            from jobs.campaign.catalogue import find

            find(Path(first))
        elif argument.name in FILES:
            check_there(Path(first))


def check_there(path: Path) -> None:
    """`InputError` where there is neither a file nor a folder at ``path``."""
    try:
        there = path.exists()
    except OSError:  # a name too long for any
        there = False
    if not there:
        raise InputError(f"no file {str(path)!r}")


def print_json(value: Any) -> None:
    """Print ``value`` as JSON, with null for numbers that are not finite."""
    print(json.dumps(_finite(value), indent=1, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def case_names(incomplete: str) -> Iterable[str]:
    """The cases and campaigns whose names begin with ``incomplete``; the shell itself adds the files."""
    from jobs.campaign.catalogue import names

    return [name for name in names() if name.startswith(incomplete) and ("/" in name) == ("/" in incomplete)]


def site_names(incomplete: str) -> Iterable[str]:
    """The sites whose names begin with ``incomplete``."""
    from jobs.slurm.sites import known

    return [name for name in known() if name.startswith(incomplete)]
