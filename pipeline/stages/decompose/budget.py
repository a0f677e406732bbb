"""Parts of a misfit: the mesh's, the model's, and the phase's, by Richardson's extrapolation over three resolutions.

From runs with edges h1 > h2 > h3 come the order p of convergence and the numerical error of the finest, about (n3 - n2) /
((h2 / h3)^p - 1); the rest of the misfit is the model's and the measurement's. L. F. Richardson, Phil. Trans. R. Soc. A 210
(1911) 307-357, DOI 10.1098/rsta.1911.0009; P. J. Roache, J. Fluids Eng. 116 (1994) 405-413, DOI 10.1115/1.2910291.
"""

from typing import Any

import numpy as np

from pipeline.stages.core.measures import is_flat
from pipeline.stages.decompose.alignment import align
from pipeline.stages.decompose.gauges import LEAST_SAMPLES
from pipeline.stages.decompose.moments import moments, sums

Array = np.ndarray[Any, np.dtype[Any]]

LEAST_ORDER, GREATEST_ORDER = 0.5, 3.0  # what an observed order is held to: outside, the runs are not yet in its range


def budget(series: list[Array], sizes: list[float], observed: Array) -> dict[str, Any] | None:
    """Shares of the finest run's misfit at one gauge.

    Parameters
    ----------
    series
        Three arrays (S,) [m], from the coarsest mesh to the finest.
    sizes
        Edge lengths of their meshes [m].
    observed
        The observed series (S,) [m]. Samples that are nan in any of the four do not count.

    Returns
    -------
    dict[str, Any] | None
        ``order``; ``misfit``, ``numerical`` and ``model``, root mean squares over the standard deviation of the observations;
        ``phase_share`` of the misfit, and the part of it that a shift in time takes away, ``removed_by_lag``;
        ``numerical_phase_share`` of the numerical error's. None where fewer than `LEAST_SAMPLES` count, or the observations do not change.
    """
    whole_row = np.stack([*series, observed])
    counts = np.isfinite(whole_row).all(axis=0)
    if counts.sum() < LEAST_SAMPLES or is_flat(observed[counts]):
        return None
    shown, seen = series[-1], observed
    *series, observed = whole_row[:, counts]
    coarse, middle, fine = series
    far, near = (float(np.sqrt(np.mean((a - b) ** 2))) for a, b in ((coarse, middle), (middle, fine)))
    order = _order(far / near, sizes) if near > 0.0 and far > 0.0 else GREATEST_ORDER
    error = (fine - middle) / ((sizes[1] / sizes[2]) ** order - 1.0)  # exact less the finest
    limit = fine + error
    scale = float(np.std(observed))
    one = np.ones(1)
    whole, numerical = moments(sums(fine, observed, one, -1)), moments(sums(fine, limit, one, -1))
    return {
        "order": order,
        "misfit": float(np.sqrt(whole.mse)) / scale,
        "numerical": float(np.sqrt(np.mean(error**2))) / scale,
        "model": float(np.sqrt(np.mean((limit - observed) ** 2))) / scale,
        "phase_share": float(whole.phase / whole.mse) if whole.mse > 0.0 else 0.0,
        "removed_by_lag": align(np.where(counts, shown, np.nan), seen, 1.0).removed,
        "numerical_phase_share": float(numerical.phase / numerical.mse) if numerical.mse > 0.0 else 0.0,
    }


def _order(ratio: float, sizes: list[float]) -> float:
    """The p with (h1^p - h2^p) / (h2^p - h3^p) = ``ratio``, by bisection, within sensible bounds."""
    h1, h2, h3 = sizes
    low, high = LEAST_ORDER, GREATEST_ORDER
    for _ in range(60):
        p = 0.5 * (low + high)
        if (h1**p - h2**p) / (h2**p - h3**p) < ratio:
            low = p
        else:
            high = p
    return 0.5 * (low + high)


def sentences(gauges: dict[str, dict[str, Any]], size: float) -> list[str]:
    """The answer in two sentences, over all gauges (root mean squares of their shares)."""
    names = ("misfit", "numerical", "model")
    misfit, numerical, model = (float(np.sqrt(np.mean([g[name] ** 2 for g in gauges.values()]))) for name in names)
    weights = np.array([g["misfit"] ** 2 for g in gauges.values()])
    if not weights.any():
        return [f"On edges of {size:.2g} m the run is what was observed: there is no misfit to be shared out."]
    phase = float(np.array([g["phase_share"] for g in gauges.values()]) @ weights / weights.sum())
    removed = float(np.array([g["removed_by_lag"] for g in gauges.values()]) @ weights / weights.sum())
    mesh = "the model's (and the measurement's), not the mesh's" if numerical < 0.5 * model else "the mesh's to a good part: refine it"
    kind = "phase" if phase > 0.5 else "amplitude and bias"
    return [
        f"On edges of {size:.2g} m in the mean the misfit is {misfit:.0%} of the observed signal; the mesh accounts for {numerical:.0%} "
        f"and the model for {model:.0%}, so what is left is {mesh}.",
        f"Of the misfit {phase:.0%} is phase and {1.0 - phase:.0%} is amplitude and bias, so most of it is {kind}; a shift in time takes "
        f"{removed:.0%} of it away, and the rest of the phase part is waves of another shape.",
    ]
