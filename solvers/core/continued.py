"""A run that goes on as a changed case: its file is laid out anew, the data written so far are brought over, its state goes on.

`pipeline.core.continuation` says what may change. The file's attribute ``changes`` has the changes with the time of
the run: a JSON list of ``t`` [s], ``made``, ``case`` (the text before) and ``changed`` (key paths to the values before and after).
"""

import json
import logging
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core import case as cases
from pipeline.core.case import Case
from pipeline.core.continuation import Changes, changes
from pipeline.core.provenance import PACKAGES
from pipeline.store.layout import SCHEMA, part_name
from pipeline.store.reader import Store, readable
from pipeline.store.recovery import CLOSED, Written, stamp
from pipeline.store.writer import Writer, publish, sync
from solvers.core.driver import ROUND_OFF
from solvers.core.resume import take_over

Array = np.ndarray[Any, np.dtype[Any]]
Create = Callable[[Writer, Case, Mapping[str, Any]], None]

log = logging.getLogger("wavetrain")

CHANGES = "changes"


def reached(folder: Path) -> float | None:
    """The time [s] of the last state that the run in ``folder`` has left; None where it has left none.

    Raises
    ------
    InputError
        The file that holds it is damaged.
    """
    source = _source(folder / "run.h5", folder / "restart.h5")
    if source is None:
        return None
    with readable(source), Store(source) as store:
        return _time(store)


def _time(store: Store) -> float | None:
    return float(store.restart()[1]["t"]) if store.has_restart else None


def _source(path: Path, checkpoint: Path) -> Path | None:
    """The file with the last state of the run at ``path``: its checkpoint, or the run itself where it is whole."""
    if checkpoint.exists() and part_name(path).exists():
        return checkpoint
    return path if path.exists() else None


def bring_over(path: Path, checkpoint: Path, case: Case, facts: Mapping[str, Any], create: Create) -> None:
    """Make the unfinished file of ``path`` and its ``checkpoint`` fit for ``case`` to go on from, where the run's own case
    differs, but in nothing that its state depends on. On one rank. All other files are left alone.

    Raises
    ------
    InputError
        The checkpoint or its file is damaged.
    OSError
        The copy can't be written.
    """
    source = _source(path, checkpoint)
    if source is None:
        return
    with readable(source), Store(source) as store:
        attrs = store.attrs
        t = _time(store)
    before = str(attrs.get("case", ""))
    if not before or before == case.text or t is None or t >= case.time.end:
        return
    found = changes(before, case.text)
    if found.other or not _alike(attrs, facts):
        return
    if source == checkpoint:
        old = cases.parse(cases.read_text(before), case.folder)
        made = {key: attrs[key] for key in (*facts, CHANGES) if key in attrs}
        take_over(path, checkpoint, lambda writer: create(writer, old, made))
    history = [*json.loads(str(attrs.get(CHANGES, "[]"))), _entry(t, found, before, attrs)]
    log.warning("the run goes on at t = %.6g s with what was changed: %s", t, found.words)
    _lay_out_anew(path, source, case, {**facts, CHANGES: json.dumps(history)}, create)


def _entry(t: float, found: Changes, before: str, attrs: Mapping[str, Any]) -> dict[str, Any]:
    """A change, as the file says it."""
    return {"t": t, "made": str(attrs.get("created", "")), "case": before, "changed": {key: list(pair) for key, pair in found.free.items()}}


def _alike(attrs: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether a run was made by this code, with these packages, on this mesh, from the same files; says so where it was not."""
    one, two = (json.loads(str(made["provenance"])) for made in (attrs, facts))
    same = all(one[key] == two[key] for key in ("inputs", "code")) and attrs["mesh_hash"] == facts["mesh_hash"]
    same = same and all(one["packages"].get(name) == two["packages"].get(name) for name in PACKAGES)
    if not same:
        log.warning("what is there was made by another version, or from other files: the run begins anew")
    return bool(same)


def _lay_out_anew(path: Path, source: Path, case: Case, facts: Mapping[str, Any], create: Create) -> None:
    """Write the unfinished file of ``path`` as ``case`` has it, with all that the run of ``source`` had, and a checkpoint to go on from."""
    part, checkpoint = part_name(path), path.with_name("restart.h5")
    with readable(source), Store(source) as store:
        arrays, attrs = store.restart()
    copy = part_name(part)
    try:
        writer = Writer(part, options={}, lead=True)
        create(writer, case, facts)
        writer.copy_series(path if source == path else part, until=float(attrs["t"]) if source == path else math.inf)
        writer.flush()
        noted = Written()
        writer.note_written(noted, share=(0, 1), gather=lambda own: [own])
        writer.close()
        sync(copy)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    t, every = float(attrs["t"]), case.time.every
    attrs |= {"frame": math.floor(t / every + ROUND_OFF) + 1, "begun": t, CLOSED: stamp(copy)}
    writer = Writer(checkpoint, options={}, lead=True)
    writer.set_attrs({**facts, "schema": SCHEMA, "case": case.text, "complete": np.int32(0)})
    writer.write_restart((), {}, arrays, attrs)
    writer.write_written(noted)
    writer.close()
    copy.replace(part)  # a death between these two lines leaves checksums that don't fit: the run begins anew
    publish(checkpoint)
