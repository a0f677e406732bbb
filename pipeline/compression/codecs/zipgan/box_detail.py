"""Detail that SPERR dropped of a velocity in a non-periodic block, put back in agreement with every number that SPERR kept.

`cdf97` shows the whole number that each coefficient of the base was rounded to. The original's coefficients lie within
half a step of them, and so do those of the decoded field (`agreed`): coded again with the same step they give the same numbers. Detail is

1. the divergence-free fields near the base (`boxes.without_divergence`): the three components' roundings have divergence;
2. small scales regrown by a short run of the Navier-Stokes equations (`regrow`) in the larger box of
   `boxes`, half of their change;
3. a network's correction.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.compression.codecs.zipgan import boxes, cdf97
from pipeline.compression.codecs.zipgan.regrow import regrow
from pipeline.compression.entropy.packing import unwrap
from pipeline.core.errors import InputError
from pipeline.spectral.navier_stokes import grid, moved, points_of
from pipeline.spectral.shells import shell_of, summed

Array = np.ndarray[Any, np.dtype[Any]]
Shape = tuple[int, int, int]

CONDITIONS = slice(20, 36)  # where a coded component of SPERR 0.8 has its mean and its step, two float64
WITHIN = 0.49  # of a step: half, less what rounding of float32 may move
OFF = 0.01  # of a step: a base that shows its numbers less clearly is none
SHARE = 0.5  # of what the equations change
SPANS = 1.5  # Kolmogorov times that small scales are regrown for


@dataclass(frozen=True, slots=True)
class BoxBase:
    """A decoded base and the numbers it was made of."""

    values: Array  # (3, nz, ny, nx) float32
    numbers: Array  # the same shape, int32: coefficients over steps, rounded
    mean: Array  # (3,) float32 taken off before the transform
    step: Array  # (3,) float32

    @property
    def shape(self) -> Shape:
        z, y, x = self.values.shape[1:]
        return z, y, x


@dataclass(frozen=True, slots=True)
class Sent:
    """Numbers that are sent beside the base."""

    vorticity: float  # rms [velocity / (longest side of the larger box / 2 pi)]
    viscosity: float  # over it [(longest side / 2 pi)^2]
    lacking: float  # square of the gradients' error over that of the gradients
    known: int  # waves below are the base's, those beyond are regrown
    spreads: Array  # (levels,) rms of coefficients whose number is zero, over the step


def read_base(coded: bytes, values: Array) -> BoxBase:
    """The numbers behind ``values``, which a block ``coded`` by `codecs.sperr` decodes to.

    Raises
    ------
    InputError
        They do not show: a component is constant, or coded to a pointwise bound, or this is another SPERR.
    """
    _, _, parts = unwrap(coded)
    if parts[-1] or any(len(part) < CONDITIONS.stop for part in parts[:-1]):
        raise InputError("the base does not show its numbers")
    told = np.array([np.frombuffer(part[CONDITIONS], "<f8") for part in parts[:-1]])
    mean, step = told.T.astype(np.float32)
    if not (np.isfinite(told).all() and (step > 0.0).all()):
        raise InputError("the base does not show its numbers")
    exact = transformed(values.astype(np.float32), mean) / step[:, None, None, None]
    numbers = np.rint(exact)
    if np.abs(exact - numbers).max() > OFF or np.abs(numbers).max() > 2**30:
        raise InputError("the base does not show its numbers")
    return BoxBase(values.astype(np.float32), numbers.astype(np.int32), mean, step)


def transformed(values: Array, mean: Array) -> Array:
    """Coefficients (3, nz, ny, nx) of values less their mean."""
    return np.stack([cdf97.forward(one - m) for one, m in zip(values, mean, strict=True)])


def agreed(values: Array, base: BoxBase, spreads: Array | None = None) -> Array:
    """Values moved as little as needed, coefficient by coefficient, to give the base's numbers.

    With ``spreads`` (levels,), coefficients whose number is zero are multiplied by one gain a scale to have these rms over the step.
    """
    scale = cdf97.scales(base.shape)
    out = np.empty(values.shape, values.dtype)
    for i, (numbers, mean, step) in enumerate(zip(base.numbers, base.mean, base.step, strict=True)):
        found = cdf97.forward(values[i] - mean) / step
        if spreads is not None:
            found *= _gains(found, numbers, scale, spreads)
        kept = np.clip(found, (numbers - WITHIN).astype(np.float32), (numbers + WITHIN).astype(np.float32))
        out[i] = cdf97.backward(kept * step) + mean
    return out


def _gains(one: Array, numbers: Array, scale: Array, spreads: Array) -> Array:
    """The factor (nz, ny, nx) of each coefficient."""
    gains = np.ones(len(spreads) + 1, np.float32)
    for level, spread in enumerate(spreads):
        free = one[(scale == level) & (numbers == 0)]
        gains[level] = _gain(free, float(spread)) if free.size else 1.0
    return np.where(numbers == 0, gains[scale], np.float32(1.0))


def _gain(free: Array, spread: float) -> float:
    """The gain with which numbers, cut at `WITHIN`, have an rms of ``spread``, or as near as they can; at most 4."""
    down, up = 0.0, 4.0
    for _ in range(16):
        middle = 0.5 * (down + up)
        if float((np.minimum(np.abs(free) * np.float32(middle), np.float32(WITHIN)) ** 2).mean(dtype=np.float64)) < spread * spread:
            down = middle
        else:
            up = middle
    return 0.5 * (down + up)


def agrees(values: Array, base: BoxBase) -> bool:
    """Whether ``values`` give the base's numbers."""
    exact = transformed(values.astype(np.float32), base.mean) / base.step[:, None, None, None]
    return bool(np.array_equal(np.rint(exact), base.numbers))


