"""The loops over cells and edges: arrays in, arrays out.

State ``u`` (cells, 3): depth h [m], discharges hu, hv [m2/s]. Primitives ``q`` (cells, 4): free surface eta [m],
velocities [m/s], depth [m]. ``faces`` (cells, 3, 4): depth, free surface and velocity at the middle of each edge as
seen from the cell. ``flux`` (2 edges, 3): what the left cell (row 2e) and the right cell (row 2e + 1) of edge e lose
per second and metre of edge, times the edge's length.

Every cell sums its edges in corner order, and every value is computed by the same instructions whatever the rank: so the
result is the same bits on any number of ranks. To that end the costly loops gather a block, compute all of its columns (the
last block's spare ones too), and scatter; a list cut anywhere gives the same bits, which a test holds. Only these may fuse
products into sums: any other loop a compiler may split into a vector part and a rest, which then would differ. Flags of
fast-math that reorder sums are out of the question.

References: hydrostatic reconstruction, E. Audusse, F. Bouchut, M.-O. Bristeau, R. Klein, B. Perthame, SIAM J. Sci.
Comput. 25 (2004) 2050-2065, DOI 10.1137/S1064827503431090, eqs. (2.9)-(2.16); second order, E. Audusse, M.-O. Bristeau,
J. Comput. Phys. 206 (2005) 311-333, DOI 10.1016/j.jcp.2004.12.016; films thinner than the step of the bed, G. Chen, S. Noelle,
SIAM J. Numer. Anal. 55 (2017) 758-784, DOI 10.1137/15M1053074. HLLC, E. F. Toro, Shock-Capturing Methods for
Free-Surface Shallow Flows, Wiley 2001, ch. 10. Roe's solver, P. Glaister, J. Hydraul. Res. 26 (1988) 293-306,
DOI 10.1080/00221688809499213; A. Harten, J. M. Hyman, J. Comput. Phys. 50 (1983) 235-269, DOI 10.1016/0021-9991(83)90066-9.
The kinetic solver, B. Perthame, C. Simeoni, Calcolo 38 (2001) 201-231, DOI 10.1007/s10092-001-8181-3.
Draining of cells, A. Bollermann, S. Noelle, M. Lukacova-Medvidova,
Commun. Comput. Phys. 10 (2011) 371-404, DOI 10.4208/cicp.220210.020710a. Limiters, T. J. Barth, D. C. Jespersen, AIAA
paper 89-0366, 1989, DOI 10.2514/6.1989-366; C. Michalak, C. Ollivier-Gooch, J. Comput. Phys. 228 (2009) 8693-8711,
DOI 10.1016/j.jcp.2009.08.021. Changes to the edges with the neighbours' values, C. O. E. Burg, AIAA paper 2005-4999, 2005,
DOI 10.2514/6.2005-4999; H. Nishikawa, J. Comput. Phys. 417 (2020) 109600, DOI 10.1016/j.jcp.2020.109600.
"""

# c cell, k neighbour, e edge, i corner (edge i joins corners i and i + 1)

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pipeline.core.compiled import njit

HLLC, ROE, RUSANOV, KINETIC = 0, 1, 2, 3  # Riemann solvers
WALL, OPEN = 0, 1  # what stands outside a boundary edge: a mirror, or water that a wave may pass
ZERO, QUARTER, HALF, ONE, TWO, THREE = (np.float32(x) for x in (0.0, 0.25, 0.5, 1.0, 2.0, 3.0))  # exact: the other operand decides the type
TINY = np.float32(1e-30)  # keeps 0 / 0 away
FLAT = np.float32(1e-24)  # so that a sharpness of 1e36 limits where neighbours are equal too
CONTRACTED = {"contract"}  # of the loops whose zeros are kept to the bit
FUSED = {"contract", "nsz"}  # fast-math of the block loops: products may fuse into sums, and zero has no sign
KAPPA = np.float32(0.5)  # share of the neighbours' own values in the changes to the edges (Burg 2005, eq. (10))
SLANT = np.float32(3.0)  # sum of |p| and |r| up to which a neighbour counts in full: 2 where triangles are regular, large at slivers
ONE_WAY = np.float32(
    0.1
)  # least change one way over that the other way, for the limiter: beside a shock a smaller one would be round-off's to decide
STEEP = np.float32(10.0)  # dissipation a jump of 1 adds to the share that smooth water has: all of it from jumps of a few hundredths on
SHORTER = 20.0  # by 1 + this times the jump are steps shorter than in smooth water
SLOWEST = 1e-15  # of the wave speed: slower water rests, for its flow is round-off of the depths round it
INVERSE_CUBE = 0x553EF0FF289DD796  # less a third of a double's bits: about those of its inverse cube root
SIXTH = 42  # row of a block that holds 1 / 6, which no single-precision constant is
BLOCK = 16  # cells or edges that are gathered, computed side by side in vector registers, and scattered


