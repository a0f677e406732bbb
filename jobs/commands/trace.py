"""Provenance of a result: its inputs and their hashes, back to the cases, with versions, ranks and machines; and the campaign anew."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobs.local import record
from pipeline.core import case as cases
from pipeline.core import provenance
from pipeline.core.campaign import Campaign, Run
from pipeline.core.errors import InputError
from pipeline.store.layout import RESULT_SCHEMA
from pipeline.store.readable import readable
from pipeline.store.writer import write_text


def trace(path: Path) -> Iterator[str]:
    """Sources of the file at ``path``, a run's or a stage's, line by line, and their own sources in turn.

    Raises
    ------
    InputError
        It is no file of a run or a stage, or does not name its sources.
    """
    yield from _stage(path, "") if _is_stages(path) else _run(path, "")


def _is_stages(path: Path) -> bool:
    """Whether a stage made the file: its result, or a file in place of a run."""
    return _attrs(path).get("schema") == RESULT_SCHEMA or path.with_name("result.json").exists()


def _attrs(path: Path) -> dict[str, Any]:
    from pipeline.store.checksums import open_hdf5

    with readable(path), open_hdf5(path) as file:
        return dict(file.attrs)


def _run(path: Path, indent: str) -> Iterator[str]:
    attrs = _attrs(path)
    if "provenance" not in attrs:
        raise InputError(f"{path} does not say what it was made from: it is no run's, or of an older version")
    made_from = json.loads(attrs["provenance"])
    yield f"{indent}{path}: a run, sha256 {provenance.digest(path)}"
    yield f"{indent}  made {attrs['created']} on {attrs['ranks']} rank(s), mesh {attrs['mesh_hash'][:16]}, key {made_from['key'][:16]}"
    yield from _facts(made_from, indent + "  ")
    yield f"{indent}  case: sha256 {made_from['case']}"
    for one in json.loads(attrs.get("changes", "[]")):
        changed = ", ".join(f"{key} {before} to {after}" for key, (before, after) in one["changed"].items())
        before = provenance.hash_of(one["case"])
        yield f"{indent}  went on at t = {one['t']:g} s as a changed case: {changed}; the case before: sha256 {before}"
    for name, hashed in made_from["inputs"].items():
        now = provenance.files({"file": name}, Path(made_from["folder"]))[name]
        yield f"{indent}  input {name}: sha256 {hashed}{_since(now, hashed)}"


def _stage(path: Path, indent: str) -> Iterator[str]:
    beside = path.with_name("result.json")
    if not beside.exists():
        raise InputError(f"{path} has no result.json beside it, which says what it was made from")
    made_from = json.loads(beside.read_text(encoding="utf-8")).get("provenance")
    if made_from is None:
        raise InputError(f"{beside} does not say what it was made from: it is of an older version")
    yield f"{indent}{path}: a stage's result, sha256 {provenance.digest(path)}, key {made_from['key'][:16]}"
    yield from _facts(made_from, indent + "  ")
    for name, hashed in made_from["inputs"].items():
        if name not in made_from["files"]:
            yield f"{indent}  input {name}: sha256 {hashed}"
    for name, (file, hashed) in made_from["files"].items():
        source = (path.parent / file).resolve()
        if not source.exists():
            yield f"{indent}  input {name}: {file}, sha256 {hashed}{_since('missing', hashed)}"
            continue
        yield f"{indent}  input {name}: sha256 {hashed}{_since(provenance.digest(source), hashed)}"
        yield from _stage(source, indent + "    ") if _is_stages(source) else _run(source, indent + "    ")


def _since(now: str, then: str) -> str:
    """A remark on an input that changed since, or is gone; else empty."""
    return "" if now == then else " (not to be had now)" if now == "missing" else " (CHANGED since)"


def _facts(made_from: dict[str, Any], indent: str) -> Iterator[str]:
    host = made_from["host"]
    yield f"{indent}machine: {host['node']}, {host['processor']}, {host['cores']} cores, {host['system']}"
    yield f"{indent}code: sha256 {made_from['code'][:16]}; " + ", ".join(
        f"{name} {number}" for name, number in made_from["packages"].items()
    )


def campaign_of(path: Path) -> str:
    """A TOML campaign that makes the file at ``path`` again: the case of a run, or a stage with all that it reads."""
    attrs = _attrs(path)
    if not _is_stages(path):
        if "provenance" not in attrs:
            raise InputError(f"{path} does not say what it was made from")
        case = cases.parse(tomllib.loads(str(attrs["case"])), Path(json.loads(attrs["provenance"])["folder"]))
        return record.as_toml(Campaign(case.title, (Run("run", case, "."),)))
    folder, name = path.resolve().parent.parent, path.resolve().parent.name
    whole = record.read(folder)
    wanted = {name}
    for stage in reversed(whole.stages):
        if stage.name in wanted:
            wanted |= {one for names in stage.inputs.values() for one in names}
    steps = tuple(step for step in whole.steps if step.name in wanted)
    if not any(step.name == name and not isinstance(step, Run) for step in steps):
        raise InputError(f"the campaign in {folder} has no stage {name!r}")
    return record.as_toml(Campaign(whole.title, steps))


def write_campaign(path: Path, target: Path) -> None:
    """Write `campaign_of` the file at ``path`` to ``target``, which must not exist."""
    if target.exists():
        raise InputError(f"{target} exists: name another file")
    write_text(target, campaign_of(path))
