"""Code one block: what the codec does not take is put right around it, and what comes out is decoded and measured.

A coded block holds the codec's name, the codec's bytes, corrections beyond a bound (`outliers`), and a mask of what is not finite.
"""

import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from pipeline import plugin
from pipeline.compression import outliers
from pipeline.compression.packing import unwrap, wrap
from pipeline.compression.target import Target
from pipeline.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
CODECS = "pipeline.compression.codecs"
CONSTANT, LOSSLESS = "constant", "bits"
EXTRAS = {"torch": "zipgan"}  # what brings a library; all others are brought by `EXTRA`
EXTRA = "compress"
LEAST = ":least"  # behind a codec's name: asked for the least error
SPARE = 40  # [B] of a block beside the codec's own
KINDS = (np.nan, np.inf, -np.inf)  # what a mask tells apart, from 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What was measured of a coded block, or of several: sums, so that they add up."""

    bytes: int
    values: int
    error: float  # greatest [the values' unit]
    square_error: float  # sum over all points and components
    square: float  # the same of the values
    low: float
    high: float
    not_finite: int
    encode_s: float
    decode_s: float
    codec: str
    note: str = ""

    @property
    def nrmse(self) -> float:
        """Root mean square of the error over that of the values."""
        return float(np.sqrt(self.square_error / self.square)) if self.square else float(np.sqrt(self.square_error))

    @property
    def psnr(self) -> float:
        """Peak signal to noise ratio [dB], of the range over the root mean square of the error."""
        if not self.square_error:
            return float("inf")
        if self.high <= self.low:
            return float("-inf")
        return float(20.0 * np.log10((self.high - self.low) / np.sqrt(self.square_error / max(self.values - self.not_finite, 1))))


def measured(values: Array, decoded: Array) -> Facts:
    """The errors of ``decoded``; what is not finite in both alike does not count."""
    finite = np.isfinite(values)
    if not np.array_equal(finite, np.isfinite(decoded)):
        return Facts(0, values.size, np.inf, np.inf, 0.0, 0.0, 0.0, int((~finite).sum()), 0.0, 0.0, "")
    wanted, found = (values, decoded) if finite.all() else (values[finite], decoded[finite])
    wide = wanted.astype(np.float64).reshape(-1)
    error = np.abs(wide - found.reshape(-1))
    any_there = wide.size > 0
    return Facts(
        0,
        values.size,
        float(error.max()) if any_there else 0.0,
        float(np.vdot(error, error)),
        float(np.vdot(wide, wide)),
        float(wide.min()) if any_there else np.inf,
        float(wide.max()) if any_there else -np.inf,
        values.size - wide.size,
        0.0,
        0.0,
        "",
    )


def together(some: Sequence[Facts]) -> Facts:
    """The facts of several blocks."""
    codecs = sorted({one.codec for one in some})
    return Facts(
        sum(one.bytes for one in some),
        sum(one.values for one in some),
        max(one.error for one in some),
        float(np.sum([one.square_error for one in some])),
        float(np.sum([one.square for one in some])),
        min(one.low for one in some),
        max(one.high for one in some),
        sum(one.not_finite for one in some),
        sum(one.encode_s for one in some),
        sum(one.decode_s for one in some),
        ", ".join(codecs),
    )


def encode(values: Array, target: Target, codecs: Sequence[str]) -> tuple[bytes, Facts]:
    """Code ``values`` (components, *points) by the first of ``codecs`` that takes them and reaches the target; `Facts` say which, and
    why not one before. Where none does, they are kept to the last bit, except where bytes are counted.

    Raises
    ------
    InputError
        No codec codes them to so few bytes: says why, codec by codec.
    """
    notes: list[str] = []
    filled, mask = _fill(values)
    for name, coder in _ways(filled, target, codecs, notes):
        started = time.perf_counter()
        try:
            data = _finish(values, [codec_of(name).encode(), coder(), b"", mask], target)
        except InputError as error:
            notes.append(f"{name} can't: {error}")
            continue
        middle = time.perf_counter()
        facts = measured(values, decode(data))
        facts = replace(facts, bytes=len(data), codec=name, note="; ".join(notes))
        facts = replace(facts, encode_s=middle - started, decode_s=time.perf_counter() - middle)
        if why := missed(facts, target):
            notes.append(f"{name} misses the target: {why}")
            continue
        return data, facts
    raise InputError("; ".join(notes) or "no codec was named")


def missed(facts: Facts, target: Target) -> str:
    """How the target was missed, or nothing. Without loss, ``target.value`` is what rounding may leave."""
    measure = {"bound": facts.error, "nrmse": facts.nrmse, "bytes": facts.bytes, "lossless": facts.error}[target.kind]
    return f"{target.kind} {measure:g}, not {target.value:g}" if not measure <= target.value else ""


