"""Initial velocities. A module a kind.

Each has a dataclass `Params` with ``velocity(x, y, z)``, the velocity at phases (radian) broadcast to (nz, ny, nx), or with
``energies(shells)``, the energies of shells of random waves.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from solvers.turbulence.cube import Cube
    from solvers.turbulence.waves import OwnWaves

Array = np.ndarray[Any, np.dtype[Any]]


def velocity(kind: Any, cube: "Cube", waves: "OwnWaves", points: tuple[int, ...], seed: int) -> Array:
    """The waves (3, lz, ly, lx) of the initial velocity; the same on any number of ranks, to round-off. Collective.

    Parameters
    ----------
    points
        (3,) of ``cube`` along x, y, z.
    """
    if hasattr(kind, "energies"):
        return shaped(noise(cube, waves, 3, seed), kind.energies(waves.shells), cube, waves)
    z, y, x = (2.0 * np.pi / n * np.arange(n)[own] for n, own in zip(points[::-1], cube.points, strict=True))
    return cube.spectrum(np.stack(kind.velocity(x, y[:, None], z[:, None, None])).astype(cube.real))


def noise(cube: "Cube", waves: "OwnWaves", fields: int, *address: int) -> Array:
    """Waves (fields, lz, ly, lx) of white noise; each wave's from ``address`` and its number along y, whoever computes it."""
    lz, lx = len(waves.numbers[0]), int(cube.highest[0]) + 1
    v = np.empty((fields, *cube.shape), cube.complex)
    for place, number in enumerate(waves.numbers[1]):
        drawn = np.random.default_rng([*address, int(number) + cube.highest[1]]).standard_normal((2, fields, lz, lx))
        v[:, :, place] = (drawn[0] + 1j * drawn[1])[:, :, cube.waves[2]]
    return v


def shaped(v: Array, energies: Array, cube: "Cube", waves: "OwnWaves") -> Array:
    """``v`` (fields, lz, ly, lx) made real at points, three fields without divergence, and scaled to ``energies`` (shells,). Collective."""
    if len(v) == 3:
        project(v, waves)
    v = cube.spectrum(cube.values(v))
    waves.cut(v)
    now = waves.by_shell(v, v)
    factors = np.sqrt(np.divide(energies, now, out=np.zeros_like(now), where=(now > 0.0) & (energies > 0.0)))
    return np.asarray(v * factors[waves.shell].astype(cube.real))


def project(v: Array, waves: "OwnWaves") -> None:
    """Take from the waves ``v`` (3, lz, ly, lx) their divergent part."""
    from pipeline.spectral.kernels import project as take  # what only lists kinds of initial states loads no numba

    take(v, *waves.k)
