"""Wall: water does not pass."""

from dataclasses import dataclass
from typing import ClassVar

from solvers.tsunami.boundary import Outside


@dataclass(frozen=True, slots=True)
class Params(Outside):
    """A wall."""

    is_open: ClassVar[bool] = False
