"""Loops of local time stepping: arrays in, arrays out."""

# c cell, k cell round a vertex or beyond an edge, v vertex, e edge, i corner, l level

import numpy as np

from pipeline.core.compiled import njit
from solvers.tsunami.kernels import BLOCK, advance_block, gather_balance

REST = 255  # the level of cells that are left out


@njit(cache=True, error_model="numpy")
def largest_round(first_cell, cells_of, values, largest):
    """Fill ``largest`` (vertices,) with the largest of ``values`` (local cells, 1) round each vertex."""
    for v in range(len(first_cell) - 1):
        largest[v] = values[cells_of[first_cell[v]], 0]
        for j in range(first_cell[v] + 1, first_cell[v + 1]):
            largest[v] = max(largest[v], values[cells_of[j], 0])


@njit(cache=True, error_model="numpy")
def largest_at_corners(corners, largest, owned, values):
    """Fill ``values`` (own cells, 1) with the ``largest`` (vertices,) of the cell's corners."""
    for c in range(owned):
        values[c, 0] = max(largest[corners[c, 0]], max(largest[corners[c, 1]], largest[corners[c, 2]]))


@njit(cache=True, error_model="numpy")
def near_lists(level, members, levels, reach1, edges_of, neighbours, faces_of, seen, sloped, edges, boundary, inner, outer, touched):
    """Fill the lists of a level whose ``members`` are its local cells, and return how long each is.

    ``sloped``: cells to be reconstructed, the members and their neighbours. ``edges``, ``boundary``: interior and boundary edges of
    members. ``inner``: rows of the flux array of members towards lower levels. ``outer``: rows of neighbours of higher levels
    towards members, but for cells that are left out. ``touched``: members that are neighbours of lower levels' cells.
    """
    n_sloped = n_edges = n_boundary = n_inner = n_outer = n_touched = 0
    stamp = level + 1
    for c in members:
        if c < neighbours.shape[0]:
            sloped[n_sloped] = c
            n_sloped += 1
            seen[c] = stamp
            beside_lower = False
            for i in range(3):
                beside_lower = beside_lower or levels[neighbours[c, i], 0] < level
            if beside_lower:
                touched[n_touched] = c
                n_touched += 1
    for c in members:
        if c >= reach1:
            continue
        for i in range(3):
            e, k = edges_of[c, i], neighbours[c, i]
            if k == c:
                boundary[n_boundary] = e
                n_boundary += 1
                continue
            other = levels[k, 0]
            if other != level or k >= reach1 or c < k:
                edges[n_edges] = e
                n_edges += 1
            if other < level:
                inner[n_inner] = faces_of[c, i]
                n_inner += 1
            elif level < other < REST:
                outer[n_outer] = faces_of[c, i] ^ 1
                n_outer += 1
            if other != level and seen[k] != stamp:
                seen[k] = stamp
                sloped[n_sloped] = k
                n_sloped += 1
    return n_sloped, n_edges, n_boundary, n_inner, n_outer, n_touched


@njit(cache=True, error_model="numpy")
def far_lists(level, sloped, levels, corners, first_cell, cells_of, seen_vertices, seen_cells, vertices, finer, coarser):
    """Fill the lists of the ``sloped`` cells' vertices, and of the cells of lower and of higher levels round these; return lengths."""
    n_vertices = n_finer = n_coarser = 0
    stamp = level + 1
    for c in sloped:
        for i in range(3):
            v = corners[c, i]
            if seen_vertices[v] == stamp:
                continue
            seen_vertices[v] = stamp
            vertices[n_vertices] = v
            n_vertices += 1
            for j in range(first_cell[v], first_cell[v + 1]):
                k = cells_of[j]
                if levels[k, 0] == level or seen_cells[k] == stamp:
                    continue
                seen_cells[k] = stamp
                if levels[k, 0] < level:
                    finer[n_finer] = k
                    n_finer += 1
                else:
                    coarser[n_coarser] = k
                    n_coarser += 1
    return n_vertices, n_finer, n_coarser


