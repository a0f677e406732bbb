"""Localisation: how an observation's weight falls with distance, and which observations each local domain sees.

The taper is G. Gaspari, S. E. Cohn, Q. J. R. Meteorol. Soc. 125 (1999) 723-757, DOI 10.1002/qj.49712555417, eq. (4.10): a fifth-order
piecewise rational of compact support, close to a Gaussian, and a correlation in up to three dimensions. It divides the variance of an
observation's noise (Hunt et al. 2007, DOI 10.1016/j.physd.2006.11.008, sect. 3).
"""

# L local domains, P observed values, D dimensions of space

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]


def gaspari_cohn(distance: Array) -> Array:
    """The taper at ``distance`` in halves of its support: 1 at 0, 0 from 2 on."""
    z = np.abs(np.asarray(distance, float))
    near = np.minimum(z, 1.0)
    far = np.clip(z, 1.0, 2.0)
    inner = (((-0.25 * near + 0.5) * near + 0.625) * near - 5.0 / 3.0) * near**2 + 1.0
    outer = ((((far / 12.0 - 0.5) * far + 0.625) * far + 5.0 / 3.0) * far - 5.0) * far + 4.0 - 2.0 / (3.0 * far)
    return np.where(z <= 1.0, inner, np.where(z < 2.0, np.maximum(outer, 0.0), 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Localisation:
    """Local domains and their reach.

    Domain l holds the dofs l V to l V + V - 1 of a state with L V dofs: the V variables of one cell, or V neighbours.

    Raises
    ------
    InputError
        A radius that is not positive, or a period for another number of dimensions.
    """

    places: Array  # (L, D) centres of the domains, in the unit of the observations' places
    radius: float  # half the support of the taper; infinite: every observation counts in full everywhere
    period: tuple[float, ...] | None = None  # (D,) length of the domain where it is periodic, 0 in directions where it is not

    def __post_init__(self) -> None:
        places = np.asarray(self.places, float)
        places = places[:, None] if places.ndim == 1 else places
        if places.ndim != 2 or not np.isfinite(places).all():
            raise InputError(f"places of local domains of shape {places.shape}; they must be (domains, dimensions) and finite")
        if not self.radius > 0.0:
            raise InputError(f"a localisation radius of {self.radius:g}; it must be positive")
        if self.period is not None and (len(self.period) != places.shape[1] or min(self.period) < 0.0):
            raise InputError(f"period {self.period} of places in {places.shape[1]} dimension(s)")
        object.__setattr__(self, "places", places)

    def variables(self, dofs: int) -> int:
        """V, dofs in a domain; `InputError` where they do not divide evenly."""
        if dofs % len(self.places):
            raise InputError(f"{dofs} dofs do not divide among {len(self.places)} local domains")
        return dofs // len(self.places)


def ring(dofs: int, radius: float, length: float | None = None, together: int = 1) -> Localisation:
    """Domains on an even periodic grid of ``length`` (default: spacing 1), each of ``together`` dofs in a row about its place.

    `InputError` where the dofs do not divide evenly.
    """
    if together < 1 or dofs % together:
        raise InputError(f"{dofs} dofs do not divide into local domains of {together}")
    length = float(dofs) if length is None else length
    return Localisation((np.arange(0, dofs, together) + 0.5 * (together - 1)) * (length / dofs), radius, (length,))


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Observations that domains see: domain l sees ``members[first[l]:first[l + 1]]``, growing."""

    first: Array  # (L + 1,)
    members: Array  # index among the observations
    taper: Array  # > 0


def neighbours(localisation: Localisation, observed: Array) -> Neighbours:
    """Observations, of all at ``observed`` (P, D), that each domain sees.

    Raises
    ------
    InputError
        The observations' places have another number of dimensions than the domains'.
    """
    places = localisation.places
    if observed.shape[1] != places.shape[1]:
        raise InputError(f"observations in {observed.shape[1]} dimension(s), local domains in {places.shape[1]}")
    if np.isinf(localisation.radius):
        count = len(observed)
        first = np.arange(len(places) + 1) * count
        return Neighbours(first, np.tile(np.arange(count), len(places)), np.ones(len(places) * count))
    from scipy.spatial import cKDTree

    period = np.array(localisation.period or [0.0] * places.shape[1])
    near = [cKDTree(_wrapped(x, period), boxsize=period if period.any() else None) for x in (places, observed)]
    pairs = near[0].sparse_distance_matrix(near[1], 2.0 * localisation.radius, output_type="ndarray")
    taper = gaspari_cohn(pairs["v"] / localisation.radius)
    pairs, taper = pairs[taper > 0.0], taper[taper > 0.0]
    order = np.lexsort((pairs["j"], pairs["i"]))  # the same sums however the domains are cut into blocks
    first = np.zeros(len(places) + 1, int)
    np.cumsum(np.bincount(pairs["i"], minlength=len(places)), out=first[1:])
    return Neighbours(first, pairs["j"][order].astype(int), taper[order])


def _wrapped(places: Array, period: Array) -> Array:
    """Bring places into [0, period) in the directions that are periodic."""
    wraps = period > 0.0
    if not wraps.any():
        return places
    wrapped = places.copy()
    wrapped[:, wraps] = np.mod(places[:, wraps], period[wraps])
    wrapped[:, wraps] = np.where(wrapped[:, wraps] >= period[wraps], 0.0, wrapped[:, wraps])  # round-off of a tiny negative number
    return wrapped
