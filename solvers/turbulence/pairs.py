"""The loops over planes of points, from lines along y to products and back: arrays in, arrays out.

Two real fields go through a transform along x as the real and the imaginary part of one: pairs (pairs, planes, ny, 2 nx), both parts by
turns, as in the lines y (fields, planes, ny, 2 row) that they come from, of which the first ``lx`` waves are kept.
"""

# p pair; a, b, c along z, y, x

from pipeline.core.compiled import njit
from pipeline.spectral.kernels import cross
from solvers.turbulence.lanes import (
    alternating,
    backwards,
    differences,
    load,
    minus_plus,
    plus_minus,
    real_parts,
    store,
    swapped,
    times,
    together,
)


@njit(cache=True, error_model="numpy")
def pair(y, x, lx):
    """Let ``x`` be the spectra along x of the fields of ``y``, two in one."""
    fields, planes, ny, _ = y.shape
    nx = x.shape[3] // 2
    for p in range((fields + 1) // 2):
        for a in range(planes):
            for b in range(ny):
                if 2 * p + 1 == fields:
                    alone(y[2 * p, a, b], x[p, a, b], lx, nx)
                else:
                    paired(y[2 * p, a, b], y[2 * p + 1, a, b], x[p, a, b], lx, nx)
                x[p, a, b, 2 * lx : 2 * (nx - lx + 1)] = 0.0


@njit(cache=True, error_model="numpy", inline="always")
def paired(one, other, out, lx, nx):
    """Let ``out`` be ``one`` + i ``other``, and the mirror image of that behind the gap."""
    out[0], out[1] = one[0], other[0]
    side, c = together(one), 1
    while c + side <= lx:
        first, second = load(one, 2 * c), swapped(load(other, 2 * c))
        store(out, 2 * c, minus_plus(first, second))
        store(out, 2 * (nx - c - side + 1), backwards(plus_minus(second, first)))
        c += side
    while c < lx:
        at, back = 2 * c, 2 * (nx - c)
        out[at], out[at + 1] = one[at] - other[at + 1], one[at + 1] + other[at]
        out[back], out[back + 1] = other[at + 1] + one[at], other[at] - one[at + 1]
        c += 1


@njit(cache=True, error_model="numpy", inline="always")
def alone(one, out, lx, nx):
    """The same of a field that has no other."""
    out[0], out[1] = one[0], 0.0
    for c in range(1, lx):
        at, back = 2 * c, 2 * (nx - c)
        out[at], out[at + 1] = one[at], one[at + 1]
        out[back], out[back + 1] = one[at], -one[at + 1]


@njit(cache=True, error_model="numpy")
def part(x, y, lx):
    """The way back of `pair`, times two: waves along x that are not kept are dropped."""
    fields, planes, ny, _ = y.shape
    nx = x.shape[3] // 2
    for p in range((fields + 1) // 2):
        last = 2 * p + 1 == fields
        for a in range(planes):
            for b in range(ny):
                parted(x[p, a, b], y[2 * p, a, b], y[2 * p if last else 2 * p + 1, a, b], lx, nx)


@njit(cache=True, error_model="numpy", inline="always")
def parted(pairs, one, other, lx, nx):
    """Part a line into its two fields; of a field without an ``other`` that is the same array, and is overwritten."""
    other[0], other[1] = pairs[1] + pairs[1], 0.0
    one[0], one[1] = pairs[0] + pairs[0], 0.0
    side, c = together(one), 1
    while c + side <= lx:
        first, second = load(pairs, 2 * c), backwards(load(pairs, 2 * (nx - c - side + 1)))
        store(other, 2 * c, swapped(minus_plus(second, first)))
        store(one, 2 * c, plus_minus(first, second))
        c += side
    while c < lx:
        at, back = 2 * c, 2 * (nx - c)
        r, i, s, j = pairs[at], pairs[at + 1], pairs[back], pairs[back + 1]
        other[at], other[at + 1] = j + i, s - r
        one[at], one[at + 1] = r + s, i - j
        c += 1


@njit(cache=True, error_model="numpy")
def rotation(pairs):
    """Turn velocity and vorticity (real and imaginary parts of three pairs) into u x omega: two components in a pair, then one."""
    for a in range(pairs.shape[1]):
        for b in range(pairs.shape[2]):
            first, second, third = pairs[0, a, b], pairs[1, a, b], pairs[2, a, b]
            step, c = 2 * together(first), 0
            while c + step <= len(first):
                one, two, three = load(first, c), load(second, c), load(third, c)
                x, y, z = times(two, swapped(three)), times(three, swapped(one)), times(one, swapped(two))
                store(first, c, differences(x, y))
                store(second, c, real_parts(differences(z, z)))
                c += step
            while c < len(first):
                at, to = c, c + 1
                u, v, w, p, q, r = first[at], second[at], third[at], first[to], second[to], third[to]
                first[at], first[to], second[at] = cross(u, v, w, p, q, r)
                second[to] = 0.0
                c += 2


@njit(cache=True, error_model="numpy")
def rotation_and_flux(pairs):
    """Do as `rotation`; and a scalar s, the real part of a fourth pair, becomes its flux: u s with the third component, v s and w s."""
    for a in range(pairs.shape[1]):
        for b in range(pairs.shape[2]):
            first, second, third, fourth = pairs[0, a, b], pairs[1, a, b], pairs[2, a, b], pairs[3, a, b]
            step, c = 2 * together(first), 0
            while c + step <= len(first):
                one, two, three, four = load(first, c), load(second, c), load(third, c), load(fourth, c)
                x, y, z = times(two, swapped(three)), times(three, swapped(one)), times(one, swapped(two))
                store(first, c, differences(x, y))
                store(second, c, alternating(differences(z, z), swapped(times(one, four))))
                store(third, c, alternating(times(two, four), swapped(times(three, four))))
                c += step
            while c < len(first):
                at, to = c, c + 1
                u, v, w, p, q, r = first[at], second[at], third[at], first[to], second[to], third[to]
                first[at], first[to], second[at] = cross(u, v, w, p, q, r)
                second[to], third[at], third[to] = u * fourth[at], v * fourth[at], w * fourth[at]
                c += 2


@njit(cache=True, error_model="numpy", fastmath={"nnan", "nsz"})
def fastest(x, per_x, per_y, per_z):
    """The greatest |u| / dx + |v| / dy + |w| / dz, where ``per_x`` is 1 / dx, of the real parts of three pairs."""
    greatest = x[0, 0, 0, 0] * 0.0
    for a in range(x.shape[1]):
        for b in range(x.shape[2]):
            first, second, third = x[0, a, b], x[1, a, b], x[2, a, b]
            for c in range(0, x.shape[3], 2):
                greatest = max(greatest, abs(first[c]) * per_x + abs(second[c]) * per_y + abs(third[c]) * per_z)
    return greatest


@njit(cache=True, error_model="numpy")
def moments(x, found):
    """Add to ``found`` (2, 3) the sums of squares, cubes and fourth powers of u_x, v_y, w_z, and of u_y, v_z, w_x, from their pairs."""
    for p in range(3):
        for a in range(x.shape[1]):
            for b in range(x.shape[2]):
                for c in range(0, x.shape[3], 2):
                    one, other = float(x[p, a, b, c]), float(x[p, a, b, c + 1])
                    along, across = one * one, other * other
                    i, j = (0, 0) if p == 0 else ((0, 1) if p == 1 else (1, 1))
                    found[i, 0] += along
                    found[i, 1] += along * one
                    found[i, 2] += along * along
                    found[j, 0] += across
                    found[j, 1] += across * other
                    found[j, 2] += across * across
