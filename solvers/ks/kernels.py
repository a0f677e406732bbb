"""The nonlinear terms and the time steps, for one member or some side by side: arrays in, arrays out.

Complex arrays are pairs of real ones, as `solvers.ks.vector.fourier` has them. Wavenumbers beyond those kept have no weight anywhere, so
that what stands there stays zero; K, the length of a spectrum's arrays, is a multiple of `LANES` and at least n + 1.

``plan`` is `fourier.plan`'s. ``terms`` says what the nonlinear terms are made of: factors by which a spectrum becomes a derivative's
(D, n + 1), real and imaginary; for each product, its coefficient, and where its derivatives begin in the list ``factors`` of them; for
each sum of products, where its products begin, and the factors that its spectrum is multiplied by (S, n + 1), real and imaginary; the
constant. ``work`` is `work_arrays`'s.

References: ETDRK4, A.-K. Kassam, L. N. Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214-1233, DOI 10.1137/S1064827502410633; CNAB2, U. M.
Ascher, S. J. Ruuth, B. T. R. Wetton, SIAM J. Numer. Anal. 32 (1995) 797-823, DOI 10.1137/0732037; IMEX Runge-Kutta, U. M. Ascher, S. J.
Ruuth, R. J. Spiteri, Appl. Numer. Math. 25 (1997) 151-167, DOI 10.1016/S0168-9274(97)00056-1.
"""

# m member, k wavenumber, i pair of points, j product, d derivative, s sum of products

import math

from pipeline.core.compiled import njit
from solvers.ks.vector.fourier import to_points, to_spectrum, transform
from solvers.ks.vector.lanes import BARE, add, fold, load, mul, raised, rows, scale, stacked, store, sub, weights
from solvers.ks.vector.stages import times

HIGHEST_POWER = 700.0  # of e that a double holds


@njit(**BARE)
def product(points, factors, coefficient, out):
    """Let ``out`` be ``coefficient`` times the product of those derivatives that ``factors`` lists."""
    a, b = points[factors[0]], points[factors[-1]]
    single = len(factors) == 1
    for i in range(out.shape[0]):
        value = scale(load(a, i), coefficient)
        store(out, i, value if single else mul(value, load(b, i)))
    for d in factors[1:-1]:
        c = points[d]
        for i in range(out.shape[0]):
            store(out, i, mul(load(out, i), load(c, i)))


@njit(**BARE)
def products(points, first_factor, factors, coefficients, first, last, out, more):
    """Let ``out`` be the sum of the products ``first`` to ``last`` - 1; ``more`` is for work."""
    for j in range(first, last):
        mine = factors[first_factor[j] : first_factor[j + 1]]
        if j == first:
            product(points, mine, coefficients[j], out)
            continue
        product(points, mine, coefficients[j], more)
        for i in range(out.shape[0]):
            store(out, i, add(load(out, i), load(more, i)))


@njit(**BARE)
def nonlinear(u_r, u_i, plan, terms, work, out_r, out_i):
    """Let ``out`` be the spectrum of the nonlinear terms at the spectrum ``u``."""
    radices, w_r, w_i, first_r, first_i, turn_r, turn_i = plan
    derivative_r, derivative_i, coefficients, first_factor, factors, first_product, sum_r, sum_i, constant = terms
    points_r, points_i, x_r, x_i, y_r, y_i, z_r, z_i, more_r, more_i = work
    stays = len(radices) % 2 == 0  # where a transform leaves its result
    for d in range(len(derivative_r)):
        p_r, p_i = points_r[d], points_i[d]
        a_r, a_i, b_r, b_i = (p_r, p_i, y_r, y_i) if stays else (y_r, y_i, p_r, p_i)
        to_points(u_r, u_i, derivative_r[d], derivative_i[d], a_r, a_i, b_r, b_i, *plan)
    if len(sum_r) == 0:
        out_r[:] = 0.0
        out_i[:] = 0.0
    for s in range(len(sum_r)):
        first, last = first_product[s], first_product[s + 1]
        if x_r.shape[0] % fold(x_r) == 0:
            products(stacked(points_r), first_factor, factors, coefficients, first, last, rows(x_r), rows(z_r))
            products(stacked(points_i), first_factor, factors, coefficients, first, last, rows(x_i), rows(z_i))
        else:
            products(points_r, first_factor, factors, coefficients, first, last, x_r, z_r)
            products(points_i, first_factor, factors, coefficients, first, last, x_i, z_i)
        transform(x_r, x_i, y_r, y_i, radices, w_r, w_i, first_r, first_i)
        a_r, a_i = (x_r, x_i) if stays else (y_r, y_i)
        if s == 0:
            to_spectrum(a_r, a_i, sum_r[s], sum_i[s], turn_r, turn_i, out_r, out_i)
            continue
        to_spectrum(a_r, a_i, sum_r[s], sum_i[s], turn_r, turn_i, more_r, more_i)
        out_r += more_r
        out_i += more_i
    store(out_r, 0, raised(load(out_r, 0), constant))


