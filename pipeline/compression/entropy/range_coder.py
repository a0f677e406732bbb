"""Whole numbers to bytes and back by range coding, in bulk: the only module that imports constriction.

R. Bamler, Understanding entropy coding with asymmetric numeral systems, arXiv:2201.01741 (2022), describes the library. A model is a table
of whole counts, so that no rounding of another machine's exponential function can change what is read.
"""

from typing import Any

import numpy as np

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
CHUNK = 16  # raw bits are coded so many at a time


def _library() -> Any:
    try:
        import constriction
    except ImportError:
        raise InputError("the library constriction is not there; install the extra: pip install 'wavetrain[compress]'") from None
    return constriction.stream


def _table(counts: Array) -> Any:
    return _library().model.Categorical(counts.astype(np.float32), perfect=False)


class RangeWriter:
    """Takes numbers by `symbols` and `bits`; `done` gives the bytes."""

    def __init__(self) -> None:
        self._coder = _library().queue.RangeEncoder()

    def symbols(self, values: Array, counts: Array) -> None:
        """Values in 0..len(counts)-1, with these counts [of any sum, each >= 1] as their probabilities."""
        if len(values):
            self._coder.encode(np.ascontiguousarray(values, np.int32), _table(counts))

    def bits(self, values: Array, width: int) -> None:
        """Values in 0..2^width-1, all equally likely."""
        for low in range(0, width, CHUNK):
            size = min(CHUNK, width - low)
            part = (values >> low) & ((1 << size) - 1)
            if len(part):
                self._coder.encode(part.astype(np.int32), _library().model.Uniform(1 << size))

    def large(self, values: Array) -> None:
        """Values >= 1, most of them small (Elias's gamma code)."""
        widths = np.floor(np.log2(values)).astype(np.int64)
        self.bits(widths, 6)
        for width in np.unique(widths):
            self.bits(values[widths == width] - (np.int64(1) << width), int(width))

    def done(self) -> bytes:
        return bytes(self._coder.get_compressed().astype("<u4").tobytes().rstrip(b"\0"))


class RangeReader:
    """Gives back the symbols of a `RangeWriter`, in the same order. Damaged bytes give wrong numbers or an `InputError`."""

    def __init__(self, data: bytes) -> None:
        words = np.frombuffer(data + bytes(-len(data) % 4), "<u4").astype(np.uint32)
        self._coder = _library().queue.RangeDecoder(words)

    def symbols(self, count: int, counts: Array) -> Array:
        return self._decode(_table(counts), count)

    def bits(self, count: int, width: int) -> Array:
        values = np.zeros(count, np.int64)
        for low in range(0, width, CHUNK):
            values |= self._decode(_library().model.Uniform(1 << min(CHUNK, width - low)), count) << low
        return values

    def large(self, count: int) -> Array:
        widths = self.bits(count, 6)
        values = np.ones(count, np.int64) << np.minimum(widths, 61)
        for width in np.unique(widths):
            chosen = widths == width
            values[chosen] += self.bits(int(chosen.sum()), min(int(width), 61))
        return values

    def _decode(self, model: Any, count: int) -> Array:
        if count == 0:
            return np.zeros(0, np.int64)
        try:
            return np.asarray(self._coder.decode(model, count), np.int64)
        except (AssertionError, ValueError) as error:
            raise InputError(f"damaged data: {error}") from None
