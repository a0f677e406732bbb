"""Detail that a base codec dropped, put back in agreement with the kept part: intervals and the energy of each shell.

Coefficients are those of `pipeline.spectral.craya`: (2, modes) complex, ordered by shell, on the points of any grid that
holds the box; their squares sum to those of the field at its points, so that another grid is another constant factor.
"""

import functools
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import fft

from pipeline.compression.codecs.solenoidal import Known
from pipeline.compression.codecs.zipgan.regrow import regrow
from pipeline.core.compiled import njit
from pipeline.core.errors import InputError
from pipeline.spectral.craya import Modes, Shape, coefficients, field, modes, shell_energies
from pipeline.spectral.navier_stokes import grid

Array = np.ndarray[Any, np.dtype[Any]]

STEP = 0.02  # of the logarithm of the ratio of neighbouring shells' energies: 1 % of the energy at most
KEPT = 0.99  # shells that hold this part of their energy from the base on need no energy sent
TAIL = 1e-5  # of k^2 E(k): what is beyond has no energy sent and is left out
EMPTY = 1e-7  # of k^2 E(k): a shell with less has no energy
HEAD = struct.Struct("<HHf")  # first shell, shells, energy of the first


@dataclass(frozen=True, slots=True)
class Conditions:
    """A block's base and energies on the grid where the detail is made."""

    shape: Shape  # of the block's points (nz, ny, nx)
    grid: Shape  # of the points where detail is made: the smallest suitable that holds the box
    box: Shape  # largest whole wavenumbers of the original along (z, y, x)
    values: Array  # (2, modes) complex64: the base
    low: Array  # (2, modes) complex64: least parts that give the base's numbers; -inf where it coded none
    high: Array  # (2, modes) complex64
    energy: Array  # (shells,) float64 of the original by shell, sum over points of squares; the base's own below ``first``
    first: int  # shells from here on have had their energy sent

    @property
    def modes(self) -> Modes:
        return modes(self.shape, self.box)

    @property
    def factor(self) -> float:
        """Coefficients on ``grid`` over those on ``shape``."""
        return float(np.sqrt(np.prod(self.grid, dtype=float) / np.prod(self.shape, dtype=float)))


