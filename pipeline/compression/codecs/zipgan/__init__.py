"""The codec ``zipgan``: the codec ``solenoidal`` to most of the bytes, and the small scales it dropped made anew by the decoder.

After M. Nista et al. (arXiv:2412.14150), who restore a filtered simulation by a generative adversarial network. Here the decoder

1. decodes the base, a `solenoidal` block, and the original's energy of each shell, sent in a byte a shell;
2. regrows small scales from it by a short run of the Navier-Stokes equations (`regrow`);
3. corrects them by a trained network (`generator`);
4. strengthens or weakens the detail where gradients are strong, by a number the encoder chose for the right flatness of derivatives;
5. makes it divergence-free, gives each shell its energy, and moves every coefficient into the interval that its number stands for
   (`detail`): beside the same prediction it gets the number that was sent.

A field that is not periodic, or a part of a field, has SPERR as its base: `box_block`, in blocks of version 2.

The encoder runs the decoder. Where its error is more than `WORST` times the base's, the block is the bare base, and says so.
"""

import struct
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from pipeline.compression.codecs import solenoidal
from pipeline.compression.codecs.zipgan import box_block, detail, networks
from pipeline.compression.codecs.zipgan.detail import Conditions
from pipeline.compression.target import Target
from pipeline.core.errors import InputError
from pipeline.spectral.craya import Shape, Spectrum, field, modes, project, shell_energies, spectrum

Array = np.ndarray[Any, np.dtype[Any]]

TARGETS = ("nrmse", "bytes")
PATIENCE = 120.0  # [s] of processor time, beside what its size takes: kernels are compiled first
VERSION = 1
TYPES = ("<f4", "<f8")
HEAD = struct.Struct("<BBB3HfHI8s")  # version, type, boost, box, viscosity, bytes of energies, of the base, weights
BARE = 255  # the ``boost`` of a block that is the base alone
PLAIN = 254  # ... of one whose detail is what was found likeliest: neither boosted nor given its energy
RISING = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
FALLING = (0.0, -0.02, -0.05, -0.1, -0.2, -0.4)
BOOSTS = RISING + FALLING[1:]
SPANS = 1.5  # Kolmogorov times that small scales are regrown for
WORST = 1.4  # times the base's error: more is not worth the right statistics
TRIES = 8  # of bases, to fill the bytes given
SMALLEST = 1e-9  # of the energy: waves beyond which there is no more along each axis are not in the box
ENCODE_REFUSES = True  # what does not suit: a block is transformed once
VARIANTS = {"least": {"least": True}}  # detail of the least error


@dataclass(frozen=True, slots=True)
class Contents:
    """Contents of a coded block."""

    type: str
    boost: int  # of `BOOSTS`, or `BARE`
    box: Shape
    viscosity: float  # in units of (longest side / 2 pi) x velocity
    energies: bytes
    base: bytes
    weights: bytes  # the first 8 of their SHA-256


def refuses(values: Array) -> str:
    """Give the reason why a block can't be coded, on either base, or nothing."""
    why, _ = _examined(values)
    return _neither(why, values) if why else ""


def _examined(values: Array) -> tuple[str, Spectrum | None]:
    """Give the reason why the base can't be `solenoidal`, or nothing; and the transform."""
    why, transform = solenoidal.examined(values)
    if why or transform is None:
        return why.replace("solenoidal codes", "zipgan codes"), transform
    try:
        detail.detail_grid(_shape(values), extent(transform))
    except InputError as error:
        return str(error), transform
    return "", transform


def _neither(why: str, values: Array) -> str:
    """Give the reason why the base can't be SPERR either, after the reason against `solenoidal`; or nothing."""
    return f"{why}; {other}" if (other := box_block.refuses(values)) else ""


