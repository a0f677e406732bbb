"""Loops of sources: arrays in, arrays out.

A rectangle in an elastic half-space that slips, and the displacement of the surface: Y. Okada, Bull. Seismol. Soc. Am. 75 (1985)
1135-1154, DOI 10.1785/BSSA0750041135, eqs. (25), (26) and (28) to (30). Letters are his: x along the strike, y to its left, z up, from the
lower corner that the strike leaves; delta the dip, d the depth of the lower edge.
"""

# f rectangle, j place

import math

import numpy as np

from pipeline.core.compiled import njit

UPRIGHT = 1e-5  # cosine of a dip below which eqs. (29) stand in for (28), which lose digits there
CLOSE = 1e-12  # of R, below which R + eta or R + xi is zero but for round-off


@njit(cache=True, error_model="numpy")
def at_corner(xi, eta, q, sine, cosine, ratio):
    """The brackets of eqs. (25) and (26) for one corner: strike-slip along x, y, z, then dip-slip; ``ratio`` = mu / (lambda + mu)."""
    r = math.sqrt(xi * xi + eta * eta + q * q)
    y = eta * cosine + q * sine
    d = eta * sine - q * cosine
    beside_eta = r + eta > CLOSE * r
    over_eta = 1.0 / (r + eta) if beside_eta else 0.0
    log_eta = math.log(r + eta) if beside_eta else -math.log(r - eta)
    over_xi = 1.0 / (r + xi) if r + xi > CLOSE * r else 0.0
    angle = math.atan(xi * eta / (q * r)) if q != 0.0 else 0.0
    over_d = 1.0 / (r + d)
    if cosine > UPRIGHT:
        x = math.sqrt(xi * xi + q * q)
        i5 = 0.0
        if xi != 0.0:
            i5 = 2.0 * ratio / cosine * math.atan((eta * (x + q * cosine) + x * (r + x) * sine) / (xi * (r + x) * cosine))
        i4 = ratio / cosine * (math.log(r + d) - sine * log_eta)
        i3 = ratio * (y * over_d / cosine - log_eta) + sine / cosine * i4
        i1 = -ratio * xi * over_d / cosine - sine / cosine * i5
    else:
        i5 = -ratio * xi * sine * over_d
        i4 = -ratio * q * over_d
        i3 = 0.5 * ratio * (eta * over_d + y * q * over_d * over_d - log_eta)
        i1 = -0.5 * ratio * xi * q * over_d * over_d
    i2 = -ratio * log_eta - i3
    return (
        xi * q * over_eta / r + angle + i1 * sine,
        y * q * over_eta / r + q * cosine * over_eta + i2 * sine,
        d * q * over_eta / r + q * sine * over_eta + i4 * sine,
        q / r - i3 * sine * cosine,
        y * q * over_xi / r + cosine * angle - i1 * sine * cosine,
        d * q * over_xi / r + sine * angle - i5 * sine * cosine,
    )


@njit(cache=True, error_model="numpy")
def between_corners(x, y, rectangle, ratio):
    """The terms of `at_corner` at a place ``x``, ``y`` [m], by Chinnery's sum over the corners of a ``rectangle``, a row of `displace`."""
    x0, y0, sine_strike, cosine_strike, sine, cosine, depth, length, width, _, _ = rectangle
    east, north = x - x0, y - y0
    xi = east * sine_strike + north * cosine_strike
    left = north * sine_strike - east * cosine_strike
    p = left * cosine + depth * sine
    q = left * sine - depth * cosine
    a = at_corner(xi, p, q, sine, cosine, ratio)
    b = at_corner(xi, p - width, q, sine, cosine, ratio)
    c = at_corner(xi - length, p, q, sine, cosine, ratio)
    d = at_corner(xi - length, p - width, q, sine, cosine, ratio)
    return (
        a[0] - b[0] - c[0] + d[0],
        a[1] - b[1] - c[1] + d[1],
        a[2] - b[2] - c[2] + d[2],
        a[3] - b[3] - c[3] + d[3],
        a[4] - b[4] - c[4] + d[4],
        a[5] - b[5] - c[5] + d[5],
    )


