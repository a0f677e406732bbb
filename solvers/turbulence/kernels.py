"""The loops between the transforms of a cube, and over its waves: arrays in, arrays out.

Waves v (fields, lz, ly, lx) are those that are kept, this rank's share of them: along z and y in the order 0, 1, ..., k, -k, ..., -1, along
x the half 0, 1, ..., k. ``kz, ky, kx`` are their wavenumbers. Lines z (fields, nz, ly, lx) have zero where a wave is not kept. Two real
fields go through a transform along x as the real and the imaginary part of one: pairs (pairs, planes, ny, nx).
"""

# f field, p pair; a, b, c along z, y, x

from numba import njit

from pipeline.spectral.kernels import cross, curl


@njit(cache=True, error_model="numpy")
def spread(v, z):
    """Let the first lines be those of the waves ``v``."""
    fields, lz = v.shape[:2]
    top, gap = (lz + 1) // 2, z.shape[1] - lz
    for f in range(fields):
        for a in range(lz):
            z[f, a if a < top else a + gap] = v[f, a]
        z[f, top : top + gap] = 0.0


@njit(cache=True, error_model="numpy")
def gather(z, v, scale):
    """The way back of `spread`: let the waves ``v`` be the first lines times ``scale``."""
    fields, lz = v.shape[:2]
    top, gap = (lz + 1) // 2, z.shape[1] - lz
    for f in range(fields):
        for a in range(lz):
            v[f, a] = scale * z[f, a if a < top else a + gap]


@njit(cache=True, error_model="numpy")
def spread_rotation(v, kz, ky, kx, z):
    """Let the lines be velocity and vorticity of the waves ``v`` by turns, u, omega_x, v, omega_y, w, omega_z, and what else ``v`` has."""
    fields, lz, ly, lx = v.shape
    top, gap = (lz + 1) // 2, z.shape[1] - lz
    for a in range(lz):
        to = a if a < top else a + gap
        m = kz[a]
        for b in range(ly):
            n = ky[b]
            for c in range(lx):
                k = kx[c]
                u_r, u_i = v[0, a, b, c].real, v[0, a, b, c].imag
                v_r, v_i = v[1, a, b, c].real, v[1, a, b, c].imag
                w_r, w_i = v[2, a, b, c].real, v[2, a, b, c].imag
                p_r, p_i, q_r, q_i, r_r, r_i = curl(k, n, m, u_r, u_i, v_r, v_i, w_r, w_i)
                z[0, to, b, c], z[1, to, b, c] = complex(u_r, u_i), complex(p_r, p_i)
                z[2, to, b, c], z[3, to, b, c] = complex(v_r, v_i), complex(q_r, q_i)
                z[4, to, b, c], z[5, to, b, c] = complex(w_r, w_i), complex(r_r, r_i)
        for f in range(3, fields):
            z[f + 3, to] = v[f, a]
    z[:, top : top + gap] = 0.0


@njit(cache=True, error_model="numpy")
def widen(z, first, y, top, rest):
    """Let ``y`` (fields, planes, ...) be the planes of ``z`` (fields, nz, ...) from ``first``: its first ``top`` numbers and its last
    ``rest``, which are lines along x, and zero between them."""
    gap = y.shape[2] - top - rest
    for f in range(y.shape[0]):
        for a in range(y.shape[1]):
            wide, kept = y[f, a], z[f, first + a]
            for b in range(top):
                wide[b] = kept[b]
            for b in range(top, top + gap):
                wide[b] = 0.0
            for b in range(top, top + rest):
                wide[b + gap] = kept[b]


@njit(cache=True, error_model="numpy")
def narrow(y, z, first, top, rest):
    """The way back of `widen`: waves along y that are not kept are dropped."""
    gap = y.shape[2] - top - rest
    for f in range(y.shape[0]):
        for a in range(y.shape[1]):
            wide, kept = y[f, a], z[f, first + a]
            for b in range(top):
                kept[b] = wide[b]
            for b in range(top, top + rest):
                kept[b] = wide[b + gap]


