"""The loops over cells and edges: arrays in, arrays out.

State ``u`` (cells, 3): depth h [m], discharges hu, hv [m2/s]. Primitives ``q`` (cells, 4): free surface eta [m],
velocities [m/s], depth [m]. ``faces`` (cells, 3, 4): depth, free surface and velocity at the middle of each edge as
seen from the cell. ``flux`` (2 edges, 3): what the left cell (row 2e) and the right cell (row 2e + 1) of edge e lose
per second and metre of edge, times the edge's length.

Every cell sums its edges in corner order, and every value is computed by the same operations whatever the rank: so the
result is the same bits on any number of ranks. Of the fast-math flags only ``contract`` may be set, which treats every
cell alike as long as no loop is split into a vector part and a rest; a test sees to that.

References: hydrostatic reconstruction, E. Audusse, F. Bouchut, M.-O. Bristeau, R. Klein, B. Perthame, SIAM J. Sci.
Comput. 25 (2004) 2050-2065, DOI 10.1137/S1064827503431090, eqs. (2.9)-(2.16); second order, E. Audusse, M.-O. Bristeau,
J. Comput. Phys. 206 (2005) 311-333, DOI 10.1016/j.jcp.2004.12.016. HLLC, E. F. Toro, Shock-Capturing Methods for
Free-Surface Shallow Flows, Wiley 2001, ch. 10. Draining of cells, A. Bollermann, S. Noelle, M. Lukacova-Medvidova,
Commun. Comput. Phys. 10 (2011) 371-404, DOI 10.4208/cicp.220210.020710a. Limiters, T. J. Barth, D. C. Jespersen, AIAA
paper 89-0366, 1989, DOI 10.2514/6.1989-366; C. Michalak, C. Ollivier-Gooch, J. Comput. Phys. 228 (2009) 8693-8711,
DOI 10.1016/j.jcp.2009.08.021.
"""

# c cell, k neighbour, e edge, i corner (edge i joins corners i and i + 1)

import math

import numpy as np
from numba import njit

WALL, OPEN = 0, 1  # what stands outside a boundary edge: a mirror, or water that a wave may pass
TINY = 1e-30  # keeps 0 / 0 away
FUSED = {"contract"}  # products may fuse into sums


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def primitives(u, bed, dry, start, stop, q):
    """Fill ``q[start:stop]``; a cell no deeper than ``dry`` [m] has no velocity."""
    for c in range(start, stop):
        h = u[c, 0]
        q[c, 0] = h + bed[c]
        q[c, 3] = h
        over = 1.0 / h if h > dry else 0.0
        q[c, 1] = u[c, 1] * over
        q[c, 2] = u[c, 2] * over


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def time_step(q, inradius, g, dry, owned):
    """Smallest inradius over fastest wave [s] of the own cells; -1 where a value is not finite."""
    smallest = np.inf
    finite = True
    for c in range(owned):
        h = q[c, 3]
        squared = q[c, 1] * q[c, 1] + q[c, 2] * q[c, 2]
        bound = 2.0 * (squared + g * h)  # (|u| + sqrt(g h))^2 is no more
        finite = finite and bound < np.inf  # false for nan too
        if h > dry and inradius[c] * inradius[c] < smallest * smallest * bound:
            smallest = min(smallest, inradius[c] / (math.sqrt(squared) + math.sqrt(g * h)))
    return smallest if finite else -1.0


