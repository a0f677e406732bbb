"""Periodic divergence-free fields, coded as waves: the codec ``solenoidal`` (docs/compress.md).

The basis is that of `pipeline.spectral.craya`. All coefficients have one step, which spreads the error evenly (reverse
water-filling: T. M. Cover and J. A. Thomas, Elements of Information Theory, 2nd ed., 2006, section 10.3.3); a shell's standard deviation
sets the coding of its numbers, and smaller waves are predicted from larger waves (`layers`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from pipeline.compression.codecs.solenoidal.layers import GAIN, WEIGHTS, Coded, Decoded, paired, rebuild
from pipeline.compression.codecs.solenoidal.step_search import Attempt, Coefficients, Goal
from pipeline.compression.codecs.solenoidal.stream import pack, unpack
from pipeline.compression.entropy import corrections, quantisers
from pipeline.compression.target import Target
from pipeline.core.errors import InputError
from pipeline.spectral.craya import Shape, Spectrum, field, spectrum

Array = np.ndarray[Any, np.dtype[Any]]

TARGETS = ("bound", "nrmse", "bytes", "lossless")
PATIENCE = 120.0  # [s] of processor time, beside what its size takes: kernels are compiled first
DIVERGENCE = 1e-3  # greatest spectral divergence over gradient, root mean squares, that is taken
BEST = 3.35  # bound over the standard deviation of the error before corrections: near the cheapest of turbulence, whatever the bound
OCTAVE, FARTHEST = 7.5, 12  # steps that are tried to an octave, and in either direction
NEARLY = 1.005  # times the bytes of the step that is expected to be the cheapest: not worth coding once more
RESTORED = 0.995  # of an error; the rest is left to what restoring energy costs


@dataclass(frozen=True, slots=True)
class Known:
    """A decoder's knowledge of the coefficients (2, modes) of ``modes(shape, box)``; all others are zero."""

    shape: Shape
    box: Shape
    mean: Array  # (3,)
    values: Array  # (2, modes) complex: what is decoded
    low: Array  # (2, modes) complex: least real and imaginary parts that give the same numbers
    high: Array  # (2, modes) complex: the greatest
    energy: Array  # (shells,) of the original by shell, sum over points of squares, within 12 %; 0 where a shell was dropped


def refuses(values: Array) -> str:
    """Give the reason why a block can't be coded, or nothing."""
    return examined(values)[0]


def examined(values: Array) -> tuple[str, Spectrum | None]:
    """Give the reason why a block can't be coded, or nothing; and its transform, where it could be made."""
    if why := _misshapen(values):
        return why, None
    transform = spectrum(values)
    return _unfit(transform), transform


def _misshapen(values: Array) -> str:
    if values.ndim != 4 or values.shape[0] != 3:
        return f"solenoidal codes three components on (z, y, x), not an array {values.shape}"
    if values.dtype not in (np.float32, np.float64):
        return f"solenoidal codes float32 and float64, not {values.dtype}"
    if max(values.shape) >= 1 << 16 or min(values.shape[1:]) < 3:
        return f"solenoidal codes 3 to 65535 points a side, not {values.shape[1:]}"
    if not np.isfinite(values).all():
        return "the field has values that are not finite"
    return ""