@njit(**BARE)
def balance(state, weights, sums):
    """Let ``sums`` (members, 2) be those of |v|^2 over the waves v of ``state`` (members, slots, waves), by two ``weights`` (2, waves)."""
    for m in range(state.shape[0]):
        first = second = 0.0
        for k in range(state.shape[2]):
            v = state[m, 0, k]
            power = v.real * v.real + v.imag * v.imag
            first += weights[0, k] * power
            second += weights[1, k] * power
        sums[m, 0] = first
        sums[m, 1] = second


@njit(**BARE)
def grown(sums, since, constant, margin, allowed, rates, sizes):
    """Whether no member is beyond ``margin`` times what it is ``allowed``; updates the last three, (members,); see `solvers.ks.growth`."""
    fits = True
    for m in range(sums.shape[0]):
        size = math.sqrt(sums[m, 0])
        rate = sums[m, 1] / sums[m, 0] if sums[m, 0] > 0.0 else 0.0
        reached = (allowed[m] + since * constant) * math.exp(min(since * max(max(rate, rates[m]), 0.0), HIGHEST_POWER))
        allowed[m] = max(allowed[m], min(size, reached))
        rates[m], sizes[m] = rate, size
        fits = fits and size <= margin * allowed[m]  # false for nan too
    return fits


@njit(**BARE, inline="always")
def plus(a_r, a_i, b_r, b_i, k, factor_r, factor_i):
    """``a`` plus row k of ``b`` times a factor."""
    r, i = times(load(b_r, k), load(b_i, k), factor_r, factor_i)
    return add(a_r, r), add(a_i, i)


@njit(**BARE, inline="always")
def put(out_r, out_i, k, r, i):
    """Store a complex number."""
    store(out_r, k, r)
    store(out_i, k, i)


@njit(**BARE)
def weighted(c_r, c_i, a_r, a_i, d_r, d_i, b_r, b_i, out_r, out_i):
    """Let ``out`` be c a + d b, row by row."""
    for k in range(out_r.shape[0]):
        r, i = times(load(a_r, k), load(a_i, k), load(c_r, k), load(c_i, k))
        r, i = plus(r, i, b_r, b_i, k, load(d_r, k), load(d_i, k))
        put(out_r, out_i, k, r, i)


@njit(**BARE)
def etdrk4_third(c_r, c_i, a_r, a_i, n_r, n_i, nb_r, nb_i, out_r, out_i):
    """Let ``out`` be exp(L dt / 2) a + Q (2 N(b) - N(u))."""
    e_r, e_i, q_r, q_i = c_r[1], c_i[1], c_r[2], c_i[2]
    for k in range(out_r.shape[0]):
        r, i = times(load(a_r, k), load(a_i, k), load(e_r, k), load(e_i, k))
        twice_r, twice_i = sub(scale(load(nb_r, k), 2.0), load(n_r, k)), sub(scale(load(nb_i, k), 2.0), load(n_i, k))
        more_r, more_i = times(twice_r, twice_i, load(q_r, k), load(q_i, k))
        put(out_r, out_i, k, add(r, more_r), add(i, more_i))


