"""The target of a block of values that is coded."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from pipeline.core.errors import InputError

Kind = Literal["bound", "nrmse", "bytes", "lossless"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a block's coding.

    Kinds
    -----
    bound : greatest error at any point [the field's unit]
    nrmse : root mean square of the error over that of the values, of all components together [1]
    bytes : at most so many for the block
    lossless : to the last bit; a codec may say that it codes to the rounding of the stored type instead. ``value`` is not used.

    Raises
    ------
    InputError
        An unknown kind, or a value that is not above zero and finite.
    """

    kind: Kind
    value: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"no target {self.kind!r}; there are: {', '.join(KINDS)}")
        if self.kind != "lossless" and not (math.isfinite(self.value) and self.value > 0.0):
            raise InputError(f"the target {self.kind} is {self.value!r}; it must be above zero")
