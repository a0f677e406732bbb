"""The course of a rupture that spreads evenly from a hypocentre."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from meshes.core.chart import Chart
from meshes.core.mercator import away, check_degrees, toward
from solvers.tsunami.source.core.rectangles import Rectangle

Array = np.ndarray[Any, np.dtype[Any]]


def rupture_times(faults: Sequence[Rectangle], hypocentre: tuple[float, float, float], velocity: float, chart: Chart | None) -> Array:
    """Times (faults,) [s] at which a rupture reaches their middles, at ``velocity`` [m/s] from ``hypocentre``, a place and a depth [m].

    With the ``chart`` of a mesh on the sphere places are longitudes and latitudes, and distances are those along great circles.
    `InputError` where they are none.
    """
    x, y, depth = hypocentre
    middles = np.array([one.at(0.5, 0.5) for one in faults])
    if chart:
        check_degrees(x, y)
        centres = [(one.x, one.y) for one in faults]
        middles = np.stack([toward(centre, middle - centre) for centre, middle in zip(centres, middles, strict=True)])
        distances = np.hypot(*away((x, y), middles).T)
    else:
        distances = np.hypot(*(middles - [x, y]).T)
    depths = np.array([one.middle_depth for one in faults])
    return np.asarray(np.hypot(distances, depths - depth) / velocity)
