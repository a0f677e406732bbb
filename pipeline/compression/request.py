"""Request for an archive, and the targets of its blocks that follow from the target of the whole."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pipeline.compression.blocks.cuts import LARGEST, Cut
from pipeline.compression.blocks.facts import Facts
from pipeline.compression.target import KINDS_OF_ARCHIVE, Target
from pipeline.core.errors import InputError

MOST_NRMSE = 0.5  # of one block, where a peak signal to noise ratio of the whole would allow more
INDEX = 24  # [B] that a block takes in the index
LESS = 1.0 - 1e-9  # of an rms error that is asked for


@dataclass(frozen=True, slots=True)
class Request:
    """A user's request for an archive.

    Raises
    ------
    InputError
        A target that blocks alone have.
    """

    target: Target
    codec: str = ""  # "": the best one measured
    mask: bool = False  # what is not finite is kept as such; else it is refused
    largest: int = LARGEST  # [B] of values in a block
    together: int = 0  # frames in a block; 0: by their size
    overlap: int = 0  # points that blocks hold beyond their own
    least: bool = False  # codecs that make detail make that of the least error
    sample: int = 3  # blocks of each group that the codecs are tried on
    fills: tuple[float, ...] = ()  # a user's own values that stand in for missing ones

    def __post_init__(self) -> None:
        if self.target.kind not in KINDS_OF_ARCHIVE:
            raise InputError(f"an archive has no target {self.target.kind}; there are: {', '.join(KINDS_OF_ARCHIVE)}")


def of_block(target: Target, cut: Cut, block: Facts, group: Facts, share: float) -> Target:
    """The target of ``block`` where ``target`` is that of the archive.

    ``group`` are the facts of all blocks of its group, ``share`` is the budget's bytes to a byte of values. Errors are asked for a little
    less than is allowed, so that they hold however they are summed up.
    """
    masked = not group.high >= group.low
    spread = 0.0 if masked else group.high - group.low
    largest = max(abs(block.low), abs(block.high)) if block.counted else 0.0
    if target.kind == "bound":
        return Target("bound", float(np.nextafter(target.value, 0.0)) or target.value)
    if target.kind == "nrmse":
        return Target("nrmse", target.value * LESS)
    if target.kind == "exact" or (target.kind in ("relative", "psnr") and not spread > 0.0):
        return Target("lossless")
    if target.kind == "relative":
        bound = _of_range(target.value, group.low, group.high)
        return Target("bound", bound) if 0.0 < bound < math.inf else Target("lossless")
    if target.kind == "rounding":
        eps = float(np.finfo(cut.dtype).eps) if np.dtype(cut.dtype).kind == "f" else 0.0
        return Target("lossless", eps * largest)
    if target.kind == "psnr":
        if not block.rms > 0.0:
            return Target("lossless")
        peak = (group.high / block.rms - group.low / block.rms) * 10.0 ** (-target.value / 20.0)
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
