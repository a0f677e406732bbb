"""Whole frames of a run beside its reference's: the spectrum in space, the shift that brings both nearest, and a known plane wave.

Triangles are seen as pictures of even pixels, each with the cell whose middle is nearest; a box's points are even as they are. Of a box
with more points along an axis than asked for, every second, third ... is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.spectral.shells import summed
from pipeline.spectral.wavenumbers import multiplicity, whole
from pipeline.stages.decompose.alignment import align_transforms
from pipeline.stages.decompose.compare import BLOCK_BYTES, GROUPS
from pipeline.stages.decompose.pairs import FieldReader, Pair
from pipeline.stages.decompose.spectra import LINES, Scales, banded, lines
from pipeline.stages.decompose.window import in_order

Array = np.ndarray[Any, np.dtype[Any]]

NEARLY = 1e-9  # of a ring's width: round-off of wavenumbers


@dataclass(frozen=True, slots=True)
class Pixels:
    """Pixels of even size, each with the cell whose middle is nearest: fields as pictures, for wavenumbers and shifts."""

    cells: Array  # (rows, columns)
    pixel: float  # [m]

    thin = (slice(None),)  # all cells of a frame are read

    @property
    def shape(self) -> tuple[int, ...]:
        return self.cells.shape

    @property
    def spacing(self) -> tuple[float, ...]:
        """(axes,) from one pixel to the next, in the order of a picture's axes."""
        return (self.pixel, self.pixel)

    def pictures(self, values: Array) -> Array:
        """A frame's ``values`` (cells,) as pictures (1, rows, columns)."""
        return values[self.cells][None]


@dataclass(frozen=True, slots=True)
class ThinnedBox:
    """The points of a box, in steps where there are many: a picture a member."""

    thin: tuple[slice, ...]  # of a frame's axes
    shape: tuple[int, ...]  # of a picture
    spacing: tuple[float, ...]

    def pictures(self, values: Array) -> Array:
        """A frame's ``values`` (members, *points) or (*points) as pictures (members, *points)."""
        return values.reshape(-1, *self.shape)


def raster(mesh: Mapping[str, Array], most: int) -> Pixels:
    """A raster as fine as the mesh's mean cell, but with no more than ``most`` pixels along a side."""
    from scipy.spatial import cKDTree

    low = np.array([mesh["node_x"].min(), mesh["node_y"].min()])
    span = np.array([mesh["node_x"].max(), mesh["node_y"].max()]) - low
    pixel = max(float(np.sqrt(np.mean(mesh["face_area"]))), float(span.max()) / most)
    columns, rows = (max(round(float(s) / pixel), 2) for s in span)
    x, y = low[0] + (np.arange(columns) + 0.5) * span[0] / columns, low[1] + (np.arange(rows) + 0.5) * span[1] / rows
    tree = cKDTree(np.stack([mesh["face_x"], mesh["face_y"]], axis=1))
    return Pixels(tree.query(np.stack(np.meshgrid(x, y), axis=-1))[1], pixel)


