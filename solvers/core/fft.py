"""Real Fourier transforms of a plane, whole on one process or in slabs across ranks: the only module that imports mpi4py-fft.

A spectrum (ny, nx / 2 + 1) of points (ny, nx) is numpy's rfft2 over the number of points, so that it is the same for a finer grid. Across
ranks points are cut along y, spectra along x, and one exchange turns the ones into the others: L. Dalcin, M. Mortensen, D. E. Keyes, J.
Parallel Distrib. Comput. 128 (2019) 137-150, DOI 10.1016/j.jpdc.2019.02.006.
"""

from typing import Any, Protocol

import numpy as np
from scipy import fft

from pipeline.errors import InputError
from solvers.core.comm import Comm

Array = np.ndarray[Any, np.dtype[Any]]


class Plane(Protocol):
    """Transforms of a plane of points, or of a finer grid on it: waves that a spectrum does not hold are then nought, or dropped."""

    side: int  # planes that the transforms take at once; 1: none but one, without the axis
    rows: slice  # of the grid's lines along x, those of this rank
    waves: slice  # of the wavenumbers along x, those of this rank

    def forward(self, u: Array) -> Array:
        """The spectrum (ny, own waves) of grid points ``u`` (own rows, columns). Collective."""

    def backward(self, v: Array) -> Array:
        """The grid points (own rows, columns) of a spectrum ``v`` (ny, own waves). Collective."""


class WholePlane:
    """All of a plane of points ``shape`` (ny, nx), even, on this process; see `Plane`. Takes several planes, first axis, at once."""

    side = 16  # planes at once: more than that leave the processor's nearest memory

    def __init__(self, shape: tuple[int, int], factor: float = 1.0) -> None:
        self._half, self._waves = shape[0] // 2, shape[1] // 2 + 1
        self._grid = (round(factor * shape[0]), round(factor * shape[1]))
        self._finer = self._grid != shape
        self.rows, self.waves = slice(0, self._grid[0]), slice(0, self._waves)

    def forward(self, u: Array) -> Array:
        v = fft.rfft2(u, norm="forward")
        if self._finer:
            v = np.concatenate([v[..., : self._half, : self._waves], v[..., -self._half :, : self._waves]], axis=-2)
        return np.asarray(v)

    def backward(self, v: Array) -> Array:
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
