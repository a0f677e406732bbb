"""Travel times of long waves on the globe: |grad T| = 1 / sqrt(g h), by fast sweeping.

H. Zhao, Math. Comp. 74 (2005) 603-627, DOI 10.1090/S0025-5718-04-01678-3: Godunov's differences of first order, swept in the four
directions until nothing changes.
"""

import math

import numpy as np
from numba import njit

from meshes.core.mercator import RADIUS

G = 9.81  # [m/s2]


def travel_times(longitudes, latitudes, depths, begins):
    """Times (N, M) [s] on even ``latitudes`` (N,) and ``longitudes`` (M,) [degrees], inf on land and where no wave comes.

    ``depths`` (N, M) [m] are positive in the sea; the wave is at t = 0 where ``begins`` (N, M).
    """
    wet = depths > 0.0
    slowness = np.where(wet, 1.0 / np.sqrt(G * np.maximum(depths, 1e-3)), np.inf)
    times = np.where(begins & wet, 0.0, np.inf)
    north = RADIUS * math.radians(latitudes[1] - latitudes[0])
    east = RADIUS * math.radians(longitudes[1] - longitudes[0]) * np.cos(np.radians(latitudes))
    while sweep(times, slowness, east, north) > 1e-3:
        pass
    return times


@njit(cache=True)
def sweep(times, slowness, east, north):  # pragma: no cover
    """Sweep ``times`` [s] in all four directions; the largest change [s] of a time that there was, inf where one is new."""
    rows, columns = times.shape
    largest = 0.0
    for lap in range(4):
        for step_j in range(rows):
            j = step_j if lap % 2 == 0 else rows - 1 - step_j
            for step_i in range(columns):
                i = step_i if lap < 2 else columns - 1 - step_i
                s = slowness[j, i]
                if not s < np.inf:
                    continue
                x = min(times[j, i - 1] if i > 0 else np.inf, times[j, i + 1] if i + 1 < columns else np.inf)
                y = min(times[j - 1, i] if j > 0 else np.inf, times[j + 1, i] if j + 1 < rows else np.inf)
                if x == np.inf and y == np.inf:
                    continue
                a, b = east[j], north
                found = min(x + a * s, y + b * s)
                if x < np.inf and y < np.inf:
                    # ((t - x) / a)^2 + ((t - y) / b)^2 = s^2
                    u, v = 1.0 / (a * a), 1.0 / (b * b)
                    half = u * x + v * y
                    root = half * half - (u + v) * (u * x * x + v * y * y - s * s)
                    if root >= 0.0:
                        both = (half + math.sqrt(root)) / (u + v)
                        if both >= x and both >= y:
                            found = min(found, both)
                if found < times[j, i]:
                    largest = max(largest, times[j, i] - found)
                    times[j, i] = found
    return largest
