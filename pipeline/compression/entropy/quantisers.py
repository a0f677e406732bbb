"""Scalar quantisers with entropy models, one for each scale of a coefficient, all at one slope of error against rate.

A coefficient of standard deviation r steps (Gaussian) becomes a whole number q. For small r the thresholds t and the values x that stand
for q minimise error + slope * bits (T. Berger, IEEE Trans. Inf. Theory 18 (1972) 759, DOI 10.1109/TIT.1972.1054906): t_q is where q-1
and q cost the same, x_q is the mean between thresholds. Great numbers are split: all but some high bits are as good as evenly spread.

Scales are counted in ``LEVELS`` to an octave: level b >= 1 is r = 2^((b - FIRST) / LEVELS), level 0 is r = 0.
"""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from pipeline.core.compiled import njit

Array = np.ndarray[Any, np.dtype[Any]]

LEVELS = 6  # to an octave: a scale is at most 6 % off, which costs 0.005 bits
FIRST = 40  # level of r = 1
SILENT = FIRST - 10  # up to this level every number is zero and none is stored: r = 0.31
TOP = 255
FINE = 4.0  # up to this r thresholds are chosen; beyond, they are halfway
SPLIT = 16.0  # from this r on the low bits are stored as they are
SLOPE = 2.0 * np.log(2.0) / 12.0  # [steps^2 / bit] of error against rate: that of a fine uniform quantiser
TAIL = 7.0  # standard deviations that have symbols of their own; what is beyond is escaped
TOTAL = 1 << 20  # sum of the counts, about


@dataclass(frozen=True, slots=True)
class Quantiser:
    """The quantiser of one scale; symbols are 0..2 * reach for high parts -reach..reach."""

    shift: int  # low bits that are stored as they are
    reach: int
    thresholds: Array  # (reach + 1,) least |value| of |q| = 0, 1, ... [steps]; halfway where there are no entries
    values: Array  # (reach + 1,) that stand for |q| [steps]
    counts: Array  # (2 reach + 1,)
    bits: Array  # (2 reach + 1,) of each symbol, low bits included


def level_of(scale: Array) -> Array:
    """The levels (0..TOP) of scales [steps]."""
    with np.errstate(divide="ignore"):
        level = np.rint(LEVELS * np.log2(np.maximum(scale, 1e-30)) + FIRST)
    return np.clip(level, 0, TOP).astype(np.int64)


def scale_of(level: Array) -> Array:
    """The scales [steps] of levels >= 1."""
    return np.asarray(np.exp2((level - FIRST) / LEVELS))


@functools.cache
def quantiser(level: int) -> Quantiser:
    """The quantiser of a level >= 1."""
    scale = 2.0 ** ((level - FIRST) / LEVELS)
    shift = 0
    while scale >= SPLIT:
        scale, shift = scale / 2.0, shift + 1
    reach = max(2, int(np.ceil(TAIL * scale)))
    edges = np.arange(reach + 2) - 0.5
    edges[0] = 0.0
    values = np.arange(reach + 1, dtype=float)
    if shift == 0 and scale <= FINE:
        for _ in range(60):
            mass = _mass(edges, scale)
            cost = -np.log2(np.maximum(mass * np.where(np.arange(reach + 1) > 0, 0.5, 1.0), 1e-12))
            values = _means(edges, scale, mass)
            between = 0.5 * (values[1:] + values[:-1]) + 0.5 * SLOPE * np.diff(cost) / np.diff(values)
            edges[1:-1] = np.maximum.accumulate(between)
            edges[-1] = edges[-2] + 1.0
    if shift == 0:
        half = _mass(np.append(edges[:-1], np.inf), scale)
        probability = np.concatenate([half[:0:-1] / 2.0, half[:1], half[1:] / 2.0])
    else:
        at = np.arange(-reach, reach + 2) - 0.5 / (1 << shift)
        at[0], at[-1] = -np.inf, np.inf
        probability = np.diff(ndtr(at / scale))
    counts = np.maximum(np.rint(probability * TOTAL), 1.0).astype(np.int64)
    return Quantiser(shift, reach, edges[:-1].copy(), values, counts, shift - np.log2(counts / counts.sum()))


def _mass(edges: Array, scale: float) -> Array:
    """Probability of |value| between edges."""
    return np.asarray(2.0 * np.diff(-ndtr(-edges / scale)))


def _means(edges: Array, scale: float, mass: Array) -> Array:
    """Mean of |value| between edges, zero for the first; the middle where the mass is too small to tell."""
    density = np.exp(-0.5 * (edges / scale) ** 2)
    means = np.sqrt(2.0 / np.pi) * scale * (density[:-1] - density[1:]) / np.maximum(mass, 1e-300)
    means = np.where(mass > 1e-9, means, 0.5 * (edges[1:] + edges[:-1]))
    means[0] = 0.0
    return np.asarray(np.maximum.accumulate(means + 1e-9 * np.arange(len(means))))


