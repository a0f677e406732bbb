"""Find plug-ins by file name: ``kind = "ks"`` in a case loads the module ``solvers.ks``. Nothing is registered anywhere."""

import difflib
import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType

from pipeline.errors import InputError

NOT_KINDS = {"core"}  # folders beside the kinds that hold what the kinds share


def kinds(package: str) -> list[str]:
    """Names of the plug-ins in ``package`` (dotted name), sorted; importing none of them."""
    path = importlib.import_module(package).__path__
    return sorted(info.name for info in pkgutil.iter_modules(path) if info.name not in NOT_KINDS)


def load(package: str, kind: str) -> ModuleType:
    """Import plug-in ``kind`` of ``package``.

    Raises
    ------
    InputError
        There is no such plug-in; the message lists those that exist.
    """
    known = kinds(package)
    if kind not in known:
        noun = package.rsplit(".", 1)[-1].removesuffix("s")
        noun = {"meshe": "mesh"}.get(noun, noun)
        raise InputError(f"no {noun} {kind!r}{nearest(kind, known)}; there are: {', '.join(known)}")
    return importlib.import_module(f"{package}.{kind}")


def nearest(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the name most like ``name``, or nothing where none is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
