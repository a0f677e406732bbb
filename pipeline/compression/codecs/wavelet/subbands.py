"""Code the whole numbers of wavelet subbands: each by its class, and a Laplace distribution a class, with a range coder.

The class of a number is how large those around it are that are known already: its parent, one level coarser, and the bands of its own
level before it. Classes are found with whole numbers alone, so that the decoder finds the same ones anywhere. Numbers of a class are
nearly independent: J. M. Shapiro, IEEE Trans. Signal Process. 41 (1993) 3445, doi:10.1109/78.258085; A. Said, W. A. Pearlman, IEEE
Trans. Circuits Syst. Video Technol. 6 (1996) 243, doi:10.1109/76.499834. The range coder is the library constriction; without it
numbers are deflated.
"""

import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pipeline.compression.entropy.packing import number, read_number
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
EDGES = (1, 3, 6, 12, 24, 48, 96, 192, 384, 1024)  # between classes: sums over 3 points along each axis
SCALES = 16.0  # steps of a class's scale to a factor of two
MOST_LISTED = 1024  # greatest number of a class whose probabilities are listed, which is faster
LARGEST = 2**22  # of a number: a range coder's model holds no more
DEFLATED, RANGE = b"\0", b"\1"


class Bands:
    """The order in which a decomposition's bands are coded, and the known values around each.

    Parameters
    ----------
    shapes
        Shapes of the bands, the coarsest first: one band, then the details of level after level.
    per_level
        Number of details of a level.
    """

    def __init__(self, shapes: Sequence[tuple[int, ...]], per_level: int) -> None:
        self.shapes, self.per_level = shapes, per_level

    def classes(self, i: int, known: Sequence[Array]) -> Array:
        """Classes (points,) of band ``i`` from the bands before it."""
        if i == 0 or not self.per_level:
            return np.zeros(math.prod(self.shapes[i]), np.int64)
        shape = self.shapes[i]
        sum_ = np.zeros(shape, np.int64)
        level, place = divmod(i - 1, self.per_level)
        if level > 0:
            sum_ += 2 * _twice(np.abs(known[i - self.per_level]), shape)
        for other in known[i - place : i]:
            sum_ += np.abs(other)
        for axis in range(len(shape)):
            sum_ = _three(sum_, axis)
        return np.searchsorted(EDGES, sum_.reshape(-1), side="right")