@njit(**BARE)
def etdrk4_last(c_r, c_i, n_r, n_i, na_r, na_i, nb_r, nb_i, nc_r, nc_i, u_r, u_i):
    """Let ``u`` be exp(L dt) u + f1 N(u) + 2 f2 (N(a) + N(b)) + f3 N(c)."""
    e_r, e_i, f_r, f_i, g_r, g_i, h_r, h_i = c_r[0], c_i[0], c_r[3], c_i[3], c_r[4], c_i[4], c_r[5], c_i[5]
    for k in range(u_r.shape[0]):
        r, i = times(load(u_r, k), load(u_i, k), load(e_r, k), load(e_i, k))
        r, i = plus(r, i, n_r, n_i, k, load(f_r, k), load(f_i, k))
        middle_r, middle_i = add(load(na_r, k), load(nb_r, k)), add(load(na_i, k), load(nb_i, k))
        more_r, more_i = times(middle_r, middle_i, load(g_r, k), load(g_i, k))
        r, i = plus(add(r, more_r), add(i, more_i), nc_r, nc_i, k, load(h_r, k), load(h_i, k))
        put(u_r, u_i, k, r, i)


@njit(**BARE)
def etdrk4(u_r, u_i, history_r, history_i, c_r, c_i, steps, plan, terms, work, stage_r, stage_i):
    """``steps`` steps of ETDRK4; ``c`` (6, K): exp(L dt), exp(L dt / 2), Q, f1, 2 f2, f3. Stages (6, K)."""
    w_r, w_i = weights(c_r, u_r), weights(c_i, u_r)
    v_r, v_i, a_r, a_i, b_r, b_i = rows(u_r), rows(u_i), rows(stage_r[0]), rows(stage_i[0]), rows(stage_r[1]), rows(stage_i[1])
    n_r, n_i, na_r, na_i = rows(stage_r[2]), rows(stage_i[2]), rows(stage_r[3]), rows(stage_i[3])
    nb_r, nb_i, nc_r, nc_i = rows(stage_r[4]), rows(stage_i[4]), rows(stage_r[5]), rows(stage_i[5])
    for _ in range(steps):
        nonlinear(u_r, u_i, plan, terms, work, stage_r[2], stage_i[2])
        weighted(w_r[1], w_i[1], v_r, v_i, w_r[2], w_i[2], n_r, n_i, a_r, a_i)
        nonlinear(stage_r[0], stage_i[0], plan, terms, work, stage_r[3], stage_i[3])
        weighted(w_r[1], w_i[1], v_r, v_i, w_r[2], w_i[2], na_r, na_i, b_r, b_i)
        nonlinear(stage_r[1], stage_i[1], plan, terms, work, stage_r[4], stage_i[4])
        etdrk4_third(w_r, w_i, a_r, a_i, n_r, n_i, nb_r, nb_i, b_r, b_i)
        nonlinear(stage_r[1], stage_i[1], plan, terms, work, stage_r[5], stage_i[5])
        etdrk4_last(w_r, w_i, n_r, n_i, na_r, na_i, nb_r, nb_i, nc_r, nc_i, v_r, v_i)


@njit(**BARE)
def cnab2_last(c_r, c_i, n_r, n_i, before_r, before_i, u_r, u_i):
    """Let ``u`` be c0 u + c1 N(u) + c2 N(u before), and what was before be N(u)."""
    e_r, e_i, f_r, f_i, g_r, g_i = c_r[0], c_i[0], c_r[1], c_i[1], c_r[2], c_i[2]
    for k in range(u_r.shape[0]):
        r, i = times(load(u_r, k), load(u_i, k), load(e_r, k), load(e_i, k))
        r, i = plus(r, i, n_r, n_i, k, load(f_r, k), load(f_i, k))
        r, i = plus(r, i, before_r, before_i, k, load(g_r, k), load(g_i, k))
        put(u_r, u_i, k, r, i)
        put(before_r, before_i, k, load(n_r, k), load(n_i, k))


