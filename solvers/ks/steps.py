"""A step of each scheme for a spectrum of any shape: arrays and a function that gives the nonlinear terms in, arrays out.

`solvers.ks.kernels` has the same steps for lines, from the same coefficients and tableaux (`solvers.ks.schemes`); references stand there.
Each advances the spectrum ``v`` in place; ``before`` is a multistep scheme's memory, and is updated too.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

Nonlinear = Callable[[Array], Array]


def etdrk4(v: Array, before: Array | None, c: Array, nonlinear: Nonlinear) -> None:
    """``c`` (6, *shape): exp(L dt), exp(L dt / 2), Q, f1, 2 f2, f3."""
    e, e2, q, f1, f2, f3 = c
    n = nonlinear(v)
    half = e2 * v
    a = half + q * n
    na = nonlinear(a)
    nb = nonlinear(half + q * na)
    nc = nonlinear(e2 * a + q * (2.0 * nb - n))
    v[...] = e * v + f1 * n + f2 * (na + nb) + f3 * nc


def cnab2(v: Array, before: Array, c: Array, nonlinear: Nonlinear) -> None:
    """``c`` (3, *shape): the factors of v, N(v) and N(v before). ``before`` is nan where there is none: a step of forward Euler."""
    n = nonlinear(v)
    if np.isnan(before.flat[0]):
        before[...] = n
    v[...] = c[0] * v + c[1] * n + c[2] * before
    before[...] = n


def imex(v: Array, before: Array | None, c: Array, nonlinear: Nonlinear, explicit: Array, implicit: Array) -> None:
    """A stiffly accurate IMEX Runge-Kutta method with stages 1 to S and one diagonal entry for all.

    ``c`` (2, *shape): dt L, and 1 / (1 - dt L times the diagonal entry). ``explicit``, ``implicit`` (S + 1, S + 1): the tableaux, the
    explicit one times dt.
    """
    states, rates = [v], [nonlinear(v)]
    for stage in range(1, len(implicit)):
        known = sum((implicit[stage, j] * states[j] for j in range(1, stage)), np.zeros_like(v))
        pushed = sum((explicit[stage, j] * rates[j] for j in range(stage)), v)
        states.append((pushed + c[0] * known) * c[1])
        if stage < len(implicit) - 1:
            rates.append(nonlinear(states[-1]))
    v[...] = states[-1]


STEPS: Mapping[str, Callable[..., None]] = {"etdrk4": etdrk4, "cnab2": cnab2, "ars443": imex}