@njit(cache=True, error_model="numpy")
def primitives(u, bed, dry, cells, q):
    """Fill the rows ``cells`` of ``q``; a cell no deeper than ``dry`` [m] has no velocity."""
    for c in cells:
        h = u[c, 0]
        q[c, 0] = h + bed[c]
        q[c, 3] = h
        over = 1.0 / h if h > dry else 0.0
        q[c, 1] = u[c, 1] * over
        q[c, 2] = u[c, 2] * over


@njit(cache=True, error_model="numpy")
def time_steps(q, inradius, nearest, faces_of, jumps, shortest, longest, g, dry, cells, steps):
    """Fill the rows ``cells`` of ``steps`` (own cells,): a length over the fastest wave [s]; -1 where a value is not finite.

    The length is ``longest`` [1] times that from the centroid to the ``nearest`` edge where the water is smooth, and at shocks
    ``shortest`` [1] times the ``inradius``, by the largest of ``jumps`` (edges,) [1] round the cell. ``faces_of`` (cells, 3): rows
    of the flux array, two an edge. A dry cell has no limit: infinity.
    """
    for c in cells:
        h = q[c, 3]
        squared = q[c, 1] * q[c, 1] + q[c, 2] * q[c, 2]
        limit = np.inf
        if not squared + g * h < np.inf:  # nan too
            limit = -1.0
        elif h > dry:
            jump = max(jumps[faces_of[c, 0] >> 1], max(jumps[faces_of[c, 1] >> 1], jumps[faces_of[c, 2] >> 1]))
            way = max(shortest * inradius[c], longest * nearest[c] / (1.0 + SHORTER * jump))
            limit = way / (math.sqrt(squared) + math.sqrt(g * h))
        steps[c] = limit


@njit(cache=True, fastmath=FUSED, error_model="numpy", inline="always")
def limited_changes(cells, j, corner, neighbour, mean, sharpness, sloped):
    """Changes to the middles of the edges, from the plane through the values at the corners and its errors at the neighbours.

    Rows ``corner`` and ``neighbour`` of the block ``cells`` are the first of the three values there; ``mean`` is the cell's own. The
    plane changes by d_i up to the middle of edge i, and by p_i d_i + r_i d_(i + 1) up to the neighbour's centroid; a share of its
    error there is added (Burg 2005, eq. (10)). The largest change and the smallest decide how much of all stays within
    the neighbours (Barth and Jespersen). Where the neighbours differ by less than the root of 1 / ``sharpness``, the state is smooth
    on this mesh, a crest is no overshoot, and the limiter fades out (Michalak and Ollivier-Gooch 2009, eqs. (22)-(24)). All is zero
    where ``sloped`` is.
    """
    a0, a1, a2 = cells[corner, j], cells[corner + 1, j], cells[corner + 2, j]
    n0, n1, n2 = cells[neighbour, j] - mean, cells[neighbour + 1, j] - mean, cells[neighbour + 2, j] - mean
    d0 = (a0 + a1 - TWO * a2) * cells[SIXTH, j]
    d1 = (a1 + a2 - TWO * a0) * cells[SIXTH, j]
    d2 = (a2 + a0 - TWO * a1) * cells[SIXTH, j]
    m0 = n0 - cells[33, j] * d0 - cells[34, j] * d1
    m1 = n1 - cells[35, j] * d1 - cells[36, j] * d2
    m2 = n2 - cells[37, j] * d2 - cells[38, j] * d0
    d0 += cells[39, j] * m0
    d1 += cells[40, j] * m1
    d2 += cells[41, j] * m2
    low = -min(min(n0, n1), min(n2, ZERO))
    high = max(max(n0, n1), max(n2, ZERO))
    rise = max(max(d0, max(d1, d2)), max(high, TINY))
    fall = max(max(-d0, max(-d1, -d2)), max(low, TINY))
    rise, fall = max(rise, ONE_WAY * fall), max(fall, ONE_WAY * rise)
    up = high * fall < low * rise
    share = (high if up else low) / (rise if up else fall)
    squared = (high + low) * (high + low) + FLAT
    y = min(max(squared * sharpness - ONE, ZERO), ONE)
    smooth = (TWO * y - THREE) * y * y + ONE
    share = sloped * (smooth + (ONE - smooth) * share)
    return share * d0, share * d1, share * d2


