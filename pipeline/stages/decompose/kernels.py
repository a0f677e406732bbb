"""The loops of the stages: sums over blocks of two fields, and areas that two meshes have in common. Arrays in, arrays out."""

# f frame, c cell, k corner of a polygon; a a cell of the one mesh, b of the other

import math

import numpy as np

from pipeline.core.compiled import njit

TILE = 512  # cells whose sums stay in a near cache while all frames go by


@njit(cache=True, error_model="numpy")
def block_sums(n, r, low, area, frame, cell):
    """Weighted sums of d = n - r and of r: over the cells of each frame and over the frames of each cell.

    Parameters
    ----------
    n, r : (F, C). A value counts where both are finite and above ``low`` (C,), such as the bed and a little water on it.
    area : (C,) weights of the cells.
    frame : (F, 7) and cell : (C, 7), filled with weight, count, mean of d, mean of r, and the sums of d d, r r, d r about the means.
    """
    frame[:] = 0.0
    some = np.empty((11, TILE))
    for start in range(0, n.shape[1], TILE):
        stop = min(start + TILE, n.shape[1])
        some[:] = 0.0
        begun = np.int64(0)  # cells that had a value; no constant, for which `tile_sums` would be compiled too
        for f in range(n.shape[0]):
            begun = tile_sums(n[f, start:stop], r[f, start:stop], low[start:stop], area[start:stop], frame[f], some, begun)
        for c in range(start, stop):
            count, x, y = some[0, c - start], 0.0, 0.0
            if count > 0.0:
                x, y = some[3, c - start] / count, some[4, c - start] / count
            cell[c, 0], cell[c, 1], cell[c, 2], cell[c, 3] = count, count, some[1, c - start] + x, some[2, c - start] + y
            cell[c, 4] = max(some[5, c - start] - count * x * x, 0.0)
            cell[c, 5] = max(some[6, c - start] - count * y * y, 0.0)
            cell[c, 6] = some[7, c - start] - count * x * y


@njit(cache=True, error_model="numpy", _nrt=False)
def tile_sums(n, r, low, area, frame, some, begun):
    """Merge sums over the cells (c,) of a tile of a frame with those of the ``frame`` (7,), and add to ``some`` (11, c) of each cell: its
    count, d and r of its first value, from which on its sums are taken, so that a level costs no digits, and these: d, r, d d, r r, d r.

    The last three rows are for work. Returns in how many cells there was a value so far. Loops see few arrays: LLVM then knows them apart.
    """
    cells, present = len(n), counted(n, r, low)
    d, y, a = some[8], some[9], some[10]
    if present == 0.0:
        return begun
    if present == cells:
        for c in range(cells):
            d[c] = np.float64(n[c]) - np.float64(r[c])
        if begun == 0:
            begun = cells
            for c in range(cells):
                some[1, c], some[2, c] = d[c], r[c]
        merged(present, d, r, area, frame)
        if begun == cells:
            for c in range(cells):
                some[0, c] += 1.0
            added(d, r, some[1], some[2], some[3], some[4], some[5], some[6], some[7])
            return begun
    for c in range(cells):
        there = low[c] < n[c] < np.inf and low[c] < r[c] < np.inf
        d[c], y[c], a[c] = (np.float64(n[c]) - np.float64(r[c]), np.float64(r[c]), area[c]) if there else (0.0, 0.0, 0.0)
        if there and some[0, c] == 0.0:
            some[1, c], some[2, c] = d[c], y[c]
            begun += 1
    if present < cells:
        merged(present, d, y[:cells], a[:cells], frame)
    for c in range(cells):
        if low[c] < n[c] < np.inf and low[c] < r[c] < np.inf:
            some[0, c] += 1.0
        else:
            d[c], y[c] = some[1, c], some[2, c]  # adds nothing
    added(d, y[:cells], some[1], some[2], some[3], some[4], some[5], some[6], some[7])
    return begun


