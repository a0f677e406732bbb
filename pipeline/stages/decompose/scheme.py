"""Effect of a scheme on a plane wave: numerical phase speed, damping, and the modified equation that it really solves.

A wave exp(i (k x - w t)) stays a wave under a linear scheme, multiplied in every step by a complex factor. From the factor come the
speed and the damping; over several k, the coefficients of the modified equation u_t + c u_x = sum_p a_p d^p u / dx^p, its even p
dissipation and its odd p dispersion: R. F. Warming, B. J. Hyett, J. Comput. Phys. 14 (1974) 159-179,
DOI 10.1016/0021-9991(74)90011-4; for tsunami codes, D. Burwell, E. Tolkova, A. Chawla, Ocean Model. 19 (2007) 10-30,
DOI 10.1016/j.ocemod.2007.05.003. From the states of one step it comes by `pipeline.discovery.modified`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Travel:
    """Measures of a travelling wave; the errors are the fits' standard errors."""

    speed: float  # numerical over exact
    speed_error: float
    kept: float  # of the amplitude, in one period
    kept_error: float


def upwind(phase: Array, courant: float) -> Array:
    """Factor of one step of the first-order upwind scheme, for k dx = ``phase`` [radian] and its Courant number."""
    return np.asarray(1.0 - courant * (1.0 - np.exp(-1j * phase)))


def lax_wendroff(phase: Array, courant: float) -> Array:
    """Factor of one step of the scheme of P. Lax, B. Wendroff, Commun. Pure Appl. Math. 13 (1960) 217-237."""
    return np.asarray(1.0 - 1j * courant * np.sin(phase) - courant**2 * (1.0 - np.cos(phase)))


def modified_upwind(phase: Array, courant: float) -> Array:
    """First terms of log(factor) + i courant phase: a_2 (Warming and Hyett 1974), with a_3 beside it."""
    return np.asarray(-0.5 * courant * (1.0 - courant) * phase**2 + 1j * courant / 6.0 * (1.0 - courant) * (1.0 - 2.0 * courant) * phase**3)


def modified_lax_wendroff(phase: Array, courant: float) -> Array:
    """First terms of log(factor) + i courant phase: a_3 and a_4 (Warming and Hyett 1974)."""
    return np.asarray(1j * courant / 6.0 * (1.0 - courant**2) * phase**3 - courant**2 / 8.0 * (1.0 - courant**2) * phase**4)


def travel(times: Array, amplitude: Array, frequency: float) -> Travel:
    """`Travel` of a wave whose complex amplitude, about exp(-i w t), was ``amplitude`` (S,) at ``times`` (S,) [s].

    ``frequency`` w [radian / s] is exact. Straight lines are fitted to the logarithm and to the phase; the phase must
    not turn by more than half a turn from the exact one between samples.
    """
    ratio = amplitude / amplitude[0] * np.exp(1j * frequency * times)
    phase, slope_error = _line(times, np.unwrap(np.angle(ratio)))
    growth, growth_error = _line(times, np.log(np.abs(ratio)))
    period = 2.0 * np.pi / frequency
    kept = float(np.exp(growth * period))
    return Travel(1.0 - phase / frequency, slope_error / frequency, kept, kept * growth_error * period)


def _line(x: Array, y: Array) -> tuple[float, float]:
    """Slope and its standard error."""
    away = x - x.mean()
    slope = float(away @ y / (away @ away))
    rest = y - y.mean() - slope * away
    free = max(len(x) - 2, 1)
    return slope, float(np.sqrt(rest @ rest / free / (away @ away)))


def leading_orders(order: int) -> tuple[int, int]:
    """Orders in h of the amplitude and of the phase lost in a period by a scheme of ``order`` q: the modified equation begins with
    a_(q+1) h^q, dissipation where q is odd, dispersion where it is even; the other part begins one order later."""
    return (order, order + 1) if order % 2 else (order + 1, order)


def predicted(equation: dict[str, Any], points: Array) -> tuple[Array, Array]:
    """Amplitude kept in a period and numerical over exact speed at ``points`` (N,) a wavelength, as `from_waves`'s equation says."""
    x = 2.0 * np.pi / points
    growth, ahead = (
        sum(s * c[0] * x ** (int(p) - 1) for s, (p, c) in zip(signs, equation[name].items(), strict=False))
        for name, signs in (("even", (-1.0, 1.0)), ("odd", (1.0, -1.0)))
    )
    return np.exp(2.0 * np.pi * growth), 1.0 + ahead


def from_waves(points: Array, kept: Array, speed: Array) -> dict[str, Any]:
    """The modified equation from plane waves of several lengths, in units of the wave's speed c and the edge h.

    Parameters
    ----------
    points
        Points a wavelength (N,).
    kept
        Amplitude kept in a period (N,).
    speed
        Numerical speed over the exact (N,).

    Returns
    -------
    dict
        ``even`` and ``odd``, from order p to the coefficient of c h^(p-1) d^p u / dx^p with its standard error (None where the waves are no
        more than the coefficients), least squares on the relative error; ``order_amplitude`` and ``order_phase``: the slopes of both errors
        against h, with theirs.
    """
    x = 2.0 * np.pi / points  # k h
    growth = np.log(kept) / (2.0 * np.pi)  # = sum of (-1)^(p/2) a_p x^(p-1)
    ahead = speed - 1.0  # = - sum of (-1)^((p-1)/2) a_p x^(p-1)
    found: dict[str, Any] = {}
    for name, target, orders, signs in (("even", growth, (2, 4), (-1.0, 1.0)), ("odd", ahead, (3, 5), (1.0, -1.0))):
        used = orders[: len(points)]
        library = np.stack([sign * x ** (p - 1) for p, sign in zip(used, signs, strict=False)], axis=1)
        scale = np.abs(target) + 1e-300
        coefficients, *_ = np.linalg.lstsq(library / scale[:, None], target / scale, rcond=None)
        free = len(points) - len(used)
        errors: list[float | None] = [None] * len(used)
        if free > 0:
            rest = target / scale - library / scale[:, None] @ coefficients
            inverse = np.linalg.inv((library / scale[:, None]).T @ (library / scale[:, None]))
            errors = np.sqrt(rest @ rest / free * np.diag(inverse)).tolist()
        found[name] = {str(p): [float(c), e] for p, c, e in zip(used, coefficients, errors, strict=True)}
    found["order_amplitude"] = list(_line(np.log(x), np.log(np.abs(1.0 - kept) + 1e-300)))
    found["order_phase"] = list(_line(np.log(x), np.log(np.abs(ahead) + 1e-300)))
    return found
