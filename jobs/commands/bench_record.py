"""The file of a run of benches: the machine, the program, and for each bench its time and all values of its figures."""

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.campaign.catalogue import BENCHES
from pipeline.core.errors import InputError
from pipeline.core.provenance import ROOT

FLOORS = ("jobs", "solvers", "meshes", "pipeline")


def write(file: Path, benches: Mapping[str, Any], failed: Mapping[str, str] | None = None) -> None:
    """Write ``benches``, and the last lines of those that ``failed``, to ``file``; the file is whole at any moment."""
    from pipeline.store.writer import write_text

    file.parent.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine(), "program": program(), "benches": benches, "failed": failed or {}}
    write_text(file, json.dumps(found, indent=1) + "\n")


def read(file: Path) -> dict[str, Any]:
    """The contents of ``file``.

    Raises
    ------
    InputError
        There is no such file, or it is no run of benches.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"no file {str(file)!r}: `wavetrain bench all --out {file}` makes it") from None
    except ValueError as error:
        raise InputError(f"{file}: not JSON: {error}") from None
    if not isinstance(found, dict) or not {"machine", "program", "benches", "failed"} <= found.keys():
        raise InputError(f"{file}: not the file of a run of benches, which has machine, program, benches and failed")
    return found


def machine() -> str:
    """The processor and the number of cores that this process may use."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {len(os.sched_getaffinity(0))} cores"


def program() -> str:
    """A hash of all sources of the program and of the benches."""
    found = hashlib.sha256()
    for folder in (*(ROOT / floor for floor in FLOORS), BENCHES):
        for path in sorted(folder.rglob("*.py")):
            found.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()
