"""The loops between the transforms of a cube, and over its waves: arrays in, arrays out.

Waves v (fields, lz, ly, lx) are those that are kept, this rank's share of them: along z and y in the order 0, 1, ..., k, -k, ..., -1, along
x the half 0, 1, ..., k. ``kz, ky, kx`` are their wavenumbers. Lines z (fields, nz, ly, row) have zero where a wave is not kept; a row is lx
numbers or some more, zeros that fill vector registers.
"""

# f field; a, b, c along z, y, x

from pipeline.core.compiled import njit
from pipeline.spectral.kernels import curl
from solvers.turbulence.lanes import add, doubled, inverse_within, load, raised, scaled, store, subtract, swapped, times, together, turned


@njit(cache=True, error_model="numpy")
def spread(v, z):
    """Let the first lines be those of the waves ``v``."""
    fields, lz, _, lx = v.shape
    top, gap = (lz + 1) // 2, z.shape[1] - lz
    for f in range(fields):
        for a in range(lz):
            z[f, a if a < top else a + gap, :, :lx] = v[f, a]
        z[f, top : top + gap] = 0.0


@njit(cache=True, error_model="numpy")
def gather(z, v, scale):
    """The way back of `spread`: let the waves ``v`` be the first lines times ``scale``."""
    fields, lz, _, lx = v.shape
    top, gap = (lz + 1) // 2, z.shape[1] - lz
    for f in range(fields):
        for a in range(lz):
            v[f, a] = scale * z[f, a if a < top else a + gap, :, :lx]


@njit(cache=True, error_model="numpy")
def spread_rotation(v, kz, ky, kx, z):
    """Let the lines be velocity and vorticity of the waves ``v`` by turns, u, omega_x, v, omega_y, w, omega_z, and what else ``v`` has.

    Both are real and imaginary parts by turns: ``v`` (fields, lz, ly, 2 lx), ``z`` (fields + 3, nz, ly, 2 row).
    """
    fields, lz, ly, numbers = v.shape
    top, gap = (lz + 1) // 2, z.shape[1] - lz
    for a in range(lz):
        to = a if a < top else a + gap
        for b in range(ly):
            rotated(v[0, a, b], v[1, a, b], v[2, a, b], kz[a], ky[b], kx, z[:6, to, b])
            for f in range(3, fields):
                z[f + 3, to, b, :numbers] = v[f, a, b]
    z[:, top : top + gap] = 0.0


@njit(cache=True, error_model="numpy", inline="always")
def rotated(one, two, three, m, n, kx, z):
    """Do as `spread_rotation`, of the rows of one line along x; ``m`` and ``n`` are its wavenumbers along z and y."""
    u, p, v, q, w, r = z[0], z[1], z[2], z[3], z[4], z[5]
    side, c = together(one), 0
    while c + side <= len(kx):
        at = 2 * c
        i, j, h, k = load(one, at), load(two, at), load(three, at), doubled(kx, c)
        store(u, at, i)
        store(v, at, j)
        store(w, at, h)
        i, j, h = swapped(i), swapped(j), swapped(h)
        store(p, at, turned(scaled(j, m), scaled(h, n)))
        store(q, at, turned(times(h, k), scaled(i, m)))
        store(r, at, turned(scaled(i, n), times(j, k)))
        c += side
    while c < len(kx):
        at, to, k = 2 * c, 2 * c + 1, kx[c]
        u[at], u[to], v[at], v[to], w[at], w[to] = one[at], one[to], two[at], two[to], three[at], three[to]
        p[at], p[to], q[at], q[to], r[at], r[to] = curl(k, n, m, u[at], u[to], v[at], v[to], w[at], w[to])
        c += 1


@njit(cache=True, error_model="numpy")
def widen(z, first, y, top, rest):
    """Let ``y`` (fields, planes, ...) be the planes of ``z`` (fields, nz, ...) from ``first``: its first ``top`` numbers and its last
    ``rest``, which are lines along x, and zero between them."""
    gap = y.shape[2] - top - rest
    for f in range(y.shape[0]):
        for a in range(y.shape[1]):
            wide, kept = y[f, a], z[f, first + a]
            wide[:top] = kept[:top]
            wide[top : top + gap] = 0.0
            wide[top + gap :] = kept[top : top + rest]


@njit(cache=True, error_model="numpy")
def narrow(y, z, first, top, rest):
    """The way back of `widen`: waves along y that are not kept are dropped."""
    gap = y.shape[2] - top - rest
    for f in range(y.shape[0]):
        for a in range(y.shape[1]):
            wide, kept = y[f, a], z[f, first + a]
            kept[:top] = wide[:top]
            kept[top : top + rest] = wide[top + gap :]


@njit(cache=True, error_model="numpy")
def rate(z, kz, ky, kx, limit, scale, n):
    """Let ``n`` (3, lz, ly, 2 lx) be what has no divergence of u x omega, in the first three lines, times ``scale``.

    Its mean is zero, and so are waves with |k|^2 above ``limit``. Lines (fields, nz, ly, 2 row) and ``n`` are real and imaginary parts by
    turns.
    """
    lz, ly = n.shape[1:3]
    top, gap = (lz + 1) // 2, z.shape[1] - lz
    for a in range(lz):
        at = a if a < top else a + gap
        for b in range(ly):
            projected(z[0, at, b], z[1, at, b], z[2, at, b], kz[a], ky[b], kx, limit, scale, n[:, a, b])


