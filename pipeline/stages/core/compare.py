"""A run's field beside its reference's, block by block on Dask: never a whole series in memory.

Two passes. Blocks of cells over all frames give the moments of every frame and of every cell, and the spectrum in time; whole
frames give the spectrum in space, the shift that brings both nearest, and the amplitude of a known plane wave. Of a series too long
for a block the spectrum is that of its even pieces, and their mean: what is lost are the lowest frequencies, not the identity.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from pipeline.errors import InputError
from pipeline.stages.core import kernels
from pipeline.stages.core.alignment import align_transforms
from pipeline.stages.core.moments import Sums, merge
from pipeline.stages.core.spectra import LINES, Scales, banded, both_signs, lines
from pipeline.stages.core.window import in_order
from pipeline.store import Source, Store

Array = np.ndarray[Any, np.dtype[Any]]

BLOCK_BYTES = 16e6  # of one field in one task
LEAST_WIDTH = 2048  # cells in a task: fewer would read a file's chunks too often
CACHE_CELLS = 512  # whose series are transformed at once
GROUPS = 64  # of cells, or of frames, that a confidence band draws from
SAME_TIME = 1e-6  # of the time between frames
SUMS = tuple(Sums.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Pair:
    """What is compared: two stores on one mesh, and the frames that they have in common."""

    field: str
    run: Store
    reference: Store
    frames: Array  # (F,) of the run
    reference_frames: Array  # (F,)
    low: Array  # (cells,) a value counts above this
    mesh: Mapping[str, Array]

    @property
    def sources(self) -> "Sources":
        """Both fields and which of their frames count, to be read where they are needed."""
        return (
            (self.run.source(self.field), _in_a_row(self.frames)),
            (self.reference.source(self.field), _in_a_row(self.reference_frames)),
        )

    @property
    def times(self) -> Array:
        """(F,) [s]."""
        return self.run.times[self.frames]

    @property
    def even(self) -> int:
        """How many of the frames, from the first, are evenly spaced: the last interval of a run may be shorter."""
        times = self.times
        if len(times) < 3:
            return len(times)
        gaps = np.diff(times)
        return len(times) if abs(gaps[-1] - gaps[0]) <= SAME_TIME * gaps[0] else len(times) - 1


Sources = tuple[tuple[Source, slice | Array], tuple[Source, slice | Array]]


def _in_a_row(frames: Array) -> slice | Array:
    """A slice where the frames follow each other, which HDF5 reads much faster."""
    return slice(int(frames[0]), int(frames[-1]) + 1) if np.all(np.diff(frames) == 1) else frames


def _place(frames: slice | Array, i: int) -> int:
    return int(frames.start + i if isinstance(frames, slice) else frames[i])


def pair(field: str, run: Store, reference: Store, wet: float) -> Pair:
    """Two stores with the same mesh, compared at the times that both have.

    Raises
    ------
    InputError
        Other units, or no time in common.
    """
    unit, other = run.fields[field].unit, reference.fields[field].unit
    if unit != other:
        raise InputError(f"{field} is in {unit!r} in {run.path} and in {other!r} in {reference.path}: different units")
    mine, theirs = run.times, reference.times
    tolerance = SAME_TIME * (float(np.min(np.diff(mine))) if len(mine) > 1 else 1.0)
    near = np.clip(np.searchsorted(theirs, mine - tolerance), 0, len(theirs) - 1)
    both = np.abs(theirs[near] - mine) <= tolerance
    if not both.any():
        raise InputError(
            f"no overlap in time: {run.path} has frames at {mine[0]:g} to {mine[-1]:g} s, "
            f"{reference.path} at {theirs[0]:g} to {theirs[-1]:g} s"
        )
    mesh = run.mesh()
    low = mesh["bed"] + wet if field == "free_surface" else np.full(len(mesh["bed"]), -np.inf)
    return Pair(field, run, reference, np.flatnonzero(both), near[both], low, mesh)


@dataclass(frozen=True, slots=True)
class InTime:
    """What blocks of cells gave."""

    frames: Sums  # (F,) weighted by areas
    cells: Sums  # (cells,) weighted by frames
    frequency: Array  # (K,) [1/s]
    scales: Scales  # (K,) area-weighted means over the cells that were wet in every frame
    band: tuple[Scales, Scales]  # low and high ends


def in_time(pair: Pair, client: Any, *, resamples: int, seed: int) -> InTime:
    """The first pass; the bands are bootstrapped over groups of neighbouring cells."""
    cells, count = len(pair.low), len(pair.frames)
    width = int(np.clip(BLOCK_BYTES / (8 * count), min(LEAST_WIDTH, cells), cells))
    length = max(pair.even // int(np.ceil(8 * width * count / (1.5 * BLOCK_BYTES))), 1)
    cuts = [*range(0, pair.even - length + 1, length), count]
    area = pair.mesh["face_area"]
    spans = [slice(i, min(i + width, cells)) for i in range(0, cells, width)]
    blocks = [(some, a, b) for some in spans for a, b in pairwise(cuts)]
    (run, mine), (reference, theirs) = pair.sources
    arguments = (
        (((run, _cut(mine, a, b)), (reference, _cut(theirs, a, b))), some, pair.low[some], area[some], _groups(some, cells), length)
        for some, a, b in blocks
    )
    frames, by_cell = Sums(*np.zeros((7, count))), Sums(*np.zeros((7, cells)))
    spectrum = np.zeros((min(GROUPS, cells), LINES, length // 2 + 1), complex)
    covered = np.zeros(len(spectrum))
    for (some, a, b), (rows, columns, found, part) in zip(blocks, in_order(client, _block, arguments), strict=True):
        group = _groups(some, cells)
        _add(frames, slice(a, b), rows)
        _add(by_cell, some, columns)
        spectrum[group[0] : group[-1] + 1] += found
        covered[group[0] : group[-1] + 1] += part
    step = float(pair.times[1] - pair.times[0]) if count > 1 else 1.0
    middle, bands = banded(spectrum, covered, resamples=resamples, seed=seed)
    return InTime(frames, by_cell, np.fft.rfftfreq(length, step), middle, bands)


def _groups(some: slice, cells: int) -> Array:
    """The group of neighbouring cells that each of ``some`` belongs to."""
    return np.arange(some.start, some.stop) * min(GROUPS, cells) // cells


def _cut(frames: slice | Array, a: int, b: int) -> slice | Array:
    return slice(frames.start + a, frames.start + b) if isinstance(frames, slice) else frames[a:b]


def _add(total: Sums, place: slice, some: Array) -> None:
    """Merge the sums ``some`` (n, 7) into those of ``total`` at ``place``."""
    merged = merge(Sums(*(getattr(total, name)[place] for name in SUMS)), Sums(*some.T))
    for name in SUMS:
        getattr(total, name)[place] = getattr(merged, name)


def _block(sources: "Sources", some: slice, low: Array, area: Array, group: Array, length: int) -> tuple[Array, Array, Array, Array]:
    """Reads its own block, so that no more of them are in memory than are at work."""
    n, r = (source[frames, some] for source, frames in sources)
    frame, cell = np.zeros((n.shape[0], 7)), np.zeros((n.shape[1], 7))
    kernels.block_sums(n, r, low, area, frame, cell)
    whole = np.flatnonzero(cell[:, 1] == n.shape[0])
    d = np.subtract(n, r, dtype=float)
    first, groups = group[0], group[-1] - group[0] + 1
    found = np.zeros((groups, LINES, length // 2 + 1), complex)
    twice = both_signs(length)
    for start in range(0, len(whole), CACHE_CELLS):
        few = whole[start : start + CACHE_CELLS]
        a, b = (np.fft.rfft(v[:length, few].T.astype(float)) / length for v in (d, r))
        starts = np.flatnonzero(np.diff(group[few], prepend=-1))
        for i, line in enumerate(lines(a, b)):
            found[group[few[starts]] - first, i] += twice * np.add.reduceat(area[few, None] * line, starts, axis=0)
    return frame, cell, found, np.bincount(group[whole] - first, area[whole], groups)


@dataclass(frozen=True, slots=True)
class Raster:
    """Pixels of even size, each with the cell whose middle is nearest: fields as pictures, for wavenumbers and shifts."""

    cells: Array  # (rows, columns)
    pixel: float  # [m]


def raster(mesh: Mapping[str, Array], most: int) -> Raster:
    """A raster as fine as the mesh's mean cell, but with no more than ``most`` pixels along a side."""
    from scipy.spatial import cKDTree

    low = np.array([mesh["node_x"].min(), mesh["node_y"].min()])
    span = np.array([mesh["node_x"].max(), mesh["node_y"].max()]) - low
    pixel = max(float(np.sqrt(np.mean(mesh["face_area"]))), float(span.max()) / most)
    columns, rows = (max(round(float(s) / pixel), 2) for s in span)
    x, y = low[0] + (np.arange(columns) + 0.5) * span[0] / columns, low[1] + (np.arange(rows) + 0.5) * span[1] / rows
    tree = cKDTree(np.stack([mesh["face_x"], mesh["face_y"]], axis=1))
    return Raster(tree.query(np.stack(np.meshgrid(x, y), axis=-1))[1], pixel)


