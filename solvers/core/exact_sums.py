"""Sums over all ranks that are the same bits on any number of ranks: numbers become whole multiples of a quantum, which add up exactly."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from solvers.core.comm import Comm

Array = np.ndarray[Any, np.dtype[Any]]

BITS = 60  # a sum is of whole multiples of 2^-60 of a bound on the whole, exact in any order;
REST_BITS = 30  # what they leave, of multiples of 2^-30 of that
LEAST = 1e-200  # of a bound, lest a quantum is no number


def quantum(bound: float) -> float:
    """The quantum of a sum whose parts together are at most ``bound`` in size."""
    return float(2.0 ** (math.ceil(math.log2(max(bound, LEAST))) - BITS))


def exact_sums(comm: Comm, parts: Sequence[Array], quanta: Sequence[float]) -> list[float]:
    """Add each of ``parts`` (own numbers,) over all ranks, by the `quantum` of each. Collective."""
    counted = [whole.sum() for part, q in zip(parts, quanta, strict=True) for whole in _multiples(part, q)]
    totals = [float(total) for total in comm.sum(np.array(counted, np.int64))]
    return [q * (coarse + fine * 2.0**-REST_BITS) for q, coarse, fine in zip(quanta, totals[::2], totals[1::2], strict=True)]


def _multiples(values: Array, q: float) -> tuple[Array, Array]:
    """``values`` as whole multiples of the quantum ``q``, and the remainders as multiples of a much smaller one."""
    coarse = np.rint(values / q)
    fine = np.rint((values - coarse * q) * (2.0**REST_BITS / q))
    return coarse.astype(np.int64), fine.astype(np.int64)
