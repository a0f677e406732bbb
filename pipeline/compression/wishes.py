"""Wishes for an archive, in a user's words, and the targets of its blocks that follow."""

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from pipeline.compression.blocks import Cut
from pipeline.compression.facts import Facts
from pipeline.compression.target import Target
from pipeline.core.errors import InputError

Kind = Literal["bound", "relative", "psnr", "nrmse", "ratio", "budget", "exact", "rounding"]
MOST_NRMSE = 0.5  # of one block, where a peak signal to noise ratio of the whole would allow more
INDEX = 24  # [B] that a block takes in the index
LESS = 1.0 - 1e-9  # of an rms error that is asked for
WORDS = ("exact", "rounding")
FORMS = "0.001 (absolute, in the field's unit), 0.1% (of the field's range), 60dB (peak signal to noise ratio), exact or rounding"


@dataclass(frozen=True, slots=True)
class Wish:
    """A user's wish: ``bound`` [the field's unit], ``relative`` to the range [1], ``psnr`` [dB], ``nrmse`` [1], ``ratio`` [1],
    ``budget`` [B] of the whole file, ``exact`` (to the last bit), ``rounding`` (to the rounding of the stored type)."""

    kind: Kind
    value: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in WORDS and not (math.isfinite(self.value) and self.value > 0.0):
            raise InputError(f"{self.kind} is {self.value:g}; it must be above zero")
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
            "exact": "to the last bit",
            "rounding": "to the rounding of the stored type",
        }[self.kind]


def wish(*, target_error: float | None, target_ratio: float | None, budget: float | None, bound: str) -> Wish:
    """The one thing that is asked for.

    Raises
    ------
    InputError
        None or more than one, or a bound in no known form.
    """
    numbers: list[tuple[Kind, float | None]] = [("nrmse", target_error), ("ratio", target_ratio), ("budget", budget)]
    asked = [Wish(kind, value) for kind, value in numbers if value is not None]
    if bound:
        asked.append(_bound(bound))
    if len(asked) != 1:
        found = f"{len(asked)} targets are" if asked else "no target is"
        raise InputError(f"{found} given; say one of target_error, target_ratio, budget and bound")
    return asked[0]


def _bound(text: str) -> Wish:
    if text in WORDS:
        return Wish("exact" if text == "exact" else "rounding")
    found = re.fullmatch(r"\s*([-+0-9.eE]+)\s*(%|dB)?\s*", text)
    try:
        number = float(found[1]) if found else math.nan
    except ValueError:
        number = math.nan
    if found is None or math.isnan(number):
        raise InputError(f"bound is {text!r}; it can be {FORMS}")
    if found[2] == "%":
        return Wish("relative", number / 100.0)
    return Wish("psnr" if found[2] == "dB" else "bound", number)


def target(asked: Wish, cut: Cut, block: Facts, group: Facts, share: float) -> Target:
    """The target of ``block``; ``group`` are the facts of all blocks of its group, ``share`` is the budget's bytes to a byte
    of values. Errors are asked for a little less than is allowed, so that they hold however they are summed up."""
    masked = not group.high >= group.low
    spread = 0.0 if masked else group.high - group.low
    largest = max(abs(block.low), abs(block.high)) if block.counted else 0.0
    if asked.kind == "bound":
        return Target("bound", float(np.nextafter(asked.value, 0.0)) or asked.value)
    if asked.kind == "nrmse":
        return Target("nrmse", asked.value * LESS)
    if asked.kind == "exact" or (asked.kind in ("relative", "psnr") and not spread > 0.0):
        return Target("lossless")
    if asked.kind == "relative":
        bound = _of_range(asked.value, group.low, group.high)
        return Target("bound", bound) if 0.0 < bound < math.inf else Target("lossless")
    if asked.kind == "rounding":
        eps = float(np.finfo(cut.dtype).eps) if np.dtype(cut.dtype).kind == "f" else 0.0
        return Target("lossless", eps * largest)
    if asked.kind == "psnr":
        if not block.rms > 0.0:
            return Target("lossless")
        peak = (group.high / block.rms - group.low / block.rms) * 10.0 ** (-asked.value / 20.0)
        return Target("nrmse", max(min(peak, MOST_NRMSE) * LESS, 5e-324))
    raw = block.values * np.dtype(cut.dtype).itemsize
    return Target("bytes", max(raw * share - INDEX, 1.0))


def _of_range(share: float, low: float, high: float) -> float:
    """A ``share`` of the range from ``low`` to ``high``, and never more, also where numbers have few digits left (below 1e-307)."""
    bound = (share * high - share * low) * (1.0 - 2.0**-50)
    if not math.isfinite(bound):
        return math.inf
    exact = Fraction(share) * (Fraction(high) - Fraction(low))
    while Fraction(bound) > exact:
        bound = math.nextafter(bound, 0.0)
    return bound
