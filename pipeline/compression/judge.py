"""Rate a velocity of turbulence in a periodic box without knowing the original: by the demands of the Navier-Stokes equations.

Small waves of turbulence are fed by the larger ones as fast as viscosity takes: in the dissipation range the transfer T(k) of every
shell is its dissipation D(k) = 2 nu k^2 E(k), but for changes meanwhile (S. B. Pope, Turbulent Flows, Cambridge 2000,
DOI 10.1017/CBO9780511840531, section 6.6). A shell that lost energy is fed too fast, T > D; a shell with wrong phases is not fed,
T < D; a shell that is gone has neither. Beside this `budget` stand the spectrum's tail and the skewness and flatness of derivatives.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import fft

from pipeline.compression.interpolation import Equations
from pipeline.core.errors import InputError
from pipeline.spectral.navier_stokes import moved, tendency
from pipeline.spectral.shells import shell_of, summed
from pipeline.spectral.wavenumbers import multiplicity

Array = np.ndarray[Any, np.dtype[Any]]

SKEWNESS = -0.5  # of u_x in isotropic turbulence, docs/turbulence.md
DISSIPATIVE = 0.2  # k eta from which shells are looked at: the peak of dissipation (Pope 2000, section 6.5)
MOST_DIVERGENCE = 1e-4
MOST_BUDGET = 0.06  # uncompressed: 0.01 to 0.04 (docs/compress.md)
MOST_SLOPE = 8.0  # uncompressed: 6.3 to 6.8
MOST_SKEWNESS = 0.1
LEAST_FLATNESS = 3.6  # uncompressed, Re of 25 to 50: 3.9 to 4.4
LEAST_KMAX_ETA = 1.0
GONE = 1e-4  # of the energy that the model's spectrum gives a shell: it holds nothing


@dataclass(frozen=True, slots=True)
class Rating:
    """Measures of a field; without unit where none is said."""

    viscosity: float  # nu, of the case; or of the balance of stretching and diffusion of vorticity; nan where that has none
    dissipation: float  # 2 nu <S^2>
    reynolds: float  # of Taylor's scale
    kmax_eta: float  # largest wave that is kept along every axis times Kolmogorov's length
    divergence: float  # rms of the divergence over that of the gradient
    skewness: float  # of u_x, v_y, w_z
    flatness: float
    tail: float  # rms over shells of ln(E / model), k eta > `DISSIPATIVE`
    slope: float  # -d ln E / d (k eta) over the upper half of the shells
    budget: float  # mean over shells of |T - D| / (T + D) with k eta > `DISSIPATIVE`; 1 where a shell is gone or not fed
    resolved: float  # k eta from which on half of the shells are off by more than a third in the budget; kmax_eta where none is


def rate(values: Array, equations: Equations, viscosity: float | None = None) -> Rating:
    """The rating of ``values`` (3, z, y, x), components (x, y, z), by ``equations``; their viscosity is not looked at.

    Parameters
    ----------
    viscosity
        The viscosity nu; None: of the balance of stretching and diffusion of vorticity. Not above 0, it makes all
        that follows from it nan.

    Raises
    ------
    InputError
        Values that are not finite, or no motion at all.
    """
    if not np.isfinite(values).all() or float(np.ptp(values)) == 0.0:
        raise InputError("a velocity without motion, or with values that are not finite, can't be rated")
    waves = fft.rfftn(values.astype(np.float32, copy=False), axes=(1, 2, 3), norm="forward")
    waves = moved(waves, equations.shape, equations.points)
    z, y, x = equations.grid.axes
    slopes = (1j * x * waves[0], 1j * y[:, None] * waves[1], 1j * z[:, None, None] * waves[2])
    twice = multiplicity(np.arange(x.size))
    square = equations.grid.square
    power = (np.abs(waves) ** 2).sum(0) * twice
    divergence = float(np.sqrt((np.abs(sum(slopes)) ** 2 * twice).sum() / max(float((square * power).sum()), 1e-30)))
    waves *= equations.keep
    moments = np.array([_moments(one) for one in equations.values(equations.keep * np.stack(slopes))])
    second, third, fourth = moments.mean(0)
    transfer = (np.conj(waves) * tendency(waves, equations.grid, equations.keep)).real.sum(0) * twice
    low = min(float(np.abs(axis[1])) for axis in equations.grid.axes)
    shell = shell_of(np.sqrt(square) / low)
    energy, enstrophy, fed, stretched, palinstrophy = (
        summed(part, shell)[: int(min(equations.reach) / low + 1e-6) + 1]
        for part in (0.5 * power * equations.keep, square * power * equations.keep, transfer, square * transfer, square**2 * power)
    )
    nu = float(stretched.sum() / max(palinstrophy.sum(), 1e-30)) if viscosity is None else viscosity
    if not nu > 0.0:
        unknown = dict.fromkeys((f.name for f in fields(Rating)), np.nan)
        return Rating(**unknown | {"divergence": divergence, "skewness": third / second**1.5, "flatness": fourth / second**2})
    return _of_shells(low, nu, energy, enstrophy, fed, divergence, third / second**1.5, fourth / second**2)


def _moments(values: Array) -> Array:
    """Means of the second, third and fourth power."""
    at = values.astype(np.float64)
    square = at * at
    return np.array([square.mean(), (square * at).mean(), (square * square).mean()])


def model_spectrum(k_eta: Array) -> Array:
    """E / (dissipation^(2/3) eta^(5/3)) beyond the largest waves: Pope 2000, equations 6.246 and 6.248, C = 1.5, beta = 5.2, c = 0.4."""
    return np.asarray(1.5 * k_eta ** (-5 / 3) * np.exp(-5.2 * ((k_eta**4 + 0.4**4) ** 0.25 - 0.4)))


def _of_shells(
    low: float, nu: float, energy: Array, enstrophy: Array, fed: Array, divergence: float, skewness: float, flatness: float
) -> Rating:
    """The rating of energies, sums of k^2 |u|^2 and transfers (shells,)."""
    lost = nu * enstrophy
    dissipation = float(lost.sum())
    eta = (nu**3 / dissipation) ** 0.25
    k_eta = low * np.arange(len(energy)) * eta
    model = np.r_[np.inf, model_spectrum(k_eta[1:]) * dissipation ** (2 / 3) * eta ** (5 / 3) * low]
    small = k_eta > DISSIPATIVE
    there = energy > GONE * model
    off = np.where(there, np.minimum(np.abs(fed - lost) / np.maximum(np.abs(fed) + lost, 1e-300), 1.0), 1.0)
    tail = np.log(np.maximum(energy / model, GONE))
    upper = small & there & (k_eta > 0.5 * k_eta[-1])
    slope = -np.polyfit(k_eta[upper], np.log(energy[upper]), 1)[0] if upper.sum() > 2 else (np.inf if small.sum() > 2 else np.nan)
    bad = small & (off > 1 / 3)
    wrong = [i for i in np.flatnonzero(bad) if bad[i:].mean() >= 0.5]
    u2 = 2.0 / 3.0 * float(energy.sum())
    return Rating(
        viscosity=nu,
        dissipation=dissipation,
        reynolds=float(u2 * np.sqrt(15.0 / (nu * dissipation))),
        kmax_eta=float(k_eta[-1]),
        divergence=divergence,
        skewness=float(skewness),
        flatness=float(flatness),
        tail=float(np.sqrt((tail[small] ** 2).mean())) if small.any() else np.nan,
        slope=float(slope),
        budget=float(off[small].mean()) if small.any() else np.nan,
        resolved=float(k_eta[wrong[0]] if wrong else k_eta[-1]),
    )


def sentence(one: Rating) -> str:
    """The verdict of a rating, in words."""
    found = [text for wrong, text in _findings(one) if wrong]
    if np.isnan(one.budget):
        why = "without a viscosity" if np.isnan(one.viscosity) else f"without waves beyond k eta = {DISSIPATIVE}"
        unsaid = f" Nothing can be said {why} of the budget of small scales, nor of the spectrum's tail."
        return (f"Not as it was computed: {'; '.join(found)}." if found else "What can be said tells of nothing missing.") + unsaid
    if not found:
        return "As turbulence that was computed and not compressed: nothing here tells that anything is missing."
    return "Not as it was computed: " + "; ".join(found) + "."


def _findings(one: Rating) -> list[tuple[bool, str]]:
    return [
        (one.divergence > MOST_DIVERGENCE, f"its divergence is {one.divergence:.2g} of its gradient"),
        (
            one.budget > MOST_BUDGET,
            f"small scales are off their budget by {100 * one.budget:.0f} %"
            + (f", most of those beyond k eta = {one.resolved:.2g}" if one.resolved < one.kmax_eta else ""),
        ),
        (one.slope > MOST_SLOPE, f"the spectrum falls too fast (exp(-{one.slope:.3g} k eta)): blurred"),
        (abs(one.skewness - SKEWNESS) > MOST_SKEWNESS, f"the skewness of derivatives is {one.skewness:.2f}, not {SKEWNESS}"),
        (one.flatness < LEAST_FLATNESS, f"the flatness of derivatives is {one.flatness:.2f}: strong gradients are missing"),
        (one.kmax_eta < LEAST_KMAX_ETA, f"k_max eta is {one.kmax_eta:.2f}: the run itself did not resolve the small scales"),
    ]
