"""Fourier transforms of one member or of eight side by side: arrays in, arrays out.

Complex arrays are pairs of real ones, ``_r`` and ``_i``, each (n,) for one member or (n, 8) for eight (see `solvers.ks.lanes`). A
spectrum holds wavenumbers 0 to n of 2 n real points, as numpy's rfft orders and scales them. Real points are held as n pairs: those of
even number in the ``_r`` array, those of odd number in the ``_i`` array; pointwise products need not know.

The transform is Stockham's of radix 8, 4, 2, 3 and 5 (C. Van Loan, Computational Frameworks for the Fast Fourier Transform, SIAM 1992,
DOI 10.1137/1.9781611970999, sections 1.7 and 2.4); real points go through a complex transform of half the length (ibid., section 4.3).
"""

# k wavenumber, p block, q row in a block; m blocks, s rows of a block

import math
from typing import Any

import numpy as np
from numba import njit
from numba.extending import overload

from solvers.ks.lanes import add, ahead, back, fold, load, rows, scale, spread, stacked, store, store_ahead, store_back, sub

Array = np.ndarray[Any, np.dtype[Any]]

HALF_ROOT = math.sqrt(0.5)
SIN60, COS72, COS36, SIN72, SIN36 = math.sqrt(0.75), (5**0.5 - 1) / 4, -(5**0.5 + 1) / 4, math.sin(0.4 * math.pi), math.sin(0.8 * math.pi)


@njit(cache=True, error_model="numpy", inline="always")
def times(r, i, factor_r, factor_i):
    """A complex number times one that is the same for all lanes."""
    return sub(scale(r, factor_r), scale(i, factor_i)), add(scale(r, factor_i), scale(i, factor_r))


@njit(cache=True, error_model="numpy", inline="always")
def four(x_r, x_i, row, away):
    """The transform of four rows, ``away`` from each other."""
    a_r, a_i, c_r, c_i = load(x_r, row), load(x_i, row), load(x_r, row + 2 * away), load(x_i, row + 2 * away)
    b_r, b_i, d_r, d_i = load(x_r, row + away), load(x_i, row + away), load(x_r, row + 3 * away), load(x_i, row + 3 * away)
    e_r, e_i, f_r, f_i = add(a_r, c_r), add(a_i, c_i), sub(a_r, c_r), sub(a_i, c_i)
    g_r, g_i, h_r, h_i = add(b_r, d_r), add(b_i, d_i), sub(b_i, d_i), sub(d_r, b_r)  # h = -i (b - d)
    return add(e_r, g_r), add(e_i, g_i), add(f_r, h_r), add(f_i, h_i), sub(e_r, g_r), sub(e_i, g_i), sub(f_r, h_r), sub(f_i, h_i)


@njit(cache=True, error_model="numpy", inline="always")
def put(y_r, y_i, row, r, i, w_r, w_i):
    """Store a number times a twiddle."""
    r, i = times(r, i, w_r, w_i)
    store(y_r, row, r)
    store(y_i, row, i)


@njit(cache=True, error_model="numpy", inline="always")
def eight(x_r, x_i, row, away):
    """The transform of eight rows, ``away`` from each other."""
    a_r, a_i, b_r, b_i, c_r, c_i, d_r, d_i = four(x_r, x_i, row, 2 * away)
    e_r, e_i, f_r, f_i, g_r, g_i, h_r, h_i = four(x_r, x_i, row + away, 2 * away)
    k_r, k_i = scale(add(f_r, f_i), HALF_ROOT), scale(sub(f_i, f_r), HALF_ROOT)  # an eighth turn
    l_r, l_i = scale(sub(h_i, h_r), HALF_ROOT), scale(add(h_r, h_i), -HALF_ROOT)  # three eighths
    return (
        (add(a_r, e_r), add(a_i, e_i)), (add(b_r, k_r), add(b_i, k_i)), (add(c_r, g_i), sub(c_i, g_r)), (add(d_r, l_r), add(d_i, l_i)),
        (sub(a_r, e_r), sub(a_i, e_i)), (sub(b_r, k_r), sub(b_i, k_i)), (sub(c_r, g_i), add(c_i, g_r)), (sub(d_r, l_r), sub(d_i, l_i)),
    )  # fmt: skip