@njit(cache=True, fastmath=FUSED, error_model="numpy", inline="always")
def limited_changes(a0, a1, a2, n0, n1, n2, sharpness):
    """Changes to the middles of the edges of the plane through the corners' values ``a``; ``n`` the neighbours less the cell.

    They sum to zero, so the largest one and the smallest one decide how much of them stays within the neighbours (Barth and
    Jespersen). Where the neighbours differ by less than the root of 1 / ``sharpness``, the state is smooth on this mesh, a
    crest is no overshoot, and the limiter fades out (Michalak and Ollivier-Gooch 2009, eqs. (22)-(24)). No branches: in
    still water signs are round-off, and no processor predicts them.
    """
    d0 = (a0 + a1 - 2.0 * a2) * (1.0 / 6.0)
    d1 = (a1 + a2 - 2.0 * a0) * (1.0 / 6.0)
    d2 = (a2 + a0 - 2.0 * a1) * (1.0 / 6.0)
    low = -min(min(n0, n1), min(n2, 0.0))
    high = max(max(n0, n1), max(n2, 0.0))
    rise = max(max(d0, max(d1, d2)), max(high, TINY))
    fall = max(max(-d0, max(-d1, -d2)), max(low, TINY))
    up = high * fall < low * rise
    share = (high if up else low) / (rise if up else fall)
    squared = (high + low) * (high + low)
    y = min(max(squared * sharpness - 1.0, 0.0), 1.0)
    smooth = (2.0 * y - 3.0) * y * y + 1.0
    share = smooth + (1.0 - smooth) * share
    return share * d0, share * d1, share * d2


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def vertex_values(q, first_cell, cells_of, shares, dry, start, stop, corner_values):
    """Free surface and velocity at the vertices ``start:stop``: sums over the cells round them that are exact for planes.

    ``cells_of[first_cell[v]:first_cell[v + 1]]`` are the cells round vertex v by rising global number, ``shares`` what each
    counts. The fourth column says whether all of them are wet.
    """
    for v in range(start, stop):
        eta = ux = uy = 0.0
        wet = 1.0
        for j in range(first_cell[v], first_cell[v + 1]):
            c = cells_of[j]
            share = shares[j]
            eta += share * q[c, 0]
            ux += share * q[c, 1]
            uy += share * q[c, 2]
            if not q[c, 3] > dry:
                wet = 0.0
        corner_values[v, 0] = eta
        corner_values[v, 1] = ux
        corner_values[v, 2] = uy
        corner_values[v, 3] = wet


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def reconstruct(q, corner_values, corners, bed_change, neighbours, offsets, sharpness, g, order, start, stop, faces, source):
    """Values at the edges' middles from limited slopes, and the bed's push on the cell.

    The slope is that of the plane through the values at the ``corners`` (cells, 3); its change from the centroid to the
    middle of edge i is (a_i + a_{i+1} - 2 a_{i+2}) / 6. ``neighbours`` (cells, 3), the cell itself where there is none;
    ``offsets`` (cells, 3, 2) [m] from the centroid to the edges' middles; ``bed_change`` (cells, 3) [m] of the bed there;
    ``source`` (cells, 2) [m4/s2]. Depths at the edges are kept >= 0 about the cell's mean, so that a half-wet cell
    neither gains nor loses water; water at rest has equal free surfaces on all edges, and no push.
    """
    over_g = 1.0 / g
    for c in range(start, stop):
        eta = q[c, 0]
        ux = q[c, 1]
        uy = q[c, 2]
        h = q[c, 3]
        e0 = e1 = e2 = x0 = x1 = x2 = y0 = y1 = y2 = 0.0
        h0 = h1 = h2 = h
        v0 = corners[c, 0]
        v1 = corners[c, 1]
        v2 = corners[c, 2]
        if order > 1 and corner_values[v0, 3] * corner_values[v1, 3] * corner_values[v2, 3] > 0.0:
            over = 1.0 / h
            k_u = sharpness[c] * over * over_g
            k_e = sharpness[c] * over * over
            n0 = neighbours[c, 0]
            n1 = neighbours[c, 1]
            n2 = neighbours[c, 2]
            e0, e1, e2 = limited_changes(
                corner_values[v0, 0],
                corner_values[v1, 0],
                corner_values[v2, 0],
                q[n0, 0] - eta,
                q[n1, 0] - eta,
                q[n2, 0] - eta,
                k_e,
            )
            x0, x1, x2 = limited_changes(
                corner_values[v0, 1],
                corner_values[v1, 1],
                corner_values[v2, 1],
                q[n0, 1] - ux,
                q[n1, 1] - ux,
                q[n2, 1] - ux,
                k_u,
            )
            y0, y1, y2 = limited_changes(
                corner_values[v0, 2],
                corner_values[v1, 2],
                corner_values[v2, 2],
                q[n0, 2] - uy,
                q[n1, 2] - uy,
                q[n2, 2] - uy,
                k_u,
            )
            d0 = e0 - bed_change[c, 0]
            d1 = e1 - bed_change[c, 1]
            d2 = e2 - bed_change[c, 2]
            least = min(d0, min(d1, d2))
            share = 1.0
            if h + least < 0.0:
                share = h / -least
            h0 = max(h + share * d0, 0.0)
            h1 = max(h + share * d1, 0.0)
            h2 = max(h + share * d2, 0.0)
        faces[c, 0, 0] = h0
        faces[c, 0, 1] = eta + e0
        faces[c, 0, 2] = ux + x0
        faces[c, 0, 3] = uy + y0
        faces[c, 1, 0] = h1
        faces[c, 1, 1] = eta + e1
        faces[c, 1, 2] = ux + x1
        faces[c, 1, 3] = uy + y1
        faces[c, 2, 0] = h2
        faces[c, 2, 1] = eta + e2
        faces[c, 2, 2] = ux + x2
        faces[c, 2, 3] = uy + y2
        # half the outward normal times length of edge i, from the offsets: corner j lies at -2 offsets[j + 1]
        p0 = -g * (h0 + h) * e0
        p1 = -g * (h1 + h) * e1
        p2 = -g * (h2 + h) * e2
        o0x = offsets[c, 0, 0]
        o0y = offsets[c, 0, 1]
        o1x = offsets[c, 1, 0]
        o1y = offsets[c, 1, 1]
        o2x = offsets[c, 2, 0]
        o2y = offsets[c, 2, 1]
        source[c, 0] = p0 * (o1y - o2y) + p1 * (o2y - o0y) + p2 * (o0y - o1y)
        source[c, 1] = p0 * (o2x - o1x) + p1 * (o0x - o2x) + p2 * (o1x - o0x)