@njit(cache=True, error_model="numpy", fastmath={"reassoc"}, _nrt=False)
def counted(n, r, low):
    """The number of cells where a value counts."""
    count = 0.0
    for c in range(len(n)):
        count += 1.0 if (low[c] < n[c]) & (n[c] < np.inf) & (low[c] < r[c]) & (r[c] < np.inf) else 0.0
    return count


@njit(cache=True, error_model="numpy", _nrt=False)
def added(d, r, first_d, first_r, sum_d, sum_r, sum_dd, sum_rr, sum_dr):
    """Add d and r, from their first values on, to the sums of each cell."""
    for c in range(len(r)):
        x = d[c] - first_d[c]
        sum_d[c] += x
        sum_dd[c] += x * x
    for c in range(len(r)):
        y = r[c] - first_r[c]
        sum_r[c] += y
        sum_rr[c] += y * y
    for c in range(len(r)):
        sum_dr[c] += (d[c] - first_d[c]) * (r[c] - first_r[c])


@njit(cache=True, error_model="numpy", fastmath={"reassoc"}, _nrt=False)
def merged(count, d, y, a, frame):
    """Merge the sums of d and r of ``count`` cells with weights ``a`` with those of the ``frame`` (see `moments.merge`)."""
    weight = sum_d = sum_r = 0.0
    for c in range(len(y)):
        weight += a[c]
        sum_d += a[c] * d[c]
        sum_r += a[c] * y[c]
    mean_d = sum_d / weight if weight > 0.0 else 0.0
    mean_r = sum_r / weight if weight > 0.0 else 0.0
    dd = rr = dr = 0.0
    for c in range(len(y)):
        p, q = d[c] - mean_d, y[c] - mean_r
        dd += a[c] * p * p
        rr += a[c] * q * q
        dr += a[c] * p * q
    whole = frame[0] + weight
    share = weight / whole if whole > 0.0 else 0.0
    p, q, between = mean_d - frame[2], mean_r - frame[3], frame[0] * share
    frame[0], frame[1], frame[2], frame[3] = whole, frame[1] + count, frame[2] + share * p, frame[3] + share * q
    frame[4] += dd + between * p * p
    frame[5] += rr + between * q * q
    frame[6] += dr + between * p * q


@njit(cache=True, error_model="numpy")
def series(n, r, cells, d, out):
    """Let ``d`` and ``out`` (c, S) be the series of n - r and of r at the ``cells`` (c,) of n and r (F, C), of the first S frames."""
    for f in range(d.shape[1]):
        for i in range(len(cells)):
            d[i, f] = np.float64(n[f, cells[i]]) - np.float64(r[f, cells[i]])
            out[i, f] = np.float64(r[f, cells[i]])


@njit(cache=True, error_model="numpy")
def add_lines(d, r, weight, group, twice, found):
    """Add `pipeline.stages.decompose.spectra.lines` of the transforms ``d`` of n - r and ``r`` (c, K) to those of their groups.

    Each cell's counts ``weight`` (c,) times, each frequency's ``twice`` (K,); ``found`` (groups, 6, K): amplitude, phase, |n|^2, |r|^2, and
    real and imaginary part of n conj(r).
    """
    for i in range(d.shape[0]):
        mine, w = found[group[i]], weight[i]
        for k in range(d.shape[1]):
            d_r, d_i, r_r, r_i = d[i, k].real, d[i, k].imag, r[i, k].real, r[i, k].imag
            n_r, n_i, factor = r_r + d_r, r_i + d_i, w * twice[k]
            nn, rr = n_r * n_r + n_i * n_i, r_r * r_r + r_i * r_i
            size_n, size_r = math.sqrt(nn), math.sqrt(rr)
            total, both = size_n + size_r, size_n > 0.0 and size_r > 0.0
            change = (d_r * (n_r + r_r) + d_i * (n_i + r_i)) / (total if total > 0.0 else 1.0)
            turn = change / (size_r if both else 1.0) if both else 0.0
            t_r, t_i = d_r - r_r * turn, d_i - r_i * turn
            phase = (t_r * t_r + t_i * t_i) * size_r / (size_n if both else 1.0) if both else 0.0
            mine[0, k] += factor * (change * change)
            mine[1, k] += factor * phase
            mine[2, k] += factor * nn
            mine[3, k] += factor * rr
            mine[4, k] += factor * (n_r * r_r + n_i * r_i)
            mine[5, k] += factor * (n_i * r_r - n_r * r_i)


