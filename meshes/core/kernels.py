"""Loops over meshes, of numbers in their text, and of the raster's exact integration: arrays in, arrays out."""

# t triangle, i and j pixel, k corner of a clipped polygon; v vertex, n one of the cells round it, e edge, c cell

import numpy as np

from pipeline.core.compiled import njit

POWERS = np.array([10.0**n for n in range(23)])  # those that a double holds exactly
EXACT = 2**53  # up to which it holds all whole numbers
DIGITS = 18  # that fit into 64 bits


@njit(cache=True)
def integrate(corners, z, means):
    """Mean of the bilinear surface ``z`` (M, N) over each triangle; ``corners`` (T, 3, 2) in pixels."""
    old = np.empty((8, 2))
    new = np.empty((8, 2))
    x, y = np.int64(0), np.int64(1)  # variables: `clip` would be compiled for each constant
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
                count = np.int64(3)
                for k in range(3):
                    old[k, 0], old[k, 1] = corners[t, k, 0], corners[t, k, 1]
                # the grid's outermost pixels also take what round-off puts beyond them
                if i > i0:
                    count = clip(old, count, new, x, float(i), 1.0)
                if i < i1:
                    count = clip(old, count, new, x, float(i + 1), -1.0)
                if j > j0:
                    count = clip(old, count, new, y, float(j), 1.0)
                if j < j1:
                    count = clip(old, count, new, y, float(j + 1), -1.0)
                for k in range(1, count - 1):
                    piece = 0.5 * (
                        (old[k, 0] - old[0, 0]) * (old[k + 1, 1] - old[0, 1]) - (old[k, 1] - old[0, 1]) * (old[k + 1, 0] - old[0, 0])
                    )
                    area += piece
                    for a, b in ((0, k), (k, k + 1), (k + 1, 0)):  # middles of the sides: exact for degree 2
                        right = 0.5 * (old[a, 0] + old[b, 0]) - i
                        up = 0.5 * (old[a, 1] + old[b, 1]) - j
                        low = z[i, j] * (1.0 - right) + z[i + 1, j] * right
                        high = z[i, j + 1] * (1.0 - right) + z[i + 1, j + 1] * right
                        total += piece / 3.0 * (low * (1.0 - up) + high * up)
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
            scratch[kept, 0], scratch[kept, 1] = a[0], a[1]
            kept += 1
        if (da > 0.0 and db < 0.0) or (da < 0.0 and db > 0.0):
            share = da / (da - db)
            scratch[kept, 0], scratch[kept, 1] = a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])
            kept += 1
    for k in range(kept):
        polygon[k, 0], polygon[k, 1] = scratch[k, 0], scratch[k, 1]
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


@njit(cache=True)
def turns_round(heights, triangles, turns):
    """Times that counterclockwise ``triangles`` (T, 3) go round each vertex: those count that a ray towards rising x enters, by y (V,)."""
    for t in range(triangles.shape[0]):
        for k in range(3):
            y = heights[triangles[t, k]]
            if heights[triangles[t, (k + 1) % 3]] <= y < heights[triangles[t, (k + 2) % 3]]:
                turns[triangles[t, k]] += 1


@njit(cache=True)
def doubled_areas(vertices, triangles, areas, longest):
    """Twice the signed area [m2] of ``triangles`` (T, 3), and the square of their longest edge."""
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t]
        x, y = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1]
        u, v = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1]
        areas[t] = x * v - y * u
        longest[t] = max(x * x + y * y, u * u + v * v, (x - u) ** 2 + (y - v) ** 2)


@njit(cache=True)
def first_uses(triangles, old, new):
    """Number vertices by their first use, and return how many are used.

    ``old`` (V,) takes the numbers of those used, ``new`` (V,), handed in as -1, the new ones of the old.
    """
    count = 0
    for t in range(triangles.shape[0]):
        for k in range(3):
            v = triangles[t, k]
            if new[v] < 0:
                new[v] = count
                old[count] = v
                count += 1
    return count