def _unfit(transform: Spectrum) -> str:
    noise = 16.0 * np.finfo(transform.values.real.dtype).eps
    total = transform.energy + float((transform.mean**2).sum()) * np.prod(transform.shape, dtype=float)
    if transform.energy + transform.lost <= noise**2 * total:
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
        The field does not suit (`refuses`), or the target can't be met: the basis can't hold the field.
    """
    if reason := _misshapen(values):
        raise InputError(reason)
    if target.kind == "lossless":
        if values.dtype != np.float32:
            raise InputError("solenoidal is lossless for float32 alone: a transform of float64 rounds more than the type")
        target = Target("bound", float(np.finfo(np.float32).eps) * (float(np.abs(values).max()) or 1.0))
    waves = Coefficients(values, target)
    if reason := _unfit(waves.transform):
        raise InputError(reason)
    if (np.ptp(values.reshape(3, -1), axis=1) == 0.0).all():
        return pack(waves.coded(waves.nothing()))
    match target.kind:
        case "nrmse":
            return _to_error(waves)
        case "bytes":
            return _within(waves, int(target.value))
        case _:
            return _bounded(waves, values, target.value)


def _to_error(waves: Coefficients) -> bytes:
    waves.check(waves.allowed)
    return pack(waves.coded(waves.search(Goal("error", waves.lost + RESTORED * (waves.allowed - waves.lost)))))


def _within(waves: Coefficients, most: int) -> bytes:
    """The block in at most so many bytes, with the smallest error found."""
    spare = most - len(pack(waves.coded(waves.nothing())))
    if spare < 0:
        raise InputError(f"solenoidal can't code a block in {most} bytes: its header takes {most - spare}")
    trial = waves.search(Goal("size", 8.0 * spare + 8.0))
    while len(data := pack(waves.coded(trial))) > most:
        trial = waves.run(trial.step * (1.002 + 0.7 * (len(data) / most - 1.0)))
    return data


def _bounded(waves: Coefficients, values: Array, bound: float) -> bytes:
    """The block with no point further off than ``bound``: of all steps, the coarser with more corrections, the cheapest.

    Steps are tried with the tendencies of the first, whose coefficients are already decoded.
    """
    waves.check((bound / 1.8) ** 2 * values.size)
    trial = waves.run(waves.guess(Goal("error", max((bound / BEST) ** 2 * values.size, 1.1 * waves.lost)), waves.power))

    def cost(tried: Attempt) -> float:
        return tried.bits + values.size * _bits_beyond(bound / np.sqrt(tried.error / values.size))

    found = {0: cost(trial)}  # by steps of 1 / OCTAVE from the trial's

    def at(place: int) -> float:
        if place not in found and abs(place) <= FARTHEST:
            found[place] = cost(waves.run(trial.step * 2.0 ** (place / OCTAVE), trial.tendencies))
        return found.get(place, np.inf)

    best = 0
    for stride in (3, 1):
        while at(near := min((best - stride, best + stride), key=at)) < at(best):
            best = near
    if found[0] > NEARLY * found[best]:
        trial = waves.run(trial.step * 2.0 ** (best / OCTAVE))
    coded = waves.coded(trial)
    return pack(coded, corrections.find(values, _points(trial.decoded, coded), bound))


def _bits_beyond(ratio: float) -> float:
    """Bits a point to correct points beyond ``ratio`` standard deviations of a Gaussian error: their places and signs."""
    share = float(np.clip(2.0 * ndtr(-ratio), 1e-300, 0.5))
    return float(share * (1.0 - np.log2(share)) - (1.0 - share) * np.log2(1.0 - share))


def decode(data: bytes) -> Array:
    """The field (3, nz, ny, nx) of a block, in its own type.

    Raises
    ------
    InputError
        The bytes are not a block's, or damaged so that it shows.
    """
    coded, corrected = unpack(data)
    values = _field(coded)
    return corrections.apply(values, corrected) if corrected else values


def _field(coded: Coded) -> Array:
    return _points(rebuild(coded)[0], coded)


def _points(decoded: Decoded, coded: Coded) -> Array:
    """The field of decoded coefficients, which are changed."""
    parts = _levelled(decoded, coded)
    if coded.type == "<f8":
        parts = parts.astype(np.complex128)
    return field(parts, coded.shape, coded.mean, coded.box).astype(coded.type, copy=False)


def _levelled(decoded: Decoded, coded: Coded) -> Array:
    """The coefficients, with the energy of well-kept shells restored."""
    parts, start = decoded.parts, decoded.within.start
    for s in np.flatnonzero(coded.gains):
        parts[:, start[s] : start[s + 1]] *= parts.real.dtype.type(np.sqrt(1.0 + GAIN * coded.gains[s]))
    return parts


def known(data: bytes) -> Known:
    """Coefficients of a block and their bounds: a value between ``low`` and ``high``, the others as decoded, is coded with the same number.

    A number codes a coefficient less its prediction, so that bounds lie around the prediction.
    """
    coded, _ = unpack(data)
    decoded, predicted = rebuild(coded)
    table = quantisers.tables()
    start, count, steps = decoded.start, np.diff(decoded.start), coded.steps
    low, high = np.empty(coded.numbers.size), np.empty(coded.numbers.size)
    for s, level in enumerate(coded.levels):
        own = slice(start[s], start[s + 1])
        quantisers.interval(coded.numbers[own], level, steps[s], table.thresholds, table.reach, low[own], high[own])
    left = np.where(coded.levels > 0, steps * quantisers.scale_of(coded.levels), 0.0)
    energy = count * left**2 * (1.0 + (coded.weights / WEIGHTS) ** 2)
    return Known(coded.shape, coded.box, coded.mean, decoded.parts, paired(predicted + low), paired(predicted + high), energy)


def agree(parts: Array, facts: Known) -> Array:
    """Coefficients ``parts`` (2, modes) moved as little as needed to lie where a block says they do."""
    real = np.clip(parts.real, facts.low.real, facts.high.real)
    return np.asarray(real + 1j * np.clip(parts.imag, facts.low.imag, facts.high.imag))
