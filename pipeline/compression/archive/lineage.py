"""Errors of the archives before this one: errors of archives of archives add up."""

import json
from pathlib import Path
from typing import Any

from pipeline.compression.archive import reader
from pipeline.compression.archive.cut_off import open_hdf5
from pipeline.store.layout import ARCHIVE, ARCHIVE_SCHEMAS

KEPT = ("codecs", "bytes", "raw_bytes", "error", "nrmse", "psnr", "not_finite", "fills", "exact")


def told(manifest: Any) -> dict[str, Any]:
    """Description of the archive that a file was made of."""
    groups = {
        name: {key: group[key] for key in KEPT if key in group} | {"fields": group["cut"]["fields"]}
        for name, group in manifest["groups"].items()
    }
    return {"asked": manifest["asked"], "groups": groups}


def of(file: Any) -> dict[str, Any] | None:
    """The archive that an open file is, or was made from, with earlier archives as ``before``; None where there is none."""
    before = json.loads(str(file.attrs["archive"])) if "archive" in file.attrs else None
    if file.attrs.get("schema") not in ARCHIVE_SCHEMAS or ARCHIVE not in file:
        return before
    return told(reader.read_manifest(file)) | ({"before": before} if before else {})


def errors_before(path: Path) -> dict[str, float]:
    """The greatest error at any point that archives before it left in each field of the file at ``path``, added up; none: no field."""
    with open_hdf5(path) as file:
        one = of(file)
    found: dict[str, float] = {}
    while one:
        for group in one["groups"].values():
            for field in group["fields"]:
                found[field] = found.get(field, 0.0) + float(group["error"] or 0.0)
        one = one.get("before")
    return found
