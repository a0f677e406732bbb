"""Code one block: values that the codec does not take are put right around it, and the result is decoded and measured.

A coded block holds the codec's name, the codec's bytes, corrections beyond a bound (`outliers`), and a mask of values kept as they are
(`masks`); where they are needed also the power of two that the values were divided by, and the fills that the mask tells of.
"""

import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np

from pipeline.compression.blocks import masks
from pipeline.compression.blocks.facts import Facts, Place, measured
from pipeline.compression.codecs import LOSSLESS, Codec
from pipeline.compression.codecs.core import measures
from pipeline.compression.entropy import outliers
from pipeline.compression.entropy.packing import unwrap, wrap
from pipeline.compression.target import Target
from pipeline.core import plugin
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
CODECS = "pipeline.compression.codecs"
CONSTANT = "constant"  # the codec of values that are all alike, which is no module
EXTRAS = {"torch": "zipgan"}  # what brings a library; all others are brought by `EXTRA`
EXTRA = "compress"
VARIANT = ":"  # between a codec's name and one of its `VARIANTS`
PARTS = 4, 6  # of a coded block: without and with a power and fills
POWER = struct.Struct("<h")
ORDINARY = 64  # binary exponent: values that are all larger or smaller are scaled, which codecs of single precision need
SPARE = 16  # [B] of a block beside its parts
TRIES = 5  # to bring the own points of a block within an rms error, where the others took more of it


class Failed(InputError):
    """The process that a codec worked in died, or had to be ended."""


@dataclass(frozen=True, slots=True)
class Values:
    """Input of a codec.

    Parameters
    ----------
    all
        (components, *points), in the machine's own order of bytes.
    own
        The points that are read; all where it is not given.
    fills
        Values that stand in for missing values.
    """

    all: Array
    own: Place = ()
    fills: tuple[float, ...] = ()


Way = Callable[[str, Values, Target], tuple[bytes, Facts]]


def encode(
    values: Array, target: Target, codecs: Sequence[str], *, own: Place = (), fills: Sequence[float] = (), way: Way | None = None
) -> tuple[bytes, Facts]:
    """Code ``values`` by the first of ``codecs`` that takes them and reaches the target; `Facts` name it, and why not a codec before it.
    Where none does, they are kept to the last bit, except where bytes are counted.

    Parameters
    ----------
    values, own, fills
        See `Values`.
    way
        Codes by one codec, as `code` does, which is taken where it is not given.

    Raises
    ------
    InputError
        No codec codes them to so few bytes: says why, codec by codec.
    """
    given = Values(values, own, tuple(fills))
    if found := constant(given, target):
        return found
    notes: list[str] = []
    failed: list[str] = []
    if why := exactly(given, target):
        notes.append(why)
        codecs = ()
    last = target if target.kind == "bytes" else Target("lossless")
    order = [*(name for name in codecs if name != LOSSLESS), LOSSLESS]
    if target.kind == "bytes":
        order = [LOSSLESS, *order[:-1]]  # nothing is better
    for name in order:
        try:
            data, facts = code(name, given, last) if name == LOSSLESS else (way or code)(name, given, target)
        except InputError as error:
            failed += [name] if isinstance(error, Failed) else []
            if name != LOSSLESS or LOSSLESS in codecs:
                notes.append(f"{name} {error}")
            continue
        return data, replace(facts, note="; ".join(notes), failed=tuple(failed))
    raise InputError("; ".join(notes) or "no codec was named")


def constant(values: Values, target: Target) -> tuple[bytes, Facts] | None:
    """The block of values that are all alike, in each component, but for masked values; None where they are not."""
    if values.all.dtype.kind == "c" or not values.all.size:
        return None
    exact = target.kind == "lossless" and not target.value
    filled, mask, table = (values.all, b"", b"") if exact or values.all.dtype.kind != "f" else masks.fill(values.all, values.fills)
    if not all((one == one.reshape(-1)[:1]).all() for one in filled):
        return None
    started = time.perf_counter()
    first = filled.reshape(len(filled), -1)[:, :1]
    data = wrap(values.all, [CONSTANT.encode(), first.tobytes(), b"", mask, *([b"", table] if table else [])])
    middle = time.perf_counter()
    facts = measured(values.all, decode(data), values.own, values.fills)
    if _wrong(replace(facts, bytes=len(data)), target):
        return None  # zeros of both signs, which are to be kept
    return data, replace(facts, bytes=len(data), codec=CONSTANT, encode_s=middle - started, decode_s=time.perf_counter() - middle)


