"""Observations of a state: operators, their noise, and the ensemble as the observations see it.

An operator is any object with ``dofs``, ``count``, ``places`` and a call: states (M, dofs) -> (M, count). Its noise is Gaussian,
independent from value to value. A value that is nan was not observed: it is left out everywhere, as if it had never been asked for.
"""

# M members, P observed values (of them Q present), D dimensions of space

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from pipeline.core.errors import InputError
from pipeline.spectral.wavenumbers import multiplicity

Array = np.ndarray[Any, np.dtype[Any]]


class Operator(Protocol):
    """Interface of an observation operator, linear or not, to `Observation`."""

    @property
    def dofs(self) -> int:
        """Length of a state."""

    @property
    def count(self) -> int:
        """P, values that it gives."""

    @property
    def places(self) -> Array | None:
        """(P, D) where each value is observed, in the unit of the grid; None where a value belongs to no place."""

    def __call__(self, states: Array) -> Array:
        """Observe states without noise.

        Parameters
        ----------
        states
            The ensemble's states (M, dofs).

        Returns
        -------
        Array
            Values (M, P) that would be observed.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Subset:
    """Chosen dofs; ``coordinates`` (dofs,) or (dofs, D) say where the dofs are (their index without it)."""

    indices: Array  # (P,)
    dofs: int
    coordinates: Array | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "indices", np.asarray(self.indices, int).ravel())
        object.__setattr__(self, "coordinates", _coordinates(self.coordinates, self.dofs))
        outside = self.indices[(self.indices < 0) | (self.indices >= self.dofs)]
        if outside.size:
            raise InputError(f"observed dof {outside[0]} of a state that has dofs 0 to {self.dofs - 1}")

    @property
    def count(self) -> int:
        return len(self.indices)

    @property
    def places(self) -> Array:
        assert self.coordinates is not None
        return self.coordinates[self.indices]

    def __call__(self, states: Array) -> Array:
        return np.asarray(states[:, self.indices])


def every(k: int, dofs: int, coordinates: Array | None = None, first: int = 0) -> Subset:
    """Every ``k``-th dof from ``first`` on; `InputError` where k < 1."""
    if k < 1:
        raise InputError(f"every {k}-th dof; k must be 1 or more")
    return Subset(np.arange(first, dofs, k), dofs, coordinates)


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """A field on a grid of one dimension, interpolated linearly at ``at``; on a ring of length ``period``, or on a line without it.

    Raises
    ------
    InputError
        A point outside the grid, or a grid that does not grow (or is longer than the period).
    """

    at: Array  # (P,)
    grid: Array  # (dofs,) growing
    period: float | None = None
    left: Array = field(init=False)  # (P,) dofs beside each point
    right: Array = field(init=False)
    share: Array = field(init=False)  # (P,) of the right one

    def __post_init__(self) -> None:
        at, grid = np.asarray(self.at, float).ravel(), np.asarray(self.grid, float).ravel()
        if len(grid) < 2 or not np.all(np.diff(grid) > 0.0):
            raise InputError("a grid to interpolate on must have two points or more, and grow")
        if self.period is not None:
            if grid[-1] - grid[0] >= self.period:
                raise InputError(f"a grid from {grid[0]:g} to {grid[-1]:g} does not fit on a ring of length {self.period:g}")
            at = grid[0] + np.mod(at - grid[0], self.period)
            nodes = np.append(grid, grid[0] + self.period)
        else:
            nodes = grid
            outside = at[(at < grid[0]) | (at > grid[-1])]
            if outside.size:
                raise InputError(f"a point at {outside[0]:g} is outside the grid, {grid[0]:g} to {grid[-1]:g}")
        left = np.clip(np.searchsorted(nodes, at, side="right") - 1, 0, len(nodes) - 2)
        share = (at - nodes[left]) / (nodes[left + 1] - nodes[left])
        for name, value in (("at", at), ("grid", grid), ("left", left), ("right", (left + 1) % len(grid)), ("share", share)):
            object.__setattr__(self, name, value)

    @property
    def dofs(self) -> int:
        return len(self.grid)

    @property
    def count(self) -> int:
        return len(self.at)

    @property
    def places(self) -> Array:
        return self.at[:, None]

    def __call__(self, states: Array) -> Array:
        return np.asarray((1.0 - self.share) * states[:, self.left] + self.share * states[:, self.right])


@dataclass(frozen=True, slots=True, eq=False)
class Fourier:
    """Amplitudes of chosen modes of a field on an even periodic grid: u_j = sum_k a_k cos(2 pi j k / n) + b_k sin(2 pi j k / n).

    The values are all a_k, then all b_k but the two that are always 0 (of mode 0, and of n / 2).
    """

    modes: Array  # (K,) 0 to dofs / 2
    dofs: int

    def __post_init__(self) -> None:
        modes = np.asarray(self.modes, int).ravel()
        object.__setattr__(self, "modes", modes)
        outside = modes[(modes < 0) | (modes > self.dofs // 2)]
        if outside.size:
            raise InputError(f"mode {outside[0]} on a grid of {self.dofs} points, which has modes 0 to {self.dofs // 2}")

    @property
    def _single(self) -> Array:
        """(K,) whether a mode has a cosine alone."""
        return np.asarray((self.modes == 0) | (2 * self.modes == self.dofs))

    @property
    def count(self) -> int:
        return 2 * len(self.modes) - int(self._single.sum())

    @property
    def places(self) -> None:
        return None

    def __call__(self, states: Array) -> Array:
        amplitudes = np.fft.rfft(states, axis=1)[:, self.modes] * (multiplicity(self.modes, self.dofs) / self.dofs)
        return np.concatenate([amplitudes.real, -amplitudes.imag[:, ~self._single]], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Any linear operator: values = states @ ``matrix``.T; ``where`` (P, D) of localised values."""

    matrix: Array  # (P, dofs)
    where: Array | None = None

    def __post_init__(self) -> None:
        matrix = np.asarray(self.matrix, float)
        if matrix.ndim != 2:
            raise InputError(f"an observation matrix of shape {matrix.shape}; it must be (values, dofs)")
        object.__setattr__(self, "matrix", matrix)
        if self.where is not None:
            object.__setattr__(self, "where", _coordinates(self.where, len(matrix)))

    @property
    def dofs(self) -> int:
        return int(self.matrix.shape[1])

    @property
    def count(self) -> int:
        return len(self.matrix)

    @property
    def places(self) -> Array | None:
        return self.where

    def __call__(self, states: Array) -> Array:
        return np.asarray(states @ self.matrix.T)


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """Observed values of one time.

    Raises
    ------
    InputError
        No values, another number of values than the operator gives, or noise that is not positive.
    """

    operator: Operator
    values: Array  # (P,) nan where nothing was observed
    noise: Array | float  # standard deviation of each value, or of all

    def __post_init__(self) -> None:
        values = np.asarray(self.values, float).ravel()
        if not self.operator.count:
            raise InputError("no observations: the operator gives no value")
        if len(values) != self.operator.count:
            raise InputError(f"{len(values)} observed values where the operator gives {self.operator.count}")
        if np.isinf(values).any():
            raise InputError(f"observed value {int(np.flatnonzero(np.isinf(values))[0])} is infinite; nan says that there is none")
        noise = np.asarray(self.noise, float)
        if noise.shape not in ((), (1,), values.shape):
            raise InputError(f"noise of shape {noise.shape} for {len(values)} observed values")
        if not np.all(noise > 0.0) or not np.isfinite(noise).all():
            raise InputError(f"the standard deviation of noise is {np.min(noise):g}; it must be positive and finite")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "noise", np.broadcast_to(noise, values.shape))

    @property
    def present(self) -> Array:
        """(P,) which values there are."""
        return np.isfinite(self.values)


