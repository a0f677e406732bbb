"""Axes of maps: in metres, or on the sphere in longitudes and latitudes, wherever the map's own places are."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from pipeline.drawing.whole_globe import DEGREES, draw_graticule, middle_of, on_disc

Array = np.ndarray[Any, np.dtype[Any]]

STEPS = [1, 1.5, 2, 3, 5, 6, 10]  # of round degrees
CLOSE = 1e-6  # degrees of round-off
MOST = 4  # ticks along an axis


def label_axes(axis: Any, mesh: Mapping[str, Array], *, x: bool = True, y: bool = True) -> None:
    """Label the axes of a map of ``mesh``, ``x`` and ``y`` or one of them; on the sphere ticks stand at round degrees.

    The whole globe has meridians and parallels in place of axes.
    """
    if DEGREES[0] not in mesh:
        if x:
            axis.set_xlabel("x [m]")
        if y:
            axis.set_ylabel("y [m]")
        return
    middle = middle_of(mesh)
    if middle:
        draw_graticule(axis, middle)
        return
    for side, asked, name, letters in ((axis.xaxis, x, 0, "EW"), (axis.yaxis, y, 1, "NS")):
        degrees, places = mesh[DEGREES[name]], mesh["node_x" if name == 0 else "node_y"]
        ticks = MaxNLocator(MOST, steps=STEPS).tick_values(degrees.min(), degrees.max())
        ticks = ticks[(ticks > degrees.min() - CLOSE) & (ticks < degrees.max() + CLOSE)]
        side.set_major_locator(FixedLocator(_interpolated(ticks, degrees, places).tolist()))
        side.set_major_formatter(FixedFormatter([_said(tick, letters) for tick in ticks]))
        if asked:
            side.set_label_text("longitude" if name == 0 else "latitude")


def on_map(place: tuple[float, ...], mesh: Mapping[str, Array]) -> tuple[float, float]:
    """The place on the map of a gauge at ``place``, which is in degrees on the sphere."""
    if DEGREES[0] not in mesh:
        return place[0], place[1]
    middle = middle_of(mesh)
    if middle:
        east, north = on_disc(np.array([place[0]]), np.array([place[1]]), middle)
        return float(east[0]), float(north[0])
    lowest = float(mesh[DEGREES[0]].min())
    turned = lowest + (place[0] - lowest) % 360.0
    x, y = (
        _interpolated(np.array([value]), mesh[name], mesh[node])[0]
        for value, name, node in ((turned, DEGREES[0], "node_x"), (place[1], DEGREES[1], "node_y"))
    )
    return float(x), float(y)


def _interpolated(values: Array, degrees: Array, places: Array) -> Array:
    """Places [m] of ``values`` [degrees] along an axis."""
    known, first = np.unique(degrees, return_index=True)
    found: Array = np.interp(values, known, places[first])
    return found


def _said(degrees: float, letters: str) -> str:
    """An angle as maps say it, such as 150°E."""
    within = (degrees + 180.0) % 360.0 - 180.0 if letters == "EW" else degrees
    letter = "" if within in (0.0, -180.0, 180.0) else letters[int(within < 0.0)]
    return f"{abs(within):g}°{letter}"