@njit(cache=True, error_model="numpy")
def vertex_values(q, first_cell, cells_of, weights, film, vertices, corner_values):
    """Free surface and velocity at the ``vertices``: sums over the cells round them that are exact for planes.

    ``cells_of[first_cell[v]:first_cell[v + 1]]`` are the cells round vertex v by rising global number, ``weights`` what each
    counts. At the shore the mean of the cells deeper than ``film`` [m] takes their place; the fourth column says where it does not.
    Sums are of differences from one of the cells: water at rest is level to the last bit.
    """
    for v in vertices:
        first, last = first_cell[v], first_cell[v + 1]
        base = cells_of[last - 1]
        wet = 0
        eta = ux = uy = 0.0
        for j in range(first, last):
            c = cells_of[j]
            wet += q[c, 3] > film
            eta += weights[j] * (q[c, 0] - q[base, 0])
            ux += weights[j] * (q[c, 1] - q[base, 1])
            uy += weights[j] * (q[c, 2] - q[base, 2])
        shore = wet < last - first
        if shore:
            for j in range(first, last):
                if q[cells_of[j], 3] > film:
                    base = cells_of[j]
            even = 1.0 / max(wet, 1)
            eta = ux = uy = 0.0
            for j in range(first, last):
                c = cells_of[j]
                if q[c, 3] > film:
                    eta += even * (q[c, 0] - q[base, 0])
                    ux += even * (q[c, 1] - q[base, 1])
                    uy += even * (q[c, 2] - q[base, 2])
        corner_values[v, 0] = q[base, 0] + eta
        corner_values[v, 1] = q[base, 1] + ux
        corner_values[v, 2] = q[base, 2] + uy
        corner_values[v, 3] = 0.0 if shore else 1.0


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def reconstruct(q, corner_values, corners, bed_change, neighbours, offsets, reach, sharpness, g, order, film, listed, faces, source):
    """Values at the middles of the edges of the ``listed`` cells from limited slopes, and the bed's push on the cells.

    The slope is that of the plane through the values at the ``corners`` (cells, 3); its change from the centroid to the
    middle of edge i is (a_i + a_{i+1} - 2 a_{i+2}) / 6. ``neighbours`` (cells, 3), the cell itself where there is none;
    ``offsets`` (cells, 3, 2) [m] from the centroid to the edges' middles; ``bed_change`` (cells, 3) [m] of the bed there;
    ``source`` (cells, 2) [m4/s2]; ``reach`` (cells, 3, 2) p and r of `limited_changes`. A cell no deeper
    than ``film`` [m] keeps its means, and its neighbours have the plane alone towards it.
    """
    cells = np.zeros(
        (43, BLOCK), q.dtype
    )  # eta, u, v, h; slope or none; sharpness; bed changes; offsets; corners; neighbours; p, r; kappa / 2
    found = np.zeros((14, BLOCK), q.dtype)
    cells[SIXTH] = 1.0 / 6.0
    for first in range(0, len(listed), BLOCK):
        count = min(BLOCK, len(listed) - first)
        for j in range(count):
            c = listed[first + j]
            for i in range(3):
                cells[i, j] = q[c, i]
                cells[6 + i, j] = bed_change[c, i]
                cells[9 + 2 * i, j] = offsets[c, i, 0]
                cells[10 + 2 * i, j] = offsets[c, i, 1]
                v, k = corners[c, i], neighbours[c, i]
                cells[33 + 2 * i, j] = reach[c, i, 0]
                cells[34 + 2 * i, j] = reach[c, i, 1]
                cells[39 + i, j] = 0.5 * KAPPA if q[k, 3] > film else 0.0
                for n in range(3):
                    cells[15 + 3 * n + i, j] = corner_values[v, n]
                    cells[24 + 3 * n + i, j] = q[k, n]
            cells[3, j] = q[c, 3]
            cells[4, j] = 1.0 if order > 1 and q[c, 3] > film else 0.0
            cells[5, j] = sharpness[c]
        reconstruct_block(cells, q.dtype.type(g), found)
        for j in range(count):
            c = listed[first + j]
            for i in range(3):
                for n in range(4):
                    faces[c, i, n] = found[4 * i + n, j]
            source[c, 0] = found[12, j]
            source[c, 1] = found[13, j]


