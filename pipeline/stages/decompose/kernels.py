"""The loops of the stages: sums over blocks of two fields, and areas that two meshes have in common. Arrays in, arrays out."""

# f frame, c cell, k corner of a polygon; a a cell of the one mesh, b of the other

import math

import numpy as np
from numba import njit


@njit(cache=True, error_model="numpy")
def block_sums(n, r, low, area, frame, cell):
    """Weighted sums of d = n - r and of r: over the cells of each frame and over the frames of each cell.

    Parameters
    ----------
    n, r : (F, C). A value counts where both are finite and above ``low`` (C,), such as the bed and a little water on it.
    area : (C,) weights of the cells.
    frame : (F, 7) and cell : (C, 7), filled with weight, count, mean of d, mean of r, and the sums of d d, r r, d r about the means.
    """
    cells = n.shape[1]
    first = np.zeros((cells, 2))
    cell[:] = 0.0
    for f in range(n.shape[0]):
        weight = sum_d = sum_r = 0.0
        count = 0
        for c in range(cells):
            if math.isfinite(n[f, c]) and math.isfinite(r[f, c]) and n[f, c] > low[c] and r[f, c] > low[c]:
                d = float(n[f, c]) - float(r[f, c])
                count += 1
                weight += area[c]
                sum_d += area[c] * d
                sum_r += area[c] * r[f, c]
        mean_d = sum_d / weight if weight > 0.0 else 0.0
        mean_r = sum_r / weight if weight > 0.0 else 0.0
        dd = rr = dr = 0.0
        for c in range(cells):
            if math.isfinite(n[f, c]) and math.isfinite(r[f, c]) and n[f, c] > low[c] and r[f, c] > low[c]:
                d = float(n[f, c]) - float(r[f, c])
                x = d - mean_d
                y = r[f, c] - mean_r
                dd += area[c] * x * x
                rr += area[c] * y * y
                dr += area[c] * x * y
                if cell[c, 0] == 0.0:  # sums of a cell are taken from its first value, so that a level does not cost digits
                    first[c, 0] = d
                    first[c, 1] = r[f, c]
                x = d - first[c, 0]
                y = r[f, c] - first[c, 1]
                cell[c, 0] += 1.0
                cell[c, 2] += x
                cell[c, 3] += y
                cell[c, 4] += x * x
                cell[c, 5] += y * y
                cell[c, 6] += x * y
        frame[f, 0], frame[f, 1], frame[f, 2], frame[f, 3] = weight, count, mean_d, mean_r
        frame[f, 4], frame[f, 5], frame[f, 6] = dd, rr, dr
    for c in range(cells):
        count = cell[c, 0]
        cell[c, 1] = count
        if count > 0.0:
            x = cell[c, 2] / count
            y = cell[c, 3] / count
            cell[c, 4] = max(cell[c, 4] - count * x * x, 0.0)
            cell[c, 5] = max(cell[c, 5] - count * y * y, 0.0)
            cell[c, 6] -= count * x * y
            cell[c, 2] = first[c, 0] + x
            cell[c, 3] = first[c, 1] + y


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
    polygon[:kept] = scratch[:kept]
    return kept


@njit(cache=True)
def common_area(a, b, polygon, scratch):
    """Area that two counterclockwise triangles (3, 2) have in common."""
    polygon[:3] = a
    count = 3
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
