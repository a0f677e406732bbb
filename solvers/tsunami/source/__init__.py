"""Sources of a tsunami: how the bed moves. A module a kind.

Each has a dataclass `Params`, a `Source`. A case has any number of them, ``[[source]]``; their displacements add up.
"""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from meshes.core.chart import Chart
from pipeline.core.errors import InputError
from pipeline.core.params import Spec, choose
from solvers.tsunami.source.core.motion import Motion


class Source:
    """The interface of a source."""

    __slots__ = ()

    @abstractmethod
    def motion(self, folder: Path, chart: Chart | None = None) -> Motion:
        """Read what the source needs, and say how it moves the bed.

        Parameters
        ----------
        folder
            Files are looked for here first.
        chart
            The map of a mesh on the sphere, for which the source's places are longitudes and latitudes; None: they are on a plane [m].

        Returns
        -------
        Motion
            The bed's displacement in space and time.

        Raises
        ------
        InputError
            A file that can't be read, values that no source has, or places in other coordinates than the mesh's.
        """


def place(number: int) -> str:
    """The place of source ``number`` in a case, for messages."""
    return f"source[{number}]"


def motions(sources: Sequence[Spec], folder: Path, chart: Chart | None) -> list[Motion]:
    """The motions of a case's ``sources``, on a plane or on the map of a mesh on the sphere.

    Raises
    ------
    InputError
        An unknown kind, a wrong parameter, a file that can't be read, or a source in other coordinates than the mesh.
    """
    found: list[Motion] = []
    for number, asked in enumerate(sources):
        source: Any = choose(__name__, asked, place(number))
        try:
            found.append(source.motion(folder, chart))
        except InputError as error:
            raise InputError(f"{place(number)}: {error}") from None
    return found