@dataclass(frozen=True, slots=True)
class InSpace:
    """What whole frames gave."""

    wavenumber: Array  # (K,) cycles a metre: middles of rings
    scales: Scales  # (K,) means over the frames
    band: tuple[Scales, Scales]  # low and high ends
    shift: Array  # (F, 2) [m] eastward, northward: how far the run is ahead
    before: Array  # (F,) mean square error on the raster
    after: Array  # (F,) with the shift taken away
    wave: Array  # (F, 2) complex amplitude of the plane wave, run's and reference's; empty where there is none


def in_space(pair: Pair, client: Any, *, most: int, wave: Array | None, resamples: int, seed: int) -> InSpace:
    """The second pass; ``wave`` (2,) is the wave vector [radian/m] of a plane wave whose amplitude is followed.

    The bands are bootstrapped over groups of neighbouring frames.
    """
    pixels = raster(pair.mesh, most)
    shape = pixels.cells.shape
    ring, rings = _rings(shape)
    factor = (
        None if wave is None else pair.mesh["face_area"] * np.exp(-1j * (wave[0] * pair.mesh["face_x"] + wave[1] * pair.mesh["face_y"]))
    )
    shared = client.scatter((pixels.cells, ring, rings, pair.low, factor))
    count = len(pair.frames)
    batch = int(np.clip(BLOCK_BYTES / (8 * len(pair.low)), 1, np.ceil(count / 8)))
    arguments = ((pair.sources, range(i, min(i + batch, count)), shared) for i in range(0, count, batch))
    groups = min(count, GROUPS)
    spectrum, weight = np.zeros((groups, LINES, rings), complex), np.zeros(groups)
    found: list[Any] = []
    for some in in_order(client, _frames, arguments):
        for one in some:
            group = len(found) * groups // count
            spectrum[group] += one[0]
            weight[group] += 1.0
            found.append(one[1:])
    middle, bands = banded(spectrum, weight, resamples=resamples, seed=seed)
    return InSpace(
        wavenumber=(np.arange(rings) + 0.5) / (pixels.pixel * min(shape)),
        scales=middle,
        band=bands,
        shift=np.array([f[0] for f in found])[:, ::-1] * pixels.pixel,
        before=np.array([f[1] for f in found]),
        after=np.array([f[2] for f in found]),
        wave=np.array([f[3] for f in found if f[3] is not None]),
    )