def code(name: str, values: Values, target: Target) -> tuple[bytes, Facts]:
    """Code ``values`` by the codec ``name``.

    Raises
    ------
    InputError
        It does not take them, or misses the target: says why.
    """
    module = load_codec(codec_of(name))
    if target.kind not in module.TARGETS and not (name == LOSSLESS and target.kind == "bytes"):
        raise InputError(f"codes to no {target.kind}")
    coder, given, others = _without_loss, values.all, [b""]
    if name != LOSSLESS:
        given, others = _prepared(values, exact=target.kind == "lossless" and not target.value)
        if why := "" if getattr(module, "ENCODE_REFUSES", False) else module.refuses(given):
            raise InputError(f"refuses: {why}")
        coder = partial(module.encode, **module.VARIANTS[name.partition(VARIANT)[2]]) if VARIANT in name else module.encode
    aim = target
    for _ in range(TRIES):
        started = time.perf_counter()
        try:
            data = _finish(values, [codec_of(name).encode(), coder(given, _inner(aim, given, others)), b"", *others], target)
        except InputError as error:
            raise InputError(f"can't: {error}") from None
        middle = time.perf_counter()
        facts = measured(values.all, decode(data), values.own, values.fills)
        facts = replace(facts, bytes=len(data), codec=name, encode_s=middle - started, decode_s=time.perf_counter() - middle)
        if target.kind != "nrmse" or not target.value < facts.nrmse < 1e3:
            break
        aim = replace(aim, value=0.98 * aim.value * target.value / facts.nrmse)
    if why := _wrong(facts, target):
        raise InputError(f"codes to no bytes but its own: {facts.bytes} without loss" if name == LOSSLESS else f"misses the target: {why}")
    return data, facts


def _without_loss(values: Array, target: Target) -> bytes:
    return bytes(load_codec(LOSSLESS).encode(values, Target("lossless")))


def _prepared(values: Values, exact: bool) -> tuple[Array, list[bytes]]:
    """Values for the codec, and their record for the decoder: a mask; the power of two that they were divided by, and fills.

    Values to be kept to the last bit are given as they are, unless not finite. Half precision is given in single precision.
    """
    filled, mask, table = masks.fill(values.all, values.fills)
    if filled.dtype == np.float16:
        filled = filled.astype(np.float32)
    power = 0 if exact else measures.exponent(filled)
    if abs(power) <= ORDINARY:
        return filled, [mask, *([b"", table] if table else [])]
    return np.ldexp(filled, -power), [mask, POWER.pack(power), table]


def _inner(target: Target, given: Array, others: list[bytes]) -> Target:
    """The target of the codec itself. No bound is larger than the values given: libraries have no end, or crash."""
    if target.kind == "bytes":
        return replace(target, value=max(target.value - SPARE - sum(len(part) + 3 for part in others), 1.0))
    if target.kind == "nrmse" or not target.value:
        return target
    power = POWER.unpack(others[1])[0] if len(others) > 1 and others[1] else 0
    value = float(np.ldexp(target.value, -power))
    return replace(target, value=min(value, 2.0 ** (measures.exponent(given) + 1)) if target.kind == "bound" else value)


def missed(facts: Facts, target: Target) -> str:
    """Say how the target was missed, or nothing. Without loss, ``target.value`` is the rounding allowed; zero: every bit must be right."""
    if target.kind == "lossless" and not target.value:
        return "" if facts.same else f"an error of {facts.error:g}, not to the last bit"
    measure = {"bound": facts.error, "nrmse": facts.nrmse, "bytes": facts.bytes, "lossless": facts.error}[target.kind]
    return f"{target.kind} {measure:g}, not {target.value:g}" if not measure <= target.value else ""


