"""The verbs ``compress`` and ``decompress``."""

import math
from pathlib import Path
from typing import Any

from jobs.campaign.cluster import client, is_little
from jobs.local.progress import aloud
from pipeline.core.errors import InputError
from pipeline.stages import compress
from pipeline.store.disk import writing

SUFFIX = ".archive.h5"


def compress_file(file: Path, out: Path | None, params: compress.Params, *, force: bool, explain: bool) -> Path:
    """Make an archive of the run ``file`` and report the result; returns its path.

    Raises
    ------
    InputError, RunError
        As the stage's; or there is a file in the way, and ``force`` is not given.
    """
    path = out or file.with_name(file.stem + SUFFIX)
    _free(file, path, force=force)
    with client(compiling=aloud, small=is_little(compress, [file])) as dask, writing(path.parent):
        result: dict[str, Any] = compress.archive_of(file, path, params, dask, lambda text: print(text, flush=True))
    for line in [*(compress.explain(result) if explain else []), f"{path}:", *compress.describe(result)]:
        print(line)
    return path


def decompress_file(file: Path, out: Path | None, *, force: bool, salvage: bool, interpolate: int = 0) -> Path:
    """Make a run's file of the archive ``file``, with ``interpolate`` fields between each two snapshots; returns its path.

    Raises
    ------
    InputError
        It is no archive, or is damaged; or there is a file in the way, and ``force`` is not given.
    """
    from pipeline.compression.archive.restore import decompress

    path = out or file.with_name(file.name.removesuffix(".h5").removesuffix(SUFFIX.removesuffix(".h5")) + ".restored.h5")
    _free(file, path, force=force)
    if interpolate:
        from pipeline.compression import frames_between

        if salvage:
            raise InputError("--salvage and --interpolate: there is nothing between a snapshot and nan")
        with writing(path.parent):
            lines = frames_between.interpolate(file, path, interpolate)
        print("\n".join([*lines, f"{path}: written"]))
        return path
    with client(compiling=aloud) as dask, writing(path.parent):  # a small archive may hold much
        lost = decompress(file, path, dask, salvage=salvage)
    for line in lost:
        print(f"lost: {line}")
    print(f"{path}: written" + (f"; {len(lost)} blocks are nan" if lost else ""))
    return path


def numbers(text: str) -> tuple[float, ...] | None:
    """The numbers of ``text``, with commas between them; None where it is something else."""
    try:
        return tuple(float(one) for one in text.split(","))
    except ValueError:
        return None


def masked(said: list[str]) -> bool | tuple[float, ...]:
    """The stage's ``mask`` from the words of ``--mask``.

    Raises
    ------
    InputError
        It was neither nothing nor numbers.
    """
    found: list[float] = []
    for text in said:
        values = numbers(text)
        if values is None:
            raise InputError(f"--mask is {text!r}; it can be a number, several with commas between them, or nothing")
        found += [value for value in values if math.isfinite(value)]
    return tuple(found) or bool(said)


def _free(file: Path, path: Path, *, force: bool) -> None:
    if not file.is_file():
        raise InputError(f"no file {str(file)!r}")
    if path.resolve() == file.resolve():
        raise InputError(f"{path} would replace what it is made of: name another file with --out")
    if path.exists() and not force:
        raise InputError(f"there is a file {path}: name another with --out, or replace it with --force")