def encode(values: Array, target: Target, *, least: bool = False) -> bytes:
    """Bytes of ``values`` (3, nz, ny, nx), components (u, v, w), to a target: an error or a number of bytes.

    With ``least`` the detail has the least error, and too little energy; without, it has the energy and the flatness of the original, and
    about the base's error.

    Raises
    ------
    InputError
        The field does not suit (`refuses`), the target is of another kind or can't be met, or there is no torch.
    """
    if target.kind not in TARGETS:
        raise InputError(f"zipgan can't code to a {target.kind}; it can to: {', '.join(TARGETS)}")
    why, transform = _examined(values)
    if why or transform is None:
        if reason := _neither(why, values):
            raise InputError(reason)
        return box_block.encode(values, target, least=least)
    original = Original.made(transform)
    if target.kind == "bytes":
        return _sized(values, original, int(target.value), least)
    aim = target.value
    for _ in range(6):
        data, error = _coded(values, original, base(values, original, Target("nrmse", aim)), least)
        if error <= target.value:
            return data
        aim *= 0.98 * target.value / error
    return _bare(values, target)


@dataclass(frozen=True, slots=True)
class Original:
    """A field's waves and measures, for the encoder."""

    box: Shape
    parts: Array  # (2, modes) complex64
    energy: Array  # (shells,)
    viscosity: float
    total: float  # sum of squares, mean included
    lost: float  # of it outside the box

    @classmethod
    def of(cls, values: Array) -> "Original":
        """Measured."""
        return cls.made(spectrum(values))

    @classmethod
    def made(cls, transform: Spectrum) -> "Original":
        """Measure the transform of a field."""
        box = extent(transform)
        parts = project(transform, modes(transform.shape, box)).astype(np.complex64)
        energy = shell_energies(parts, modes(transform.shape, box))
        lost = transform.lost + max(transform.energy - float(energy.sum()), 0.0)
        total = transform.energy + transform.lost + float((transform.mean**2).sum()) * float(np.prod(transform.shape, dtype=float))
        return cls(box, parts, energy, detail.viscosity(parts, transform.shape, box), total, lost)


def extent(transform: Spectrum) -> Shape:
    """The largest whole wavenumbers (z, y, x) that hold all but `SMALLEST` of the energy."""
    sides = []
    for along in transform.planes:
        outside = np.cumsum(along[::-1])[::-1]
        sides.append(max(int(np.count_nonzero(outside > SMALLEST * transform.energy)) - 1, 1))
    return sides[0], sides[1], sides[2]


def _sized(values: Array, original: Original, most: int, least: bool) -> bytes:
    """The block in at most so many bytes."""
    if fits := _fitting(values, original, most):
        return _coded(values, original, fits, least)[0]
    try:
        return _bare(values, Target("bytes", most - HEAD.size))
    except InputError as error:
        raise InputError(f"zipgan can't code a block in {most} bytes: beside {HEAD.size} of its own, {error}") from error


def _fitting(values: Array, original: Original, most: int) -> "Base | None":
    """The largest base found that fits into ``most`` bytes with all that goes with it, or nothing.

    A base may take less than it was given, and a smaller base lacks more shells, whose energies take more. So a base that doesn't fit is
    followed by a smaller one than it was, each time by more.
    """
    ask, best, step = most - HEAD.size - detail.HEAD.size, None, 2
    for tried in count():
        if best is not None and tried >= TRIES:
            break
        try:
            found = base(values, original, Target("bytes", ask))
        except InputError:
            break  # too few for any base
        left = most - HEAD.size - len(found.energies) - len(found.coded)
        if left >= 0 and (best is None or len(found.coded) > len(best.coded)):
            best = found
        if 0 <= left <= most // 200:
            break
        if left < 0:
            ask, step = len(found.coded) + left - step, 2 * step
        else:
            ask += left
    return best


@dataclass(frozen=True, slots=True)
class Base:
    """A coded base, the energies that go with it, and a decoder's knowledge of both."""

    coded: bytes
    energies: bytes
    conditions: Conditions


def base(values: Array, original: Original, target: Target) -> Base:
    """The base coded to ``target``."""
    coded = solenoidal.encode(values, target)
    known = solenoidal.known(coded)
    kept = detail.widened(known.values, known.shape, known.box, original.box, 0.0)
    energies = detail.write_energies(original.energy, shell_energies(kept, modes(known.shape, original.box)))
    return Base(coded, energies, detail.conditions(known, original.box, energies))