def _finish(values: Array, parts: list[bytes], target: Target) -> bytes:
    """The whole coded block, with corrections where a bound does not hold."""
    if target.kind == "bound" and parts[0].decode() not in (CONSTANT, LOSSLESS):
        parts[2] = outliers.add(values, decode(wrap(values, parts)), target.value)
    return wrap(values, parts)


def decode(data: bytes) -> Array:
    """What `encode` coded: (components, *points).

    Raises
    ------
    InputError
        ``data`` is damaged, or needs a codec that is not to be had here.
    """
    dtype, shape, parts = unwrap(data)
    if len(parts) != 4:
        raise InputError("a coded block is damaged: it has not four parts")
    name = parts[0].decode("ascii", "replace")
    if name == CONSTANT:
        found = np.broadcast_to(np.frombuffer(parts[1], dtype).reshape(shape[0], *(1,) * (len(shape) - 1)), shape).copy()
    else:
        found = load_codec(name).decode(parts[1])
    if found.shape != shape or found.dtype != dtype:
        raise InputError(f"a coded block is damaged: codec {name!r} gave {found.dtype} {found.shape}, not {dtype} {shape}")
    found = outliers.apply(found, parts[2]) if parts[2] else found
    return _unfill(found, parts[3])


def _ways(values: Array, target: Target, codecs: Sequence[str], notes: list[str]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """What may code these values, the best first: names and what codes; reasons why not go to ``notes``."""
    if values.size and all((one == one.reshape(-1)[:1]).all() for one in values):
        yield CONSTANT, values.reshape(len(values), -1)[:, :1].tobytes
        return
    if why := exactly(values, target):
        notes.append(why)
        codecs = ()
    inner = replace(target, value=max(target.value - SPARE, 1.0)) if target.kind == "bytes" else target
    for name in codecs:
        module = load_codec(codec_of(name))
        if target.kind not in module.TARGETS:
            notes.append(f"{name} codes to no {target.kind}")
        elif why := "" if getattr(module, "ENCODE_REFUSES", False) else module.refuses(values):
            notes.append(f"{name} refuses: {why}")
        else:
            yield name, partial(module.encode, values, inner, **({"least": True} if name.endswith(LEAST) else {}))
    if target.kind != "bytes" and LOSSLESS not in codecs:
        yield LOSSLESS, partial(load_codec(LOSSLESS).encode, values, Target("lossless"))


def codec_of(name: str) -> str:
    """The codec that a name in a list of codecs means, without what it is asked for."""
    return name.removesuffix(LEAST)


def load_codec(name: str) -> Any:
    """The codec ``name``; `InputError` where there is none, or what it needs is not installed."""
    try:
        return plugin.load(CODECS, name)
    except ImportError as error:
        extra = EXTRAS.get(str(error.name), EXTRA)
        raise InputError(f"codec {name!r} needs {error.name}, which is not installed: pip install 'wavetrain[{extra}]'") from None


def weights_of(name: str) -> str:
    """The hash of a learned codec's weights; nothing where it has none."""
    told = getattr(load_codec(name), "weights_hash", None)
    return str(told()) if told else ""


def exactly(values: Array, target: Target) -> str:
    """Why ``values`` must be kept to the last bit, or nothing: no real numbers, or a target below the rounding of their type."""
    if values.dtype.kind != "f":
        return f"values of type {values.dtype} are kept to the last bit"
    largest = np.abs(values).max()
    if target.kind == "bound" and target.value < 0.5 * float(np.spacing(largest)):
        return f"the bound {target.value:g} is below the rounding of {values.dtype} at {largest:g}: kept to the last bit"
    if target.kind == "nrmse" and target.value < float(np.finfo(values.dtype).eps) / 8.0:
        return f"the error {target.value:g} is below the rounding of {values.dtype}: kept to the last bit"
    return ""


def _fill(values: Array) -> tuple[Array, bytes]:
    """``values`` with the last finite value before in place of each that is not, and a mask that tells which were what."""
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return values, b""
    flat = values.reshape(-1)
    mask = np.select([np.isnan(flat), flat == np.inf, flat == -np.inf], [1, 2, 3], 0).astype(np.uint8)
    places = np.where(mask == 0, np.arange(len(flat)), -1)
    places = np.maximum.accumulate(places)
    first = int(np.argmax(mask == 0)) if (mask == 0).any() else -1
    filled = np.zeros_like(flat) if first < 0 else flat[np.where(places < 0, first, places)]
    return filled.reshape(values.shape), zlib.compress(mask.tobytes(), 9)


def _unfill(values: Array, mask: bytes) -> Array:
    if not mask:
        return values
    try:
        kinds = np.frombuffer(zlib.decompress(mask), np.uint8).reshape(values.shape)
    except (zlib.error, ValueError) as error:
        raise InputError(f"a coded block is damaged: {error}") from None
    return np.asarray(np.select([kinds == i + 1 for i in range(3)], KINDS, values).astype(values.dtype))
