"""The waves of a cube that one rank has, and sums over the waves of all ranks."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.spectral import kernels
from pipeline.spectral.shells import shell_of
from pipeline.spectral.wavenumbers import kept, lowest, wavenumbers
from solvers.core.comm import Comm

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class OwnWaves:
    """Wavenumbers along each axis, in the solver's precision, and the shell of every wave."""

    comm: Comm
    numbers: tuple[Array, Array, Array]  # own whole numbers along z, y, x
    k: tuple[Array, Array, Array]  # own wavenumbers along z, y, x [1/length]
    shell: Array  # (lz, ly, lx) |k| over the lowest wavenumber, to the nearest
    shells: int
    lowest_along: tuple[float, ...]  # (3,) lowest wavenumber along x, y, z [1/length]
    lowest: float  # [1/length] the least of them, and the shells' width
    highest: float  # [1/length] the least of the highest ones along the three axes
    limit: Any  # of |k|^2, in the solver's precision: waves above it are zero

    @property
    def squares(self) -> Array:
        """|k|^2 (lz, ly, lx)."""
        kz, ky, kx = (k.astype(float) for k in self.k)
        return np.asarray(kz[:, None, None] ** 2 + ky[:, None] ** 2 + kx**2)

    @property
    def first(self) -> bool:
        """Whether the waves with kx = 0 are this rank's."""
        return bool(len(self.numbers[2]) and self.numbers[2][0] == 0)

    def cut(self, v: Array) -> None:
        """Set the waves of ``v`` (fields, lz, ly, lx) beyond `limit` to zero."""
        if np.isfinite(self.limit):
            v[:, self.squares > self.limit] = 0.0

    def total(self, own: Array) -> Array:
        """The sum over ranks of ``own``, in their order. Collective."""
        return np.asarray(sum(self.comm.gather(own)))

    def by_shell(self, one: Array, other: Array) -> Array:
        """Half the real part of conj(one) other, waves (fields, lz, ly, lx), summed over all ranks by shells (shells,). Collective."""
        found = np.zeros(self.shells)
        kernels.shells(one, other, self.shell, self.first, found)
        return self.total(found)


def waves(comm: Comm, lengths: tuple[float, ...], highest: tuple[int, ...], own: tuple[slice, ...], real: Any, *, sphere: bool) -> OwnWaves:
    """The waves in the ranges ``own`` (along z, y, x) of all up to ``highest`` (along x, y, z) in a cube of ``lengths``.

    With ``sphere`` waves are zero whose |k| is above the least of the highest along the axes.
    """
    along = [kept(top) for top in highest]
    along[0] = along[0][: highest[0] + 1]
    z, y, x = (along[axis][part] for axis, part in zip((2, 1, 0), own, strict=True))
    kz, ky, kx = (wavenumbers(number, lengths[axis]) for axis, number in zip((2, 1, 0), (z, y, x), strict=True))
    lowest_along = tuple(lowest([length]) for length in lengths)
    ends = [low * top for low, top in zip(lowest_along, highest, strict=True)]
    width, top = lowest(lengths), min(ends)
    shell = shell_of(np.sqrt(kz[:, None, None] ** 2 + ky[:, None] ** 2 + kx**2) / width).astype(np.int32)
    shells = int(shell_of(np.sqrt(sum(end**2 for end in ends)) / width)) + 1
    limit = np.dtype(real).type((1.0 + 1e-6) * top**2 if sphere else np.inf)
    own_k = (kz.astype(real), ky.astype(real), kx.astype(real))
    return OwnWaves(comm, (z, y, x), own_k, shell, shells, lowest_along, width, top, limit)