@njit(cache=True, fastmath=FUSED, error_model="numpy", inline="always")
def hllc(h_left, u_left, v_left, h_right, u_right, v_right, rise, g):
    """Flux of depth and of momentum along and across the normal, less the left side's pressure.

    ``u`` along, ``v`` across the normal [m/s]; ``rise`` = g (h_right^2 - h_left^2) / 2, given so that equal depths at
    rest give exactly zero. Wave speeds as Toro (2001), eqs. (10.18)-(10.22), with the two-rarefaction estimate and the
    exact speeds of a dry front.
    """
    c_left = math.sqrt(g * h_left)
    c_right = math.sqrt(g * h_right)
    u_star = 0.5 * (u_left + u_right) + c_left - c_right
    c_star = max(0.5 * (c_left + c_right) + 0.25 * (u_left - u_right), 0.0)
    s_left = min(u_left - c_left, u_star - c_star)
    s_right = max(u_right + c_right, u_star + c_star)
    if h_left == 0.0:
        s_left = u_right - 2.0 * c_right
        s_right = u_right + c_right
    elif h_right == 0.0:
        s_left = u_left - c_left
        s_right = u_left + 2.0 * c_left
    s_left = min(s_left, 0.0)  # a wave that runs away from the edge leaves the one-sided flux
    s_right = max(s_right, 0.0)
    m_left = h_left * u_left
    m_right = h_right * u_right
    width = 1.0 / (s_right - s_left + TINY)
    both = s_left * s_right
    mass = (s_right * m_left - s_left * m_right + both * (h_right - h_left)) * width
    along = (s_right * (m_left * u_left) - s_left * (m_right * u_right + rise) + both * (m_right - m_left)) * width
    across = mass * (v_left if mass >= 0.0 else v_right)  # the contact moves with the water that crosses the edge
    return mass, along, across


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def edge_flux(faces, left_face, right_face, normals, lengths, g, start, stop, flux):
    """Fill both rows of the interior edges ``start:stop``. ``left_face``, ``right_face`` (edges,): 3 cell + corner."""
    for e in range(start, stop):
        a = left_face[e]
        b = right_face[e]
        nx = normals[e, 0]
        ny = normals[e, 1]
        h_a = faces[a, 0]
        h_b = faces[b, 0]
        top = max(faces[a, 1] - h_a, faces[b, 1] - h_b)  # the higher bed
        h_left = max(faces[a, 1] - top, 0.0)
        h_right = max(faces[b, 1] - top, 0.0)
        rise = 0.5 * g * (h_right - h_left) * (h_right + h_left)
        mass, along, across = hllc(
            h_left,
            faces[a, 2] * nx + faces[a, 3] * ny,
            faces[a, 3] * nx - faces[a, 2] * ny,
            h_right,
            faces[b, 2] * nx + faces[b, 3] * ny,
            faces[b, 3] * nx - faces[b, 2] * ny,
            rise,
            g,
        )
        length = lengths[e]
        mass *= length
        x = length * (along * nx - across * ny)
        y = length * (along * ny + across * nx)
        push = length * rise
        flux[2 * e, 0] = mass
        flux[2 * e, 1] = x
        flux[2 * e, 2] = y
        flux[2 * e + 1, 0] = -mass
        flux[2 * e + 1, 1] = push * nx - x
        flux[2 * e + 1, 2] = push * ny - y


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def boundary_flux(faces, left_face, normals, lengths, kind, wave, still, g, first, flux):
    """Fill the left rows of the boundary edges, which start at ``first``.

    ``kind`` (boundary edges,) is WALL or OPEN. Outside an open edge the water stands at level ``still`` [m] and carries
    the incoming wave ``wave`` (boundary edges,) [m] as a simple wave, u = 2 (sqrt(g h) - sqrt(g h_still)): what comes
    from inside passes it.
    """
    for j in range(kind.shape[0]):
        e = first + j
        a = left_face[e]
        nx = normals[e, 0]
        ny = normals[e, 1]
        h_left = faces[a, 0]
        u_left = faces[a, 2] * nx + faces[a, 3] * ny
        v_left = faces[a, 3] * nx - faces[a, 2] * ny
        if kind[j] == 0:
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
        if kind[j] == 0:
            mass = 0.0  # by symmetry; the sum above leaves round-off
            across = 0.0
        flux[2 * e, 0] = length * mass
        flux[2 * e, 1] = length * (along * nx - across * ny)
        flux[2 * e, 2] = length * (along * ny + across * nx)


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def drain(u, flux, faces_of, area, margin, dt, reach, share):
    """Fill ``share[:reach]``: the part of its outflow that a cell can pay within ``dt``; true where any is below 1."""
    short = False
    for c in range(reach):
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


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def scale_outflow(flux, left, right, share):
    """Let no edge carry more than its donor cell can pay; both sides see the same flux, so no water is lost."""
    for e in range(left.shape[0]):
        donor = left[e] if flux[2 * e, 0] > 0.0 else right[e]
        if donor >= 0 and share[donor] < 1.0:
            for row in range(2 * e, 2 * e + 2):
                for v in range(3):
                    flux[row, v] *= share[donor]


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def update(u, u_start, flux, source, faces_of, area, friction, dry, a, b, dt, owned):
    """One Runge-Kutta stage in place: ``u = a u_start + b (u + dt L(u))``, the bottom friction taken at the new time.

    ``friction`` = g n^2 [m^(1/3)] with Manning's n. ``faces_of`` (cells, 3): rows of ``flux`` in corner order.
    """
    for c in range(owned):
        r0 = faces_of[c, 0]
        r1 = faces_of[c, 1]
        r2 = faces_of[c, 2]
        k = dt / area[c]
        h = u[c, 0] - k * (flux[r0, 0] + flux[r1, 0] + flux[r2, 0])
        x = u[c, 1] - k * (flux[r0, 1] + flux[r1, 1] + flux[r2, 1] - source[c, 0])
        y = u[c, 2] - k * (flux[r0, 2] + flux[r1, 2] + flux[r2, 2] - source[c, 1])
        if h > dry:
            if friction > 0.0:
                grip = 1.0 + dt * friction * math.sqrt(x * x + y * y) / (h * h * np.cbrt(h))
                x /= grip
                y /= grip
        else:
            x = 0.0
            y = 0.0
        u[c, 0] = a * u_start[c, 0] + b * h
        u[c, 1] = a * u_start[c, 1] + b * x
        u[c, 2] = a * u_start[c, 2] + b * y


@njit(cache=True, fastmath=FUSED, error_model="numpy")
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


@njit(cache=True, fastmath=FUSED, error_model="numpy")
def note_maxima(u, bed, still_surface, dry, threshold, t, owned, maxima):
    """Running maxima of the own cells: free surface [m], speed [m/s], depth [m], arrival time [s] (nan until then)."""
    for c in range(owned):
        h = u[c, 0]
        maxima[c, 2] = max(maxima[c, 2], h)
        if h > dry:
            eta = h + bed[c]
            maxima[c, 0] = max(maxima[c, 0], eta)
            squared = u[c, 1] * u[c, 1] + u[c, 2] * u[c, 2]
            fastest = maxima[c, 1] * h
            if squared > fastest * fastest:
                maxima[c, 1] = math.sqrt(squared) / h
            if math.isnan(maxima[c, 3]) and abs(eta - still_surface[c]) > threshold:
                maxima[c, 3] = t
