"""Sources of a tsunami: how the bed moves. A module a kind.

Each has a dataclass `Params`, a `Source`. A case has any number of them, ``[[source]]``; their displacements add up.
"""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from meshes.core.mercator import Mercator
from pipeline.core.errors import InputError
from pipeline.core.params import Spec, choose
from solvers.tsunami.source.core.motion import Motion


class Source:
    """The interface of a source."""

    __slots__ = ()

    @abstractmethod
    def motion(self, folder: Path) -> Motion:
        """Read what the source needs, and say how it moves the bed.

        Parameters
        ----------
        folder
            Files are looked for here first.

        Returns
        -------
        Motion
            The bed's displacement in space and time.

        Raises
        ------
        InputError
            A file that can't be read, or values that no source has.
        """


def place(number: int) -> str:
    """The place of source ``number`` in a case, for messages."""
    return f"source[{number}]"


def look_into_files(sources: Sequence[Spec], folder: Path) -> None:
    """`InputError` where one of a case's ``sources`` can't be: an unknown kind, a wrong parameter, or a file that can't be read."""
    for number, asked in enumerate(sources):
        _motion(number, asked, folder)


def motions(sources: Sequence[Spec], folder: Path, chart: Mercator | None) -> list[Motion]:
    """The motions of a case's ``sources``, on a plane or on the map of a mesh on the sphere.

    Raises
    ------
    InputError
        An unknown kind, a wrong parameter, a file that can't be read, or a source in other coordinates than the mesh.
    """
    found = []
    for number, asked in enumerate(sources):
        motion = _motion(number, asked, folder)
        try:
            found.append(motion.on_sphere(chart) if chart else motion.on_plane())
        except InputError as error:
            raise InputError(f"{place(number)}: {error}") from None
    return found


def _motion(number: int, asked: Spec, folder: Path) -> Motion:
    source: Any = choose(__name__, asked, place(number))
    try:
        motion: Motion = source.motion(folder)
    except InputError as error:
        raise InputError(f"{place(number)}: {error}") from None
    return motion