@njit(cache=True, error_model="numpy", inline="always")
def projected(one, two, three, m, j, kx, limit, scale, n):
    """Do as `rate`, of the rows of one line along x; ``m`` and ``j`` are its wavenumbers along z and y."""
    first, second, third = n[0], n[1], n[2]
    square, side, c = m * m + j * j, together(one), 0
    while c + side <= len(kx):
        at, k = 2 * c, doubled(kx, c)
        x, y, h = load(one, at), load(two, at), load(three, at)
        whole = raised(times(k, k), square)
        inverse = inverse_within(whole, limit, scale)
        along = times(add(add(times(k, x), scaled(y, j)), scaled(h, m)), inverse)
        kept = times(whole, inverse)
        store(first, at, subtract(times(kept, x), times(k, along)))
        store(second, at, subtract(times(kept, y), scaled(along, j)))
        store(third, at, subtract(times(kept, h), scaled(along, m)))
        c += side
    while c < len(kx):
        k = kx[c]
        whole = square + k * k
        inverse = scale / whole if 0.0 < whole <= limit else scale - scale
        kept = whole * inverse
        for at in (2 * c, 2 * c + 1):
            along = (k * one[at] + j * two[at] + m * three[at]) * inverse
            first[at], second[at], third[at] = kept * one[at] - k * along, kept * two[at] - j * along, kept * three[at] - m * along
        c += 1


@njit(cache=True, error_model="numpy")
def scalar_rate(z, v, gradient, kz, ky, kx, limit, scale, n):
    """Let ``n`` (lz, ly, lx) be minus the divergence of a scalar's flux, lines three to five, times ``scale``, less ``gradient`` (3,) of
    its mean along x, y, z times the velocity ``v`` (3, lz, ly, lx); waves with |k|^2 above ``limit`` are zero."""
    lz, ly, lx = n.shape
    top, gap = (lz + 1) // 2, z.shape[1] - lz
    for a in range(lz):
        at = a if a < top else a + gap
        for b in range(ly):
            for c in range(lx):
                along = (kx[c] * z[3, at, b, c] + ky[b] * z[4, at, b, c] + kz[a] * z[5, at, b, c]) * scale
                carried = gradient[0] * v[0, a, b, c] + gradient[1] * v[1, a, b, c] + gradient[2] * v[2, a, b, c]
                within = kz[a] * kz[a] + ky[b] * ky[b] + kx[c] * kx[c] <= limit
                n[a, b, c] = complex(along.imag - carried.real, -along.real - carried.imag) if within else scale - scale


@njit(cache=True, error_model="numpy")
def advance(u, stage, total, n, decay_z, decay_plane, powers, weights, kind):
    """A stage of a Runge-Kutta method in an integrating factor, on arrays (fields, lz, plane): real and imaginary parts by turns.

    With e the decay of a wave over a unit of time, ``powers`` (4,) of it and ``weights`` (4,): ``total`` grows by w3 e^p3 n, in the first
    stage (``kind`` 0) from e^p2 u; ``stage`` becomes w0 e^p0 u + w2 stage + w1 e^p1 n, but in the last stage (``kind`` 2) u becomes
    ``total``. ``decay_z`` (powers, lz) are the powers of e along z, ``decay_plane`` (powers, plane) those along y and x.
    """
    p0, p1, p2, p3 = powers
    w0, w1, w2, w3 = weights
    e0, e1, e2, e3 = decay_plane[p0], decay_plane[p1], decay_plane[p2], decay_plane[p3]
    for f in range(u.shape[0]):
        for a in range(u.shape[1]):
            one, now, whole, slope = u[f, a], stage[f, a], total[f, a], n[f, a]
            d0, d1, d2, d3 = w0 * decay_z[p0, a], w1 * decay_z[p1, a], decay_z[p2, a], w3 * decay_z[p3, a]
            if kind == 0:
                for c in range(len(one)):
                    whole[c] = d2 * e2[c] * one[c] + d3 * e3[c] * slope[c]
                    now[c] = d0 * e0[c] * one[c] + d1 * e1[c] * slope[c]
            elif kind == 1 and w2 == 0.0:
                for c in range(len(one)):
                    whole[c] += d3 * e3[c] * slope[c]
                    now[c] = d0 * e0[c] * one[c] + d1 * e1[c] * slope[c]
            elif kind == 1:
                for c in range(len(one)):
                    whole[c] += d3 * e3[c] * slope[c]
                    now[c] = d0 * e0[c] * one[c] + w2 * now[c] + d1 * e1[c] * slope[c]
            else:
                for c in range(len(one)):
                    one[c] = whole[c] + d3 * e3[c] * slope[c]


@njit(cache=True, error_model="numpy")
def spread_slopes(v, kz, ky, kx, z):
    """Let the first six lines be u_x, v_y, w_z, u_y, v_z, w_x of the waves ``v`` (3, lz, ly, lx), and the others zero."""
    lz, ly, lx = v.shape[1:]
    top, gap = (lz + 1) // 2, z.shape[1] - lz
    z[6:] = 0.0
    z[:6, top : top + gap] = 0.0
    for a in range(lz):
        to = a if a < top else a + gap
        for b in range(ly):
            for c in range(lx):
                p, q, r = v[0, a, b, c], v[1, a, b, c], v[2, a, b, c]
                z[0, to, b, c] = complex(-kx[c] * p.imag, kx[c] * p.real)
                z[1, to, b, c] = complex(-ky[b] * q.imag, ky[b] * q.real)
                z[2, to, b, c] = complex(-kz[a] * r.imag, kz[a] * r.real)
                z[3, to, b, c] = complex(-ky[b] * p.imag, ky[b] * p.real)
                z[4, to, b, c] = complex(-kz[a] * q.imag, kz[a] * q.real)
                z[5, to, b, c] = complex(-kx[c] * r.imag, kx[c] * r.real)
