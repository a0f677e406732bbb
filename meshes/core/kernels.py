"""Loops over meshes, and of the raster's exact integration: arrays in, arrays out."""

# t triangle, i and j pixel, k corner of a clipped polygon; v vertex, n one of the cells round it, e edge, c cell

import numpy as np
from numba import njit


@njit(cache=True)
def integrate(corners, z, means):
    """Mean of the bilinear surface ``z`` (M, N) over each triangle; ``corners`` (T, 3, 2) in pixels."""
    old = np.empty((8, 2))
    new = np.empty((8, 2))
    for t in range(corners.shape[0]):
        xs, ys = corners[t, :, 0], corners[t, :, 1]
        i0 = min(max(int(np.floor(xs.min())), 0), z.shape[0] - 2)
        i1 = min(max(int(np.ceil(xs.max())) - 1, i0), z.shape[0] - 2)
        j0 = min(max(int(np.floor(ys.min())), 0), z.shape[1] - 2)
        j1 = min(max(int(np.ceil(ys.max())) - 1, j0), z.shape[1] - 2)
        area = 0.0
        total = 0.0
        for i in range(i0, i1 + 1):
            for j in range(j0, j1 + 1):
                count = 3
                old[:3] = corners[t]
                # the grid's outermost pixels also take what round-off puts beyond them
                if i > i0:
                    count = clip(old, count, new, 0, float(i), 1.0)
                if i < i1:
                    count = clip(old, count, new, 0, float(i + 1), -1.0)
                if j > j0:
                    count = clip(old, count, new, 1, float(j), 1.0)
                if j < j1:
                    count = clip(old, count, new, 1, float(j + 1), -1.0)
                for k in range(1, count - 1):
                    piece = 0.5 * (
                        (old[k, 0] - old[0, 0]) * (old[k + 1, 1] - old[0, 1]) - (old[k, 1] - old[0, 1]) * (old[k + 1, 0] - old[0, 0])
                    )
                    area += piece
                    for a, b in ((0, k), (k, k + 1), (k + 1, 0)):  # middles of the sides: exact for degree 2
                        x = 0.5 * (old[a, 0] + old[b, 0]) - i
                        y = 0.5 * (old[a, 1] + old[b, 1]) - j
                        low = z[i, j] * (1.0 - x) + z[i + 1, j] * x
                        high = z[i, j + 1] * (1.0 - x) + z[i + 1, j + 1] * x
                        total += piece / 3.0 * (low * (1.0 - y) + high * y)
        means[t] = total / area


@njit(cache=True)
def clip(polygon, count, scratch, axis, place, sign):
    """Keep the part of a convex polygon where sign (x[axis] - place) >= 0, in place; returns its number of corners."""
    kept = 0
    for k in range(count):
        a = polygon[k]
        b = polygon[(k + 1) % count]
        da = sign * (a[axis] - place)
        db = sign * (b[axis] - place)
        if da >= 0.0:
            scratch[kept] = a
            kept += 1
        if (da > 0.0 and db < 0.0) or (da < 0.0 and db > 0.0):
            share = da / (da - db)
            scratch[kept] = a + share * (b - a)
            kept += 1
    polygon[:kept] = scratch[:kept]
    return kept


@njit(cache=True)
def segment_sums(values, first, total):
    """Sums of ``values[first[v]:first[v + 1]]``, added in their order: the same bits whatever stands beside them."""
    for v in range(total.shape[0]):
        found = 0.0
        for n in range(first[v], first[v + 1]):
            found += values[n]
        total[v] = found


@njit(cache=True)
def places_seen(around, first, nodes, own, triangles, vertices, seen):
    """Places ``seen`` (N, 2) of node ``nodes[v]`` where each cell ``around[first[v]:first[v + 1]]`` sees it, by its own corners.

    ``own`` (T, 3) are the nodes, ``triangles`` (T, 3) the ``vertices`` (V, 2) of the cells.
    """
    for v in range(first.shape[0] - 1):
        for n in range(first[v], first[v + 1]):
            t = around[n]
            k = 0
            while own[t, k] != nodes[v] and k < 2:
                k += 1
            seen[n, 0] = vertices[triangles[t, k], 0]
            seen[n, 1] = vertices[triangles[t, k], 1]


@njit(cache=True)
def faces_of_edges(cell_edges, left, left_face, right_face):
    """Rows 3 c + k of the faces on both sides of each edge, where cell c has it as its k-th of ``cell_edges`` (C, 3), -1 for none."""
    for c in range(cell_edges.shape[0]):
        for k in range(3):
            e = cell_edges[c, k]
            if e < 0:
                continue
            if left[e] == c:
                left_face[e] = 3 * c + k
            else:
                right_face[e] = 3 * c + k