@njit(cache=True, fastmath=FUSED, error_model="numpy", inline="always")
def reconstruct_block(cells, g, found):
    """`reconstruct` for the columns of ``cells``, all by the same instructions.

    A depth at an edge below zero is zero: there the bed rises out of the water, and a half-wet cell has its water where its bed is
    low. Water at rest has equal free surfaces on all edges, and no push.
    """
    over_g = ONE / g
    for j in range(BLOCK):
        eta, ux, uy, h, sloped = cells[0, j], cells[1, j], cells[2, j], cells[3, j], cells[4, j]
        for i in range(3):
            cells[39 + i, j] *= min(ONE, SLANT / (abs(cells[33 + 2 * i, j]) + abs(cells[34 + 2 * i, j]) + TINY))
        over = sloped / max(h, TINY)
        k_u = cells[5, j] * over * over_g
        k_e = cells[5, j] * over * over
        e0, e1, e2 = limited_changes(cells, j, 15, 24, eta, k_e, sloped)
        x0, x1, x2 = limited_changes(cells, j, 18, 27, ux, k_u, sloped)
        y0, y1, y2 = limited_changes(cells, j, 21, 30, uy, k_u, sloped)
        d0 = e0 - sloped * cells[6, j]
        d1 = e1 - sloped * cells[7, j]
        d2 = e2 - sloped * cells[8, j]
        h0 = max(h + d0, ZERO)
        h1 = max(h + d1, ZERO)
        h2 = max(h + d2, ZERO)
        found[0, j], found[1, j], found[2, j], found[3, j] = h0, eta + e0, ux + x0, uy + y0
        found[4, j], found[5, j], found[6, j], found[7, j] = h1, eta + e1, ux + x1, uy + y1
        found[8, j], found[9, j], found[10, j], found[11, j] = h2, eta + e2, ux + x2, uy + y2
        # half the outward normal times length of edge i, from the offsets: corner j lies at -2 offsets[j + 1]
        p0 = -g * (h0 + h) * e0
        p1 = -g * (h1 + h) * e1
        p2 = -g * (h2 + h) * e2
        o0x, o0y, o1x, o1y, o2x, o2y = cells[9, j], cells[10, j], cells[11, j], cells[12, j], cells[13, j], cells[14, j]
        found[12, j] = p0 * (o1y - o2y) + p1 * (o2y - o0y) + p2 * (o0y - o1y)
        found[13, j] = p0 * (o2x - o1x) + p1 * (o0x - o2x) + p2 * (o1x - o0x)


@njit(cache=True, error_model="numpy")
def turn(q, area, turning, cells, source):
    """Add to the ``source`` (cells, 2) [m4/s2] of the ``cells`` what turns their water: f h (v, -u) times the area.

    ``turning`` (cells, 3) holds the Coriolis parameter [1/s] and the gradient of the map's stretching k [1/m]. On a conformal map of the
    sphere, where lengths are 1 / k of the map's, f is the Coriolis parameter and u dk/dy - v dk/dx.
    """
    for c in cells:
        u, v = q[c, 1], q[c, 2]
        push = area[c] * q[c, 3] * (turning[c, 0] + u * turning[c, 2] - v * turning[c, 1])
        source[c, 0] += push * v
        source[c, 1] -= push * u


@njit(cache=True, fastmath=FUSED, error_model="numpy", inline="always")
def hllc(h_left, u_left, v_left, h_right, u_right, v_right, rise, g):
    """Toro's solver, with wave speeds as Toro (2001), eqs. (10.18)-(10.22): the two-rarefaction estimate and the exact speeds
    of a dry front.

    All solvers are called alike: ``u`` along, ``v`` across the normal [m/s]; ``rise`` = g (h_right^2 - h_left^2) / 2, given so
    that equal depths at rest give exactly zero. They return the flux of depth and of momentum along and across the normal,
    less the left side's pressure.
    """
    c_left = math.sqrt(g * h_left)
    c_right = math.sqrt(g * h_right)
    u_star = HALF * (u_left + u_right) + c_left - c_right
    c_star = max(HALF * (c_left + c_right) + QUARTER * (u_left - u_right), ZERO)
    s_left = min(u_left - c_left, u_star - c_star)
    s_right = max(u_right + c_right, u_star + c_star)
    s_left = (u_right - TWO * c_right) if h_left == ZERO else ((u_left - c_left) if h_right == ZERO else s_left)
    s_right = (u_right + c_right) if h_left == ZERO else ((u_left + TWO * c_left) if h_right == ZERO else s_right)
    s_left = min(s_left, ZERO)  # a wave that runs away from the edge leaves the one-sided flux
    s_right = max(s_right, ZERO)
    m_left = h_left * u_left
    m_right = h_right * u_right
    width = ONE / (s_right - s_left + TINY)
    both = s_left * s_right
    mass = (s_right * m_left - s_left * m_right + both * (h_right - h_left)) * width
    along = (s_right * (m_left * u_left) - s_left * (m_right * u_right + rise) + both * (m_right - m_left)) * width
    across = mass * (v_left if mass >= ZERO else v_right)  # the contact moves with the water that crosses the edge
    return mass, along, across


