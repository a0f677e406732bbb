"""Make a run's file of an archive: it opens like the original, with its XDMF beside, except for the last state to restart from."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.compression.archive import copying, lineage, reader
from pipeline.compression.archive.cut_off import open_hdf5
from pipeline.compression.archive.reader import Archive, DamagedBlock
from pipeline.compression.tasks import each
from pipeline.core.errors import InputError
from pipeline.store.disk import hdf5_file
from pipeline.store.layout import ARCHIVE, SCHEMA, field_names, part_name
from pipeline.store.readable import readable
from pipeline.store.writer import publish

Array = np.ndarray[Any, np.dtype[Any]]
CHUNK = 16384  # values


def decompress(path: Path, run: Path, client: Any = None, *, salvage: bool = False) -> list[str]:
    """Make a run's file of an archive, block by block.

    Parameters
    ----------
    path
        The archive.
    run
        The file to write.
    client
        A Dask client, whose workers decode; None: this process does.
    salvage
        Put nan where a block is damaged, in place of an error.

    Returns
    -------
    list[str]
        Damaged blocks, nan in the file.

    Raises
    ------
    InputError
        ``path`` is no archive, or a block is damaged and ``salvage`` is not set.

    Examples
    --------
    >>> from pathlib import Path
    >>> from pipeline.stages.compress import Params, archive_of
    >>> made = archive_of(Path("runs/ks/run.h5"), Path("runs/ks/kept.h5"), Params(bound="0.001", codec="sz3"), None)
    >>> decompress(Path("runs/ks/kept.h5"), Path("runs/ks/restored.h5"))
    []
    """
    held = reader.opened(path)
    lost: list[str] = []
    with hdf5_file(part_name(run), "w", libver=("v110", "v110")) as file, readable(path), open_hdf5(path) as source:
        copying.copy_all(source, file, lambda name: name.split("/")[0] in ("fields", ARCHIVE), {})
        copying.copy_attrs(source, file)
        about = lineage.of(source) or {}
        file.attrs.update({"schema": SCHEMA, "complete": np.int32(0), "archive": json.dumps(about)})
        names = field_names(source)
        for name in names:
            item = source[f"fields/{name}"]
            shape = (1, *chunk(item.shape[1:]))
            data = file.create_dataset(f"fields/{name}", item.shape, item.dtype, maxshape=(None, *item.shape[1:]), chunks=shape)
            copying.copy_attrs(item, data)
        copying.attach(source, file, [f"fields/{name}" for name in names])
        numbers = [(group, i) for group, cut in held.cuts.items() for i in range(cut.blocks)]
        for k, outcome in each(client, _decoded, ((path, *number) for number in numbers)):
            if isinstance(outcome, str):
                if not salvage:
                    raise InputError(f"{outcome}; the others can be kept (--salvage)")
                lost.append(outcome)
                about["groups"][numbers[k][0]]["lost"] = about["groups"][numbers[k][0]].get("lost", 0) + 1
            _put(file, held, *numbers[k], np.nan if isinstance(outcome, str) else outcome)
            file.raw.check()
        if lost:
            file.attrs["archive"] = json.dumps(about)
    publish(run)
    return lost


def _decoded(path: Path, group: str, number: int) -> Array | str:
    """The own points of a block's values, or its fault."""
    held = reader.opened(path)
    block = held.cuts[group].block(number)
    try:
        values = held.decoded(group, number)
    except DamagedBlock as error:
        return str(error)
    return np.asarray(values[(Ellipsis, *block.read)])


def _put(file: h5py.File, held: Archive, group: str, number: int, values: Any) -> None:
    block = held.cuts[group].block(number)
    frames = block.frames[0] if block.flat else slice(*block.frames)
    place = (frames, *(() if block.member is None else (block.member,)), *(slice(*span) for span in block.own))
    for i, name in enumerate(held.cuts[group].fields):
        file[f"fields/{name}"][place] = values if np.isscalar(values) else values[i]


def chunk(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A chunk of at most `CHUNK` values: whole runs of the last dimensions."""
    left, found = CHUNK, []
    for size in reversed(shape):
        found.append(max(min(size, left), 1))
        left //= size
    return tuple(reversed(found))