@njit(cache=True, error_model="numpy")
def pair(y, x):
    """Let ``x`` (pairs, planes, ny, nx) be the spectra along x of the fields of ``y`` (fields, planes, ny, lx), two in one."""
    fields, planes, ny, lx = y.shape
    nx = x.shape[3]
    for p in range((fields + 1) // 2):
        for a in range(planes):
            for b in range(ny):
                one, out = y[2 * p, a, b], x[p, a, b]
                if 2 * p + 1 == fields:
                    out[0] = one[0].real
                    for c in range(1, lx):
                        out[c], out[nx - c] = one[c], one[c].conjugate()
                else:
                    other = y[2 * p + 1, a, b]
                    out[0] = complex(one[0].real, other[0].real)
                    for c in range(1, lx):
                        r, i, s, j = one[c].real, one[c].imag, other[c].real, other[c].imag
                        out[c] = complex(r - j, i + s)
                        out[nx - c] = complex(r + j, s - i)
                out[lx : nx - lx + 1] = 0.0


@njit(cache=True, error_model="numpy")
def part(x, y):
    """The way back of `pair`, times two: waves along x that are not kept are dropped."""
    fields, planes, ny, lx = y.shape
    nx = x.shape[3]
    for p in range((fields + 1) // 2):
        alone = 2 * p + 1 == fields
        for a in range(planes):
            for b in range(ny):
                one, other, pairs = y[2 * p, a, b], y[2 * p if alone else 2 * p + 1, a, b], x[p, a, b]
                other[0] = pairs[0].imag + pairs[0].imag
                one[0] = pairs[0].real + pairs[0].real
                for c in range(1, lx):
                    r, i, s, j = pairs[c].real, pairs[c].imag, pairs[nx - c].real, pairs[nx - c].imag
                    other[c] = complex(i + j, s - r)
                    one[c] = complex(r + s, i - j)


@njit(cache=True, error_model="numpy")
def rotation(pairs):
    """Turn velocity and vorticity (real and imaginary parts of three pairs) into u x omega: two components in a pair, then one."""
    for a in range(pairs.shape[1]):
        for b in range(pairs.shape[2]):
            first, second, third = pairs[0, a, b], pairs[1, a, b], pairs[2, a, b]
            for c in range(pairs.shape[3]):
                u, p = first[c].real, first[c].imag
                v, q = second[c].real, second[c].imag
                w, r = third[c].real, third[c].imag
                x, y, z = cross(u, v, w, p, q, r)
                first[c], second[c] = complex(x, y), complex(z, 0.0)


@njit(cache=True, error_model="numpy")
def rotation_and_flux(pairs):
    """Do as `rotation`; and a scalar s, the real part of a fourth pair, becomes its flux: u s with the third component, v s and w s."""
    for a in range(pairs.shape[1]):
        for b in range(pairs.shape[2]):
            first, second, third, fourth = pairs[0, a, b], pairs[1, a, b], pairs[2, a, b], pairs[3, a, b]
            for c in range(pairs.shape[3]):
                u, p = first[c].real, first[c].imag
                v, q = second[c].real, second[c].imag
                w, r = third[c].real, third[c].imag
                s = fourth[c].real
                x, y, z = cross(u, v, w, p, q, r)
                first[c], second[c], third[c] = complex(x, y), complex(z, u * s), complex(v * s, w * s)


@njit(cache=True, error_model="numpy", fastmath={"nnan", "nsz"})
def fastest(x, per_x, per_y, per_z):
    """The greatest |u| / dx + |v| / dy + |w| / dz, where ``per_x`` is 1 / dx, of the real parts of three pairs."""
    greatest = x[0, 0, 0, 0].real * 0.0
    for a in range(x.shape[1]):
        for b in range(x.shape[2]):
            first, second, third = x[0, a, b], x[1, a, b], x[2, a, b]
            for c in range(x.shape[3]):
                greatest = max(greatest, abs(first[c].real) * per_x + abs(second[c].real) * per_y + abs(third[c].real) * per_z)
    return greatest


@njit(cache=True, error_model="numpy")
def rate(z, kz, ky, kx, limit, scale, n):
    """Let ``n`` (3, lz, ly, lx) be what has no divergence of u x omega, in the first three lines, times ``scale``.

    Its mean is zero, and so are waves with |k|^2 above ``limit``.
    """
    lz, ly, lx = n.shape[1:]
    top, gap = (lz + 1) // 2, z.shape[1] - lz
    for a in range(lz):
        at = a if a < top else a + gap
        m = kz[a]
        for b in range(ly):
            j = ky[b]
            square = m * m + j * j
            for c in range(lx):
                k = kx[c]
                whole = square + k * k
                inverse = scale / whole if 0.0 < whole <= limit else scale - scale
                x_r, y_r, z_r = z[0, at, b, c].real, z[1, at, b, c].real, z[2, at, b, c].real
                x_i, y_i, z_i = z[0, at, b, c].imag, z[1, at, b, c].imag, z[2, at, b, c].imag
                along_r = (k * x_r + j * y_r + m * z_r) * inverse
                along_i = (k * x_i + j * y_i + m * z_i) * inverse
                kept = whole * inverse
                n[0, a, b, c] = complex(kept * x_r - k * along_r, kept * x_i - k * along_i)
                n[1, a, b, c] = complex(kept * y_r - j * along_r, kept * y_i - j * along_i)
                n[2, a, b, c] = complex(kept * z_r - m * along_r, kept * z_i - m * along_i)


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
def advance(u, stage, total, n, decay_z, decay_y, decay_x, powers, weights, kind):
    """A stage of a Runge-Kutta method in an integrating factor, on arrays (fields, lz, ly, 2 lx) of real and imaginary parts by turns.

    With e the decay of a wave over a unit of time, ``powers`` (4,) of it and ``weights`` (4,): ``total`` grows by w3 e^p3 n, in the first
    stage (``kind`` 0) from e^p2 u; ``stage`` becomes w0 e^p0 u + w2 stage + w1 e^p1 n, but in the last stage (``kind`` 2) u becomes
    ``total``. ``decay_z`` (powers, lz) and its like are the powers of e along each axis, ``decay_x`` (powers, 2 lx) each of them twice.
    """
    p0, p1, p2, p3 = powers
    w0, w1, w2, w3 = weights
    x0, x1, x2, x3 = decay_x[p0], decay_x[p1], decay_x[p2], decay_x[p3]
    for f in range(u.shape[0]):
        for a in range(u.shape[1]):
            for b in range(u.shape[2]):
                one, now, whole, slope = u[f, a, b], stage[f, a, b], total[f, a, b], n[f, a, b]
                d0, d1 = w0 * decay_z[p0, a] * decay_y[p0, b], w1 * decay_z[p1, a] * decay_y[p1, b]
                d2, d3 = decay_z[p2, a] * decay_y[p2, b], w3 * decay_z[p3, a] * decay_y[p3, b]
                if kind == 0:
                    for c in range(len(one)):
                        whole[c] = d2 * x2[c] * one[c] + d3 * x3[c] * slope[c]
                        now[c] = d0 * x0[c] * one[c] + d1 * x1[c] * slope[c]
                elif kind == 1 and w2 == 0.0:
                    for c in range(len(one)):
                        whole[c] += d3 * x3[c] * slope[c]
                        now[c] = d0 * x0[c] * one[c] + d1 * x1[c] * slope[c]
                elif kind == 1:
                    for c in range(len(one)):
                        whole[c] += d3 * x3[c] * slope[c]
                        now[c] = d0 * x0[c] * one[c] + w2 * now[c] + d1 * x1[c] * slope[c]
                else:
                    for c in range(len(one)):
                        one[c] = whole[c] + d3 * x3[c] * slope[c]


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


@njit(cache=True, error_model="numpy")
def moments(x, found):
    """Add to ``found`` (2, 3) the sums of squares, cubes and fourth powers of u_x, v_y, w_z, and of u_y, v_z, w_x, from their pairs."""
    for p in range(3):
        for a in range(x.shape[1]):
            for b in range(x.shape[2]):
                for c in range(x.shape[3]):
                    one, other = float(x[p, a, b, c].real), float(x[p, a, b, c].imag)
                    along, across = one * one, other * other
                    i, j = (0, 0) if p == 0 else ((0, 1) if p == 1 else (1, 1))
                    found[i, 0] += along
                    found[i, 1] += along * one
                    found[i, 2] += along * along
                    found[j, 0] += across
                    found[j, 1] += across * other
                    found[j, 2] += across * across