def _rings(shape: tuple[int, ...]) -> tuple[Array, int]:
    """Which ring of wavenumbers each coefficient of a picture's real transform belongs to, rings as wide as the coarsest wave."""
    least = min(shape)
    ky, kx = np.meshgrid(np.fft.fftfreq(shape[0]) * least, np.fft.rfftfreq(shape[1]) * least, indexing="ij")
    ring = np.floor(np.hypot(kx, ky)).astype(int)
    return ring, int(ring.max()) + 1


def _frames(sources: "Sources", some: range, shared: Any) -> list[Any]:
    (run, frames), (reference, others) = sources
    return [_frame(run[_place(frames, i)], reference[_place(others, i)], shared) for i in some]


def _frame(n: Array, r: Array, shared: Any) -> tuple[Array, Array, float, float, Array | None]:
    cells, ring, rings, low, factor = shared
    with np.errstate(invalid="ignore"):
        counts = np.isfinite(n) & np.isfinite(r) & (n > low) & (r > low)
    level = float(r[counts].mean()) if counts.any() else 0.0
    a, b = (np.where(counts, v - level, 0.0) for v in (n, r))
    pictures = a[cells], b[cells]
    d, r = (np.fft.rfft2(p) / p.size for p in (pictures[0] - pictures[1], pictures[1]))
    twice = both_signs(cells.shape[1])
    found = np.array([np.bincount(ring.ravel(), (twice * line.real).ravel(), rings) for line in lines(d, r)])
    if np.ptp(pictures[0]) > 0.0 and np.ptp(pictures[1]) > 0.0:
        shift, before, after = align_transforms(r + d, r, cells.shape)
    else:
        before = after = float(np.mean((pictures[0] - pictures[1]) ** 2))
        shift = np.full(2, np.nan)
    wave = None if factor is None else np.array([a @ factor, b @ factor])
    return found, shift, before, after, wave
