"""Velocity between two snapshots of turbulence in a periodic box, by the Navier-Stokes equations that the run's case says.

    du/dt = N(u) - nu k^2 u + f,    N(u) = P(u x curl u), P the projection on divergence-free fields

`hermite` is the cubic through both ends with this rate of change as slopes; `between` marches instead: forth from the first snapshot, back
from the second, and takes the mean of both by wave. Small waves are swept past a point several times in an interval, which no cubic
follows; the equations do. Going back amplifies errors of wave k by exp(nu k^2 t), going forth damps them, so that the weights are

    second : first = s exp(-2 nu k^2 T) : 1 - s,    s = t / T,

of least variance for equal errors at the ends, but for the factors s and 1 - s, which make both ends exact. Marching back and forth
between two known states is due to D. Auroux and J. Blum, C. R. Math. 340 (2005) 873, DOI 10.1016/j.crma.2005.05.006. Waves for which
nu k^2 T > `MOST_GROWTH` come from the first snapshot alone.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import fft

from pipeline.core.errors import InputError
from pipeline.spectral.forcing.core import AllWaves, Force
from pipeline.spectral.navier_stokes import Grid, Shape, moved, points_of, steps_of, tendency
from pipeline.spectral.wavenumbers import DEALIAS, Dealias, fine, highest, lowest, wavenumbers, whole

Array = np.ndarray[Any, np.dtype[Any]]

COURANT = 1.5  # of the largest velocity along each axis and the largest wave; Kutta's method is stable to sqrt(3)
MOST_GROWTH = 5.0  # logarithm of how much going back over the whole interval may amplify a wave's error


class Equations:
    """The equations of a run, on the points (z, y, x) of its snapshots, even along each axis.

    Parameters
    ----------
    lengths
        Lengths of the box along (z, y, x).
    forcing
        Parameters of a kind in `pipeline.spectral.forcing`; None is no forcing. A forcing with a state of its own, which `remembers` says,
        is left out: no snapshot holds it.

    Raises
    ------
    InputError
        The forcing asks for waves that the points do not hold.
    """

    def __init__(
        self, shape: Shape, lengths: Sequence[float], viscosity: float, *, dealias: Dealias = DEALIAS, forcing: Any = None
    ) -> None:
        self.shape, self.viscosity = shape, viscosity
        z, y, x = (count + count % 2 for count in (fine(n, dealias) for n in shape))  # products are exact there
        self.points = (z, y, x)
        numbers = whole(z), whole(y), whole(x, half=True)
        axes = tuple(wavenumbers(k, length).astype(np.float32) for k, length in zip(numbers, lengths, strict=True))
        square = axes[0][:, None, None] ** 2 + axes[1][None, :, None] ** 2 + axes[2] ** 2
        self.grid = Grid(self.points, (axes[0], axes[1], axes[2]), square)
        tops = [highest(n, dealias) for n in shape]
        kept = [np.abs(k) <= top for k, top in zip(numbers, tops, strict=True)]
        self.keep = (kept[0][:, None, None] & kept[1][None, :, None] & kept[2]).astype(np.float32)
        self.reach = [float(np.abs(axis[one]).max()) for axis, one in zip(axes, kept, strict=True)]
        force = Force()
        if forcing is not None:
            along, ends = [lowest([length]) for length in lengths[::-1]], tops[::-1]
            least = min(low * end for low, end in zip(along, ends, strict=True))
            every = AllWaves(numbers, self.grid.axes, square, tuple(along), lowest(lengths), least)
            force = forcing.on(every, tuple(ends), 0)
        self.remembers = bool(force.save())
        self._push = None if forcing is None or self.remembers else force.apply

    def waves(self, values: Array) -> Array:
        """Waves of ``values`` (3, z, y, x) that the run keeps, on `points`."""
        waves = fft.rfftn(values.astype(np.float32, copy=False), axes=(1, 2, 3), norm="forward")
        return np.asarray(moved(waves, self.shape, self.points) * self.keep)

    def values(self, waves: Array) -> Array:
        """The field (3, z, y, x), float32, of waves on `points`."""
        return np.asarray(points_of(moved(waves, self.points, self.shape), self.shape))

    def slope(self, waves: Array) -> Array:
        """du/dt of waves."""
        return tendency(waves, self.grid, self.keep, self._push) - np.float32(self.viscosity) * self.grid.square * waves

    def march(self, waves: Array, time: float, only: Array | None = None) -> Array:
        """Waves after ``time`` (below zero: before); they are zero where ``only`` is 0."""
        keep = self.keep if only is None else self.keep * only
        waves = waves * keep
        speed = np.abs(points_of(waves, self.points)).max((1, 2, 3))
        rate = sum(float(u) * k for u, k in zip(speed, self.reach[::-1], strict=True))
        if not np.isfinite(rate):
            raise InputError("the march from a snapshot left all bounds: values that are not finite, or snapshots too far apart")
        steps = max(1, int(np.ceil(abs(time) * rate / COURANT)))
        return steps_of(waves, self.grid, keep, self.viscosity, time, steps, self._push)


def hermite(first: Array, second: Array, slopes: tuple[Array, Array], span: float, s: float) -> Array:
    """The cubic between ``first`` (s = 0) and ``second`` (s = 1), a time ``span`` apart, with ``slopes`` at the ends."""
    a, b = slopes
    return np.asarray(
        (1 + 2 * s) * (1 - s) ** 2 * first + s**2 * (3 - 2 * s) * second + span * s * (1 - s) * ((1 - s) * a - s * b), first.dtype
    )


def between(equations: Equations, first: Array, second: Array, span: float, count: int) -> tuple[Array, float]:
    """``count`` evenly spaced fields between two snapshots, and how far marching missed the second.

    Parameters
    ----------
    first, second
        (3, z, y, x), components x, y, z.
    span
        The time between them.

    Returns
    -------
    fields (count, 3, z, y, x), float32; root mean square of march(first) - second over that of second

    Raises
    ------
    InputError
        The march from a snapshot left all bounds: they lie too far apart.
    """
    a, b = equations.waves(first), equations.waves(second)
    places = np.arange(1, count + 1) / (count + 1)
    step = span / (count + 1)
    square = equations.viscosity * equations.grid.square
    back = (square * span <= MOST_GROWTH).astype(np.float32)
    behind: list[Array] = []
    now = b
    for _ in places:
        now = equations.march(now, -step, back)
        behind.append(now)
    made = np.empty((count, *first.shape), np.float32)
    now = a
    for i, s in enumerate(places):
        now = equations.march(now, step)
        part = s * np.exp(-2 * square * span) * back
        part = (part / (1 - s + part)).astype(np.float32)
        made[i] = equations.values(now + part * (behind.pop() - now))
    if not np.isfinite(made).all():
        raise InputError(f"snapshots {span:g} apart lie too far from each other: the march between them left all bounds")
    missed = equations.march(now, step) - b
    return made, float(np.sqrt((np.abs(missed) ** 2).sum() / max((np.abs(b) ** 2).sum(), 1e-30)))