def _coded(values: Array, original: Original, on: Base, least: bool) -> tuple[bytes, float]:
    """The block on a base, and its error (root mean square over that of the field)."""
    about = on.conditions

    def error(parts: Array) -> float:
        lost = original.lost + float((np.abs(parts - original.parts) ** 2).sum(dtype=np.float64))
        return float(np.sqrt(lost / max(original.total, 1e-300)))

    bare = error(about.values)
    boost, found = BARE, bare
    if about.energy[about.first :].any():
        candidate = _candidate(about, original.viscosity)
        boosting = detail.Boosting(candidate, about)
        want = detail.flatness(original.parts, about)
        wrong = np.inf
        for tried in ([PLAIN],) if least else (RISING, FALLING):
            for value in tried:
                number = PLAIN if least else BOOSTS.index(value)
                parts = detail.within(candidate, about) if least else detail.agreed(boosting.by(value), about)[0]
                off, here = error(parts), float(np.abs(np.log(detail.flatness(parts, about) / want)).max())
                if off > (1.0 if least else WORST) * bare or here > wrong:
                    break  # further on, the flatness is further off
                wrong, boost, found = here, number, off
            if boost not in (0, BARE):
                break  # it rose
    if boost == BARE:
        return _pack(Contents(values.dtype.str, BARE, original.box, 0.0, b"", on.coded, b"")), found
    return _pack(Contents(values.dtype.str, boost, original.box, original.viscosity, on.energies, on.coded, networks.used()[1])), found


def _bare(values: Array, target: Target) -> bytes:
    base = solenoidal.encode(values, target)
    return _pack(Contents(values.dtype.str, BARE, (0, 0, 0), 0.0, b"", base, b""))


def _pack(block: Contents) -> bytes:
    kind = TYPES.index(block.type)
    viscosity = float(np.float32(block.viscosity))
    head = HEAD.pack(VERSION, kind, block.boost, *block.box, viscosity, len(block.energies), len(block.base), block.weights)
    return head + block.energies + block.base


def unpack(data: bytes) -> Contents:
    """The parts of a block.

    Raises
    ------
    InputError
        The bytes are not a block's.
    """
    if len(data) < HEAD.size:
        raise InputError("not a zipgan block: too short")
    version, kind, boost, z, y, x, viscosity, energies, base, named = HEAD.unpack_from(data)
    if version != VERSION:
        raise InputError(f"not a zipgan block of version {VERSION}: its first byte is {version}")
    if kind >= len(TYPES) or not (boost < len(BOOSTS) or boost in (BARE, PLAIN)) or len(data) != HEAD.size + energies + base:
        raise InputError("a damaged zipgan block")
    at = HEAD.size + energies
    return Contents(TYPES[kind], boost, (z, y, x), viscosity, data[HEAD.size : at], data[at:], named)


def decode(data: bytes) -> Array:
    """The field (3, nz, ny, nx) of a block, in its own type.

    Raises
    ------
    InputError
        The bytes are not a block's, or were coded with other weights; or there is no torch.
    """
    if data[:1] == bytes([box_block.VERSION]):
        return box_block.decode(data)
    block = unpack(data)
    if block.boost == BARE:
        return solenoidal.decode(block.base)
    networks.named(block.weights)
    known = solenoidal.known(block.base)
    about = detail.conditions(known, block.box, block.energies)
    parts = _finished(about, _candidate(about, block.viscosity), block.boost)
    return field(parts, about.shape, known.mean, about.box).astype(block.type)


def _candidate(about: Conditions, viscosity: float) -> Array:
    """Coefficients (2, modes) of the regrown and corrected field."""
    parts = detail.grown(about, viscosity, SPANS)
    vorticity, lacking = detail.scales(about)
    made = networks.used()[0](detail.inputs(about, parts), lacking)
    return parts + detail.parts_of(made * np.float32(vorticity / (max(about.grid) / 2)), about)


def _finished(about: Conditions, candidate: Array, boost: int) -> Array:
    """The coefficients (2, modes) that are decoded."""
    if boost == PLAIN:
        return detail.within(candidate, about)
    return detail.agreed(detail.Boosting(candidate, about).by(BOOSTS[boost]), about)[0]


def _shape(values: Array) -> Shape:
    return values.shape[1], values.shape[2], values.shape[3]
