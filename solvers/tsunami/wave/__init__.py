"""Waves that come in at a boundary. A module a kind.

Each has a dataclass `Params` with ``read(folder)``, which returns a `Wave`; a file that it names is looked for in ``folder``.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence


class Wave(ABC):
    """A wave that comes in through a boundary."""

    __slots__ = ()

    @abstractmethod
    def __call__(self, t: float) -> float:
        """Give the free surface of the wave.

        Parameters
        ----------
        t
            The time of the run [s].

        Returns
        -------
        float
            The free surface [m] above the still level.
        """

    def remarks(self, end: float) -> Sequence[str]:
        """Give notes on the wave in a run, for its user.

        Parameters
        ----------
        end
            The end of the run [s].

        Returns
        -------
        Sequence[str]
            Lines for the log and the summary.

        Raises
        ------
        InputError
            Nothing of the wave comes in.
        """
        return ()