def _twice(coarse: Array, shape: tuple[int, ...]) -> Array:
    """``coarse`` with every point doubled along every axis, cut or continued to ``shape``."""
    for axis, size in enumerate(shape):
        places = np.minimum(np.arange(size) // 2, coarse.shape[axis] - 1)
        coarse = np.take(coarse, places, axis=axis)
    return coarse


def _three(values: Array, axis: int) -> Array:
    """Sums of each value and its two neighbours along ``axis``."""
    found = values.copy()
    inner, outer = [slice(None)] * values.ndim, [slice(None)] * values.ndim
    inner[axis], outer[axis] = slice(1, None), slice(None, -1)
    found[tuple(inner)] += values[tuple(outer)]
    found[tuple(outer)] += values[tuple(inner)]
    return found


def encode(bands: Sequence[Array], per_level: int) -> bytes:
    """Code ``bands`` of whole numbers (int64), the coarsest first.

    Raises
    ------
    InputError
        A number is too large.
    """
    if max((int(np.abs(band).max(initial=0)) for band in bands), default=0) > LARGEST:
        raise InputError(f"numbers beyond {LARGEST}: the step is too small")
    queue = _constriction()
    if queue is None:
        return DEFLATED + zlib.compress(b"".join(_planes(band) for band in bands), 9)
    stream = queue.RangeEncoder()
    order = Bands([band.shape for band in bands], per_level)
    head = bytearray()
    for i, band in enumerate(bands):
        flat = band.reshape(-1)
        for some in _of_each(order.classes(i, bands)):
            chosen = flat[some].astype(np.int32)
            largest = int(np.abs(chosen).max(initial=0))
            head += number(largest)
            if largest:
                step = _step(chosen)
                head += bytes([step])
                model, shift = _model(step, largest)
                stream.encode(chosen + np.int32(shift), model)
    words = stream.get_compressed().astype("<u4").tobytes()
    return RANGE + struct.pack("<I", len(head)) + bytes(head) + words


def decode(data: bytes, shapes: Sequence[tuple[int, ...]], per_level: int) -> list[Array]:
    """Decode the data of `encode`: bands (int64) of the given shapes.

    Raises
    ------
    InputError
        ``data`` is damaged, or needs a library that is not installed.
    """
    try:
        if data[:1] == DEFLATED:
            return _undeflated(zlib.decompress(data[1:]), shapes)
        (size,) = struct.unpack_from("<I", data, 1)
        words = np.frombuffer(data[5 + size :], "<u4").astype(np.uint32)
    except (zlib.error, struct.error, ValueError) as error:
        raise InputError(f"a coded block is damaged: {error}") from None
    queue = _constriction()
    if queue is None:
        raise InputError("a block was coded with constriction, which is not installed: pip install 'wavetrain[compress]'")
    stream, head, at = queue.RangeDecoder(words), data[5 : 5 + size], 0
    order, bands = Bands(shapes, per_level), list[Array]()
    for i, shape in enumerate(shapes):
        flat = np.zeros(math.prod(shape), np.int64)
        for some in _of_each(order.classes(i, bands)):
            largest, at = read_number(head, at)
            if not largest:
                continue
            if at >= len(head) or largest > LARGEST:
                raise InputError("a coded block is damaged: a band's head is wrong")
            try:
                model, shift = _model(head[at], largest)
                flat[some] = stream.decode(model, len(some)).astype(np.int64) - shift
            except (AssertionError, ValueError) as error:
                raise InputError(f"a coded block is damaged: {error}") from None
            at += 1
        bands.append(flat.reshape(shape))
    return bands


def _of_each(classes: Array) -> Iterator[Array]:
    """Places of the members of every class that has some."""
    order = np.argsort(classes, kind="stable")
    for some in np.split(order, np.flatnonzero(np.diff(classes[order])) + 1):
        if len(some):
            yield some


def _step(chosen: Array) -> int:
    """The scale of a Laplace distribution of whole numbers with the mean size of ``chosen``, as a step of a logarithm.

    With P(k) ~ r^|k| the mean size is 2 r / (1 - r^2), and the scale is -1 / log r.
    """
    mean = max(float(np.abs(chosen).mean()), 1e-9)
    ratio = (math.sqrt(1.0 + mean * mean) - 1.0) / mean
    return int(np.clip(round(SCALES * math.log2(-1.0 / math.log(ratio))) + 128, 0, 255))


def _model(step: int, largest: int) -> tuple[Any, int]:
    """Probabilities of -largest .. largest, and the offset of these in the model: its own numbers may begin at 0."""
    from constriction import stream

    scale = 2.0 ** ((step - 128) / SCALES)
    if largest > MOST_LISTED:
        return stream.model.QuantizedLaplace(-largest, largest, 0.0, max(scale, 1e-3)), 0
    likely = np.exp(-np.abs(np.arange(-largest, largest + 1)) / scale)
    return stream.model.Categorical((likely / likely.sum()).astype(np.float32), perfect=False), largest


def _constriction() -> Any:
    """The library, or None where it is not installed."""
    try:
        from constriction import stream
    except ImportError:
        return None
    return stream.queue


def _planes(band: Array) -> bytes:
    """The bytes of the numbers, lowest first, each kind together; negative ones are odd."""
    folded = np.where(band < 0, -2 * band - 1, 2 * band).astype("<u4").reshape(-1)
    return folded.view(np.uint8).reshape(-1, 4).T.tobytes()


def _undeflated(raw: bytes, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    bands, at = [], 0
    for shape in shapes:
        size = math.prod(shape)
        folded = np.frombuffer(raw, np.uint8, 4 * size, at).reshape(4, size).T.copy().view("<u4").reshape(shape).astype(np.int64)
        bands.append(np.where(folded & 1, -(folded + 1) // 2, folded // 2))
        at += 4 * size
    return bands