@njit(cache=True)
def cut_half_plane(polygon, count, px, py, nx, ny, scratch):
    """Keep the part of a convex polygon where (x - p) . n <= 0, in place; returns its number of corners."""
    kept = 0
    for k in range(count):
        ax, ay = polygon[k, 0], polygon[k, 1]
        bx, by = polygon[(k + 1) % count, 0], polygon[(k + 1) % count, 1]
        da = (ax - px) * nx + (ay - py) * ny
        db = (bx - px) * nx + (by - py) * ny
        if da <= 0.0:
            scratch[kept, 0] = ax
            scratch[kept, 1] = ay
            kept += 1
        if (da < 0.0 and db > 0.0) or (da > 0.0 and db < 0.0):
            share = da / (da - db)
            scratch[kept, 0] = ax + share * (bx - ax)
            scratch[kept, 1] = ay + share * (by - ay)
            kept += 1
    for k in range(kept):
        polygon[k, 0], polygon[k, 1] = scratch[k, 0], scratch[k, 1]
    return kept


@njit(cache=True)
def common_area(a, b, polygon, scratch):
    """Area that two counterclockwise triangles (3, 2) have in common."""
    for k in range(3):
        polygon[k, 0], polygon[k, 1] = a[k, 0], a[k, 1]
    count = np.int64(3)
    for k in range(3):
        px, py = b[k, 0], b[k, 1]
        qx, qy = b[(k + 1) % 3, 0], b[(k + 1) % 3, 1]
        count = cut_half_plane(polygon, count, px, py, qy - py, px - qx, scratch)
        if count < 3:
            return 0.0
    area = 0.0
    for k in range(1, count - 1):
        area += 0.5 * (
            (polygon[k, 0] - polygon[0, 0]) * (polygon[k + 1, 1] - polygon[0, 1])
            - (polygon[k, 1] - polygon[0, 1]) * (polygon[k + 1, 0] - polygon[0, 0])
        )
    return area


@njit(cache=True)
def overlaps(a, b, first, members, low, width, columns, rows, least, out_a, out_b, out_area):
    """Pairs of triangles of two meshes that overlap, and by how much; returns how many there are, which may exceed what ``out`` holds.

    ``a`` (A, 3, 2), ``b`` (B, 3, 2). Bin (i, j) of a grid from ``low`` (2,) with squares of ``width`` holds the triangles of b whose
    boxes touch it: ``members[first[q]:first[q + 1]]``, q = i rows + j. Areas up to ``least`` times that of a are none.
    """
    polygon = np.empty((12, 2))
    scratch = np.empty((12, 2))
    seen = np.full(b.shape[0], -1)
    found = 0
    for t in range(a.shape[0]):
        x0, x1 = a[t, :, 0].min(), a[t, :, 0].max()
        y0, y1 = a[t, :, 1].min(), a[t, :, 1].max()
        own = 0.5 * abs((a[t, 1, 0] - a[t, 0, 0]) * (a[t, 2, 1] - a[t, 0, 1]) - (a[t, 1, 1] - a[t, 0, 1]) * (a[t, 2, 0] - a[t, 0, 0]))
        for i in range(max(int((x0 - low[0]) / width), 0), min(int((x1 - low[0]) / width), columns - 1) + 1):
            for j in range(max(int((y0 - low[1]) / width), 0), min(int((y1 - low[1]) / width), rows - 1) + 1):
                for m in range(first[i * rows + j], first[i * rows + j + 1]):
                    s = members[m]
                    if seen[s] == t:
                        continue
                    seen[s] = t
                    area = common_area(a[t], b[s], polygon, scratch)
                    if area > least * own:
                        if found < out_a.shape[0]:
                            out_a[found] = t
                            out_b[found] = s
                            out_area[found] = area
                        found += 1
    return found