@njit(cache=True, error_model="numpy")
def displace(places, rectangles, ratio, found):
    """Add to ``found`` (places, 3) the displacement eastward, northward and up [m] at ``places`` (places, 2) [m].

    ``rectangles`` (rectangles, 11): x and y [m] of the lower corner that the strike leaves; sine and cosine of the strike, clockwise
    from north, and of the dip; depth of the lower edge, length, width; slip along the strike to the left, and up the dip, all [m].
    """
    turn = -0.5 / math.pi
    for j in range(len(places)):
        for f in range(len(rectangles)):
            sine_strike, cosine_strike = rectangles[f, 2], rectangles[f, 3]
            along, up = turn * rectangles[f, 9], turn * rectangles[f, 10]
            term = between_corners(places[j, 0], places[j, 1], rectangles[f], ratio)
            ux = along * term[0] + up * term[3]
            uy = along * term[1] + up * term[4]
            found[j, 0] += ux * sine_strike - uy * cosine_strike
            found[j, 1] += ux * cosine_strike + uy * sine_strike
            found[j, 2] += along * term[2] + up * term[5]


@njit(cache=True, error_model="numpy")
def lift_at(x, y, rectangle, ratio):
    """The displacement up [m] at a place ``x``, ``y`` [m] by a ``rectangle``, a row of `displace`."""
    term = between_corners(x, y, rectangle, ratio)
    return -0.5 / math.pi * (rectangle[9] * term[2] + rectangle[10] * term[5])


@njit(cache=True, error_model="numpy")
def mean_lifts(corners, points, shares, rectangles, ratio, far, found):
    """Add to ``found`` (cells,) the mean displacement up [m] of triangles with ``corners`` (cells, 3, 2) [m] by ``rectangles``.

    ``points`` (P, 3) are barycentric coordinates, the first of them the centroid, ``shares`` (P,) their weights. A cell more than ``far``
    of its sizes away from a rectangle takes the displacement at its centroid for its mean.
    """
    for c in range(len(corners)):
        (ax, ay), (bx, by), (cx, cy) = corners[c]
        size = math.sqrt(max((bx - ax) ** 2 + (by - ay) ** 2, (cx - ax) ** 2 + (cy - ay) ** 2))
        x, y = (ax + bx + cx) / 3.0, (ay + by + cy) / 3.0
        for f in range(len(rectangles)):
            x0, y0, sine_strike, cosine_strike, _, cosine, _, length, width, _, _ = rectangles[f]
            half, across = 0.5 * length, 0.5 * width * cosine
            away_x = x - (x0 + half * sine_strike - across * cosine_strike)
            away_y = y - (y0 + half * cosine_strike + across * sine_strike)
            first = lift_at(x, y, rectangles[f], ratio)
            change = 0.0
            if math.sqrt(away_x * away_x + away_y * away_y) < math.sqrt(half * half + across * across) + far * size:
                for i in range(1, len(points)):
                    u, v, w = points[i]
                    value = lift_at(u * ax + v * bx + w * cx, u * ay + v * by + w * cy, rectangles[f], ratio)
                    change += shares[i] * (value - first)
            found[c] += first + change


@njit(cache=True, error_model="numpy")
def lift(cells, shapes, weights, quantum, before, datum, bed, heights, uplift):
    """Set the height of the bed of ``cells`` (L,): ``before`` (L,) and the sum of ``shapes`` (K, L) by ``weights`` (K,).

    The sum is rounded to whole multiples of ``quantum`` [m]. ``heights`` are those of ``bed`` above ``datum`` [m].
    """
    for j in range(len(cells)):
        rise = 0.0
        for k in range(len(weights)):
            if weights[k] != 0.0:
                rise += weights[k] * shapes[k, j]
        rise = np.rint(rise / quantum) * quantum
        uplift[cells[j]] = rise
        heights[cells[j]] = before[j] + rise
        bed[cells[j]] = before[j] + rise + datum


@njit(cache=True, error_model="numpy")
def tilt(cells, shapes, weights, quantum, before, changes):
    """Do as `lift` for the ``changes`` (cells, 3) of the bed from the cells to the middles of their edges."""
    for j in range(len(cells)):
        for i in range(3):
            rise = 0.0
            for k in range(len(weights)):
                if weights[k] != 0.0:
                    rise += weights[k] * shapes[k, j, i]
            changes[cells[j], i] = before[j, i] + np.rint(rise / quantum) * quantum
