"""Maps of the whole globe, drawn with equal areas about a place: Lambert's azimuthal map, a disc whose rim is the place opposite.

J. P. Snyder, Map Projections: A Working Manual, USGS Professional Paper 1395, 1987, DOI 10.3133/pp1395, eqs. (24-2) to (24-4).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

DEGREES = ("node_longitude", "node_latitude")  # UGRID names of what a map on the sphere needs beside its nodes
EVEN = 1e-6  # [degrees] by which longitudes on Mercator's map rise unevenly with x: round-off
BETWEEN_LINES = 30.0  # [degrees] of the graticule


def middle_of(mesh: Mapping[str, Array]) -> tuple[float, float] | None:
    """Longitude and latitude [degrees] of the middle of a mesh on the stereographic map; None of another on the sphere, or on a plane.

    On that map (1 - cos a) / (1 + cos a) = s r^2, with the angle a and the distance r from the middle, and a scale s. With the unit
    vectors p of all nodes and m of the middle, that is p.m + r^2 s + r^2 p.(s m) = 1: linear in m, s and s m.
    """
    if DEGREES[0] not in mesh:
        return None
    longitude, x = mesh[DEGREES[0]], mesh["node_x"]
    west, east = int(np.argmin(x)), int(np.argmax(x))
    rise = (longitude[east] - longitude[west]) / (x[east] - x[west])
    if np.abs(longitude - longitude[west] - rise * (x - x[west])).max() < EVEN:
        return None
    towards = _directions(longitude, mesh[DEGREES[1]])
    square = x**2 + mesh["node_y"] ** 2
    square = square[:, None] / np.median(square)
    weight = 1.0 / (1.0 + square)
    rows = np.concatenate([towards, square, square * towards], axis=1)
    found = np.linalg.lstsq(rows * weight, weight[:, 0], rcond=None)[0]
    a, b, c = found[:3]
    return float(np.degrees(np.arctan2(b, a))), float(np.degrees(np.arctan2(c, np.hypot(a, b))))


def on_disc(longitude: Array, latitude: Array, middle: tuple[float, float]) -> tuple[Array, Array]:
    """Places x and y (N,) on the disc of radius 2 about ``middle`` of longitudes and latitudes (N,), all in degrees."""
    towards = _directions(longitude, latitude)
    up = _directions(*np.array(middle)[:, None])[0]
    turned = np.radians(middle[0])
    east = np.array([-np.sin(turned), np.cos(turned), 0.0])
    scale = np.sqrt(2.0 / np.maximum(1.0 + towards @ up, 1e-12))
    return scale * (towards @ east), scale * (towards @ np.cross(up, east))


def draw_graticule(axis: Any, middle: tuple[float, float]) -> None:
    """Draw meridians and parallels on the disc about ``middle`` [degrees]."""
    round_, up = np.linspace(-180.0, 180.0, 361), np.linspace(-90.0, 90.0, 181)
    lines = [(round_, np.full_like(round_, latitude)) for latitude in np.arange(-90.0 + BETWEEN_LINES, 90.0, BETWEEN_LINES)]
    lines += [(np.full_like(up, longitude), up) for longitude in np.arange(-180.0, 180.0, BETWEEN_LINES)]
    for longitude, latitude in lines:
        x, y = on_disc(longitude, latitude, middle)
        far = np.hypot(np.diff(x, prepend=x[0]), np.diff(y, prepend=y[0])) > 0.5  # round the place opposite
        axis.plot(np.where(far, np.nan, x), np.where(far, np.nan, y), color="black", linewidth=0.3, alpha=0.4)
    axis.set(xticks=[], yticks=[], frame_on=False)


def _directions(longitude: Array, latitude: Array) -> Array:
    """Unit vectors (N, 3) from the sphere's centre to longitudes and latitudes (N,) [degrees]."""
    east, north = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=-1)
