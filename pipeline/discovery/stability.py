"""Stability of a finding: the share of resamples of the observations in which a term is found again.

States are drawn with replacement; of a single state, its points. A state that is drawn m times is its rows by sqrt(m), and a state of more
rows than columns is its triangle: products of columns, which are all that a regression with known noise sees of the rows, stay the
same, and the QR factorisation of a resample is of few rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from pipeline.core.once_more import Task
from pipeline.discovery.problem import Linear, triangle_of
from pipeline.discovery.relevance import fit

Array = np.ndarray[Any, np.dtype[Any]]

MOST_TASKS = 32  # on Dask, however many workers there are


@dataclass(frozen=True, slots=True)
class Units:
    """Units of the draw: G states or points, each reduced to its rows of columns and target."""

    rows: Array  # (R, J + 1), those of a unit in a row
    unit: Array  # (R,), which one a row is of
    samples: Array  # (G,), how many rows it had

    def drawn(self, seed: int, resample: int) -> tuple[Array, int]:
        """Rows (.., J + 1) of a resample, and the number of samples that they stand for."""
        many = len(self.samples)
        times = np.bincount(np.random.default_rng([seed, resample]).integers(0, many, many), minlength=many)
        root = np.sqrt(times)[self.unit]
        there = root > 0.0
        return self.rows[there] * root[there, None], int(times @ self.samples)


def units_of(linear: Linear, change: Array) -> Units:
    """The units of a linear problem, its target that of the whole ``change`` (J,)."""
    rows = np.column_stack([linear.columns, linear.target + linear.columns @ change])
    of = linear.groups if len(np.unique(linear.groups)) > 1 else np.arange(len(rows))
    order = np.argsort(of, kind="stable")
    _, first = np.unique(of[order], return_index=True)
    parts = [rows[order[a:b]] for a, b in pairwise([*first.tolist(), len(rows)])]
    small = [np.linalg.qr(part, mode="r") if len(part) > part.shape[1] else part for part in parts]
    unit = np.repeat(np.arange(len(parts)), [len(part) for part in small])
    return Units(np.vstack(small), unit, np.array([len(part) for part in parts]))


def stability(units: Units, kept: Sequence[int], *, noise: float, chance: float, resamples: int, seed: int, client: Any = None) -> Array:
    """Share (A,) of the resamples that find each of the columns ``kept``; the same with any Dask ``client`` and without."""
    if not resamples:
        return np.ones(len(kept))
    workers = 1 if client is None else sum(client.nthreads().values())
    tasks = min(workers, MOST_TASKS, resamples)
    parts = [range(resamples)[first::tasks] for first in range(tasks)]
    if tasks == 1:
        counts = [_times_found(units, kept, noise, chance, parts[0], seed)]
    else:
        sent = client.scatter(units, hash=False)
        counts = [task.result() for task in [Task(client, _times_found, sent, kept, noise, chance, part, seed) for part in parts]]
    return np.asarray(sum(counts) / resamples)


def _times_found(units: Units, kept: Sequence[int], noise: float, chance: float, resamples: range, seed: int) -> Array:
    """Number (A,) of ``resamples`` that find each column."""
    count = np.zeros(len(kept))
    for resample in resamples:
        again = fit(triangle_of(*units.drawn(seed, resample)), noise=noise, chance=chance)
        count += np.isin(kept, again.kept)
    return count