@njit(cache=True, error_model="numpy")
def stage8(x_r, x_i, y_r, y_i, w_r, w_i, m, s):
    """One stage of radix 8: ``m`` blocks of ``s`` rows; twiddles ``w`` (7 m,), by block."""
    for p in range(m):
        y, t = 8 * s * p, 7 * p
        for q in range(s):
            a, b, c, d, e, f, g, h = eight(x_r, x_i, s * p + q, s * m)
            store(y_r, y + q, a[0])
            store(y_i, y + q, a[1])
            put(y_r, y_i, y + s + q, b[0], b[1], w_r[t], w_i[t])
            put(y_r, y_i, y + 2 * s + q, c[0], c[1], w_r[t + 1], w_i[t + 1])
            put(y_r, y_i, y + 3 * s + q, d[0], d[1], w_r[t + 2], w_i[t + 2])
            put(y_r, y_i, y + 4 * s + q, e[0], e[1], w_r[t + 3], w_i[t + 3])
            put(y_r, y_i, y + 5 * s + q, f[0], f[1], w_r[t + 4], w_i[t + 4])
            put(y_r, y_i, y + 6 * s + q, g[0], g[1], w_r[t + 5], w_i[t + 5])
            put(y_r, y_i, y + 7 * s + q, h[0], h[1], w_r[t + 6], w_i[t + 6])


@njit(cache=True, error_model="numpy", inline="always")
def put_spread(y_r, y_i, row, pair, w_r, w_i):
    """Spread numbers, each times its own twiddle."""
    r, i = times(pair[0], pair[1], w_r, w_i)
    spread(y_r, row, r)
    spread(y_i, row, i)


