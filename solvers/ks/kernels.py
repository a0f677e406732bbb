"""The nonlinear terms and the time steps, for one member or eight side by side: arrays in, arrays out.

Complex arrays are pairs of real ones, as `solvers.ks.fourier` has them. Wavenumbers beyond those kept have no weight anywhere, so that
what stands there stays nought.

``plan`` is `fourier.plan`'s. ``terms`` says what the nonlinear terms are made of: factors by which a spectrum becomes a derivative's
(D, n + 1), real and imaginary; for each product, its coefficient, and where its derivatives begin in the list ``factors`` of them; for
each sum of products, where its products begin, and the factors that its spectrum is multiplied by (S, n + 1), real and imaginary; the
constant. ``work`` is `work_arrays`'s.

References: ETDRK4, A.-K. Kassam, L. N. Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214-1233, DOI 10.1137/S1064827502410633; CNAB2, U. M.
Ascher, S. J. Ruuth, B. T. R. Wetton, SIAM J. Numer. Anal. 32 (1995) 797-823, DOI 10.1137/0732037; IMEX Runge-Kutta, U. M. Ascher, S. J.
Ruuth, R. J. Spiteri, Appl. Numer. Math. 25 (1997) 151-167, DOI 10.1016/S0168-9274(97)00056-1.
"""

# k wavenumber, i pair of points, j product, d derivative, s sum of products

from numba import njit

from solvers.ks.fourier import add_spectrum, times, to_points, transform
from solvers.ks.lanes import add, load, mul, scale, store, sub


@njit(cache=True, error_model="numpy")
def product(points_r, points_i, factors, coefficient, out_r, out_i):
    """Let ``out`` be ``coefficient`` times the product of those derivatives that ``factors`` lists."""
    a_r, a_i = points_r[factors[0]], points_i[factors[0]]
    for i in range(out_r.shape[0]):
        store(out_r, i, scale(load(a_r, i), coefficient))
        store(out_i, i, scale(load(a_i, i), coefficient))
    for d in factors[1:]:
        b_r, b_i = points_r[d], points_i[d]
        for i in range(out_r.shape[0]):
            store(out_r, i, mul(load(out_r, i), load(b_r, i)))
            store(out_i, i, mul(load(out_i, i), load(b_i, i)))


@njit(cache=True, error_model="numpy")
def nonlinear(u_r, u_i, plan, terms, work, out_r, out_i):
    """Let ``out`` be the spectrum of the nonlinear terms at the spectrum ``u``."""
    radices, w_r, w_i, turn_r, turn_i = plan
    derivative_r, derivative_i, coefficients, first_factor, factors, first_product, sum_r, sum_i, constant = terms
    points_r, points_i, x_r, x_i, y_r, y_i, z_r, z_i = work
    stays = len(radices) % 2 == 0  # where a transform leaves its result
    for d in range(len(derivative_r)):
        p_r, p_i = points_r[d], points_i[d]
        a_r, a_i, b_r, b_i = (p_r, p_i, y_r, y_i) if stays else (y_r, y_i, p_r, p_i)
        to_points(u_r, u_i, derivative_r[d], derivative_i[d], a_r, a_i, b_r, b_i, radices, w_r, w_i, turn_r, turn_i)
    out_r[:] = 0.0
    out_i[:] = 0.0
    out_r[0:1] += constant
    for s in range(len(sum_r)):
        for j in range(first_product[s], first_product[s + 1]):
            mine = factors[first_factor[j] : first_factor[j + 1]]
            if j == first_product[s]:
                product(points_r, points_i, mine, coefficients[j], x_r, x_i)
                continue
            product(points_r, points_i, mine, coefficients[j], z_r, z_i)
            for i in range(x_r.shape[0]):
                store(x_r, i, add(load(x_r, i), load(z_r, i)))
                store(x_i, i, add(load(x_i, i), load(z_i, i)))
        transform(x_r, x_i, y_r, y_i, radices, w_r, w_i)
        a_r, a_i = (x_r, x_i) if stays else (y_r, y_i)
        add_spectrum(a_r, a_i, sum_r[s], sum_i[s], turn_r, turn_i, out_r, out_i)


@njit(cache=True, error_model="numpy", inline="always")
def plus(a_r, a_i, b_r, b_i, k, factor_r, factor_i):
    """``a`` plus row k of ``b`` times a factor."""
    r, i = times(load(b_r, k), load(b_i, k), factor_r, factor_i)
    return add(a_r, r), add(a_i, i)


