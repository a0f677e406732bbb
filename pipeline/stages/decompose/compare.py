"""A run's field beside its reference's, block by block on Dask: never a whole series in memory.

Blocks of cells over all frames give the moments of every frame and of every cell, and the spectrum in time;
`pipeline.stages.decompose.space` goes over whole frames.
Of a series too long for a block the spectrum comes from its even pieces, and their mean: it loses the
lowest frequencies, not the identity. Points of a box are cells of one size, and an ensemble's members are all compared.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from pipeline.spectral.wavenumbers import frequencies, multiplicity
from pipeline.stages.decompose import kernels
from pipeline.stages.decompose.moments import Sums, merge
from pipeline.stages.decompose.pairs import FieldReader, Pair
from pipeline.stages.decompose.spectra import LINES, Scales, banded
from pipeline.stages.decompose.window import in_order

Array = np.ndarray[Any, np.dtype[Any]]

BLOCK_BYTES = 16e6  # of one field in one task
LEAST_WIDTH = 2048  # cells in a task: fewer would read a file's chunks too often
CACHE_CELLS = 512  # whose series are transformed at once
GROUPS = 64  # of cells, or of frames, that a confidence band draws from
MOST_MAPPED = 2**23  # cells: of more there are no sums of each, which would be half a gigabyte
SUMS = tuple(Sums.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class InTime:
    """Results from blocks of cells."""

    frames: Sums  # (F,) weighted by areas
    cells: Sums | None  # (cells,) weighted by frames; None of more than `MOST_MAPPED`
    missing: int  # values that are nan, or stand for it, in either field
    frequency: Array  # (K,) [1/s]
    scales: Scales  # (K,) area-weighted means over the cells that counted in every frame
    band: tuple[Scales, Scales]  # low and high ends


def in_time(pair: Pair, client: Any, *, resamples: int, seed: int) -> InTime:
    """The first pass; the bands are bootstrapped over groups of neighbouring cells."""
    cells, count = pair.cells, len(pair.frames)
    width = _fitted(int(np.clip(BLOCK_BYTES / (8 * count), min(LEAST_WIDTH, cells), cells)), pair)
    length = max(pair.even // int(np.ceil(8 * width * count / (1.5 * BLOCK_BYTES))), 1)
    cuts = [*range(0, pair.even - length + 1, length), count]
    spans = [slice(i, min(i + width, cells)) for i in range(0, cells, width)]
    blocks = [(some, a, b) for some in spans for a, b in pairwise(cuts)]
    mapped = cells <= MOST_MAPPED
    arguments = ((pair.sources, (a, b), some, pair.low[some], pair.weight[some], _groups(some, cells), length) for some, a, b in blocks)
    frames, by_cell = Sums(*np.zeros((7, count))), Sums(*np.zeros((7, cells))) if mapped else None
    spectrum = np.zeros((min(GROUPS, cells), LINES, length // 2 + 1), complex)
    covered = np.zeros(len(spectrum))
    missing = 0
    for (some, a, b), (rows, columns, found, part, lost) in zip(blocks, in_order(client, _block, arguments), strict=True):
        group = _groups(some, cells)
        _add(frames, slice(a, b), rows)
        if by_cell is not None:
            _add(by_cell, some, columns)
        spectrum[group[0] : group[-1] + 1] += found
        covered[group[0] : group[-1] + 1] += part
        missing += lost
    step = float(pair.times[1] - pair.times[0]) if count > 1 else 1.0
    middle, bands = banded(spectrum, covered, resamples=resamples, seed=seed)
    return InTime(frames, by_cell, missing, frequencies(length, step, half=True), middle, bands)


def _fitted(width: int, pair: Pair) -> int:
    """Cells of a block, at most ``width``, so that it begins where a chunk of the file does: a chunk is read whole by each block in it."""
    stored = getattr(pair.sources[0].source, "stored", None)
    if stored is None or len(stored) != 2 or width >= pair.cells:
        return width
    return width // stored[1] * stored[1] if width >= stored[1] else -(-stored[1] // -(-stored[1] // width))


def _groups(some: slice, cells: int) -> Array:
    """The group of neighbouring cells that each of ``some`` belongs to."""
    return np.arange(some.start, some.stop) * min(GROUPS, cells) // cells


def _cut(frames: slice | Array, a: int, b: int) -> slice | Array:
    return slice(frames.start + a, frames.start + b) if isinstance(frames, slice) else frames[a:b]


def _add(total: Sums, place: slice, some: Array) -> None:
    """Merge the sums ``some`` (n, 7) into the sums of ``total`` at ``place``."""
    merged = merge(Sums(*(getattr(total, name)[place] for name in SUMS)), Sums(*some.T))
    for name in SUMS:
        getattr(total, name)[place] = getattr(merged, name)


def _block(
    sources: tuple[FieldReader, FieldReader], span: tuple[int, int], some: slice, low: Array, weight: Array, group: Array, length: int
) -> tuple[Array, Array, Array, Array, int]:
    """Reads its own block, so that no more of them are in memory than are at work."""
    from scipy.fft import rfft  # several series at once in vector registers, and loads for long

    n, r = (source.cells(_cut(source.frames, *span), some) for source in sources)
    low, weight = np.ascontiguousarray(low), np.ascontiguousarray(weight)
    frame, cell = np.zeros((n.shape[0], 7)), np.zeros((n.shape[1], 7))
    kernels.block_sums(n, r, low, weight, frame, cell)
    missing = 0 if (frame[:, 1] == n.shape[1]).all() else int(np.count_nonzero(~(np.isfinite(n) & np.isfinite(r))))
    whole = np.flatnonzero(cell[:, 1] == n.shape[0])
    first, groups = group[0], group[-1] - group[0] + 1
    found = np.zeros((groups, LINES + 1, length // 2 + 1))
    twice = multiplicity(np.arange(length // 2 + 1), length).astype(float)
    for start in range(0, len(whole), CACHE_CELLS):
        few = whole[start : start + CACHE_CELLS]
        d, b = np.empty((2, len(few), length))
        kernels.series(n, r, few, d, b)
        kernels.add_lines(rfft(d, norm="forward"), rfft(b, norm="forward"), weight[few], group[few] - first, twice, found)
    lines = np.concatenate([found[:, : LINES - 1], found[:, LINES - 1 : LINES] + 1j * found[:, LINES:]], axis=1)
    return frame, cell, lines, np.bincount(group[whole] - first, weight[whole], groups), missing