@njit(cache=True, fastmath=FUSED, error_model="numpy", inline="always")
def roe(h_left, u_left, v_left, h_right, u_right, v_right, rise, g):
    """Roe's solver (Glaister 1988), with Harten and Hyman's fix of speeds that change sign in a rarefaction."""
    c_left = math.sqrt(g * h_left)
    c_right = math.sqrt(g * h_right)
    u = (c_left * u_left + c_right * u_right) / (c_left + c_right + TINY)  # c stands to c as root h to root h
    c = math.sqrt(0.5 * g * (h_left + h_right))
    slow = u - c
    fast = u + c
    spread_slow = max(max(slow - (u_left - c_left), (u_right - c_right) - slow), TINY)
    spread_fast = max(max(fast - (u_left + c_left), (u_right + c_right) - fast), TINY)
    a_slow = max(abs(slow), min(spread_slow, 0.5 * (slow * slow / spread_slow + spread_slow)))
    a_fast = max(abs(fast), min(spread_fast, 0.5 * (fast * fast / spread_fast + spread_fast)))
    m_left = h_left * u_left
    m_right = h_right * u_right
    dh = h_right - h_left
    dm = m_right - m_left
    over = 0.5 / (c + TINY)
    w_slow = a_slow * (fast * dh - dm) * over
    w_fast = a_fast * (dm - slow * dh) * over
    mass = 0.5 * (m_left + m_right - w_slow - w_fast)
    along = 0.5 * (m_left * u_left + m_right * u_right + rise - slow * w_slow - fast * w_fast)
    across = mass * (v_left if mass >= 0.0 else v_right)
    return mass, along, across


@njit(cache=True, fastmath=FUSED, error_model="numpy", inline="always")
def rusanov(h_left, u_left, v_left, h_right, u_right, v_right, rise, g):
    """Rusanov's solver: the fastest wave smears all (Toro 2001, section 9.3)."""
    speed = max(abs(u_left) + math.sqrt(g * h_left), abs(u_right) + math.sqrt(g * h_right))
    m_left = h_left * u_left
    m_right = h_right * u_right
    mass = 0.5 * (m_left + m_right - speed * (h_right - h_left))
    along = 0.5 * (m_left * u_left + m_right * u_right + rise - speed * (m_right - m_left))
    across = 0.5 * (m_left * v_left + m_right * v_right - speed * (h_right * v_right - h_left * v_left))
    return mass, along, across


@njit(cache=True, fastmath=FUSED, error_model="numpy", inline="always")
def kinetic(h_left, u_left, v_left, h_right, u_right, v_right, rise, g):
    """Perthame and Simeoni's kinetic solver with evenly spread particles, |xi - u| < a = sqrt(3 g h / 2).

    The half fluxes of particles that move one way are written as half the pressure g h^2 / 2 = h a^2 / 3 and what the speed
    adds to it, so that equal depths at rest give exactly zero.
    """
    a_left = math.sqrt(1.5 * g * h_left)
    a_right = math.sqrt(1.5 * g * h_right)
    u, a = u_left, a_left
    over = 1.0 / (a + TINY)
    mass_left = h_left * (u if u > a else (0.0 if u < -a else 0.25 * (u + a) * (u + a) * over))
    push = u * u + a * a * (1.0 / 6.0)
    mixed = u * (u * u * over * (1.0 / 6.0) + 0.5 * u + 0.5 * a)
    along_left = h_left * (push if u > a else (-a * a * (1.0 / 6.0) if u < -a else mixed))
    u, a = -u_right, a_right  # the right side's particles, in a mirror
    over = 1.0 / (a + TINY)
    mass_right = h_right * (u if u > a else (0.0 if u < -a else 0.25 * (u + a) * (u + a) * over))
    push = u * u + a * a * (1.0 / 6.0)
    mixed = u * (u * u * over * (1.0 / 6.0) + 0.5 * u + 0.5 * a)
    along_right = h_right * (push if u > a else (-a * a * (1.0 / 6.0) if u < -a else mixed))
    mass = mass_left - mass_right
    along = 0.5 * rise + along_left + along_right
    across = mass_left * v_left - mass_right * v_right
    return mass, along, across


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def edge_flux(faces, left_face, right_face, normals, lengths, smooth, g, riemann, listed, flux, jumps):
    """Fill both rows and the jump of the ``listed`` interior edges. ``left_face``, ``right_face`` (edges,): 3 cell + corner.

    ``riemann`` is HLLC, ROE, RUSANOV or KINETIC; ``smooth`` (interior edges,) [1] and ``jumps`` (edges,) [1] are those of `blended`.
    """
    edges = np.zeros((12, BLOCK))  # h, eta, u, v left and right; normal; length; share of dissipation. In double: depths differ by a wave
    found = np.zeros((7, BLOCK))
    for first in range(0, len(listed), BLOCK):
        count = min(BLOCK, len(listed) - first)
        for j in range(count):
            e = listed[first + j]
            a, b = left_face[e], right_face[e]
            for n in range(4):
                edges[n, j] = faces[a, n]
                edges[4 + n, j] = faces[b, n]
            edges[8, j] = normals[e, 0]
            edges[9, j] = normals[e, 1]
            edges[10, j] = lengths[e]
            edges[11, j] = smooth[e]
        if riemann == HLLC:
            edge_flux_block(edges, g, hllc, found)
        elif riemann == ROE:
            edge_flux_block(edges, g, roe, found)
        elif riemann == RUSANOV:
            edge_flux_block(edges, g, rusanov, found)
        else:
            edge_flux_block(edges, g, kinetic, found)
        for j in range(count):
            e = listed[first + j]
            for n in range(3):
                flux[2 * e, n] = found[n, j]
                flux[2 * e + 1, n] = found[3 + n, j]
            jumps[e] = found[6, j]