@njit(cache=True, error_model="numpy")
def first_stage8(x_r, x_i, y_r, y_i, w_r, w_i, m):
    """The first stage of radix 8 of one member, eight blocks of one row side by side; twiddles ``w`` (7, m) by their power."""
    v_r, v_i = stacked(w_r), stacked(w_i)
    a_r, a_i = rows(x_r), rows(x_i)
    for p in range(m // 8):
        a, b, c, d, e, f, g, h = eight(a_r, a_i, p, m // 8)
        spread(y_r, 64 * p, a[0])
        spread(y_i, 64 * p, a[1])
        put_spread(y_r, y_i, 64 * p + 1, b, load(v_r[0], p), load(v_i[0], p))
        put_spread(y_r, y_i, 64 * p + 2, c, load(v_r[1], p), load(v_i[1], p))
        put_spread(y_r, y_i, 64 * p + 3, d, load(v_r[2], p), load(v_i[2], p))
        put_spread(y_r, y_i, 64 * p + 4, e, load(v_r[3], p), load(v_i[3], p))
        put_spread(y_r, y_i, 64 * p + 5, f, load(v_r[4], p), load(v_i[4], p))
        put_spread(y_r, y_i, 64 * p + 6, g, load(v_r[5], p), load(v_i[5], p))
        put_spread(y_r, y_i, 64 * p + 7, h, load(v_r[6], p), load(v_i[6], p))


@njit(cache=True, error_model="numpy")
def stage4(x_r, x_i, y_r, y_i, w_r, w_i, m, s):
    """One stage of radix 4; twiddles ``w`` (3 m,)."""
    for p in range(m):
        y, t = 4 * s * p, 3 * p
        for q in range(s):
            a_r, a_i, b_r, b_i, c_r, c_i, d_r, d_i = four(x_r, x_i, s * p + q, s * m)
            store(y_r, y + q, a_r)
            store(y_i, y + q, a_i)
            put(y_r, y_i, y + s + q, b_r, b_i, w_r[t], w_i[t])
            put(y_r, y_i, y + 2 * s + q, c_r, c_i, w_r[t + 1], w_i[t + 1])
            put(y_r, y_i, y + 3 * s + q, d_r, d_i, w_r[t + 2], w_i[t + 2])


@njit(cache=True, error_model="numpy")
def stage2(x_r, x_i, y_r, y_i, w_r, w_i, m, s):
    """One stage of radix 2; twiddles ``w`` (m,)."""
    for p in range(m):
        a, b, y = s * p, s * (p + m), 2 * s * p
        for q in range(s):
            a_r, a_i, b_r, b_i = load(x_r, a + q), load(x_i, a + q), load(x_r, b + q), load(x_i, b + q)
            store(y_r, y + q, add(a_r, b_r))
            store(y_i, y + q, add(a_i, b_i))
            put(y_r, y_i, y + s + q, sub(a_r, b_r), sub(a_i, b_i), w_r[p], w_i[p])


@njit(cache=True, error_model="numpy")
def stage3(x_r, x_i, y_r, y_i, w_r, w_i, m, s):
    """One stage of radix 3; twiddles ``w`` (2 m,)."""
    for p in range(m):
        a, b, c, y = s * p, s * (p + m), s * (p + 2 * m), 3 * s * p
        for q in range(s):
            a_r, a_i, b_r, b_i, c_r, c_i = (
                load(x_r, a + q), load(x_i, a + q), load(x_r, b + q), load(x_i, b + q), load(x_r, c + q), load(x_i, c + q),
            )  # fmt: skip
            t_r, t_i = add(b_r, c_r), add(b_i, c_i)
            e_r, e_i = sub(a_r, scale(t_r, 0.5)), sub(a_i, scale(t_i, 0.5))
            h_r, h_i = scale(sub(b_i, c_i), SIN60), scale(sub(c_r, b_r), SIN60)  # -i sin 60 (b - c)
            store(y_r, y + q, add(a_r, t_r))
            store(y_i, y + q, add(a_i, t_i))
            put(y_r, y_i, y + s + q, add(e_r, h_r), add(e_i, h_i), w_r[2 * p], w_i[2 * p])
            put(y_r, y_i, y + 2 * s + q, sub(e_r, h_r), sub(e_i, h_i), w_r[2 * p + 1], w_i[2 * p + 1])


@njit(cache=True, error_model="numpy")
def stage5(x_r, x_i, y_r, y_i, w_r, w_i, m, s):
    """One stage of radix 5; twiddles ``w`` (4 m,)."""
    for p in range(m):
        y = 5 * s * p
        for q in range(s):
            row, away = s * p + q, s * m
            a_r, a_i = load(x_r, row), load(x_i, row)
            b_r, b_i, e_r, e_i = load(x_r, row + away), load(x_i, row + away), load(x_r, row + 4 * away), load(x_i, row + 4 * away)
            c_r, c_i, d_r, d_i = load(x_r, row + 2 * away), load(x_i, row + 2 * away), load(x_r, row + 3 * away), load(x_i, row + 3 * away)
            f_r, f_i, g_r, g_i = add(b_r, e_r), add(b_i, e_i), add(c_r, d_r), add(c_i, d_i)
            h_r, h_i, o_r, o_i = sub(b_r, e_r), sub(b_i, e_i), sub(c_r, d_r), sub(c_i, d_i)
            store(y_r, y + q, add(a_r, add(f_r, g_r)))
            store(y_i, y + q, add(a_i, add(f_i, g_i)))
            s_r, s_i = add(a_r, add(scale(f_r, COS72), scale(g_r, COS36))), add(a_i, add(scale(f_i, COS72), scale(g_i, COS36)))
            t_r, t_i = add(a_r, add(scale(f_r, COS36), scale(g_r, COS72))), add(a_i, add(scale(f_i, COS36), scale(g_i, COS72)))
            k_r, k_i = add(scale(h_i, SIN72), scale(o_i, SIN36)), add(scale(h_r, -SIN72), scale(o_r, -SIN36))
            l_r, l_i = sub(scale(h_i, SIN36), scale(o_i, SIN72)), sub(scale(o_r, SIN72), scale(h_r, SIN36))
            put(y_r, y_i, y + s + q, add(s_r, k_r), add(s_i, k_i), w_r[4 * p], w_i[4 * p])
            put(y_r, y_i, y + 2 * s + q, add(t_r, l_r), add(t_i, l_i), w_r[4 * p + 1], w_i[4 * p + 1])
            put(y_r, y_i, y + 3 * s + q, sub(t_r, l_r), sub(t_i, l_i), w_r[4 * p + 2], w_i[4 * p + 2])
            put(y_r, y_i, y + 4 * s + q, sub(s_r, k_r), sub(s_i, k_i), w_r[4 * p + 3], w_i[4 * p + 3])


@njit(cache=True, error_model="numpy")
def stage(x_r, x_i, y_r, y_i, w_r, w_i, m, s, radix):
    """One stage of any radix."""
    if radix == 8:
        stage8(x_r, x_i, y_r, y_i, w_r, w_i, m, s)
    elif radix == 4:
        stage4(x_r, x_i, y_r, y_i, w_r, w_i, m, s)
    elif radix == 2:
        stage2(x_r, x_i, y_r, y_i, w_r, w_i, m, s)
    elif radix == 3:
        stage3(x_r, x_i, y_r, y_i, w_r, w_i, m, s)
    else:
        stage5(x_r, x_i, y_r, y_i, w_r, w_i, m, s)


def begin(x_r: Any, x_i: Any, y_r: Any, y_i: Any, w_r: Any, w_i: Any, radix: Any) -> Any:
    """Do the first stage of one member with full registers, where that can be done; returns whether it was."""


@overload(begin, strict=False)  # the implementations carry no annotations
def _begin(x_r: Any, x_i: Any, y_r: Any, y_i: Any, w_r: Any, w_i: Any, radix: Any) -> Any:
    def one(x_r, x_i, y_r, y_i, w_r, w_i, radix):
        if radix != 8 or len(x_r) % 64 != 0:
            return False
        first_stage8(x_r, x_i, y_r, y_i, w_r, w_i, len(x_r) // 8)
        return True

    return one if x_r.ndim == 1 else (lambda x_r, x_i, y_r, y_i, w_r, w_i, radix: False)


@njit(cache=True, error_model="numpy")
def transform(x_r, x_i, y_r, y_i, radices, w_r, w_i, first_r, first_i):
    """The discrete Fourier transform of ``x`` (n,), in ``x`` where the number of ``radices`` is even, else in ``y``: both are
    overwritten. With ``_r`` and ``_i`` exchanged it is n times the inverse."""
    m, s, first = x_r.shape[0], 1, 0
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


@njit(cache=True, error_model="numpy", inline="always")
def woven(a_r, a_i, b_r, b_i, turn_r, turn_i):
    """Of two mirror images in a spectrum of real points, those in the spectrum of pairs of points: at k, at n - k."""
    e_r, e_i = add(a_r, b_r), sub(a_i, b_i)
    o_r, o_i = times(sub(a_r, b_r), add(a_i, b_i), turn_r, turn_i)
    return sub(e_r, o_i), add(e_i, o_r), add(e_r, o_i), sub(o_r, e_i)


@njit(cache=True, error_model="numpy", inline="always")
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
        while k + 8 <= n // 2:
            a_r, a_i = times(ahead(u_r, k), ahead(u_i, k), ahead(f_r, k), ahead(f_i, k))
            b_r, b_i = times(back(u_r, n - k), back(u_i, n - k), back(f_r, n - k), back(f_i, n - k))
            c_r, c_i, d_r, d_i = woven(a_r, a_i, b_r, b_i, ahead(turn_r, k), ahead(turn_i, k))
            store_ahead(x_r, k, c_r)
            store_ahead(x_i, k, c_i)
            store_back(x_r, n - k, d_r)
            store_back(x_i, n - k, d_i)
            k += 8
        return k

    return one if x_r.ndim == 1 else (lambda u_r, u_i, f_r, f_i, turn_r, turn_i, x_r, x_i: 1)


@overload(part, strict=False)
def _part(x_r: Any, x_i: Any, f_r: Any, f_i: Any, turn_r: Any, turn_i: Any, out_r: Any, out_i: Any) -> Any:
    def one(x_r, x_i, f_r, f_i, turn_r, turn_i, out_r, out_i):
        k, n = 1, len(x_r)
        while k + 8 <= n // 2:
            a_r, a_i, b_r, b_i = ahead(x_r, k), ahead(x_i, k), back(x_r, n - k), back(x_i, n - k)
            half_r, half_i = scale(ahead(turn_r, k), 0.5), scale(ahead(turn_i, k), 0.5)
            c_r, c_i, d_r, d_i = parted(a_r, a_i, b_r, b_i, half_r, half_i)
            c_r, c_i = times(c_r, c_i, ahead(f_r, k), ahead(f_i, k))
            d_r, d_i = times(d_r, d_i, back(f_r, n - k), back(f_i, n - k))
            store_ahead(out_r, k, c_r)
            store_ahead(out_i, k, c_i)
            store_back(out_r, n - k, d_r)
            store_back(out_i, n - k, d_i)
            k += 8
        return k

    return one if x_r.ndim == 1 else (lambda x_r, x_i, f_r, f_i, turn_r, turn_i, out_r, out_i: 1)


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
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
    """What the transforms of ``points`` (even) need: radices; real and imaginary parts of the twiddles, block by block, of the first
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
