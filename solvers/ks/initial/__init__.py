"""Initial states of an ensemble's members. A module a kind.

Each has a dataclass `Params`, an `Initial`.
"""

from typing import Any, Protocol

import numpy as np

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]


class Initial(Protocol):
    """A kind of initial state, with its parameters.

    Attributes
    ----------
    named
        The words for its highest wavenumber in a refusal.
    along_y
        Whether it has waves along y too, in a plane.
    """

    named: str  # the words for its highest wavenumber in a refusal
    along_y: bool  # whether it has waves along y too, in a plane

    @property
    def highest(self) -> int:
        """The highest wavenumber."""

    def __call__(self, phases: tuple[Array, ...], random: np.random.Generator) -> Array:
        """Make the state of a member.

        Parameters
        ----------
        phases
            Phases of the points along x (nx,) and, in a plane, y (ny,) [radian].
        random
            The member's own random numbers.

        Returns
        -------
        Array
            The state (nx,) or (ny, nx).
        """


def refuse_unseen(start: Initial, points: tuple[int, ...], dealias: str) -> None:
    """Refuse with an `InputError` wavenumbers that ``points`` (along x[, y]) take for others, or ``dealias`` drops."""
    count = min(points) if start.along_y else points[0]
    most = {"none": count // 2, "2/3": (count - 1) // 3, "3/2": count // 2 - 1}[dealias]
    if start.highest > most:
        raise InputError(
            f"solver.initial: {start.named} = {start.highest}; {count} points with dealias = {dealias!r} hold wavenumbers up to {most}"
        )


def states(start: Initial, dofs: tuple[int, ...], seed: int, members: Array) -> Array:
    """Initial states (members, *dofs), dofs (nx,) or (ny, nx): member m draws from [seed, m], whoever computes it."""
    phases = tuple(2.0 * np.pi * np.arange(count) / count for count in reversed(dofs))
    return np.array([start(phases, np.random.default_rng([seed, int(m)])) for m in members]).reshape(-1, *dofs)