@njit(cache=True, error_model="numpy")
def etdrk4(u_r, u_i, history_r, history_i, c_r, c_i, steps, plan, terms, work, stage_r, stage_i):
    """``steps`` steps of ETDRK4; ``c`` (6, n + 1): exp(L dt), exp(L dt / 2), Q, f1, 2 f2, f3. Stages (6, n + 1)."""
    a_r, b_r, n_r, na_r, nb_r, nc_r = stage_r[0], stage_r[1], stage_r[2], stage_r[3], stage_r[4], stage_r[5]
    a_i, b_i, n_i, na_i, nb_i, nc_i = stage_i[0], stage_i[1], stage_i[2], stage_i[3], stage_i[4], stage_i[5]
    for _ in range(steps):
        nonlinear(u_r, u_i, plan, terms, work, n_r, n_i)
        for k in range(u_r.shape[0]):
            r, i = times(load(u_r, k), load(u_i, k), c_r[1, k], c_i[1, k])
            store(b_r, k, r)
            store(b_i, k, i)
            r, i = plus(r, i, n_r, n_i, k, c_r[2, k], c_i[2, k])
            store(a_r, k, r)
            store(a_i, k, i)
        nonlinear(a_r, a_i, plan, terms, work, na_r, na_i)
        for k in range(u_r.shape[0]):
            r, i = plus(load(b_r, k), load(b_i, k), na_r, na_i, k, c_r[2, k], c_i[2, k])
            store(b_r, k, r)
            store(b_i, k, i)
        nonlinear(b_r, b_i, plan, terms, work, nb_r, nb_i)
        for k in range(u_r.shape[0]):
            r, i = times(load(a_r, k), load(a_i, k), c_r[1, k], c_i[1, k])
            twice_r, twice_i = sub(scale(load(nb_r, k), 2.0), load(n_r, k)), sub(scale(load(nb_i, k), 2.0), load(n_i, k))
            more_r, more_i = times(twice_r, twice_i, c_r[2, k], c_i[2, k])
            store(b_r, k, add(r, more_r))
            store(b_i, k, add(i, more_i))
        nonlinear(b_r, b_i, plan, terms, work, nc_r, nc_i)
        for k in range(u_r.shape[0]):
            r, i = times(load(u_r, k), load(u_i, k), c_r[0, k], c_i[0, k])
            r, i = plus(r, i, n_r, n_i, k, c_r[3, k], c_i[3, k])
            middle_r, middle_i = add(load(na_r, k), load(nb_r, k)), add(load(na_i, k), load(nb_i, k))
            more_r, more_i = times(middle_r, middle_i, c_r[4, k], c_i[4, k])
            r, i = plus(add(r, more_r), add(i, more_i), nc_r, nc_i, k, c_r[5, k], c_i[5, k])
            store(u_r, k, r)
            store(u_i, k, i)


@njit(cache=True, error_model="numpy")
def cnab2(u_r, u_i, history_r, history_i, c_r, c_i, steps, plan, terms, work, stage_r, stage_i):
    """``steps`` steps of Crank-Nicolson and Adams-Bashforth; ``c`` (3, n + 1): the new state is c0 u + c1 N(u) + c2 N(u before).

    ``history`` holds N(u before); nan in its first row: there is none, and the first step is forward Euler's.
    """
    n_r, n_i = stage_r[0], stage_i[0]
    for _ in range(steps):
        nonlinear(u_r, u_i, plan, terms, work, n_r, n_i)
        if (history_r[0:1] != history_r[0:1]).any():
            history_r[:] = n_r
            history_i[:] = n_i
        for k in range(u_r.shape[0]):
            r, i = times(load(u_r, k), load(u_i, k), c_r[0, k], c_i[0, k])
            r, i = plus(r, i, n_r, n_i, k, c_r[1, k], c_i[1, k])
            r, i = plus(r, i, history_r, history_i, k, c_r[2, k], c_i[2, k])
            store(u_r, k, r)
            store(u_i, k, i)
            store(history_r, k, load(n_r, k))
            store(history_i, k, load(n_i, k))


@njit(cache=True, error_model="numpy")
def imex(u_r, u_i, history_r, history_i, c_r, c_i, steps, plan, terms, work, stage_r, stage_i, explicit, implicit):
    """``steps`` steps of a stiffly accurate IMEX Runge-Kutta method with stages 1 to S and one diagonal entry for all.

    ``c`` (2, n + 1): dt L, and 1 / (1 - dt L times the diagonal entry). ``explicit``, ``implicit`` (S + 1, S + 1): the tableaux, the
    explicit one times dt. Stages (2 S + 1, n + 1): the states, then their nonlinear terms.
    """
    stages = len(implicit) - 1
    for _ in range(steps):
        nonlinear(u_r, u_i, plan, terms, work, stage_r[stages + 1], stage_i[stages + 1])
        for stage in range(1, stages + 1):
            new_r, new_i = stage_r[stage], stage_i[stage]
            for k in range(u_r.shape[0]):
                a_r, a_i = load(u_r, k), load(u_i, k)
                for j in range(stage):
                    a_r, a_i = plus(a_r, a_i, stage_r[stages + 1 + j], stage_i[stages + 1 + j], k, explicit[stage, j], 0.0)
                for j in range(1, stage):
                    a_r, a_i = plus(a_r, a_i, stage_r[j], stage_i[j], k, implicit[stage, j] * c_r[0, k], implicit[stage, j] * c_i[0, k])
                r, i = times(a_r, a_i, c_r[1, k], c_i[1, k])
                store(new_r, k, r)
                store(new_i, k, i)
            if stage < stages:
                nonlinear(new_r, new_i, plan, terms, work, stage_r[stages + 1 + stage], stage_i[stages + 1 + stage])
        u_r[:] = stage_r[stages]
        u_i[:] = stage_i[stages]