def grid(pair: Pair, most: int) -> ThinnedBox:
    """The points of a box, no more than ``most`` along an axis; of a line its square."""
    lengths = np.asarray(pair.mesh["length"], float)[::-1]  # in the order of a picture's axes
    points = pair.shape[-len(lengths) :]
    most = most**2 if len(points) == 1 else most
    strides = [-(-count // most) for count in points]
    shape = tuple(-(-count // stride) for count, stride in zip(points, strides, strict=True))
    spacing = tuple(float(length) / count for length, count in zip(lengths, shape, strict=True))
    members = (slice(None),) * (len(pair.shape) - len(points))
    return ThinnedBox((*members, *(slice(None, None, stride) for stride in strides)), shape, spacing)


@dataclass(frozen=True, slots=True)
class InSpace:
    """Results of whole frames."""

    wavenumber: Array  # (K,) cycles a metre, or a unit of a box's length: middles of rings, on a line the waves themselves
    scales: Scales  # (K,) means over the frames
    band: tuple[Scales, Scales]  # low and high ends
    shift: Array  # (F, axes) x first: how far the run is ahead, the mean over members
    distance: Array  # (F,) the length of the shift, the mean over members
    before: Array  # (F,) mean square error on the pictures
    after: Array  # (F,) with the shift taken away
    wave: Array  # (F, 2) complex amplitude of the plane wave, run's and reference's; empty where there is none


def in_space(pair: Pair, client: Any, *, most: int, wave: Array | None, resamples: int, seed: int) -> InSpace:
    """The second pass; ``wave`` (2,) is the wave vector [radian/m] of a plane wave whose amplitude is followed.

    The bands are bootstrapped over groups of neighbouring frames.
    """
    view = raster(pair.mesh, most) if pair.kind == "triangles" else grid(pair, most)
    ring, rings = _rings(view.shape, view.spacing)
    factor = None if wave is None else pair.weight * np.exp(-1j * (wave[0] * pair.mesh["face_x"] + wave[1] * pair.mesh["face_y"]))
    low = pair.low if pair.kind == "triangles" else -np.inf
    shared = client.scatter((view, ring, rings, low, factor))
    count = len(pair.frames)
    batch = int(np.clip(BLOCK_BYTES / (8 * pair.cells), 1, np.ceil(count / 8)))
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
    longest = min(size * step for size, step in zip(view.shape, view.spacing, strict=True))
    return InSpace(
        wavenumber=(np.arange(rings) + (0.5 if len(view.shape) > 1 else 0.0)) / longest,
        scales=middle,
        band=bands,
        shift=np.array([f[0] for f in found])[:, ::-1],
        distance=np.array([f[1] for f in found]),
        before=np.array([f[2] for f in found]),
        after=np.array([f[3] for f in found]),
        wave=np.array([f[4] for f in found if f[4] is not None]),
    )


def _rings(shape: tuple[int, ...], spacing: tuple[float, ...]) -> tuple[Array, int]:
    """The ring of wavenumbers of each coefficient of a picture's real transform, rings as wide as the coarsest wave."""
    least = min(size * step for size, step in zip(shape, spacing, strict=True))
    waves = [whole(size, half=axis == len(shape) - 1) for axis, size in enumerate(shape)]
    scaled = [wave * least / (size * step) for wave, size, step in zip(waves, shape, spacing, strict=True)]
    size = np.sqrt(sum(axis**2 for axis in np.meshgrid(*scaled, indexing="ij")))
    ring = np.floor(size + NEARLY).astype(int)
    return ring, int(ring.max()) + 1


def _frames(sources: tuple[FieldReader, FieldReader], some: range, shared: Any) -> list[Any]:
    run, reference = sources
    thin = shared[0].thin
    return [_frame(n, r, shared) for n, r in zip(run.whole(some, thin), reference.whole(some, thin), strict=True)]


def _frame(n: Array, r: Array, shared: Any) -> tuple[Array, Array, float, float, float, Array | None]:
    """Lines by rings, shift by axes, its length, mean square error before and after, and the amplitudes of a wave: means over members."""
    view, ring, rings, low, factor = shared
    with np.errstate(invalid="ignore"):
        counts = np.isfinite(n) & np.isfinite(r) & (n > low) & (r > low)
    level = float(r[counts].mean()) if counts.any() else 0.0
    a, b = (np.where(counts, v - level, 0.0) for v in (n, r))
    found = [_picture(*pictures, ring, rings, view.spacing) for pictures in zip(view.pictures(a), view.pictures(b), strict=True)]
    lined, shift, distance, before, after = (sum(parts) / len(found) for parts in zip(*found, strict=True))
    wave = None if factor is None else np.array([a @ factor, b @ factor])
    return lined, shift, float(distance), float(before), float(after), wave


def _picture(n: Array, r: Array, ring: Array, rings: int, spacing: tuple[float, ...]) -> tuple[Array, Array, float, float, float]:
    """The same of one picture."""
    from scipy.fft import rfftn  # several lines at once in vector registers, and loads for long

    d_waves, r_waves = (rfftn(p, norm="forward") for p in (n - r, r))
    twice = multiplicity(np.arange(n.shape[-1] // 2 + 1), n.shape[-1])
    lined = np.array([summed(twice * line.real, ring, rings) for line in lines(d_waves, r_waves)])
    if np.ptp(n) > 0.0 and np.ptp(r) > 0.0:
        shift, before, after = align_transforms(r_waves + d_waves, r_waves, n.shape)
        shift = shift * np.array(spacing)
        return lined, shift, float(np.sqrt((shift**2).sum())), before, after
    apart = float(np.mean((n - r) ** 2))
    return lined, np.full(n.ndim, np.nan), float("nan"), apart, apart
