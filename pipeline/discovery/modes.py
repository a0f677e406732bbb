"""States of a periodic line or plane as a few real Fourier modes.

The numbers of a state are ``x = [a_0, sqrt(2) Re c_1, sqrt(2) Im c_1, sqrt(2) Re c_2, ...]`` with ``c = rfftn(u) / points``, of each wave
and its mirror image one: the mean of their squares' sum is the mean square of u, and white noise of deviation s at P points has the
deviation s / sqrt(P) in each.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.spectral.wavenumbers import wavenumbers

Array = np.ndarray[Any, np.dtype[Any]]

SAME = 1e-9  # of a wavenumber, by which those of one length may differ: periods are rounded


@dataclass(frozen=True, slots=True)
class StateModes:
    """Waves by growing wavenumber, each standing for its mirror image too; made by `modes`."""

    waves: Array = field(repr=False)  # (W, axes), whole numbers; the last one that is not 0 is positive
    tops: Array = field(repr=False)  # (W,), their wavenumbers

    @property
    def count(self) -> int:
        """Numbers of a state: the mean, and two for each wave."""
        return 2 * len(self.waves) + 1

    @property
    def axes(self) -> int:
        return self.waves.shape[1]

    def lowest(self, most: int) -> "StateModes":
        """The longest waves, at most ``most``, all or none of one wavenumber: turned or mirrored states are then seen as well."""
        if most >= len(self.waves):
            return self
        while most > 0 and self.tops[most] <= self.tops[most - 1] * (1.0 + SAME):
            most -= 1
        return StateModes(self.waves[:most], self.tops[:most])

    def of(self, states: Array) -> Array:
        """Numbers (..., n) of states (..., *points), of which there must be more than twice as many along each axis as waves."""
        points = states.shape[-self.axes :]
        with np.errstate(invalid="ignore"):  # a state that blew up stays nan
            c = np.fft.rfftn(states, axes=range(-self.axes, 0)) / math.prod(points)
        found = np.empty((*c.shape[: -self.axes], self.count))
        found[..., 0] = c[_places(np.zeros(self.axes, int), points)].real
        chosen = np.sqrt(2.0) * c[_places(self.waves, points)]
        found[..., 1::2], found[..., 2::2] = chosen.real, chosen.imag
        return found

    def states(self, numbers: Array, points: tuple[int, ...]) -> Array:
        """States (..., *points) of ``numbers`` (..., n)."""
        c = np.zeros((*numbers.shape[:-1], *points[:-1], points[-1] // 2 + 1), complex)
        c[_places(np.zeros(self.axes, int), points)] = numbers[..., 0]
        chosen = (numbers[..., 1::2] + 1j * numbers[..., 2::2]) / np.sqrt(2.0)
        c[_places(self.waves, points)] = chosen
        both = self.waves[:, -1] == 0  # half a spectrum holds these and their mirror images
        if self.axes > 1:
            c[_places(-self.waves[both], points)] = np.conj(chosen[..., both])
        return np.asarray(np.fft.irfftn(c * math.prod(points), points, axes=range(-self.axes, 0)))

    def fitted(self, observed: Array) -> tuple[Array, Array]:
        """Numbers (M, n) fitted to observed states (M, *points) by least squares, nan where not observed, and their covariances.

        The covariances (M, n, n) hold for noise of deviation 1 at every point.

        Raises
        ------
        InputError
            A state with fewer observed points than numbers.
        """
        points, n = observed.shape[1:], self.count
        flat = observed.reshape(len(observed), -1)
        seen = np.isfinite(flat)
        if seen.all():
            return self.of(observed), np.broadcast_to(np.eye(n) / flat.shape[1], (len(flat), n, n))
        basis = self.states(np.eye(n), points).reshape(n, -1).T  # (points, n)
        numbers, covariances = np.empty((len(flat), n)), np.empty((len(flat), n, n))
        for k, there in enumerate(seen):
            if there.sum() < n:
                few = f"state {k} is observed at {there.sum()} points, too few for {n} numbers"
                raise InputError(f"{few}: {n - there.sum()} more are needed")
            normal = basis[there].T @ basis[there]
            covariances[k] = np.linalg.inv(normal)
            numbers[k] = covariances[k] @ (basis[there].T @ flat[k, there])
        return numbers, covariances


def _places(waves: Array, points: tuple[int, ...]) -> tuple[Any, ...]:
    """Places of ``waves`` (..., axes) in spectra (..., *half)."""
    return (..., *(wave % count for wave, count in zip(waves.T, points, strict=True)))


def modes(lengths: tuple[float, ...], points: tuple[int, ...]) -> StateModes:
    """All waves that ``points`` of a box of ``lengths`` tell apart from others, below half the points along each axis."""
    most = [(count - 1) // 2 for count in points]
    grid = np.stack(np.meshgrid(*[np.arange(-top, top + 1) for top in most], indexing="ij"), axis=-1).reshape(-1, len(points))
    last = np.array([next((m for m in wave[::-1] if m), 0) for wave in grid.tolist()])
    waves = grid[last > 0]
    tops = np.sqrt((wavenumbers(waves, np.array(lengths)) ** 2).sum(axis=1))
    order = np.lexsort((*waves.T, np.round(tops / tops.min(), 9)))
    return StateModes(waves[order], tops[order])
