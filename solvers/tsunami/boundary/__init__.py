"""Boundary conditions: the water outside a side of the mesh. A module a kind.

Each has a dataclass `Params`, an `Outside`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pipeline.core.params import Spec, choose
from solvers.tsunami.wave import Wave

DEFAULT = Spec("wall", {})  # of a side that a case does not name


class Outside:
    """The interface of a boundary condition, with defaults: still water stands outside, and waves leave.

    Attributes
    ----------
    is_open
        Whether water passes.
    changes
        Whether the condition depends on the time of the run.
    """

    __slots__ = ()

    is_open: ClassVar[bool] = True  # whether water passes
    changes: ClassVar[bool] = False  # whether it depends on the time of the run

    def incoming(self, folder: Path, where: str) -> Wave | None:
        """Read the wave that comes in.

        Parameters
        ----------
        folder
            Files are looked for here first.
        where
            The side's dotted place in the case, with which messages begin.

        Returns
        -------
        Wave | None
            The wave; None where there is none.
        """
        return None


def outside_of(sides: Mapping[str, Spec], name: str) -> Outside:
    """The boundary condition that a case's ``sides`` have for the side ``name``.

    Raises
    ------
    InputError
        An unknown kind, or a wrong parameter.
    """
    found: Outside = choose(__name__, sides.get(name, DEFAULT), place(name))
    return found


def place(name: str) -> str:
    """The dotted place of the side ``name`` in a case, for messages."""
    return f"solver.boundary.{name}"


def look_into_files(sides: Mapping[str, Spec], folder: Path, end: float) -> None:
    """Refuse a wave that can't be read, or does not come in before ``end`` [s]."""
    for name in sides:
        if wave := outside_of(sides, name).incoming(folder, place(name)):
            wave.remarks(end)