@njit(cache=True)
def cells_round_nodes(nodes, first, cells):
    """Cells (3 T,) round each node, rising, those of node v at ``first[v]:first[v + 1]``; ``first`` (V + 1,) is handed in as zeros."""
    for t in range(nodes.shape[0]):
        for k in range(3):
            first[nodes[t, k] + 1] += 1
    for v in range(first.shape[0] - 1):
        first[v + 1] += first[v]
    for t in range(nodes.shape[0] - 1, -1, -1):
        for k in range(3):
            v = nodes[t, k]
            first[v + 1] -= 1
            cells[first[v + 1]] = t
    for v in range(first.shape[0] - 1):
        first[v] = first[v + 1]
    first[first.shape[0] - 1] = cells.shape[0]


@njit(cache=True)
def turns_left_of(lines, chosen, turns):
    """Times that the boundary ``lines`` (B, 2, 2) goes round the place just left of the middle of each of the ``chosen`` (N,), not level.

    Counted along a ray towards rising x: edges that rise across it count 1, those that fall -1.
    """
    for n in range(chosen.shape[0]):
        e = chosen[n]
        x, y = 0.5 * (lines[e, 0, 0] + lines[e, 1, 0]), 0.5 * (lines[e, 0, 1] + lines[e, 1, 1])
        count = 1 if lines[e, 1, 1] > lines[e, 0, 1] else 0  # left of a rising edge the ray crosses it
        for b in range(lines.shape[0]):
            if b == e:
                continue
            low, high = lines[b, 0, 1], lines[b, 1, 1]
            if (low <= y) == (high <= y):
                continue
            across = lines[b, 0, 0] + (y - low) / (high - low) * (lines[b, 1, 0] - lines[b, 0, 0])
            if across > x:
                count += 1 if high > low else -1
        turns[n] = count


