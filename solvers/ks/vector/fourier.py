"""Fourier transforms of one member or of some side by side: arrays in, arrays out.

Complex arrays are pairs of real ones, ``_r`` and ``_i``, each (n,) for one member or (n, lanes) for several (`solvers.ks.vector.lanes`). A
spectrum holds wavenumbers 0 to n of 2 n real points, as numpy's rfft orders and scales them. Real points are held as n pairs: those of
even number in the ``_r`` array, those of odd number in the ``_i`` array; pointwise products need not know.

The transform is Stockham's, stage by stage (`solvers.ks.vector.stages`); real points go through a complex transform of half the length (C.
Van Loan, Computational Frameworks for the Fast Fourier Transform, SIAM 1992, DOI 10.1137/1.9781611970999, section 4.3).
"""

# k wavenumber; m blocks, s rows of a block

from typing import Any

import numpy as np
from numba.extending import overload

from pipeline.core.compiled import njit
from solvers.ks.vector.lanes import BARE, LANES, add, ahead, back, fold, load, rows, scale, store, store_ahead, store_back, sub
from solvers.ks.vector.stages import begin, put, stage, times

Array = np.ndarray[Any, np.dtype[Any]]


@njit(**BARE)
def transform(x_r, x_i, y_r, y_i, radices, w_r, w_i, first_r, first_i):
    """The discrete Fourier transform of ``x`` (n,), in ``x`` where the number of ``radices`` is even, else in ``y``: both are
    overwritten. With ``_r`` and ``_i`` exchanged it is n times the inverse."""
    m, s, first = x_r.shape[0], np.int64(1), 0  # a constant 1 would be a version of each stage
    for turn in range(len(radices)):
        radix = radices[turn]
        m //= radix
        z_r, z_i = w_r[first:], w_i[first:]
        a_r, a_i, b_r, b_i = (x_r, x_i, y_r, y_i) if turn % 2 == 0 else (y_r, y_i, x_r, x_i)
        if s % fold(x_r) == 0:  # as many rows of a block as go side by side
            stage(rows(a_r), rows(a_i), rows(b_r), rows(b_i), z_r, z_i, m, s // fold(x_r), radix)
        elif turn > 0 or not begin(a_r, a_i, b_r, b_i, first_r, first_i, radix):
            stage(a_r, a_i, b_r, b_i, z_r, z_i, m, s, radix)
        s *= radix
        first += m * (radix - 1)


@njit(**BARE, inline="always")
def woven(a_r, a_i, b_r, b_i, turn_r, turn_i):
    """The two mirror images, at k and at n - k, in the spectrum of pairs of points, from those in the spectrum of real points."""
    e_r, e_i = add(a_r, b_r), sub(a_i, b_i)
    o_r, o_i = times(sub(a_r, b_r), add(a_i, b_i), turn_r, turn_i)
    return sub(e_r, o_i), add(e_i, o_r), add(e_r, o_i), sub(o_r, e_i)


@njit(**BARE, inline="always")
def parted(a_r, a_i, b_r, b_i, turn_r, turn_i):
    """The way back; ``turn`` is halved."""
    e_r, e_i = scale(add(a_r, b_r), 0.5), scale(sub(a_i, b_i), 0.5)
    f_r, f_i, g_r, g_i = add(a_i, b_i), sub(b_r, a_r), turn_r, scale(turn_i, -1.0)
    o_r, o_i = times(f_r, f_i, g_r, g_i)
    return add(e_r, o_r), add(e_i, o_i), sub(e_r, o_r), sub(o_i, e_i)


def weave(u_r: Any, u_i: Any, f_r: Any, f_i: Any, turn_r: Any, turn_i: Any, x_r: Any, x_i: Any) -> Any:
    """`woven` of as many waves of one member as fill whole registers; returns the first that is left, counted from 1."""


def part(x_r: Any, x_i: Any, f_r: Any, f_i: Any, turn_r: Any, turn_i: Any, out_r: Any, out_i: Any) -> Any:
    """`parted` likewise."""


@overload(weave, strict=False)
def _weave(u_r: Any, u_i: Any, f_r: Any, f_i: Any, turn_r: Any, turn_i: Any, x_r: Any, x_i: Any) -> Any:
    def one(u_r, u_i, f_r, f_i, turn_r, turn_i, x_r, x_i):
        k, n = 1, len(x_r)
        while k + LANES <= n // 2:
            a_r, a_i = times(ahead(u_r, k), ahead(u_i, k), ahead(f_r, k), ahead(f_i, k))
            b_r, b_i = times(back(u_r, n - k), back(u_i, n - k), back(f_r, n - k), back(f_i, n - k))
            c_r, c_i, d_r, d_i = woven(a_r, a_i, b_r, b_i, ahead(turn_r, k), ahead(turn_i, k))
            store_ahead(x_r, k, c_r)
            store_ahead(x_i, k, c_i)
            store_back(x_r, n - k, d_r)
            store_back(x_i, n - k, d_i)
            k += LANES
        return k

    return one if x_r.ndim == 1 else (lambda u_r, u_i, f_r, f_i, turn_r, turn_i, x_r, x_i: 1)


@overload(part, strict=False)
def _part(x_r: Any, x_i: Any, f_r: Any, f_i: Any, turn_r: Any, turn_i: Any, out_r: Any, out_i: Any) -> Any:
    def one(x_r, x_i, f_r, f_i, turn_r, turn_i, out_r, out_i):
        k, n = 1, len(x_r)
        while k + LANES <= n // 2:
            a_r, a_i, b_r, b_i = ahead(x_r, k), ahead(x_i, k), back(x_r, n - k), back(x_i, n - k)
            half_r, half_i = scale(ahead(turn_r, k), 0.5), scale(ahead(turn_i, k), 0.5)
            c_r, c_i, d_r, d_i = parted(a_r, a_i, b_r, b_i, half_r, half_i)
            c_r, c_i = times(c_r, c_i, ahead(f_r, k), ahead(f_i, k))
            d_r, d_i = times(d_r, d_i, back(f_r, n - k), back(f_i, n - k))
            store_ahead(out_r, k, c_r)
            store_ahead(out_i, k, c_i)
            store_back(out_r, n - k, d_r)
            store_back(out_i, n - k, d_i)
            k += LANES
        return k

    return one if x_r.ndim == 1 else (lambda x_r, x_i, f_r, f_i, turn_r, turn_i, out_r, out_i: 1)


@njit(**BARE)
def to_points(u_r, u_i, f_r, f_i, x_r, x_i, y_r, y_i, radices, w_r, w_i, first_r, first_i, turn_r, turn_i):
    """Points of the spectrum ``u`` (n + 1,) times ``f`` (n + 1,), which holds the inverse's 1 / 2 n too; left where `transform` leaves it.

    ``turn`` (n + 1,) is exp(i pi k / n).
    """
    n = x_r.shape[0]
    a, b = scale(load(u_r, 0), f_r[0]), scale(load(u_r, n), f_r[n])
    store(x_r, 0, add(a, b))
    store(x_i, 0, sub(a, b))
    for k in range(weave(u_r, u_i, f_r, f_i, turn_r, turn_i, x_r, x_i), n // 2 + 1):
        a_r, a_i = times(load(u_r, k), load(u_i, k), f_r[k], f_i[k])
        b_r, b_i = times(load(u_r, n - k), load(u_i, n - k), f_r[n - k], f_i[n - k])
        c_r, c_i, d_r, d_i = woven(a_r, a_i, b_r, b_i, turn_r[k], turn_i[k])
        store(x_r, k, c_r)
        store(x_i, k, c_i)
        store(x_r, n - k, d_r)
        store(x_i, n - k, d_i)
    transform(x_i, x_r, y_i, y_r, radices, w_r, w_i, first_r, first_i)


@njit(**BARE)
def to_spectrum(x_r, x_i, f_r, f_i, turn_r, turn_i, out_r, out_i):
    """Let ``out`` (n + 1,) be the spectrum, times ``f`` (n + 1,), of the points whose complex transform is ``x`` (n,)."""
    n = x_r.shape[0]
    a, b = load(x_r, 0), load(x_i, 0)
    store(out_r, 0, scale(add(a, b), f_r[0]))
    store(out_r, n, scale(sub(a, b), f_r[n]))
    store(out_i, 0, scale(a, 0.0))
    store(out_i, n, scale(a, 0.0))
    for k in range(part(x_r, x_i, f_r, f_i, turn_r, turn_i, out_r, out_i), n // 2 + 1):
        a_r, a_i, b_r, b_i = load(x_r, k), load(x_i, k), load(x_r, n - k), load(x_i, n - k)
        c_r, c_i, d_r, d_i = parted(a_r, a_i, b_r, b_i, 0.5 * turn_r[k], 0.5 * turn_i[k])
        put(out_r, out_i, k, c_r, c_i, f_r[k], f_i[k])
        if k < n - k:
            put(out_r, out_i, n - k, d_r, d_i, f_r[n - k], f_i[n - k])


def plan(points: int) -> tuple[Array, ...]:
    """Tables for the transforms of ``points`` (even): radices; real and imaginary parts of the twiddles, block by block, of the first
    stage's, power by power, and of ``turn``."""
    left, radices, twiddles = points // 2, [], []
    for radix in (8, 4, 2, 3, 5):
        while left % radix == 0:
            left //= radix
            radices.append(radix)
            twiddles.append(np.exp(-2j * np.pi / (left * radix) * np.outer(np.arange(left), np.arange(1, radix))).ravel())
    w = np.concatenate([*twiddles, np.zeros(0)])
    turn = np.exp(2j * np.pi / points * np.arange(points // 2 + 1))
    first = np.ascontiguousarray(twiddles[0].reshape(-1, radices[0] - 1).T)
    tables = (half for table in (w, first, turn) for half in (table.real.copy(), table.imag.copy()))
    return (np.array(radices, np.int64), *tables)


def aligned(*shape: int) -> Array:
    """Zeros that begin where a vector register likes to load from."""
    size = int(np.prod(shape))
    raw = np.zeros(size + 8)
    first = (-raw.ctypes.data // 8) % 8
    return raw[first : first + size].reshape(shape)
