"""A run's field beside its reference's, block by block on Dask: never a whole series in memory.

Two passes. Blocks of cells over all frames give the moments of every frame and of every cell, and the spectrum in time; whole
frames, one at a time, give the spectrum in space, the shift that brings both nearest, and the amplitude of a known plane wave.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.errors import InputError
from pipeline.stages.core import kernels
from pipeline.stages.core.alignment import align_periodic
from pipeline.stages.core.moments import Sums, merge
from pipeline.stages.core.spectra import parts
from pipeline.store import Source, Store

Array = np.ndarray[Any, np.dtype[Any]]

BLOCK_BYTES = 16e6  # of one field in one task
CACHE_CELLS = 512  # whose series are transformed at once
SAME_TIME = 1e-6  # of the time between frames


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
        return tuple(
            (store.source(self.field), slice(int(frames[0]), int(frames[-1]) + 1) if _in_a_row(frames) else frames)
            for store, frames in ((self.run, self.frames), (self.reference, self.reference_frames))
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


Sources = tuple[tuple[Source, slice | Array], ...]


def _in_a_row(frames: Array) -> bool:
    return bool(np.all(np.diff(frames) == 1))


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
    amplitude: Array  # (K,) area-weighted means over the cells that were wet in every frame
    phase: Array
    power: Array
    cross: Array  # (K,) complex: n_k conj(r_k)
    number_power: Array
    area: float  # [m2] of those cells


def in_time(pair: Pair, client: Any) -> InTime:
    """The first pass."""
    cells = len(pair.low)
    count = len(pair.frames)
    width = int(np.clip(BLOCK_BYTES / (8 * count), 256, cells))
    sources = pair.sources
    area = pair.mesh["face_area"]
    tasks = [
        client.submit(_block, sources, slice(i, i + width), pair.low[i : i + width], area[i : i + width], pair.even, pure=False)
        for i in range(0, cells, width)
    ]
    frames: Sums | None = None
    by_cell = []
    spectrum: Array = np.zeros((0, 0))
    covered = 0.0
    for task in tasks:
        rows, columns, lines, part = task.result()
        frames = Sums(*rows.T) if frames is None else merge(frames, Sums(*rows.T))
        by_cell.append(columns)
        spectrum = lines if not spectrum.size else spectrum + lines
        covered += part
        task.release()
    assert frames is not None
    step = float(pair.times[1] - pair.times[0]) if count > 1 else 1.0
    amplitude, phase, power, cross, number_power = spectrum / covered if covered else np.full_like(spectrum, np.nan)
    return InTime(
        frames=frames,
        cells=Sums(*np.concatenate(by_cell).T),
        frequency=np.fft.rfftfreq(pair.even, step),
        amplitude=amplitude.real,
        phase=phase.real,
        power=power.real,
        cross=cross,
        number_power=number_power.real,
        area=covered,
    )


def _block(sources: "Sources", some: slice, low: Array, area: Array, even: int) -> tuple[Array, Array, Array, float]:
    """Reads its own block, so that no more of them are in memory than are at work."""
    n, r = (source[frames, some] for source, frames in sources)
    frame, cell = np.zeros((n.shape[0], 7)), np.zeros((n.shape[1], 7))
    kernels.block_sums(n, r, low, area, frame, cell)
    whole = np.flatnonzero(cell[:, 1] == n.shape[0])
    lines = np.zeros((5, even // 2 + 1), complex)
    twice = np.full(even // 2 + 1, 2.0)
    twice[0] = 1.0
    if even % 2 == 0:
        twice[-1] = 1.0
    for start in range(0, len(whole), CACHE_CELLS):
        few = whole[start : start + CACHE_CELLS]
        a, b = (np.fft.rfft(v[:even, few].T.astype(float)) / even for v in (n, r))
        weights = area[few]
        amplitude, phase = parts(a, b)
        for i, values in enumerate((amplitude, phase, np.abs(b) ** 2, a * np.conj(b), np.abs(a) ** 2)):
            lines[i] += twice * (weights @ values)
    return frame, cell, lines, float(area[whole].sum())


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
    amplitude: Array  # (K,) means over the frames
    phase: Array
    power: Array
    shift: Array  # (F, 2) [m] eastward, northward: how far the run is ahead
    before: Array  # (F,) mean square error on the raster
    after: Array  # (F,) with the shift taken away
    wave: Array  # (F, 2) complex amplitude of the plane wave, run's and reference's; empty where there is none


def in_space(pair: Pair, client: Any, *, most: int, wave: Array | None) -> InSpace:
    """The second pass; ``wave`` (2,) is the wave vector [radian/m] of a plane wave whose amplitude is followed."""
    pixels = raster(pair.mesh, most)
    shape = pixels.cells.shape
    ring, rings = _rings(shape)
    factor = (
        None if wave is None else pair.mesh["face_area"] * np.exp(-1j * (wave[0] * pair.mesh["face_x"] + wave[1] * pair.mesh["face_y"]))
    )
    shared = client.scatter((pixels.cells, ring, rings, pair.low, factor), broadcast=True)
    tasks = [client.submit(_frame, pair.sources, i, shared, pure=False) for i in range(len(pair.frames))]
    found = []
    for task in tasks:
        found.append(task.result())
        task.release()
    amplitude, phase, power = np.mean([f[0] for f in found], axis=0)
    return InSpace(
        wavenumber=(np.arange(rings) + 0.5) / (pixels.pixel * min(shape)),
        amplitude=amplitude,
        phase=phase,
        power=power,
        shift=np.array([f[1] for f in found])[:, ::-1] * pixels.pixel,
        before=np.array([f[2] for f in found]),
        after=np.array([f[3] for f in found]),
        wave=np.array([f[4] for f in found if f[4] is not None]),
    )


def _rings(shape: tuple[int, ...]) -> tuple[Array, int]:
    """Which ring of wavenumbers each coefficient of a picture's transform belongs to; rings are as wide as the coarsest wave."""
    least = min(shape)
    ky, kx = np.meshgrid(np.fft.fftfreq(shape[0]) * least, np.fft.fftfreq(shape[1]) * least, indexing="ij")
    ring = np.floor(np.hypot(kx, ky)).astype(int)
    return ring, int(ring.max()) + 1


def _frame(sources: "Sources", i: int, shared: Any) -> tuple[Array, Array, float, float, Array | None]:
    n, r = (source[_place(frames, i)] for source, frames in sources)
    cells, ring, rings, low, factor = shared
    with np.errstate(invalid="ignore"):
        counts = np.isfinite(n) & np.isfinite(r) & (n > low) & (r > low)
    level = float(r[counts].mean()) if counts.any() else 0.0
    a, b = (np.where(counts, v - level, 0.0) for v in (n, r))
    pictures = a[cells], b[cells]
    spectra = [np.fft.fft2(p) / p.size for p in pictures]
    amplitude, phase = parts(*spectra)
    lines = np.array([np.bincount(ring.ravel(), v.ravel(), rings) for v in (amplitude, phase, np.abs(spectra[1]) ** 2)])
    if np.ptp(pictures[0]) > 0.0 and np.ptp(pictures[1]) > 0.0:
        shift, before, after = align_periodic(*pictures)
    else:
        before = after = float(np.mean((pictures[0] - pictures[1]) ** 2))
        shift = np.full(2, np.nan)
    wave = None if factor is None else np.array([a @ factor, b @ factor])
    return lines, shift, before, after, wave
