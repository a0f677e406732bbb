"""Blocks of ``zipgan`` for velocities that are not periodic: SPERR to nearly all of the bytes, and the detail of `box_detail`.

The encoder runs the decoder, and takes the best: detail with the energy of each scale (``FULL``) where its error is at most `WORST`
times the base's; else, or where the least error is asked for and this has less, detail without (``LEAST``); or the bare base.
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.compression.codecs import sperr
from pipeline.compression.codecs.core import measures
from pipeline.compression.codecs.zipgan import box_detail, boxes, cdf97, networks
from pipeline.compression.codecs.zipgan.box_detail import BoxBase, Sent
from pipeline.compression.target import Target
from pipeline.core.errors import InputError
from pipeline.spectral.navier_stokes import grid

Array = np.ndarray[Any, np.dtype[Any]]
Shape = tuple[int, int, int]

VERSION = 2
TYPES = ("<f4", "<f8")
HEAD = struct.Struct("<BBBBffeB8s")  # version, type, mode, known, vorticity, viscosity, lacking, scales, weights
BARE, LEAST, FULL = 0, 1, 2  # modes
WORST = 1.4  # times the base's error: more is not worth the right statistics
DIVERGENCE = 0.1  # of the gradient, inside: what is more is no flow of constant density
FEWEST = 16  # points along an axis


@dataclass(frozen=True, slots=True)
class Made:
    """A block and its error (root mean square over that of the values)."""

    data: bytes
    error: float


def refuses(values: Array) -> str:
    """Give the reason why a block can't be coded, or nothing."""
    if values.ndim != 4 or values.shape[0] != 3 or values.dtype not in (np.float32, np.float64) or not np.isfinite(values).all():
        return "zipgan on SPERR codes three finite components on (z, y, x)"
    shape = _shape(values)
    if min(shape) < FEWEST or not cdf97.levels(shape):
        return f"zipgan on SPERR codes blocks with {FEWEST} points a side or more whose sides are halved equally often, not {shape}"
    wide = boxes.extended((values - values.mean(axis=(1, 2, 3), keepdims=True)).astype(np.float32))
    g = boxes.inside(boxes.slopes(boxes.waves_of(wide), grid(boxes.outer(shape))), shape)
    ratio = float(np.sqrt(((g[0] + g[4] + g[8]) ** 2).mean(dtype=float) / max(float((g**2).mean(dtype=float)), 1e-300)))
    return "" if ratio <= DIVERGENCE else f"inside the divergence is {ratio:.2g} of the gradient, more than {DIVERGENCE:g}"


def encode(values: Array, target: Target, *, least: bool = False) -> bytes:
    """Bytes of ``values`` (3, nz, ny, nx) to a number of bytes, or to a root mean square error.

    Raises
    ------
    InputError
        The target can't be met, or there is no torch.
    """
    if target.kind == "bytes":
        room = target.value - HEAD.size - 2 * cdf97.levels(_shape(values))
        if room < 1.0:
            raise InputError(f"zipgan can't code a block in {target.value:g} bytes")
        return _coded(values, sperr.encode(values, Target("bytes", room)), least).data
    best, aim = _bare(values, sperr.encode(values, target)), target.value
    for _ in range(4):
        made = _coded(values, sperr.encode(values, Target("nrmse", aim)), least)
        if made.error <= target.value and len(made.data) < len(best):
            best = made.data
        aim *= 0.98 * target.value / made.error
    return best


def _coded(values: Array, coded: bytes, least: bool) -> Made:
    """The block on a coded base."""
    decoded = sperr.decode(coded)
    bare = measures.nrmse(values, decoded)
    nothing = Made(_bare(values, coded), bare)
    try:
        base = box_detail.read_base(coded, decoded)
    except InputError:
        return nothing
    start = box_detail.cleared(base)
    sent = box_detail.rounded(box_detail.told(values, base, start))
    network, digest = networks.used(networks.BOX)
    field = _candidate(start, sent, network)
    best = nothing
    for mode in (FULL, LEAST):
        found = box_detail.finished(field, base, sent, mode == FULL).astype(values.dtype)
        error = measures.nrmse(values, found)
        allowed = WORST * bare if mode == FULL and not least else best.error
        if error <= allowed and box_detail.agrees(found, base):
            best = Made(_pack(values, mode, sent, digest, coded), error)
            if not least:
                break
    return best


def _candidate(start: Array, sent: Sent, network: networks.Network) -> Array:
    """The cleared base with regrown scales and corrections, (3, nz, ny, nx)."""
    field, seen = box_detail.candidate(start, sent)
    shape = _shape(start)
    return field + boxes.inside(network(seen, sent.lacking), shape) * np.float32(box_detail.unit(shape, sent))


def _pack(values: Array, mode: int, sent: Sent, digest: bytes, coded: bytes) -> bytes:
    kind = TYPES.index(values.dtype.newbyteorder("<").str)
    told = sent.vorticity, sent.viscosity, sent.lacking, len(sent.spreads)
    return HEAD.pack(VERSION, kind, mode, sent.known, *told, digest) + sent.spreads.astype("<f2").tobytes() + coded


def _bare(values: Array, coded: bytes) -> bytes:
    return _pack(values, BARE, Sent(0.0, 0.0, 0.0, 0, np.zeros(0)), b"", coded)


@dataclass(frozen=True, slots=True)
class BoxContents:
    """The parts of a block."""

    type: str
    mode: int
    sent: Sent
    weights: bytes
    base: bytes


def unpack(data: bytes) -> BoxContents:
    """The parts of a block; `InputError` where it is damaged."""
    if len(data) < HEAD.size:
        raise InputError("a damaged zipgan block: too short")
    version, kind, mode, known, vorticity, viscosity, lacking, count, digest = HEAD.unpack_from(data)
    if version != VERSION:
        raise InputError(f"not a zipgan block of version {VERSION}: its first byte is {version}")
    end = HEAD.size + 2 * count
    sound = np.isfinite([vorticity, viscosity, lacking]).all() and (mode == BARE or (vorticity > 0.0 and viscosity > 0.0))
    if kind >= len(TYPES) or mode not in (BARE, LEAST, FULL) or len(data) < end or not sound:
        raise InputError("a damaged zipgan block")
    spreads = np.frombuffer(data[HEAD.size : end], "<f2").astype(float)
    return BoxContents(TYPES[kind], mode, Sent(vorticity, viscosity, lacking, known, spreads), digest, data[end:])


def decode(data: bytes) -> Array:
    """The velocity (3, nz, ny, nx) of a block, in its own type; within half a step of the base in every coefficient of SPERR's transform.

    Raises
    ------
    InputError
        The bytes are not a block's, or were coded with other weights; or there is no torch.
    """
    block = unpack(data)
    values = sperr.decode(block.base)
    if block.mode == BARE:
        return values
    network = networks.named(block.weights, networks.BOX)
    base: BoxBase = box_detail.read_base(block.base, values)
    if values.ndim != 4 or len(block.sent.spreads) != cdf97.levels(_shape(values)):
        raise InputError("a damaged zipgan block: it tells of other scales than its field has")
    field = _candidate(box_detail.cleared(base), block.sent, network)
    return box_detail.finished(field, base, block.sent, block.mode == FULL).astype(block.type)


def _shape(values: Array) -> Shape:
    return values.shape[1], values.shape[2], values.shape[3]