def cleared(base: BoxBase) -> Array:
    """The base (3, nz, ny, nx) without most of its divergence, within its numbers."""
    return agreed(solenoidal(base.values, base.shape), base)


def solenoidal(values: Array, shape: Shape) -> Array:
    """Values (3, *shape) without divergence inside."""
    return boxes.inside(boxes.without_divergence(boxes.extended(values), shape), shape)


def told(values: Array, base: BoxBase, start: Array) -> Sent:
    """Numbers to send of the original ``values`` beside the base, whose cleared field is ``start``."""
    on = grid(boxes.outer(base.shape))
    wide = boxes.extended(values.astype(np.float32))
    waves, wrong = boxes.waves_of(wide), boxes.waves_of(boxes.extended((values - start).astype(np.float32)))
    g = boxes.inside(boxes.slopes(waves, on), base.shape)
    missed = boxes.inside(boxes.slopes(wrong, on), base.shape)
    whole = float((g**2).mean(dtype=np.float64)) or 1e-30
    w = np.stack([g[7] - g[5], g[2] - g[6], g[3] - g[1]])
    vorticity = max(float(np.sqrt((w**2).sum(axis=0).mean(dtype=np.float64))), 1e-30)
    w /= np.float32(vorticity)
    stretching = float(np.einsum("izyx,ijzyx,jzyx->zyx", w, g.reshape(3, 3, *base.shape), w).mean(dtype=np.float64)) / vorticity
    h = boxes.inside(boxes.slopes(boxes.waves_of(boxes.extended(w)), on), base.shape)
    curl = float(((h[7] - h[5]) ** 2 + (h[2] - h[6]) ** 2 + (h[3] - h[1]) ** 2).mean(dtype=np.float64))
    top = min(base.shape) / 3.0
    viscosity = float(np.clip(stretching / max(curl, 1e-30), (0.7 / top) ** 2, (3.0 / top) ** 2))
    lacking = float(np.clip((missed**2).mean(dtype=np.float64) / whole, 1e-4, 1.0))
    return Sent(vorticity, viscosity, lacking, _known(waves, wrong, on), _spreads(values, base))


def _known(waves: Array, wrong: Array, on: Any) -> int:
    """The first whole wave number whose shell is half wrong."""
    shell = shell_of(np.sqrt(on.square))
    energy, error = (summed((np.abs(one) ** 2).sum(axis=0), shell) for one in (waves, wrong))
    top = min(on.shape) // 2
    lost = np.flatnonzero(error[:top] > 0.5 * energy[:top])
    lost = lost[lost >= 2]
    return int(min(lost[0] if len(lost) else top, top, 255))


def _spreads(values: Array, base: BoxBase) -> Array:
    found = transformed(values.astype(np.float32), base.mean) / base.step[:, None, None, None]
    scale = cdf97.scales(base.shape)
    free = base.numbers == 0
    square = [found[free & (scale == level)[None]].astype(np.float64) ** 2 for level in range(cdf97.levels(base.shape))]
    return np.array([np.sqrt(one.mean()) if one.size else 0.0 for one in square])


def grown(start: Array, sent: Sent) -> Array:
    """Change of a field (3, nz, ny, nx) by the equations, on its larger box (3, *box), over the vorticity."""
    wide = boxes.extended(start / np.float32(sent.vorticity))
    shape = boxes.outer((start.shape[1], start.shape[2], start.shape[3]))
    waves = boxes.waves_of(boxes.without_divergence(wide, shape))
    coarse = (2 * shape[0] // 3, 2 * shape[1] // 3, 2 * shape[2] // 3)  # a dealiased field has no more waves
    before = moved(waves.astype(np.complex64), shape, coarse)
    after = regrow(before, coarse, sent.viscosity, SPANS, min(float(sent.known), min(coarse) / 2.0 - 1.0))
    return points_of(moved(after - before, coarse, shape), shape)


def candidate(start: Array, sent: Sent) -> tuple[Array, Array]:
    """The field (3, nz, ny, nx) with regrown scales, and the inputs of the network (12, *box)."""
    shape = (start.shape[1], start.shape[2], start.shape[3])
    change = np.float32(SHARE) * grown(start, sent)
    wide = boxes.extended(start / np.float32(sent.vorticity)) + change
    on = grid(boxes.outer(shape))
    seen = np.concatenate([boxes.slopes(boxes.waves_of(wide), on), change * np.float32(max(on.shape) / 2)])
    return start + boxes.inside(change, shape) * np.float32(sent.vorticity), seen


def unit(shape: Shape, sent: Sent) -> float:
    """The velocity that 1 of the network's output stands for."""
    return sent.vorticity / (max(boxes.outer(shape)) / 2)


def finished(field: Array, base: BoxBase, sent: Sent, energetic: bool) -> Array:
    """The field that is decoded: without divergence as far as the numbers allow, with the energy of each scale where ``energetic``."""
    if energetic:
        field = agreed(solenoidal(field, base.shape), base, sent.spreads)
    return agreed(solenoidal(field, base.shape), base)


def rounded(sent: Sent) -> Sent:
    """The numbers as they are sent, rounded to few bytes."""
    return replace(
        sent,
        vorticity=float(np.float32(sent.vorticity)),
        viscosity=float(np.float32(sent.viscosity)),
        lacking=float(np.float16(sent.lacking)),
        spreads=np.asarray(sent.spreads).astype(np.float16).astype(float),
    )
