"""Provenance of a result: the case, the files that it names, the code, the packages, the machine.

The ``key`` of a run or a stage is a hash of all that its numbers depend on: a step with the same key is not done again.
"""

import contextlib
import functools
import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pipeline.core import plugin
from pipeline.core.case import Case
from pipeline.core.data import FETCHABLE, companions, find_here

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("wavetrain", "numpy", "numba", "scipy", "mpi4py-fft")  # whose versions can change a number
SHOWN = (*PACKAGES, "h5py", "hdf5plugin", "mpi4py", "petsc4py", "dask", "distributed")
RUN_CODE = (
    "pipeline/core/case.py",
    "pipeline/core/params.py",
    "pipeline/core/data.py",
    "pipeline/reading",
    "pipeline/store/layout.py",
    "pipeline/store/writer.py",
    "pipeline/terms",
    "pipeline/spectral",
)
MESH_CODE = ("meshes", "pipeline/core/params.py", "pipeline/core/data.py", "pipeline/core/plugin.py", "pipeline/reading")
CODECS = "pipeline.compression.codecs"  # any of which a stage may choose, other packages' too
DRAWN = tuple(ROOT / "pipeline" / place for place in ("report", "drawing"))  # changes no number, nor do modules whose names end so:
PICTURES = "figures"


def of_run(case: Case) -> dict[str, Any]:
    """Provenance of a run of ``case`` here and now: ``key``, ``inputs``, ``code``, ``packages``, ``host``."""
    inputs = {name: digest for table in (case.mesh.table, case.solver.table) for name, digest in files(table, case.folder).items()}
    own = [place for place in (f"solvers/{case.solver.kind}",) if (ROOT / place).exists()]
    code = code_of("solvers/core", *own, "meshes", *RUN_CODE, *map(str, plugin.sources(set(named([case.mesh, case.solver], "kind")))))
    return _all(case.text, inputs, code) | {"case": hash_of(case.text), "folder": str(case.folder)}


def key_of_mesh(case: Case) -> str:
    """A hash of all that the mesh of ``case`` depends on: its table, the files that it names, code, packages and processor."""
    code = code_of(*MESH_CODE, *map(str, plugin.sources(set(named([case.mesh], "kind")))))
    inputs = sorted(files(case.mesh.table, case.folder).items())
    table = {"kind": case.mesh.kind, **case.mesh.table}
    return hash_of(json.dumps([table, inputs, code, _numbers(), _processor()], sort_keys=True, default=str))


def of_stage(kind: str, params: str, inputs: Mapping[str, str]) -> dict[str, Any]:
    """The same of a stage of ``kind`` with ``params`` (as text), which reads ``inputs``: names and hashes."""
    return _all(f"{kind} {params}", inputs, code_of("pipeline", *map(str, plugin.sources({kind, *plugin.others(CODECS)}))))


def _all(text: str, inputs: Mapping[str, str], code: str) -> dict[str, Any]:
    key = hash_of(json.dumps([text, sorted(inputs.items()), code, _numbers()]))
    return {"key": key, "inputs": dict(inputs), "code": code, "packages": packages(), "host": host()}


def _numbers() -> list[tuple[str, str]]:
    """Versions of the packages that can change a number."""
    return sorted((name, found) for name, found in packages().items() if name in PACKAGES)


def hash_of(text: str) -> str:
    """SHA-256 of ``text``."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest(path: Path) -> str:
    """SHA-256 of the contents of the file at ``path``."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def files(table: Any, *folders: Path) -> dict[str, str]:
    """The files that ``table`` names by keys ``file``, at any depth, and the hash of each; "missing" where it is not to be had.

    Files that belong to one of them by its name are among them.
    """
    found = {}
    for name in named(table):
        path = find_here(name, *folders)
        found[name] = digest(path) if path else FETCHABLE[name][1] if name in FETCHABLE else "missing"
        found |= {str(Path(name).with_suffix(one.suffix)): digest(one) for one in (companions(path) if path else ())}
    return found


def named(table: Any, by: str = "file") -> Iterator[str]:
    """Texts that ``table`` names by keys ``by``, at any depth: its files, or with "kind" its plug-ins."""
    if isinstance(table, Mapping):
        for key, value in table.items():
            if key == by and isinstance(value, str) and value:
                yield value
            yield from named(value, by)
    elif isinstance(table, list | tuple):
        for value in table:
            yield from named(value, by)
    elif hasattr(table, "table"):  # a plug-in asked for by name
        yield from named({"kind": table.kind, **table.table}, by)


@functools.cache
def code_of(*places: str) -> str:
    """SHA-256 of the Python files at ``places`` (files or folders, relative to the packages' root, or absolute)."""
    found = hashlib.sha256()
    for place in places:
        path = ROOT / place
        for source in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            if not (source.stem.endswith(PICTURES) or any(source.is_relative_to(place) for place in DRAWN)):
                name = source.relative_to(ROOT if source.is_relative_to(ROOT) else path.parent)
                found.update(str(name).encode() + b"\0" + source.read_bytes() + b"\0")
    return found.hexdigest()


@functools.cache
def _versions() -> tuple[tuple[str, str], ...]:
    found = []
    for package in SHOWN:
        with contextlib.suppress(PackageNotFoundError):
            found.append((package, version(package)))
    return (("python", platform.python_version()), *found)


def packages() -> dict[str, str]:
    """Versions of Python and of the packages that a result may depend on."""
    return dict(_versions())


@functools.cache
def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def host() -> dict[str, Any]:
    """Facts of this machine."""
    return {"node": platform.node(), "system": platform.platform(), "processor": _processor(), "cores": os.cpu_count()}
