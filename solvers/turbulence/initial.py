"""Initial velocities by kind: at points, as functions of their phases (radian, along x, y, z), or by waves."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.errors import InputError
from pipeline.params import quantity
from solvers.turbulence import kernels
from solvers.turbulence.cube import Cube
from solvers.turbulence.waves import Waves

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class TaylorGreen:
    """G. I. Taylor, A. E. Green, Proc. R. Soc. Lond. A 158 (1937) 499-521, DOI 10.1098/rspa.1937.0036: sin x cos y cos z and its like."""

    speed: float = quantity("dimensionless", "greatest speed", default=1.0, above=0.0)

    def velocity(self, x: Array, y: Array, z: Array) -> tuple[Array, Array, Array]:
        """At phases that broadcast to (nz, ny, nx)."""
        u = self.speed * np.sin(x) * np.cos(y) * np.cos(z)
        v = -self.speed * np.cos(x) * np.sin(y) * np.cos(z)
        return u, v, np.zeros_like(u)


@dataclass(frozen=True, slots=True)
class Abc:
    """Arnold, Beltrami and Childress' flow, whose vorticity is its velocity: it decays by viscosity alone while it is stable (T. Dombre et
    al., J. Fluid Mech. 167 (1986) 353-391, DOI 10.1017/S0022112086002859, eq. 1.1)."""

    a: float = quantity("dimensionless", "of sin z and cos z", default=1.0)
    b: float = quantity("dimensionless", "of sin x and cos x", default=1.0)
    c: float = quantity("dimensionless", "of sin y and cos y", default=1.0)

    def velocity(self, x: Array, y: Array, z: Array) -> tuple[Array, Array, Array]:
        """At phases that broadcast to (nz, ny, nx)."""
        nought = 0.0 * (x + y + z)
        u = self.a * np.sin(z) + self.c * np.cos(y) + nought
        v = self.b * np.sin(x) + self.a * np.cos(z) + nought
        return u, v, self.c * np.sin(y) + self.b * np.cos(x) + nought


@dataclass(frozen=True, slots=True)
class Random:
    """Random waves without divergence whose energy in every shell of wavenumbers is given: k^slope exp(-slope (k / peak)^2 / 2) scaled to
    ``energy``, or ``spectrum``, the energies of shells 1, 2, ... (in units of the lowest wavenumber)."""

    energy: float = quantity("dimensionless", "kinetic energy, half the mean square of the speed", default=0.5, above=0.0)
    peak: float = quantity("dimensionless", "wavenumber of most energy, in units of the lowest", default=3.0, above=0.0)
    slope: float = quantity("dimensionless", "power of the wavenumber below the peak", default=4.0, above=0.0)
    spectrum: tuple[float, ...] = quantity("dimensionless", "energies of the shells instead", default=(), low=0.0)

    def __post_init__(self) -> None:
        if self.spectrum and sum(self.spectrum) <= 0.0:
            raise InputError("spectrum has no energy in it")

    def energies(self, shells: int) -> Array:
        """Energies of the shells (shells,), zero in that of the mean."""
        k = np.arange(shells)
        if self.spectrum:
            if len(self.spectrum) >= shells:
                raise InputError(f"solver.initial: spectrum has {len(self.spectrum)} shells; the mesh's points hold {shells - 1}")
            return np.concatenate([[0.0], self.spectrum, np.zeros(shells - 1 - len(self.spectrum))])
        if self.peak > shells - 1:
            raise InputError(f"initial waves: peak = {self.peak:g}; the mesh's points hold wavenumbers up to {shells - 1}")
        shape = k**self.slope * np.exp(-0.5 * self.slope * (k / self.peak) ** 2)
        if not shape.sum() > 0.0:
            raise InputError(f"initial waves: peak = {self.peak:g} with slope = {self.slope:g} leaves no wave any energy")
        return np.asarray(shape * (self.energy / shape.sum()))


KINDS = {"taylor_green": TaylorGreen, "abc": Abc, "random": Random}


def velocity(kind: TaylorGreen | Abc | Random, cube: Cube, waves: Waves, points: tuple[int, ...], seed: int) -> Array:
    """The waves (3, lz, ly, lx) of the initial velocity; the same ones on any number of ranks, to round-off. Collective.

    Parameters
    ----------
    points : (3,) of ``cube`` along x, y, z.
    """
    if isinstance(kind, Random):
        return shaped(noise(cube, waves, 3, seed), kind.energies(waves.shells), cube, waves)
    z, y, x = (2.0 * np.pi / n * np.arange(n)[own] for n, own in zip(points[::-1], cube.points, strict=True))
    return cube.spectrum(np.stack(kind.velocity(x, y[:, None], z[:, None, None])).astype(cube.real))


def noise(cube: Cube, waves: Waves, fields: int, *address: int) -> Array:
    """Waves (fields, lz, ly, lx) of white noise; each wave's from ``address`` and its number along y, whoever computes it."""
    lz, lx = len(waves.numbers[0]), int(cube.highest[0]) + 1
    v = np.empty((fields, *cube.shape), cube.complex)
    for place, number in enumerate(waves.numbers[1]):
        drawn = np.random.default_rng([*address, int(number) + cube.highest[1]]).standard_normal((2, fields, lz, lx))
        v[:, :, place] = (drawn[0] + 1j * drawn[1])[:, :, cube.waves[2]]
    return v


def shaped(v: Array, energies: Array, cube: Cube, waves: Waves) -> Array:
    """``v`` (fields, lz, ly, lx) made real at points, three fields without divergence, and scaled to ``energies`` (shells,). Collective."""
    if len(v) == 3:
        project(v, waves)
    v = cube.spectrum(cube.values(v))
    waves.cut(v)
    now = waves.by_shell(v, v)
    factors = np.sqrt(np.divide(energies, now, out=np.zeros_like(now), where=(now > 0.0) & (energies > 0.0)))
    return np.asarray(v * factors[waves.shell].astype(cube.real))


def project(v: Array, waves: Waves) -> None:
    """Take from the waves ``v`` (3, lz, ly, lx) their divergent part."""
    kernels.project(v, *waves.k)
