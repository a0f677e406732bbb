"""Waves that come in at a boundary. A module a kind.

Each has a dataclass `Params` with ``read(folder)``, which returns a `Wave`; a file that it names is looked for in ``folder``.
"""

from collections.abc import Sequence


class Wave:
    """A wave that comes in: called with a time t [s] of the run, it returns the free surface [m] above the still level."""

    __slots__ = ()

    def __call__(self, t: float) -> float:
        raise NotImplementedError

    def remarks(self, end: float) -> Sequence[str]:
        """Lines to be said of the wave in a run to ``end`` [s]; `InputError` where nothing of it comes in."""
        return ()