@njit(cache=True, fastmath=FUSED, error_model="numpy", inline="always")
def blended(mass, along, h_left, u_left, v_left, h_right, u_right, v_right, rise, g, smooth):
    """A Riemann solver's fluxes with the share ``smooth`` of their dissipation in smooth water and all of it at shocks, and the jump [1].

    The dissipation is the difference from the mean of both sides' fluxes. The jump is the larger of that of the depth over the sum
    of depths, and that of the velocity over the sum of wave speeds.
    """
    m_left = h_left * u_left
    m_right = h_right * u_right
    mean = HALF * (m_left + m_right)
    mean_along = HALF * (m_left * u_left + m_right * u_right + rise)
    speeds = math.sqrt(g * h_left) + math.sqrt(g * h_right) + TINY
    jump = max(abs(h_right - h_left) / (h_left + h_right + TINY), max(abs(u_right - u_left), abs(v_right - v_left)) / speeds)
    theta = min(ONE, smooth + STEEP * jump)
    return mean + theta * (mass - mean), mean_along + theta * (along - mean_along), jump


@njit(cache=True, fastmath=FUSED, error_model="numpy", inline="always")
def edge_flux_block(edges, g, solver, found):
    """`edge_flux` by one Riemann solver for the columns of ``edges``, all by the same instructions."""
    for j in range(BLOCK):
        nx, ny, length = edges[8, j], edges[9, j], edges[10, j]
        bed_left, bed_right = edges[1, j] - edges[0, j], edges[5, j] - edges[4, j]
        top = min(max(bed_left, bed_right), min(edges[1, j], edges[5, j]))  # the higher bed, but no higher than any water
        h_left = max(min(edges[1, j] - top, edges[0, j]), ZERO)
        h_right = max(min(edges[5, j] - top, edges[4, j]), ZERO)
        slide_left = g * edges[0, j] * min(top - bed_left, ZERO)  # a film thinner than the step of the bed slides down it
        slide_right = g * edges[4, j] * min(top - bed_right, ZERO)
        rise = HALF * g * (h_right - h_left) * (h_right + h_left)
        u_left, v_left = edges[2, j] * nx + edges[3, j] * ny, edges[3, j] * nx - edges[2, j] * ny
        u_right, v_right = edges[6, j] * nx + edges[7, j] * ny, edges[7, j] * nx - edges[6, j] * ny
        mass, along, across = solver(h_left, u_left, v_left, h_right, u_right, v_right, rise, g)
        mass, along, jump = blended(mass, along, h_left, u_left, v_left, h_right, u_right, v_right, rise, g, edges[11, j])
        along += slide_left
        x = length * (along * nx - across * ny)
        y = length * (along * ny + across * nx)
        push = length * (rise + slide_left - slide_right)
        found[0, j], found[1, j], found[2, j] = length * mass, x, y
        found[3, j], found[4, j], found[5, j], found[6, j] = -length * mass, push * nx - x, push * ny - y, jump


