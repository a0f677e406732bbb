"""Loops that find the cells of a step: arrays in, arrays out."""

# c cell, k cell round a vertex, v vertex, i corner

import numpy as np

from pipeline.core.compiled import njit

IN_QUEUE = 3  # a mark for as long as the queue is filled


@njit(cache=True, error_model="numpy")
def corners_of_all(corners, first_cell, cells_of, found):
    """Fill ``found`` (local cells, 3) with local vertices, -1 where a ghost's vertex is none of the part's; ``corners`` (R2, 3)."""
    found[:] = -1
    for c in range(corners.shape[0]):
        for k in range(3):
            found[c, k] = corners[c, k]
    for v in range(len(first_cell) - 1):
        for j in range(first_cell[v], first_cell[v + 1]):
            c = cells_of[j]
            if c >= corners.shape[0]:
                i = 0
                while found[c, i] >= 0:
                    i += 1
                found[c, i] = v


@njit(cache=True, error_model="numpy")
def find_moving(u, flux, source, faces_of, forced, cells, marks):
    """Mark the ``cells`` whose rate of change or discharge is not exactly zero, and the ``forced``: all others stay as they are."""
    for c in cells:
        r0, r1, r2 = faces_of[c, 0], faces_of[c, 1], faces_of[c, 2]
        rests = np.float64(flux[r0, 0]) + flux[r1, 0] + flux[r2, 0] == 0.0 and u[c, 1] == 0.0 and u[c, 2] == 0.0
        for n in range(1, 3):
            rests = rests and flux[r0, n] + flux[r1, n] + flux[r2, n] - source[c, n - 1] == 0.0  # false for nan too
        marks[c, 0] = forced[c] or not rests


@njit(cache=True, error_model="numpy")
def is_as_left(u, q, marks, owned):
    """Whether the own cells whose mark (local cells, 1) is not 1 are at rest, as deep as when ``q`` was made of them."""
    for c in range(owned):
        moved = u[c, 1] != 0.0 or u[c, 2] != 0.0 or q[c, 3] != q.dtype.type(u[c, 0])
        if moved and marks[c, 0] != 1:
            return False
    return True


@njit(cache=True, error_model="numpy")
def rim(first_cell, cells_of, marks, queue):
    """Fill ``queue`` with the marked cells that share a vertex with a cell without a mark; returns their number."""
    count = 0
    for v in range(len(first_cell) - 1):
        first, last = first_cell[v], first_cell[v + 1]
        inside = 0
        for j in range(first, last):
            inside += marks[cells_of[j], 0] > 0
        if 0 < inside < last - first:
            for j in range(first, last):
                c = cells_of[j]
                if marks[c, 0] == 1:
                    marks[c, 0] = IN_QUEUE
                    queue[count] = c
                    count += 1
    for j in range(count):
        marks[queue[j], 0] = 1
    return count


@njit(cache=True, error_model="numpy")
def spread(corners, first_cell, cells_of, neighbours, begin, end, value, marks, queue):
    """Mark by ``value`` the cells without a mark to whose fluxes or slopes a change in ``queue[begin:end]`` spreads by a stage.

    They are the cells that share a vertex with these, and the neighbours of such cells. They follow in the queue, whose end is
    returned.
    """
    last = end
    for j in range(begin, end):
        for i in range(3):
            v = corners[queue[j], i]
            if v >= 0:
                for place in range(first_cell[v], first_cell[v + 1]):
                    k = cells_of[place]
                    if marks[k, 0] == 0:
                        marks[k, 0] = value
                        queue[last] = k
                        last += 1
    round_vertices = last
    for j in range(end, round_vertices):
        c = queue[j]
        if c < neighbours.shape[0]:
            for i in range(3):
                k = neighbours[c, i]
                if marks[k, 0] == 0:
                    marks[k, 0] = value
                    queue[last] = k
                    last += 1
    return last


@njit(cache=True, error_model="numpy")
def spread_by_levels(corners, first_cell, cells_of, neighbours, levels, queue, queued, count, budget):
    """Spread the ``budget`` (local cells, 1) of the ``count`` cells in ``queue``: a way out of a cell costs 2^level of it.

    ``queued`` (local cells,) says which cells stand in the queue, a ring of as many places as there are cells; it is empty in the
    end. Returns whether any cell's budget grew.
    """
    room = len(queue)
    first = 0
    grew = False
    while count > 0:
        c = queue[first]
        first = first + 1 if first + 1 < room else 0
        count -= 1
        queued[c] = False
        left = budget[c, 0] - (1 << levels[c, 0])
        for i in range(3):
            v = corners[c, i]
            if v < 0:
                continue
            for place in range(first_cell[v], first_cell[v + 1]):
                k = cells_of[place]
                for j in range(-1, 3 if k < neighbours.shape[0] else 0):
                    n = k if j < 0 else neighbours[k, j]
                    if budget[n, 0] < left:
                        budget[n, 0] = left
                        grew = True
                        if not queued[n]:
                            queued[n] = True
                            queue[(first + count) % room] = n
                            count += 1
    return grew


@njit(cache=True, error_model="numpy")
def touch(columns, cells, touched):
    """Mark the numbers in the rows ``cells`` of ``columns`` (cells, 3)."""
    for c in cells:
        for i in range(3):
            touched[columns[c, i]] = True
