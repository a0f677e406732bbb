"""Periodic divergence-free fields, coded as waves: the codec ``solenoidal``.

The basis is that of `pipeline.compression.solenoidal_basis`. All coefficients have one step, which spreads the error evenly (reverse
water-filling: T. M. Cover and J. A. Thomas, Elements of Information Theory, 2nd ed., 2006, section 10.3.3); a shell's standard deviation
says how its numbers are coded. Sent are a header, a level for each shell, and the numbers.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from pipeline.compression import outliers, quantisers
from pipeline.compression.range_coder import Reader, Writer
from pipeline.compression.solenoidal_basis import Shape, Spectrum, field, modes, project, spectrum
from pipeline.compression.target import Target
from pipeline.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

TARGETS = ("bound", "nrmse", "bytes", "lossless")
DIVERGENCE = 1e-3  # greatest spectral divergence over gradient, root mean squares, that is taken
HEAD = struct.Struct("<BB3H3Hf3dHI")  # version, type, points, box, step, mean, shells, bytes of corrections
VERSION = 1
SINGLE = 16 + 6 * 14  # below this level a transform of single precision is exact enough
TYPES = ("<f4", "<f8")
LEVEL_COUNTS = np.concatenate([np.full(1, 200), np.maximum(1, np.rint(2000.0 * 0.75 ** np.abs(np.arange(-255, 256))))]).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Coded:
    """A block as whole numbers: what is sent."""

    type: str
    shape: Shape
    box: Shape
    mean: Array  # (3,)
    step: float
    levels: Array  # (shells,) of `quantisers`
    numbers: Array  # (modes, 4) a.real, a.imag, b.real, b.imag


@dataclass(frozen=True, slots=True)
class Known:
    """What a decoder knows of the coefficients (2, modes) of ``modes(shape, box)``; all others are nought."""

    shape: Shape
    box: Shape
    mean: Array  # (3,)
    values: Array  # (2, modes) complex: what is decoded
    low: Array  # (2, modes) complex: least real and imaginary parts that give the same numbers
    high: Array  # (2, modes) complex: the greatest
    energy: Array  # (shells,) of the original by shell, sum over points of squares, within 12 %; 0 where a shell was dropped


def refuses(values: Array) -> str:
    """Why a block can't be coded, or nothing."""
    if values.ndim != 4 or values.shape[0] != 3:
        return f"solenoidal codes three components on (z, y, x), not an array {values.shape}"
    if values.dtype not in (np.float32, np.float64):
        return f"solenoidal codes float32 and float64, not {values.dtype}"
    if max(values.shape) >= 1 << 16 or min(values.shape[1:]) < 3:
        return f"solenoidal codes 3 to 65535 points a side, not {values.shape[1:]}"
    if not np.isfinite(values).all():
        return "the field has values that are not finite"
    return _unfit(spectrum(values))


def _unfit(transform: Spectrum) -> str:
    noise = 16.0 * np.finfo(transform.values.real.dtype).eps
    total = transform.energy + float((transform.mean**2).sum()) * np.prod(transform.shape, dtype=float)
    if transform.energy <= noise**2 * total:
        return ""  # constant to round-off
    if transform.divergence > DIVERGENCE:
        return (
            f"the spectral divergence is {transform.divergence:.2g} of the gradient, more than {DIVERGENCE:g}: "
            "not divergence-free, or not periodic"
        )
    return ""


def encode(values: Array, target: Target) -> bytes:
    """Bytes of ``values`` (3, nz, ny, nx), components (u, v, w), to a target.

    Lossless is to the rounding of float32: no point is further off than 2^-23 of the field's greatest magnitude.

    Raises
    ------
    InputError
        The field does not suit (`refuses`), or the target can't be met: the basis can't hold what the field has.
    """
    if reason := refuses(values):
        raise InputError(reason)
    if target.kind == "lossless":
        if values.dtype != np.float32:
            raise InputError("solenoidal is lossless for float32 alone: a transform of float64 rounds more than the type")
        target = Target("bound", float(np.finfo(np.float32).eps) * (float(np.abs(values).max()) or 1.0))
    plan = _Plan(values, target)
    match target.kind:
        case "nrmse":
            return pack(plan.at(plan.step_of_error(plan.allowed)))
        case "bytes":
            return _within(plan, int(target.value))
        case _:
            return _bounded(plan, values, target.value)