@njit(cache=True, error_model="numpy")
def boundary_flux(faces, left_face, normals, lengths, kind, wave, still, g, first, listed, flux):
    """Fill the left rows of the ``listed`` boundary edges; edge ``first`` is the first of all boundary edges.

    ``kind`` (boundary edges,) is WALL or OPEN. Outside an open edge the water stands at level ``still`` [m] and carries
    the incoming wave ``wave`` (boundary edges,) [m] as a simple wave, u = 2 (sqrt(g h) - sqrt(g h_still)): what comes
    from inside passes it. The Riemann solver here is HLLC.
    """
    for e in listed:
        j = e - first
        a = left_face[e]
        nx = normals[e, 0]
        ny = normals[e, 1]
        h_left = 1.0 * faces[a, 0]  # in double: the depth outside differs from it by a wave's height
        u_left = faces[a, 2] * nx + faces[a, 3] * ny
        v_left = faces[a, 3] * nx - faces[a, 2] * ny
        if kind[j] == WALL:
            h_right = h_left
            u_right = -u_left
            v_right = v_left
        else:
            bed = faces[a, 1] - h_left
            h_still = max(still - bed, 0.0)
            h_right = max(h_still + wave[j], 0.0) if h_still > 0.0 else 0.0
            u_right = -2.0 * (math.sqrt(g * h_right) - math.sqrt(g * h_still))
            v_right = 0.0
        rise = 0.5 * g * (h_right - h_left) * (h_right + h_left)
        mass, along, across = hllc(h_left, u_left, v_left, h_right, u_right, v_right, rise, g)
        length = lengths[e]
        if kind[j] == WALL:
            mass = 0.0  # by symmetry; the sum above leaves round-off
            across = 0.0
        flux[2 * e, 0] = length * mass
        flux[2 * e, 1] = length * (along * nx - across * ny)
        flux[2 * e, 2] = length * (along * ny + across * nx)


@njit(cache=True, error_model="numpy")
def drain(u, flux, faces_of, area, margin, dt, cells, share):
    """Fill the rows ``cells`` of ``share``: the part of its outflow that a cell can pay within ``dt``; true where any is below 1."""
    short = False
    for c in cells:
        out = 0.0
        for i in range(3):
            out += max(flux[faces_of[c, i], 0], 0.0)
        out *= dt
        stock = u[c, 0] * area[c]
        share[c] = 1.0
        if out > stock:
            share[c] = (1.0 - margin) * stock / out  # less a few round-offs, so that nothing goes below zero
            short = True
    return short


@njit(cache=True, error_model="numpy")
def scale_outflow(flux, left, right, edges, share):
    """Let none of the ``edges`` carry more than its donor cell can pay; both sides see the same flux, so no water is lost."""
    for e in edges:
        donor = left[e] if flux[2 * e, 0] > 0.0 else right[e]
        if donor >= 0 and share[donor] < 1.0:
            for row in range(2 * e, 2 * e + 2):
                for v in range(3):
                    flux[row, v] *= share[donor]


@intrinsic
def as_integer(typing, x):
    """The bits of a double as an integer."""
    return types.int64(types.float64), lambda context, builder, signature, values: builder.bitcast(values[0], ir.IntType(64))


@intrinsic
def as_double(typing, i):
    """The double that has the bits of an integer."""
    return types.float64(types.int64), lambda context, builder, signature, values: builder.bitcast(values[0], ir.DoubleType())


