"""Wavelet: the biorthogonal wavelets bior4.4 (CDF 9/7) of PyWavelets, quantised evenly, with a range coder by class.

A. Cohen, I. Daubechies, J.-C. Feauveau, "Biorthogonal bases of compactly supported wavelets", Comm. Pure Appl. Math. 45 (1992) 485,
doi:10.1002/cpa.3160450502. Along an axis whose ends fit each other the transform is periodic, along others values are mirrored. Numbers
within `DEAD` steps of 0 become 0. A bound is held by corrections (`outliers`), with the step that needs the fewest bytes in all.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.compression.codecs.core import levels, measures
from pipeline.compression.codecs.wavelet import subbands
from pipeline.compression.entropy import outliers
from pipeline.compression.entropy.packing import unwrap, wrap
from pipeline.compression.target import Target
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
TARGETS = ("bound", "nrmse", "bytes")
NAME = "bior4.4"
DEAD = 0.6  # [steps]
COARSEST = 8  # points along an axis at the coarsest level, or more
FITS = 2.0  # ends fit where they differ at most so many times as much as neighbours do
STEPS = (1.2, 1.7, 2.4, 3.4)  # [bounds] that are tried
HEAD = struct.Struct("<dBB")  # step, levels, axes that are periodic (bits)


def encode(values: Array, target: Target) -> bytes:
    """Code ``values`` (components, *points) to ``target``."""
    levels.check(values)
    split = _decomposition(values)
    bands = _transform(values, split)

    def at(step: float) -> bytes:
        numbers = [np.sign(band) * np.floor(np.abs(band) / step + 1.0 - DEAD) for band in bands]
        coded = [subbands.encode([n.astype(np.int64) for n in some], split.per_level) for some in _by_component(numbers, len(values))]
        return wrap(values, [HEAD.pack(step, split.levels, split.periodic), *coded, b""])

    def sized(step: float) -> tuple[bytes, float]:
        coded = at(step)
        return coded, float(len(coded))

    def judged(step: float) -> tuple[bytes, float]:
        coded = at(step)
        return coded, measures.nrmse(values, decode(coded))

    scale, within = measures.rms(values) or 1.0, levels.worth_trying(values)
    if target.kind == "bound":
        return min((_bounded(values, at(factor * target.value), target.value) for factor in STEPS), key=len)
    if target.kind == "bytes":
        return levels.coarsest(sized, target.value, 0.1 * scale, rising=False, what="a number of bytes of", within=within)
    return levels.coarsest(judged, target.value, 3.0 * target.value * scale, rising=True, what="an nrmse of", within=within)


def decode(data: bytes) -> Array:
    """Decode the data of `encode`."""
    dtype, shape, parts = unwrap(data)
    if len(parts) != shape[0] + 2 or len(parts[0]) != HEAD.size:
        raise InputError(f"a coded block is damaged: {len(parts)} parts for {shape[0]} components")
    step, depth, periodic = HEAD.unpack(parts[0])
    split = Decomposition(shape[1:], depth, periodic)
    found = np.empty(shape, dtype)
    for one, part in zip(found, parts[1:-1], strict=True):
        bands = subbands.decode(part, split.shapes, split.per_level)
        one[...] = _inverse([band * step for band in bands], split)
    return outliers.apply(found, parts[-1])


def refuses(values: Array) -> str:
    """Give the reason why these values can't be taken, or nothing."""
    try:
        import pywt  # noqa: F401
    except ImportError:
        return "it needs PyWavelets, which is not installed: pip install 'wavetrain[compress]'"
    return levels.refuses(values, (1, 2, 3))


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The decomposition of one component: axes that are long enough, periodic or mirrored."""

    points: tuple[int, ...]
    levels: int
    periodic: int  # bits by axis

    @property
    def axes(self) -> tuple[int, ...]:
        return tuple(i for i, size in enumerate(self.points) if size >= 2 * COARSEST)

    @property
    def modes(self) -> tuple[str, ...]:
        return tuple("periodization" if self.periodic >> i & 1 else "symmetric" for i in self.axes)

    @property
    def per_level(self) -> int:
        """Bands of details of a level."""
        return 2 ** len(self.axes) - 1

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the bands, the coarsest first."""
        import pywt

        found, size = [], list(self.points)
        for _ in range(self.levels):
            for axis, mode in zip(self.axes, self.modes, strict=True):
                size[axis] = pywt.dwt_coeff_len(size[axis], pywt.Wavelet(NAME).dec_len, mode)
            found.append([tuple(size)] * self.per_level)
        return [tuple(size), *(shape for level in reversed(found) for shape in level)]


def _decomposition(values: Array) -> Decomposition:
    points = values.shape[1:]
    periodic = sum(1 << axis for axis in range(len(points)) if _fits(values, axis + 1))
    split = Decomposition(points, 0, periodic)
    shortest = min((points[axis] for axis in split.axes), default=0)
    return Decomposition(points, int(np.log2(shortest / COARSEST)) if shortest else 0, periodic)


def _fits(values: Array, axis: int) -> bool:
    """Whether the last values along ``axis`` are as near to the first as neighbours are to each other."""
    if values.shape[axis] < 2:
        return False
    first, last = np.take(values, 0, axis), np.take(values, -1, axis)
    return bool(measures.rms(first - last) <= FITS * measures.rms(np.diff(values, axis=axis)))


def _transform(values: Array, split: Decomposition) -> list[Array]:
    """All bands of all components, component by component."""
    import pywt

    found = []
    for one in values:
        coarse = one.astype(np.float64)
        details: list[list[Array]] = []
        for _ in range(split.levels):
            bands = pywt.dwtn(coarse, NAME, mode=split.modes, axes=split.axes)
            coarse = bands.pop("a" * len(split.axes))
            details.append([bands[key] for key in sorted(bands)])
        found += [coarse, *(band for level in reversed(details) for band in level)]
    return found


def _inverse(bands: Sequence[Array], split: Decomposition) -> Array:
    import pywt

    keys = sorted(f"{i:0{len(split.axes)}b}".translate({48: "a", 49: "d"}) for i in range(1, split.per_level + 1))
    coarse = bands[0]
    for level in range(split.levels):
        some = bands[1 + level * split.per_level : 1 + (level + 1) * split.per_level]
        coarse = coarse[tuple(slice(size) for size in some[0].shape)]  # an odd length came out one longer
        coarse = pywt.idwtn({"a" * len(split.axes): coarse, **dict(zip(keys, some, strict=True))}, NAME, mode=split.modes, axes=split.axes)
    return coarse[tuple(slice(size) for size in split.points)]


def _by_component(bands: Sequence[Array], components: int) -> list[Sequence[Array]]:
    count = len(bands) // components
    return [bands[i * count : (i + 1) * count] for i in range(components)]


def _bounded(values: Array, coded: bytes, bound: float) -> bytes:
    more = outliers.add(values, decode(coded), bound)
    _, _, parts = unwrap(coded)
    return wrap(values, [*parts[:-1], more])