@dataclass(frozen=True, slots=True)
class Seen:
    """An ensemble as the observations see it, in standard deviations of their noise."""

    perturbations: Array  # (M, Q)
    innovation: Array  # (Q,) observed less the ensemble's mean


def see(ensemble: Array, observation: Observation) -> Seen:
    """`Seen` of an ensemble (M, dofs).

    Raises
    ------
    InputError
        Fewer than two members, states of another length than the operator's, or a member that is not finite.
    """
    ensemble = as_double(ensemble)
    check_ensemble(ensemble, observation.operator.dofs)
    present = observation.present
    noise = np.asarray(observation.noise)[present]
    seen = observation.operator(ensemble)[:, present]
    mean = seen.mean(axis=0)
    return Seen((seen - mean) / noise, (observation.values[present] - mean) / noise)


def as_double(states: Array) -> Array:
    """States of any real type in double precision, in which all analyses are made.

    Raises
    ------
    InputError
        They are no real numbers.
    """
    if np.asarray(states).dtype.kind not in "fiub":
        raise InputError(f"an ensemble of type {np.asarray(states).dtype}; it must be of real numbers")
    return np.asarray(states, np.float64)


def check_ensemble(ensemble: Array, dofs: int) -> None:
    """Refuse with an `InputError` all but an ensemble of states with ``dofs`` values."""
    if ensemble.ndim != 2 or ensemble.shape[1] != dofs:
        raise InputError(f"an ensemble of shape {ensemble.shape}; it must be (members, {dofs})")
    if len(ensemble) < 2:
        raise InputError(f"{len(ensemble)} member(s) in the ensemble; it must have two or more")
    finite = np.isfinite(ensemble).all(axis=1)
    if not finite.all():
        raise InputError(f"member {int(np.flatnonzero(~finite)[0])} of the ensemble is not finite")


def _coordinates(coordinates: Array | None, count: int) -> Array:
    """(count, D); the index where there are none."""
    if coordinates is None:
        return np.arange(float(count))[:, None]
    found = np.asarray(coordinates, float)
    found = found[:, None] if found.ndim == 1 else found
    if found.ndim != 2 or len(found) != count:
        raise InputError(f"coordinates of shape {found.shape} for {count} places")
    return found
