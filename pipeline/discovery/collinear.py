"""Candidates that the data can't tell apart: a column is a sum of others as nearly as they are known at all.

With columns c_j of norm 1, each known to d_j of its size, the sum of v_j c_j is known to the sum of |v_j| d_j at best (triangle
inequality). Where it is no larger, the columns may as well be collinear: what it is made of is their error.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
Accuracy = Callable[[], Array | float]  # to what share of its size each column is known (J,): asked for only where it may matter

ROUND_OFF = 4.0 * np.finfo(float).eps  # of a state's largest value, at every point: what any computation leaves in it
SUSPECT = 1e-4  # least singular value of columns of norm 1 that is above their error without a look at it
INVOLVED = 0.05  # of the largest share in a sum, from which a column is named
MOST_SETS = 6  # that a message lists


def shaken(states: Array) -> Array:
    """The states (S, *points) with as much white noise as round-off leaves in them; derivatives raise it by k^4 for u_xxxx."""
    axes = tuple(range(1, states.ndim))
    noise = np.random.default_rng(0).normal(size=states.shape)
    return np.asarray(states + ROUND_OFF * np.abs(states).max(axis=axes, keepdims=True) * noise)


def relative_error(columns: Array, again: Array) -> Array:
    """Relative error (J,) of columns (..., J) computed twice; infinite for a column of zeros. Rows that are not finite are left out."""
    many = columns.shape[-1]
    one, other = columns.reshape(-1, many), again.reshape(-1, many)
    there = np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1)
    size, error = np.linalg.norm(one[there], axis=0), np.linalg.norm((other - one)[there], axis=0)
    return np.where(size > 0.0, error / np.where(size > 0.0, size, 1.0), np.inf)


def refuse_still(along: Sequence[Sequence[str]], states: Array, accuracy: float) -> None:
    """Refuse the candidates with a derivative ``along`` an axis on which the states do not vary, to their ``accuracy``: says which."""
    whole = np.linalg.norm(states - states.mean())
    for axis, names in enumerate(along, start=1):
        if names and np.linalg.norm(states - states.mean(axis=axis, keepdims=True)) <= accuracy * whole:
            where = "xy"[axis - 1]
            raise InputError(f"the states do not vary along {where}: leave out {', '.join(names)}, or bring states that do")


def refuse_round_off(names: Sequence[str], columns: Array, again: Array) -> Array:
    """Refuse candidates whose values (..., J), computed twice, are no more than round-off: says which; returns their relative errors."""
    error = relative_error(columns, again)
    small = [name for name, share in zip(names, error, strict=True) if share >= 1.0]
    if small:
        raise InputError(f"no more than round-off in every sample: leave out {', '.join(small)}, or bring other states")
    return error


def refuse_collinear(columns: Array, names: Sequence[str], accuracy: Accuracy) -> None:
    """Refuse columns (N, J) of norm 1 where any is a sum of others as nearly as they are known.

    Raises
    ------
    InputError
        Collinear columns: says which.
    """
    _, singular, rows = np.linalg.svd(columns, full_matrices=False)
    if singular[-1] > SUSPECT:
        return
    known = np.broadcast_to(accuracy(), len(names))
    share = np.abs(rows[-1])
    if singular[-1] > share @ known:
        return
    found = _sets(columns, known) or [_involved(share)]
    listed = "; ".join(", ".join(names[j] for j in some) for some in found[:MOST_SETS])
    more = f"; and {len(found) - MOST_SETS} more" if len(found) > MOST_SETS else ""
    raise InputError(
        f"the candidates {listed}{more} are collinear on these data, as far as those are known (to {share @ known:.0e} of their size): "
        f"leave one {'of each set ' if len(found) > 1 else ''}out, or bring states that tell them apart"
    )


def _sets(columns: Array, known: Array) -> list[list[int]]:
    """Columns that are sums of columns before them, each with its summands."""
    found, apart = [], list[int]()
    for j in range(columns.shape[1]):
        share, *_ = np.linalg.lstsq(columns[:, apart], columns[:, j]) if apart else (np.zeros(0),)
        rest = float(np.linalg.norm(columns[:, j] - columns[:, apart] @ share))
        if rest > known[j] + np.abs(share) @ known[apart]:
            apart.append(j)
            continue
        whole = np.zeros(columns.shape[1])
        whole[apart] = np.abs(share)
        found.append(sorted({*_involved(whole), j}))
    return found


def _involved(share: Array) -> list[int]:
    return [int(j) for j in np.flatnonzero(share > INVOLVED * share.max())]