def widened(parts: Array, shape: Shape, box: Shape, to: Shape, fill: complex) -> Array:
    """Coefficients (2, modes) of the box ``to``, ``fill`` where ``box`` has none."""
    near, far = modes(shape, box), modes(shape, to)
    whole = np.full((2, shape[0] * shape[1] * (shape[2] // 2 + 1)), fill, np.complex64)
    whole[:, near.place] = parts
    return whole[:, far.place]


def detail_grid(shape: Shape, box: Shape) -> Shape:
    """The smallest grid in the proportions of ``shape`` with even sides that holds ``box``; ``shape`` where none is smaller."""
    longest = max(shape)
    for n in range(2, longest):
        sides = [side * n for side in shape]
        if any(side % longest or side // longest % 2 for side in sides) or fft.next_fast_len(n, real=True) != n:
            continue
        z, y, x = (side // longest for side in sides)
        if 2 * box[0] < z and 2 * box[1] < y and 2 * box[2] < x:
            return z, y, x
    if any(side % 2 for side in shape):
        raise InputError(f"zipgan codes fields with even numbers of points whose spectrum fills all waves, not {shape}")
    return shape


def conditions(known: Known, box: Shape, sent: bytes) -> Conditions:
    """Everything a decoder knows, from the base and the energies ``sent``."""
    values = widened(known.values, known.shape, known.box, box, 0.0)
    infinite = complex(np.inf, np.inf)
    low = widened(_rounded(known.low, np.inf), known.shape, known.box, box, -infinite)
    high = widened(_rounded(known.high, -np.inf), known.shape, known.box, box, infinite)
    energy = read_energies(sent, shell_energies(values, modes(known.shape, box)))
    first, _, _ = HEAD.unpack_from(sent)
    return Conditions(known.shape, detail_grid(known.shape, box), box, values, low, high, energy, first)


def _rounded(parts: Array, towards: float) -> Array:
    """Coefficients as complex64, real and imaginary parts rounded up or down: what is within bounds of single precision is within them."""
    exact = np.ascontiguousarray(parts).view(parts.real.dtype)
    near = exact.astype(np.float32)
    off = near < exact if towards > 0.0 else near > exact
    return np.where(off, np.nextafter(near, np.float32(towards)), near).view(np.complex64)


def write_energies(original: Array, base: Array) -> bytes:
    """Energies (shells,) of the original in a byte a shell, from the first that the base holds less than `KEPT` of.

    A byte is the logarithm of the ratio to the shell before, in steps of `STEP`; zero is a shell without energy.
    """
    square = np.arange(len(original)) ** 2 * original
    rest = np.cumsum(square[::-1])[::-1]
    some = square > EMPTY * rest[0]
    last = max(int(np.count_nonzero(rest > TAIL * rest[0])), 1)
    lacking = np.flatnonzero(((base < KEPT * original) & some)[:last])
    first = max(int(lacking[0]), 1) if len(lacking) else last
    before = float(np.float32(original[first])) if first < last else 0.0
    out = bytearray(HEAD.pack(first, last - first, before))
    for s in range(first, last):
        code = int(np.clip(np.rint(np.log(original[s] / before) / STEP), -127, 127)) if some[s] else -128
        before *= float(np.exp(STEP * code)) if some[s] else 1.0
        out.append(code + 128)
    return bytes(out)


def read_energies(sent: bytes, base: Array) -> Array:
    """Energies (shells,) that were written; the base's own before the first, zero after the last."""
    if len(sent) < HEAD.size:
        raise InputError("a damaged zipgan block: no energies")
    first, count, before = HEAD.unpack_from(sent)
    if not 1 <= first <= len(base) or first + count > len(base) or len(sent) != HEAD.size + count or not 0.0 <= before < np.inf:
        raise InputError("a damaged zipgan block: energies of more shells than the field has")
    energy = np.zeros(len(base))
    energy[:first] = base[:first]
    codes = np.frombuffer(sent, np.uint8, count, HEAD.size).astype(float) - 128.0
    some = codes > -128.0
    energy[first : first + count] = np.where(some, before * np.exp(STEP * np.cumsum(np.where(some, codes, 0.0))), 0.0)
    return energy


def grown(about: Conditions, viscosity: float, spans: float) -> Array:
    """Coefficients (2, modes) on ``about.grid`` of small scales regrown from the base for so many Kolmogorov times each way."""
    vorticity = max(scales(about)[0], 1e-30)  # time is counted in its inverse, so that no unit is too large or small
    start = field(about.values * np.complex64(about.factor / vorticity), about.grid, box=about.box)
    waves = fft.rfftn(start, axes=(1, 2, 3), norm="forward")
    lost = np.flatnonzero(shell_energies(about.values, about.modes) < 0.5 * about.energy)
    known = float(lost[lost > 0][0]) if np.any(lost > 0) else float(len(about.energy))
    known = min(known, min(float(np.abs(axis).max()) for axis in grid(about.grid).axes))
    after = regrow(waves.astype(np.complex64), about.grid, viscosity / vorticity, spans, known)
    return parts_of(np.asarray(fft.irfftn(after, s=about.grid, axes=(1, 2, 3), norm="forward")), about) * np.complex64(vorticity)


def scales(about: Conditions) -> tuple[float, float]:
    """Root mean square of the vorticity [velocity / (longest side / 2 pi)], and the part of the dissipation that the base lacks."""
    square = np.arange(len(about.energy)) ** 2
    whole = float((square * about.energy).sum())
    base = float((square * shell_energies(about.values, about.modes)).sum())
    return float(np.sqrt(whole / np.prod(about.shape, dtype=float))), max(1.0 - base / whole, 0.0) if whole > 0.0 else 0.0


def gradients(parts: Array, on: Shape, box: Shape) -> Array:
    """d u_i / d x_j (9, *on) float32 at 3 i + j of coefficients (2, modes) scaled for the grid ``on`` [per (longest side / 2 pi)]."""
    unit = np.array([max(on) / n for n in on[::-1]], np.float32)
    numbers = modes(on, box).numbers().astype(np.float32) * unit[:, None]
    out = np.empty((9, *on), np.float32)
    for j in range(3):
        out[j::3] = field(np.complex64(1j) * numbers[j] * parts, on, box=box)
    return out


def inputs(about: Conditions, parts: Array) -> Array:
    """Inputs of the network (12, *grid) float32: velocity gradients of ``parts``, and their difference from the base."""
    vorticity, _ = scales(about)
    scale = np.complex64(about.factor / max(vorticity, 1e-30))
    change = field((parts - about.values) * (scale * np.complex64(max(about.grid) / 2)), about.grid, box=about.box)
    return np.concatenate([gradients(scale * parts, about.grid, about.box), change])


class Boosting:
    """Detail that is strengthened or weakened where gradients are strong: coefficients ``parts`` (2, modes) less those of the base."""

    def __init__(self, parts: Array, about: Conditions) -> None:
        self._parts, self._about = parts, about

    @functools.cached_property
    def _points(self) -> tuple[Array, Array]:
        """The difference (3, *grid) and the squared gradient (*grid) at each point."""
        about = self._about
        factor = np.complex64(about.factor)
        vorticity = np.complex64(max(scales(about)[0], 1e-30))
        strength = (gradients(factor / vorticity * self._parts, about.grid, about.box) ** 2).sum(axis=0)
        return field((self._parts - about.values) * factor, about.grid, box=about.box), strength

    def by(self, boost: float) -> Array:
        """Coefficients whose difference is multiplied point by point by 1 + boost * g, g the squared gradient over its mean.

        A ``boost`` below zero weakens: it divides by 1 - boost * g.
        """
        if boost == 0.0:
            return self._parts
        change, strength = self._points
        weight = (1.0 + np.float32(abs(boost)) * strength / strength.mean()) ** np.sign(boost)
        weight /= np.sqrt((weight**2).mean())
        return self._about.values + parts_of(change * weight, self._about)


def flatness(parts: Array, about: Conditions) -> Array:
    """Flatness (2,) of the longitudinal and of the transverse velocity derivatives."""
    square = gradients(np.complex64(about.factor) * parts, about.grid, about.box).astype(np.float64) ** 2
    along, across = square[[0, 4, 8]], square[[1, 2, 3, 5, 6, 7]]
    return np.array([(each**2).mean() / max(each.mean() ** 2, 1e-300) for each in (along, across)])


def viscosity(parts: Array, shape: Shape, box: Shape) -> float:
    """An estimate of the viscosity from one snapshot, in units of (longest side / 2 pi) x velocity.

    Where the stretching of vorticity is balanced by viscosity, nu = <w.S.w> / <|curl w|^2>. It is held between 0.7 and 3 Kolmogorov
    lengths times the largest wave number, so that a field without that balance gets something that can be marched.
    """
    on = detail_grid(shape, box)
    factor = np.sqrt(np.prod(on, dtype=float) / np.prod(shape, dtype=float))
    energy = shell_energies(parts, modes(shape, box))
    number = np.arange(len(energy))
    points = np.prod(shape, dtype=float)
    vorticity = max(float(np.sqrt((number**2 * energy).sum() / points)), 1e-30)
    g = gradients(np.complex64(factor / vorticity) * parts, on, box)
    w = np.stack([g[7] - g[5], g[2] - g[6], g[3] - g[1]])
    stretching = float(np.mean(np.einsum("i...,ij...,j...->...", w, g.reshape(3, 3, *on), w), dtype=np.float64))
    curl = float((number**4 * energy).sum() / points) / vorticity**2
    top = min(max(shape) * b / n for b, n in zip(box, shape, strict=True))
    return vorticity * float(np.clip(stretching / max(curl, 1e-30), (0.7 / top) ** 2, (3.0 / top) ** 2))


def parts_of(values: Array, about: Conditions) -> Array:
    """Coefficients (2, modes) of the box, scaled to the block's points, of values (3, *grid); divergence is left out."""
    whole = coefficients(values)
    dense = np.zeros((2, about.grid[0] * about.grid[1] * (about.grid[2] // 2 + 1)), np.complex64)
    dense[:, modes(about.grid).place] = whole
    return dense[:, modes(about.grid, about.box).place] / np.complex64(about.factor)


def agreed(parts: Array, about: Conditions) -> tuple[Array, Array]:
    """Coefficients that give the base's numbers and have the energies sent, and the gains (shells,) it took.

    Parts (real, imaginary) whose number is zero are multiplied by one gain a shell; all are then moved into their intervals.
    """
    lows, highs = _reals(about.low), _reals(about.high)
    flat = _reals(parts)
    gains = np.ones(len(about.energy))
    _gains(flat, lows, highs, 4 * about.modes.start, about.energy, about.first, gains)
    free = (lows < 0.0) & (highs > 0.0)
    each = np.repeat(gains.astype(np.float32), 4 * np.diff(about.modes.start))
    fixed = np.clip(np.where(free, flat * each, flat), lows, highs)
    return np.ascontiguousarray(fixed.view(np.complex64).reshape(-1, 2).T), gains


def within(parts: Array, about: Conditions) -> Array:
    """Coefficients moved as little as needed into their intervals."""
    fixed = np.clip(_reals(parts), _reals(about.low), _reals(about.high))
    return np.ascontiguousarray(fixed.view(np.complex64).reshape(-1, 2).T)


def _reals(parts: Array) -> Array:
    """Coefficients (2, modes) as (4 modes,) float32, mode by mode."""
    return np.ascontiguousarray(parts.T, np.complex64).view(np.float32).reshape(-1)


@njit(cache=True)
def _energy(x: Array, low: Array, high: Array, gain: float) -> float:
    """The sum of squares of one shell's parts after a gain."""
    total = 0.0
    for i in range(x.size):
        value = x[i]
        if low[i] < 0.0 and high[i] > 0.0:
            value *= gain
        value = min(max(value, low[i]), high[i])
        total += value * value
    return total


@njit(cache=True)
def _gains(x: Array, low: Array, high: Array, start: Array, energy: Array, first: int, gains: Array) -> None:
    """The gain of each shell from ``first`` on that gives its energy, or as near as intervals allow."""
    for s in range(first, start.size - 1):
        own = slice(start[s], start[s + 1])
        down, up = 0.0, 1.0
        while up < 1e6 and _energy(x[own], low[own], high[own], up) < energy[s]:
            down, up = up, 2.0 * up
        for _ in range(25):
            middle = 0.5 * (down + up)
            if _energy(x[own], low[own], high[own], middle) < energy[s]:
                down = middle
            else:
                up = middle
        gains[s] = 0.5 * (down + up)
