"""Confidence bands of measures of series: the moving-block bootstrap.

H. R. Künsch, Ann. Stat. 17 (1989) 1217-1241, DOI 10.1214/aos/1176347265: blocks of neighbouring samples are drawn with replacement,
so that the correlation of neighbours stays in the sample.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


CONFIDENCE = 0.9  # of the bands


def block_length(samples: int) -> int:
    """Samples in a block: the cube root of the number, P. Hall et al., Biometrika 82 (1995) 561-574, times four for smooth series."""
    return int(np.clip(round(4.0 * samples ** (1.0 / 3.0)), 1, max(samples // 3, 1)))


def resampled(samples: int, *, resamples: int, seed: int, length: int) -> Array:
    """Places (resamples, samples) of bootstrap samples, of blocks of so great a ``length``."""
    blocks = -(-samples // length)
    starts = np.random.default_rng([seed]).integers(0, samples - length + 1, (resamples, blocks))
    return np.asarray((starts[:, :, None] + np.arange(length)).reshape(resamples, -1)[:, :samples])


def band(measure: Callable[[Array], Any], samples: int, *, resamples: int, seed: int, length: int | None = None) -> tuple[Array, Array]:
    """Low and high end of the central `CONFIDENCE` of ``measure``, which takes places (samples,) and gives numbers.

    ``length`` of the blocks is `block_length` where it is not given.
    """
    drawn = resampled(samples, resamples=resamples, seed=seed, length=length or block_length(samples))
    values = np.array([measure(places) for places in drawn])
    tail = 0.5 * (1.0 - CONFIDENCE)
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice")  # what is undefined in all samples has no band
        low, high = np.nanquantile(values, [tail, 1.0 - tail], axis=0)
    return low, high
