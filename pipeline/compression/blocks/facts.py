"""The facts of a coded block, measured on the points that are read of it, and the facts of several blocks together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.compression.blocks import masks
from pipeline.compression.codecs.core.measures import rms
from pipeline.compression.entropy.packing import bits

Array = np.ndarray[Any, np.dtype[Any]]
Place = tuple[Any, ...]  # slices: of the points that are read of a block, within those that it holds


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts of a coded block, or of several. Points that a neighbour holds too count where they are read, once."""

    bytes: int
    values: int
    error: float  # greatest [the values' unit]
    rms_error: float  # of all values that are not masked [the values' unit]
    rms: float  # of the same values
    low: float
    high: float
    not_finite: int
    fills: int  # values that stand in for missing ones
    same: bool  # to the last bit
    encode_s: float = 0.0
    decode_s: float = 0.0
    codec: str = ""
    note: str = ""
    failed: tuple[str, ...] = ()  # codecs whose process died, or had to be ended

    @property
    def counted(self) -> int:
        """Values that are not masked."""
        return self.values - self.not_finite - self.fills

    @property
    def nrmse(self) -> float:
        """Root mean square of the error over that of the values."""
        return 0.0 if self.rms_error == 0.0 else self.rms_error / self.rms if self.rms else math.inf

    @property
    def psnr(self) -> float:
        """Peak signal to noise ratio [dB], of the range over the root mean square of the error."""
        if not self.rms_error:
            return math.inf
        if not self.high > self.low:
            return -math.inf
        half = 0.5 * self.high - 0.5 * self.low  # the range itself may be beyond what a double can be
        return 20.0 * (math.log10(half) + math.log10(2.0) - math.log10(self.rms_error))


def measured(values: Array, decoded: Array, own: Place = (), fills: Sequence[float] = ()) -> Facts:
    """The errors of ``decoded`` on the ``own`` points of ``values`` (components, *points); masked values must have come back as they were.

    Parameters
    ----------
    own
        The points that count; all where it is not given.
    fills
        Values that stand in for missing values.
    """
    wanted, found = (values[(Ellipsis, *own)], decoded[(Ellipsis, *own)]) if own else (values, decoded)
    if wanted.dtype.kind != "f":
        return _exact(wanted, found)
    fill, finite = masks.is_fill(wanted, fills), np.isfinite(wanted)
    count, missing = wanted.size - int(finite.sum()), int(fill.sum())
    if count or missing:
        masked = fill | ~finite
        alike = wanted is found or _alike(wanted[masked], found[masked])
        part, other = wanted[~masked], found[~masked]
    else:
        alike, part, other = True, wanted, found
    if not part.size:
        return Facts(0, wanted.size, 0.0 if alike else math.inf, 0.0, 0.0, math.inf, -math.inf, count, missing, same(wanted, found))
    with np.errstate(over="ignore", invalid="ignore"):
        wide = part.astype(np.float64).reshape(-1)
        error = np.abs(wide - other.reshape(-1))
    worst = float(error.max()) if alike else math.inf
    return Facts(
        0,
        wanted.size,
        math.inf if math.isnan(worst) else worst,  # what came back as nan
        rms(error) if worst < math.inf else math.inf,
        rms(wide),
        float(wide.min()),
        float(wide.max()),
        count,
        missing,
        worst == 0.0 and same(wanted, found),
    )


def _exact(wanted: Array, found: Array) -> Facts:
    """The facts of values that are kept to the last bit: whole numbers, bool, complex numbers."""
    alike = same(wanted, found)
    error = 0.0 if alike else math.inf
    sizes = np.abs(wanted) if wanted.dtype.kind == "c" else wanted
    finite = np.isfinite(sizes)
    some = sizes[finite].astype(np.float64)
    low, high = (float(some.min()), float(some.max())) if some.size else (math.inf, -math.inf)
    return Facts(0, wanted.size, error, error, rms(some), low, high, int((~finite).sum()), 0, alike)


def same(values: Array, decoded: Array) -> bool:
    """Whether all bits are alike, of nan and of the sign of zero too."""
    return values is decoded or bool(np.array_equal(bits(values), bits(decoded)))


def _alike(some: Array, other: Array) -> bool:
    return bool(((some == other) | (np.isnan(some) & np.isnan(other))).all())


def together(some: Sequence[Facts]) -> Facts:
    """The facts of several blocks."""
    return Facts(
        sum(one.bytes for one in some),
        sum(one.values for one in some),
        max(one.error for one in some),
        _mean([(one.counted, one.rms_error) for one in some]),
        _mean([(one.counted, one.rms) for one in some]),
        min(one.low for one in some),
        max(one.high for one in some),
        sum(one.not_finite for one in some),
        sum(one.fills for one in some),
        all(one.same for one in some),
        sum(one.encode_s for one in some),
        sum(one.decode_s for one in some),
        ", ".join(sorted({one.codec for one in some})),
    )


def _mean(parts: Sequence[tuple[int, float]]) -> float:
    """Root mean square of several, of so many values each; without their squares, which may be too large or too small for a double."""
    largest = max(value for _, value in parts)
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(math.fsum(count * (value / largest) ** 2 for count, value in parts) / max(sum(n for n, _ in parts), 1))