@njit(cache=True)
def mates_of_slots(nodes, first, slots, far, mates, fault):
    """Find the slot 3 c + k on the other side of each edge: ``mates`` (3 T,), handed in as -1, which stays where there is none.

    ``nodes`` (T, 3) of the cells. ``first`` (V + 1,), of zeros, and ``slots`` (3 T,) take the slots by the smaller node of their edge,
    ``far`` (3 T,) the other node.
    ``fault`` (3,) takes two slots, and 1 where three cells meet on an edge, 2 where two lie on the same side of it; 0: there is none.
    """
    for c in range(nodes.shape[0]):
        for k in range(3):
            first[min(nodes[c, k], nodes[c, (k + 1) % 3]) + 1] += 1
    for v in range(first.shape[0] - 1):
        first[v + 1] += first[v]
    for c in range(nodes.shape[0] - 1, -1, -1):  # backwards, lest the places where nodes begin move away: they end where they shall
        for k in range(2, -1, -1):
            v = min(nodes[c, k], nodes[c, (k + 1) % 3])
            first[v + 1] -= 1
            slots[first[v + 1]] = 3 * c + k
            far[first[v + 1]] = max(nodes[c, k], nodes[c, (k + 1) % 3])
    for v in range(first.shape[0] - 1):
        begin = first[v + 1]
        end = first[v + 2] if v + 2 < first.shape[0] else slots.shape[0]
        for i in range(begin, end):
            for j in range(begin, i):
                if far[j] != far[i]:
                    continue
                r, s = slots[j], slots[i]
                same = nodes[r // 3, r % 3] == nodes[s // 3, s % 3]
                if mates[r] >= 0 or same:
                    fault[0], fault[1] = r, s
                    fault[2] = 1 if mates[r] >= 0 else 2
                    return
                mates[r], mates[s] = s, r
                break


@njit(cache=True)
def numbers_of_edges(nodes, mates, firsts, cell_edges):
    """Number the edges by rising left cell, those of one cell by rising right cell: ``firsts`` (E,) slots, ``cell_edges`` (T, 3)."""
    found = 0
    for c in range(nodes.shape[0]):
        begin = found
        for k in range(3):
            s = 3 * c + k
            if mates[s] >= 0 and mates[s] < s:
                continue
            place = found
            while place > begin and _comes_before(nodes, mates, s, firsts[place - 1]):
                firsts[place] = firsts[place - 1]
                place -= 1
            firsts[place] = s
            found += 1
        for e in range(begin, found):
            s = firsts[e]
            cell_edges[c, s % 3] = e
            if mates[s] >= 0:
                cell_edges[mates[s] // 3, mates[s] % 3] = e


@njit(cache=True)
def _comes_before(nodes, mates, s, r):
    """Whether slot ``s`` comes before ``r`` of the same cell: by the cell beyond, where it is the same by the nodes."""
    one = mates[s] // 3 if mates[s] >= 0 else -1
    other = mates[r] // 3 if mates[r] >= 0 else -1
    if one != other:
        return one < other
    a, b = nodes[s // 3, s % 3], nodes[s // 3, (s % 3 + 1) % 3]
    p, q = nodes[r // 3, r % 3], nodes[r // 3, (r % 3 + 1) % 3]
    return (min(a, b), max(a, b)) < (min(p, q), max(p, q))


@njit(cache=True)
def count_words(text):
    """Numbers of words and of line ends in ``text`` (N,) of bytes; white space parts words."""
    words, lines, before = 0, 0, True
    for sign in text:
        blank = sign <= 32
        words += before and not blank
        lines += sign == 10
        before = blank
    return words, lines


@njit(cache=True)
def parse_words(text, starts, values, first):
    """Read the words of ``text`` as numbers: their ``starts`` and ``values`` (W,), and the ``first`` word of each line (L + 1,).

    What is no plain number is nan, and inf is one of more digits than a product of two exact numbers gives rightly. (W. D. Clinger, Proc.
    PLDI (1990) 92-101, DOI 10.1145/93542.93557, has the bounds.)
    """
    i, w, line, none = 0, 0, 0, np.int64(0)  # `_digits` would be compiled for a constant too
    first[0] = 0
    while i < text.shape[0]:
        if text[i] <= 32:
            if text[i] == 10:
                line += 1
                first[line] = w
            i += 1
            continue
        starts[w] = i
        negative = text[i] == 45
        if negative or text[i] == 43:
            i += 1
        i, whole, digits, lost, seen = _digits(text, i, none, none)
        scale = lost
        if i < text.shape[0] and text[i] == 46:
            before = i + 1
            i, whole, digits, more, fraction = _digits(text, before, whole, digits)
            scale += more - fraction
            lost, seen = lost + more, seen + fraction
        if seen > 0 and i < text.shape[0] and (text[i] | 32 == 101 or text[i] | 32 == 100):  # e or d
            i += 1
            falls = i < text.shape[0] and text[i] == 45
            if falls or (i < text.shape[0] and text[i] == 43):
                i += 1
            i, power, _, longer, given = _digits(text, i, none, none)
            scale += -power if falls else power
            seen = 0 if given == 0 or longer > 0 or given > 4 else seen
        plain = seen > 0
        while i < text.shape[0] and text[i] > 32:
            plain = False
            i += 1
        value = np.inf if plain else np.nan
        if plain and lost == 0 and whole <= EXACT and -22 <= scale <= 22:
            value = whole * POWERS[scale] if scale >= 0 else whole / POWERS[-scale]
        values[w] = -value if negative and value != np.inf else value
        w += 1


@njit(cache=True)
def copy_words(text, starts, out):
    """Copy the words of ``text`` that begin at ``starts`` (N,), apart by blanks, with e for Fortran's d; returns their length."""
    place = 0
    for start in starts:
        i = start
        while i < text.shape[0] and text[i] > 32:
            out[place] = 101 if text[i] | 32 == 100 else text[i]
            place += 1
            i += 1
        out[place] = 32
        place += 1
    return place


@njit(cache=True)
def _digits(text, i, whole, digits):
    """Read decimal digits from place ``i`` on behind those of ``whole``.

    Returns the place after them, the number, its digits, those lost, and those read.
    """
    lost, seen = 0, 0
    while i < text.shape[0] and 48 <= text[i] <= 57:
        if digits < DIGITS:
            whole = whole * 10 + np.int64(text[i]) - 48
            digits += whole > 0
        else:
            lost += 1
        seen += 1
        i += 1
    return i, whole, digits, lost, seen
