"""Dissipation and dispersion from moments: means, standard deviations and the correlation of a number and its reference.

    MSE = (mean_n - mean_r)^2 + (s_n - s_r)^2 + 2 (1 - rho) s_n s_r

The first two are dissipation, the last is dispersion: L. L. Takacs, Mon. Weather Rev. 113 (1985) 1050-1065,
DOI 10.1175/1520-0493(1985)113<1050:ATSSWM>2.0.CO;2, eqs. (16)-(18). All is computed from the reference r and the difference
d = n - r, so that the parts of a small error keep their digits: s_n - s_r = cov(d, n + r) / (s_n + s_r), and the last part is
s_n s_r times the mean square of n' / s_n - r' / s_r.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Sums:
    """Weighted sums along one axis, which `merge` adds: blocks of a long series or a large field may be taken apart.

    All have the shape of the arrays without that axis.
    """

    weight: Array
    count: Array  # values that counted
    mean_d: Array
    mean_r: Array
    dd: Array  # sums of squares and products about the means
    rr: Array
    dr: Array


@dataclass(frozen=True, slots=True)
class Moments:
    """The parts of the mean square error, in the square of the unit; nan where nothing counted."""

    mse: Array
    bias: Array  # (mean_n - mean_r)^2
    amplitude: Array  # (s_n - s_r)^2
    phase: Array  # 2 (1 - rho) s_n s_r
    variance: Array  # of the reference
    correlation: Array  # nan where either is constant
    ratio: Array  # s_n / s_r

    @property
    def dissipation(self) -> Array:
        return self.bias + self.amplitude


def sums(number: Array, reference: Array, weights: Array, axis: int) -> Sums:
    """`Sums` of two arrays of one shape along ``axis``; ``weights`` broadcast, and are 0 where a value does not count."""
    d = number - reference
    weight = np.broadcast_to(weights, d.shape)
    total = weight.sum(axis=axis)
    over = np.divide(1.0, total, out=np.zeros_like(total, float), where=total > 0.0)
    mean_d = (weight * d).sum(axis=axis) * over
    mean_r = (weight * reference).sum(axis=axis) * over
    d = d - np.expand_dims(mean_d, axis)
    r = reference - np.expand_dims(mean_r, axis)
    wd = weight * d
    return Sums(
        total,
        (weight > 0.0).sum(axis=axis),
        mean_d,
        mean_r,
        (wd * d).sum(axis=axis),
        (weight * r * r).sum(axis=axis),
        (wd * r).sum(axis=axis),
    )


def merge(a: Sums, b: Sums) -> Sums:
    """The sums of both together (T. F. Chan, G. H. Golub, R. J. LeVeque, Am. Stat. 37 (1983) 242-247, DOI 10.2307/2683386)."""
    weight = a.weight + b.weight
    share = np.divide(b.weight, weight, out=np.zeros_like(weight, float), where=weight > 0.0)
    between = a.weight * share
    d, r = b.mean_d - a.mean_d, b.mean_r - a.mean_r
    return Sums(
        weight,
        a.count + b.count,
        a.mean_d + share * d,
        a.mean_r + share * r,
        a.dd + b.dd + between * d * d,
        a.rr + b.rr + between * r * r,
        a.dr + b.dr + between * d * r,
    )


def moments(s: Sums) -> Moments:
    """The parts of the error from its sums."""
    with np.errstate(divide="ignore", invalid="ignore"):
        dd, rr, dr = (np.where(s.weight > 0.0, x / s.weight, np.nan) for x in (s.dd, s.rr, s.dr))
        mean_d = np.where(s.weight > 0.0, s.mean_d, np.nan)
        nn = np.maximum(rr + 2.0 * dr + dd, 0.0)
        s_r, s_n = np.sqrt(rr), np.sqrt(nn)
        change = np.where(s_n + s_r > 0.0, (2.0 * dr + dd) / (s_n + s_r), 0.0)  # s_n - s_r
        amplitude = change * change
        # s_n s_r mean((n' / s_n - r' / s_r)^2) = mean((d' - r' change / s_r)^2) s_r / s_n
        ratio = np.divide(change, s_r, out=np.zeros_like(change), where=s_r > 0.0)
        phase = np.where((s_n > 0.0) & (s_r > 0.0), np.maximum(dd - 2.0 * ratio * dr + amplitude, 0.0) * s_r / s_n, 0.0)
        amplitude, phase = (np.where(s.weight > 0.0, part, np.nan) for part in (amplitude, phase))
        correlation = np.where((s_n > 0.0) & (s_r > 0.0), (rr + dr) / (s_n * s_r), np.nan)
        return Moments(mean_d**2 + dd, mean_d**2, amplitude, phase, rr, np.clip(correlation, -1.0, 1.0), s_n / s_r)