def _wrong(facts: Facts, target: Target) -> str:
    """Say how the target was missed, or that masked values did not come back."""
    return missed(facts, target) or ("what is not finite, or a fill, came back otherwise" if not facts.error < np.inf else "")


def _finish(values: Values, parts: list[bytes], target: Target) -> bytes:
    """The whole coded block, with corrections where a bound does not hold."""
    if target.kind == "bound" and parts[0].decode() != LOSSLESS:
        parts[2] = outliers.add(values.all, decode(wrap(values.all, parts)), target.value)
    return wrap(values.all, parts)


def decode(data: bytes) -> Array:
    """Decode the data of `encode`: (components, *points).

    Raises
    ------
    InputError
        ``data`` is damaged, or needs a codec that is not to be had here.
    """
    dtype, shape, parts = unwrap(data)
    if len(parts) not in PARTS:
        raise InputError(f"a coded block is damaged: it has {len(parts)} parts")
    name = parts[0].decode("ascii", "replace")
    if name == CONSTANT:
        found = np.broadcast_to(np.frombuffer(parts[1], dtype).reshape(shape[0], *(1,) * (len(shape) - 1)), shape).copy()
    else:
        found = _scaled(load_codec(name).decode(parts[1]), parts[4] if len(parts) > 4 else b"", dtype)
    if found.shape != shape or found.dtype != dtype:
        raise InputError(f"a coded block is damaged: codec {name!r} gave {found.dtype} {found.shape}, not {dtype} {shape}")
    found = outliers.apply(found, parts[2]) if parts[2] else found
    return masks.unfill(found, parts[3], parts[5] if len(parts) > 5 else b"")


def _scaled(found: Array, power: bytes, dtype: Any) -> Array:
    """A codec's decoded values times a power of two, and in half precision where that is the ``dtype``."""
    with np.errstate(over="ignore"):
        if power:
            if len(power) != POWER.size or found.dtype.kind != "f":
                raise InputError("a coded block is damaged: its power of two is none")
            found = np.ldexp(found, POWER.unpack(power)[0])
        return found.astype(dtype) if dtype == np.float16 and found.dtype == np.float32 else found


def codec_of(name: str) -> str:
    """The codec that a name in a list of codecs means, without its variant."""
    return name.partition(VARIANT)[0]


def variant(name: str, asked: str) -> str:
    """The name of the codec ``name`` in the variant ``asked`` of its ``VARIANTS``, settings of its ``encode`` by name.

    The name alone where it has no such variant, or can't be loaded: that is told where it is tried.
    """
    try:
        known = getattr(load_codec(name), "VARIANTS", {})
    except InputError:
        return name
    return f"{name}{VARIANT}{asked}" if asked in known else name


def load_codec(name: str) -> Codec:
    """The codec ``name``; `InputError` where there is none, or a library of it is not installed."""
    try:
        return cast(Codec, plugin.load(CODECS, name))
    except ImportError as error:
        extra = EXTRAS.get(str(error.name), EXTRA)
        raise InputError(f"codec {name!r} needs {error.name}, which is not installed: pip install 'wavetrain[{extra}]'") from None


def weights_of(name: str) -> str:
    """The hash of a learned codec's weights; nothing where it has none."""
    told = getattr(load_codec(name), "weights_hash", None)
    return str(told()) if told else ""


def exactly(values: Values, target: Target) -> str:
    """The reason to keep ``values`` to the last bit, or nothing: no real numbers, or a target below the rounding of their type."""
    dtype = values.all.dtype
    if dtype.kind != "f":
        return f"values of type {dtype} are kept to the last bit" if target.kind != "bytes" else ""
    if target.kind == "nrmse" and target.value < float(np.finfo(dtype).eps) / 8.0:
        return f"the error {target.value:g} is below the rounding of {dtype}: kept to the last bit"
    if target.kind == "bound":
        filled, _, _ = masks.fill(values.all, values.fills)
        largest = np.abs(filled).max()
        if target.value < 0.5 * float(np.spacing(largest)):
            return f"the bound {target.value:g} is below the rounding of {dtype} at {largest:g}: kept to the last bit"
    return ""
