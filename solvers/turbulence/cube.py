"""Transforms between the kept waves and the points of a periodic cube.

Waves (fields, lz, ly, lx) are numpy's rfftn over the number of points, less all that are not kept; points (fields, planes, ny, nx) stand on
any grid that is fine enough. Lines along z, y and x are transformed one after the other, and lines of waves that are zero are left out:
half of the work with 2/3 of the waves along each axis. Along x two real fields go through one complex transform. From lines along y on,
planes go through in groups that fit a processor's cache.

Ranks have points in slabs or pencils: see `solvers.core.fft.Shares`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from solvers.core.comm import Comm
from solvers.core.fft import aligned, line_plans, shares
from solvers.turbulence import kernels, pairs

Array = np.ndarray[Any, np.dtype[Any]]

FILLED = 4  # FFTW fills its vector registers where rows are multiples of it: up to twice as fast
GROUP = 1 << 20  # [B] of pairs of fields that go through at once: with what else a group needs, less than the cache of one core


class Cube:
    """The transforms of one rank.

    Parameters
    ----------
    grid
        (3,) points along x, y, z; of each axis more than twice the highest wave.
    highest
        (3,) highest wave that is kept along x, y, z.
    fields
        Real fields that go to points at once; at most ``back`` of them come back.
    real
        Float32 or float64.

    Raises
    ------
    InputError
        Too many ranks, or no mpi4py-fft.
    """

    def __init__(
        self, comm: Comm, grid: tuple[int, ...], highest: tuple[int, ...], *, fields: int, back: int, real: Any, pencils: bool = False
    ) -> None:
        (nx, ny, nz), (kx, ky, kz) = grid, highest
        self._row = kx + 1 if pencils else -(-(kx + 1) // FILLED) * FILLED
        cut = shares(comm, (nz, ny, nx), (2 * kz + 1, 2 * ky + 1, kx + 1), row=self._row, pencils=pencils)
        self.points, self.waves = cut.points, cut.waves  # this rank's, along z, y, x
        self.real, self.complex = np.dtype(real), np.result_type(real, np.complex64)
        self.scale = self.real.type(0.5 / (nx * ny * nz))  # of lines that came back; pairs are parted times two
        self.fields, self.highest = fields, highest
        planes, rows, _ = (part.stop - part.start for part in self.points)
        self.shape = tuple(part.stop - part.start for part in self.waves)  # (3,) own waves along z, y, x
        between = cut.between.stop - cut.between.start if pencils else self._row
        two = (fields + 1) // 2
        self.group = planes if cut.pencils else _divisor(planes, GROUP // (two * rows * nx * self.complex.itemsize))
        self.lines = aligned((fields, nz, self.shape[1], self.shape[2] if pencils else self._row), self.complex)
        self._y, self._x = (aligned(shape, self.complex) for shape in ((fields, self.group, ny, between), (two, self.group, rows, nx)))
        self._kept = self.lines if comm.size == 1 else aligned((fields, planes, 2 * ky + 1, between), self.complex)
        self._wide = aligned((fields, planes, rows, kx + 1), self.complex) if cut.pencils else self._y
        self._turns = cut.turns(fields, self.complex)
        plans = [line_plans(array, axis)[0] for array, axis in ((self.lines, 1), (self._y, 2), (self._x, 3))]
        self._lines_to, self._y_to, self._x_to = plans
        self._back = {count: self._plans_back(count, cut) for count in {1, back}}
        words = self.complex.itemsize // 8 * between
        self._ends = ((ky + 1) * words, ky * words)  # words of a plane before and behind the gap along y

    def _plans_back(self, back: int, cut: Any) -> tuple[Any, ...]:
        """Arrays and plans for ``back`` fields on their way to the waves."""
        lines, y, x = self.lines[:back], self._y[:back], self._x[: (back + 1) // 2]
        plans = [line_plans(array, axis)[1] for array, axis in ((lines, 1), (y, 2), (x, 3))]
        return (lines, y, x, self._kept[:back], self._wide[:back], *plans, cut.turns(back, self.complex))

    def sweep(self, work: Callable[[Array, slice], None], back: int = 0) -> Array:
        """Take `lines` to points, let ``work(points, planes)`` see each group of own planes, and take ``back`` fields back. Collective.

        ``points`` (pairs, planes, rows, nx) are complex: their real and imaginary parts are the fields by turns, before and after. Returns
        the lines that came back, (back, nz, own ly, own lx); `scale` is still to be applied.
        """
        turn_y, turn_z = self._turns
        self._lines_to()
        if turn_z:
            turn_z.backward(self.lines, self._kept)
        if back:
            lines, y, x, kept, wide, lines_from, y_from, x_from, (back_y, back_z) = self._back[back]
        for first in range(0, self.points[0].stop - self.points[0].start, self.group):
            kernels.widen(self._flat(self._kept), first, self._flat(self._y), *self._ends)
            self._y_to()
            if turn_y:
                turn_y.backward(self._y, self._wide)
            pairs.pair(self._wide.view(self.real), self._x.view(self.real), self.highest[0] + 1)
            self._x_to()
            work(self._x, slice(first, first + self.group))
            if back:
                x_from()
                pairs.part(x.view(self.real), wide.view(self.real), self.highest[0] + 1)
                if back_y:
                    back_y.forward(wide, y)
                y_from()
                kernels.narrow(self._flat(y), self._flat(kept), first, *self._ends)
        if not back:
            return self.lines
        if back_z:
            back_z.forward(kept, lines)
        lines_from()
        return np.asarray(lines)

    def _flat(self, lines: Array) -> Array:
        """The planes of ``lines`` (fields, planes, lines, waves) as words of eight bytes (fields, planes, words): they are but moved."""
        return lines.view(np.float64).reshape(*lines.shape[:2], -1)

    def values(self, v: Array) -> Array:
        """The points (fields, own planes, own rows, nx) of waves ``v`` (at most `fields`, *shape). Collective."""
        own = [part.stop - part.start for part in self.points]
        u = np.empty((len(v), *own), self.real)

        def keep(points: Array, planes: slice) -> None:
            for field in range(len(v)):
                u[field, planes] = points[field // 2].imag if field % 2 else points[field // 2].real

        kernels.spread(v, self.lines)
        self.lines[len(v) :] = 0.0
        self.sweep(keep)
        return u

    def spectrum(self, u: Array) -> Array:
        """The waves (fields, *shape) of points ``u`` (fields, own planes, own rows, nx). Collective."""
        v = np.empty((len(u), *self.shape), self.complex)

        for field in range(len(u)):

            def put(points: Array, planes: slice, field: int = field) -> None:
                points[0] = u[field, planes]

            self.lines[:] = 0.0
            kernels.gather(self.sweep(put, back=1), v[field : field + 1], self.scale)
        return v


def _divisor(count: int, most: int) -> int:
    """The greatest divisor of ``count`` that is at most ``most``, or 1."""
    return max((n for n in range(1, count + 1) if count % n == 0 and n <= most), default=1)
