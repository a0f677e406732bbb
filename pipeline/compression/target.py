"""Target of an archive, in a user's words, and of each block that is coded: one thing under one name from the command to the codec."""

import math
import re
from dataclasses import dataclass
from typing import Literal, get_args

from pipeline.core.errors import InputError

Kind = Literal["bound", "nrmse", "bytes", "lossless", "relative", "psnr", "ratio", "budget", "exact", "rounding"]
KINDS: tuple[Kind, ...] = ("bound", "nrmse", "bytes", "lossless")  # of a block: codecs code to these
KINDS_OF_ARCHIVE: tuple[Kind, ...] = ("bound", "nrmse", "relative", "psnr", "ratio", "budget", "exact", "rounding")
WORDS: tuple[Kind, ...] = ("exact", "rounding")
WITHOUT_VALUE = ("lossless", *WORDS)
FORMS = "0.001 (absolute, in the field's unit), 0.1% (of the field's range), 60dB (peak signal to noise ratio), exact or rounding"


@dataclass(frozen=True, slots=True)
class Target:
    """Target of an archive, or of a block's coding.

    Kinds of both
    -------------
    bound : greatest error at any point [the field's unit]
    nrmse : root mean square of the error over that of the values, of all components together, in every block [1]

    Kinds of an archive
    -------------------
    relative : greatest error at any point over the field's range [1]
    psnr : peak signal to noise ratio [dB]
    ratio : how many times smaller than the values as they are stored [1]
    budget : at most so many bytes for the whole file
    exact, rounding : to the last bit; to the rounding of the stored type. ``value`` is not used.

    Kinds of a block
    ----------------
    bytes : at most so many for the block
    lossless : to the last bit; a codec may say that it codes to the rounding of the stored type instead. ``value`` is that rounding.

    Raises
    ------
    InputError
        An unknown kind, or a value that is not above zero and finite, or a ratio below 1.
    """

    kind: Kind
    value: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InputError(f"no target {self.kind!r}; there are: {', '.join(get_args(Kind))}")
        if self.kind not in WITHOUT_VALUE and not (math.isfinite(self.value) and self.value > 0.0):
            raise InputError(f"the target {self.kind} is {self.value:g}; it must be above zero")
        if self.kind == "ratio" and self.value < 1.0:
            raise InputError(f"a ratio of {self.value:g} makes the file larger; it must be 1 or more")

    def __str__(self) -> str:
        v = self.value
        return {
            "bound": f"at most {v:g} wrong at any point",
            "relative": f"at most {v:g} of the range wrong at any point",
            "psnr": f"a peak signal to noise ratio of {v:g} dB",
            "nrmse": f"an rms error of {v:g} of the rms",
            "ratio": f"{v:g} times smaller",
            "budget": f"a file of at most {v:,.0f} bytes",
            "bytes": f"a block of at most {v:,.0f} bytes",
            "exact": "to the last bit",
            "lossless": "to the last bit",
            "rounding": "to the rounding of the stored type",
        }[self.kind]


def only(*, target_error: float | None, target_ratio: float | None, budget: float | None, bound: str) -> Target:
    """The only target given.

    Raises
    ------
    InputError
        No target or several, or a bound in no known form.
    """
    numbers: list[tuple[Kind, float | None]] = [("nrmse", target_error), ("ratio", target_ratio), ("budget", budget)]
    given = [Target(kind, value) for kind, value in numbers if value is not None]
    if bound:
        given.append(_bound(bound))
    if len(given) != 1:
        found = f"{len(given)} targets are" if given else "no target is"
        raise InputError(f"{found} given; say one of target_error, target_ratio, budget and bound")
    return given[0]


def _bound(text: str) -> Target:
    if text in WORDS:
        return Target("exact" if text == "exact" else "rounding")
    found = re.fullmatch(r"\s*([-+0-9.eE]+)\s*(%|dB)?\s*", text)
    try:
        number = float(found[1]) if found else math.nan
    except ValueError:
        number = math.nan
    if found is None or math.isnan(number):
        raise InputError(f"bound is {text!r}; it can be {FORMS}")
    if found[2] == "%":
        return Target("relative", number / 100.0)
    return Target("psnr" if found[2] == "dB" else "bound", number)
