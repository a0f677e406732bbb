"""Outline of a run before it is made: its mesh, the contents of its file, and their times. Stages refuse by it runs that they can't read.

A solver lists in ``stored(params, mesh)`` the contents of its runs' files on a kind of mesh. A stage has a function
``check(inputs, words, params)``: the outlines of the runs behind each of its inputs, the words in place of runs, its parameters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.case import Case, Time
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

SHORTER = 1e-9  # of the time between frames: a last interval that is so short is none
MOST_FRAMES = 10_000_000


@dataclass(frozen=True, slots=True)
class Stored:
    """Contents of a run's file."""

    fields: tuple[str, ...]
    maxima: tuple[str, ...] = ()
    gauges: bool = False  # whether the solver samples any
    gauge_fields: tuple[str, ...] = ()  # that it samples there
    members: int = 0  # of the ensemble; 0: the fields have no such axis


@dataclass(frozen=True, slots=True)
class Outline:
    """A run that is not made yet, or the archive of one."""

    name: str
    case: Case
    mesh: str  # triangles, line, plane or cube
    stored: Stored
    arrays: Callable[[], Mapping[str, Array]]  # of its mesh, as /mesh will hold them
    check_exact: Callable[[], None]  # `InputError` where there is no exact solution

    def refuse_other_mesh(self, other: "Outline", whose: str) -> None:
        """`InputError` where ``other``, such as its "reference", stands on another kind of mesh, or on a box of other lengths."""
        if self.mesh != other.mesh:
            raise InputError(
                f"{self.name!r} stands on a mesh of kind {self.mesh}, its {whose} {other.name!r} on one of kind {other.mesh}: "
                "give both the same"
            )
        if self.mesh != "triangles":
            mine, theirs = (np.asarray(one.arrays()["length"], float) for one in (self, other))
            if not np.allclose(mine, theirs, rtol=1e-12, atol=0.0):
                raise InputError(
                    f"{self.name!r} and its {whose} {other.name!r} are on different domains: lengths {mine.tolist()} and {theirs.tolist()}"
                )


def frame_times(time: Time) -> Array | None:
    """Times (F,) [s] of a run's frames; None of so many that they are not worth the look."""
    count = (time.end - SHORTER * time.every) / time.every
    if count > MOST_FRAMES:
        return None
    return np.append(np.arange(int(np.ceil(count))) * time.every, time.end)
