"""Fourier transforms of planes and cubes, whole on one process or cut across ranks: the only module that imports mpi4py-fft.

A spectrum (ny, nx / 2 + 1) of points (ny, nx) is numpy's rfft2 over the number of points, so that it is the same for a finer grid. Across
ranks points are cut along y, spectra along x, and an exchange turns either into the other: L. Dalcin, M. Mortensen, D. E. Keyes, J.
Parallel Distrib. Comput. 128 (2019) 137-150, DOI 10.1016/j.jpdc.2019.02.006.

Of a cube this module has the parts: plans along one axis, and exchanges. `solvers.turbulence.cube` puts them together.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from pipeline.core.errors import InputError
from solvers.core.comm import Comm, start_mpi_under_a_launcher_only

Array = np.ndarray[Any, np.dtype[Any]]


class Plane(Protocol):
    """Transforms of a plane of points, or of a finer grid on it: waves that a spectrum does not hold are then zero, or dropped.

    Attributes
    ----------
    side
        Planes that the transforms take at once; 1: a single plane, without the axis.
    rows
        This rank's lines along x of the grid.
    waves
        This rank's wavenumbers along x.
    """

    side: int  # planes that the transforms take at once; 1: none but one, without the axis
    rows: slice  # of the grid's lines along x, those of this rank
    waves: slice  # of the wavenumbers along x, those of this rank

    def forward(self, u: Array) -> Array:
        """Transform points to a spectrum. Collective.

        Parameters
        ----------
        u
            Grid points (own rows, columns).

        Returns
        -------
        Array
            The spectrum (ny, own waves), complex, divided by the number of points.
        """

    def backward(self, v: Array) -> Array:
        """Transform a spectrum to points. Collective.

        Parameters
        ----------
        v
            The spectrum (ny, own waves), complex.

        Returns
        -------
        Array
            Grid points (own rows, columns).
        """


class WholePlane:
    """All of a plane of points ``shape`` (ny, nx), even, on this process; see `Plane`. Takes several planes, first axis, at once."""

    side = 16  # planes at once: more than that leave the processor's nearest memory

    def __init__(self, shape: tuple[int, int], factor: float = 1.0) -> None:
        self._half, self._waves = shape[0] // 2, shape[1] // 2 + 1
        self._grid = (round(factor * shape[0]), round(factor * shape[1]))
        self._finer = self._grid != shape
        self.rows, self.waves = slice(0, self._grid[0]), slice(0, self._waves)

    def forward(self, u: Array) -> Array:
        from scipy import fft  # loads for long, and a line does without

        v = fft.rfft2(u, norm="forward")
        if self._finer:
            v = np.concatenate([v[..., : self._half, : self._waves], v[..., -self._half :, : self._waves]], axis=-2)
        return np.asarray(v)

    def backward(self, v: Array) -> Array:
        from scipy import fft

        if self._finer:
            wide = np.zeros((*v.shape[:-2], self._grid[0], self._grid[1] // 2 + 1), complex)
            wide[..., : self._half, : self._waves] = v[..., : self._half, :]
            wide[..., -self._half :, : self._waves] = v[..., self._half :, :]
            v = wide
        return np.asarray(fft.irfft2(v, s=self._grid, norm="forward"))


class CutPlane:
    """The slab of a plane that this rank of ``communicator`` (MPI's own) has; see `Plane`. Takes one plane.

    FFTW measures nothing when it plans: the same number of ranks gives the same bits in every run.
    """

    side = 1

    def __init__(self, communicator: Any, shape: tuple[int, int], factor: float = 1.0) -> None:
        try:
            from mpi4py_fft import PFFT
        except ImportError:
            raise InputError("mpi4py-fft is not there: a plane that is cut across ranks needs it") from None
        padding = [factor, factor] if factor > 1.0 else False
        self._fft = PFFT(communicator, shape, axes=(0, 1), dtype=float, grid=(-1,), padding=padding, planner_effort="FFTW_ESTIMATE")
        self.rows, self.waves = self._fft.local_slice(False)[0], self._fft.local_slice(True)[1]

    def forward(self, u: Array) -> Array:
        return np.array(self._fft.forward(u))

    def backward(self, v: Array) -> Array:
        return np.array(self._fft.backward(v))


def plane(comm: Comm, shape: tuple[int, int], factor: float = 1.0) -> Plane:
    """Transforms of a plane of points ``shape`` (ny, nx), even, on a grid with ``factor`` times as many along each axis.

    Raises
    ------
    InputError
        There are more ranks than lines to cut it into, or they need mpi4py-fft, which is not there.
    """
    if comm.size == 1:
        return WholePlane(shape, factor)
    lines = min(shape[0], shape[1] // 2 + 1)
    if comm.size > lines:
        raise InputError(f"too many ranks for the plane: {comm.size} ranks, {lines} lines of points or waves to share")
    return CutPlane(comm.handle, shape, factor)


class Shares:
    """Shares of the ranks in a cube: points in slabs or pencils, waves along z whole, and the exchanges between them.

    Points (nz, ny, nx) are cut along z, in pencils along y too; waves (lz, ly, lx) along y, in pencils along x too.

    Parameters
    ----------
    communicator
        MPI's own; None for one process.
    grid
        (3,) points along z, y, x.
    waves
        (3,) waves that are kept along z, y, x, of the last the half.
    row
        Numbers of a row of waves along x: as many, or in slabs some more, which fill vector registers.
    """

    def __init__(self, communicator: Any, grid: tuple[int, int, int], waves: tuple[int, int, int], *, row: int, pencils: bool) -> None:
        self._subcomm = None
        self.waves = (slice(0, waves[0]), slice(0, waves[1]), slice(0, waves[2]))
        self.points = (slice(0, grid[0]), slice(0, grid[1]), slice(0, grid[2]))
        self.between = slice(0, waves[2])  # of the waves along x, those of this rank between the exchanges
        self.pencils = False  # whether lines along y are cut
        self._grid, self._kept = grid, (*waves[:2], row)
        if communicator is None:
            return
        fftw = _mpi4py_fft()
        self._pencil = fftw.pencil.Pencil
        self._subcomm = fftw.pencil.Subcomm(communicator, [1, 0, 0 if pencils else 1, 1])
        first, second = self._stages(1)[::2]
        y, x = (slice(start, start + count) for start, count in zip(second.substart[2:], second.subshape[2:], strict=True))
        self.waves = (self.waves[0], y, x if pencils else self.waves[2])
        _, z, y, _ = (slice(start, start + count) for start, count in zip(first.substart, first.subshape, strict=True))
        self.points, self.between = (z, y, self.points[2]), x
        self.pencils = self._subcomm[2].Get_size() > 1

    def _stages(self, fields: int) -> tuple[Any, Any, Any, Any]:
        """Aligned along x; along y, of all points; along z; along y, of the waves that are kept."""
        along_x = self._pencil(self._subcomm, (fields, *self._grid[:2], self._kept[2]), axis=3)
        along_y = along_x.pencil(2)
        kept = self._pencil(along_y.subcomm, (fields, self._grid[0], *self._kept[1:]), axis=2)
        return along_x, along_y, kept.pencil(1), kept

    def turns(self, fields: int, dtype: Any) -> tuple[Any, Any]:
        """Exchanges of ``fields`` arrays: lines along y to planes along x, and lines along z to lines along y; None where there is none.

        Each has ``forward(one, other)`` towards the waves, and ``backward(other, one)``.
        """
        if self._subcomm is None:
            return None, None
        along_x, along_y, along_z, kept = self._stages(fields)
        return (along_x.transfer(along_y, dtype) if self.pencils else None), kept.transfer(along_z, dtype)


def shares(comm: Comm, grid: tuple[int, int, int], waves: tuple[int, int, int], *, row: int, pencils: bool) -> Shares:
    """Share a cube among the ranks of ``comm``. Collective.

    Raises
    ------
    InputError
        There are more ranks than planes or waves to share.
    """
    if comm.size == 1:
        return Shares(None, grid, waves, row=row, pencils=pencils)
    rows, columns = _grid_of_ranks(comm.size) if pencils else (comm.size, 1)
    if rows > min(grid[0], waves[1]) or columns > min(grid[1], waves[2]):
        kind = f"{rows} x {columns} pencils" if pencils else f"{comm.size} slabs; pencils share more"
        raise InputError(f"too many ranks for the points: {list(grid[::-1])} points and {list(waves[::-1])} waves can't be cut into {kind}")
    return Shares(comm.handle, grid, waves, row=row, pencils=pencils)


def _grid_of_ranks(size: int) -> tuple[int, int]:
    """Two factors of ``size``, as near each other as there are, the larger first: as MPI_Dims_create has them."""
    small = max(n for n in range(1, math.isqrt(size) + 1) if size % n == 0)
    return size // small, small


def line_plans(array: Array, axis: int) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Transforms of the complex ``array`` (from `aligned`) along ``axis`` in place, unscaled: waves to points, and back.

    FFTW measures nothing when it plans, as above; along one axis it is no slower for that.
    """
    fftw = _mpi4py_fft().fftw
    flags = (fftw.FFTW_ESTIMATE,)
    back, forth = (plan(array, axes=(axis,), flags=flags, output_array=array) for plan in (fftw.ifftn, fftw.fftn))
    return functools.partial(back, normalize=False), functools.partial(forth, normalize=False)


def aligned(shape: tuple[int, ...], dtype: Any) -> Array:
    """Zeros that begin where FFTW likes to load from."""
    return np.asarray(_mpi4py_fft().fftw.aligned(shape, dtype=dtype, fill=0))


def _mpi4py_fft() -> Any:
    start_mpi_under_a_launcher_only()
    try:
        import mpi4py_fft
        import mpi4py_fft.fftw
        import mpi4py_fft.pencil
    except ImportError:
        raise InputError("mpi4py-fft is not there: transforms of a cube need it") from None
    return mpi4py_fft
