"""The modified equation of a scheme, discovered: the equation that a numerical method really solves, beside the intended one.

The model is the exact equation u_t = sum of linear terms, integrated exactly wave by wave; the "observations" are the scheme's work
on smooth states in one step. The terms that the model lacks are then the modified equation's: even derivatives its dissipation, odd ones
its dispersion (R. F. Warming, B. J. Hyett, J. Comput. Phys. 14 (1974) 159-179, DOI 10.1016/0021-9991(74)90011-4). A wave's factor in a
step, exp(step sum of a_p (ik)^p), has all powers of the step in it, so the closed loop has no bias of a finite step.
"""

from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.discovery.library import library_of
from pipeline.discovery.loop import Discovery, discover
from pipeline.discovery.model import Forecast
from pipeline.discovery.pairs import Pairs
from pipeline.spectral.derivatives import factor
from pipeline.spectral.wavenumbers import wavenumbers
from pipeline.terms.terms import Terms

Array = np.ndarray[Any, np.dtype[Any]]


def exactly(length: float, waves: int) -> Forecast:
    """The exact forecast of linear terms on a line of period ``length``, of the ``waves`` longest waves and the mean.

    Shorter waves are left out: a candidate such as u_xxxxxxxx would make their round-off grow beyond all bounds.
    """

    def forecast(terms: Terms, states: Array, step: float) -> Array:
        for term in terms:
            if not term.linear or term.dimensions > 1:
                raise InputError(f"the term {term.key} is not linear on a line: there is no exact solution to compare a scheme with")
        k = wavenumbers(np.arange(waves + 1), length)
        rate = sum((t.coefficient * factor(k, t.order) for t in terms), np.zeros(waves + 1, complex))
        spectrum = np.fft.rfft(states, axis=1)[:, : waves + 1]
        return np.asarray(np.fft.irfft(np.exp(step * rate) * spectrum, states.shape[1], axis=1))

    return forecast


def modified_equation(
    before: Array, after: Array, step: float, length: float, equation: Terms, *, waves: int, highest: int = 8
) -> Discovery:
    """Terms that a scheme solves beside ``equation``: candidates are u_x and all derivatives up to the order ``highest``.

    Parameters
    ----------
    before, after
        (S, points) on an even periodic grid: states, and the same after one step of the scheme.
    waves
        Number of waves, from the longest on: few and long beside the grid's spacing, since the equation is a series in k dx; its terms
        above ``highest`` are left out, and the fit takes their effect as its noise.

    Raises
    ------
    InputError
        An equation that is not linear, more waves than the grid has, or fewer than tell ``highest`` derivatives apart.
    """
    if not 2 * waves < before.shape[1]:
        raise InputError(f"a grid of {before.shape[1]} points has fewer than {waves} waves")
    if 2 * waves < highest:
        raise InputError(f"{waves} waves can't tell {highest} derivatives apart: at least {(highest + 1) // 2} are needed")
    library = library_of(["u_" + "x" * order for order in range(1, highest + 1)])
    return discover(Pairs(before, after, step, (length,), exactly(length, waves)), equation, library)
