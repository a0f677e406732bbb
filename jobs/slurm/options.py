"""A site's own options of sbatch: their words, quoted for a script, and their values on nodes."""

import re
import shlex
from collections.abc import Iterable, Sequence

from pipeline.core.errors import InputError

NEXT = re.compile(r"\s+(?=--?[A-Za-z])")  # where another option begins
NODES, RANKS_PER_NODE = ("--nodes", "-N"), ("--ntasks-per-node",)
NAMED = re.compile(r"--[\w-]+=")


def words(option: str) -> list[str]:
    """``option``, of one or several, as sbatch's words; a value may have spaces, quoted or not.

    Raises
    ------
    InputError
        It does not begin with ``-``, or a quotation mark is missing.
    """
    if not option.startswith("-"):
        raise InputError(f"options: {option!r} is no option of sbatch: they begin with -")
    if any(sign in option for sign in "'\"\\"):
        try:
            return shlex.split(option)
        except ValueError as error:
            raise InputError(f"options: {option!r} is no option of sbatch: {error}") from None
    found = []
    for one in NEXT.split(option.strip()):
        name, _, value = one.partition(" ")
        found += [one] if NAMED.match(one) or not value else [name, value.strip()]
    return found


def quoted(options: Iterable[str]) -> list[str]:
    """``options`` as lines behind #SBATCH."""
    return [shlex.join(words(option)) for option in options]


def taken(options: Sequence[str], names: Sequence[str]) -> tuple[str | None, list[str]]:
    """The value of the option with any of ``names``, such as ``("--nodes", "-N")``, in ``options``, and the options without it."""
    found, rest = None, []
    for option in options:
        left: list[str] = []
        some = iter(words(option))
        for word in some:
            value = _value(word, names)
            if value is None:
                left.append(word)
            else:
                found = value or next(some, "")
        rest += [option] if left == words(option) else [shlex.join(left)] if left else []
    return found, rest


def value_of(options: Sequence[str], *names: str) -> str | None:
    """The value of the option with any of ``names``; None where there is none."""
    return taken(options, names)[0]


def on_one_node(options: Sequence[str]) -> list[str]:
    """``options`` for a job of one task: without any that lays several ranks on nodes."""
    return taken(taken(options, NODES)[1], RANKS_PER_NODE)[1]


def _value(word: str, names: Sequence[str]) -> str | None:
    """The value in ``word`` of an option of any of the ``names``; empty where the next word has it, None where ``word`` is another."""
    for name in names:
        if word == name:
            return ""
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
        if not name.startswith("--") and word.startswith(name):
            return word[len(name) :]
    return None
