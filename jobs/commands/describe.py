"""Show the contents of a file: as ``ncdump -h``, but kinder."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.store.checksums import walk
from pipeline.store.layout import ARCHIVE
from pipeline.store.reader import open_file, readable

LONGEST = 60  # characters of an attribute shown in one line


def describe(path: Path) -> None:
    """Print the contents of the HDF5 file at ``path``.

    Raises
    ------
    InputError
        No such file, or no HDF5.
    """
    with readable(path), open_file(path) as file:
        print("\n".join(_lines(path, file)))


def facts(path: Path) -> dict[str, Any]:
    """Contents of the HDF5 file at ``path``, for programs: the keys stand in docs/command_line.md, and stay.

    Raises
    ------
    InputError
        No such file, or no HDF5.
    """
    with readable(path), open_file(path) as file:
        attrs = {name: _plain(value) for name, value in file.attrs.items()}
        times = file["time"][...].tolist() if "time" in file else []
        found = {
            "file": str(path),
            "bytes": path.stat().st_size,
            "schema": attrs.pop("schema", None),
            "whole": attrs.pop("complete", None) == 1,
            "case": attrs.pop("case", None),
            "times": times,
            "gauges": _gauges(file),
            "attributes": attrs,
            "arrays": {name: _facts(item) for name, item in walk(file) if isinstance(item, h5py.Dataset) and not name.startswith("xdmf/")},
        }
        if ARCHIVE in file:
            from pipeline.compression.archive.reader import opened

            found["archive"] = opened(path).manifest
    return found


def _plain(value: Any) -> Any:
    """The value of an attribute, as JSON has it."""
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool) else str(value)


def _facts(data: Any) -> dict[str, Any]:
    """The facts of one array."""
    words = {key: _plain(data.attrs[key]) if key in data.attrs else None for key in ("units", "long_name")}
    return {"shape": list(data.shape), "type": str(data.dtype), **words, "stored_bytes": data.id.get_storage_size()}


def _gauges(file: Any) -> dict[str, Any]:
    """Places [m] of a run's gauges by their names; none of a stage's result, which may have a table of that name."""
    if "place" not in file.get("gauges", ()):
        return {}
    return dict(zip(json.loads(file["gauges"].attrs["names"]), file["gauges/place"][...].tolist(), strict=True))


def _lines(path: Path, file: Any) -> list[str]:
    attrs = dict(file.attrs)
    whole = "whole" if attrs.get("complete") == 1 else "NOT FINISHED"
    lines = [f"{path}: {attrs.get('schema', 'no schema')}, {whole}, {path.stat().st_size / 1e6:.1f} MB"]
    case = attrs.pop("case", None)
    for name, value in attrs.items():
        if name not in ("schema", "complete"):
            lines.append(f"  {name}: {_short(value)}")
    if "time" in file and len(file["time"]):
        times = file["time"][...]
        lines.append(f"  {len(times)} frames, t = {times[0]:g} to {times[-1]:g} s")
    if gauges := _gauges(file):
        lines.append("  gauges: " + ", ".join(f"{name} ({x:g}, {y:g}) m" for name, (x, y) in gauges.items()))
    if ARCHIVE in file:
        lines += _archive(path)
    for group in file:
        if isinstance(file[group], h5py.Group) and group not in ("xdmf", ARCHIVE):
            lines.append(f"{group}/")
            lines += _datasets(file[group], "  ")
    if case:
        lines += ["case:", *(f"  {line}" for line in str(case).strip().splitlines())]
    return lines


def _archive(path: Path) -> list[str]:
    """Lines on an archive: its target, its size, and the codecs and errors of each group."""
    from pipeline.compression.archive.reader import opened

    held = opened(path)
    asked = held.manifest["asked"]
    lines = [f"archive: {asked['kind']} {asked['value']:g}, {'read back and compared' if held.manifest['verified'] else 'NOT VERIFIED'}"]
    raw, size = sum(group["raw_bytes"] for group in held.manifest["groups"].values()), path.stat().st_size
    lines.append(f"  {raw / 1e6:.4g} MB of values in a file of {size / 1e6:.4g} MB: {raw / size:.1f}:1")
    for name, group in held.manifest["groups"].items():
        codecs = ", ".join(f"{codec} ({count})" for codec, count in group["codecs"].items())
        error, nrmse = (f"{group[key]:.3g}" if group[key] is not None else "–" for key in ("error", "nrmse"))
        ratio = group["raw_bytes"] / group["bytes"]
        cut = held.cuts[name]
        lines.append(f"  {name}: {', '.join(cut.fields)}; {cut.blocks} blocks of {cut.together} frames by {codecs}; {ratio:.1f}:1")
        lines.append(f"    error at most {error}, rms {nrmse} of the rms")
        lines += [f"    {note}" for note in group["notes"]]
    return lines


def _datasets(group: Any, indent: str) -> list[str]:
    lines = []
    for name, item in group.items():
        if isinstance(item, h5py.Group):
            lines += [f"{indent}{name}/", *_datasets(item, indent + "  ")]
            continue
        unit = item.attrs.get("units", "")
        packed = item.id.get_storage_size()
        ratio = f", packed {item.nbytes / packed:.1f}:1" if item.compression or item.id.get_create_plist().get_nfilters() else ""
        shape = " x ".join(map(str, item.shape)) or "scalar"
        meaning = _short(item.attrs.get("long_name", ""))
        lines.append(
            f"{indent}{name:<24} {shape:<16} {item.dtype!s:<9} {f'[{unit}]' if unit else '':<9} {meaning}{ratio if packed else ''}"
        )
    return lines


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
