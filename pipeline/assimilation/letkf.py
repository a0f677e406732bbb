"""LETKF: an ETKF of its own in every local domain, from the observations near it; blocks of domains in parallel on Dask.

B. R. Hunt, E. J. Kostelich, I. Szunyogh, Physica D 230 (2007) 112-126, DOI 10.1016/j.physd.2006.11.008, sects. 2.3 and 3.
"""

# L local domains, M members, V dofs of a domain, Q observed values, D dimensions of space

from collections.abc import Iterator
from typing import Any

import numpy as np

from pipeline.assimilation import kernels
from pipeline.assimilation.localisation import Localisation, neighbours
from pipeline.assimilation.observe import Observation, Seen, see
from pipeline.core.errors import InputError
from pipeline.core.once_more import Task

Array = np.ndarray[Any, np.dtype[Any]]

BLOCK_BYTES = 2e6  # of the states of one block
AT_ONCE = 6  # blocks under way, so that memory does not grow with the number of blocks


def local_analysis(ensemble: Array, observation: Observation, localisation: Localisation, client: Any = None) -> Array:
    """The analysis (K, M, dofs) of states (K, M, dofs): the last of them was observed, the earlier states are to be smoothed.

    The same numbers with a Dask ``client`` and without: a domain's sums do not depend on the block that it is in.

    Raises
    ------
    InputError
        The observations have no places, or are in other dimensions than the domains.
    """
    seen = see(ensemble[-1], observation)
    every_place = observation.operator.places
    if every_place is None:
        raise InputError(f"{type(observation.operator).__name__} observations have no places, and can't be localised: use kind 'etkf'")
    places = every_place[observation.present]
    variables = localisation.variables(ensemble.shape[2])
    analysis = np.empty_like(ensemble)
    blocks = _blocks(ensemble, seen, places, localisation, variables)
    if client is None:
        for dofs, block in blocks:
            analysis[:, :, dofs] = analyse_block(*block)
        return analysis
    waiting: list[tuple[slice, Any]] = []
    for dofs, block in blocks:
        waiting.append((dofs, Task(client, analyse_block, *block)))
        if len(waiting) == AT_ONCE:
            _collect(waiting.pop(0), analysis)
    for task in waiting:
        _collect(task, analysis)
    return analysis


def _collect(task: tuple[slice, Any], analysis: Array) -> None:
    analysis[:, :, task[0]] = task[1].result()


Analysed = tuple[Array, Array, Array, Array, Localisation]  # arguments of `analyse_block`


def _blocks(ensemble: Array, seen: Seen, places: Array, localisation: Localisation, variables: int) -> Iterator[tuple[slice, Analysed]]:
    """The dofs of each block of domains, and all that its analysis needs."""
    domains = len(localisation.places)
    width = max(1, int(BLOCK_BYTES / (8 * ensemble.shape[0] * ensemble.shape[1] * variables)))
    s = seen.perturbations.T / np.sqrt(ensemble.shape[1] - 1.0)
    for start in range(0, domains, width):
        part = slice(start, min(start + width, domains))
        near = _candidates(localisation, part, places)
        dofs = slice(part.start * variables, part.stop * variables)
        here = Localisation(localisation.places[part], localisation.radius, localisation.period)
        yield dofs, (ensemble[:, :, dofs], s[near], seen.innovation[near], places[near], here)


def _candidates(localisation: Localisation, part: slice, places: Array) -> slice | Array:
    """Observations that may be seen from the chosen domains: all in the ball about them; all there are where the blocks are one."""
    if np.isinf(localisation.radius) or part == slice(0, len(localisation.places)) or places.shape[1] != localisation.places.shape[1]:
        return slice(None)
    here = localisation.places[part]
    centre = 0.5 * (here.min(axis=0) + here.max(axis=0))
    reach = np.linalg.norm(here - centre, axis=1).max() + 2.0 * localisation.radius
    apart = places - centre
    for k, period in enumerate(localisation.period or ()):
        if period > 0.0:
            apart[:, k] -= period * np.round(apart[:, k] / period)
    return np.flatnonzero(np.linalg.norm(apart, axis=1) <= reach * (1.0 + 1e-12))


def analyse_block(states: Array, s: Array, innovation: Array, places: Array, localisation: Localisation) -> Array:
    """The analysis (K, M, L V) of one block of domains."""
    near = neighbours(localisation, places)
    times, members, dofs = states.shape
    domains = len(localisation.places)
    split = states.reshape(times, members, domains, dofs // domains).transpose(2, 1, 0, 3)
    before = np.ascontiguousarray(split).reshape(domains, members, -1)
    mean = before.mean(axis=1, keepdims=True)
    perturbations = before - mean
    out = np.empty_like(perturbations)
    kernels.local_analyses(perturbations, np.ascontiguousarray(s), innovation, near.first, near.members, near.taper, out)
    out += mean
    alone = near.first[1:] == near.first[:-1]
    out[alone] = before[alone]  # to the last bit
    back = out.reshape(domains, members, times, dofs // domains).transpose(2, 1, 0, 3)
    return np.ascontiguousarray(back).reshape(states.shape)
