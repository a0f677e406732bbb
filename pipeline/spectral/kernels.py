"""Loops over waves and points of a periodic box: arrays in, arrays out.

Waves v (fields, lz, ly, lx) are all of a box or a rank's share of them, along x the half with kx >= 0, of wavenumbers ``kz, ky, kx``.
"""

# f field; a, b, c along z, y, x

from pipeline.core.compiled import njit


@njit(inline="always")
def curl(k, n, m, u_r, u_i, v_r, v_i, w_r, w_i):
    """The vorticity i (k, n, m) x (u, v, w) of a wave with wavenumbers k, n, m along x, y, z: real and imaginary parts by turns."""
    return m * v_i - n * w_i, n * w_r - m * v_r, k * w_i - m * u_i, m * u_r - k * w_r, n * u_i - k * v_i, k * v_r - n * u_r


@njit(inline="always")
def cross(u, v, w, p, q, r):
    """(u, v, w) x (p, q, r)."""
    return v * r - w * q, w * p - u * r, u * q - v * p


@njit(cache=True, error_model="numpy")
def with_curl(v, kz, ky, kx, out):
    """Let ``out`` (6, lz, ly, lx) be the waves ``v`` (3, lz, ly, lx) of a velocity, then those of its vorticity.

    Apart: nine arrays whose rows lie a power of two apart push each other out of the nearest cache.
    """
    lz, ly, lx = v.shape[1:]
    for f in range(3):
        out[f] = v[f]
    for a in range(lz):
        for b in range(ly):
            for c in range(lx):
                one, two, three = v[0, a, b, c], v[1, a, b, c], v[2, a, b, c]
                p_r, p_i, q_r, q_i, r_r, r_i = curl(kx[c], ky[b], kz[a], one.real, one.imag, two.real, two.imag, three.real, three.imag)
                out[3, a, b, c], out[4, a, b, c], out[5, a, b, c] = complex(p_r, p_i), complex(q_r, q_i), complex(r_r, r_i)


@njit(cache=True, error_model="numpy")
def rotation(x, out):
    """Let ``out`` (3, nz, ny, nx) be u x omega of a velocity and its vorticity ``x`` (6, nz, ny, nx)."""
    for a in range(x.shape[1]):
        for b in range(x.shape[2]):
            for c in range(x.shape[3]):
                found = cross(x[0, a, b, c], x[1, a, b, c], x[2, a, b, c], x[3, a, b, c], x[4, a, b, c], x[5, a, b, c])
                out[0, a, b, c], out[1, a, b, c], out[2, a, b, c] = found


@njit(cache=True, error_model="numpy")
def project(v, kz, ky, kx):
    """Take from the waves ``v`` (3, lz, ly, lx) what has a divergence."""
    lz, ly, lx = v.shape[1:]
    for a in range(lz):
        for b in range(ly):
            for c in range(lx):
                whole = kz[a] * kz[a] + ky[b] * ky[b] + kx[c] * kx[c]
                if whole > 0.0:
                    along = (kx[c] * v[0, a, b, c] + ky[b] * v[1, a, b, c] + kz[a] * v[2, a, b, c]) / whole
                    v[0, a, b, c] -= kx[c] * along
                    v[1, a, b, c] -= ky[b] * along
                    v[2, a, b, c] -= kz[a] * along


@njit(cache=True, error_model="numpy")
def push(n, v, strength, low, high, by_square, kz, ky, kx):
    """Add ``strength`` times the waves ``v`` (fields, lz, ly, lx), ``by_square`` times k^2 too, to ``n`` where low <= k^2 <= high."""
    fields, lz, ly, lx = v.shape
    for a in range(lz):
        for b in range(ly):
            square = kz[a] * kz[a] + ky[b] * ky[b]
            if square > high:
                continue
            for c in range(lx):
                whole = square + kx[c] * kx[c]
                if low <= whole <= high:
                    factor = strength * whole if by_square else strength
                    for f in range(fields):
                        n[f, a, b, c] += factor * v[f, a, b, c]


@njit(cache=True, error_model="numpy")
def shells(one, other, shell, first, found):
    """Add half the real part of conj(one) other, waves (fields, lz, ly, lx), to ``found`` (shells,) at every wave's ``shell`` (lz, ly, lx).

    A wave counts twice, for its mirror image along x too, but for those with kx = 0, which ``first`` says are the first along x.
    """
    fields, lz, ly, lx = one.shape
    for f in range(fields):
        for a in range(lz):
            for b in range(ly):
                for c in range(lx):
                    p, q = one[f, a, b, c], other[f, a, b, c]
                    product = float(p.real) * float(q.real) + float(p.imag) * float(q.imag)
                    found[shell[a, b, c]] += 0.5 * product if first and c == 0 else product


@njit(cache=True)
def numbers_at(place, shape):
    """Whole numbers along x, y, z of the wave at a ``place`` of the flat ``rfftn`` of ``shape`` (nz, ny, nx)."""
    half = shape[2] // 2 + 1
    x, y, z = place % half, (place // half) % shape[1], place // (half * shape[1])
    return x, y - shape[1] if 2 * y > shape[1] else y, z - shape[0] if 2 * z > shape[0] else z