@dataclass(frozen=True, slots=True)
class Tables:
    """All quantisers side by side for the kernels, a row a level; silent rows are zero."""

    thresholds: Array  # (levels, entries) least |value| of |q|; infinite beyond the last
    values: Array  # (levels, entries) that stand for |q|
    shift: Array  # (levels,)
    reach: Array  # (levels,)
    bits: Array  # (levels, symbols)


@functools.cache
def tables() -> Tables:
    """Made once a process."""
    fine = 1 + int(FIRST + LEVELS * np.log2(FINE))
    rows = [quantiser(max(level, SILENT + 1)) for level in range(TOP + 1)]
    thresholds = np.full((fine, 2 + max(len(row.values) for row in rows[:fine])), np.inf)
    values = np.zeros_like(thresholds)
    bits = np.full((TOP + 1, max(len(row.bits) for row in rows)), 40.0)
    for level, row in enumerate(rows):
        bits[level, : len(row.bits)] = row.bits
        if level < fine:
            thresholds[level, : row.reach + 1], values[level, : row.reach + 1] = row.thresholds, row.values
    return Tables(thresholds, values, np.array([row.shift for row in rows]), np.array([row.reach for row in rows]), bits)


@functools.cache
def expected() -> tuple[Array, Array]:
    """Bits, and squared error [steps^2], of a Gaussian coefficient at each level."""
    bits, errors = np.zeros(TOP + 1), np.full(TOP + 1, 1.0 / 12.0)
    x = (np.arange(4000) + 0.5) / 500.0
    weight = np.exp(-0.5 * x**2) / np.exp(-0.5 * x**2).sum()
    for level in range(TOP + 1):
        scale = float(scale_of(np.array(level)))
        if level <= SILENT:
            errors[level] = scale**2 if level else 0.0
            continue
        way = quantiser(level)
        bits[level] = (way.counts * way.bits).sum() / way.counts.sum()
        if scale <= FINE:
            size = x * scale
            errors[level] = (weight * (size - way.values[np.searchsorted(way.thresholds, size, side="right") - 1]) ** 2).sum()
    return bits, errors


@njit(cache=True)
def quantise(
    x: Array, b: int, step: float, thresholds: Array, values: Array, shift: Array, reach: Array, bits: Array, q: Array
) -> tuple[float, float]:
    """Whole numbers ``q`` of coefficients ``x`` (count,) of level ``b``; gives the sum of squared errors and the bits they take."""
    error, cost = 0.0, 0.0
    fine = thresholds.shape[0]
    for i in range(x.size):
        if b <= SILENT:
            q[i] = 0
            error += x[i] * x[i]
            continue
        size = abs(x[i]) / step
        n = int(size + 0.5)
        if b < fine and n <= reach[b]:
            while size < thresholds[b, n]:
                n -= 1
            while size >= thresholds[b, n + 1]:
                n += 1
            left = size - values[b, n]
        else:
            left = size - n
        error += left * left * step * step
        if x[i] < 0.0:
            n = -n
        q[i] = n
        high = n >> shift[b]
        over = abs(high) - reach[b]
        if over >= 0:
            cost += 2.0 * np.log2(over + 1.0) + 1.0
            high = reach[b] if high > 0 else -reach[b]
        cost += bits[b, high + reach[b]]
    return error, cost


@njit(cache=True)
def restore(q: Array, b: int, step: float, values: Array, reach: Array, x: Array) -> None:
    """Coefficients ``x`` (count,) that stand for whole numbers ``q`` (count,) of level ``b``."""
    for i in range(q.size):
        size = abs(q[i])
        value = values[b, size] if b < values.shape[0] and size <= reach[b] else float(size)
        x[i] = -value * step if q[i] < 0 else value * step


@njit(cache=True)
def interval(q: Array, b: int, step: float, thresholds: Array, reach: Array, low: Array, high: Array) -> None:
    """The least and greatest coefficients (count,) that `quantise` makes ``q``; without end where numbers are silent."""
    for i in range(q.size):
        n = abs(q[i])
        if b <= SILENT:
            low[i], high[i] = -np.inf, np.inf
            continue
        if b < thresholds.shape[0] and n <= reach[b]:
            inner, outer = thresholds[b, n], min(thresholds[b, n + 1], n + 0.5 if n == reach[b] else np.inf)
        else:
            inner, outer = n - 0.5, n + 0.5
        inside = 1e-6 * (outer - inner)  # so that rounding can't carry it over
        inner, outer = (inner + inside) * step, (outer - inside) * step
        if n == 0:
            low[i], high[i] = -outer, outer
        elif q[i] > 0:
            low[i], high[i] = inner, outer
        else:
            low[i], high[i] = -outer, -inner
