"""Spread that an analysis takes too much of, given back: multiplicative inflation, relaxation to the prior's perturbations or spread.

Relaxation to prior perturbations: F. Zhang, C. Snyder, J. Sun, Mon. Weather Rev. 132 (2004) 1238-1253,
DOI 10.1175/1520-0493(2004)132<1238:IOIEAO>2.0.CO;2, eq. (5). Relaxation to prior spread: J. S. Whitaker, T. M. Hamill, Mon. Weather
Rev. 140 (2012) 3078-3089, DOI 10.1175/MWR-D-11-00276.1, eq. (2).
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def inflate(ensemble: Array, factor: float) -> Array:
    """Perturbations of (M, dofs) times ``factor`` about the same mean."""
    mean = ensemble.mean(axis=0)
    return np.asarray(mean + factor * (ensemble - mean))


def relax_perturbations(analysis: Array, forecast: Array, share: float) -> Array:
    """(M, dofs): the analysis' mean with perturbations (1 - ``share``) analysis + ``share`` forecast."""
    mean = analysis.mean(axis=0)
    return np.asarray(mean + (1.0 - share) * (analysis - mean) + share * (forecast - forecast.mean(axis=0)))


def relax_spread(analysis: Array, forecast: Array, share: float) -> Array:
    """(M, dofs): the analysis stretched in every dof to the spread (1 - ``share``) analysis + ``share`` forecast."""
    mean = analysis.mean(axis=0)
    before, after = forecast.std(axis=0, ddof=1), analysis.std(axis=0, ddof=1)
    factor = 1.0 + share * np.divide(before - after, after, out=np.zeros_like(after), where=after > 0.0)
    return np.asarray(mean + factor * (analysis - mean))
