"""Find plug-ins by file name: ``kind = "ks"`` in a case loads the module ``solvers.ks``. Nothing is registered anywhere.

Other packages may have plug-ins too, and say so by entry points (`group_of` has the groups' names)::

    [project.entry-points."wavetrain.stages"]
    spectrum = "my_package.spectrum"

A case can't load code by itself: a plug-in is of Wavetrain, or of a package that its user has installed.
"""

import difflib
import functools
import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline.core.errors import InputError

NOT_KINDS = {"core"}  # folders beside the kinds that hold what the kinds share
FLOORS = r"^(pipeline\.((compression|spectral)\.)?|meshes\.core\.|solvers\.(?=.+\.))"  # of a package's name, which no group has
GROUPS = "wavetrain."


def kinds(package: str) -> list[str]:
    """Names of the plug-ins in ``package`` (dotted name), other packages' too, sorted; importing none of them."""
    return sorted({*_own(package), *others(package)})


def load(package: str, kind: str) -> ModuleType:
    """Import plug-in ``kind`` of ``package``. Wavetrain's own is taken where another package has the same name.

    Raises
    ------
    InputError
        There is no such plug-in: the message lists all there are. Or another package's can't be imported.
    """
    loaded = sys.modules.get(f"{package}.{kind}")
    if loaded is not None and kind not in NOT_KINDS and "." not in kind:
        return loaded  # without a look at the folder: codecs are asked for by every block
    if kind in _own(package):
        return importlib.import_module(f"{package}.{kind}")
    if kind in others(package):
        return _load(others(package)[kind])
    known = kinds(package)
    noun = package.rsplit(".", 1)[-1].removesuffix("s")
    noun = {"meshe": "mesh"}.get(noun, noun)
    raise InputError(f"no {noun} {kind!r}{nearest(kind, known)}; there are: {', '.join(known)}")


def late(module: str, function: str) -> Callable[..., Any]:
    """``function`` of ``module``, which is imported when it is first called: it loads what is slow to import, such as matplotlib."""

    def call(*arguments: Any, **named: Any) -> Any:
        return getattr(importlib.import_module(module), function)(*arguments, **named)

    return call


def group_of(package: str) -> str:
    """The entry points' group of plug-ins of ``package``: ``wavetrain.meshes``, ``wavetrain.ks.initial``, and so on."""
    return GROUPS + re.sub(FLOORS, "", package)


def others(package: str) -> Mapping[str, EntryPoint]:
    """Entry points of other packages' plug-ins of ``package``, by their names; importing none of them."""
    own = _own(package)
    return {entry.name: entry for entry in _entries().get(group_of(package), ()) if entry.name not in own}


def package_of(entry: EntryPoint) -> str:
    """The name and version of the package that has ``entry``."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.module


def sources(names: Collection[str]) -> list[Path]:
    """Files and folders of other packages' plug-ins, of any group, that have any of ``names``."""
    found = []
    for entry in (entry for group in _entries().values() for entry in group if entry.name in names):
        spec = find_spec(entry.module)
        if spec and spec.origin:
            path = Path(spec.origin)
            found.append(path.parent if path.name == "__init__.py" else path)
    return sorted(found)


def nearest(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the name most like ``name``, or nothing where none is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def _own(package: str) -> set[str]:
    if package in sys.modules:
        path = list(sys.modules[package].__path__)
    else:
        spec = find_spec(package)
        path = list((spec and spec.submodule_search_locations) or [])
    return {info.name for info in pkgutil.iter_modules(path) if info.name not in NOT_KINDS}


@functools.cache
def _entries() -> Mapping[str, tuple[EntryPoint, ...]]:
    """Entry points by their groups, of all groups that begin with `GROUPS`."""
    found = entry_points()
    return {group: tuple(found.select(group=group)) for group in found.groups if group.startswith(GROUPS)}


def _load(entry: EntryPoint) -> ModuleType:
    try:
        return importlib.import_module(entry.module)
    except Exception as error:  # of another package's code
        reason = f"{type(error).__name__}: {error}"
        raise InputError(f"{entry.name!r} of the package {package_of(entry)} can't be loaded: {reason}") from error
