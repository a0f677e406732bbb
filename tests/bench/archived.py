"""Code snapshots by one codec, put them into an archive, close it, open it again, and measure what it gives back."""

import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from steep import write_cube

from pipeline.compression.archive import reader, writer
from pipeline.compression.blocks import coding
from pipeline.compression.blocks.cuts import cut
from pipeline.compression.codecs import zipgan
from pipeline.compression.entropy.packing import wrap
from pipeline.compression.request import INDEX
from pipeline.compression.target import Target
from pipeline.store.layout import part_name
from pipeline.store.reader import Store

Array = np.ndarray[Any, np.dtype[Any]]
GROUP = "velocity"
LEAST = "zipgan_least"  # the codec zipgan, asked for the least error


@dataclass(frozen=True, slots=True)
class Row:
    """A snapshot by a codec, as the archive on disk gives it back; times are of the processor."""

    ratio: float  # bytes of the values over those of the block and its place in the index
    nrmse: float
    error: float  # greatest
    encode_mb_s: float
    decode_mb_s: float


def source(folder: Path, snapshots: Sequence[Array]) -> Path:
    """A run's file with the snapshots as its frames."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_cube(folder / "source.h5", np.stack(snapshots))


def put(run: Path, path: Path, codec: str, snapshots: Sequence[Array], target: Callable[[Array], Target]) -> list[Row]:
    """Make the archive ``path`` of the file ``run``, which holds ``snapshots``, each coded to its ``target``; and read it back.

    Raises
    ------
    InputError
        The codec can't code a snapshot so.
    """
    coded, seconds = [], []
    for values in snapshots:
        data, spent = _coded(codec, values, target(values))
        coded.append(data)
        seconds.append(spent)
    _write(run, path, codec.removesuffix("_least"), coded, snapshots[0])
    rows = []
    stored = reader.opened(path).index[GROUP][:, 1]
    for frame, values in enumerate(snapshots):
        begun = time.process_time()
        found = snapshot(path, frame)
        spent = time.process_time() - begun
        facts = coding.measured(values, found)
        speeds = (values.nbytes / 1e6 / max(some, 1e-9) for some in (seconds[frame], spent))
        rows.append(Row(values.nbytes / (int(stored[frame]) + INDEX), facts.nrmse, facts.error, *speeds))
    return rows


def snapshot(path: Path, frame: int) -> Array:
    """A frame (3, z, y, x) of the closed archive ``path``, as any reader gets it."""
    with Store(path) as store:
        return np.stack([store.field(name)[frame].compute() for name in "uvw"])


def _coded(codec: str, values: Array, target: Target) -> tuple[bytes, float]:
    """The block, as the stage makes it, and the seconds that the codec took."""
    inner = Target("bytes", target.value - coding.SPARE - INDEX) if target.kind == "bytes" else target
    begun = time.process_time()
    if codec == LEAST:
        data = zipgan.encode(values, inner, least=True)
    else:
        data = coding.load_codec(codec).encode(values, inner)
    spent = time.process_time() - begun
    return wrap(values, [codec.removesuffix("_least").encode(), data, b"", b""]), spent


def _write(run: Path, path: Path, codec: str, coded: Sequence[bytes], like: Array) -> None:
    shapes = {name: ((len(coded), *like.shape[1:]), like.dtype) for name in "uvw"}
    cuts = cut(shapes, "cube", together=1, largest=like.nbytes)
    assert cuts[GROUP].blocks == len(coded)  # a block is a snapshot
    table = np.array([(len(data), zlib.crc32(data)) for data in coded], np.int64)
    told: dict[str, Any] = {"cut": cuts[GROUP].to_json(), "codecs": {codec: len(coded)}, "raw_bytes": cuts[GROUP].raw_bytes}
    told |= {"bytes": int(table[:, 0].sum())} | ({"weights": {codec: found}} if (found := coding.weights_of(codec)) else {})
    manifest = {"source": {"file": run.name}, "versions": {}, "verified": False, "groups": {GROUP: told}}
    writer.write(part_name(path), run, cuts, {GROUP: table}, lambda name, i: coded[i], manifest)
    writer.publish(path)