@njit(cache=True, fastmath=CONTRACTED, error_model="numpy", inline="always")
def inverse_cube_root(x):
    """x^(-1/3) to 1e-15, by arithmetic alone: a third of the bits, within 4 %, then four of Newton's steps."""
    y = as_double(INVERSE_CUBE - as_integer(x) // 3)
    for _ in range(4):
        y *= (4.0 - x * y * y * y) * (1.0 / 3.0)
    return y


@njit(cache=True, error_model="numpy", inline="always")
def gather_balance(u, flux, source, faces_of, area, c, j, block):
    """Fill column ``j`` of ``block`` with the state of cell ``c``, its loss by its edges (rows ``faces_of`` of ``flux``), and its area."""
    r0, r1, r2 = faces_of[c, 0], faces_of[c, 1], faces_of[c, 2]
    for n in range(3):
        block[n, j] = u[c, n]
    block[3, j] = np.float64(flux[r0, 0]) + flux[r1, 0] + flux[r2, 0]
    block[4, j] = flux[r0, 1] + flux[r1, 1] + flux[r2, 1] - source[c, 0]
    block[5, j] = flux[r0, 2] + flux[r1, 2] + flux[r2, 2] - source[c, 1]
    block[6, j] = area[c]


@njit(cache=True, fastmath=CONTRACTED, error_model="numpy", inline="always")
def advance_block(block, g_n2, linear, quadratic, dry, dt):
    """Do a step of Euler's for the columns of ``block``: rows 3 to 5 become the depth and the discharges after it.

    The bottom friction is taken at the new time. ``g_n2`` [m^(1/3)] is g n^2 with Manning's n, ``linear`` [1/s] and ``quadratic`` [1]:
    the drags are theirs times |u| u / h^(4/3), u, and |u| u / h.
    """
    drags = g_n2 != 0.0 or linear != 0.0 or quadratic != 0.0
    for j in range(BLOCK):
        k = dt / block[6, j]
        h = block[0, j] - k * block[3, j]  # what one cell loses its neighbours gain
        x = block[1, j] - k * block[4, j]
        y = block[2, j] - k * block[5, j]
        block[3, j] = h
        block[4, j] = x if h > dry else 0.0
        block[5, j] = y if h > dry else 0.0
    if drags:
        for j in range(BLOCK):
            h, x, y = max(block[3, j], dry), block[4, j], block[5, j]
            rough = quadratic + g_n2 * inverse_cube_root(h)
            grip = 1.0 / (1.0 + dt * (linear + rough * math.sqrt(x * x + y * y) / (h * h)))
            block[4, j] = x * grip
            block[5, j] = y * grip


@njit(cache=True, fastmath=CONTRACTED, error_model="numpy")
def update(u, u_start, flux, source, faces_of, area, g, g_n2, linear, quadratic, dry, b, dt, cells):
    """Do a Runge-Kutta stage of the ``cells`` in place: ``u = (1 - b) u_start + b (u + dt L(u))``, see `advance_block`.

    The first stage, of b = 1, keeps its ``u`` as ``u_start``. Water slower than `SLOWEST` of the wave speed is brought to rest: no
    trace of a wave runs before it through quiet water, ring after ring, below all round-off.
    """
    first = b == 1.0
    slowest = SLOWEST * SLOWEST * g
    block = np.ones((10, BLOCK))
    for begin in range(0, len(cells), BLOCK):
        count = min(BLOCK, len(cells) - begin)
        for j in range(count):
            c = cells[begin + j]
            gather_balance(u, flux, source, faces_of, area, c, j, block)
            for n in range(3):
                if first:
                    u_start[c, n] = u[c, n]
                block[7 + n, j] = u_start[c, n]
        advance_block(block, g_n2, linear, quadratic, dry, dt)
        for j in range(BLOCK):
            if not first:  # as a change, so that weights that don't quite add up lose no water
                for n in range(3):
                    block[3 + n, j] = block[7 + n, j] + b * (block[3 + n, j] - block[7 + n, j])
            h, x, y = block[3, j], block[4, j], block[5, j]
            slow = x * x + y * y < slowest * h * h * h
            block[4, j] = 0.0 if slow else x
            block[5, j] = 0.0 if slow else y
        for j in range(count):
            c = cells[begin + j]
            for n in range(3):
                u[c, n] = block[3 + n, j]


@njit(cache=True, error_model="numpy")
def note_inflow(flux, first, edges, share, inflow):
    """Take ``share`` [s], a number of the flux's type, of the flux through the listed boundary ``edges`` from ``inflow`` (B,) [m3]."""
    for e in edges:
        inflow[e - first] -= share * flux[2 * e, 0]


@njit(cache=True, error_model="numpy")
def sample(q, corner_values, corners, cells, places, values):
    """Free surface [m] and velocity [m/s] at places inside ``cells``, on the plane through the corners' values where all is wet.

    ``places`` (P, 3): barycentric coordinates less a third, so that the plane passes through the cell's mean.
    """
    for j in range(cells.shape[0]):
        c = cells[j]
        v0 = corners[c, 0]
        v1 = corners[c, 1]
        v2 = corners[c, 2]
        wet = corner_values[v0, 3] * corner_values[v1, 3] * corner_values[v2, 3]
        for v in range(3):
            plane = places[j, 0] * corner_values[v0, v] + places[j, 1] * corner_values[v1, v] + places[j, 2] * corner_values[v2, v]
            values[j, v] = q[c, v] + wet * plane


@njit(cache=True, error_model="numpy")
def note_maxima(u, bed, still_surface, dry, threshold, t, cells, maxima):
    """Running maxima of the own ``cells``: free surface [m], speed [m/s], depth [m], arrival time [s] (nan until then)."""
    for c in cells:
        h = u[c, 0]
        maxima[c, 2] = max(maxima[c, 2], h)
        if h > dry:
            eta = h + bed[c]
            if not maxima[c, 0] >= eta:  # nan too
                maxima[c, 0] = eta
            squared = u[c, 1] * u[c, 1] + u[c, 2] * u[c, 2]
            fastest = maxima[c, 1] * h
            if squared > fastest * fastest:
                maxima[c, 1] = math.sqrt(squared) / h
            if math.isnan(maxima[c, 3]) and abs(eta - still_surface[c]) > threshold:
                maxima[c, 3] = t
