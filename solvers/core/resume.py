"""Resumption: whether a run can go on from an earlier attempt, and repair of an output whose writer was killed."""

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.store.layout import part_name
from pipeline.store.reader import Store, readable
from pipeline.store.recovery import CLOSED, Written, stamp
from pipeline.store.writer import Writer, publish, sync

log = logging.getLogger("wavetrain")


def belongs(checkpoint: Path, facts: Mapping[str, Any]) -> bool:
    """Whether ``checkpoint`` is of the case that ``facts`` tell of, made by this code from the same files; says so where it is not.

    Raises
    ------
    InputError
        It is damaged.
    """
    with readable(checkpoint), Store(checkpoint) as store:
        key = json.loads(str(store.attrs["provenance"]))["key"]
        same = key == json.loads(facts["provenance"])["key"] and store.attrs["mesh_hash"] == facts["mesh_hash"]
    if not same:
        log.warning("the checkpoint was made by another version, or from other files: the run begins anew")
    return bool(same)


def take_over(path: Path, checkpoint: Path, create: Callable[[Writer], None]) -> None:
    """Make the unfinished file of ``path`` fit to go on with from ``checkpoint``. On one rank.

    A file that was closed at the checkpoint is left alone. Where the writer was killed, the chunks are copied into a new file, which
    ``create`` lays out (see `pipeline.store.recovery`).

    Raises
    ------
    InputError
        The file lacks chunks that the checkpoint notes, or the checkpoint is damaged.
    OSError
        The copy can't be written.
    """
    part = part_name(path)
    with readable(checkpoint), Store(checkpoint) as store:
        written, (arrays, attrs), facts = store.written(), store.restart(), store.attrs
    if np.array_equal(attrs.get(CLOSED, ()), stamp(part)):
        return
    log.warning("the writer of %s was killed: what it holds up to the checkpoint is copied", part)
    copy = part_name(part)
    try:
        noted = _copied(part, written, create)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    writer = Writer(checkpoint, options={}, lead=True)
    writer.set_attrs(facts | {"complete": np.int32(0)})
    writer.write_restart((), {}, arrays, attrs | {CLOSED: stamp(copy)})  # all of it: a rank alone has every array whole
    writer.write_written(noted)
    writer.close()
    copy.replace(part)  # a death between these two lines leaves checksums that don't fit: the run begins anew
    publish(checkpoint)


def _copied(part: Path, written: Written, create: Callable[[Writer], None]) -> Written:
    """Copy the ``written`` chunks of ``part`` into a new file beside it; returns their places there."""
    writer = Writer(part, options={}, lead=True)
    create(writer)
    writer.take_over(part, written)
    writer.flush()
    noted = Written()
    writer.note_written(noted, share=(0, 1), gather=lambda own: [own])
    writer.close()
    sync(part_name(part))
    return noted