@njit(cache=True, error_model="numpy")
def cnab2(u_r, u_i, history_r, history_i, c_r, c_i, steps, plan, terms, work, stage_r, stage_i):
    """``steps`` steps of Crank-Nicolson and Adams-Bashforth; ``c`` (3, K) as in `cnab2_last`. Stages (1, K).

    ``history`` holds N(u before); nan in its first row: there is none, and the first step is forward Euler's.
    """
    w_r, w_i = weights(c_r, u_r), weights(c_i, u_r)
    n_r, n_i = stage_r[0], stage_i[0]
    for _ in range(steps):
        nonlinear(u_r, u_i, plan, terms, work, n_r, n_i)
        if (history_r[0:1] != history_r[0:1]).any():
            history_r[:] = n_r
            history_i[:] = n_i
        cnab2_last(w_r, w_i, rows(n_r), rows(n_i), rows(history_r), rows(history_i), rows(u_r), rows(u_i))


@njit(**BARE)
def add_times(out_r, out_i, a_r, a_i, factor):
    """Add ``factor`` times ``a`` to ``out``."""
    for k in range(out_r.shape[0]):
        put(out_r, out_i, k, add(load(out_r, k), scale(load(a_r, k), factor)), add(load(out_i, k), scale(load(a_i, k), factor)))


@njit(**BARE)
def solved(c_r, c_i, u_r, u_i, s_r, s_i, out_r, out_i):
    """Let ``out`` be (u + s + dt L out) / (1 - dt L gamma): c0 is dt L, c1 what is divided by."""
    e_r, e_i, f_r, f_i = c_r[0], c_i[0], c_r[1], c_i[1]
    for k in range(out_r.shape[0]):
        r, i = plus(add(load(u_r, k), load(s_r, k)), add(load(u_i, k), load(s_i, k)), out_r, out_i, k, load(e_r, k), load(e_i, k))
        r, i = times(r, i, load(f_r, k), load(f_i, k))
        put(out_r, out_i, k, r, i)


@njit(cache=True, error_model="numpy")
def imex(u_r, u_i, history_r, history_i, c_r, c_i, steps, plan, terms, work, stage_r, stage_i, explicit, implicit):
    """``steps`` steps of a stiffly accurate IMEX Runge-Kutta method with stages 1 to S and one diagonal entry for all.

    ``c`` (2, K): dt L, and 1 / (1 - dt L times the diagonal entry). ``explicit``, ``implicit`` (S + 1, S + 1): the tableaux, the
    explicit one times dt. Stages (2 S + 2, K): a sum, the states 1 to S, then their nonlinear terms from 0.
    """
    stages = len(implicit) - 1
    w_r, w_i = weights(c_r, u_r), weights(c_i, u_r)
    sum_r, sum_i = stage_r[0], stage_i[0]
    for _ in range(steps):
        nonlinear(u_r, u_i, plan, terms, work, stage_r[stages + 1], stage_i[stages + 1])
        for stage in range(1, stages + 1):
            new_r, new_i = stage_r[stage], stage_i[stage]
            sum_r[:], sum_i[:], new_r[:], new_i[:] = 0.0, 0.0, 0.0, 0.0
            for j in range(stage):
                n_r, n_i = stage_r[stages + 1 + j], stage_i[stages + 1 + j]
                add_times(rows(sum_r), rows(sum_i), rows(n_r), rows(n_i), explicit[stage, j])
                if j > 0:
                    add_times(rows(new_r), rows(new_i), rows(stage_r[j]), rows(stage_i[j]), implicit[stage, j])
            solved(w_r, w_i, rows(u_r), rows(u_i), rows(sum_r), rows(sum_i), rows(new_r), rows(new_i))
            if stage < stages:
                nonlinear(new_r, new_i, plan, terms, work, stage_r[stages + 1 + stage], stage_i[stages + 1 + stage])
        u_r[:] = stage_r[stages]
        u_i[:] = stage_i[stages]
