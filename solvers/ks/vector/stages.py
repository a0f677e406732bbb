"""The stages of a Stockham transform: radix 8, 4, 2, 3 and 5, for one member or for some side by side. Arrays in, arrays out.

Each takes blocks of rows of ``x`` to ``y``, both pairs of real arrays (n,) or (n, lanes), and multiplies by the twiddles ``w``: C. Van
Loan, Computational Frameworks for the Fast Fourier Transform, SIAM 1992, DOI 10.1137/1.9781611970999, sections 1.7 and 2.4.
"""

# p block, q row in a block; m blocks, s rows of a block

import math
from typing import Any

from numba.extending import overload

from pipeline.core.compiled import njit
from solvers.ks.vector.lanes import BARE, LANES, add, load, rows, scale, spread, stacked, store, sub

HALF_ROOT = math.sqrt(0.5)
SIN60, COS72, COS36, SIN72, SIN36 = math.sqrt(0.75), (5**0.5 - 1) / 4, -(5**0.5 + 1) / 4, math.sin(0.4 * math.pi), math.sin(0.8 * math.pi)


@njit(**BARE, inline="always")
def times(r, i, factor_r, factor_i):
    """A complex number times one that is the same for all lanes."""
    return sub(scale(r, factor_r), scale(i, factor_i)), add(scale(r, factor_i), scale(i, factor_r))


@njit(**BARE, inline="always")
def four(x_r, x_i, row, away):
    """The transform of four rows, ``away`` from each other."""
    a_r, a_i, c_r, c_i = load(x_r, row), load(x_i, row), load(x_r, row + 2 * away), load(x_i, row + 2 * away)
    b_r, b_i, d_r, d_i = load(x_r, row + away), load(x_i, row + away), load(x_r, row + 3 * away), load(x_i, row + 3 * away)
    e_r, e_i, f_r, f_i = add(a_r, c_r), add(a_i, c_i), sub(a_r, c_r), sub(a_i, c_i)
    g_r, g_i, h_r, h_i = add(b_r, d_r), add(b_i, d_i), sub(b_i, d_i), sub(d_r, b_r)  # h = -i (b - d)
    return add(e_r, g_r), add(e_i, g_i), add(f_r, h_r), add(f_i, h_i), sub(e_r, g_r), sub(e_i, g_i), sub(f_r, h_r), sub(f_i, h_i)


@njit(**BARE, inline="always")
def put(y_r, y_i, row, r, i, w_r, w_i):
    """Store a number times a twiddle."""
    r, i = times(r, i, w_r, w_i)
    store(y_r, row, r)
    store(y_i, row, i)


@njit(**BARE, inline="always")
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


@njit(**BARE)
def stage8(x_r, x_i, y_r, y_i, w_r, w_i, m, s):
    """A stage of radix 8: ``m`` blocks of ``s`` rows; twiddles ``w`` (7 m,), by block."""
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


@njit(**BARE, inline="always")
def put_spread(y_r, y_i, row, pair, w_r, w_i):
    """Spread numbers, each times its own twiddle."""
    r, i = times(pair[0], pair[1], w_r, w_i)
    spread(y_r, row, r)
    spread(y_i, row, i)


@njit(**BARE)
def first_stage8(x_r, x_i, y_r, y_i, w_r, w_i, m):
    """The first stage of radix 8 of one member, some blocks of one row side by side; twiddles ``w`` (7, m) by their power."""
    v_r, v_i = stacked(w_r), stacked(w_i)
    a_r, a_i = rows(x_r), rows(x_i)
    for p in range(m // LANES):
        a, b, c, d, e, f, g, h = eight(a_r, a_i, p, m // LANES)
        spread(y_r, 8 * LANES * p, a[0])
        spread(y_i, 8 * LANES * p, a[1])
        put_spread(y_r, y_i, 8 * LANES * p + 1, b, load(v_r[0], p), load(v_i[0], p))
        put_spread(y_r, y_i, 8 * LANES * p + 2, c, load(v_r[1], p), load(v_i[1], p))
        put_spread(y_r, y_i, 8 * LANES * p + 3, d, load(v_r[2], p), load(v_i[2], p))
        put_spread(y_r, y_i, 8 * LANES * p + 4, e, load(v_r[3], p), load(v_i[3], p))
        put_spread(y_r, y_i, 8 * LANES * p + 5, f, load(v_r[4], p), load(v_i[4], p))
        put_spread(y_r, y_i, 8 * LANES * p + 6, g, load(v_r[5], p), load(v_i[5], p))
        put_spread(y_r, y_i, 8 * LANES * p + 7, h, load(v_r[6], p), load(v_i[6], p))


@njit(**BARE)
def stage4(x_r, x_i, y_r, y_i, w_r, w_i, m, s):
    """A stage of radix 4; twiddles ``w`` (3 m,)."""
    for p in range(m):
        y, t = 4 * s * p, 3 * p
        for q in range(s):
            a_r, a_i, b_r, b_i, c_r, c_i, d_r, d_i = four(x_r, x_i, s * p + q, s * m)
            store(y_r, y + q, a_r)
            store(y_i, y + q, a_i)
            put(y_r, y_i, y + s + q, b_r, b_i, w_r[t], w_i[t])
            put(y_r, y_i, y + 2 * s + q, c_r, c_i, w_r[t + 1], w_i[t + 1])
            put(y_r, y_i, y + 3 * s + q, d_r, d_i, w_r[t + 2], w_i[t + 2])


@njit(**BARE)
def stage2(x_r, x_i, y_r, y_i, w_r, w_i, m, s):
    """A stage of radix 2; twiddles ``w`` (m,)."""
    for p in range(m):
        a, b, y = s * p, s * (p + m), 2 * s * p
        for q in range(s):
            a_r, a_i, b_r, b_i = load(x_r, a + q), load(x_i, a + q), load(x_r, b + q), load(x_i, b + q)
            store(y_r, y + q, add(a_r, b_r))
            store(y_i, y + q, add(a_i, b_i))
            put(y_r, y_i, y + s + q, sub(a_r, b_r), sub(a_i, b_i), w_r[p], w_i[p])


@njit(**BARE)
def stage3(x_r, x_i, y_r, y_i, w_r, w_i, m, s):
    """A stage of radix 3; twiddles ``w`` (2 m,)."""
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


@njit(**BARE)
def stage5(x_r, x_i, y_r, y_i, w_r, w_i, m, s):
    """A stage of radix 5; twiddles ``w`` (4 m,)."""
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


@njit(**BARE)
def stage(x_r, x_i, y_r, y_i, w_r, w_i, m, s, radix):
    """A stage of any radix."""
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
        if radix != 8 or len(x_r) % (8 * LANES) != 0:
            return False
        first_stage8(x_r, x_i, y_r, y_i, w_r, w_i, len(x_r) // 8)
        return True

    return one if x_r.ndim == 1 else (lambda x_r, x_i, y_r, y_i, w_r, w_i, radix: False)
