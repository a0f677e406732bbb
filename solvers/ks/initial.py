"""Initial states by kind: each a function of the points' phases (radian, along x [, y]) and of the member's own random numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.errors import InputError
from pipeline.params import setting

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Random:
    """The lowest wavenumbers with amplitudes from a normal distribution: no mean, and ``amplitude`` as standard deviation."""

    amplitude: float = setting("standard deviation, in the mean over members", default=1.0)
    modes: int = setting("wavenumbers, from the lowest", default=4)

    def __post_init__(self) -> None:
        if self.modes < 1:
            raise InputError(f"modes = {self.modes}; there must be at least 1")

    @property
    def highest(self) -> int:
        """The highest wavenumber."""
        return self.modes

    def __call__(self, phases: tuple[Array, ...], random: np.random.Generator) -> Array:
        turns = [np.outer(np.arange(1, self.modes + 1), phase) for phase in phases]
        weights = random.standard_normal((2 ** len(turns),) + (self.modes,) * len(turns)) * self.amplitude
        along_x = np.cos(turns[0]), np.sin(turns[0])
        if len(turns) == 1:
            return np.asarray(weights[0] @ along_x[0] + weights[1] @ along_x[1]) / np.sqrt(self.modes)
        pairs = [(y, x) for y in (np.cos(turns[1]), np.sin(turns[1])) for x in along_x]
        return np.asarray(sum(y.T @ weight @ x for weight, (y, x) in zip(weights, pairs, strict=True))) / self.modes


@dataclass(frozen=True, slots=True)
class Waves:
    """A sum of cosines along x, the same in all members but for the noise."""

    waves: tuple[tuple[int, float, float], ...] = setting("[wavenumber, amplitude, phase in radian] of each")
    noise: float = setting("standard deviation of what is added at every point", default=0.0)

    def __call__(self, phases: tuple[Array, ...], random: np.random.Generator) -> Array:
        u = self.noise * random.standard_normal([len(phase) for phase in reversed(phases)])
        for wavenumber, amplitude, at in self.waves:
            u += amplitude * np.cos(wavenumber * phases[0] + at)
        return np.asarray(u)

    @property
    def highest(self) -> int:
        """The highest wavenumber."""
        return max((abs(wavenumber) for wavenumber, _, _ in self.waves), default=0)


KINDS = {"random": Random, "waves": Waves}


def refuse_unseen(start: Random | Waves, points: tuple[int, ...], dealias: str) -> None:
    """Refuse with an `InputError` wavenumbers that ``points`` (along x[, y]) take for others, or that ``dealias`` drops."""
    count = min(points) if isinstance(start, Random) else points[0]
    most = {"none": count // 2, "2/3": (count - 1) // 3, "3/2": count // 2 - 1}[dealias]
    if start.highest > most:
        name = "modes" if isinstance(start, Random) else "a wavenumber"
        raise InputError(
            f"solver.initial: {name} = {start.highest}; {count} points with dealias = {dealias!r} hold wavenumbers up to {most}"
        )


def states(start: Random | Waves, dofs: tuple[int, ...], seed: int, members: Array) -> Array:
    """Initial states (members, *dofs), dofs (nx,) or (ny, nx): member m draws from [seed, m], whoever computes it."""
    phases = tuple(2.0 * np.pi * np.arange(count) / count for count in reversed(dofs))
    return np.array([start(phases, np.random.default_rng([seed, int(m)])) for m in members]).reshape(-1, *dofs)