@njit(cache=True, error_model="numpy", inline="always")
def put(h, x, y, bed, dry, c, q):
    """Fill row ``c`` of the primitives ``q``, as `solvers.tsunami.kernels.primitives` does; no depth is below zero."""
    h = max(h, 0.0)
    over = 1.0 / h if h > dry else 0.0
    q[c, 0] = h + bed[c]
    q[c, 1] = x * over
    q[c, 2] = y * over
    q[c, 3] = h


@njit(cache=True, error_model="numpy")
def extrapolate(u, rates, levels, after, bed, dry, cells, q):
    """Fill the rows ``cells`` of ``q`` with the state ``after`` (levels,) [s] that of ``u``, by its ``rates`` of change."""
    for c in cells:
        time = after[levels[c, 0]]
        put(u[c, 0] + time * rates[c, 0], u[c, 1] + time * rates[c, 1], u[c, 2] + time * rates[c, 2], bed, dry, c, q)


@njit(cache=True, error_model="numpy")
def interpolate(first, middle, u, weights, bed, dry, cells, q):
    """Fill the rows ``cells`` of ``q`` with sums of their states at three times, by ``weights`` (3,).

    ``first``, ``middle`` (cells, 3) are those at the beginning and in the middle of a step, ``u`` (local cells, 3) that at its end.
    """
    a, b, d = weights
    for j in range(len(cells)):
        c = cells[j]
        h = a * first[j, 0] + b * middle[j, 0] + d * u[c, 0]
        x = a * first[j, 1] + b * middle[j, 1] + d * u[c, 1]
        y = a * first[j, 2] + b * middle[j, 2] + d * u[c, 2]
        put(h, x, y, bed, dry, c, q)


@njit(cache=True, error_model="numpy")
def change_rates(u, flux, source, faces_of, area, g_n2, linear, quadratic, dry, dt, cells, rates):
    """Fill the rows ``cells`` of ``rates`` (local cells, 3): what a step of Euler's of ``dt`` [s] changes, over its length."""
    over = 1.0 / dt
    block = np.ones((7, BLOCK))
    for begin in range(0, len(cells), BLOCK):
        count = min(BLOCK, len(cells) - begin)
        for j in range(count):
            gather_balance(u, flux, source, faces_of, area, cells[begin + j], j, block)
        advance_block(block, g_n2, linear, quadratic, dry, dt)
        for j in range(count):
            for n in range(3):
                rates[cells[begin + j], n] = (block[3 + n, j] - block[n, j]) * over


@njit(cache=True, error_model="numpy")
def accumulate(flux, rows, share, total):
    """Add ``share`` times the ``rows`` of ``flux`` to ``total``."""
    for row in rows:
        for n in range(3):
            total[row, n] += share * flux[row, n]


@njit(cache=True, error_model="numpy")
def settle(u, total, own, rows, left, right, owned, area, dry):
    """Let the cells of the flux array's ``rows`` pay what lower levels have summed up in ``total``, in place of their ``own`` sum."""
    for row in rows:
        c = right[row >> 1] if row & 1 else left[row >> 1]
        if c < owned:
            for n in range(3):
                u[c, n] -= (total[row, n] - own[row, n]) / area[c]
            if u[c, 0] <= dry:
                u[c, 1] = 0.0
                u[c, 2] = 0.0
        for n in range(3):
            total[row, n] = 0.0
            own[row, n] = 0.0


@njit(cache=True, error_model="numpy")
def is_sound(u, limits, dt, cells):
    """Whether none of the ``cells`` has a depth below zero, and none a limit [s] below ``dt`` [s]: nan and -1 are too."""
    sound = True
    for c in cells:
        sound = sound and u[c, 0] >= 0.0 and limits[c] >= dt
    return sound
