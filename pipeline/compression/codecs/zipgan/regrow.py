"""Small scales regrown from the large ones by a short run of the Navier-Stokes equations, back in time and forth again.

du/dt = P(u x w) - nu k^2 u, w = curl u, P the projection on divergence-free fields, in a periodic box. In the dissipation range small
scales follow the large ones: K. Yoshida, J. Yamaguchi and Y. Kaneda, Phys. Rev. Lett. 94 (2005) 014501,
DOI 10.1103/PhysRevLett.94.014501, found that those beyond 0.2 / (Kolmogorov's length) are regained from the history of the rest. One
snapshot has no history, so it is made: waves that are known are marched back by a time T (viscosity amplifies them by no more than
exp(nu k^2 T)), then everything is marched forth by T, and the small scales grow on the way. Going back and forth is that of D. Auroux
and J. Blum, C. R. Math. 340 (2005) 873, DOI 10.1016/j.crma.2005.05.006; here there is one sweep.

Products are not dealiased; the tail is too weak to matter. Time steps are those of `pipeline.spectral.navier_stokes`.
"""

from typing import Any

import numpy as np
from scipy import fft

from pipeline.spectral.navier_stokes import Grid, Shape, grid, moved, points_of, steps_of

Array = np.ndarray[Any, np.dtype[Any]]

COURANT = 1.6  # of Kutta's method: stable to sqrt(3) on the imaginary axis


def regrow(waves: Array, shape: Shape, viscosity: float, time: float, known: float) -> Array:
    """Waves a sweep back and forth later.

    Parameters
    ----------
    waves
        (3, nz, ny, nx // 2 + 1) complex64, components (x, y, z), ``rfftn`` with norm "forward" of a field on ``shape``.
    viscosity
        In units of (longest side / 2 pi) x velocity.
    time
        Time of each way [(longest side / 2 pi) / velocity].
    known
        Waves below this |k| are marched back, all others begin at zero.
    """
    small = coarse(shape, known)
    near = grid(small)
    back = march(moved(waves, shape, small) * (near.square < known * known), near, viscosity, -time, known)
    reach = min(float(np.abs(axis).max()) for axis in grid(shape).axes)
    return march(moved(back, small, shape), grid(shape), viscosity, time, reach)


def coarse(shape: Shape, known: float) -> Shape:
    """A grid on which waves below ``known`` are barely aliased, in the proportions of ``shape``; ``shape`` itself where none is smaller."""
    longest = max(shape)
    for n in range(int(np.ceil(2.5 * known)), longest):
        if all(side * n % longest == 0 and side * n // longest % 2 == 0 for side in shape) and fft.next_fast_len(n, real=True) == n:
            z, y, x = (side * n // longest for side in shape)
            return z, y, x
    return shape


def march(waves: Array, on: Grid, viscosity: float, time: float, reach: float) -> Array:
    """Waves after ``time`` (below zero: before); waves at or beyond ``reach`` are zero."""
    keep: Array = (on.square < reach * reach).astype(np.float32)
    h: Array = waves * keep
    speed = float(np.sqrt((points_of(h, on.shape) ** 2).sum(0).max()))  # k.u is at most reach times this
    return steps_of(h, on, keep, viscosity, time, max(1, int(np.ceil(abs(time) * speed * reach / COURANT))))