class _Plan:
    """A field's coefficients, to be tried with any step."""

    def __init__(self, values: Array, target: Target) -> None:
        self.type = values.dtype.str
        loose = (target.kind == "nrmse" and target.value > 1e-4) or (target.kind == "bytes" and target.value * 16 < values.size * 4)
        transform = spectrum(values.astype(np.float32 if loose else np.float64, copy=False))
        self.shape, self.mean = transform.shape, transform.mean
        self.total = transform.energy + transform.lost + float((self.mean**2).sum()) * (values.size // 3)
        match target.kind:
            case "nrmse":
                self.allowed = target.value**2 * self.total
            case "bound":
                self.allowed = target.value**2 * values.size / 9.0
            case _:
                self.allowed = 1e-8 * self.total
        # white noise of the stored values (rounding) has half as much outside the basis as in it: no wave is kept for it
        self.box = _box(transform, 1e-3 * self.allowed + min(transform.lost, 0.3 * self.allowed))
        within = modes(self.shape, self.box)
        parts = project(transform, within)
        self.x = parts.T.copy().view(parts.real.dtype).reshape(-1)
        self.start = within.start * 4
        power = np.add.reduceat(np.append(self.x.astype(np.float64) ** 2, 0.0), np.minimum(self.start[:-1], len(self.x)))
        self.power = np.where(np.diff(self.start) > 0, power, 0.0)
        self.lost = (
            max(self.total - float((self.mean**2).sum()) * (values.size // 3) - float(self.power.sum()), 0.0) if loose else transform.lost
        )
        self.scale = np.sqrt(self.power / np.maximum(np.diff(self.start), 1))
        self.numbers = np.zeros(len(self.x), np.int64)

    def measure(self, step: float) -> tuple[float, float]:
        """The sum of squared errors [field's unit^2] and the bits with ``step``; `numbers` are filled."""
        table = quantisers.tables()
        levels = self.levels(step)
        each = np.repeat(levels.astype(np.uint8), np.diff(self.start))
        error, bits = quantisers.quantise(
            self.x, each, step, table.thresholds, table.values, table.shift, table.reach, table.bits, self.numbers
        )
        return error + self.lost, bits + 5.0 * np.count_nonzero(levels)

    def levels(self, step: float) -> Array:
        return quantisers.level_of(self.scale / step)

    def step_of_error(self, allowed: float, within: float = 1e-3) -> float:
        """The largest step found whose error is at most ``allowed``, by a share ``within``."""
        if allowed <= self.lost:
            raise InputError(
                f"solenoidal can't code to a mean square error of {allowed:.3g}: {self.lost:.3g} of the field is outside its basis "
                "(divergence, and waves of two points)"
            )
        return _solve(lambda step: self.measure(step)[0] / allowed, np.sqrt(12.0 * allowed / max(len(self.x), 1)), 2.0, within)

    def at(self, step: float) -> Coded:
        """The block with ``step``; shells without a number are dropped."""
        step = float(np.float32(step))
        self.measure(step)
        levels = self.levels(step)
        for s in range(len(levels)):
            if not self.numbers[self.start[s] : self.start[s + 1]].any():
                levels[s] = 0
        return Coded(self.type, self.shape, self.box, self.mean, step, levels, self.numbers.reshape(-1, 4).copy())


def _solve(excess: Callable[[float], float], step: float, power: float, within: float = 1e-3) -> float:
    """The greatest step found at which a rising ``excess`` (about step^power) is at most 1, by a share ``within``."""
    step = max(step, 1e-300)
    best, slope = 0.0, power
    tried: list[tuple[float, float]] = []
    for _ in range(8):
        value = np.log(max(excess(step), 1e-300))
        if value <= 0.0:
            best = max(best, step)
            if value > -within:
                break
        tried.append((float(np.log(step)), value))
        if len(tried) > 1 and abs(tried[-1][0] - tried[-2][0]) > 1e-9:
            slope = (tried[-1][1] - tried[-2][1]) / (tried[-1][0] - tried[-2][0])
        step = float(np.exp(tried[-1][0] - np.clip((value + 0.3 * within) / np.clip(slope, 0.2, 4.0), -12.0, 12.0)))
    return best or step * 0.9


def _box(transform: Spectrum, dropped: float) -> Shape:
    """The smallest box of wavenumbers outside of which there is no more energy than ``dropped`` along each axis."""
    sides = []
    for along in transform.planes:
        outside = np.cumsum(along[::-1])[::-1]
        sides.append(max(int(np.count_nonzero(outside > dropped)) - 1, 0))
    return sides[0], sides[1], sides[2]


def _within(plan: _Plan, most: int) -> bytes:
    """The block in at most so many bytes, with the smallest error found."""
    spare = most - len(pack(plan.at(1e30)))
    if spare < 0:
        raise InputError(f"solenoidal can't code a block in {most} bytes: its header takes {most - spare}")
    step = 1.0 / _solve(lambda inverse: plan.measure(1.0 / inverse)[1] / (8.0 * spare + 1.0), 1.0 / _first_step(plan, 8.0 * spare), 1.0)
    while True:
        data = pack(plan.at(step))
        if len(data) <= most:
            return data
        step *= 1.0005 + 0.5 * (len(data) / most - 1.0)


def _first_step(plan: _Plan, bits: float) -> float:
    """The step at which Gaussian shells take about ``bits``."""
    counts = np.diff(plan.start)
    steps = np.exp2(np.arange(-60.0, 30.0, 0.25)) * max(float(plan.scale.max()), 1e-300)
    rates = (counts * 0.5 * np.log2(1.0 + 17.0 * (plan.scale / steps[:, None]) ** 2)).sum(axis=1)
    return float(steps[min(int(np.count_nonzero(rates > bits)), len(steps) - 1)])


def _bounded(plan: _Plan, values: Array, bound: float) -> bytes:
    """The block with no point further off than ``bound``: of all steps, the coarser with more corrections, the cheapest."""
    best, step = np.inf, 0.0
    for ratio in np.arange(1.8, 4.4, 0.2):  # bound over standard deviation of the error
        allowed = (bound / ratio) ** 2 * values.size
        if allowed > plan.lost:
            trial = plan.step_of_error(allowed, 0.02)
            cost = plan.measure(trial)[1] + values.size * _bits_beyond(ratio)
            if cost < best:
                best, step = cost, trial
    if step == 0.0:
        raise InputError(f"solenoidal can't keep a bound of {bound:.3g}: a sum of squares of {plan.lost:.3g} is outside its basis")
    coded = plan.at(step)
    return pack(coded, outliers.add(values, decode(pack(coded)), bound))


def _bits_beyond(ratio: float) -> float:
    """Bits a point to correct those beyond ``ratio`` standard deviations of a Gaussian error: where, and which sign."""
    share = 2.0 * float(ndtr(-ratio))
    return float(share * (1.0 - np.log2(share)) - (1.0 - share) * np.log2(1.0 - share))


def pack(coded: Coded, corrections: bytes = b"") -> bytes:
    """The bytes of a block."""
    shells = int(np.flatnonzero(coded.levels)[-1]) + 1 if coded.levels.any() else 0
    head = HEAD.pack(VERSION, TYPES.index(coded.type), *coded.shape, *coded.box, coded.step, *coded.mean, shells, len(corrections))
    writer = Writer()
    levels = coded.levels[:shells]
    writer.symbols(np.diff(levels, prepend=0) + 255, LEVEL_COUNTS)
    start = modes(coded.shape, coded.box).start
    for s in np.flatnonzero(levels):
        _write(writer, coded.numbers[start[s] : start[s + 1]].reshape(-1), int(levels[s]))
    return head + corrections + writer.done()


def _write(writer: Writer, numbers: Array, level: int) -> None:
    """Numbers of one level: high parts, those beyond the reach (Elias's gamma code), low bits."""
    way = quantisers.quantiser(level)
    high = numbers >> way.shift
    kept = np.clip(high, -way.reach, way.reach)
    writer.symbols(kept + way.reach, way.counts)
    over = np.abs(high[np.abs(kept) == way.reach]) - way.reach + 1
    widths = np.floor(np.log2(over)).astype(np.int64)
    writer.bits(widths, 6)
    for width in np.unique(widths):
        writer.bits(over[widths == width], int(width))
    writer.bits(numbers & ((1 << way.shift) - 1), way.shift)


def _read(reader: Reader, count: int, level: int) -> Array:
    """What `_write` wrote."""
    way = quantisers.quantiser(level)
    high = reader.symbols(count, way.counts) - way.reach
    far = np.flatnonzero(np.abs(high) == way.reach)
    widths = reader.bits(len(far), 6)
    for width in np.unique(widths):
        chosen = far[widths == width]
        over = reader.bits(len(chosen), int(width)) + (np.int64(1) << min(int(width), 62)) - 1
        high[chosen] += np.sign(high[chosen]) * over
    return np.asarray((high << way.shift) | reader.bits(count, way.shift))


def unpack(data: bytes) -> tuple[Coded, bytes]:
    """The block of bytes as numbers, and its corrections.

    Raises
    ------
    InputError
        The bytes are not a block's.
    """
    if len(data) < HEAD.size:
        raise InputError("not a solenoidal block: too short")
    version, kind, *numbers = HEAD.unpack_from(data)
    shape, box = (numbers[0], numbers[1], numbers[2]), (numbers[3], numbers[4], numbers[5])
    step, mean, shells, size = numbers[6], np.array(numbers[7:10]), numbers[10], numbers[11]
    fits = all(2 * b < n for b, n in zip(box, shape, strict=True))
    if version != VERSION or kind >= len(TYPES) or not fits or not np.isfinite(step) or HEAD.size + size > len(data):
        raise InputError("not a solenoidal block, or a damaged one")
    corrections = data[HEAD.size : HEAD.size + size]
    reader = Reader(data[HEAD.size + size :])
    within = modes(shape, box)
    if shells >= len(within.start):
        raise InputError("a damaged solenoidal block: more shells than the field has")
    levels = np.zeros(len(within.start) - 1, np.int64)
    levels[:shells] = np.cumsum(reader.symbols(shells, LEVEL_COUNTS) - 255)
    if levels.min(initial=0) < 0 or levels.max(initial=0) > quantisers.TOP:
        raise InputError("a damaged solenoidal block: a scale out of range")
    found = np.zeros((within.count, 4), np.int64)
    for s in np.flatnonzero(levels):
        count = 4 * int(within.start[s + 1] - within.start[s])
        found[within.start[s] : within.start[s + 1]] = _read(reader, count, int(levels[s])).reshape(-1, 4)
    return Coded(TYPES[kind], shape, box, mean, step, levels, found), corrections


def decode(data: bytes) -> Array:
    """The field (3, nz, ny, nx) of a block, in its own type.

    Raises
    ------
    InputError
        The bytes are not a block's, or damaged so that it shows.
    """
    coded, corrections = unpack(data)
    parts = _values(coded)
    if coded.type == "<f4" and coded.levels.max(initial=0) < SINGLE:
        parts = parts.astype(np.complex64)
    values = field(parts, coded.shape, coded.mean, coded.box).astype(coded.type)
    return outliers.apply(values, corrections) if corrections else values


def _values(coded: Coded) -> Array:
    """The coefficients (2, modes) complex that the numbers stand for."""
    table = quantisers.tables()
    start = modes(coded.shape, coded.box).start
    each = np.repeat(coded.levels.astype(np.uint8), 4 * np.diff(start))
    x = np.empty(coded.numbers.size)
    quantisers.restore(coded.numbers.reshape(-1), each, coded.step, table.values, table.reach, x)
    return np.ascontiguousarray(x.view(complex).reshape(-1, 2).T)


def known(data: bytes) -> Known:
    """What a block says of the coefficients; a coefficient between ``low`` and ``high`` is coded with the same numbers."""
    coded, _ = unpack(data)
    table = quantisers.tables()
    counts = np.diff(modes(coded.shape, coded.box).start)
    each = np.repeat(coded.levels.astype(np.uint8), 4 * counts)
    low, high = np.empty(coded.numbers.size), np.empty(coded.numbers.size)
    quantisers.interval(coded.numbers.reshape(-1), each, coded.step, table.thresholds, table.reach, low, high)
    energy = 4.0 * counts * np.where(coded.levels > 0, coded.step * quantisers.scale_of(coded.levels), 0.0) ** 2
    parts = [np.ascontiguousarray(part.view(complex).reshape(-1, 2).T) for part in (low, high)]
    return Known(coded.shape, coded.box, coded.mean, _values(coded), parts[0], parts[1], energy)


def agree(parts: Array, facts: Known) -> Array:
    """Coefficients ``parts`` (2, modes) moved as little as needed to be coded with the block's numbers."""
    real = np.clip(parts.real, facts.low.real, facts.high.real)
    return np.asarray(real + 1j * np.clip(parts.imag, facts.low.imag, facts.high.imag))
