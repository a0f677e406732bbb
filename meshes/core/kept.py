"""Meshes of many triangles that were built once, kept on this machine under a hash of all that they depend on.

They stand in ``~/.cache/wavetrain/meshes`` (``XDG_CACHE_HOME``), or where ``WAVETRAIN_MESHES`` says; ``no`` keeps none. A file
whose checksums are wrong is built anew, as is one that can't be read; those used least lately make room for others.
"""

import contextlib
import dataclasses
import json
import logging
import os
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from meshes.core.trimesh import TriMesh
from pipeline.core.remarks import collected, remark

FOLDER = "WAVETRAIN_MESHES"
FROM = 2_000  # triangles: fewer are built in the time that a file takes
ROOM = 2**31  # [B] of all kept meshes
SHARE = 4  # of the disk's free bytes, the part that a mesh may take is one in so many
PLAIN = "plain"  # the file's array with all that is none, as JSON

log = logging.getLogger("wavetrain")


def folder() -> Path | None:
    """The folder of kept meshes; None where none is kept."""
    told = os.environ.get(FOLDER)
    if told == "no":
        return None
    if told:
        return Path(told)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wavetrain" / "meshes"


def kept_or_built(key: str, build: Callable[[], Any]) -> Any:
    """The mesh of ``key``, a hash of all that it depends on: a kept one, else the result of ``build``, which is kept if it is large.

    What was remarked on the input as it was built is remarked again.
    """
    try:
        place = folder()
    except RuntimeError:  # there is no home
        place = None
    if place is None:
        return build()
    path = place / f"{key}.npz"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        mesh, remarks = _read(path)
        for one in remarks:
            remark(one)
        return mesh
    with collected() as remarks:
        mesh = build()
    if isinstance(mesh, TriMesh) and len(mesh.triangles) >= FROM:
        with contextlib.suppress(OSError):  # it is built again
            _write(path, mesh, remarks)
    return mesh


def _read(path: Path) -> tuple[TriMesh, list[str]]:
    with np.load(path, allow_pickle=False) as file:
        plain = json.loads(str(file[PLAIN]))
        arrays = {name: file[name] for name in file.files if name != PLAIN}
    names = tuple(plain.pop("boundary_names"))
    remarks = plain.pop("remarks")
    period = tuple(plain.pop("period"))
    middle = plain.pop("middle")
    now = time.time_ns()  # the file system's own clock may stand still for some milliseconds, in which another was written
    os.utime(path, ns=(now, now))  # the latest used
    return TriMesh(**arrays, **plain, boundary_names=names, period=period, middle=middle and tuple(middle)), remarks


def _write(path: Path, mesh: TriMesh, remarks: list[str]) -> None:
    values = {field.name: getattr(mesh, field.name) for field in dataclasses.fields(mesh)}
    arrays: dict[str, Any] = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    plain = {name: value for name, value in values.items() if name not in arrays}
    arrays[PLAIN] = np.array(json.dumps({**plain, "remarks": remarks}))
    size = sum(array.nbytes for array in arrays.values())
    path.parent.mkdir(parents=True, exist_ok=True)
    if size > min(ROOM // 2, shutil.disk_usage(path.parent).free // SHARE):
        return
    _make_room(path.parent, ROOM - size)
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    log.info("the mesh is kept: %s", path)


def _make_room(place: Path, limit: int) -> None:
    """Remove those used least lately until the others have ``limit`` bytes at most."""
    found = sorted(((path.stat(), path) for path in place.iterdir()), key=lambda one: one[0].st_mtime_ns, reverse=True)
    total = 0
    for state, path in found:
        total += state.st_size
        if total > limit and path.suffix in (".npz", ".part"):
            path.unlink(missing_ok=True)
