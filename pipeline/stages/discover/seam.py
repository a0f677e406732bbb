"""Observations that do not repeat themselves over their file's period."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

NEXT_TO_NONE = 0.2  # of the steps before and after it: a step that is as small between steps of one sign
HIGHEST_DIFFERENCE = 4
SEAM = 10.0  # times the largest difference elsewhere: one that is no more than a shock's, or chance


def refuse_seam(path: Path, u: Array, axis: str) -> None:
    """Refuse values (..., points) that do not go on at the first point where they end at the last, as smoothly as they do elsewhere.

    The measure is the root mean square of differences over a few points in a row, of several orders: across the end of the period beside
    the largest that there is anywhere else. Shocks and noise have large differences too, but not there alone.

    Raises
    ------
    InputError
        The last point repeats the first, or the values jump or have a kink there.
    """
    rows = u.reshape(-1, u.shape[-1])
    points = rows.shape[1]
    if points < 4 * HIGHEST_DIFFERENCE:
        return
    if _repeats_first(rows):
        raise InputError(
            f"{path}: along {axis} the last point of u repeats the first: leave it out, and give as length the distance from the first "
            f"point to the one left out"
        )
    step = rows
    for order in range(1, HIGHEST_DIFFERENCE + 1):
        step = np.roll(step, -1, axis=1) - step  # at i: over the points i to i + order
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a place that was never observed
            size = np.sqrt(np.nanmean(step**2, axis=0))
        across, elsewhere = size[points - order :], size[: points - order]
        if not (np.isfinite(across).any() and np.isfinite(elsewhere).any()):
            return
        times = float(np.nanmax(across) / max(float(np.nanmax(elsewhere)), 1e-300))
        if times > SEAM:
            raise InputError(
                f"{path}: along {axis} u does not repeat itself: from the last point to the first its differences of order {order} are "
                f"{times:.3g} times the largest elsewhere; terms are sought on a periodic line or plane alone"
            )


def _repeats_first(rows: Array) -> bool:
    """Whether the step (rows,) from the last point to the first is next to none, though the steps before and after it go the same way."""
    before, across, after = (rows[:, i] - rows[:, j] for i, j in ((-1, -2), (0, -1), (1, 0)))
    known = np.isfinite(before) & np.isfinite(across) & np.isfinite(after)
    sizes = [float(np.linalg.norm(step[known])) for step in (before, across, after)]
    return bool(before[known] @ after[known] > 0.5 * sizes[0] * sizes[2] and sizes[1] < NEXT_TO_NONE * min(sizes[0], sizes[2]))
